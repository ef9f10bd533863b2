//! aws-lc-rs.

use aws_lc_rs::agreement::{ParsedPublicKey, ParsedPublicKeyFormat, UnparsedPublicKey};
use aws_lc_rs::signature::{EcdsaKeyPair, EcdsaSigningAlgorithm, RsaKeyPair};
pub(in super::super) use aws_lc_rs::{aead, agreement, digest, error, hmac, rand, signature};

use super::super::Refused;

pub(in super::super) use agreement::PrivateKey as EphemeralKey;

pub(in super::super) fn generate(
    algorithm: &'static agreement::Algorithm,
) -> Result<EphemeralKey, Refused> {
    Ok(EphemeralKey::generate(algorithm)?)
}

/// Runs `derive` on the secret that this key and the peer's share give.
pub(in super::super) fn agree<T>(
    private: EphemeralKey,
    algorithm: &'static agreement::Algorithm,
    peer_share: &[u8],
    derive: impl FnOnce(&[u8]) -> T,
) -> Result<T, Refused> {
    let peer = ParsedPublicKey::try_from(UnparsedPublicKey::new(algorithm, peer_share))?;
    // It also reads compressed points and whole SubjectPublicKeyInfos (RFC 8446 §4.2.8.2 does not).
    let (ParsedPublicKeyFormat::Uncompressed | ParsedPublicKeyFormat::Raw) = peer.format() else {
        return Err(Refused);
    };
    agreement::agree(&private, peer, Refused, |secret| Ok(derive(secret)))
}

pub(in super::super) fn ecdsa_from_pkcs8(
    algorithm: &'static EcdsaSigningAlgorithm,
    der: &[u8],
) -> Result<EcdsaKeyPair, Refused> {
    Ok(EcdsaKeyPair::from_pkcs8(algorithm, der)?)
}

pub(in super::super) fn ecdsa_from_parts(
    algorithm: &'static EcdsaSigningAlgorithm,
    private: &[u8],
    public: &[u8],
) -> Result<EcdsaKeyPair, Refused> {
    Ok(EcdsaKeyPair::from_private_key_and_public_key(
        algorithm, private, public,
    )?)
}

/// The length of the modulus in bytes, and of each signature.
pub(in super::super) fn modulus_length(key: &RsaKeyPair) -> usize {
    key.public_modulus_len()
}

/// The private key of a vector. `None` where it is out of the range of private keys.
#[cfg(test)]
pub(in super::super) fn known_private_key(
    algorithm: &'static agreement::Algorithm,
    bytes: &[u8],
) -> Option<EphemeralKey> {
    EphemeralKey::from_private_key(algorithm, bytes).ok()
}
