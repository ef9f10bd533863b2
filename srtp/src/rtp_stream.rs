//! What is kept for one RTP stream: where it stands, and which packets were there.

use crate::error::SetIndexError;
use crate::packet_index::{compose, estimate, roc};
use crate::replay::{Refusal, ReplayWindow};
use crate::stream_table::StreamTable;

/// The state of one SSRC in one direction (RFC 3711 §3.2.1: ROC, s_l, replay list).
#[derive(Debug)]
pub(crate) struct RtpStream {
    window: ReplayWindow,
    position: Position,
}

/// How the index of the next packet is found.
#[derive(Debug)]
enum Position {
    /// The roll-over counter was told from outside: the next packet has this one, however far its
    /// sequence number lies ahead.
    Told { roc: u32 },
    /// From the highest index so far (RFC 3711 §3.3.1).
    Following { highest: u64 },
}

impl RtpStream {
    /// A stream that begins with `index`, which is used.
    pub(crate) fn starting_with(index: u64, window: u16) -> Self {
        let mut stream = Self {
            window: ReplayWindow::new(window),
            position: Position::Following { highest: index },
        };
        stream.window.mark(index);
        stream
    }

    /// A stream whose first packet is still to come.
    pub(crate) fn waiting_at(roc: u32, window: u16) -> Self {
        Self {
            window: ReplayWindow::new(window),
            position: Position::Told { roc },
        }
    }

    /// The index of the packet with `sequence_number`, if it is still free. Changes nothing.
    #[inline]
    pub(crate) fn admit(&self, sequence_number: u16) -> Result<u64, Refusal> {
        let index = match self.position {
            Position::Told { roc } => self.index_told(roc, sequence_number)?,
            Position::Following { highest } => estimate(highest, sequence_number)?,
        };
        self.window.check(index)?;
        Ok(index)
    }

    /// The index under a counter that was told. Behind the highest index the nearest one is the better
    /// guess: the present counter was told again while it rolled over.
    fn index_told(&self, roc: u32, sequence_number: u16) -> Result<u64, Refusal> {
        let told = compose(roc, sequence_number);
        match self.window.highest() {
            Some(highest) if told <= highest => Ok(estimate(highest, sequence_number)?),
            _ => Ok(told),
        }
    }

    /// Marks an index that `admit` gave as used.
    #[inline]
    pub(crate) fn mark(&mut self, index: u64) {
        self.window.mark(index);
        let highest = self.window.highest().unwrap_or(index);
        self.position = Position::Following { highest };
    }

    /// Rests until the next packet, or until a roll-over counter is told.
    pub(crate) fn rest(&mut self) {
        self.window.rest();
    }

    pub(crate) fn is_resting(&self) -> bool {
        self.window.is_resting()
    }

    /// The roll-over counter of the highest index, or the one that was told.
    pub(crate) fn roc(&self) -> u32 {
        match self.position {
            Position::Told { roc } => roc,
            Position::Following { highest } => roc(highest),
        }
    }

    /// Takes a roll-over counter told from outside. What was used stays used; a counter below
    /// the present one is refused with the present one.
    pub(crate) fn set_roc(&mut self, told: u32) -> Result<(), u32> {
        let present = self.window.highest().map_or(0, roc);
        if told < present {
            return Err(present);
        }
        self.window.wake();
        self.position = Position::Told { roc: told };
        Ok(())
    }
}

impl StreamTable<RtpStream> {
    /// Sets the roll-over counter of a stream; one that is not there yet waits for its first packet.
    pub(crate) fn set_roc(
        &mut self,
        ssrc: u32,
        roc: u32,
        window: u16,
    ) -> Result<(), SetIndexError> {
        match self.find_mut(ssrc) {
            Some(stream) => stream
                .set_roc(roc)
                .map_err(|present| SetIndexError::Backwards {
                    present,
                    requested: roc,
                }),
            None => Ok(self.insert(ssrc, RtpStream::waiting_at(roc, window))?),
        }
    }
}
