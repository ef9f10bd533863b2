//! Our side's certificate and key.

use core::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use crate::crypto::{HashAlgorithm, SigningKey, generate_self_signed};
use crate::error::IdentityError;
use crate::fingerprint::Fingerprint;

/// A certificate and its private key. Cloning shares them; the key is parsed once.
#[derive(Clone)]
pub struct Identity(Arc<Inner>);

struct Inner {
    certificate: Vec<u8>,
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
        Ok(Self(Arc::new(Inner { certificate, key })))
    }

    /// The certificate in DER.
    #[must_use]
    pub fn certificate(&self) -> &[u8] {
        &self.0.certificate
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
