//! A master key with its salt, and the session keys it turns into.

use core::fmt;

use crate::Profile;
use crate::derive::{MasterSecret, Protocol};
use crate::error::{AddKeyError, KeyError};
use crate::event::Event;
use crate::key_use::{KeyUse, RTP_PACKETS_MAX};
use crate::transform::{KeyStream, Transform};

/// Lengths of a master key identifier in bytes (RFC 4568 §6.1).
const MKI_LEN: core::ops::RangeInclusive<usize> = 1..=128;

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
    /// For chosen header extension elements (RFC 6904); a profile that does not encrypt has none.
    pub(crate) header_extension: Option<Box<KeyStream>>,
    /// Empty without an MKI.
    pub(crate) mki: Box<[u8]>,
    pub(crate) uses: KeyUse,
}

impl MasterKey {
    /// A master key for `profile`. `key` has [`Profile::key_len`] bytes and `salt`
    /// [`Profile::salt_len`].
    ///
    /// # Errors
    /// [`KeyError`] when one of the two has another length, or `profile` does not encrypt.
    pub fn new(profile: Profile, key: &[u8], salt: &[u8]) -> Result<Self, KeyError> {
        if !profile.encrypts() {
            return Err(KeyError::NotEncrypting { profile });
        }
        Self::derive(profile, key, salt)
    }

    /// A master key for a profile that authenticates packets and leaves them in the clear: for
    /// tests, or where another layer encrypts. Whoever sees the packets can read them.
    ///
    /// # Errors
    /// [`KeyError`] when key or salt has not the length of the profile, or `profile` encrypts.
    pub fn new_unencrypted(profile: Profile, key: &[u8], salt: &[u8]) -> Result<Self, KeyError> {
        if profile.encrypts() {
            return Err(KeyError::Encrypting { profile });
        }
        Self::derive(profile, key, salt)
    }

    fn derive(profile: Profile, key: &[u8], salt: &[u8]) -> Result<Self, KeyError> {
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
        let header_extension = if profile.encrypts() {
            let stream = KeyStream::new(&secret.header_extension_keys());
            Some(stream.ok_or(KeyError::Rejected { profile })?.into())
        } else {
            None
        };
        Ok(Self {
            profile,
            rtp: transform(Protocol::Rtp)?,
            rtcp: transform(Protocol::Rtcp)?,
            header_extension,
            mki: Box::default(),
            uses: KeyUse::new(RTP_PACKETS_MAX),
        })
    }

    /// The same key with a master key identifier, which every packet under it carries then
    /// (RFC 3711 §3.1). 1 to 128 bytes (RFC 4568 §6.1).
    ///
    /// # Errors
    /// [`KeyError::MkiLength`] when it has another length.
    pub fn with_mki(self, mki: &[u8]) -> Result<Self, KeyError> {
        if !MKI_LEN.contains(&mki.len()) {
            return Err(KeyError::MkiLength { found: mki.len() });
        }
        Ok(Self {
            mki: mki.into(),
            ..self
        })
    }

    /// The master key identifier, if packets carry one.
    #[must_use]
    pub fn mki(&self) -> Option<&[u8]> {
        (!self.mki.is_empty()).then_some(&*self.mki)
    }

    /// The same key for no more than this many SRTP packets and as many SRTCP packets, 1 to 2^48:
    /// the lifetime of `a=crypto` (RFC 4568 §6.1), or what another sender has left of it. 2^48
    /// SRTP and 2^31 SRTCP packets are the most in any case (RFC 3711 §9.2). All streams count
    /// together, and when one of the two numbers is used up the key is at its end for both.
    ///
    /// # Errors
    /// [`KeyError::Lifetime`] when it is none of these.
    pub fn with_lifetime(self, packets: u64) -> Result<Self, KeyError> {
        if !(1..=RTP_PACKETS_MAX).contains(&packets) {
            return Err(KeyError::Lifetime { found: packets });
        }
        Ok(Self {
            uses: KeyUse::new(packets),
            ..self
        })
    }

    /// For how many packets the key was made: 2^48 unless
    /// [`with_lifetime`](Self::with_lifetime) told another number.
    #[must_use]
    pub const fn lifetime(&self) -> u64 {
        self.uses.lifetime()
    }

    /// What there is to tell of the key's use.
    pub(crate) fn poll_event(&mut self, margin: u64) -> Option<Event> {
        self.uses.poll_event(margin, &self.mki)
    }

    /// Bytes that protecting adds to an RTP packet, MKI included.
    pub(crate) fn rtp_overhead(&self) -> usize {
        self.profile.rtp_overhead() + self.mki.len()
    }

    /// Bytes that protecting adds to an RTCP packet, MKI included.
    pub(crate) fn rtcp_overhead(&self) -> usize {
        self.profile.rtcp_overhead() + self.mki.len()
    }

    /// Whether `next` can be used where this key is: packets look alike (RFC 3711 §3.2.1: MKIs keep
    /// their length).
    pub(crate) fn check_successor(&self, next: &Self) -> Result<(), AddKeyError> {
        let (expected, found) = (self.profile, next.profile);
        if found != expected {
            return Err(AddKeyError::Profile { expected, found });
        }
        let (expected, found) = (self.mki.len(), next.mki.len());
        if found != expected {
            return Err(AddKeyError::MkiLength { expected, found });
        }
        Ok(())
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
            let new = match profile.encrypts() {
                true => MasterKey::new,
                false => MasterKey::new_unencrypted,
            };
            let (key_len, salt_len) = (profile.key_len(), profile.salt_len());
            for found in (0..64).filter(|&len| len != key_len) {
                let refused = new(profile, &vec![0; found], &vec![0; salt_len]);
                let expected = KeyError::KeyLength {
                    profile,
                    expected: key_len,
                    found,
                };
                assert_eq!(refused.err(), Some(expected));
            }
            for found in (0..64).filter(|&len| len != salt_len) {
                let refused = new(profile, &vec![0; key_len], &vec![0; found]);
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
    fn what_does_not_encrypt_is_asked_for_by_name() {
        for profile in Profile::ALL {
            let (key, salt) = (vec![1; profile.key_len()], vec![2; profile.salt_len()]);
            let usual = MasterKey::new(profile, &key, &salt).err();
            let unencrypted = MasterKey::new_unencrypted(profile, &key, &salt).err();
            let expected = match profile.encrypts() {
                true => (None, Some(KeyError::Encrypting { profile })),
                false => (Some(KeyError::NotEncrypting { profile }), None),
            };
            assert_eq!((usual, unencrypted), expected);
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
