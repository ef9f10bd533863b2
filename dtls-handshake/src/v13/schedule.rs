//! The key schedule (RFC 8446 §7.1, with the labels of RFC 9147 §5.9).
//!
//! ```text
//! 0 -> early secret -> handshake secret (with the shared secret) -> master secret (with 0)
//!                        client and server handshake traffic          client and server application
//!                                                                     traffic, exporter
//! ```

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::Side;
use crate::config::Config;
use crate::crypto::{
    AeadAlgorithm, HashAlgorithm, NONCE_LENGTH, Refused, Secret, hkdf_expand_label, hkdf_extract,
    hmac,
};
use crate::error::CloseCause;
use crate::message::Random;
use crate::record::Ciphertext;
use crate::suite::Suite;

/// The longest output of a hash function that a suite has, in bytes.
const MAX_HASH_LENGTH: usize = 48;

/// A secret as long as the output of its suite's hash function.
#[derive(Debug)]
pub(crate) struct ScheduleSecret {
    hash: HashAlgorithm,
    bytes: Secret<MAX_HASH_LENGTH>,
}

impl ScheduleSecret {
    fn filled(hash: HashAlgorithm, fill: impl FnOnce(&mut [u8])) -> Self {
        let length = hash.output_length();
        let bytes = Secret::filled(|bytes| fill(bytes.get_mut(..length).unwrap_or_default()));
        Self { hash, bytes }
    }

    pub(crate) fn expose(&self) -> &[u8] {
        let length = self.hash.output_length();
        self.bytes.expose().get(..length).unwrap_or_default()
    }

    /// HKDF-Extract with this secret, further derived, as the salt.
    fn extract(&self, input: &[u8]) -> Self {
        let salt = self.derive(b"derived", self.hash.hash(&[]).as_ref());
        Self::filled(self.hash, |out| {
            hkdf_extract(self.hash, salt.expose(), input, out);
        })
    }

    /// Derive-Secret, with the hash of the messages.
    pub(crate) fn derive(&self, label: &[u8], messages_hash: &[u8]) -> Self {
        Self::filled(self.hash, |out| {
            hkdf_expand_label(self.hash, self.expose(), label, messages_hash, out);
        })
    }

    pub(crate) fn expand(&self, label: &[u8], context: &[u8], out: &mut [u8]) {
        hkdf_expand_label(self.hash, self.expose(), label, context, out);
    }

    /// What Finished of the side whose secret this is says (RFC 8446 §4.4.4).
    pub(crate) fn verify_data(&self, transcript_hash: &[u8]) -> impl AsRef<[u8]> + use<> {
        let finished_key = self.derive(b"finished", b"");
        hmac(self.hash, finished_key.expose(), transcript_hash)
    }

    /// Compares what Finished of the peer says, in constant time.
    pub(crate) fn verifies(&self, transcript_hash: &[u8], verify_data: &[u8]) -> bool {
        let expected = self.verify_data(transcript_hash);
        expected.as_ref().ct_eq(verify_data).into()
    }

    /// The traffic secret that follows this one (RFC 8446 §7.2).
    #[allow(dead_code)]
    pub(crate) fn next(&self) -> Self {
        self.derive(b"traffic upd", b"")
    }

    /// The keys of the records of this traffic secret (RFC 8446 §7.3, RFC 9147 §4.2.3).
    pub(crate) fn record_keys(&self, aead: AeadAlgorithm) -> Result<Ciphertext, CloseCause> {
        self.ciphertext(aead)
            .map_err(CloseCause::internal("the record keys"))
    }

    fn ciphertext(&self, aead: AeadAlgorithm) -> Result<Ciphertext, Refused> {
        let mut key = Zeroizing::new([0; AeadAlgorithm::MAX_KEY_LENGTH]);
        let mut number_key = Zeroizing::new([0; AeadAlgorithm::MAX_KEY_LENGTH]);
        let key = key.get_mut(..aead.key_length()).ok_or(Refused)?;
        let number_key = number_key.get_mut(..aead.key_length()).ok_or(Refused)?;
        self.expand(b"key", b"", key);
        self.expand(b"sn", b"", number_key);
        let iv = Secret::<NONCE_LENGTH>::filled(|iv| self.expand(b"iv", b"", iv));
        Ciphertext::new(aead, key, iv, number_key)
    }
}

