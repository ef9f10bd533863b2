//! Our side's certificate and key.

use core::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use crate::crypto::{
    HashAlgorithm, PrivateKey, SigningKey, generate_self_signed, public_key, read_certificates,
    read_private_key,
};
use crate::error::IdentityError;
use crate::fingerprint::Fingerprint;

/// As many certificates as a side may send: chains of the public web have two to four.
pub(crate) const CHAIN_LIMIT: usize = 16;
/// How long they may be together, in bytes: half of what a peer of ours accepts in a message.
const CHAIN_LENGTH_LIMIT: usize = 16 * 1024;

/// A certificate, what vouches for it, and its private key. Cloning shares them; the key is parsed
/// once.
#[derive(Clone)]
pub struct Identity(Arc<Inner>);

struct Inner {
    /// The leaf first.
    chain: Vec<Vec<u8>>,
    key: SigningKey,
}

impl Identity {
    /// A fresh ECDSA P-256 key with a self-signed certificate, valid for a year from
    /// `not_before`. Give some hours less than the present time, for peers whose clocks are slow.
    ///
    /// # Errors
    /// [`IdentityError::DateOutOfRange`] for a date before 1970 or after 9997,
    /// [`IdentityError::KeyGeneration`] when the system gives no randomness.
    pub fn generate(not_before: SystemTime) -> Result<Self, IdentityError> {
        let (certificate, key) = generate_self_signed(not_before)
            .ok_or(IdentityError::DateOutOfRange)?
            .map_err(|_| IdentityError::KeyGeneration)?;
        Self::new(vec![certificate], &key)
    }

    /// A certificate that exists, with those that vouch for it behind it, each in DER, and its
    /// key in PKCS#8: ECDSA P-256 or P-384, Ed25519, or RSA of 2048 to 4096 bits.
    ///
    /// Neither dates nor signatures are looked at: what a peer thinks of them is its own matter.
    ///
    /// # Errors
    /// See [`IdentityError`].
    pub fn from_der(chain: &[impl AsRef<[u8]>], pkcs8: &[u8]) -> Result<Self, IdentityError> {
        let chain = chain.iter().map(|der| der.as_ref().to_vec()).collect();
        Self::new(chain, &PrivateKey::Pkcs8(pkcs8.into()))
    }

    /// As [`from_der`](Self::from_der), from the text form (RFC 7468). All certificates of the
    /// first text count, the first key of the second; what else stands there is passed over, so
    /// both may be the same text. The key may also be in PKCS#1 (`RSA PRIVATE KEY`) or SEC 1
    /// (`EC PRIVATE KEY`), but not encrypted.
    ///
    /// # Errors
    /// See [`IdentityError`].
    pub fn from_pem(certificates: &[u8], key: &[u8]) -> Result<Self, IdentityError> {
        let chain = read_certificates(certificates).map_err(IdentityError::BadCertificate)?;
        let key = read_private_key(key).map_err(|_| IdentityError::NoKey)?;
        Self::new(chain, &key)
    }

    fn new(chain: Vec<Vec<u8>>, key: &PrivateKey<'_>) -> Result<Self, IdentityError> {
        let length: usize = chain.iter().map(Vec::len).sum();
        if chain.len() > CHAIN_LIMIT || length > CHAIN_LENGTH_LIMIT {
            return Err(IdentityError::ChainTooLong {
                certificates: chain.len(),
                bytes: length,
            });
        }
        let keys = chain.iter().enumerate().map(|(index, certificate)| {
            public_key(certificate).map_err(|_| IdentityError::BadCertificate(index))
        });
        let keys = keys.collect::<Result<Vec<_>, _>>()?;
        let public = keys
            .into_iter()
            .next()
            .ok_or(IdentityError::NoCertificate)?
            .ok_or(IdentityError::UnsupportedKey)?;
        let key = SigningKey::load(&public, key).map_err(|_| IdentityError::BadKey)?;
        if !key.belongs_to(&public) {
            return Err(IdentityError::ForeignKey);
        }
        Ok(Self(Arc::new(Inner { chain, key })))
    }

    /// The certificate in DER.
    #[must_use]
    pub fn certificate(&self) -> &[u8] {
        self.0.chain.first().map_or(&[], Vec::as_slice)
    }

    /// The certificate and those that vouch for it, in DER.
    pub fn chain(&self) -> impl Iterator<Item = &[u8]> {
        self.0.chain.iter().map(Vec::as_slice)
    }

    /// The SHA-256 fingerprint, for `a=fingerprint` in SDP.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(HashAlgorithm::Sha256, self.certificate())
    }

    pub(crate) fn key(&self) -> &SigningKey {
        &self.0.key
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({})", self.fingerprint())
    }
}
