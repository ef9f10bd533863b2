//! The table of cipher suites: what each number stands for.

use crate::crypto::{AeadAlgorithm, HashAlgorithm, KeyKind};
use crate::wire::CipherSuite;

/// One line of the table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Suite {
    pub(crate) id: CipherSuite,
    pub(crate) aead: AeadAlgorithm,
    /// Of the PRF and of the transcript.
    pub(crate) hash: HashAlgorithm,
    /// The kinds of key a server may have.
    server_keys: &'static [KeyKind],
}

/// RFC 8422 §5.10 lets Ed25519 certificates stand in for ECDSA ones.
const ECDSA: &[KeyKind] = &[KeyKind::EcdsaP256, KeyKind::EcdsaP384, KeyKind::Ed25519];

impl Suite {
    /// All suites, the preferred first.
    pub(crate) const ALL: [Self; 1] = [Self {
        id: CipherSuite::EcdheEcdsaAes128GcmSha256,
        aead: AeadAlgorithm::Aes128Gcm,
        hash: HashAlgorithm::Sha256,
        server_keys: ECDSA,
    }];

    pub(crate) fn by_id(id: CipherSuite) -> Option<Self> {
        Self::ALL.into_iter().find(|suite| suite.id == id)
    }

    pub(crate) fn takes_server_key(&self, kind: KeyKind) -> bool {
        self.server_keys.contains(&kind)
    }
}
