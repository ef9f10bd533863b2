//! The address format shared by MAPPED-ADDRESS and its relatives (RFC 8489 §14.1, §14.2).

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::fixed;
use crate::message::MAGIC_COOKIE;
use crate::{AttributeType, DecodeError, Family, TransactionId, ValueWriter};

const IPV4: u8 = 1;
const IPV6: u8 = 2;

pub(super) fn decode(attribute: AttributeType, value: &[u8]) -> Result<SocketAddr, DecodeError> {
    let [_, family, high, low, ip @ ..] = value else {
        return Err(DecodeError::ValueLength {
            attribute,
            found: value.len(),
        });
    };
    let wrong_length = |_| DecodeError::ValueLength {
        attribute,
        found: value.len(),
    };
    let ip = match self::family(attribute, *family)? {
        Family::V4 => IpAddr::from(fixed::<4>(attribute, ip).map_err(wrong_length)?),
        Family::V6 => IpAddr::from(fixed::<16>(attribute, ip).map_err(wrong_length)?),
    };
    Ok(SocketAddr::new(ip, u16::from_be_bytes([*high, *low])))
}

pub(super) fn encode(address: SocketAddr, value: &mut ValueWriter<'_>) {
    let [high, low] = address.port().to_be_bytes();
    match address.ip() {
        IpAddr::V4(ip) => {
            let [a, b, c, d] = ip.octets();
            value.bytes(&[0, IPV4, high, low, a, b, c, d]);
        }
        IpAddr::V6(ip) => {
            value.bytes(&[0, IPV6, high, low]);
            value.bytes(&ip.octets());
        }
    }
}

/// The family of a number.
pub(super) fn family(attribute: AttributeType, number: u8) -> Result<Family, DecodeError> {
    match number {
        IPV4 => Ok(Family::V4),
        IPV6 => Ok(Family::V6),
        found => Err(DecodeError::AddressFamily { attribute, found }),
    }
}

/// The number of a family.
pub(super) const fn number(family: Family) -> u8 {
    match family {
        Family::V4 => IPV4,
        Family::V6 => IPV6,
    }
}

/// A family alone, before three reserved bytes (RFC 8656 §18.6).
pub(super) fn decode_family(attribute: AttributeType, value: &[u8]) -> Result<Family, DecodeError> {
    let [number, _, _, _] = fixed(attribute, value)?;
    family(attribute, number)
}

pub(super) fn encode_family(family: Family, value: &mut ValueWriter<'_>) {
    value.u8(number(family));
    value.bytes(&[0; 3]);
}

/// Hides an address from meddling middleboxes, or shows it again: the port is combined with the
/// upper half of the cookie, the IP address with the cookie and the id (RFC 8489 §14.2).
pub(super) fn xor(address: SocketAddr, id: TransactionId) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) => IpAddr::V4(Ipv4Addr::from_bits(ip.to_bits() ^ MAGIC_COOKIE)),
        IpAddr::V6(ip) => {
            let low =
                id.0.iter()
                    .fold(0, |bits, &byte| (bits << 8) | u128::from(byte));
            let mask = (u128::from(MAGIC_COOKIE) << 96) | low;
            IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() ^ mask))
        }
    };
    SocketAddr::new(ip, address.port() ^ (MAGIC_COOKIE >> 16) as u16)
}
