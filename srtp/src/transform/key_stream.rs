//! The AES-CM key stream of a packet (RFC 3711 §4.1.1): of its payload, and of its chosen header
//! extension elements (RFC 6904 §3.2).

use zeroize::{Zeroize, ZeroizeOnDrop};

use super::PacketId;
use crate::crypto::AesCm;
use crate::derive::SessionKeys;

pub(crate) struct KeyStream {
    cipher: AesCm,
    salt: Salt,
}

/// The session salt, multiplied by 2^16 as the IV wants it.
#[derive(Zeroize, ZeroizeOnDrop)]
struct Salt(u128);

impl KeyStream {
    pub(crate) fn new(keys: &SessionKeys) -> Option<Self> {
        Some(Self {
            cipher: AesCm::new(keys.encryption())?,
            salt: Salt(keys.salt_112() << 16),
        })
    }

    /// IV = (salt * 2^16) XOR (SSRC * 2^64) XOR (index * 2^16) (RFC 3711 §4.1.1).
    #[inline]
    const fn iv(&self, id: PacketId) -> u128 {
        self.salt.0 ^ (id.number() << 16)
    }

    /// Adds the key stream to `data`, which hides it or shows it again.
    #[inline(always)]
    pub(crate) fn apply(&self, id: PacketId, data: &mut [u8]) {
        self.cipher.apply(self.iv(id), data);
    }

    /// Adds the key stream from its byte `offset` on; `offset` and data stay under 2^16 blocks.
    pub(crate) fn apply_at(&self, id: PacketId, offset: usize, data: &mut [u8]) {
        self.cipher.apply_at(self.iv(id), offset, data);
    }
}
