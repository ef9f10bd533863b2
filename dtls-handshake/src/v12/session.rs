//! Keys out of a handshake of DTLS 1.2.

use subtle::ConstantTimeEq;
use zeroize::Zeroize;

use crate::crypto::{AeadAlgorithm, Refused, Secret, prf};
use crate::error::ExportError;
use crate::message::{Random, VERIFY_DATA_LENGTH};
use crate::record::Protection;
use crate::suite::Suite;

const MASTER_SECRET_LENGTH: usize = 48;
/// Labels of the key schedule that nobody may export under (RFC 5705 §4, RFC 7627 §4).
const RESERVED_LABELS: [&str; 5] = [
    "client finished",
    "server finished",
    "master secret",
    "extended master secret",
    "key expansion",
];

/// Which of the two sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Client,
    Server,
}

/// The record keys of both sides.
#[derive(Debug)]
pub(crate) struct RecordKeys {
    pub(crate) client: Protection,
    pub(crate) server: Protection,
}

/// The master secret and what it belongs to.
#[derive(Debug)]
pub(crate) struct Session {
    suite: Suite,
    master_secret: Secret<MASTER_SECRET_LENGTH>,
    client_random: Random,
    server_random: Random,
}

impl Session {
    /// The extended master secret: bound to the handshake up to and with ClientKeyExchange
    /// (RFC 7627 §4).
    pub(crate) fn new(
        suite: Suite,
        premaster_secret: &[u8],
        session_hash: &[u8],
        client_random: Random,
        server_random: Random,
    ) -> Self {
        let label = b"extended master secret";
        let master_secret = Secret::filled(|out| {
            prf(suite.hash, premaster_secret, label, &[session_hash], out);
        });
        Self {
            suite,
            master_secret,
            client_random,
            server_random,
        }
    }

    /// A session whose master secret is known, for the vectors of [`testing`](crate::testing).
    pub(crate) fn from_master_secret(
        suite: Suite,
        master_secret: &[u8; MASTER_SECRET_LENGTH],
        client_random: Random,
        server_random: Random,
    ) -> Self {
        let master_secret = Secret::filled(|out| *out = *master_secret);
        Self {
            suite,
            master_secret,
            client_random,
            server_random,
        }
    }

    pub(crate) fn master_secret(&self) -> &[u8; MASTER_SECRET_LENGTH] {
        self.master_secret.expose()
    }

    pub(crate) fn suite(&self) -> Suite {
        self.suite
    }

    /// RFC 5246 §6.3; with an AEAD there are no MAC keys in the block.
    pub(crate) fn record_keys(&self) -> Result<RecordKeys, Refused> {
        let mut block = [0; 2 * (AeadAlgorithm::MAX_KEY_LENGTH + Protection::MAX_IV_LENGTH)];
        let aead = self.suite.aead;
        let needed = 2 * (aead.key_length() + Protection::iv_length(aead));
        let used = block.get_mut(..needed).ok_or(Refused)?;
        let seed: [&[u8]; 2] = [&self.server_random, &self.client_random];
        prf(
            self.suite.hash,
            self.master_secret.expose(),
            b"key expansion",
            &seed,
            used,
        );
        let keys = cut_key_block(aead, used);
        block.zeroize();
        keys
    }

    /// What Finished of one side has to say (RFC 5246 §7.4.9).
    pub(crate) fn verify_data(&self, side: Side, transcript: &[u8]) -> [u8; VERIFY_DATA_LENGTH] {
        let label: &[u8] = match side {
            Side::Client => b"client finished",
            Side::Server => b"server finished",
        };
        let mut out = [0; VERIFY_DATA_LENGTH];
        prf(
            self.suite.hash,
            self.master_secret.expose(),
            label,
            &[transcript],
            &mut out,
        );
        out
    }

    /// Compares what Finished of the peer says, in constant time.
    pub(crate) fn verifies(
        &self,
        side: Side,
        transcript: &[u8],
        verify_data: &[u8; VERIFY_DATA_LENGTH],
    ) -> bool {
        self.verify_data(side, transcript).ct_eq(verify_data).into()
    }

    /// RFC 5705 §4. No context and an empty context are different things.
    pub(crate) fn export(
        &self,
        label: &str,
        context: Option<&[u8]>,
        out: &mut [u8],
    ) -> Result<(), ExportError> {
        if RESERVED_LABELS.contains(&label) {
            return Err(ExportError::ReservedLabel);
        }
        let length = match context {
            None => None,
            Some(context) => Some(
                u16::try_from(context.len())
                    .map_err(|_| ExportError::ContextTooLong)?
                    .to_be_bytes(),
            ),
        };
        let seed: [&[u8]; 4] = [
            &self.client_random,
            &self.server_random,
            length.as_ref().map_or(&[], |length| length),
            context.unwrap_or_default(),
        ];
        prf(
            self.suite.hash,
            self.master_secret.expose(),
            label.as_bytes(),
            &seed,
            out,
        );
        Ok(())
    }

    /// A line of the key log of NSS.
    pub(crate) fn key_log_line(&self) -> String {
        let mut line = String::from("CLIENT_RANDOM ");
        push_hex(&mut line, &self.client_random);
        line.push(' ');
        push_hex(&mut line, self.master_secret());
        line
    }
}

fn push_hex(line: &mut String, bytes: &[u8]) {
    for byte in bytes {
        for digit in [byte >> 4, byte & 15] {
            line.extend(char::from_digit(digit.into(), 16));
        }
    }
}

