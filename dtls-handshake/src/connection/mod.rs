//! The connection: what its owner drives.

mod acknowledge;
mod alert;
mod early;
mod key_update;
mod messages;
mod queue;
mod receive;
mod timeouts;
mod timers;
mod transmit;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

use crate::config::Config;
use crate::error::{CloseCause, ExportError};
use crate::event::{Connected, Event, Version};
use crate::fingerprint::Fingerprint;
use crate::handshake::{Context, Fragment, Transcript};
use crate::negotiation::{Completed, Handshake, Session};
use crate::peer::{ExpectedPeer, VerifiedPeer};
use crate::record::{DATA, Keys, PLAIN, PROTECTED, RecordLayer};
use crate::stats::Stats;
use crate::wire::{AlertDescription, AlertLevel};
use acknowledge::Acknowledgements;
use early::EarlyRecords;
use key_update::Budget;
use queue::Queue;
use timers::{Backoff, Timer, Timers};

/// The label under which the keys of SRTP are exported, without a context (RFC 5764 §4.2); for
/// [`Connection::export_keying_material`].
pub const SRTP_EXPORTER_LABEL: &str = "EXTRACTOR-dtls_srtp";

/// One side of a DTLS connection.
///
/// It knows neither sockets nor addresses nor clocks. After any call that takes `now`, drain
/// [`poll_transmit`](Self::poll_transmit), then [`poll_event`](Self::poll_event) (and
/// [`poll_data`](Self::poll_data) where data is exchanged), then read
/// [`poll_timeout`](Self::poll_timeout) and call [`handle_timeout`](Self::handle_timeout) at that
/// time. Any other order is legal as well: what is not drained waits, within bounds. Early and
/// late calls of `handle_timeout` are harmless.
///
/// The end comes as [`Event::Closed`] with its cause, at the latest when the handshake's deadline
/// is over. A closed connection has no timeout and holds no keys.
#[derive(Debug)]
pub struct Connection {
    context: Context,
    phase: Phase,
    timers: Timers,
    backoff: Backoff,
    /// The longest datagram to send.
    mtu: usize,
    /// Protected records that came before the keys for them.
    early: EarlyRecords,
    acknowledgements: Acknowledgements,
    /// Of messages after the handshake.
    budget: Budget,
    alerts: VecDeque<Alert>,
    outgoing: Queue,
    incoming: Queue,
    events: VecDeque<Event>,
    stats: Stats,
    /// What proofs are marked with.
    id: u64,
    renegotiation_answered: bool,
    /// Whether the last datagram had a record newer than all before.
    was_newest: bool,
}

/// What the connection is doing.
#[derive(Debug)]
#[allow(clippy::large_enum_variant)] // there is one for each connection
enum Phase {
    Handshake(Handshake),
    /// The handshake is complete, but nobody has said yet who the peer should be.
    Unverified(Completed),
    Connected(Session),
    Closed,
}

#[derive(Debug, Clone, Copy)]
struct Alert {
    epoch: u64,
    level: AlertLevel,
    description: AlertDescription,
}

impl Connection {
    /// The side that begins (`a=setup:active`). Its ClientHello is ready to be sent.
    ///
    /// `seed` is 32 bytes of entropy, never used twice.
    #[must_use]
    pub fn client(config: impl Into<Arc<Config>>, seed: [u8; 32], now: Instant) -> Self {
        let mut connection = Self::new(config.into(), seed, now);
        match Handshake::connect(&mut connection.context) {
            Ok(handshake) => {
                connection.phase = Phase::Handshake(handshake);
                let at = connection.backoff.restart(now);
                connection.timers.set(Timer::Retransmit, at);
            }
            Err(cause) => connection.end(cause),
        }
        connection
    }

    /// The side that waits (`a=setup:passive`). It demands a certificate of the client. It does
    /// not ask for a cookie: use it where the path is proved otherwise, as ICE does.
    ///
    /// `seed` is 32 bytes of entropy, never used twice.
    #[must_use]
    pub fn server(config: impl Into<Arc<Config>>, seed: [u8; 32], now: Instant) -> Self {
        Self::new(config.into(), seed, now)
    }

