//! The handle to all workers.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc as thread_mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use ice_agent::{Candidate, RestartError, SocketId};
use mio::{Poll, Waker};
use tokio::sync::{mpsc, oneshot};

use super::ports::{Ports, Purpose, WAKER};
use super::sockets::{NoPort, PortPair, bind_one, bind_pair};
use super::worker::Worker;
use super::{CallKey, Command, NewCall, Totals};
use crate::bridge::{self, Bridge, PhoneMedia, Stats};
use crate::session::{LocalIce, RemoteIce};

/// Events of a call that may wait for its owner. A call has a handful in its life.
const EVENTS: usize = 32;

/// Where media runs.
#[derive(Debug, Clone)]
pub struct MediaConfig {
    /// The addresses that browsers are told.
    pub addresses: Vec<IpAddr>,
    /// The ports of browsers' and phones' media.
    pub ports: RangeInclusive<u16>,
    /// Threads, at least one.
    pub workers: usize,
    /// The least time from one turn of a worker to the next, in which packets are gathered:
    /// [`GATHER`], or nothing.
    pub gather: Duration,
}

/// How long arrivals are gathered. With what the kernel adds to a sleep it is less than 1 ms.
pub const GATHER: Duration = Duration::from_micros(900);

/// Why media could not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MediaError {
    /// No port for the browsers' media.
    #[error(transparent)]
    Port(#[from] NoPort),
    /// The system refused a poll, a thread or a socket option.
    #[error("media worker: {0}")]
    System(#[from] io::Error),
}

/// A place on a worker: its browser ports, for the ICE agent.
#[derive(Debug, Clone)]
pub struct Seat {
    worker: usize,
    /// The sockets that the agent may name in paths, and their addresses.
    pub hosts: Arc<[(SocketId, SocketAddr)]>,
}

/// A call on a worker.
#[derive(Debug, Clone, Copy)]
pub struct Placed {
    worker: usize,
    key: CallKey,
}

/// All workers. Dropping it ends them.
#[derive(Debug)]
pub struct Pool {
    handles: Vec<Handle>,
    ports: RangeInclusive<u16>,
    next_key: AtomicU64,
}

#[derive(Debug)]
struct Handle {
    running: Mutex<Option<Running>>,
    waker: Waker,
    hosts: Arc<[(SocketId, SocketAddr)]>,
    calls: AtomicUsize,
}

/// A thread, and the way to it. Dropping `commands` tells it to stop.
#[derive(Debug)]
struct Running {
    commands: thread_mpsc::Sender<Command>,
    thread: JoinHandle<()>,
}

impl Pool {
    /// Binds the browser ports and starts the threads.
    ///
    /// # Errors
    /// See [`MediaError`].
    pub fn start(config: &MediaConfig) -> Result<Self, MediaError> {
        let handles = (0..config.workers.max(1)).map(|index| Handle::start(index, config));
        let handles = handles.collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            handles,
            ports: config.ports.clone(),
            next_key: AtomicU64::new(1),
        })
    }

    /// A place on the worker with the fewest calls. `None` if no worker runs any more.
    #[must_use]
    pub fn place(&self) -> Option<Seat> {
        let running = self.handles.iter().enumerate();
        let running = running.filter(|(_, handle)| handle.is_running());
        let (worker, handle) =
            running.min_by_key(|(_, handle)| handle.calls.load(Ordering::Relaxed))?;
        let hosts = handle.hosts.clone();
        Some(Seat { worker, hosts })
    }

    /// Where browsers' media arrives, at all workers.
    #[must_use]
    pub fn browser_addresses(&self) -> Vec<SocketAddr> {
        let hosts = self.handles.iter().flat_map(|handle| handle.hosts.iter());
        hosts.map(|(_, address)| *address).collect()
    }

    /// The ports of a phone leg, on the address that the phone side is to be told.
    ///
    /// # Errors
    /// [`NoPort`] when the range is full.
    pub fn open_phone(&self, ip: IpAddr) -> Result<PortPair, NoPort> {
        bind_pair(ip, &self.ports)
    }

    /// Hands a call to its worker. Its events arrive at the receiver, which closes when the call
    /// is gone.
    pub fn add(
        &self,
        seat: &Seat,
        ufrag: String,
        bridge: Bridge,
        phone: PortPair,
    ) -> (Placed, mpsc::Receiver<bridge::Event>) {
        let key = CallKey(self.next_key.fetch_add(1, Ordering::Relaxed));
        let (events, receiver) = mpsc::channel(EVENTS);
        let placed = Placed {
            worker: seat.worker,
            key,
        };
        if let Some(handle) = self.handles.get(seat.worker) {
            handle.calls.fetch_add(1, Ordering::Relaxed);
        }
        self.send(
            placed,
            Command::Add(Box::new(NewCall {
                key,
                ufrag,
                bridge,
                phone,
                events,
            })),
        );
        (placed, receiver)
    }

    /// Tells where the phone takes media. Returns when the worker knows it, so that whoever is
    /// told afterwards that the phone was picked up may speak at once.
    pub async fn set_phone(&self, call: Placed, media: PhoneMedia) {
        let key = call.key;
        let (known, answer) = oneshot::channel();
        self.send(call, Command::Phone { key, media, known });
        // A worker that has ended closes the call's events, too.
        let _ = answer.await;
    }

    /// Adds the browser's late candidates.
    pub fn add_candidates(&self, call: Placed, candidates: Vec<Candidate>, end: bool) {
        self.send(
            call,
            Command::Candidates {
                key: call.key,
                candidates,
                end,
            },
        );
    }

    /// What has passed a call so far. `None` if it is over.
    pub async fn stats(&self, call: Placed) -> Option<Stats> {
        let (stats, answer) = oneshot::channel();
        let key = call.key;
        self.send(call, Command::Stats { key, stats });
        answer.await.ok().flatten()
    }

    /// What has passed all workers since they started, ended calls included.
    pub async fn totals(&self) -> Totals {
        let mut sum = Totals::default();
        for handle in &self.handles {
            let (totals, answer) = oneshot::channel();
            handle.send(Command::Totals(totals));
            // A worker that has ended has nothing to say any more.
            sum += answer.await.unwrap_or_default();
        }
        sum
    }

    /// Restarts ICE with the browser's new credentials. Answers what the browser is to be told.
    ///
    /// # Errors
    /// When the credentials are not new, or the call has no media any more.
    pub async fn restart(&self, call: Placed, remote: RemoteIce) -> Result<LocalIce, RestartError> {
        let key = call.key;
        let (local, answer) = oneshot::channel();
        self.send(call, Command::Restart { key, remote, local });
        answer.await.unwrap_or(Err(RestartError::Finished))
    }

    /// Ends a call's media and answers what passed.
    pub async fn remove(&self, call: Placed) -> Stats {
        let (stats, answer) = oneshot::channel();
        self.send(
            call,
            Command::Remove {
                key: call.key,
                stats,
            },
        );
        if let Some(handle) = self.handles.get(call.worker) {
            handle.calls.fetch_sub(1, Ordering::Relaxed);
        }
        answer.await.unwrap_or_default()
    }

    /// Ends all calls and waits for the threads.
    pub fn stop(&self) {
        self.handles.iter().for_each(Handle::stop);
    }

    fn send(&self, call: Placed, command: Command) {
        if let Some(handle) = self.handles.get(call.worker) {
            handle.send(command);
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Handle {
    fn start(index: usize, config: &MediaConfig) -> Result<Self, MediaError> {
        let poll = Poll::new()?;
        let waker = Waker::new(poll.registry(), WAKER)?;
        let mut ports = Ports::new(poll.registry().try_clone()?);
        let mut hosts = Vec::new();
        for ip in &config.addresses {
            let socket = bind_one(*ip, &config.ports)?;
            let token = ports.add(socket, Purpose::Browsers)?;
            hosts.extend(ports.port(token).map(|port| (port.id, port.local)));
        }
        let (commands, receiver) = thread_mpsc::channel();
        let worker = Worker {
            poll,
            commands: receiver,
            ports,
            gather: config.gather,
        };
        let thread = std::thread::Builder::new()
            .name(format!("media-{index}"))
            .spawn(move || {
                if let Err(error) = worker.run() {
                    tracing::error!(index, "media worker ended: {error}");
                }
            })?;
        Ok(Self {
            running: Mutex::new(Some(Running { commands, thread })),
            waker,
            hosts: hosts.into(),
            calls: AtomicUsize::new(0),
        })
    }

    fn running(&self) -> MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_running(&self) -> bool {
        let running = self.running();
        running
            .as_ref()
            .is_some_and(|running| !running.thread.is_finished())
    }

    /// A worker that has ended takes no commands, and needs none.
    fn send(&self, command: Command) {
        if let Some(running) = self.running().as_ref()
            && running.commands.send(command).is_ok()
        {
            let _ = self.waker.wake();
        }
    }

    fn stop(&self) {
        let Some(Running { commands, thread }) = self.running().take() else {
            return;
        };
        drop(commands);
        let _ = self.waker.wake();
        // A worker that panicked has said so.
        let _ = thread.join();
    }
}
