//! Master keys out of the keying material that a DTLS handshake exports (RFC 5764 §4.2).

use crate::error::KeyError;
use crate::{MasterKey, Profile};

/// The keys of both directions of a DTLS association.
#[derive(Debug)]
pub struct ExportedKeys {
    /// The DTLS client protects with this key.
    pub client: MasterKey,
    /// The DTLS server protects with this key.
    pub server: MasterKey,
}

/// Splits exported keying material into client key, server key, client salt, server salt, in
/// that order (RFC 5764 §4.2).
///
/// `exported` has [`Profile::export_len`] bytes.
///
/// # Errors
/// [`KeyError::ExportLength`] when it has not, [`KeyError::NotEncrypting`] when the profile does
/// not [encrypt](Profile::encrypts).
pub fn keys_from_dtls_export(profile: Profile, exported: &[u8]) -> Result<ExportedKeys, KeyError> {
    let (key_len, salt_len) = (profile.key_len(), profile.salt_len());
    let split = || {
        let (client_key, rest) = exported.split_at_checked(key_len)?;
        let (server_key, rest) = rest.split_at_checked(key_len)?;
        let (client_salt, server_salt) = rest.split_at_checked(salt_len)?;
        (server_salt.len() == salt_len).then_some((
            client_key,
            server_key,
            client_salt,
            server_salt,
        ))
    };
    let Some((client_key, server_key, client_salt, server_salt)) = split() else {
        let (expected, found) = (profile.export_len(), exported.len());
        return Err(KeyError::ExportLength {
            profile,
            expected,
            found,
        });
    };
    Ok(ExportedKeys {
        client: MasterKey::new(profile, client_key, client_salt)?,
        server: MasterKey::new(profile, server_key, server_salt)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An SRTP packet under `key`.
    fn sealed(key: MasterKey) -> Vec<u8> {
        let mut packet = vec![0x80; 50];
        crate::Sender::new(key)
            .protect_rtp(&mut packet, 40)
            .unwrap();
        packet
    }

    #[test]
    fn keys_come_before_salts_and_the_client_before_the_server() {
        let profile = Profile::AesCm128HmacSha1_80;
        let exported: Vec<u8> = (0..60).collect();
        let keys = keys_from_dtls_export(profile, &exported).unwrap();
        let client = MasterKey::new(profile, &exported[..16], &exported[32..46]).unwrap();
        let server = MasterKey::new(profile, &exported[16..32], &exported[46..]).unwrap();
        assert_eq!(sealed(keys.client), sealed(client));
        assert_eq!(sealed(keys.server), sealed(server));
    }

    #[test]
    fn only_the_exact_length_is_taken() {
        for profile in Profile::ALL {
            for len in 0..120 {
                let split = keys_from_dtls_export(profile, &vec![1; len]);
                assert_eq!(
                    split.is_ok(),
                    len == profile.export_len() && profile.encrypts(),
                    "{profile} {len}"
                );
            }
        }
    }
}
