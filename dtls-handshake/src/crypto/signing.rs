//! Our private key: made here or loaded, parsed once, used for every signature.

use core::fmt;
use std::borrow::Cow;

use x509_parser::asn1_rs::{FromDer, OctetString, Sequence};

use super::library;
use super::library::rand::SystemRandom;
use super::library::signature::{self, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RsaKeyPair};
use super::{KeyKind, PrivateKey, PublicKey, Refused};
use crate::event::Version;
use crate::wire::{List16, SignatureScheme};

/// A private key, and what kind it is of.
pub(crate) struct SigningKey {
    kind: KeyKind,
    key: Key,
}

#[allow(clippy::large_enum_variant)] // there is one for each identity
enum Key {
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(RsaKeyPair),
}

/// A signature, on the heap only where it is long.
pub(crate) enum Signature {
    Short(signature::Signature),
    Rsa(Vec<u8>),
}

impl AsRef<[u8]> for Signature {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Short(signature) => signature.as_ref(),
            Self::Rsa(signature) => signature,
        }
    }
}

impl SigningKey {
    /// The key of a certificate with this public key. Refused when it is of another kind, is not
    /// sound, or is an RSA key of less than 2048 or more than 4096 bits.
    pub(crate) fn load(public: &PublicKey, der: &PrivateKey<'_>) -> Result<Self, Refused> {
        let kind = public.kind;
        let key = match (kind, der) {
            (KeyKind::EcdsaP256 | KeyKind::EcdsaP384, der) => {
                Key::Ecdsa(load_ecdsa(ecdsa(kind), public, der)?)
            }
            (KeyKind::Ed25519, PrivateKey::Pkcs8(der)) => Key::Ed25519(
                Ed25519KeyPair::from_pkcs8_maybe_unchecked(der.secret_pkcs8_der())?,
            ),
            (KeyKind::Rsa, PrivateKey::Pkcs8(der)) => {
                Key::Rsa(RsaKeyPair::from_pkcs8(der.secret_pkcs8_der())?)
            }
            (KeyKind::Rsa, PrivateKey::Pkcs1(der)) => {
                Key::Rsa(RsaKeyPair::from_der(der.secret_pkcs1_der())?)
            }
            _ => return Err(Refused),
        };
        Ok(Self { kind, key })
    }

    pub(crate) fn kind(&self) -> KeyKind {
        self.kind
    }

    /// Whether this is the public key that belongs to it.
    pub(crate) fn belongs_to(&self, public: &PublicKey) -> bool {
        let ours = match &self.key {
            Key::Ecdsa(key) => key.public_key().as_ref(),
            Key::Ed25519(key) => key.public_key().as_ref(),
            Key::Rsa(key) => key.public_key().as_ref(),
        };
        self.kind == public.kind && ours == public.bytes
    }

    /// The scheme to sign with: the first of those this key can make that the peer takes.
    pub(crate) fn choose(&self, version: Version, taken: List16<'_>) -> Option<SignatureScheme> {
        let ours = self.schemes(version).iter().copied();
        ours.into_iter()
            .find(|scheme| taken.contains((*scheme).into()))
    }

