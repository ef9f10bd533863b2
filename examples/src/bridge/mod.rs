//! A call without a socket: the browser's session on one side, the phone's RTP on the other.
//!
//! [`Bridge`] keeps the contract of the state machines below it. Datagrams of the browser go
//! through [`Bridge::handle_browser`], those that arrive at the phone leg's ports through
//! [`Bridge::handle_phone`] and [`Bridge::handle_phone_rtcp`]; what comes back says where the
//! packet goes on to, in the caller's own buffer. Payload octets pass unchanged, except where the
//! two sides count the length of a key with different clocks. Each outgoing stream is the
//! bridge's own: its SSRC, its sequence numbers, its time line ([`Rewriter`]). The browser's
//! header extensions and padding end here, and so does RTCP: each side gets reports that are made
//! for it, from what the bridge itself has received and sent.
//!
//! After any input: drain [`poll_transmit`](Bridge::poll_transmit) and
//! [`poll_phone`](Bridge::poll_phone), then [`poll_event`](Bridge::poll_event), then read
//! [`poll_timeout`](Bridge::poll_timeout). A packet that came back from an input leaves nothing to
//! drain.
//!
//! | file | subject |
//! | --- | --- |
//! | `interface` | what goes into a bridge and comes out of it, beside media |
//! | `side` | the streams with one side |
//! | `rewrite` | the numbers of what we send |
//! | `keys` | telephone events between different clocks |
//! | `reception`, `reporter` | what arrives, and the reports about it |
//! | `phone`, `source` | the phone's addresses, and which of them to believe |
//! | `formats` | payload types by meaning |
//! | `rtp`, `rtcp` | the packets |

mod browser;
mod formats;
mod interface;
mod keys;
mod ntp;
mod phone;
mod reception;
mod reporter;
mod rewrite;
pub mod rtcp;
pub mod rtp;
mod sequence;
mod side;
mod source;
mod stats;

use std::net::SocketAddr;
use std::ops::Range;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use ice_agent::{Candidate, Credentials, Path, Received, RestartError, Transmit};

use crate::session::{self, LocalIce};
use browser::Browser;
pub use formats::Formats;
pub use interface::{BridgeConfig, Event, FromBrowser, PhonePort, ToPhone};
pub use ntp::NtpOrigin;
use phone::PhoneLeg;
pub use phone::PhoneMedia;
pub use reporter::ReportConfig;
pub use rewrite::Rewriter;
use rtp::Header;
use side::{Packed, Side};
use source::Sender;
pub use stats::{Counts, Direction, DropReason, Drops, Reported, Stats, Traffic};

/// A call's media. See the module's documentation for how to drive it.
#[derive(Debug)]
pub struct Bridge {
    browser: Browser,
    phone: Option<PhoneLeg>,
    phone_side: Side,
    learn_phone_address: bool,
    silence: Duration,
    silent: Option<Duration>,
    /// The phone's last report, once the call has ended.
    goodbye: Option<(PhonePort, SocketAddr, BytesMut)>,
    told: Instant,
    to_phone: Direction,
    to_browser: Direction,
}

impl Bridge {
    /// A bridge at `now`, whose phone has not answered.
    #[must_use]
    pub fn new(config: BridgeConfig, now: Instant) -> Self {
        let BridgeConfig {
            session,
            browser,
            to_browser,
            to_phone,
            reports,
            learn_phone_address,
            silence,
        } = config;
        let to_phone_reports = ReportConfig {
            seed: !reports.seed,
            ..reports.clone()
        };
        Self {
            browser: Browser::new(session, browser, Side::new(to_browser, reports)),
            phone: None,
            phone_side: Side::new(to_phone, to_phone_reports),
            learn_phone_address,
            silence,
            silent: None,
            goodbye: None,
            told: now,
            to_phone: Direction::default(),
            to_browser: Direction::default(),
        }
    }

    /// The phone has told where its media goes, or has moved.
    pub fn set_phone(&mut self, now: Instant, media: PhoneMedia) {
        self.told = now;
        match &mut self.phone {
            Some(phone) => phone.renew(media, now),
            None => self.phone = Some(PhoneLeg::new(media, now)),
        }
        match media.takes_reports {
            true => self.phone_side.reports.begin(now),
            false => self.phone_side.reports.stop(),
        }
    }

