//! One browser leg without a socket: ICE, DTLS and SRTP composed.
//!
//! A [`Session`] keeps the contract of the state machines it is made of. Every datagram goes
//! through [`Session::handle_datagram`]: ICE takes STUN and hands on only what came over a path
//! it has validated; the first octet then tells DTLS from SRTP (RFC 7983 §7). DTLS begins when
//! ICE has a path, its output leaves by that path, and once it is connected the exported keys
//! open the two SRTP contexts.
//!
//! After any input: drain [`poll_transmit`](Session::poll_transmit), then
//! [`poll_event`](Session::poll_event), then read [`poll_timeout`](Session::poll_timeout).

mod ice;
mod secure;

use std::collections::VecDeque;
use std::fmt;
use std::ops::{AddAssign, Range};
use std::str::FromStr;
use std::time::Instant;

use bytes::BytesMut;
use dtls_handshake::Fingerprint;
use ice_agent::{Agent, Candidate, Close, HEADROOM, Open, Received, Transmit};
use srtp::{ProtectError, Sender};
use zeroize::Zeroizing;

pub use ice::{LocalIce, RemoteIce};
use secure::{Change, Secure, Start};
pub use secure::{SecureFailure, Secured};

/// Bytes that a caller leaves free behind its RTP packet: the largest SRTP trailer, and what a relay
/// may need behind that.
pub const TAILROOM: usize = srtp::TRAILER_MAX + ice_agent::TAILROOM;

/// Which side of the DTLS handshake we take, the result of `a=setup` (RFC 5763 §5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DtlsRole {
    /// We are `active`.
    Client,
    /// We are `passive`.
    Server,
}

/// The text is neither `client` nor `server`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected client or server")]
pub struct InvalidDtlsRole;

impl FromStr for DtlsRole {
    type Err = InvalidDtlsRole;

    fn from_str(text: &str) -> Result<Self, InvalidDtlsRole> {
        match text {
            "client" => Ok(Self::Client),
            "server" => Ok(Self::Server),
            _ => Err(InvalidDtlsRole),
        }
    }
}

/// What a session is made from.
pub struct SessionConfig {
    /// The ICE agent, with its host candidates, not yet told of the remote side.
    pub ice: Agent,
    /// Our certificate and what we offer.
    pub dtls: dtls_handshake::Config,
    /// Our side of the handshake.
    pub role: DtlsRole,
    /// The certificate fingerprints in the peer's SDP.
    pub fingerprints: Vec<Fingerprint>,
    /// Fresh randomness for DTLS. Secret.
    pub seed: Zeroizing<[u8; 32]>,
}

impl fmt::Debug for SessionConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionConfig")
            .field("ice", &self.ice)
            .field("role", &self.role)
            .field("fingerprints", &self.fingerprints)
            .finish_non_exhaustive()
    }
}

/// What a session did with a datagram.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub enum Handled {
    /// It belongs to somebody else; nothing was changed.
    NotMine,
    /// It was bad or not allowed, and counted. Drain.
    Dropped,
    /// It was taken. Drain.
    Consumed,
    /// An RTP packet, decrypted, stands in this range of the caller's buffer.
    Rtp(Range<usize>),
    /// A compound RTCP packet, decrypted, stands in this range of the caller's buffer.
    Rtcp(Range<usize>),
}

/// What a session tells.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// Media may flow.
    Connected(Secured),
    /// ICE sends on another pair than before.
    Path {
        /// Our candidate, without extensions.
        local: String,
        /// The browser's candidate, without extensions.
        remote: String,
    },
    /// The driver is to open a socket, and answers with [`Session::handle_opened`] or
    /// [`Session::handle_open_failed`].
    Open(Open),
    /// The driver is to close a socket that it was asked for.
    Close(Close),
    /// A candidate for the far side, of a socket that was opened on request.
    LocalCandidate(Candidate),
    /// No further candidate of ours will come.
    GatheringComplete,
    /// It is over; nothing follows but [`Close`](Self::Close).
    Failed(Failure),
}

/// Why a session ended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// No path, or the path was lost.
    #[error("ICE: {0}")]
    Ice(Box<ice_agent::Failure>),
    /// No keys, or the peer closed.
    #[error("{0}")]
    Secure(SecureFailure),
}

/// Why a packet could not be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// There are no keys yet, or no longer.
    #[error("the session is not connected")]
    NotConnected,
    /// ICE has no path that may be used now.
    #[error("no path: {0}")]
    NoPath(ice_agent::SendError),
    /// SRTP refused the packet.
    #[error("not protected: {0}")]
    Protect(ProtectError),
    /// The caller's range does not lie in its buffer with room around it.
    #[error("the packet lacks {HEADROOM} bytes before it or {TAILROOM} behind it")]
    NoRoom,
}

