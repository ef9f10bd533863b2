//! Send and Data indications written in front of their payload, in its place. Nothing here allocates.

use std::net::{IpAddr, SocketAddr};
use std::ops::Range;

use stun_codec::{AttributeType, HEADROOM, TransactionId};

/// Bytes behind a payload that padding may need (RFC 8489 §14).
pub(crate) const TAILROOM: usize = 3;

/// The header of ChannelData, in bytes (RFC 8656 §12.4).
pub(crate) const CHANNEL_HEADER: usize = 4;

/// What every STUN message has in its bytes 4 to 7 (RFC 8489 §5).
const MAGIC_COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];

const STUN_HEADER: usize = 20;

/// Which of the two it is (RFC 8656 §17).
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    /// From a client.
    Send,
    /// From a server.
    Data,
}

impl Kind {
    const fn message_type(self) -> [u8; 2] {
        match self {
            Self::Send => [0x00, 0x16],
            Self::Data => [0x00, 0x17],
        }
    }
}

/// What an indication says besides its payload.
pub(crate) struct Header {
    pub(crate) kind: Kind,
    pub(crate) peer: SocketAddr,
    pub(crate) id: TransactionId,
    pub(crate) dont_fragment: bool,
}

/// Why nothing was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoRoom {
    /// There is too little room around the payload.
    OutOfRange,
    /// The payload is longer than a frame can say.
    TooLong,
}

/// Writes the four bytes of ChannelData in front of the payload (RFC 8656 §12.4), and says where the
/// frame stands. In a stream the padding is the framing's (§12.5).
pub(crate) fn write_channel_data(
    buf: &mut [u8],
    payload: Range<usize>,
    number: u16,
) -> Result<Range<usize>, NoRoom> {
    check_range(buf, &payload)?;
    let length = u16::try_from(payload.len()).map_err(|_| NoRoom::TooLong)?;
    let start = before(&payload, CHANNEL_HEADER)?;
    let header = number.to_be_bytes().into_iter().chain(length.to_be_bytes());
    fill(buf, start, header);
    Ok(start..payload.end)
}

/// Writes the message around the payload: XOR-PEER-ADDRESS, DONT-FRAGMENT if wanted, DATA (RFC 8656
/// §11.1, §11.3).
pub(crate) fn write(
    buf: &mut [u8],
    payload: Range<usize>,
    header: &Header,
) -> Result<Range<usize>, NoRoom> {
    check_range(buf, &payload)?;
    let address = match header.peer {
        SocketAddr::V4(_) => 8,
        SocketAddr::V6(_) => 20,
    };
    let fragment = if header.dont_fragment { 4 } else { 0 };
    let start = before(&payload, STUN_HEADER + 4 + address + fragment + 4)?;
    let end = payload.start + payload.len().next_multiple_of(4);
    let length = u16::try_from(end - start - STUN_HEADER).map_err(|_| NoRoom::TooLong)?;
    buf.get_mut(payload.end..end)
        .ok_or(NoRoom::OutOfRange)?
        .fill(0);

    let kind = header.kind.message_type();
    let message = kind.into_iter().chain(length.to_be_bytes());
    let message = message.chain(MAGIC_COOKIE).chain(header.id.0);
    let at = fill(buf, start, message);
    let at = fill(buf, at, attribute(AttributeType::XOR_PEER_ADDRESS, address));
    let at = write_peer(buf, at, header);
    let at = match header.dont_fragment {
        true => fill(buf, at, attribute(AttributeType::DONT_FRAGMENT, 0)),
        false => at,
    };
    fill(buf, at, attribute(AttributeType::DATA, payload.len()));
    Ok(start..end)
}

/// The address, combined with cookie and id (RFC 8489 §14.2).
fn write_peer(buf: &mut [u8], at: usize, header: &Header) -> usize {
    let mask = MAGIC_COOKIE.into_iter().chain(header.id.0);
    let port = header.peer.port().to_be_bytes();
    let masked = |(byte, mask): (u8, u8)| byte ^ mask;
    let port = port.into_iter().zip(mask.clone()).map(masked);
    match header.peer.ip() {
        IpAddr::V4(ip) => {
            let ip = ip.octets().into_iter().zip(mask).map(masked);
            fill(buf, at, [0, 1].into_iter().chain(port).chain(ip))
        }
        IpAddr::V6(ip) => {
            let ip = ip.octets().into_iter().zip(mask).map(masked);
            fill(buf, at, [0, 2].into_iter().chain(port).chain(ip))
        }
    }
}

/// An attribute's type and length. Longer payloads were refused before.
fn attribute(attribute: AttributeType, length: usize) -> impl Iterator<Item = u8> {
    let length = u16::try_from(length).unwrap_or(u16::MAX);
    let kind = attribute.0.to_be_bytes();
    kind.into_iter().chain(length.to_be_bytes())
}

/// Writes bytes, and says where they end. There is room for them.
fn fill(buf: &mut [u8], at: usize, bytes: impl Iterator<Item = u8>) -> usize {
    let mut end = at;
    for (place, byte) in buf.iter_mut().skip(at).zip(bytes) {
        *place = byte;
        end += 1;
    }
    end
}

pub(crate) fn check_range(buf: &[u8], payload: &Range<usize>) -> Result<(), NoRoom> {
    match buf.get(payload.clone()) {
        Some(_) => Ok(()),
        None => Err(NoRoom::OutOfRange),
    }
}

/// Where a header of this length begins.
fn before(payload: &Range<usize>, header: usize) -> Result<usize, NoRoom> {
    debug_assert!(header <= HEADROOM);
    payload.start.checked_sub(header).ok_or(NoRoom::OutOfRange)
}

/// Where a part of a frame stands within it.
pub(crate) fn range_within(frame: &[u8], part: &[u8]) -> Option<Range<usize>> {
    let start = part.as_ptr().addr().checked_sub(frame.as_ptr().addr())?;
    let end = start.checked_add(part.len())?;
    (end <= frame.len()).then_some(start..end)
}
