//! Signatures: ours, and those of peers.

use core::fmt;

use ring::rand::SystemRandom;
use ring::signature::{self, EcdsaKeyPair, UnparsedPublicKey, VerificationAlgorithm};

use super::Refused;
use crate::wire::SignatureScheme;

/// Our private key: ECDSA on P-256.
pub(crate) struct SigningKey(EcdsaKeyPair);

impl SigningKey {
    pub(crate) fn from_pkcs8(pkcs8: &[u8]) -> Result<Self, Refused> {
        let algorithm = &signature::ECDSA_P256_SHA256_ASN1_SIGNING;
        Ok(Self(EcdsaKeyPair::from_pkcs8(
            algorithm,
            pkcs8,
            &SystemRandom::new(),
        )?))
    }

    /// The scheme of every signature this key makes.
    pub(crate) fn scheme(&self) -> SignatureScheme {
        SignatureScheme::EcdsaSha256
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Result<impl AsRef<[u8]> + use<>, Refused> {
        Ok(self.0.sign(&SystemRandom::new(), message)?)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(ECDSA P-256)")
    }
}

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

    /// Checks a signature. A scheme that does not fit the key is refused as well.
    pub(crate) fn verify(
        &self,
        scheme: SignatureScheme,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), Refused> {
        let algorithm = verification_algorithm(self.kind, scheme).ok_or(Refused)?;
        Ok(UnparsedPublicKey::new(algorithm, &self.bytes).verify(message, signature)?)
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