/// What was dropped, by reason; and what came through.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Packets that SRTP opened.
    pub opened: u64,
    /// Packets that SRTP refused: forged, replayed, too old, malformed.
    pub srtp_refused: u64,
    /// SRTP packets that came before there were keys.
    pub before_keys: u64,
    /// DTLS datagrams that DTLS refused.
    pub dtls_refused: u64,
    /// Datagrams that are neither DTLS nor SRTP.
    pub unknown: u64,
}

impl AddAssign for Stats {
    fn add_assign(&mut self, more: Self) {
        self.opened += more.opened;
        self.srtp_refused += more.srtp_refused;
        self.before_keys += more.before_keys;
        self.dtls_refused += more.dtls_refused;
        self.unknown += more.unknown;
    }
}

/// One browser leg. See the module's documentation for how to drive it.
pub struct Session {
    ice: Agent,
    secure: Secure,
    events: VecDeque<Event>,
    told: Instant,
    stats: Stats,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("ice", &self.ice)
            .finish_non_exhaustive()
    }
}

impl Session {
    /// A session at `now`.
    #[must_use]
    pub fn new(config: SessionConfig, now: Instant) -> Self {
        let SessionConfig {
            ice,
            dtls,
            role,
            fingerprints,
            seed,
        } = config;
        let start = Start {
            config: dtls,
            role,
            fingerprints,
            seed,
        };
        let secure = Secure::Waiting(Box::new(start));
        Self {
            ice,
            secure,
            events: VecDeque::new(),
            told: now,
            stats: Stats::default(),
        }
    }

    /// Takes one datagram; media comes back as a range of `rx.data`.
    pub fn handle_datagram(&mut self, now: Instant, rx: Received<'_>) -> Handled {
        self.told = now;
        let Received { path, data } = rx;
        match self.ice.handle_datagram(
            now,
            Received {
                path,
                data: &mut *data,
            },
        ) {
            ice_agent::Handled::NotMine => Handled::NotMine,
            ice_agent::Handled::Dropped => {
                self.advance(now);
                Handled::Dropped
            }
            ice_agent::Handled::Consumed => {
                self.advance(now);
                Handled::Consumed
            }
            ice_agent::Handled::Data { range, .. } => self.handle_payload(now, data, range),
        }
    }

    fn handle_payload(&mut self, now: Instant, data: &mut [u8], range: Range<usize>) -> Handled {
        let Some(payload) = data.get_mut(range.clone()) else {
            return Handled::Dropped;
        };
        if srtp::is_rtp_or_rtcp(payload) {
            self.open_srtp(payload, range.start)
        } else if dtls_handshake::is_dtls(payload) {
            self.handle_dtls(now, payload)
        } else {
            self.stats.unknown += 1;
            Handled::Dropped
        }
    }

    fn handle_dtls(&mut self, now: Instant, datagram: &mut [u8]) -> Handled {
        self.secure.start(now, self.ice.rtt());
        let handled = self
            .secure
            .dtls()
            .map(|dtls| dtls.handle_datagram(now, datagram));
        self.advance(now);
        match handled {
            Some(dtls_handshake::Handled::Consumed) => Handled::Consumed,
            _ => {
                self.stats.dtls_refused += 1;
                Handled::Dropped
            }
        }
    }

    fn open_srtp(&mut self, packet: &mut [u8], start: usize) -> Handled {
        let Secure::Open { receiver, .. } = &mut self.secure else {
            self.stats.before_keys += 1;
            return Handled::Dropped;
        };
        let rtcp = srtp::is_rtcp(packet);
        let opened = match rtcp {
            true => receiver.unprotect_rtcp(packet),
            false => receiver.unprotect_rtp(packet),
        };
        let Ok(len) = opened else {
            self.stats.srtp_refused += 1;
            return Handled::Dropped;
        };
        self.stats.opened += 1;
        match rtcp {
            true => Handled::Rtcp(start..start + len),
            false => Handled::Rtp(start..start + len),
        }
    }

    /// Protects an RTP packet in place and says how it goes.
    ///
    /// The packet stands in `packet` of `buf`, with [`HEADROOM`] bytes before it and
    /// [`TAILROOM`] behind it.
    ///
    /// # Errors
    /// See [`SendError`]; the packet is then lost.
    pub fn send_rtp(
        &mut self,
        now: Instant,
        buf: &mut [u8],
        packet: Range<usize>,
    ) -> Result<Transmit, SendError> {
        self.send(now, buf, packet, Sender::protect_rtp)
    }

