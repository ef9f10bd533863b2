//! The phone's side of a bridge: where its media goes, and what it last sent.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::Formats;

/// What the phone's SDP says about its media.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PhoneMedia {
    /// Where it takes RTP, and the only address it is heard from.
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
}

/// A phone that has told where its media goes.
#[derive(Debug)]
pub(super) struct PhoneLeg {
    media: PhoneMedia,
    last: Instant,
    told_silent: bool,
}

impl PhoneLeg {
    pub(super) fn new(media: PhoneMedia, now: Instant) -> Self {
        Self {
            media,
            last: now,
            told_silent: false,
        }
    }

    pub(super) fn remote(&self) -> SocketAddr {
        self.media.remote
    }

    pub(super) fn formats(&self) -> Formats {
        self.media.formats
    }

    pub(super) fn listens(&self) -> bool {
        self.media.listens
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
            },
            listens: true,
            speaks,
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
    fn the_silence_of_a_ringing_phone_means_nothing() {
        let start = origin();
        let mut phone = PhoneLeg::new(media(false), start);
        assert_eq!(phone.deadline(LIMIT), None);
        assert_eq!(phone.take_silence(start + LIMIT * 9, LIMIT), None);
    }
}