/// The secrets of the handshake itself.
#[derive(Debug)]
pub(crate) struct HandshakeSecrets {
    handshake: ScheduleSecret,
    pub(crate) client: ScheduleSecret,
    pub(crate) server: ScheduleSecret,
}

impl HandshakeSecrets {
    /// `transcript_hash` is that of ClientHello to ServerHello.
    pub(crate) fn new(suite: Suite, shared_secret: &[u8], transcript_hash: &[u8]) -> Self {
        let zeros = [0; MAX_HASH_LENGTH];
        let zeros = zeros.get(..suite.hash.output_length()).unwrap_or_default();
        let early = ScheduleSecret::filled(suite.hash, |out| {
            hkdf_extract(suite.hash, zeros, zeros, out);
        });
        let handshake = early.extract(shared_secret);
        Self {
            client: handshake.derive(b"c hs traffic", transcript_hash),
            server: handshake.derive(b"s hs traffic", transcript_hash),
            handshake,
        }
    }

    /// `transcript_hash` is that of ClientHello to the Finished of the server.
    pub(crate) fn application(&self, transcript_hash: &[u8]) -> ApplicationSecrets {
        let zeros = [0; MAX_HASH_LENGTH];
        let length = self.handshake.hash.output_length();
        let master = self
            .handshake
            .extract(zeros.get(..length).unwrap_or_default());
        ApplicationSecrets {
            client: master.derive(b"c ap traffic", transcript_hash),
            server: master.derive(b"s ap traffic", transcript_hash),
            exporter: master.derive(b"exp master", transcript_hash),
        }
    }

    pub(crate) fn log(&self, config: &Config, client_random: &Random) {
        log(
            config,
            "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
            client_random,
            &self.client,
        );
        log(
            config,
            "SERVER_HANDSHAKE_TRAFFIC_SECRET",
            client_random,
            &self.server,
        );
    }
}

/// The secrets of what comes after the handshake.
#[derive(Debug)]
pub(crate) struct ApplicationSecrets {
    client: ScheduleSecret,
    server: ScheduleSecret,
    pub(crate) exporter: ScheduleSecret,
}

/// The secrets of the two directions, as one side sees them.
#[derive(Debug)]
pub(crate) struct Directions {
    pub(crate) write: ScheduleSecret,
    pub(crate) read: ScheduleSecret,
    pub(crate) exporter: ScheduleSecret,
}

impl ApplicationSecrets {
    pub(crate) fn log(&self, config: &Config, client_random: &Random) {
        log(
            config,
            "CLIENT_TRAFFIC_SECRET_0",
            client_random,
            &self.client,
        );
        log(
            config,
            "SERVER_TRAFFIC_SECRET_0",
            client_random,
            &self.server,
        );
        log(config, "EXPORTER_SECRET", client_random, &self.exporter);
    }

    pub(crate) fn seen_by(self, side: Side) -> Directions {
        let (write, read) = match side {
            Side::Client => (self.client, self.server),
            Side::Server => (self.server, self.client),
        };
        Directions {
            write,
            read,
            exporter: self.exporter,
        }
    }
}

/// A line of the key log of NSS.
fn log(config: &Config, label: &str, client_random: &Random, secret: &ScheduleSecret) {
    let Some(log) = &config.key_log else {
        return;
    };
    let mut line = Zeroizing::new(String::from(label));
    for bytes in [client_random, secret.expose()] {
        line.push(' ');
        push_hex(&mut line, bytes);
    }
    log.write(&line);
}

fn push_hex(line: &mut String, bytes: &[u8]) {
    for byte in bytes {
        for digit in [byte >> 4, byte & 15] {
            line.extend(char::from_digit(digit.into(), 16));
        }
    }
}
