//! The phone's side of a bridge: where its media goes, and what it last sent.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::Formats;

/// A phone that has answered.
#[derive(Debug)]
pub struct PhoneLeg {
    remote: SocketAddr,
    formats: Formats,
    last: Instant,
    told_silent: bool,
}

impl PhoneLeg {
    /// A phone that takes media at `remote`, as its SDP says.
    #[must_use]
    pub fn new(remote: SocketAddr, formats: Formats, now: Instant) -> Self {
        Self {
            remote,
            formats,
            last: now,
            told_silent: false,
        }
    }

    /// Where its media goes, and the only address it is heard from.
    #[must_use]
    pub fn remote(&self) -> SocketAddr {
        self.remote
    }

    /// Its payload types.
    #[must_use]
    pub fn formats(&self) -> Formats {
        self.formats
    }

    /// It has sent a packet.
    pub(super) fn heard(&mut self, now: Instant) {
        self.last = now;
        self.told_silent = false;
    }

    /// When it will have been silent for `limit`. `None` once that has been told.
    pub(super) fn deadline(&self, limit: Duration) -> Option<Instant> {
        (!self.told_silent).then(|| self.last + limit)
    }

    /// How long it has been silent, if that is for `limit` and has not been told.
    pub(super) fn take_silence(&mut self, now: Instant, limit: Duration) -> Option<Duration> {
        let silent = now.saturating_duration_since(self.last);
        if self.told_silent || silent < limit {
            return None;
        }
        self.told_silent = true;
        Some(silent)
    }
}

#[cfg(test)]
mod tests {
    use sdp::negotiate::PayloadTypes;

    use super::*;

    #[test]
    #[allow(clippy::disallowed_methods)] // an origin for virtual time
    fn silence_is_told_once_and_again_after_the_phone_was_heard() {
        let start = Instant::now();
        let limit = Duration::from_secs(30);
        let formats = Formats {
            codec: PayloadTypes {
                send: 0,
                receive: 0,
            },
            telephone_event: None,
        };
        let mut phone = PhoneLeg::new(([192, 0, 2, 1], 4000).into(), formats, start);
        assert_eq!(phone.deadline(limit), Some(start + limit));
        assert_eq!(phone.take_silence(start + limit / 2, limit), None);
        assert_eq!(phone.take_silence(start + limit, limit), Some(limit));
        assert_eq!(
            (
                phone.take_silence(start + limit * 2, limit),
                phone.deadline(limit)
            ),
            (None, None)
        );
        phone.heard(start + limit * 2);
        assert_eq!(phone.take_silence(start + limit * 3, limit), Some(limit));
    }
}
