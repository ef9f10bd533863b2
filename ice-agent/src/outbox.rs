//! What is to be sent, until it is drained. Messages are written only then.

use std::collections::VecDeque;

use stun_codec::{Path, TransactionId};

use crate::checklist::PairId;
use crate::generation::GenerationId;
use crate::wire::Answer;

/// Most frames that wait.
const MAX: usize = 256;

/// A frame to be written.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Frame {
    /// The request of a transaction. Written as it stands then; nothing once it has ended.
    Request(TransactionId),
    /// A consent check on a pair.
    Consent(GenerationId, PairId, TransactionId),
    /// An answer to a request that came on this path.
    Answer(GenerationId, Path, TransactionId, Answer),
}

#[derive(Debug, Default)]
pub(crate) struct Outbox(VecDeque<Frame>);

impl Outbox {
    /// Adds a frame; false when too many wait. A request that still waits is not added again: its
    /// repetition takes its place.
    #[must_use]
    pub(crate) fn push(&mut self, frame: Frame) -> bool {
        if let Frame::Request(id) = frame {
            let waits = |queued: &Frame| matches!(queued, Frame::Request(other) if *other == id);
            if self.0.iter().any(waits) {
                return true;
            }
        }
        if self.0.len() >= MAX {
            return false;
        }
        self.0.push_back(frame);
        true
    }

    pub(crate) fn pop(&mut self) -> Option<Frame> {
        self.0.pop_front()
    }

    pub(crate) fn clear(&mut self) {
        self.0 = VecDeque::new();
    }
}
