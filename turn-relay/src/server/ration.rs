//! Answers to those who have proved nothing, not even their address.
//!
//! Whoever forges the source of a request makes the server send to somebody else. So that nobody gains by
//! it, what goes to a prefix of addresses is paid by what came from there, byte for byte, after a small
//! burst. The burst grows back only while nothing comes for a second. Where a prefix is being
//! attacked, a client in it still gets its answer: its retransmissions pay for it.
//!
//! The table has one size for ever. Prefixes that meet in one place take it from each other.

use std::hash::BuildHasher;
use std::net::IpAddr;
use std::time::Instant;

use super::five_tuple::Keyed;

/// Prefixes that are remembered.
const PLACES: usize = 4096;

/// Bytes that a prefix may get without having paid.
pub(super) const BURST: u32 = 4096;

/// Bytes of the burst that come back with each quiet second.
const BACK: u64 = 128;

/// A /24 of IPv4 or a /56 of IPv6.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Prefix(u64);

impl From<IpAddr> for Prefix {
    fn from(ip: IpAddr) -> Self {
        Self(match ip {
            IpAddr::V4(ip) => u64::from(ip.to_bits() >> 8),
            // The highest bit keeps the two apart.
            IpAddr::V6(ip) => (ip.to_bits() >> 72) as u64 | 1 << 63,
        })
    }
}

#[derive(Debug, Clone, Copy)]
struct Place {
    prefix: Prefix,
    left: u32,
    last: Instant,
}

/// What each prefix may still get.
#[derive(Debug)]
pub(super) struct Ration {
    places: Box<[Option<Place>]>,
    hasher: Keyed,
}

impl Ration {
    pub(super) fn new(hasher: Keyed) -> Self {
        Self {
            places: vec![None; PLACES].into(),
            hasher,
        }
    }

    /// So many bytes have come from this address. Says how many may go there.
    pub(super) fn credit(&mut self, now: Instant, ip: IpAddr, bytes: usize) -> u32 {
        let prefix = Prefix::from(ip);
        let Some(place) = self.place(prefix) else {
            return 0;
        };
        let known = place.filter(|known| known.prefix == prefix);
        let mut entry = known.unwrap_or(Place {
            prefix,
            left: BURST,
            last: now,
        });
        let quiet = now.saturating_duration_since(entry.last).as_secs();
        let back = quiet.saturating_mul(BACK).saturating_add(bytes as u64);
        let left = u64::from(entry.left).saturating_add(back);
        entry.left = u32::try_from(left).unwrap_or(BURST).min(BURST);
        entry.last = now;
        *place = Some(entry);
        entry.left
    }

    /// How many bytes may go there, before what comes now is counted.
    pub(super) fn left(&mut self, ip: IpAddr) -> u32 {
        let prefix = Prefix::from(ip);
        let place = self.place(prefix).copied().flatten();
        let known = place.filter(|known| known.prefix == prefix);
        known.map_or(BURST, |known| known.left)
    }

    /// So many bytes go there.
    pub(super) fn debit(&mut self, ip: IpAddr, bytes: usize) {
        let prefix = Prefix::from(ip);
        if let Some(Some(place)) = self.place(prefix)
            && place.prefix == prefix
        {
            let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
            place.left = place.left.saturating_sub(bytes);
        }
    }

    fn place(&mut self, prefix: Prefix) -> Option<&mut Option<Place>> {
        let hash = self.hasher.hash_one(prefix.0);
        let at = usize::try_from(hash % PLACES as u64).ok()?;
        self.places.get_mut(at)
    }
}
