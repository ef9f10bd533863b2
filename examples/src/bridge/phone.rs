//! The phone at the other end of a bridge: where its media goes and comes from, and when it was
//! last heard.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::Formats;
use super::source::Source;

/// What the phone's SDP says about its media.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PhoneMedia {
    /// Where it takes RTP, and the only address it is heard from, unless another may be learned.
    pub remote: SocketAddr,
    /// Where it takes RTCP, and the only address that RTCP is heard from: `remote` itself where
    /// the two are multiplexed (RFC 5761).
    pub rtcp: SocketAddr,
    /// Its payload types.
    pub formats: Formats,
    /// Whether it wants to hear us.
    pub listens: bool,
    /// Whether it owes us media: it has answered, and is not on hold. Before the answer, and on
    /// hold, silence means nothing.
    pub speaks: bool,
    /// Whether it takes RTCP. Not as long as its SDP names no address: then it is sent nothing at
    /// all (RFC 3264 §8.4).
    pub takes_reports: bool,
}

/// A phone that has told where its media goes.
#[derive(Debug)]
pub(super) struct PhoneLeg {
    media: PhoneMedia,
    pub(super) rtp: Source,
    pub(super) rtcp: Source,
    last: Instant,
    told_silent: bool,
}

impl PhoneLeg {
    pub(super) fn new(media: PhoneMedia, now: Instant) -> Self {
        Self {
            media,
            rtp: Source::new(media.remote),
            rtcp: Source::new(media.rtcp),
            last: now,
            told_silent: false,
        }
    }

    /// The phone has told anew.
    pub(super) fn renew(&mut self, media: PhoneMedia, now: Instant) {
        self.media = media;
        self.rtp.renew(media.remote, now);
        self.rtcp.renew(media.rtcp, now);
        self.heard(now);
    }

    pub(super) fn formats(&self) -> &Formats {
        &self.media.formats
    }

    pub(super) fn listens(&self) -> bool {
        self.media.listens
    }

    pub(super) fn takes_reports(&self) -> bool {
        self.media.takes_reports
    }

    /// Whether RTP and RTCP share a port.
    pub(super) fn is_multiplexed(&self) -> bool {
        self.media.remote == self.media.rtcp
    }

    /// It has sent something.
    pub(super) fn heard(&mut self, now: Instant) {
        self.last = now;
        self.told_silent = false;
    }

    /// When it will have been silent for `limit`. `None` if that means nothing, or has been told.
    pub(super) fn deadline(&self, limit: Duration) -> Option<Instant> {
        (self.media.speaks && !self.told_silent).then(|| self.last + limit)
    }

    /// How long it has been silent, if that is for `limit` and has not been told.
    pub(super) fn take_silence(&mut self, now: Instant, limit: Duration) -> Option<Duration> {
        if self.deadline(limit)? > now {
            return None;
        }
        self.told_silent = true;
        Some(now.saturating_duration_since(self.last))
    }
}

#[cfg(test)]
mod tests {
    use sdp::negotiate::PayloadTypes;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(30);

    #[allow(clippy::disallowed_methods)] // an origin for virtual time
    fn origin() -> Instant {
        Instant::now()
    }

    fn media(speaks: bool) -> PhoneMedia {
        PhoneMedia {
            remote: ([192, 0, 2, 1], 4000).into(),
            rtcp: ([192, 0, 2, 1], 4001).into(),
            formats: Formats {
                codec: PayloadTypes {
                    send: 0,
                    receive: 0,
                },
                telephone_event: None,
                comfort_noise: None,
            },
            listens: true,
            speaks,
            takes_reports: true,
        }
    }

    #[test]
    fn silence_is_told_once_and_again_after_the_phone_was_heard() {
        let start = origin();
        let mut phone = PhoneLeg::new(media(true), start);
        assert_eq!(phone.deadline(LIMIT), Some(start + LIMIT));
        assert_eq!(phone.take_silence(start + LIMIT / 2, LIMIT), None);
        assert_eq!(phone.take_silence(start + LIMIT, LIMIT), Some(LIMIT));
        assert_eq!(phone.take_silence(start + LIMIT * 2, LIMIT), None);
        assert_eq!(phone.deadline(LIMIT), None);
        phone.heard(start + LIMIT * 2);
        assert_eq!(phone.take_silence(start + LIMIT * 3, LIMIT), Some(LIMIT));
    }

    #[test]
    fn the_silence_of_a_phone_that_rings_or_holds_means_nothing() {
        let start = origin();
        let mut phone = PhoneLeg::new(media(false), start);
        assert_eq!(phone.deadline(LIMIT), None);
        assert_eq!(phone.take_silence(start + LIMIT * 9, LIMIT), None);
        phone.renew(media(true), start + LIMIT * 9);
        assert_eq!(phone.deadline(LIMIT), Some(start + LIMIT * 10));
        phone.renew(media(false), start + LIMIT * 11);
        assert_eq!(phone.deadline(LIMIT), None);
    }
}
