//! One plain driver of the contract, for small programs: sockets, the clock, one session.
//!
//! The state machines of this workspace know neither. [`Driver`] gives a [`Session`] both, and
//! shows the whole contract in one loop ([`Driver::next`]): send what it wants sent, take what it
//! tells, wait for a datagram or for its time, hand that in, begin again. It opens the UDP sockets
//! and connections that the session asks for ([`Sockets`], [`Connections`]), TLS where somebody is
//! trusted ([`Trust`]). [`Ice`] does the same for an ICE agent alone, [`Relayed`] for one TURN allocation.
//!
//! ```no_run
//! # use examples::driver::{Driver, News};
//! # use examples::session::Event;
//! # async fn run(mut driver: Driver, hello: Vec<u8>) -> std::io::Result<()> {
//! loop {
//!     match driver.next().await? {
//!         News::Event(Event::Connected(_)) => {
//!             driver.send_rtp(&hello).map_err(std::io::Error::other)?;
//!         }
//!         News::Event(Event::Failed(failure)) => return Err(std::io::Error::other(failure)),
//!         News::Rtp(packet) => println!("heard {} bytes", packet.len()),
//!         _ => {}
//!     }
//! }
//! # }
//! ```
//!
//! The gateway has another driver ([`crate::media`]), for thousands of sessions.

mod connections;
mod ice;
mod listeners;
mod relayed;
mod sockets;
mod tls;

use std::io;
use std::net::SocketAddr;
use std::time::Instant;

use bytes::BytesMut;
use ice_agent::{
    AddHostError, Candidate, Close, Credentials, HEADROOM, Local, Open, OpenError, Path, Received,
    RemoteError, RestartError, SocketId, Transport, Wanted,
};

use crate::session::{Event, Handled, LocalIce, SendError, Session, TAILROOM};
pub use connections::{Connections, Incoming};
pub use ice::{Ice, IceNews};
pub use relayed::{Relayed, RelayedNews};
pub use sockets::Sockets;
pub use tls::Trust;

/// The largest datagram taken whole, in bytes. Longer ones are no media, and fail when cut.
const DATAGRAM_MAX: usize = 2048;

/// What a driven session has to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// The session's own event.
    Event(Event),
    /// An RTP packet, decrypted.
    Rtp(Vec<u8>),
    /// A compound RTCP packet, decrypted.
    Rtcp(Vec<u8>),
}

/// A session with sockets and a clock.
///
/// It lives only while somebody waits in [`next`](Self::next): who stays away for seconds lets
/// checks, retransmissions and consent fall behind.
#[derive(Debug)]
pub struct Driver {
    session: Session,
    sockets: Sockets,
    connections: Connections,
    inbox: Box<[u8]>,
    out: BytesMut,
}

impl Driver {
    /// Drives a session over the sockets that its ICE agent was told of, and those that it asks for.
    #[must_use]
    pub fn new(session: Session, sockets: Sockets) -> Self {
        Self {
            session,
            sockets,
            connections: Connections::default(),
            inbox: vec![0; DATAGRAM_MAX].into_boxed_slice(),
            out: BytesMut::new(),
        }
    }

    /// Runs the session until it has something to say. Nothing is lost when the future is dropped,
    /// so it may stand in a `select!`. Nothing comes after [`Event::Failed`].
    ///
    /// # Errors
    /// When the last socket fails, which leaves nothing to go on with.
    pub async fn next(&mut self) -> io::Result<News> {
        loop {
            self.flush();
            match self.session.poll_event() {
                Some(Event::Open(open)) => {
                    self.open(open);
                    continue;
                }
                Some(Event::Close(Close { id })) => {
                    self.sockets.close(id);
                    self.connections.close(id);
                    continue;
                }
                Some(event) => return Ok(News::Event(event)),
                None => {}
            }
            let deadline = self.session.poll_timeout();
            tokio::select! {
                received = self.sockets.receive(&mut self.inbox) => {
                    let (path, len) = match received {
                        Ok(received) => received,
                        Err((id, error)) => {
                            self.lose(id, error)?;
                            continue;
                        }
                    };
                    let data = self.inbox.get_mut(..len).unwrap_or_default();
                    if let Some(news) = take(&mut self.session, path, data) {
                        return Ok(news);
                    }
                }
                incoming = self.connections.next() => {
                    if let Some(news) = self.on_connection(incoming) {
                        return Ok(news);
                    }
                }
                () = sleep_until(deadline) => self.session.handle_timeout(now()),
            }
        }
    }

    /// Opens what the session asks for.
    fn open(&mut self, open: Open) {
        let id = open.id;
        match open_wanted(&mut self.sockets, &mut self.connections, open) {
            Ok(Some(local)) => self.session.handle_opened(now(), id, local),
            Ok(None) => {}
            Err(error) => self.session.handle_open_failed(now(), id, error),
        }
    }

    /// A socket has failed: the session may have others.
    fn lose(&mut self, id: SocketId, error: io::Error) -> io::Result<()> {
        self.sockets.close(id);
        if self.sockets.is_empty() {
            return Err(error);
        }
        self.session.handle_closed(now(), id);
        Ok(())
    }

