//! The IANA special-purpose address registries (RFC 6890), and IPv4 addresses inside those of IPv6.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Prefixes of IPv4 that are not on the internet, or not one host there.
const SPECIAL_V4: [([u8; 4], u8); 16] = [
    ([0, 0, 0, 0], 8),       // this network, RFC 791
    ([10, 0, 0, 0], 8),      // private, RFC 1918
    ([100, 64, 0, 0], 10),   // shared by carriers, RFC 6598
    ([127, 0, 0, 0], 8),     // loopback, RFC 1122
    ([169, 254, 0, 0], 16),  // link-local, RFC 3927
    ([172, 16, 0, 0], 12),   // private, RFC 1918
    ([192, 0, 0, 0], 24),    // protocol assignments, RFC 6890
    ([192, 0, 2, 0], 24),    // documentation, RFC 5737
    ([192, 31, 196, 0], 24), // AS112, RFC 7535
    ([192, 52, 193, 0], 24), // AMT, RFC 7450
    ([192, 88, 99, 0], 24),  // 6to4 anycast, RFC 7526
    ([192, 168, 0, 0], 16),  // private, RFC 1918
    ([198, 18, 0, 0], 15),   // benchmarks, RFC 2544
    ([198, 51, 100, 0], 24), // documentation, RFC 5737
    ([203, 0, 113, 0], 24),  // documentation, RFC 5737
    ([224, 0, 0, 0], 3),     // multicast, RFC 5771; reserved, RFC 1112; broadcast
];

/// The same of IPv6. Addresses of IPv4 in disguise are among them, except those behind a NAT64.
const SPECIAL_V6: [([u16; 8], u8); 14] = [
    ([0, 0, 0, 0, 0, 0, 0, 0], 96), // unspecified, loopback, IPv4-compatible, RFC 4291
    ([0, 0, 0, 0, 0, 0xffff, 0, 0], 96), // IPv4-mapped, RFC 4291
    ([0, 0, 0, 0, 0xffff, 0, 0, 0], 96), // IPv4-translated, RFC 2765
    ([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48), // local NAT64, RFC 8215
    ([0x100, 0, 0, 0, 0, 0, 0, 0], 48), // discard and dummy prefixes, RFC 6666, RFC 9780
    ([0x2001, 0, 0, 0, 0, 0, 0, 0], 23), // protocol assignments, Teredo among them, RFC 2928
    ([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32), // documentation, RFC 3849
    ([0x2002, 0, 0, 0, 0, 0, 0, 0], 16), // 6to4, RFC 3056
    ([0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0], 48), // AS112, RFC 7534
    ([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20), // documentation, RFC 9637
    ([0x5f00, 0, 0, 0, 0, 0, 0, 0], 16), // segment routing, RFC 9602
    ([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7), // unique local, RFC 4193
    ([0xfe80, 0, 0, 0, 0, 0, 0, 0], 9), // link-local and site-local, RFC 4291, RFC 3879
    ([0xff00, 0, 0, 0, 0, 0, 0, 0], 8), // multicast, RFC 4291
];

/// The length of the registered prefix that an address stands in as something else than a host on the
/// internet; `None` where it is one.
pub(super) fn prefix_of(ip: IpAddr) -> Option<u8> {
    match ip {
        IpAddr::V4(ip) => {
            let within = |(prefix, length): &&([u8; 4], u8)| {
                let shift = 32 - u32::from(*length);
                (ip.to_bits() ^ Ipv4Addr::from(*prefix).to_bits()) >> shift == 0
            };
            SPECIAL_V4.iter().filter(within).map(|one| one.1).max()
        }
        IpAddr::V6(ip) => {
            let within = |(prefix, length): &&([u16; 8], u8)| {
                let shift = 128 - u32::from(*length);
                (ip.to_bits() ^ Ipv6Addr::from(*prefix).to_bits()) >> shift == 0
            };
            SPECIAL_V6.iter().filter(within).map(|one| one.1).max()
        }
    }
}

/// The length of the prefix of [`behind_nat64`].
pub(super) const NAT64: u8 = 96;

/// The host of IPv4 that a NAT64 makes of this address (RFC 6052 §2.1).
pub(super) fn behind_nat64(ip: IpAddr) -> Option<IpAddr> {
    const WELL_KNOWN: u128 = 0x0064_ff9b << 96;
    let IpAddr::V6(ip) = ip else { return None };
    let low = u32::try_from(ip.to_bits() ^ WELL_KNOWN).ok()?;
    Some(Ipv4Addr::from_bits(low).into())
}
