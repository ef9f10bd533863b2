//! Signatures of peers.

use super::Refused;
use super::library::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
use crate::event::Version;
use crate::wire::SignatureScheme;

/// What kind of key a certificate holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyKind {
    EcdsaP256,
    EcdsaP384,
    Ed25519,
    Rsa,
}

/// The public key of a peer, in the form its kind is verified with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PublicKey {
    pub(crate) kind: KeyKind,
    pub(crate) bytes: Vec<u8>,
}

impl PublicKey {
    /// The schemes a peer may sign with, the preferred first.
    pub(crate) const SCHEMES: [SignatureScheme; 9] = [
        SignatureScheme::EcdsaSha256,
        SignatureScheme::EcdsaSha384,
        SignatureScheme::Ed25519,
        SignatureScheme::RsaPssSha256,
        SignatureScheme::RsaPssSha384,
        SignatureScheme::RsaPssSha512,
        SignatureScheme::RsaPkcs1Sha256,
        SignatureScheme::RsaPkcs1Sha384,
        SignatureScheme::RsaPkcs1Sha512,
    ];

    /// Checks a signature. A scheme that does not fit the key, or is not for signing in this
    /// version, is refused as well.
    pub(crate) fn verify(
        &self,
        version: Version,
        scheme: SignatureScheme,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), Refused> {
        if version >= Version::Dtls13 && !self.fits(scheme) {
            return Err(Refused);
        }
        let algorithm = verification_algorithm(self.kind, scheme).ok_or(Refused)?;
        Ok(UnparsedPublicKey::new(algorithm, &self.bytes).verify(message, signature)?)
    }

    /// RFC 8446 §4.2.3: in DTLS 1.3 an ECDSA scheme names the curve as well, and PKCS#1 does not
    /// sign handshakes.
    fn fits(&self, scheme: SignatureScheme) -> bool {
        match scheme {
            SignatureScheme::EcdsaSha256 => self.kind == KeyKind::EcdsaP256,
            SignatureScheme::EcdsaSha384 => self.kind == KeyKind::EcdsaP384,
            SignatureScheme::RsaPkcs1Sha256
            | SignatureScheme::RsaPkcs1Sha384
            | SignatureScheme::RsaPkcs1Sha512 => false,
            _ => true,
        }
    }
}

fn verification_algorithm(
    kind: KeyKind,
    scheme: SignatureScheme,
) -> Option<&'static dyn VerificationAlgorithm> {
    Some(match (kind, scheme) {
        (KeyKind::EcdsaP256, SignatureScheme::EcdsaSha256) => &signature::ECDSA_P256_SHA256_ASN1,
        (KeyKind::EcdsaP256, SignatureScheme::EcdsaSha384) => &signature::ECDSA_P256_SHA384_ASN1,
        (KeyKind::EcdsaP384, SignatureScheme::EcdsaSha256) => &signature::ECDSA_P384_SHA256_ASN1,
        (KeyKind::EcdsaP384, SignatureScheme::EcdsaSha384) => &signature::ECDSA_P384_SHA384_ASN1,
        (KeyKind::Ed25519, SignatureScheme::Ed25519) => &signature::ED25519,
        (KeyKind::Rsa, SignatureScheme::RsaPkcs1Sha256) => &signature::RSA_PKCS1_2048_8192_SHA256,
        (KeyKind::Rsa, SignatureScheme::RsaPkcs1Sha384) => &signature::RSA_PKCS1_2048_8192_SHA384,
        (KeyKind::Rsa, SignatureScheme::RsaPkcs1Sha512) => &signature::RSA_PKCS1_2048_8192_SHA512,
        (KeyKind::Rsa, SignatureScheme::RsaPssSha256) => &signature::RSA_PSS_2048_8192_SHA256,
        (KeyKind::Rsa, SignatureScheme::RsaPssSha384) => &signature::RSA_PSS_2048_8192_SHA384,
        (KeyKind::Rsa, SignatureScheme::RsaPssSha512) => &signature::RSA_PSS_2048_8192_SHA512,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_decides_which_schemes_fit() {
        let fits = |kind, scheme| {
            let bytes = Vec::new();
            PublicKey { kind, bytes }.fits(scheme)
        };
        assert!(fits(KeyKind::EcdsaP256, SignatureScheme::EcdsaSha256));
        assert!(!fits(KeyKind::EcdsaP256, SignatureScheme::EcdsaSha384));
        assert!(!fits(KeyKind::EcdsaP384, SignatureScheme::EcdsaSha256));
        assert!(!fits(KeyKind::Rsa, SignatureScheme::RsaPkcs1Sha256));
        assert!(fits(KeyKind::Rsa, SignatureScheme::RsaPssSha256));
    }
}
