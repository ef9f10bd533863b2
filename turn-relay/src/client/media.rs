//! Payload towards peers. Nothing here allocates.

use std::net::{IpAddr, SocketAddr};
use std::ops::Range;
use std::time::Instant;

use stun_codec::{AttributeType, HEADROOM, Path, TransactionId, Transmit};

use super::allocation::Allocation;
use super::inbound::CHANNEL_HEADER;

/// Bytes that a caller of [`Allocation::send`] leaves free behind its payload, for the padding of a
/// Send indication (RFC 8489 §14).
pub const TAILROOM: usize = 3;

/// What every STUN message has in its bytes 4 to 7 (RFC 8489 §5).
const MAGIC_COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];

/// The type of a Send indication (RFC 8656 §17).
const SEND_INDICATION: [u8; 2] = [0x00, 0x16];

const STUN_HEADER: usize = 20;

/// Payload was not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// There is no relayed address yet, or no longer, or no way to the server just now.
    #[error("nothing is allocated")]
    NotAllocated,
    /// The server does not let the peer in, and would not send to it either
    /// ([`Allocation::permit`]).
    #[error("{0} is not permitted")]
    NotPermitted(IpAddr),
    /// There is no TCP connection to the peer ([`Allocation::connect`]).
    #[error("there is no connection to {0}")]
    NotConnected(SocketAddr),
    /// The range does not lie in the buffer, or there is too little room around it: before it
    /// [`HEADROOM`], and behind it [`TAILROOM`].
    #[error("bytes {start} to {end} do not lie in a buffer of {len} with room around them")]
    OutOfRange {
        /// Where the payload should begin.
        start: usize,
        /// Where it should end.
        end: usize,
        /// Length of the buffer in bytes.
        len: usize,
    },
    /// The payload is longer than a frame can say.
    #[error("{0} bytes are too many for one frame")]
    TooLong(usize),
}

impl Allocation {
    /// Sends `payload`, a range of `buf`, to a peer: writes what the server needs in front of it,
    /// and says what to send where. Leave [`HEADROOM`] bytes before and [`TAILROOM`] bytes behind it.
    ///
    /// # Errors
    /// When there is no way to the peer, or too little room.
    pub fn send(
        &mut self,
        now: Instant,
        buf: &mut [u8],
        payload: Range<usize>,
        peer: SocketAddr,
    ) -> Result<Transmit, SendError> {
        let live = self.phase.live().ok_or(SendError::NotAllocated)?;
        let sent = if self.relays_streams() {
            let path = self.streams.path_to(peer);
            let path = path.ok_or(SendError::NotConnected(peer))?;
            check_range(buf, &payload)?;
            Transmit {
                path,
                range: payload,
            }
        } else {
            let path = live.path().ok_or(SendError::NotAllocated)?;
            if let Some(number) = self.channels.number_for(now, peer) {
                channel_data(path, buf, payload, number)?
            } else if self.permissions.is_granted(now, peer.ip()) {
                let dont_fragment = live.dont_fragment;
                let id = self.random.transaction_id();
                send_indication(
                    path,
                    buf,
                    payload,
                    &Header {
                        peer,
                        id,
                        dont_fragment,
                    },
                )?
            } else {
                return Err(SendError::NotPermitted(peer.ip()));
            }
        };
        self.stats.data_sent += 1;
        Ok(sent)
    }
}

/// RFC 8656 §12.4. In a stream the padding is the framing's (§12.5).
fn channel_data(
    path: Path,
    buf: &mut [u8],
    payload: Range<usize>,
    number: u16,
) -> Result<Transmit, SendError> {
    check_range(buf, &payload)?;
    let length = u16::try_from(payload.len()).map_err(|_| SendError::TooLong(payload.len()))?;
    let start = before(buf, &payload, CHANNEL_HEADER)?;
    let header = number.to_be_bytes().into_iter().chain(length.to_be_bytes());
    fill(buf, start, header);
    Ok(Transmit {
        path,
        range: start..payload.end,
    })
}

