//! The agent's entropy: one seed, told at construction.

use std::fmt;
use std::time::Duration;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use stun_codec::TransactionId;

pub(crate) struct Random(ChaCha20Rng);

impl Random {
    pub(crate) fn new(seed: [u8; 32]) -> Self {
        Self(ChaCha20Rng::from_seed(seed))
    }

    pub(crate) fn byte(&mut self) -> u8 {
        self.0.next_u32().to_le_bytes()[0]
    }

    pub(crate) fn u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// The seed of another machine.
    pub(crate) fn seed(&mut self) -> [u8; 32] {
        let mut seed = [0; 32];
        self.0.fill_bytes(&mut seed);
        seed
    }

    pub(crate) fn transaction_id(&mut self) -> TransactionId {
        let mut bytes = [0; 12];
        self.0.fill_bytes(&mut bytes);
        TransactionId(bytes)
    }

    /// A duration from `least` (inclusive) to `least + spread` (exclusive), in whole milliseconds.
    pub(crate) fn duration(&mut self, least: Duration, spread: Duration) -> Duration {
        let spread = u64::try_from(spread.as_millis()).unwrap_or(u64::MAX).max(1);
        least + Duration::from_millis(self.0.next_u64() % spread)
    }
}

impl fmt::Debug for Random {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Random")
    }
}