    /// Takes a datagram that arrived for the browser's side.
    pub fn handle_browser(&mut self, now: Instant, rx: Received<'_>) -> FromBrowser {
        self.told = now;
        let Received { path, data } = rx;
        let rx = Received {
            path,
            data: &mut *data,
        };
        match self.browser.session.handle_datagram(now, rx) {
            session::Handled::NotMine => FromBrowser::NotMine,
            session::Handled::Dropped => FromBrowser::Dropped,
            session::Handled::Consumed => {
                self.browser.follow_session(now);
                FromBrowser::Consumed
            }
            session::Handled::Rtcp(range) => {
                let compound = data.get(range).unwrap_or_default();
                self.to_phone.counts.rtcp += 1;
                if !self.browser.side.handle_rtcp(now, compound) {
                    self.to_phone.drop(DropReason::Malformed);
                }
                FromBrowser::Dropped
            }
            session::Handled::Rtp(range) => match self.carry_to_phone(now, data, range) {
                Ok(to_phone) => to_phone,
                Err(reason) => {
                    self.to_phone.drop(reason);
                    FromBrowser::Dropped
                }
            },
        }
    }

    fn carry_to_phone(
        &mut self,
        now: Instant,
        data: &mut [u8],
        range: Range<usize>,
    ) -> Result<FromBrowser, DropReason> {
        let formats = &self.browser.formats;
        let packed = parse_within(data, &range, formats).ok_or(DropReason::Malformed)?;
        let octets = packed.payload.len();
        let incoming = &mut self.browser.side.incoming;
        incoming.arrived(now, packed.header, packed.kind);
        self.to_phone.counts.received.count(octets);
        let phone = self.phone.as_ref().ok_or(DropReason::TooEarly)?;
        if !phone.listens() {
            self.phone_side.interrupt(now);
            return Err(DropReason::NotWanted);
        }
        let formats = [formats, phone.formats()];
        let range = self.phone_side.carry(now, packed, formats, data)?;
        self.phone_side.reports.sent(octets);
        self.to_phone.counts.sent.count(octets);
        let remote = phone.rtp.remote();
        Ok(FromBrowser::ToPhone { remote, range })
    }

    /// Takes a datagram that arrived at the phone leg's RTP port, from `from`.
    ///
    /// The datagram stands in `datagram` of `buf`, with [`HEADROOM`](ice_agent::HEADROOM) bytes
    /// before it and [`session::TAILROOM`] behind it. `None` means that it was dropped and counted,
    /// or that it was RTCP.
    pub fn handle_phone(
        &mut self,
        now: Instant,
        from: SocketAddr,
        buf: &mut [u8],
        datagram: Range<usize>,
    ) -> Option<Transmit> {
        self.told = now;
        let data = buf.get(datagram.clone()).unwrap_or_default();
        if srtp::is_rtcp(data) && self.phone.as_ref().is_some_and(PhoneLeg::is_multiplexed) {
            self.handle_phone_rtcp(now, from, data);
            return None;
        }
        match self.carry_to_browser(now, from, buf, datagram) {
            Ok(transmit) => Some(transmit),
            Err(reason) => {
                self.to_browser.drop(reason);
                None
            }
        }
    }

    fn carry_to_browser(
        &mut self,
        now: Instant,
        from: SocketAddr,
        buf: &mut [u8],
        datagram: Range<usize>,
    ) -> Result<Transmit, DropReason> {
        let phone = self.phone.as_mut().ok_or(DropReason::TooEarly)?;
        let sender = phone.rtp.sender(from, self.learn_phone_address, now);
        if sender == Sender::Stranger {
            return Err(DropReason::WrongSource);
        }
        let packed = parse_within(buf, &datagram, phone.formats());
        let packed = packed.ok_or(DropReason::Malformed)?;
        let octets = packed.payload.len();
        // Whoever does not even know the agreed numbers is hardly the phone.
        if sender == Sender::Unknown && packed.kind.is_none() {
            return Err(DropReason::WrongSource);
        }
        if phone.rtp.settle(from) {
            self.to_browser.counts.learned += 1;
        }
        phone.heard(now);
        let incoming = &mut self.phone_side.incoming;
        incoming.arrived(now, packed.header, packed.kind);
        self.to_browser.counts.received.count(octets);
        let transmit = self.browser.carry_in(now, packed, phone.formats(), buf)?;
        self.to_browser.counts.sent.count(octets);
        Ok(transmit)
    }

    /// Takes a datagram that arrived at the phone leg's RTCP port.
    pub fn handle_phone_rtcp(&mut self, now: Instant, from: SocketAddr, compound: &[u8]) {
        self.told = now;
        let Some(phone) = &mut self.phone else {
            return self.to_browser.drop(DropReason::TooEarly);
        };
        if phone.rtcp.sender(from, self.learn_phone_address, now) == Sender::Stranger {
            return self.to_browser.drop(DropReason::WrongSource);
        }
        self.to_browser.counts.rtcp += 1;
        if !self.phone_side.handle_rtcp(now, compound) {
            return self.to_browser.drop(DropReason::Malformed);
        }
        phone.rtcp.settle(from);
        phone.heard(now);
    }

