//! ring.

use ring::agreement::{UnparsedPublicKey, agree_ephemeral};
use ring::rand::SystemRandom;
use ring::signature::{EcdsaKeyPair, EcdsaSigningAlgorithm, RsaKeyPair};
pub(in super::super) use ring::{aead, agreement, digest, error, hmac, rand, signature};

use super::super::Refused;

pub(in super::super) use agreement::EphemeralPrivateKey as EphemeralKey;

pub(in super::super) fn generate(
    algorithm: &'static agreement::Algorithm,
) -> Result<EphemeralKey, Refused> {
    Ok(EphemeralKey::generate(algorithm, &SystemRandom::new())?)
}

/// Runs `derive` on the secret that this key and the peer's share give.
pub(in super::super) fn agree<T>(
    private: EphemeralKey,
    algorithm: &'static agreement::Algorithm,
    peer_share: &[u8],
    derive: impl FnOnce(&[u8]) -> T,
) -> Result<T, Refused> {
    let peer = UnparsedPublicKey::new(algorithm, peer_share);
    Ok(agree_ephemeral(private, &peer, derive)?)
}

pub(in super::super) fn ecdsa_from_pkcs8(
    algorithm: &'static EcdsaSigningAlgorithm,
    der: &[u8],
) -> Result<EcdsaKeyPair, Refused> {
    let random = SystemRandom::new();
    Ok(EcdsaKeyPair::from_pkcs8(algorithm, der, &random)?)
}

pub(in super::super) fn ecdsa_from_parts(
    algorithm: &'static EcdsaSigningAlgorithm,
    private: &[u8],
    public: &[u8],
) -> Result<EcdsaKeyPair, Refused> {
    let random = SystemRandom::new();
    Ok(EcdsaKeyPair::from_private_key_and_public_key(
        algorithm, private, public, &random,
    )?)
}

/// The length of the modulus in bytes, and of each signature.
pub(in super::super) fn modulus_length(key: &RsaKeyPair) -> usize {
    key.public().modulus_len()
}

/// The private key of a vector, by a generator that has nothing else to give. `None` where it is out
/// of the range of private keys.
#[cfg(test)]
#[allow(deprecated)] // there is no other way to a key that is known
pub(in super::super) fn known_private_key(
    algorithm: &'static agreement::Algorithm,
    bytes: &[u8],
) -> Option<EphemeralKey> {
    let random = ring::test::rand::FixedSliceRandom { bytes };
    EphemeralKey::generate(algorithm, &random).ok()
}
