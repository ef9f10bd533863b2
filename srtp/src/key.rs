//! A master key with its salt, and the session keys it turns into.

use core::fmt;

use crate::Profile;
use crate::derive::{MasterSecret, Protocol};
use crate::error::KeyError;
use crate::transform::Transform;

/// The master key and master salt of one direction (RFC 3711 §3.2.1).
///
/// The session keys are derived at once and the given bytes are not kept. Keys are wiped when
/// dropped (except the AES-GCM keys inside `ring`, which offers no way to); `Debug` shows the
/// profile only.
///
/// It is not `Clone`: one key makes one [`Sender`](crate::Sender) or one
/// [`Receiver`](crate::Receiver). Two senders under one key would use the same key stream for
/// different packets (RFC 3711 §9.1).
pub struct MasterKey {
    pub(crate) profile: Profile,
    pub(crate) rtp: Transform,
    pub(crate) rtcp: Transform,
}

impl MasterKey {
    /// A master key for `profile`. `key` has [`Profile::key_len`] bytes and `salt`
    /// [`Profile::salt_len`].
    ///
    /// # Errors
    /// [`KeyError`] when one of the two has another length.
    pub fn new(profile: Profile, key: &[u8], salt: &[u8]) -> Result<Self, KeyError> {
        let (expected, found) = (profile.key_len(), key.len());
        if found != expected {
            return Err(KeyError::KeyLength {
                profile,
                expected,
                found,
            });
        }
        let (expected, found) = (profile.salt_len(), salt.len());
        if found != expected {
            return Err(KeyError::SaltLength {
                profile,
                expected,
                found,
            });
        }
        let secret = MasterSecret::new(key, salt).ok_or(KeyError::Rejected { profile })?;
        let transform = |protocol| {
            Transform::new(profile, protocol, &secret.session_keys(protocol))
                .ok_or(KeyError::Rejected { profile })
        };
        Ok(Self {
            profile,
            rtp: transform(Protocol::Rtp)?,
            rtcp: transform(Protocol::Rtcp)?,
        })
    }

    /// The profile this key is for.
    #[must_use]
    pub const fn profile(&self) -> Profile {
        self.profile
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MasterKey")
            .field("profile", &self.profile)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_lengths_are_refused() {
        for profile in Profile::ALL {
            let (key_len, salt_len) = (profile.key_len(), profile.salt_len());
            for found in (0..64).filter(|&len| len != key_len) {
                let refused = MasterKey::new(profile, &vec![0; found], &vec![0; salt_len]);
                let expected = KeyError::KeyLength {
                    profile,
                    expected: key_len,
                    found,
                };
                assert_eq!(refused.err(), Some(expected));
            }
            for found in (0..64).filter(|&len| len != salt_len) {
                let refused = MasterKey::new(profile, &vec![0; key_len], &vec![0; found]);
                let expected = KeyError::SaltLength {
                    profile,
                    expected: salt_len,
                    found,
                };
                assert_eq!(refused.err(), Some(expected));
            }
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        let key = MasterKey::new(Profile::AeadAes128Gcm, &[0xa7; 16], &[0xb9; 12]).unwrap();
        assert_eq!(
            format!("{key:?}"),
            "MasterKey { profile: AeadAes128Gcm, .. }"
        );
    }
}
