//! Payload in both directions. Nothing here allocates.

use std::ops::Range;
use std::time::Instant;

use stun_codec::{Handled, Path, Received, Transmit};

use super::Agent;

/// Payload was not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// No pair works yet, or the agent has ended.
    #[error("no candidate pair works")]
    NotConnected,
    /// The peer's consent has run out (RFC 7675 §5.1).
    #[error("the peer's consent has run out")]
    NoConsent,
    /// The range does not lie in the buffer.
    #[error("bytes {start} to {end} do not lie in a buffer of {len}")]
    OutOfRange {
        /// Where the payload should begin.
        start: usize,
        /// Where it should end.
        end: usize,
        /// Length of the buffer in bytes.
        len: usize,
    },
}

impl Agent {
    pub(super) fn handle_data(&mut self, rx: &Received<'_>) -> Handled {
        let Some(pair) = self
            .checks
            .find(&rx.path)
            .and_then(|id| self.checks.get(id))
        else {
            return Handled::NotMine;
        };
        if pair.valid().is_none() {
            self.stats.data_before_valid += 1;
            return Handled::Dropped;
        }
        self.stats.data_received += 1;
        Handled::Data {
            from: rx.path.remote,
            range: 0..rx.data.len(),
        }
    }

    /// Whether a check of ours was answered on this path, so that the peer is proven to be there
    /// (RFC 8445 §7.2.5.3.2).
    #[must_use]
    pub fn is_valid(&self, path: &Path) -> bool {
        let pair = self.checks.find(path).and_then(|id| self.checks.get(id));
        pair.is_some_and(|pair| pair.valid().is_some())
    }

    /// Whether [`send`](Self::send) would succeed.
    #[must_use]
    pub fn can_send(&self, now: Instant) -> bool {
        let carrier = self
            .phase
            .progress()
            .and_then(|progress| progress.carrier());
        carrier
            .and_then(|id| self.checks.get(id))
            .is_some_and(|pair| pair.may_send(now))
    }

    /// Sends `payload`, a range of `buf`: writes what the path needs in front of it and says what
    /// to send where. Leave [`HEADROOM`](crate::HEADROOM) bytes before the payload.
    ///
    /// # Errors
    /// When no pair works, consent has run out, or the range does not lie in the buffer.
    pub fn send(
        &mut self,
        now: Instant,
        buf: &mut [u8],
        payload: Range<usize>,
    ) -> Result<Transmit, SendError> {
        let carrier = self
            .phase
            .progress()
            .and_then(|progress| progress.carrier());
        let pair = carrier
            .and_then(|id| self.checks.get(id))
            .ok_or(SendError::NotConnected)?;
        if !pair.may_send(now) {
            return Err(SendError::NoConsent);
        }
        if buf.get(payload.clone()).is_none() {
            let Range { start, end } = payload;
            return Err(SendError::OutOfRange {
                start,
                end,
                len: buf.len(),
            });
        }
        self.stats.data_sent += 1;
        Ok(Transmit {
            path: pair.path,
            range: payload,
        })
    }
}
