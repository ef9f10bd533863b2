//! Cutting a stream into frames.

use alloc::vec::Vec;

use super::{Extent, Framing, StreamError, is_success};

/// Cuts the bytes of one connection into frames.
///
/// [`push`](Self::push) what arrives, as much as it takes; then call
/// [`next_frame`](Self::next_frame) until `None`; then push the rest. It holds at most one frame of
/// the limit, and gives memory of longer frames back.
///
/// ```
/// use stun_codec::stream::{Deframer, Framing, StreamError};
///
/// fn on_bytes(deframer: &mut Deframer, mut arrived: &[u8]) -> Result<(), StreamError> {
///     while !arrived.is_empty() {
///         let taken = deframer.push(arrived);
///         arrived = &arrived[taken..];
///         while let Some(frame) = deframer.next_frame()? {
///             println!("{} bytes for the state machine", frame.len());
///         }
///     }
///     Ok(())
/// }
/// # on_bytes(&mut Deframer::new(Framing::Rfc4571, 1500), b"\0\x02hi").unwrap();
/// ```
#[derive(Debug)]
pub struct Deframer {
    framing: Framing,
    limit: usize,
    buffer: Vec<u8>,
    /// Where in the buffer the next frame begins.
    start: usize,
    /// Whether the stream is that of a peer by now ([`Framing::TurnData`]).
    is_handed_over: bool,
    broken: Option<StreamError>,
}

/// Bytes that the buffer keeps while the stream is between frames.
const KEPT: usize = 2048;

/// What a stream adds to a frame at most: a length before it, or padding behind it.
const AROUND: usize = 3;

/// Bytes that tell how long a frame is, at most.
const HEAD: usize = 8;

impl Deframer {
    /// A deframer for one connection, at the beginning of its stream. Frames of more than `limit`
    /// bytes are refused. 65,555 bytes are as long as any frame can be.
    #[must_use]
    pub fn new(framing: Framing, limit: usize) -> Self {
        Self {
            framing,
            limit,
            buffer: Vec::new(),
            start: 0,
            is_handed_over: false,
            broken: None,
        }
    }

    /// Takes bytes of the stream, and says how many: all while there is room, which there is after
    /// [`next_frame`](Self::next_frame) has answered `None`. A broken stream takes and forgets all.
    #[must_use]
    pub fn push(&mut self, bytes: &[u8]) -> usize {
        if self.broken.is_some() {
            return bytes.len();
        }
        self.buffer.drain(..self.start);
        self.start = 0;
        if self.buffer.is_empty() && self.buffer.capacity() > KEPT {
            self.buffer.shrink_to(KEPT);
        }
        let most = self.limit.saturating_add(AROUND).max(HEAD);
        let room = most.saturating_sub(self.buffer.len());
        let taken = bytes.get(..room).unwrap_or(bytes);
        self.buffer.extend_from_slice(taken);
        taken.len()
    }

    /// The next whole frame; `None` when more bytes are needed. It may be changed in place.
    ///
    /// # Errors
    /// When the stream is out of step. It stays so.
    pub fn next_frame(&mut self) -> Result<Option<&mut [u8]>, StreamError> {
        if let Some(error) = self.broken {
            return Err(error);
        }
        loop {
            let rest = self.buffer.get(self.start..).unwrap_or_default();
            let extent = match self.extent(rest) {
                Ok(Some(extent)) if extent.total() <= rest.len() => extent,
                Ok(_) => return Ok(None),
                Err(error) => {
                    self.buffer = Vec::new();
                    self.start = 0;
                    self.broken = Some(error);
                    return Err(error);
                }
            };
            let frame = self.start + extent.before;
            self.start += extent.total();
            if extent.length > 0 {
                let found = self.buffer.get_mut(frame..frame + extent.length);
                if self.framing == Framing::TurnData && !self.is_handed_over {
                    self.is_handed_over = found.as_deref().is_some_and(is_success);
                }
                return Ok(found);
            }
        }
    }

    /// Where the next frame stands, within the limit.
    fn extent(&self, rest: &[u8]) -> Result<Option<Extent>, StreamError> {
        if self.is_handed_over {
            return Ok((!rest.is_empty()).then_some(Extent {
                before: 0,
                length: rest.len().min(self.limit),
                padding: 0,
            }));
        }
        let extent = self.framing.extent(rest)?;
        match extent {
            Some(Extent { length, .. }) if length > self.limit => Err(StreamError::TooLong {
                length,
                limit: self.limit,
            }),
            extent => Ok(extent),
        }
    }

    /// Whether the stream stands between two frames. One that ends elsewhere was cut off.
    #[must_use]
    pub fn is_between_frames(&self) -> bool {
        self.start == self.buffer.len()
    }
}
