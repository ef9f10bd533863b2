//! Frames in byte streams: TCP and TLS know no datagrams.
//!
//! The driver runs one [`Deframer`] for each connection: it cuts what arrives into the frames that
//! a state machine takes, and [`Framing::write`] makes bytes of the stream out of the frames that a
//! machine emits. Machines never see a stream.
//!
//! | framing | on | a frame is |
//! | --- | --- | --- |
//! | [`Framing::Turn`] | connections to a STUN or TURN server | a STUN message (RFC 8489 §6.2.2) or ChannelData (RFC 8656 §12.5), by their own lengths |
//! | [`Framing::TurnData`] | connections that carry one of a peer (RFC 6062 §4.3) | a STUN message, until one grants; then bytes as they come |
//! | [`Framing::Rfc4571`] | connections between ICE agents (RFC 6544 §10.1) | anything, with its length in two bytes before it |

mod deframer;

use bytes::{BufMut, BytesMut};

pub use deframer::Deframer;

use crate::message::{HEADER, MAGIC_COOKIE};

/// The header of ChannelData: its channel and its length (RFC 8656 §12.4).
const CHANNEL_HEADER: usize = 4;

/// How frames stand in a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Framing {
    /// STUN messages and ChannelData, by their own lengths. ChannelData is padded to a multiple of
    /// four bytes in the stream (RFC 8656 §12.5), and not in the frame.
    Turn,
    /// STUN messages until one is a success response: ConnectionBind is granted, and from there on
    /// the stream is the peer's (RFC 6062 §4.3). Its bytes are frames as they come, and what is
    /// written goes as it is.
    TurnData,
    /// Each frame behind its length in two bytes (RFC 4571 §2). Frames without a byte are passed
    /// over.
    Rfc4571,
}

/// Why a stream cannot be cut into frames. There is no way back into step: close the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StreamError {
    /// A frame begins neither as STUN nor as ChannelData.
    #[error("a frame begins with {first:#04x}, which is neither STUN nor ChannelData")]
    Neither {
        /// Its first byte.
        first: u8,
    },
    /// A STUN message without the magic cookie.
    #[error("magic cookie {found:#010x}, expected 0x2112a442")]
    MagicCookie {
        /// What stands in its place.
        found: u32,
    },
    /// The length of a STUN message is not a multiple of four (RFC 8489 §5).
    #[error("a STUN message of {length} bytes behind its header, not a multiple of four")]
    Unaligned {
        /// The length field.
        length: u16,
    },
    /// A frame is longer than this side takes.
    #[error("a frame of {length} bytes, and at most {limit} are taken")]
    TooLong {
        /// Bytes of the frame.
        length: usize,
        /// The limit.
        limit: usize,
    },
}

/// Why a frame cannot be written to a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// It is longer than its length field can say.
    #[error("a frame of {0} bytes is too long for a stream")]
    TooLong(usize),
    /// It does not say its own length rightly: the other side would lose step.
    #[error("the frame is no whole STUN message or ChannelData")]
    NotAFrame,
}

/// One frame within its stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Extent {
    /// Bytes before it that belong to the stream alone.
    before: usize,
    /// Bytes of the frame.
    length: usize,
    /// Bytes after it that belong to the stream alone.
    padding: usize,
}

impl Extent {
    fn total(self) -> usize {
        self.before + self.length + self.padding
    }
}

impl Framing {
    /// Appends a frame to the bytes of a stream.
    ///
    /// # Errors
    /// When it is too long, or with [`Framing::Turn`] not a frame. Nothing is appended then.
    pub fn write(self, frame: &[u8], out: &mut BytesMut) -> Result<(), WriteError> {
        match self {
            Self::Rfc4571 => {
                let length = u16::try_from(frame.len());
                out.put_u16(length.map_err(|_| WriteError::TooLong(frame.len()))?);
                out.put_slice(frame);
            }
            Self::TurnData => out.put_slice(frame),
            Self::Turn => {
                let extent = self.extent(frame).ok().flatten();
                let whole = extent.filter(|extent| extent.length == frame.len());
                let padding = whole.ok_or(WriteError::NotAFrame)?.padding;
                out.put_slice(frame);
                out.put_bytes(0, padding);
            }
        }
        Ok(())
    }

    /// Where the first frame of `stream` stands, once enough of it is there to tell.
    fn extent(self, stream: &[u8]) -> Result<Option<Extent>, StreamError> {
        match self {
            Self::Rfc4571 => Ok(stream.first_chunk().map(|length| Extent {
                before: 2,
                length: usize::from(u16::from_be_bytes(*length)),
                padding: 0,
            })),
            Self::TurnData => match stream.first() {
                None => Ok(None),
                Some(0x00..=0x3f) => stun(stream),
                Some(first) => Err(StreamError::Neither { first: *first }),
            },
            Self::Turn => match stream.first() {
                None => Ok(None),
                Some(0x00..=0x3f) => stun(stream),
                // RFC 5766 §11 had channels up to 0x7FFF.
                Some(0x40..=0x7f) => Ok(channel_data(stream)),
                Some(first) => Err(StreamError::Neither { first: *first }),
            },
        }
    }
}

fn stun(stream: &[u8]) -> Result<Option<Extent>, StreamError> {
    let Some([_, _, l0, l1, c0, c1, c2, c3]) = stream.first_chunk() else {
        return Ok(None);
    };
    let found = u32::from_be_bytes([*c0, *c1, *c2, *c3]);
    if found != MAGIC_COOKIE {
        return Err(StreamError::MagicCookie { found });
    }
    let length = u16::from_be_bytes([*l0, *l1]);
    if length % 4 != 0 {
        return Err(StreamError::Unaligned { length });
    }
    Ok(Some(Extent {
        before: 0,
        length: HEADER + usize::from(length),
        padding: 0,
    }))
}

/// Whether a frame is a success response (RFC 8489 §5).
fn is_success(frame: &[u8]) -> bool {
    matches!(frame, [high, low, ..] if (high & 0x01, low & 0x10) == (0x01, 0x00))
}

fn channel_data(stream: &[u8]) -> Option<Extent> {
    let [_, _, l0, l1] = stream.first_chunk()?;
    let length = CHANNEL_HEADER + usize::from(u16::from_be_bytes([*l0, *l1]));
    Some(Extent {
        before: 0,
        length,
        padding: length.next_multiple_of(4) - length,
    })
}
