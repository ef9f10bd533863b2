//! Payload towards peers. Nothing here allocates.

use std::net::{IpAddr, SocketAddr};
use std::ops::Range;
use std::time::Instant;

use stun_codec::Transmit;

use super::allocation::Allocation;
use crate::indication::{self, Header, Kind, NoRoom};

/// Bytes that a caller of [`Allocation::send`] leaves free behind its payload, for the padding of a
/// Send indication (RFC 8489 §14).
pub const TAILROOM: usize = indication::TAILROOM;

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
    /// [`HEADROOM`](crate::HEADROOM), and behind it [`TAILROOM`].
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
    /// and says what to send where. Leave [`HEADROOM`](crate::HEADROOM) bytes before and [`TAILROOM`] bytes behind it.
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
        let written = if self.relays_streams() {
            let path = self.streams.path_to(peer);
            let path = path.ok_or(SendError::NotConnected(peer))?;
            let whole = indication::check_range(buf, &payload).map(|()| payload.clone());
            (path, whole)
        } else {
            let path = live.path().ok_or(SendError::NotAllocated)?;
            if let Some(number) = self.channels.number_for(now, peer) {
                let written = indication::write_channel_data(buf, payload.clone(), number);
                (path, written)
            } else if self.permissions.is_granted(now, peer.ip()) {
                let header = Header {
                    kind: Kind::Send,
                    peer,
                    id: self.random.transaction_id(),
                    dont_fragment: live.dont_fragment,
                };
                (path, indication::write(buf, payload.clone(), &header))
            } else {
                return Err(SendError::NotPermitted(peer.ip()));
            }
        };
        let (path, range) = written;
        let range = range.map_err(|error| explain(error, buf, &payload))?;
        let sent = Transmit { path, range };
        self.stats.data_sent += 1;
        Ok(sent)
    }
}

fn explain(error: NoRoom, buf: &[u8], payload: &Range<usize>) -> SendError {
    match error {
        NoRoom::TooLong => SendError::TooLong(payload.len()),
        NoRoom::OutOfRange => SendError::OutOfRange {
            start: payload.start,
            end: payload.end,
            len: buf.len(),
        },
    }
}
