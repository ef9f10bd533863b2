//! A call without a socket: the browser's session on one side, the phone's RTP on the other.
//!
//! [`Bridge`] keeps the contract of the state machines below it. Datagrams of the browser go
//! through [`Bridge::handle_browser`], those that arrive at the phone leg's port through
//! [`Bridge::handle_phone`]; what comes back says where the packet goes on to, in the caller's
//! own buffer. Payload octets pass unchanged. Each outgoing stream is the bridge's own: its
//! SSRC, its sequence numbers, its time line ([`Rewriter`]). The browser's header extensions and
//! padding end here.
//!
//! After any input: drain [`poll_transmit`](Bridge::poll_transmit), then
//! [`poll_event`](Bridge::poll_event), then read [`poll_timeout`](Bridge::poll_timeout).

mod formats;
mod phone;
mod rewrite;
pub mod rtp;
mod stats;

use std::net::SocketAddr;
use std::ops::Range;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use ice_agent::{Candidate, HEADROOM, Path, Received, Transmit};

use crate::session::{self, Session};
pub use formats::Formats;
use phone::PhoneLeg;
pub use phone::PhoneMedia;
pub use rewrite::Rewriter;
use rtp::Header;
pub use stats::{Counts, Direction, DropReason, Drops, Reported, Stats, Traffic};

/// What a bridge is made from.
#[derive(Debug)]
pub struct BridgeConfig {
    /// The browser's side.
    pub session: Session,
    /// The payload types agreed with the browser.
    pub browser: Formats,
    /// What is sent to the browser.
    pub to_browser: Rewriter,
    /// What is sent to the phone.
    pub to_phone: Rewriter,
    /// A phone that sends nothing for so long is gone.
    pub silence: Duration,
}

/// What became of a datagram of the browser.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub enum FromBrowser {
    /// It belongs to somebody else; nothing was changed.
    NotMine,
    /// It was bad, not allowed or has nowhere to go, and was counted.
    Dropped,
    /// It was taken. Drain.
    Consumed,
    /// It goes on to the phone: this range of the caller's buffer.
    ToPhone {
        /// The phone's RTP address.
        remote: SocketAddr,
        /// The RTP packet.
        range: Range<usize>,
    },
}

/// What a bridge tells.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// Of the browser's side.
    Session(session::Event),
    /// The phone has sent nothing for the configured time. Told once.
    PhoneSilent(Duration),
}

/// A call's media. See the module's documentation for how to drive it.
#[derive(Debug)]
pub struct Bridge {
    session: Session,
    browser: Formats,
    phone: Option<PhoneLeg>,
    silence: Duration,
    silent: Option<Duration>,
    to_browser: Rewriter,
    to_phone: Rewriter,
    stats: Stats,
}

impl Bridge {
    /// A bridge whose phone has not answered.
    #[must_use]
    pub fn new(config: BridgeConfig) -> Self {
        let BridgeConfig {
            session,
            browser,
            to_browser,
            to_phone,
            silence,
        } = config;
        let stats = Stats::default();
        Self {
            session,
            browser,
            phone: None,
            silence,
            silent: None,
            to_browser,
            to_phone,
            stats,
        }
    }

    /// The phone has told where its media goes, or has moved.
    pub fn set_phone(&mut self, now: Instant, media: PhoneMedia) {
        self.phone = Some(PhoneLeg::new(media, now));
    }

    /// Takes a datagram that arrived for the browser's side.
    pub fn handle_browser(&mut self, now: Instant, rx: Received<'_>) -> FromBrowser {
        let Received { path, data } = rx;
        match self.session.handle_datagram(
            now,
            Received {
                path,
                data: &mut *data,
            },
        ) {
            session::Handled::NotMine => FromBrowser::NotMine,
            session::Handled::Dropped => FromBrowser::Dropped,
            session::Handled::Consumed => FromBrowser::Consumed,
            session::Handled::Rtcp(_) => {
                self.stats.to_phone.counts.rtcp += 1;
                FromBrowser::Dropped
            }
            session::Handled::Rtp(range) => self.on_to_phone(now, data, range),
        }
    }

    fn on_to_phone(&mut self, now: Instant, data: &mut [u8], range: Range<usize>) -> FromBrowser {
        let Some((header, payload)) = parse_within(data, &range) else {
            self.stats.to_phone.drop(DropReason::Malformed);
            return FromBrowser::Dropped;
        };
        let Some(phone) = &self.phone else {
            self.stats.to_phone.drop(DropReason::TooEarly);
            return FromBrowser::Dropped;
        };
        if !phone.listens() {
            self.stats.to_phone.drop(DropReason::NotWanted);
            return FromBrowser::Dropped;
        }
        let Some(payload_type) = self.browser.map(header.payload_type, phone.formats()) else {
            self.stats.to_phone.drop(DropReason::PayloadType);
            return FromBrowser::Dropped;
        };
        let header = self.to_phone.rewrite(now, header, payload_type);
        match header.write_before(data, payload.clone()) {
            None => FromBrowser::Dropped,
            Some(range) => {
                self.stats.to_phone.counts.sent.count(payload.len());
                FromBrowser::ToPhone {
                    remote: phone.remote(),
                    range,
                }
            }
        }
    }

