//! The public-key operations of a handshake in which both sides have a certificate, and nothing else.

use std::hint::black_box;

#[cfg(feature = "aws-lc")]
use aws_lc_rs as library;
use dtls_handshake::Group;
use libcrux_ml_kem::mlkem768;
use library::agreement::{self, EphemeralPrivateKey, UnparsedPublicKey, agree_ephemeral};
use library::rand::{SecureRandom, SystemRandom};
use library::signature::{self, EcdsaKeyPair, KeyPair};
#[cfg(not(feature = "aws-lc"))]
use ring as library;

use super::Kind;

/// About as long as what is signed.
const MESSAGE: [u8; 130] = [7; 130];

pub(crate) struct Floor {
    group: &'static agreement::Algorithm,
    hybrid: bool,
    random: SystemRandom,
    key: EcdsaKeyPair,
}

impl Floor {
    pub(crate) fn new(kind: Kind) -> Self {
        let random = SystemRandom::new();
        let algorithm = &signature::ECDSA_P256_SHA256_ASN1_SIGNING;
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).expect("a key");
        Self {
            group: match kind.group {
                Group::Secp256r1 => &agreement::ECDH_P256,
                _ => &agreement::X25519,
            },
            hybrid: kind.group == Group::X25519MlKem768,
            key: key_pair(pkcs8.as_ref(), &random),
            random,
        }
    }

    /// Both sides: two signatures made and verified, two key pairs, two agreements.
    pub(crate) fn work(&self) {
        for _ in 0..2 {
            let signature = self.key.sign(&self.random, &MESSAGE).expect("a signature");
            let public = self.key.public_key().as_ref();
            signature::UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_ASN1, public)
                .verify(&MESSAGE, signature.as_ref())
                .expect("our own signature");
        }
        let (ours, theirs) = (self.generate(), self.generate());
        let shares = [&ours, &theirs].map(|key| key.compute_public_key().expect("a share"));
        for (key, share) in [ours, theirs].into_iter().zip(shares.iter().rev()) {
            let share = UnparsedPublicKey::new(self.group, share.as_ref());
            agree(key, &share);
        }
        if self.hybrid {
            self.encapsulation();
        }
    }

    fn generate(&self) -> EphemeralPrivateKey {
        EphemeralPrivateKey::generate(self.group, &self.random).expect("a key")
    }

    /// ML-KEM-768: a key pair, a secret for it, and the secret out of its ciphertext.
    fn encapsulation(&self) {
        let pair = mlkem768::generate_key_pair(self.bytes());
        assert!(mlkem768::validate_public_key(pair.public_key()));
        let (ciphertext, _) = mlkem768::encapsulate(pair.public_key(), self.bytes());
        black_box(mlkem768::decapsulate(pair.private_key(), &ciphertext));
    }

    fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.random.fill(&mut bytes).expect("randomness");
        bytes
    }
}

#[cfg(not(feature = "aws-lc"))]
fn key_pair(pkcs8: &[u8], random: &SystemRandom) -> EcdsaKeyPair {
    let algorithm = &signature::ECDSA_P256_SHA256_ASN1_SIGNING;
    EcdsaKeyPair::from_pkcs8(algorithm, pkcs8, random).expect("a key")
}

#[cfg(feature = "aws-lc")]
fn key_pair(pkcs8: &[u8], _random: &SystemRandom) -> EcdsaKeyPair {
    let algorithm = &signature::ECDSA_P256_SHA256_ASN1_SIGNING;
    EcdsaKeyPair::from_pkcs8(algorithm, pkcs8).expect("a key")
}

#[cfg(not(feature = "aws-lc"))]
fn agree(key: EphemeralPrivateKey, share: &UnparsedPublicKey<&[u8]>) {
    agree_ephemeral(key, share, |secret| black_box(secret[0])).expect("a secret");
}

#[cfg(feature = "aws-lc")]
fn agree(key: EphemeralPrivateKey, share: &UnparsedPublicKey<&[u8]>) {
    agree_ephemeral(key, share, (), |secret| Ok(black_box(secret[0]))).expect("a secret");
}