    /// A server whose listener has seen the cookie in this ClientHello, which stood in a record of
    /// this number. RFC 6347 §4.2.1: the answer has the numbers of what it answers. `handshake` is
    /// what waits for it.
    pub(crate) fn accept(
        config: Arc<Config>,
        seed: [u8; 32],
        now: Instant,
        hello: &Fragment<'_>,
        record_sequence: u64,
        handshake: Handshake,
    ) -> Self {
        let mut connection = Self::new(config, seed, now);
        connection.phase = Phase::Handshake(handshake);
        let context = &mut connection.context;
        context.start_at(hello.message_seq, record_sequence);
        context.inbox.insert(PLAIN, hello);
        if let Some(message) = context.inbox.pop() {
            connection.step(now, &message);
        }
        connection
    }

    fn new(config: Arc<Config>, seed: [u8; 32], now: Instant) -> Self {
        let mut rng = ChaCha20Rng::from_seed(seed);
        let id = rng.next_u64();
        let mut timers = Timers::default();
        timers.set(Timer::Deadline, now + config.handshake_timeout);
        let backoff = Backoff::new(config.initial_timeout, config.maximum_timeout);
        let mtu = config.mtu;
        Self {
            context: Context::new(config, rng),
            phase: Phase::Handshake(Handshake::ClientHello),
            timers,
            backoff,
            mtu,
            early: EarlyRecords::default(),
            acknowledgements: Acknowledgements::default(),
            budget: Budget::default(),
            alerts: VecDeque::new(),
            outgoing: Queue::default(),
            incoming: Queue::default(),
            events: VecDeque::new(),
            stats: Stats::default(),
            id,
            renegotiation_answered: false,
            was_newest: false,
        }
    }

    /// A client whose handshake is over, in its first epoch of data, for
    /// [`testing`](crate::testing).
    pub(crate) fn connected(
        config: Arc<Config>,
        session: Session,
        [read, write]: [Keys; 2],
        now: Instant,
    ) -> Self {
        let epoch = match session.version() {
            Version::Dtls12 => PROTECTED,
            Version::Dtls13 => DATA,
        };
        let mut connection = Self::new(config, [0; 32], now);
        connection.timers.stop_all();
        connection.context.records.start_reading(epoch, read);
        connection.context.records.start_writing(epoch, write);
        connection.context.inbox.enter(epoch);
        connection.phase = Phase::Connected(session);
        connection
    }

    /// The record layer, for [`testing`](crate::testing).
    pub(crate) fn records(&mut self) -> &mut RecordLayer {
        &mut self.context.records
    }

    /// Says which certificates the peer may have: one that matches a fingerprint of the best hash
    /// function in the list (RFC 8122 §5.1). An empty list matches none.
    ///
    /// It may be called before the handshake or while it runs; `Connected` waits for it, up to
    /// the deadline; if it never comes, the end is [`CloseCause::PeerFingerprintsMissing`]. A peer
    /// that does not match is told `bad_certificate` and the connection closes with
    /// [`CloseCause::FingerprintMismatch`]. Without effect once connected.
    ///
    /// A description may have several `a=fingerprint`. Hand over all that parse, and pass over
    /// those that fail with [`FingerprintError::UnsupportedAlgorithm`], such as sha-1: the
    /// strongest of the others decides.
    ///
    /// [`FingerprintError::UnsupportedAlgorithm`]: crate::FingerprintError::UnsupportedAlgorithm
    pub fn set_peer_fingerprints(&mut self, now: Instant, fingerprints: Vec<Fingerprint>) {
        self.context.expected = ExpectedPeer::Fingerprints(fingerprints);
        match core::mem::replace(&mut self.phase, Phase::Closed) {
            Phase::Unverified(completed) => self.complete(now, completed),
            other => self.phase = other,
        }
    }