    fn on_connection(&mut self, incoming: Incoming) -> Option<News> {
        let now = now();
        match incoming {
            Incoming::Opened { id, local } => self.session.handle_opened(now, id, local),
            Incoming::Failed { id, error } => self.session.handle_open_failed(now, id, error),
            Incoming::Closed { id } => self.session.handle_closed(now, id),
            Incoming::Accepted { path } => self.session.handle_accepted(now, path),
            Incoming::Frame { path, mut data } => {
                return take(&mut self.session, path, &mut data);
            }
        }
        None
    }

    /// Has a socket opened for the session's ICE; see [`Session::gather`].
    ///
    /// # Errors
    /// When the address is of no use, there are too many, or it is too late.
    pub fn gather(&mut self, local: Local) -> Result<SocketId, AddHostError> {
        self.session.gather(now(), local)
    }

    /// No further socket of this side will come.
    pub fn end_of_local_candidates(&mut self) {
        self.session.end_of_local_candidates(now());
    }

    /// Sends one RTP packet.
    ///
    /// # Errors
    /// See [`SendError`]; the packet is then lost.
    pub fn send_rtp(&mut self, packet: &[u8]) -> Result<(), SendError> {
        let range = HEADROOM..HEADROOM + packet.len();
        self.out.clear();
        self.out.resize(HEADROOM, 0);
        self.out.extend_from_slice(packet);
        self.out.resize(range.end + TAILROOM, 0);
        let transmit = self.session.send_rtp(now(), &mut self.out, range)?;
        let frame = self.out.get(transmit.range).unwrap_or_default();
        send(&self.sockets, &self.connections, &transmit.path, frame);
        Ok(())
    }

    /// Adds a candidate of the far side. What it causes happens in the next [`next`](Self::next).
    pub fn add_remote_candidate(&mut self, candidate: Candidate) {
        self.session.add_remote_candidate(now(), candidate);
    }

    /// The far side has no more candidates.
    pub fn end_of_remote_candidates(&mut self) {
        self.session.end_of_remote_candidates(now());
    }

    /// Restarts ICE over the same sockets. Answers what the far side is to be told; its own new
    /// credentials are `remote`, or follow by
    /// [`set_remote_credentials`](Self::set_remote_credentials).
    ///
    /// # Errors
    /// When the credentials are not new, or ICE has ended.
    pub fn restart_ice(&mut self, remote: Option<Credentials>) -> Result<LocalIce, RestartError> {
        self.session.restart_ice(now(), remote)
    }

    /// Tells the far side's credentials after a restart from this side.
    ///
    /// # Errors
    /// When they are not new, others were told before, or ICE has ended.
    pub fn set_remote_credentials(&mut self, remote: Credentials) -> Result<(), RemoteError> {
        self.session.set_remote_credentials(now(), remote)
    }

    /// Says goodbye to the far side and ends.
    pub fn close(mut self) {
        self.session.close(now());
        self.flush();
    }

    /// The session, to look at.
    #[must_use]
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Sends what the session wants sent.
    fn flush(&mut self) {
        self.out.clear();
        while let Some(transmit) = self.session.poll_transmit(&mut self.out) {
            let frame = self.out.get(transmit.range).unwrap_or_default();
            send(&self.sockets, &self.connections, &transmit.path, frame);
            self.out.clear();
        }
    }
}

/// The one place where the driver reads the clock; the session must be made with it as well.
#[must_use]
#[allow(clippy::disallowed_methods)] // a driver
pub fn now() -> Instant {
    Instant::now()
}

/// Opens what a state machine asks for: a socket has its address at once, a connection later.
fn open_wanted(
    sockets: &mut Sockets,
    connections: &mut Connections,
    open: Open,
) -> Result<Option<SocketAddr>, OpenError> {
    let Open { id, what } = open;
    match what {
        Wanted::Udp { local, port } => return sockets.open(id, local, port).map(Some),
        Wanted::Tcp { remote, framing } => connections.open(id, remote, framing),
        Wanted::Tls {
            remote,
            server_name,
            framing,
        } => connections.open_tls(id, remote, server_name, framing)?,
        Wanted::FramedTcpListener {
            local,
            port,
            framing,
        } => return connections.listen(id, local, port, framing).map(Some),
        _ => return Err(OpenError::Unsupported),
    }
    Ok(None)
}

fn send(sockets: &Sockets, connections: &Connections, path: &Path, frame: &[u8]) {
    match path.transport {
        Transport::Udp => sockets.send(path, frame),
        _ => connections.send(path, frame),
    }
}

/// Hands a frame to the session: media comes back decrypted in its place.
fn take(session: &mut Session, path: Path, data: &mut [u8]) -> Option<News> {
    let rx = Received {
        path,
        data: &mut *data,
    };
    match session.handle_datagram(now(), rx) {
        Handled::Rtp(range) => Some(News::Rtp(copy(data, range))),
        Handled::Rtcp(range) => Some(News::Rtcp(copy(data, range))),
        Handled::Consumed | Handled::Dropped | Handled::NotMine => None,
    }
}

/// Without a deadline, for ever.
pub(crate) async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}

fn copy(buffer: &[u8], range: std::ops::Range<usize>) -> Vec<u8> {
    buffer.get(range).unwrap_or_default().to_vec()
}
