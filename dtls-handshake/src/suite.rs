//! The table of cipher suites: what each number stands for.

use crate::crypto::{AeadAlgorithm, HashAlgorithm, KeyKind};
use crate::event::Version;
use crate::wire::CipherSuite;

/// One line of the table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Suite {
    pub(crate) id: CipherSuite,
    /// The only version it exists in.
    pub(crate) version: Version,
    pub(crate) aead: AeadAlgorithm,
    /// Of the key schedule and of the transcript.
    pub(crate) hash: HashAlgorithm,
    /// The kinds of key a server may have.
    server_keys: &'static [KeyKind],
}

/// RFC 8422 §5.10 lets Ed25519 certificates stand in for ECDSA ones.
const ECDSA: &[KeyKind] = &[KeyKind::EcdsaP256, KeyKind::EcdsaP384, KeyKind::Ed25519];
const RSA: &[KeyKind] = &[KeyKind::Rsa];
/// In DTLS 1.3 a suite says nothing about keys.
const ANY: &[KeyKind] = &[
    KeyKind::EcdsaP256,
    KeyKind::EcdsaP384,
    KeyKind::Ed25519,
    KeyKind::Rsa,
];

const AES_128: (AeadAlgorithm, HashAlgorithm) = (AeadAlgorithm::Aes128Gcm, HashAlgorithm::Sha256);
const AES_256: (AeadAlgorithm, HashAlgorithm) = (AeadAlgorithm::Aes256Gcm, HashAlgorithm::Sha384);
const CHACHA20: (AeadAlgorithm, HashAlgorithm) =
    (AeadAlgorithm::ChaCha20Poly1305, HashAlgorithm::Sha256);

impl Suite {
    /// What every WebRTC endpoint has in DTLS 1.2 (RFC 8827 §6.5).
    pub(crate) const WEBRTC: Self =
        Self::v12(CipherSuite::EcdheEcdsaAes128GcmSha256, AES_128, ECDSA);

    /// All suites, the preferred first.
    pub(crate) const ALL: [Self; 9] = [
        Self::v13(CipherSuite::Aes128GcmSha256, AES_128),
        Self::v13(CipherSuite::Aes256GcmSha384, AES_256),
        Self::v13(CipherSuite::ChaCha20Poly1305Sha256, CHACHA20),
        Self::WEBRTC,
        Self::v12(CipherSuite::EcdheRsaAes128GcmSha256, AES_128, RSA),
        Self::v12(CipherSuite::EcdheEcdsaAes256GcmSha384, AES_256, ECDSA),
        Self::v12(CipherSuite::EcdheRsaAes256GcmSha384, AES_256, RSA),
        Self::v12(
            CipherSuite::EcdheEcdsaChaCha20Poly1305Sha256,
            CHACHA20,
            ECDSA,
        ),
        Self::v12(CipherSuite::EcdheRsaChaCha20Poly1305Sha256, CHACHA20, RSA),
    ];

    const fn v13(id: CipherSuite, (aead, hash): (AeadAlgorithm, HashAlgorithm)) -> Self {
        Self {
            id,
            version: Version::Dtls13,
            aead,
            hash,
            server_keys: ANY,
        }
    }

    const fn v12(
        id: CipherSuite,
        (aead, hash): (AeadAlgorithm, HashAlgorithm),
        server_keys: &'static [KeyKind],
    ) -> Self {
        Self {
            id,
            version: Version::Dtls12,
            aead,
            hash,
            server_keys,
        }
    }

    pub(crate) fn by_id(id: CipherSuite) -> Option<Self> {
        Self::ALL.into_iter().find(|suite| suite.id == id)
    }

    pub(crate) fn takes_server_key(&self, kind: KeyKind) -> bool {
        self.server_keys.contains(&kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names say what the parts are (RFC 5289, RFC 7905, RFC 8446).
    #[test]
    fn every_suite_is_what_its_name_says() {
        for suite in Suite::ALL {
            let name = suite.id.to_string();
            let aead = match suite.aead {
                AeadAlgorithm::Aes128Gcm => "AES_128_GCM_SHA256",
                AeadAlgorithm::Aes256Gcm => "AES_256_GCM_SHA384",
                AeadAlgorithm::ChaCha20Poly1305 => "CHACHA20_POLY1305_SHA256",
            };
            assert!(name.ends_with(aead), "{name}");
            let hash = format!("{:?}", suite.hash).to_uppercase();
            assert!(name.ends_with(&hash), "{name}");
            assert_eq!(name.contains("_ECDHE_"), suite.version == Version::Dtls12);
            assert_eq!(
                suite.takes_server_key(KeyKind::Rsa),
                !name.contains("_ECDSA_")
            );
            assert_eq!(
                suite.takes_server_key(KeyKind::EcdsaP256),
                !name.contains("_RSA_")
            );
            assert_eq!(Suite::by_id(suite.id).map(|found| found.id), Some(suite.id));
        }
    }
}