    /// Changes the longest datagram to send, as [`Config::with_mtu`] says, for what is sent from
    /// now on: for owners that learn what the path takes.
    pub fn set_mtu(&mut self, mtu: usize) {
        self.mtu = Config::clamp_mtu(mtu);
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<Event> {
        let event = self.events.pop_front();
        // There are two at most in the life of a connection: no room is kept for more.
        self.events.shrink_to_fit();
        event
    }

    /// Ends the connection: data that waits is sent, then close_notify.
    pub fn close(&mut self, now: Instant) {
        let _ = now;
        if !matches!(self.phase, Phase::Closed) {
            self.end(CloseCause::ClosedLocally);
        }
    }

    /// Key material for another protocol, such as the keys of SRTP (RFC 5764 §4.2: label
    /// [`SRTP_EXPORTER_LABEL`], no context).
    ///
    /// # Errors
    /// See [`ExportError`]; `out` is unchanged then.
    pub fn export_keying_material(
        &self,
        peer: &VerifiedPeer,
        label: &str,
        context: Option<&[u8]>,
        out: &mut [u8],
    ) -> Result<(), ExportError> {
        let Phase::Connected(session) = &self.phase else {
            return Err(ExportError::NotConnected);
        };
        if !peer.is_of(self.id) {
            return Err(ExportError::ForeignProof);
        }
        session.export(label, context, out)
    }

    /// The connection ID that the peer puts into the protected records that it sends, once that is
    /// settled; `None` when it puts in none. It stands where [`connection_id`](crate::connection_id)
    /// reads it.
    #[must_use]
    pub fn connection_id(&self) -> Option<&[u8]> {
        let id = self.context.records.connection_id();
        (!id.is_empty()).then_some(id)
    }

    /// Whether the last datagram had an authentic record that is newer than all before. Only then
    /// may the owner send from now on to the address that it came from, when that is another than
    /// before (RFC 9146 §6). Whether somebody receives there is not proved by it: who forwards
    /// records faster than the network does could have put it there.
    #[must_use]
    pub fn was_newest(&self) -> bool {
        self.was_newest
    }

    /// The counters.
    #[must_use]
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// Whether nobody has been heard yet: what comes may be of another protocol.
    fn is_idle(&self) -> bool {
        matches!(&self.phase, Phase::Handshake(handshake) if handshake.is_idle())
    }

    /// The version, once it is settled.
    fn version(&self) -> Option<Version> {
        match &self.phase {
            Phase::Handshake(handshake) => handshake.version(),
            Phase::Unverified(completed) => Some(completed.session.version()),
            Phase::Connected(session) => Some(session.version()),
            Phase::Closed => None,
        }
    }

    /// The handshake is complete. Connected, if the peer is who it should be.
    fn complete(&mut self, now: Instant, mut completed: Completed) {
        let Context {
            expected, config, ..
        } = &self.context;
        match expected.verify(&mut completed.peer_certificate, config, self.id) {
            Err(cause) => self.end(cause),
            Ok(None) => self.phase = Phase::Unverified(completed),
            Ok(Some(peer)) => {
                // The last flight of a client of DTLS 1.3 is repeated until it is acknowledged.
                if !self.timers.is_set(Timer::Retransmit) {
                    self.timers.stop_all();
                }
                let srtp_profile = completed.srtp.as_ref().map(|srtp| srtp.profile);
                let srtp_mki = completed.srtp.map(|srtp| srtp.mki).unwrap_or_default();
                self.events.push_back(Event::Connected(Connected {
                    peer,
                    srtp_profile,
                    srtp_mki,
                    cipher_suite: completed.session.cipher_suite(),
                    version: completed.session.version(),
                    group: completed.group,
                }));
                self.phase = Phase::Connected(completed.session);
                // The peer may have asked for it.
                self.send_update(now);
            }
        }
    }

    /// Ends a connection that is not closed: tells the peer, if there is something to tell, and
    /// the owner.
    fn end(&mut self, cause: CloseCause) {
        if !matches!(self.phase, Phase::Connected(_)) {
            // Came from a peer that was never verified.
            self.incoming.clear();
        }
        self.phase = Phase::Closed;
        self.timers.stop_all();
        self.early.clear();
        self.acknowledgements.clear();
        self.context.flight.begin();
        self.context.transcript = Transcript::default();
        if cause != CloseCause::ClosedLocally {
            self.outgoing.clear();
        }
        if let Some(description) = cause.alert() {
            let level = match description {
                AlertDescription::CloseNotify => AlertLevel::Warning,
                _ => AlertLevel::Fatal,
            };
            let epoch = self.context.records.write_epoch();
            self.alerts.push_back(Alert {
                epoch,
                level,
                description,
            });
        }
        self.events.push_back(Event::Closed(cause));
    }
}