    /// Tells the time; early and late calls are harmless.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.told = now;
        self.browser.handle_timeout(now);
        if self.browser.session.is_closed() {
            self.phone_side.reports.stop();
        }
        self.phone_side.reports.handle_timeout(now);
        if let Some(phone) = &mut self.phone
            && let Some(silent) = phone.take_silence(now, self.silence)
        {
            self.silent = Some(silent);
        }
    }

    /// Appends one frame to `out` and says on which of the browser's paths it goes.
    pub fn poll_transmit(&mut self, out: &mut BytesMut) -> Option<Transmit> {
        let report = self.browser.poll_report(self.told, out);
        self.to_browser.counts.rtcp_sent += u64::from(report.is_some());
        report.or_else(|| self.browser.session.poll_transmit(out))
    }

    /// Appends one datagram to `out` and says how it goes to the phone.
    pub fn poll_phone(&mut self, out: &mut BytesMut) -> Option<ToPhone> {
        let start = out.len();
        let (port, remote) = if let Some((port, remote, goodbye)) = self.goodbye.take() {
            out.extend_from_slice(&goodbye);
            (port, remote)
        } else if self.phone_side.reports.is_due() {
            let (port, remote) = rtcp_way(self.phone.as_ref()?);
            self.phone_side.report(self.told, out);
            (port, remote)
        } else {
            return None;
        };
        self.to_phone.counts.rtcp_sent += 1;
        Some(ToPhone {
            port,
            remote,
            range: start..out.len(),
        })
    }

    /// The next thing that happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        let session = self.browser.session.poll_event().map(Event::Session);
        session.or_else(|| self.silent.take().map(Event::PhoneSilent))
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let phone = self.phone.as_ref();
        let silence = phone.and_then(|phone| phone.deadline(self.silence));
        let reports = self.phone_side.reports.poll_timeout();
        [self.browser.poll_timeout(), reports, silence]
            .into_iter()
            .flatten()
            .min()
    }

    /// Adds a candidate of the browser.
    pub fn add_remote_candidate(&mut self, now: Instant, candidate: Candidate) {
        self.browser.session.add_remote_candidate(now, candidate);
    }

    /// The browser has no more candidates.
    pub fn end_of_remote_candidates(&mut self, now: Instant) {
        self.browser.session.end_of_remote_candidates(now);
    }

    /// Restarts ICE with the browser's new credentials. Answers what the browser is to be told.
    ///
    /// # Errors
    /// When the credentials are not new, or ICE has ended. Nothing has changed then.
    pub fn restart_ice(
        &mut self,
        now: Instant,
        remote: Credentials,
    ) -> Result<LocalIce, RestartError> {
        self.browser.session.restart_ice(now, Some(remote))
    }

    /// Ends the call: goodbyes to both sides, and a last alert to the browser, are left to be
    /// sent.
    pub fn close(&mut self, now: Instant) {
        self.told = now;
        if let Some(phone) = self.phone.take().filter(PhoneLeg::takes_reports) {
            let (port, remote) = rtcp_way(&phone);
            let mut goodbye = BytesMut::new();
            if self.phone_side.goodbye(now, &mut goodbye) {
                self.goodbye = Some((port, remote, goodbye));
            }
        }
        self.phone_side.reports.stop();
        self.browser.close(now);
    }

    /// Whether the browser is proven to be at the other end of a path: it has answered there.
    #[must_use]
    pub fn is_proven(&self, path: &Path) -> bool {
        self.browser.session.ice().is_valid(path)
    }

    /// The user name fragments by which the browser's checks are for this call.
    pub fn local_ufrags(&self) -> impl Iterator<Item = &str> {
        self.browser.session.ice().local_ufrags()
    }

    /// What passed and what was dropped.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let browser = &self.browser.side;
        Stats {
            to_phone: self
                .to_phone
                .between(&browser.incoming, &self.phone_side.reports),
            to_browser: self
                .to_browser
                .between(&self.phone_side.incoming, &browser.reports),
            session: self.browser.session.stats(),
            ice: self.browser.session.ice().stats(),
        }
    }
}

/// How RTCP goes to a phone.
fn rtcp_way(phone: &PhoneLeg) -> (PhonePort, SocketAddr) {
    match phone.is_multiplexed() {
        true => (PhonePort::Rtp, phone.rtp.remote()),
        false => (PhonePort::Rtcp, phone.rtcp.remote()),
    }
}

/// The packet in `range`, of a side with these numbers; its payload's range is of the whole buffer.
fn parse_within(buf: &[u8], range: &Range<usize>, formats: &Formats) -> Option<Packed> {
    let (header, payload) = Header::parse(buf.get(range.clone())?)?;
    let payload = range.start + payload.start..range.start + payload.end;
    Some(Packed {
        header,
        kind: formats.kind(header.payload_type),
        payload,
    })
}
