//! The browser at the other end of a bridge: its session, and the streams inside.

use std::time::Instant;

use bytes::BytesMut;
use ice_agent::{HEADROOM, Transmit};

use super::Formats;
use super::side::{Packed, Side};
use super::stats::DropReason;
use crate::session::{SendError, Session, TAILROOM};

/// The browser's leg.
#[derive(Debug)]
pub(super) struct Browser {
    pub(super) session: Session,
    pub(super) formats: Formats,
    pub(super) side: Side,
    /// The last report, protected, once the call has ended.
    goodbye: Option<(Transmit, BytesMut)>,
}

impl Browser {
    pub(super) fn new(session: Session, formats: Formats, side: Side) -> Self {
        Self {
            session,
            formats,
            side,
            goodbye: None,
        }
    }

    /// Reports begin when media may flow, and end with the session.
    pub(super) fn follow_session(&mut self, now: Instant) {
        if self.session.is_closed() {
            self.side.reports.stop();
        } else if self.session.can_send(now) {
            self.side.reports.begin(now);
        }
    }

    /// Makes a packet of the phone, which uses the numbers `from`, one for the browser, and
    /// protects it.
    pub(super) fn carry_in(
        &mut self,
        now: Instant,
        packed: Packed,
        from: &Formats,
        buf: &mut [u8],
    ) -> Result<Transmit, DropReason> {
        if !self.session.can_send(now) {
            self.side.interrupt(now);
            return Err(DropReason::NotConnected);
        }
        let octets = packed.payload.len();
        let packet = self.side.carry(now, packed, [from, &self.formats], buf)?;
        debug_assert!(packet.start >= HEADROOM);
        match self.session.send_rtp(now, buf, packet) {
            Ok(transmit) => {
                self.side.reports.sent(octets);
                Ok(transmit)
            }
            // SRTP never protects two packets under one number.
            Err(SendError::Protect(_)) => Err(DropReason::Duplicate),
            Err(_) => Err(DropReason::NotConnected),
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        self.session.handle_timeout(now);
        self.follow_session(now);
        self.side.reports.handle_timeout(now);
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let reports = self.side.reports.poll_timeout();
        let times = [self.session.poll_timeout(), reports];
        times.into_iter().flatten().min()
    }

    /// Appends the report that is due, protected.
    pub(super) fn poll_report(&mut self, now: Instant, out: &mut BytesMut) -> Option<Transmit> {
        let start = out.len();
        if let Some((mut transmit, goodbye)) = self.goodbye.take() {
            out.extend_from_slice(&goodbye);
            transmit.range = start + transmit.range.start..start + transmit.range.end;
            return Some(transmit);
        }
        if !self.side.reports.is_due() {
            return None;
        }
        self.protected(now, out, |side, out| {
            side.report(now, out);
            true
        })
    }

    /// Ends the session, after a goodbye.
    pub(super) fn close(&mut self, now: Instant) {
        let mut goodbye = BytesMut::new();
        let sent = self.protected(now, &mut goodbye, |side, out| side.goodbye(now, out));
        self.goodbye = sent.map(|transmit| (transmit, goodbye));
        self.side.reports.stop();
        self.session.close(now);
    }

    /// Appends a compound, if `write` has one, and protects it.
    fn protected(
        &mut self,
        now: Instant,
        out: &mut BytesMut,
        write: impl FnOnce(&mut Side, &mut BytesMut) -> bool,
    ) -> Option<Transmit> {
        let start = out.len();
        out.resize(start + HEADROOM, 0);
        let written = write(&mut self.side, out);
        let compound = start + HEADROOM..out.len();
        out.resize(compound.end + TAILROOM, 0);
        let sent = match written {
            true => self.session.send_rtcp(now, out, compound).ok(),
            false => None,
        };
        if sent.is_none() {
            out.truncate(start);
        }
        sent
    }
}