    /// Protects a compound RTCP packet in place and says how it goes. The packet stands in the
    /// buffer as for [`send_rtp`](Self::send_rtp).
    ///
    /// # Errors
    /// See [`SendError`]; the packet is then lost.
    pub fn send_rtcp(
        &mut self,
        now: Instant,
        buf: &mut [u8],
        packet: Range<usize>,
    ) -> Result<Transmit, SendError> {
        self.send(now, buf, packet, Sender::protect_rtcp)
    }

    fn send(
        &mut self,
        now: Instant,
        buf: &mut [u8],
        packet: Range<usize>,
        protect: impl FnOnce(&mut Sender, &mut [u8], usize) -> Result<usize, ProtectError>,
    ) -> Result<Transmit, SendError> {
        let Secure::Open { sender, .. } = &mut self.secure else {
            return Err(SendError::NotConnected);
        };
        if !self.ice.can_send(now) {
            return Err(SendError::NoPath(ice_agent::SendError::NoConsent));
        }
        let end = packet.end.saturating_add(TAILROOM);
        let room = buf.get_mut(packet.start..end).ok_or(SendError::NoRoom)?;
        if packet.start < HEADROOM {
            return Err(SendError::NoRoom);
        }
        let len = protect(sender, room, packet.len()).map_err(SendError::Protect)?;
        let protected = packet.start..packet.start + len;
        self.ice
            .send(now, buf, protected)
            .map_err(SendError::NoPath)
    }

    /// Tells the time; early and late calls are harmless.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.told = now;
        self.ice.handle_timeout(now);
        if let Some(dtls) = self.secure.dtls() {
            dtls.handle_timeout(now);
        }
        self.advance(now);
    }

    /// Appends one frame to `out` and says on which path it goes.
    pub fn poll_transmit(&mut self, out: &mut BytesMut) -> Option<Transmit> {
        let transmit = self.ice.poll_transmit(out);
        let transmit = transmit.or_else(|| self.poll_secure(out));
        if transmit.is_none() && self.secure.is_closed() {
            // The last alert has left. Consent would go on, and be reported lost.
            self.ice.close(self.told);
            while let Some(event) = self.ice.poll_event() {
                self.on_ice(event);
            }
            // Relays are told.
            return self.ice.poll_transmit(out);
        }
        transmit
    }

    fn poll_secure(&mut self, out: &mut BytesMut) -> Option<Transmit> {
        if !self.ice.can_send(self.told) {
            return None;
        }
        let end = out.len();
        out.resize(end + HEADROOM, 0);
        let sent = self.secure.poll_transmit(out).and_then(|datagram| {
            out.resize(datagram.end + ice_agent::TAILROOM, 0);
            self.ice.send(self.told, out, datagram).ok()
        });
        out.truncate(sent.as_ref().map_or(end, |sent| sent.range.end));
        sent
    }

    /// The next thing that happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due. DTLS waits while ICE has no path.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let dtls = self.secure.poll_timeout();
        [self.ice.poll_timeout(), dtls].into_iter().flatten().min()
    }

    /// Ends the session: a close_notify is left to be sent, then nothing.
    pub fn close(&mut self, now: Instant) {
        self.told = now;
        self.secure.close(now);
    }

    /// Whether media may flow: there are keys, and a path that may be used.
    #[must_use]
    pub fn can_send(&self, now: Instant) -> bool {
        matches!(self.secure, Secure::Open { .. }) && self.ice.can_send(now)
    }

    /// Whether it is over, or is being ended.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.secure.is_closed()
    }

    /// What was dropped, by reason.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.stats
    }

    /// The ICE agent, to look at.
    #[must_use]
    pub fn ice(&self) -> &Agent {
        &self.ice
    }

    /// Carries the news of one layer to the next.
    fn advance(&mut self, now: Instant) {
        while let Some(event) = self.ice.poll_event() {
            self.on_ice(event);
        }
        if self.ice.can_send(now) {
            self.secure.start(now, self.ice.rtt());
        }
        while let Some(change) = self.secure.poll() {
            let event = match change {
                Change::Opened(secured) => Event::Connected(secured),
                Change::Closed(failure) => {
                    // A peer that has no profile for us has not been told yet.
                    self.secure.close(now);
                    Event::Failed(Failure::Secure(failure))
                }
            };
            self.events.push_back(event);
        }
    }
}
