//! Payload in both directions. Nothing here allocates.

use std::ops::Range;
use std::time::Instant;

use stun_codec::{Handled, Path, Transmit};

use super::Agent;
use crate::checklist::Pair;

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
    /// The relay does not take it.
    #[error("through the relay: {0}")]
    Relay(turn_relay::client::SendError),
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
    /// Payload that came on `path`, and where it stands in its frame.
    pub(super) fn handle_data(
        &mut self,
        now: Instant,
        path: &Path,
        data: &[u8],
        range: Range<usize>,
    ) -> Handled {
        let Some(pair) = self.valid_pair(path) else {
            if self.hold(path, data) {
                return Handled::Consumed;
            }
            return self.if_known_path(path, |stats| &mut stats.data_before_valid);
        };
        pair.tally.traffic.received(now, range.len());
        self.stats.data_received += 1;
        Handled::Data {
            from: path.remote,
            range,
        }
    }

    pub(super) fn carrying_pair(&self) -> Option<&Pair> {
        let (generation, pair) = self.carrier()?;
        generation.checks.get(pair)
    }

    /// Whether a check of ours was answered on this path, so that the peer is proven to be there
    /// (RFC 8445 §7.2.5.3.2).
    #[must_use]
    pub fn is_valid(&self, path: &Path) -> bool {
        self.generations()
            .filter_map(|generation| generation.pair_at(path))
            .any(|(_, pair)| pair.valid().is_some())
    }

    /// The pair that goes this way, if it works.
    fn valid_pair(&mut self, path: &Path) -> Option<&mut Pair> {
        let before = self.previous.as_mut();
        let before = before.map(|previous| &mut previous.generation.checks);
        std::iter::once(&mut self.current.checks)
            .chain(before)
            .find_map(|checks| {
                let pair = checks.find(path)?;
                checks.get_mut(pair).filter(|pair| pair.valid().is_some())
            })
    }

    /// Whether [`send`](Self::send) would succeed.
    #[must_use]
    pub fn can_send(&self, now: Instant) -> bool {
        self.carrying_pair().is_some_and(|pair| pair.may_send(now))
    }

    /// Sends `payload`, a range of `buf`: writes what the path needs in front of it and says what
    /// to send where. Leave [`HEADROOM`](crate::HEADROOM) bytes before the payload and
    /// [`TAILROOM`](crate::TAILROOM) bytes behind it: what a relay needs.
    ///
    /// # Errors
    /// When no pair works, consent has run out, the relay does not take it, or the range does not
    /// lie in the buffer.
    pub fn send(
        &mut self,
        now: Instant,
        buf: &mut [u8],
        payload: Range<usize>,
    ) -> Result<Transmit, SendError> {
        let (of, id) = self
            .carrier()
            .map(|(generation, pair)| (generation.id, pair))
            .ok_or(SendError::NotConnected)?;
        let pair = self
            .generation(of)
            .and_then(|generation| generation.checks.get(id))
            .ok_or(SendError::NotConnected)?;
        if !pair.may_send(now) {
            return Err(SendError::NoConsent);
        }
        let path = pair.path;
        let bytes = payload.len();
        if buf.get(payload.clone()).is_none() {
            let Range { start, end } = payload;
            return Err(SendError::OutOfRange {
                start,
                end,
                len: buf.len(),
            });
        }
        let transmit = match self.relays.send(now, &path, buf, payload.clone()) {
            Some(sent) => sent.map_err(SendError::Relay)?,
            None => Transmit {
                path,
                range: payload,
            },
        };
        if let Some(pair) = self.generation_mut(of).and_then(|of| of.checks.get_mut(id)) {
            pair.tally.traffic.sent(now, bytes);
        }
        self.stats.data_sent += 1;
        Ok(transmit)
    }
}
