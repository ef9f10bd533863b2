//! The ports that the kernel gives to outgoing connections, which a relay should not use as well.

use std::ops::RangeInclusive;

/// Where Linux tells them.
const FILE: &str = "/proc/sys/net/ipv4/ip_local_port_range";

/// The kernel's range; unknown elsewhere.
pub(crate) fn ephemeral() -> Option<RangeInclusive<u16>> {
    parse(&std::fs::read_to_string(FILE).ok()?)
}

fn parse(text: &str) -> Option<RangeInclusive<u16>> {
    let mut ports = text.split_whitespace().map(str::parse);
    Some(ports.next()?.ok()?..=ports.next()?.ok()?)
}

/// Whether two ranges share a port.
pub(crate) fn overlap(a: &RangeInclusive<u16>, b: &RangeInclusive<u16>) -> bool {
    a.start() <= b.end() && b.start() <= a.end()
}

/// What to do about it.
pub(crate) fn shared(relay: &RangeInclusive<u16>, ephemeral: &RangeInclusive<u16>) -> String {
    let (low, high) = (relay.start(), relay.end());
    let (first, last) = (ephemeral.start(), ephemeral.end());
    format!(
        "{low}-{high} overlaps the kernel's ephemeral ports {first}-{last} ({FILE}): a program of \
         this machine may hold a port that a relay needs; keep the ranges apart"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_range_is_read() {
        assert_eq!(parse("32768\t60999\n"), Some(32768..=60999));
        assert_eq!(parse("32768"), None);
        assert_eq!(parse("a b"), None);
        #[cfg(target_os = "linux")]
        assert!(ephemeral().is_some());
    }

    #[test]
    fn ranges_overlap_at_their_ends() {
        assert!(overlap(&(1..=5), &(5..=9)) && overlap(&(5..=9), &(1..=5)));
        assert!(overlap(&(1..=9), &(4..=5)) && !overlap(&(1..=4), &(5..=9)));
    }
}