/// Client key, server key, client IV, server IV.
fn cut_key_block(aead: AeadAlgorithm, block: &[u8]) -> Result<RecordKeys, Refused> {
    let key_length = aead.key_length();
    let (client_key, rest) = block.split_at_checked(key_length).ok_or(Refused)?;
    let (server_key, rest) = rest.split_at_checked(key_length).ok_or(Refused)?;
    let (client_iv, server_iv) = rest.split_at_checked(rest.len() / 2).ok_or(Refused)?;
    Ok(RecordKeys {
        client: Protection::new(aead, client_key, client_iv)?,
        server: Protection::new(aead, server_key, server_iv)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::RecordHeader;
    use crate::wire::{ContentType, DTLS_1_2};

    // The session of "The Illustrated TLS 1.2 Connection".
    const MASTER_SECRET: &str = concat!(
        "916abf9da55973e13614ae0a3f5d3f37b023ba129aee02cc9134338127cd7049",
        "781c8e19fc1eb2a7387ac06ae237344c",
    );
    const CLIENT_RANDOM: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    const SERVER_RANDOM: &str = "707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f";
    const KEY_BLOCK: &str = concat!(
        "1b7d117c7d5f690bc263cae8ef60af0f1878acc22ad8bdd8c601a617126f6354",
        "0eb20906f781fad2",
    );
    const HANDSHAKE_HASH: &str = "061dda04b3c2217ff73bd79b9cf88a2bb6ec505404aac8722db03ef417b54cb4";
    const CLIENT_VERIFY_DATA: &str = "cf919626f1360c536aaad73a";
    const EXPORTED: &str = concat!(
        "05ac5a731ad359d5186dee7f9b46fbd534f0af013b341b9f5c2dcad39186656e",
        "288e38b7551f9f181f7c7bcafcab035688fddcb8fbd3fb32a099c06b",
    );
    const EXPORTED_EMPTY_CONTEXT: &str = concat!(
        "e89d58cb3e2d4853cfc1080ab65f472fd2b3416a4121b13ccd4b8c5309ee2961",
        "bc17f768dafb956a1ce92414c367cf075ed67af7e59858c814174be8",
    );
    const EXPORTED_CONTEXT: &str =
        "2219b0f7f9032bebe7fb863b7f0afa36e8995a0524849d2cf56abd60b36968df";
    // NIST ACVP, TLS-v1.2-KDF-RFC7627, tcId 1.
    const PREMASTER: &str = concat!(
        "8252b983a6459a6fb3b9debe8725247e276139ebf7c9adccdd7d240f3ada7f5e",
        "3351b2769b6c8dc169a6d799c3c0ffeb",
    );
    const SESSION_HASH: &str = "1359d7df74cb27c67f74c98d521d442b887eaf0decf6e382c62434d6c3dd7d0d";
    const EXTENDED_MASTER_SECRET: &str = concat!(
        "43a5e821fcf5446c712207f7cd161ed213ee3b9d001d418c57231befd596b583",
        "ecd55ab2c4456b02738698f90bc59ac0",
    );

    fn array<const N: usize>(text: &str) -> [u8; N] {
        hex::decode(text).unwrap().try_into().unwrap()
    }

    fn session() -> Session {
        Session::from_master_secret(
            Suite::WEBRTC,
            &array(MASTER_SECRET),
            array(CLIENT_RANDOM),
            array(SERVER_RANDOM),
        )
    }

    #[test]
    fn the_extended_master_secret_is_bound_to_the_session_hash() {
        let derive = |hash: &[u8]| {
            let premaster = hex::decode(PREMASTER).unwrap();
            let session = Session::new(Suite::WEBRTC, &premaster, hash, [0; 32], [0; 32]);
            hex::encode(session.master_secret())
        };
        assert_eq!(derive(&array::<32>(SESSION_HASH)), EXTENDED_MASTER_SECRET);
        assert_ne!(derive(&[0; 32]), EXTENDED_MASTER_SECRET);
    }

    #[test]
    fn the_key_block_is_cut_in_its_order() {
        let block: [u8; 40] = array(KEY_BLOCK);
        let keys = session().record_keys().unwrap();
        let aead = Suite::WEBRTC.aead;
        for (protection, key, iv) in [
            (keys.client, &block[..16], 32),
            (keys.server, &block[16..32], 36),
        ] {
            let iv = &block[iv..iv + 4];
            let expected = Protection::new(aead, key, iv).unwrap();
            let header = RecordHeader {
                content: ContentType::Handshake,
                version: DTLS_1_2,
                epoch: 1,
                sequence: 5,
            };
            let seal = |protection: &Protection| {
                let mut payload = [protection.prefix(), b"payload"].concat();
                let tag = protection.seal(&header, &mut payload).unwrap();
                payload.extend(tag.as_ref());
                payload
            };
            assert_eq!(seal(&protection), seal(&expected));
        }
    }

    #[test]
    fn finished_of_the_two_sides_differ() {
        let hash: [u8; 32] = array(HANDSHAKE_HASH);
        let ours = session().verify_data(Side::Client, &hash);
        assert_eq!(hex::encode(ours), CLIENT_VERIFY_DATA);
        assert!(session().verifies(Side::Client, &hash, &ours));
        assert!(!session().verifies(Side::Server, &hash, &ours));
        assert!(!session().verifies(Side::Client, &[0; 32], &ours));
    }

    #[test]
    fn no_context_is_not_an_empty_one() {
        let export = |label, context, length| {
            let mut out = vec![0; length];
            session().export(label, context, &mut out).unwrap();
            hex::encode(out)
        };
        let label = "EXTRACTOR-dtls_srtp";
        assert_eq!(export(label, None, 60), EXPORTED);
        assert_eq!(export(label, Some(b""), 60), EXPORTED_EMPTY_CONTEXT);
        let context = Some(&[0, 1, 2, 3, 4][..]);
        assert_eq!(export("EXPERIMENTAL-test", context, 32), EXPORTED_CONTEXT);
    }
}
