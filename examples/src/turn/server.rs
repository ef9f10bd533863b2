//! The server as the rest of a program sees it.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::BytesMut;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::fd::{AsFd, OwnedFd};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::sync::{mpsc, oneshot};
use turn_relay::server::{ConfigError, Credentials, Event, LookupId, Relay, Secret};
use turn_relay::{SocketId, Transport};

use super::complaints::Complaints;
use super::config::RelayAddress;
use super::connections::{Connections, Limits};
use super::counters::{Work, WorkerStats};
use super::handover::Handover;
use super::hub::{Counts, Hub};
use super::listeners::Listeners;
use super::mailbox::{Command, Inbox, Mailbox, mailbox};
use super::names;
use super::options::{Listen, Options};
use super::outbox::Outbox;
use super::relays::Relays;
use super::tls::Certificate;
use super::worker::{Worker, now};

/// What a worker's machine tells.
#[derive(Debug)]
pub struct Report {
    /// Which worker.
    pub worker: usize,
    /// What. Sockets are opened and closed by the worker itself.
    pub event: Event,
}

/// Why a server cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A listener cannot be bound.
    #[error("cannot listen on {} {}: {source}", .listen.transport, .listen.address)]
    Listen {
        /// Which one.
        listen: Listen,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// No socket can be opened at an address that is to relay.
    #[error("relay-address: {address}: {source}")]
    Relay {
        /// Which one.
        address: IpAddr,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// A listener on all addresses: see [`Listen::address`].
    #[error("{0} is not one address to listen on")]
    Unspecified(SocketAddr),
    /// A TLS listener without a certificate.
    #[error("a TLS listener needs a certificate")]
    NoCertificate,
    /// No or too many workers.
    #[error("{0} workers, and there can be 1 to 255")]
    Workers(usize),
    /// The certificate is unfit.
    #[error("TLS: {0}")]
    Tls(#[from] rustls::Error),
    /// The machine takes no such configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The system has no more threads, files or randomness.
    #[error("cannot start a worker: {0}")]
    System(#[from] io::Error),
}

/// A running server. It stops when this is dropped.
#[derive(Debug)]
pub struct Server {
    workers: Vec<Handle>,
    listening: Vec<Listen>,
    relays: Vec<RelayAddress>,
}

struct Handle {
    mailbox: Mailbox,
    thread: Option<JoinHandle<()>>,
}

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Handle")
    }
}

impl Server {
    /// Binds the listeners and starts the workers. What they tell goes to `reports`; what nobody takes
    /// in time is lost and counted.
    ///
    /// # Errors
    /// [`StartError`]; nothing runs then.
    pub fn start(options: Options, reports: &mpsc::Sender<Report>) -> Result<Self, StartError> {
        let count = u8::try_from(options.workers).unwrap_or(0);
        if count == 0 {
            return Err(StartError::Workers(options.workers));
        }
        let mut listening = options.listen.clone();
        check(&listening, &options)?;
        try_relays(&options.relays)?;
        Listeners::probe(&listening)?;
        allow_open_files();
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(io::Error::other)?;
        let mut ends = Vec::new();
        for _ in 0..count {
            // All of them before a thread runs: what fails must fail here.
            let listeners = Listeners::bind(&mut listening, options.receive_buffer)?;
            ends.push((listeners, mailbox()?));
        }
        let mailboxes: Vec<Mailbox> = ends.iter().map(|(_, ends)| ends.0.clone()).collect();
        let began = now();
        let mut workers = Vec::new();
        for (index, (listeners, (_, inbox))) in (0..count).zip(ends) {
            let config = options.relaying.clone().with_worker(index, count);
            let config = listening.iter().fold(config, |config, listen| {
                config.with_listener(listen.address)
            });
            let relay = Relay::new(began, config, seed)?;
            let handover = Handover::new(mailboxes.clone());
            let reports = reports.clone();
            workers.push(worker(
                index, &options, relay, listeners, inbox, handover, reports,
            )?);
        }
        let mut server = Self {
            workers: Vec::new(),
            listening,
            relays: options.relays,
        };
        for ((index, worker), mailbox) in workers.into_iter().enumerate().zip(mailboxes) {
            let thread = std::thread::Builder::new()
                .name(format!("turn-{index}"))
                .spawn(move || {
                    if let Err(error) = worker.run() {
                        tracing::error!(worker = index, %error, "a worker has ended");
                    }
                })?;
            server.workers.push(Handle {
                mailbox,
                thread: Some(thread),
            });
        }
        Ok(server)
    }

    /// Where clients come, with the ports that the system has chosen where port 0 was asked for.
    #[must_use]
    pub fn listening(&self) -> &[Listen] {
        &self.listening
    }

    /// Where peers see the clients, as the [options](Options::relays) said.
    #[must_use]
    pub fn relays(&self) -> &[RelayAddress] {
        &self.relays
    }

    /// Answers a question to the program's store ([`Event::Lookup`]): what proves the user, or `None` if
    /// there is none of this name.
    pub fn answer(&self, worker: usize, id: LookupId, secret: Option<Secret>) {
        if let Some(worker) = self.workers.get(worker) {
            worker.mailbox.put(Command::Credentials { id, secret });
        }
    }

    /// Ends what a user has, and lets him have no more.
    pub fn revoke(&self, user: &str) {
        let user: Arc<str> = user.into();
        self.tell(|| Command::Revoke(Arc::clone(&user)));
    }

    /// Takes other users from now on. What users have who are not among them stays until they are
    /// [revoked](Self::revoke) or it expires.
    pub fn set_credentials(&self, credentials: &Credentials) {
        self.tell(|| Command::SetCredentials(Box::new(credentials.clone())));
    }

    /// Takes no new allocations, sends clients elsewhere if there is somewhere to go, and ends the old
    /// ones when the time is over. [`Event::Drained`] tells for each worker when it has none left.
    pub fn drain(&self, time: Duration, alternate: Option<SocketAddr>) {
        let until = now() + time;
        self.tell(|| Command::Drain { until, alternate });
    }

    fn tell(&self, command: impl Fn() -> Command) {
        for worker in &self.workers {
            worker.mailbox.put(command());
        }
    }

    /// What each worker has counted, as of now.
    pub async fn stats(&self) -> Vec<WorkerStats> {
        let mut answers = Vec::new();
        for worker in &self.workers {
            let (asker, answer) = oneshot::channel();
            worker.mailbox.put(Command::Stats(asker));
            answers.push(answer);
        }
        let mut stats = Vec::new();
        for answer in answers {
            stats.extend(answer.await.ok());
        }
        stats
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.tell(|| Command::Stop);
        for worker in &mut self.workers {
            if let Some(thread) = worker.thread.take() {
                let _ = thread.join();
            }
        }
    }
}

/// Each allocation and each connection is an open file. Systems let a program have few of them unless it
/// asks for more, up to a limit that is the operator's.
fn allow_open_files() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current == maximum {
        return;
    }
    let most = Rlimit {
        current: maximum,
        maximum,
    };
    if let Err(error) = setrlimit(Resource::Nofile, most) {
        tracing::warn!(%error, ?current, "the limit of open files cannot be raised");
    }
}

