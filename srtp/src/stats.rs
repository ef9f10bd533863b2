//! Counters by reason.

use crate::error::{ProtectError, UnprotectError};

/// What a [`Receiver`](crate::Receiver) took and refused, RTP and RTCP together unless said
/// otherwise.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReceiverStats {
    /// RTP packets taken.
    pub rtp: u64,
    /// RTCP packets taken.
    pub rtcp: u64,
    /// [`UnprotectError::Malformed`].
    pub malformed: u64,
    /// [`UnprotectError::UnknownMki`].
    pub unknown_mki: u64,
    /// [`UnprotectError::WrongTag`].
    pub wrong_tag: u64,
    /// [`UnprotectError::Replayed`].
    pub replayed: u64,
    /// [`UnprotectError::TooOld`].
    pub too_old: u64,
    /// [`UnprotectError::TooManyStreams`].
    pub too_many_streams: u64,
    /// [`UnprotectError::KeyExhausted`].
    pub key_exhausted: u64,
}

impl ReceiverStats {
    #[cold]
    pub(crate) fn count(&mut self, error: UnprotectError) {
        let counter = match error {
            UnprotectError::Malformed(_) => &mut self.malformed,
            UnprotectError::UnknownMki => &mut self.unknown_mki,
            UnprotectError::WrongTag => &mut self.wrong_tag,
            UnprotectError::Replayed => &mut self.replayed,
            UnprotectError::TooOld => &mut self.too_old,
            UnprotectError::TooManyStreams { .. } => &mut self.too_many_streams,
            UnprotectError::KeyExhausted => &mut self.key_exhausted,
        };
        *counter += 1;
    }
}

/// What a [`Sender`](crate::Sender) protected and refused, RTP and RTCP together unless said
/// otherwise.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SenderStats {
    /// RTP packets protected.
    pub rtp: u64,
    /// RTCP packets protected.
    pub rtcp: u64,
    /// [`ProtectError::Malformed`].
    pub malformed: u64,
    /// [`ProtectError::NoRoom`].
    pub no_room: u64,
    /// [`ProtectError::HeaderExtension`].
    pub header_extension: u64,
    /// [`ProtectError::SequenceReused`].
    pub sequence_reused: u64,
    /// [`ProtectError::SequenceTooOld`].
    pub sequence_too_old: u64,
    /// [`ProtectError::TooManyStreams`].
    pub too_many_streams: u64,
    /// [`ProtectError::KeyExhausted`].
    pub key_exhausted: u64,
    /// [`ProtectError::Rejected`].
    pub rejected: u64,
}

impl SenderStats {
    #[cold]
    pub(crate) fn count(&mut self, error: ProtectError) {
        let counter = match error {
            ProtectError::Malformed(_) => &mut self.malformed,
            ProtectError::NoRoom { .. } => &mut self.no_room,
            ProtectError::HeaderExtension { .. } => &mut self.header_extension,
            ProtectError::SequenceReused => &mut self.sequence_reused,
            ProtectError::SequenceTooOld => &mut self.sequence_too_old,
            ProtectError::TooManyStreams { .. } => &mut self.too_many_streams,
            ProtectError::KeyExhausted => &mut self.key_exhausted,
            ProtectError::Rejected => &mut self.rejected,
        };
        *counter += 1;
    }
}