    /// Takes an RTP datagram that arrived at the phone leg's port, from `from`.
    ///
    /// The datagram stands in `datagram` of `buf`, with [`HEADROOM`] bytes before it and
    /// [`session::TAILROOM`] behind it. `None` means that it was dropped and counted.
    pub fn handle_phone(
        &mut self,
        now: Instant,
        from: SocketAddr,
        buf: &mut [u8],
        datagram: Range<usize>,
    ) -> Option<Transmit> {
        let Some(phone) = &mut self.phone else {
            self.stats.to_browser.drop(DropReason::TooEarly);
            return None;
        };
        if from != phone.remote() {
            self.stats.to_browser.drop(DropReason::WrongSource);
            return None;
        }
        let Some((header, payload)) = parse_within(buf, &datagram) else {
            self.stats.to_browser.drop(DropReason::Malformed);
            return None;
        };
        phone.heard(now);
        let Some(payload_type) = phone.formats().map(header.payload_type, self.browser) else {
            self.stats.to_browser.drop(DropReason::PayloadType);
            return None;
        };
        let header = self.to_browser.rewrite(now, header, payload_type);
        let packet = header.write_before(buf, payload.clone())?;
        debug_assert!(packet.start >= HEADROOM);
        match self.session.send_rtp(now, buf, packet) {
            Err(_) => {
                self.stats.to_browser.drop(DropReason::NotConnected);
                None
            }
            Ok(transmit) => {
                self.stats.to_browser.counts.sent.count(payload.len());
                Some(transmit)
            }
        }
    }

    /// Takes a datagram that arrived at the phone leg's RTCP port: a sign of life.
    pub fn handle_phone_rtcp(&mut self, now: Instant, from: SocketAddr) {
        match &mut self.phone {
            None => self.stats.to_browser.drop(DropReason::TooEarly),
            Some(phone) if phone.remote().ip() == from.ip() => {
                phone.heard(now);
                self.stats.to_browser.counts.rtcp += 1;
            }
            Some(_) => self.stats.to_browser.drop(DropReason::WrongSource),
        }
    }

    /// Tells the time; early and late calls are harmless.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.session.handle_timeout(now);
        if let Some(phone) = &mut self.phone
            && let Some(silent) = phone.take_silence(now, self.silence)
        {
            self.silent = Some(silent);
        }
    }

    /// Appends one frame to `out` and says on which of the browser's paths it goes.
    pub fn poll_transmit(&mut self, out: &mut BytesMut) -> Option<Transmit> {
        self.session.poll_transmit(out)
    }

    /// The next thing that happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        let session = self.session.poll_event().map(Event::Session);
        session.or_else(|| self.silent.take().map(Event::PhoneSilent))
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let silence = self
            .phone
            .as_ref()
            .and_then(|phone| phone.deadline(self.silence));
        [self.session.poll_timeout(), silence]
            .into_iter()
            .flatten()
            .min()
    }

    /// Adds a candidate of the browser.
    pub fn add_remote_candidate(&mut self, now: Instant, candidate: Candidate) {
        self.session.add_remote_candidate(now, candidate);
    }

    /// The browser has no more candidates.
    pub fn end_of_remote_candidates(&mut self, now: Instant) {
        self.session.end_of_remote_candidates(now);
    }

    /// Ends the browser's side: a last alert is left to be sent.
    pub fn close(&mut self, now: Instant) {
        self.phone = None;
        self.session.close(now);
    }

    /// Whether the browser is proven to be at the other end of a path: it has answered there.
    #[must_use]
    pub fn is_proven(&self, path: &Path) -> bool {
        self.session.ice().is_valid(path)
    }

    /// What passed and what was dropped.
    #[must_use]
    pub fn stats(&self) -> Stats {
        Stats {
            session: self.session.stats(),
            ice: self.session.ice().stats(),
            ..self.stats
        }
    }
}

/// The header of the packet in `range`, and its payload's range in the whole buffer.
fn parse_within(buf: &[u8], range: &Range<usize>) -> Option<(Header, Range<usize>)> {
    let (header, payload) = Header::parse(buf.get(range.clone())?)?;
    Some((
        header,
        range.start + payload.start..range.start + payload.end,
    ))
}