/// What a Send indication says besides its payload.
struct Header {
    peer: SocketAddr,
    id: TransactionId,
    dont_fragment: bool,
}

/// RFC 8656 §11.1: XOR-PEER-ADDRESS, DONT-FRAGMENT if wanted, DATA.
fn send_indication(
    path: Path,
    buf: &mut [u8],
    payload: Range<usize>,
    header: &Header,
) -> Result<Transmit, SendError> {
    check_range(buf, &payload)?;
    let address = match header.peer {
        SocketAddr::V4(_) => 8,
        SocketAddr::V6(_) => 20,
    };
    let fragment = if header.dont_fragment { 4 } else { 0 };
    let start = before(buf, &payload, STUN_HEADER + 4 + address + fragment + 4)?;
    let end = payload.start + payload.len().next_multiple_of(4);
    let length =
        u16::try_from(end - start - STUN_HEADER).map_err(|_| SendError::TooLong(payload.len()))?;
    let room = out_of_range(buf, &payload);
    buf.get_mut(payload.end..end).ok_or(room)?.fill(0);

    let message = SEND_INDICATION.into_iter().chain(length.to_be_bytes());
    let message = message.chain(MAGIC_COOKIE).chain(header.id.0);
    let at = fill(buf, start, message);
    let at = fill(buf, at, attribute(AttributeType::XOR_PEER_ADDRESS, address));
    let at = write_peer(buf, at, header);
    let at = match header.dont_fragment {
        true => fill(buf, at, attribute(AttributeType::DONT_FRAGMENT, 0)),
        false => at,
    };
    fill(buf, at, attribute(AttributeType::DATA, payload.len()));
    Ok(Transmit {
        path,
        range: start..end,
    })
}

/// The address, combined with cookie and id (RFC 8489 §14.2).
fn write_peer(buf: &mut [u8], at: usize, header: &Header) -> usize {
    let mask = MAGIC_COOKIE.into_iter().chain(header.id.0);
    let port = header
        .peer
        .port()
        .to_be_bytes()
        .into_iter()
        .zip(mask.clone());
    let port = port.map(|(byte, mask)| byte ^ mask);
    match header.peer.ip() {
        IpAddr::V4(ip) => {
            let ip = ip
                .octets()
                .into_iter()
                .zip(mask)
                .map(|(byte, mask)| byte ^ mask);
            fill(buf, at, [0, 1].into_iter().chain(port).chain(ip))
        }
        IpAddr::V6(ip) => {
            let ip = ip
                .octets()
                .into_iter()
                .zip(mask)
                .map(|(byte, mask)| byte ^ mask);
            fill(buf, at, [0, 2].into_iter().chain(port).chain(ip))
        }
    }
}

/// An attribute's type and length. Longer payloads were refused before.
fn attribute(attribute: AttributeType, length: usize) -> impl Iterator<Item = u8> {
    let length = u16::try_from(length).unwrap_or(u16::MAX);
    attribute
        .0
        .to_be_bytes()
        .into_iter()
        .chain(length.to_be_bytes())
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

fn check_range(buf: &[u8], payload: &Range<usize>) -> Result<(), SendError> {
    match buf.get(payload.clone()) {
        Some(_) => Ok(()),
        None => Err(out_of_range(buf, payload)),
    }
}

/// Where a header of this length begins.
fn before(buf: &[u8], payload: &Range<usize>, header: usize) -> Result<usize, SendError> {
    debug_assert!(header <= HEADROOM);
    payload
        .start
        .checked_sub(header)
        .ok_or_else(|| out_of_range(buf, payload))
}

fn out_of_range(buf: &[u8], payload: &Range<usize>) -> SendError {
    SendError::OutOfRange {
        start: payload.start,
        end: payload.end,
        len: buf.len(),
    }
}
