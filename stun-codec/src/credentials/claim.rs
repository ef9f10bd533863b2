//! A request on its way to be believed: what it says it is, and the proof.

use crate::attribute::Userhash;
use crate::builder::Sealed;
use crate::{Builder, IntegrityKey, Message, Verified, VerifyError};

use super::KeyDerivation;

/// Who a request says it is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum User<'a> {
    /// USERNAME, as it stands there.
    Name(&'a str),
    /// USERHASH: see [`Userhash::new`].
    Hash(Userhash),
}

/// Who a request says it is from, while nobody knows the key yet.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    pub(super) request: Message<'a>,
    pub(super) user: User<'a>,
    pub(super) derivation: KeyDerivation,
    pub(super) is_explicit: bool,
    pub(super) is_fresh: bool,
}

impl<'a> Claim<'a> {
    /// Whose it says it is.
    #[must_use]
    pub const fn user(&self) -> User<'a> {
        self.user
    }

    /// How the key that it was made with is derived.
    #[must_use]
    pub const fn derivation(&self) -> KeyDerivation {
        self.derivation
    }

    /// Whether the nonce was sent to the address it came from, not too long ago: whoever sent it reads
    /// what is sent there. What is not fresh is answered with [`Server::stale`](super::Server::stale).
    #[must_use]
    pub const fn is_fresh(&self) -> bool {
        self.is_fresh
    }

    /// Checks it with a key.
    ///
    /// # Errors
    ///
    /// The request was made with another one.
    pub fn prove(&self, key: IntegrityKey) -> Result<Authenticated<'a>, VerifyError> {
        Ok(Authenticated {
            verified: self.request.verify(&key)?,
            user: self.user,
            seal: Seal {
                key,
                is_explicit: self.is_explicit,
            },
        })
    }
}

/// A request whose sender knows the password.
#[derive(Debug, Clone)]
pub struct Authenticated<'a> {
    verified: Verified<'a>,
    user: User<'a>,
    seal: Seal,
}

impl<'a> Authenticated<'a> {
    /// The request.
    #[must_use]
    pub const fn request(&self) -> &Verified<'a> {
        &self.verified
    }

    /// Whose it is.
    #[must_use]
    pub const fn user(&self) -> User<'a> {
        self.user
    }

    /// Protects the response as its client expects (RFC 8489 §9.2.4, last paragraph).
    pub fn seal<'b>(&self, response: Builder<'b>) -> Sealed<'b> {
        self.seal.close(response)
    }

    /// What protects the response, for one that is written later.
    #[must_use]
    pub fn into_seal(self) -> Seal {
        self.seal
    }
}

/// Protects a response to a request that was authenticated.
#[derive(Debug, Clone)]
pub struct Seal {
    key: IntegrityKey,
    /// Whether the request has said with which algorithm its key is made.
    is_explicit: bool,
}

impl Seal {
    /// Adds the integrity attribute that the client expects (RFC 8489 §9.2.4, last paragraph).
    pub fn close<'b>(&self, response: Builder<'b>) -> Sealed<'b> {
        if self.is_explicit {
            response.integrity_sha256(&self.key)
        } else {
            response.integrity(&self.key)
        }
    }

    /// The key, which proves further requests of the same user.
    #[must_use]
    pub const fn key(&self) -> &IntegrityKey {
        &self.key
    }
}
