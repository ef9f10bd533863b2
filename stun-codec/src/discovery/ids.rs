//! Transaction ids out of a seed.

use core::fmt;

use zeroize::Zeroizing;

use crate::{TransactionId, crypto};

/// Makes ids that nobody without the seed can tell from random ones.
pub(super) struct Ids {
    seed: Zeroizing<[u8; 32]>,
    count: u64,
}

impl Ids {
    pub(super) fn new(seed: [u8; 32]) -> Self {
        Self {
            seed: Zeroizing::new(seed),
            count: 0,
        }
    }

    pub(super) fn next(&mut self) -> TransactionId {
        self.count += 1;
        let bytes = crypto::hmac_sha256(&*self.seed, &[&self.count.to_be_bytes()]);
        let [a, b, c, d, e, f, g, h, i, j, k, l, ..] = bytes;
        TransactionId([a, b, c, d, e, f, g, h, i, j, k, l])
    }
}

impl fmt::Debug for Ids {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ids(..)")
    }
}