    /// What this key can make, the preferred first. RFC 8446 §4.2.3: PKCS#1 is over in DTLS 1.3,
    /// and PSS may serve in 1.2.
    fn schemes(&self, version: Version) -> &'static [SignatureScheme] {
        match (self.kind, version) {
            (KeyKind::EcdsaP256, _) => &[SignatureScheme::EcdsaSha256],
            (KeyKind::EcdsaP384, _) => &[SignatureScheme::EcdsaSha384],
            (KeyKind::Ed25519, _) => &[SignatureScheme::Ed25519],
            (KeyKind::Rsa, Version::Dtls12) => &[
                SignatureScheme::RsaPkcs1Sha256,
                SignatureScheme::RsaPkcs1Sha384,
                SignatureScheme::RsaPkcs1Sha512,
                SignatureScheme::RsaPssSha256,
                SignatureScheme::RsaPssSha384,
                SignatureScheme::RsaPssSha512,
            ],
            (KeyKind::Rsa, Version::Dtls13) => &[
                SignatureScheme::RsaPssSha256,
                SignatureScheme::RsaPssSha384,
                SignatureScheme::RsaPssSha512,
            ],
        }
    }

    /// Signs a message that is given in parts. Refused for a scheme that this key cannot make.
    pub(crate) fn sign(
        &self,
        scheme: SignatureScheme,
        parts: &[&[u8]],
    ) -> Result<Signature, Refused> {
        let message: Cow<'_, [u8]> = match parts {
            [whole] => Cow::Borrowed(whole),
            parts => Cow::Owned(parts.concat()),
        };
        match &self.key {
            Key::Ecdsa(key) if self.makes(scheme) => {
                Ok(Signature::Short(key.sign(&SystemRandom::new(), &message)?))
            }
            Key::Ed25519(key) if self.makes(scheme) => Ok(Signature::Short(key.sign(&message))),
            Key::Rsa(key) => {
                let padding = rsa_padding(scheme).ok_or(Refused)?;
                let mut out = vec![0; library::modulus_length(key)];
                key.sign(padding, &SystemRandom::new(), &message, &mut out)?;
                Ok(Signature::Rsa(out))
            }
            Key::Ecdsa(_) | Key::Ed25519(_) => Err(Refused),
        }
    }

    /// Of a key whose schemes are the same in all versions.
    fn makes(&self, scheme: SignatureScheme) -> bool {
        self.schemes(Version::Dtls12).contains(&scheme)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({:?})", self.kind)
    }
}

/// From PKCS#8, or from the form of SEC 1 in which openssl writes ECDSA keys by default: there the
/// public key may be absent and is taken from the certificate.
fn load_ecdsa(
    algorithm: &'static signature::EcdsaSigningAlgorithm,
    public: &PublicKey,
    der: &PrivateKey<'_>,
) -> Result<EcdsaKeyPair, Refused> {
    match der {
        PrivateKey::Pkcs8(der) => library::ecdsa_from_pkcs8(algorithm, der.secret_pkcs8_der()),
        PrivateKey::Sec1(der) => {
            let scalar = scalar(der.secret_sec1_der()).ok_or(Refused)?;
            library::ecdsa_from_parts(algorithm, scalar, &public.bytes)
        }
        _ => Err(Refused),
    }
}

/// P-256 goes with SHA-256 and P-384 with SHA-384: the only pairs of DTLS 1.3.
fn ecdsa(kind: KeyKind) -> &'static signature::EcdsaSigningAlgorithm {
    match kind {
        KeyKind::EcdsaP384 => &signature::ECDSA_P384_SHA384_ASN1_SIGNING,
        _ => &signature::ECDSA_P256_SHA256_ASN1_SIGNING,
    }
}

fn rsa_padding(scheme: SignatureScheme) -> Option<&'static dyn signature::RsaEncoding> {
    Some(match scheme {
        SignatureScheme::RsaPkcs1Sha256 => &signature::RSA_PKCS1_SHA256,
        SignatureScheme::RsaPkcs1Sha384 => &signature::RSA_PKCS1_SHA384,
        SignatureScheme::RsaPkcs1Sha512 => &signature::RSA_PKCS1_SHA512,
        SignatureScheme::RsaPssSha256 => &signature::RSA_PSS_SHA256,
        SignatureScheme::RsaPssSha384 => &signature::RSA_PSS_SHA384,
        SignatureScheme::RsaPssSha512 => &signature::RSA_PSS_SHA512,
        _ => return None,
    })
}

/// The number in an ECPrivateKey (RFC 5915 §3), behind its version.
fn scalar(sec1: &[u8]) -> Option<&[u8]> {
    let (_, sequence) = Sequence::from_der(sec1).ok()?;
    let content = match sequence.content {
        Cow::Borrowed(content) => content,
        Cow::Owned(_) => return None,
    };
    let (rest, version) = u8::from_der(content).ok()?;
    let (_, number) = OctetString::from_der(rest).ok()?;
    match number.into_cow() {
        Cow::Borrowed(number) if version == 1 => Some(number),
        _ => None,
    }
}
