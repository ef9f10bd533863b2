//! Answers on their way out.

use std::collections::VecDeque;
use std::ops::Range;

use bytes::BytesMut;
use stun_codec::{Path, Transmit};

/// Most frames that wait for a driver that does not drain.
const MAX_FRAMES: usize = 1024;

/// Frames in their order, one behind the other. The room is used again: an answer costs no memory.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    bytes: BytesMut,
    frames: VecDeque<(Path, usize)>,
    /// A frame that is being written.
    scratch: BytesMut,
}

impl Outbox {
    /// Adds a frame that `write` appends to the buffer; it may decide against it. Says how long it is;
    /// `None` if there is none, or too many wait.
    pub(super) fn push(
        &mut self,
        path: Path,
        write: impl FnOnce(&mut BytesMut) -> Option<Range<usize>>,
    ) -> Option<usize> {
        if self.frames.len() >= MAX_FRAMES {
            return None;
        }
        self.scratch.clear();
        let range = write(&mut self.scratch)?;
        let frame = self.scratch.get(range)?;
        self.bytes.extend_from_slice(frame);
        self.frames.push_back((path, frame.len()));
        Some(frame.len())
    }

    /// Moves the first frame to the end of `out`.
    pub(super) fn pop(&mut self, out: &mut BytesMut) -> Option<Transmit> {
        let (path, length) = self.frames.pop_front()?;
        let start = out.len();
        out.extend_from_slice(&self.bytes.split_to(length.min(self.bytes.len())));
        let range = start..out.len();
        Some(Transmit { path, range })
    }
}
