//! Ephemeral key agreement.

use super::Refused;
use super::library::{self, EphemeralKey, agreement};
use crate::wire::Group;

/// An ephemeral private key, used once.
#[derive(Debug)]
pub(crate) struct KeyExchange {
    group: Group,
    private: EphemeralKey,
    public: agreement::PublicKey,
}

impl KeyExchange {
    /// A fresh key.
    pub(crate) fn generate(group: Group) -> Result<Self, Refused> {
        Self::of(group, library::generate(algorithm(group)?)?)
    }

    fn of(group: Group, private: EphemeralKey) -> Result<Self, Refused> {
        let public = private.compute_public_key()?;
        Ok(Self {
            group,
            private,
            public,
        })
    }

    /// The key of a vector. `None` where it is out of the range of private keys.
    #[cfg(test)]
    pub(super) fn from_private(group: Group, bytes: &[u8]) -> Option<Self> {
        let private = library::known_private_key(algorithm(group).ok()?, bytes)?;
        Self::of(group, private).ok()
    }

    pub(crate) fn group(&self) -> Group {
        self.group
    }

    /// Our share: 32 bytes for X25519, an uncompressed point for the others.
    pub(crate) fn public_key(&self) -> &[u8] {
        self.public.as_ref()
    }

    /// Runs `derive` on the shared secret. A share off the curve, of the wrong length, or that
    /// gives an all-zero secret is refused (RFC 8422 §5.10 and §5.11).
    pub(crate) fn agree<T>(
        self,
        peer_share: &[u8],
        derive: impl FnOnce(&[u8]) -> T,
    ) -> Result<T, Refused> {
        library::agree(self.private, algorithm(self.group)?, peer_share, derive)
    }
}

fn algorithm(group: Group) -> Result<&'static agreement::Algorithm, Refused> {
    match group {
        Group::X25519 => Ok(&agreement::X25519),
        Group::Secp256r1 => Ok(&agreement::ECDH_P256),
        Group::Secp384r1 => Ok(&agreement::ECDH_P384),
        Group::X25519MlKem768 | Group::Unknown(_) => Err(Refused),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_agree() {
        for group in [Group::X25519, Group::Secp256r1, Group::Secp384r1] {
            let a = KeyExchange::generate(group).unwrap();
            let b = KeyExchange::generate(group).unwrap();
            let (a_share, b_share) = (a.public_key().to_vec(), b.public_key().to_vec());
            let left = a.agree(&b_share, <[u8]>::to_vec).unwrap();
            let right = b.agree(&a_share, <[u8]>::to_vec).unwrap();
            assert_eq!(left, right);
        }
    }

    #[test]
    fn bad_shares_are_refused() {
        let x25519 = || KeyExchange::generate(Group::X25519).unwrap();
        assert_eq!(x25519().agree(&[0; 32], |_| ()), Err(Refused));
        assert_eq!(x25519().agree(&[9; 31], |_| ()), Err(Refused));
        for (group, length) in [(Group::Secp256r1, 65), (Group::Secp384r1, 97)] {
            let ours = KeyExchange::generate(group).unwrap();
            assert_eq!(ours.agree(&vec![4; length], |_| ()), Err(Refused));
        }
    }
}
