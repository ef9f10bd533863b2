//! One plain driver of the contract, for small programs: sockets, the clock, one session.
//!
//! The state machines of this workspace know neither. [`Driver`] gives a [`Session`] both, and
//! shows the whole contract in one loop ([`Driver::next`]): send what it wants sent, take what it
//! tells, wait for a datagram or for its time, hand that in, begin again.
//!
//! ```no_run
//! # use examples::driver::{Driver, News};
//! # use examples::session::Event;
//! # async fn run(mut driver: Driver, hello: Vec<u8>) -> std::io::Result<()> {
//! loop {
//!     match driver.next().await? {
//!         News::Event(Event::Connected { .. }) => {
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

mod sockets;

use std::io;
use std::time::Instant;

use bytes::BytesMut;
use ice_agent::{Candidate, Credentials, HEADROOM, Received, RemoteError, RestartError};

use crate::session::{Event, Handled, LocalIce, SendError, Session, TAILROOM};
pub use sockets::Sockets;

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
    inbox: Box<[u8]>,
    out: BytesMut,
}

impl Driver {
    /// Drives a session over the sockets that its ICE agent was told of.
    #[must_use]
    pub fn new(session: Session, sockets: Sockets) -> Self {
        Self {
            session,
            sockets,
            inbox: vec![0; DATAGRAM_MAX].into_boxed_slice(),
            out: BytesMut::new(),
        }
    }

    /// Runs the session until it has something to say. Nothing is lost when the future is dropped,
    /// so it may stand in a `select!`. Nothing comes after [`Event::Failed`].
    ///
    /// # Errors
    /// When a socket fails, which leaves nothing to go on with.
    pub async fn next(&mut self) -> io::Result<News> {
        loop {
            self.flush();
            if let Some(event) = self.session.poll_event() {
                return Ok(News::Event(event));
            }
            let deadline = self.session.poll_timeout();
            tokio::select! {
                received = self.sockets.receive(&mut self.inbox) => {
                    let (path, len) = received?;
                    let data = self.inbox.get_mut(..len).unwrap_or_default();
                    let rx = Received { path, data };
                    match self.session.handle_datagram(now(), rx) {
                        Handled::Rtp(range) => return Ok(News::Rtp(copy(&self.inbox, range))),
                        Handled::Rtcp(range) => return Ok(News::Rtcp(copy(&self.inbox, range))),
                        Handled::Consumed | Handled::Dropped | Handled::NotMine => {}
                    }
                }
                () = sleep_until(deadline) => self.session.handle_timeout(now()),
            }
        }
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
        let datagram = self.out.get(transmit.range).unwrap_or_default();
        self.sockets.send(&transmit.path, datagram);
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
            let datagram = self.out.get(transmit.range).unwrap_or_default();
            self.sockets.send(&transmit.path, datagram);
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

/// Without a deadline, for ever.
async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}

fn copy(buffer: &[u8], range: std::ops::Range<usize>) -> Vec<u8> {
    buffer.get(range).unwrap_or_default().to_vec()
}