/// Looks whether sockets can be opened at the addresses that relay. Which port is of no matter: those
/// that a running server has are in nobody's way.
pub(super) fn try_relays(relays: &[RelayAddress]) -> Result<(), StartError> {
    for relay in relays {
        let address = relay.local;
        let failed = |source| StartError::Relay { address, source };
        UdpSocket::bind((address, 0)).map_err(failed)?;
    }
    Ok(())
}

fn check(listening: &[Listen], options: &Options) -> Result<(), StartError> {
    for listen in listening {
        if listen.address.ip().is_unspecified() {
            return Err(StartError::Unspecified(listen.address));
        }
        if listen.transport == Transport::Tls && options.certificate.is_none() {
            return Err(StartError::NoCertificate);
        }
    }
    Ok(())
}

/// A worker with everything it has, ready to run.
fn worker(
    index: u8,
    options: &Options,
    relay: Relay,
    listeners: Listeners,
    inbox: Inbox,
    handover: Handover,
    reports: mpsc::Sender<Report>,
) -> Result<Worker, StartError> {
    let epoll = Arc::new(epoll::create(CreateFlags::CLOEXEC).map_err(io::Error::from)?);
    watch(&epoll, &inbox.bell, names::MAILBOX)?;
    for (index, listener) in listeners.datagrams.iter().enumerate() {
        watch(&epoll, &listener.socket, names::datagrams(index))?;
    }
    for (index, listener) in listeners.streams.iter().enumerate() {
        watch(&epoll, &listener.socket, names::streams(index))?;
    }
    let limits = Limits {
        all: options.connections,
        each_address: options.connections_per_address,
    };
    let hub = Hub {
        worker: index.into(),
        relay,
        datagrams: listeners.datagrams,
        relays: Relays::new(options.ports.clone(), index.into(), options.workers),
        connections: Connections::new(Arc::clone(&epoll), limits),
        epoll,
        outbox: Outbox::new(),
        handover,
        reports,
        out: BytesMut::new(),
        counts: Counts::default(),
        complaints: Complaints::default(),
        work: Work::default(),
    };
    let certificate = options.certificate.as_ref();
    Ok(Worker {
        hub,
        streams: listeners.streams,
        tls: certificate.map(Certificate::server_config).transpose()?,
        inbox,
        gather: options.gather,
    })
}

fn watch(epoll: &OwnedFd, socket: impl AsFd, id: SocketId) -> io::Result<()> {
    let data = EventData::new_u64(id.0);
    Ok(epoll::add(epoll, socket, data, EventFlags::IN)?)
}
