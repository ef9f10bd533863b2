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
//! The key is near its end as well when a stream is near its last index, which comes sooner if
//! another sender has begun the stream. That end is the stream's alone.
//!
//! The hot path counts down. What there is to tell is found by comparing when it is asked for, so
//! nothing is queued.

/// SRTP packets under one master key (RFC 3711 §9.2).
pub(crate) const RTP_PACKETS_MAX: u64 = 1 << 48;

/// SRTCP packets under one master key (RFC 3711 §9.2).
const RTCP_PACKETS_MAX: u64 = 1 << 31;

/// What a [`Sender`](crate::Sender) or [`Receiver`](crate::Receiver) has to tell.
///
/// Each event of a key comes once. One that waits is overtaken by what happens: a key that is used
/// up is no longer told to be nearly so, and of a key that was replaced nothing is told.
///
/// ```
/// use srtp::{Event, MasterKey, Profile, Receiver, Sender, TRAILER_MAX};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // Keys for 4 packets each, so that the end is near.
/// let key = |number: u8| -> Result<MasterKey, srtp::KeyError> {
///     let key = MasterKey::new(Profile::AeadAes128Gcm, &[number; 16], &[2; 12])?;
///     key.with_mki(&[number])?.with_lifetime(4)
/// };
/// let (mut sender, mut receiver) = (Sender::new(key(1)?), Receiver::new(key(1)?));
/// let mut next = 2;
/// for sequence_number in 0..20 {
///     let mut packet = [0x80; 40 + TRAILER_MAX + 1];
///     packet[3] = sequence_number;
///     let sealed = sender.protect_rtp(&mut packet, 40)?;
///     receiver.unprotect_rtp(&mut packet[..sealed])?;
///     if let Some(Event::KeyNearlyUsed { .. }) = sender.poll_event() {
///         receiver.add_key(key(next)?)?; // the signalling brings it there first
///         sender.change_key(key(next)?)?;
///         next += 1;
///     }
/// }
/// # assert_eq!(next, 8);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// Few packets are left of a key's lifetime: time for another key
    /// ([`Sender::change_key`](crate::Sender::change_key),
    /// [`Receiver::add_key`](crate::Receiver::add_key)). Or few of the 2^48 SRTP or 2^31 SRTCP
    /// indices are left of one of its streams, which no key renews: time for another SSRC.
    KeyNearlyUsed {
        /// The key's MKI, if it has one.
        mki: Option<Box<[u8]>>,
        /// How many packets are left: the least of these numbers.
        left: u64,
    },
    /// A key's lifetime is over: from now on its packets are refused
    /// ([`ProtectError::KeyExhausted`](crate::ProtectError::KeyExhausted),
    /// [`UnprotectError::KeyExhausted`](crate::UnprotectError::KeyExhausted)).
    KeyExhausted {
        /// The key's MKI, if it has one.
        mki: Option<Box<[u8]>>,
    },
}

/// A key that may not be used any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct UsedUp;

/// The packets that a master key is still good for.
#[derive(Debug)]
pub(crate) struct KeyUse {
    lifetime: u64,
    rtp_left: u64,
    rtcp_left: u64,
    /// Indices left of the stream that has the fewest.
    indices_left: u64,
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
            indices_left: u64::MAX,
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

    /// Counts an SRTP packet with this index. The caller has asked `check`.
    #[inline]
    pub(crate) fn count_rtp(&mut self, index: u64) {
        let indices_left = (RTP_PACKETS_MAX - 1).saturating_sub(index);
        self.indices_left = self.indices_left.min(indices_left);
        self.rtp_left = self.rtp_left.saturating_sub(1);
        if self.rtp_left == 0 {
            self.rtcp_left = 0;
        }
    }

    /// Counts an SRTCP packet with this index. The caller has asked `check`.
    #[inline]
    pub(crate) fn count_rtcp(&mut self, index: u32) {
        let indices_left = (RTCP_PACKETS_MAX - 1).saturating_sub(index.into());
        self.indices_left = self.indices_left.min(indices_left);
        self.rtcp_left = self.rtcp_left.saturating_sub(1);
        if self.rtcp_left == 0 {
            self.rtp_left = 0;
        }
    }

    /// What has not been told yet, of the key with this MKI. A key of a short lifetime is nearly
    /// used when half of it is over, so that not every new key asks for the next at once.
    pub(crate) fn poll_event(&mut self, margin: u64, mki: &[u8]) -> Option<Event> {
        let packets_left = self.rtp_left.min(self.rtcp_left);
        let left = packets_left.min(self.indices_left);
        let now = match packets_left {
            0 => Told::Exhausted,
            _ if left < margin.min(self.lifetime.div_ceil(2)) => Told::NearlyUsed,
            _ => Told::Nothing,
        };
        if now <= self.told {
            return None;
        }
        self.told = now;
        let mki = (!mki.is_empty()).then(|| mki.into());
        Some(match packets_left {
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
            uses.count_rtp(0);
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
                uses.count_rtcp(0);
                uses.poll_event(1 << 16, &[])
            });
            let near = left.map(|left| Event::KeyNearlyUsed { mki: None, left });
            let expected = near.unwrap_or(Event::KeyExhausted { mki: None });
            assert_eq!(first, Some(expected), "{lifetime}");
        }
    }

    #[test]
    fn the_end_of_one_is_the_end_of_both() {
        let mut uses = KeyUse::new(RTP_PACKETS_MAX);
        uses.rtcp_left = 1;
        uses.count_rtcp(0);
        assert_eq!(uses.check(), Err(UsedUp));
        let mut uses = KeyUse::new(RTP_PACKETS_MAX);
        uses.rtp_left = 1;
        uses.count_rtp(0);
        assert_eq!((uses.check(), uses.rtcp_left), (Err(UsedUp), 0));
    }
}
