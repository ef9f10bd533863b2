//! How often a master key may still be used (RFC 3711 §9.2).
//!
//! A master key is for 2^48 SRTP and 2^31 SRTCP packets; with a lifetime (RFC 4568 §6.1), for that
//! many of each at most. When one of the two is used up the key is at its end for both: a key that
//! has reached its end MUST NOT be used again. RFC 3711 counts each stream by itself; counting
//! all streams of a key together ends it no later, and takes one number.
//!
//! ```text
//!        fewer left than the margin          none left
//! Fresh ---------------------------> Near -------------> Used up: every packet is an error
//!            event KeyNearlyUsed          event KeyExhausted
//! ```
//!
//! The hot path counts down. What there is to tell is found by comparing when it is asked for, so
//! nothing is queued.

use crate::event::Event;

/// SRTP packets under one master key (RFC 3711 §9.2).
pub(crate) const RTP_PACKETS_MAX: u64 = 1 << 48;

/// SRTCP packets under one master key (RFC 3711 §9.2).
pub(crate) const RTCP_PACKETS_MAX: u64 = 1 << 31;

/// A key that may not be used any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct UsedUp;

/// The packets that a master key is still good for.
#[derive(Debug)]
pub(crate) struct KeyUse {
    lifetime: u64,
    rtp_left: u64,
    rtcp_left: u64,
    told: Told,
}

/// What was told of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Told {
    Nothing,
    NearlyUsed,
    Exhausted,
}

impl KeyUse {
    /// `lifetime` packets, and no more than RFC 3711 allows.
    pub(crate) fn new(lifetime: u64) -> Self {
        Self {
            lifetime,
            rtp_left: lifetime.min(RTP_PACKETS_MAX),
            rtcp_left: lifetime.min(RTCP_PACKETS_MAX),
            told: Told::Nothing,
        }
    }

    pub(crate) const fn lifetime(&self) -> u64 {
        self.lifetime
    }

    /// Whether one more packet may be protected or opened.
    #[inline]
    pub(crate) const fn check(&self) -> Result<(), UsedUp> {
        // Both reach 0 together.
        match self.rtp_left {
            0 => Err(UsedUp),
            _ => Ok(()),
        }
    }

    /// Counts an SRTP packet. The caller has asked `check`.
    #[inline]
    pub(crate) fn count_rtp(&mut self) {
        self.rtp_left = self.rtp_left.saturating_sub(1);
        if self.rtp_left == 0 {
            self.rtcp_left = 0;
        }
    }

    /// Counts an SRTCP packet. The caller has asked `check`.
    #[inline]
    pub(crate) fn count_rtcp(&mut self) {
        self.rtcp_left = self.rtcp_left.saturating_sub(1);
        if self.rtcp_left == 0 {
            self.rtp_left = 0;
        }
    }

    /// What has not been told yet, of the key with this MKI. Of each of the two numbers half must be
    /// used whatever the margin, so that not every new key asks for the next at once.
    pub(crate) fn poll_event(&mut self, margin: u64, mki: &[u8]) -> Option<Event> {
        let near = |left: u64, max: u64| left < margin.min(self.lifetime.min(max).div_ceil(2));
        let left = self.rtp_left.min(self.rtcp_left);
        let now = if left == 0 {
            Told::Exhausted
        } else if near(self.rtp_left, RTP_PACKETS_MAX) || near(self.rtcp_left, RTCP_PACKETS_MAX) {
            Told::NearlyUsed
        } else {
            Told::Nothing
        };
        if now <= self.told {
            return None;
        }
        self.told = now;
        let mki = (!mki.is_empty()).then(|| mki.into());
        Some(match left {
            0 => Event::KeyExhausted { mki },
            _ => Event::KeyNearlyUsed { mki, left },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lifetimes_of_rfc_3711() {
        let uses = KeyUse::new(RTP_PACKETS_MAX);
        assert_eq!((uses.rtp_left, uses.rtcp_left), (1 << 48, 1 << 31));
        let uses = KeyUse::new(1000);
        assert_eq!((uses.rtp_left, uses.rtcp_left), (1000, 1000));
    }

    #[test]
    fn each_event_once_and_before_the_error() {
        let mut uses = KeyUse::new(10);
        let mut told = vec![];
        let mut packets = 0;
        while uses.check().is_ok() {
            uses.count_rtp();
            packets += 1;
            told.extend(uses.poll_event(3, b"m").map(|event| (packets, event)));
            assert_eq!(uses.poll_event(3, b"m"), None);
        }
        let mki = Some(b"m"[..].into());
        let near = Event::KeyNearlyUsed {
            mki: mki.clone(),
            left: 2,
        };
        assert_eq!(told, [(8, near), (10, Event::KeyExhausted { mki })]);
    }

    #[test]
    fn a_short_lifetime_is_nearly_used_when_half_is_over() {
        for (lifetime, left) in [
            (1, None),
            (2, None),
            (3, Some(1)),
            (9, Some(4)),
            (10, Some(4)),
        ] {
            let mut uses = KeyUse::new(lifetime);
            assert_eq!(uses.poll_event(1 << 16, &[]), None, "{lifetime}");
            let first = (0..lifetime).find_map(|_| {
                uses.count_rtcp();
                uses.poll_event(1 << 16, &[])
            });
            let near = left.map(|left| Event::KeyNearlyUsed { mki: None, left });
            let expected = near.unwrap_or(Event::KeyExhausted { mki: None });
            assert_eq!(first, Some(expected), "{lifetime}");
        }
    }

    #[test]
    fn no_margin_makes_a_fresh_key_nearly_used() {
        for margin in [1 << 16, 1 << 30, 1 << 31, (1 << 31) + 1, 1 << 48, u64::MAX] {
            let mut uses = KeyUse::new(RTP_PACKETS_MAX);
            uses.count_rtp();
            uses.count_rtcp();
            assert_eq!(uses.poll_event(margin, &[]), None, "{margin}");
            uses.rtcp_left = margin.min(1 << 30);
            assert_eq!(uses.poll_event(margin, &[]), None, "{margin}");
            uses.count_rtcp();
            assert!(uses.poll_event(margin, &[]).is_some(), "{margin}");
        }
    }

    #[test]
    fn the_end_of_one_is_the_end_of_both() {
        let mut uses = KeyUse::new(RTP_PACKETS_MAX);
        uses.rtcp_left = 1;
        uses.count_rtcp();
        assert_eq!(uses.check(), Err(UsedUp));
        let mut uses = KeyUse::new(RTP_PACKETS_MAX);
        uses.rtp_left = 1;
        uses.count_rtp();
        assert_eq!((uses.check(), uses.rtcp_left), (Err(UsedUp), 0));
    }
}
