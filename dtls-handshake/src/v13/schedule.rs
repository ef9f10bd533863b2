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
    AeadAlgorithm, Expander, HashAlgorithm, NONCE_LENGTH, Refused, hkdf_extract, hmac,
};
use crate::error::CloseCause;
use crate::message::Random;
use crate::record::Ciphertext;
use crate::suite::Suite;

/// The longest output of a hash function that a suite has, in bytes.
const MAX_HASH_LENGTH: usize = 48;

/// A secret as long as the output of its suite's hash function. Wiped on drop; filled where it is
/// to stay, beside those of its time and in one allocation with them, so that no copy of it is left
/// behind.
pub(crate) struct ScheduleSecret {
    hash: HashAlgorithm,
    bytes: Zeroizing<[u8; MAX_HASH_LENGTH]>,
}

impl ScheduleSecret {
    /// Room for a secret.
    fn empty(hash: HashAlgorithm) -> Self {
        Self {
            hash,
            bytes: Zeroizing::new([0; MAX_HASH_LENGTH]),
        }
    }

    /// A secret that is known, for [`testing`](crate::testing).
    pub(crate) fn new(hash: HashAlgorithm, bytes: &[u8]) -> Self {
        let mut secret = Self::empty(hash);
        for (to, from) in secret.get_mut().iter_mut().zip(bytes) {
            *to = *from;
        }
        secret
    }

    pub(crate) fn expose(&self) -> &[u8] {
        self.bytes
            .get(..self.hash.output_length())
            .unwrap_or_default()
    }

    fn get_mut(&mut self) -> &mut [u8] {
        self.bytes
            .get_mut(..self.hash.output_length())
            .unwrap_or_default()
    }

    /// For more than one secret that is derived from this one.
    fn expander(&self) -> Expander {
        Expander::new(self.hash, self.expose())
    }

    /// Derive-Secret, with the hash of the messages.
    fn derive(&self, label: &[u8], messages_hash: &[u8], out: &mut Self) {
        self.expand(label, messages_hash, out.get_mut());
    }

    fn expand(&self, label: &[u8], context: &[u8], out: &mut [u8]) {
        self.expander().expand_label(label, context, out);
    }

    /// What Finished of the side whose secret this is says (RFC 8446 §4.4.4).
    pub(crate) fn verify_data(&self, transcript_hash: &[u8]) -> impl AsRef<[u8]> + use<> {
        let mut finished_key = Self::empty(self.hash);
        self.expand(b"finished", b"", finished_key.get_mut());
        hmac(self.hash, finished_key.expose(), transcript_hash)
    }

    /// Compares what Finished of the peer says, in constant time.
    pub(crate) fn verifies(&self, transcript_hash: &[u8], verify_data: &[u8]) -> bool {
        let expected = self.verify_data(transcript_hash);
        expected.as_ref().ct_eq(verify_data).into()
    }

    /// Puts the traffic secret that follows in place of this one (RFC 8446 §7.2).
    pub(crate) fn advance(&mut self) {
        let mut next = Self::empty(self.hash);
        self.derive(b"traffic upd", b"", &mut next);
        self.get_mut().copy_from_slice(next.expose());
    }

    /// Exported keying material, of the exporter secret (RFC 8446 §7.5). The context is hashed here.
    pub(crate) fn export(&self, label: &[u8], context: &[u8], out: &mut [u8]) {
        let mut secret = Self::empty(self.hash);
        self.derive(label, self.hash.hash(&[]).as_ref(), &mut secret);
        let context = self.hash.hash(context);
        secret.expand(b"exporter", context.as_ref(), out);
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
        let expander = self.expander();
        expander.expand_label(b"key", b"", key);
        expander.expand_label(b"sn", b"", number_key);
        let mut iv = Zeroizing::new([0; NONCE_LENGTH]);
        expander.expand_label(b"iv", b"", iv.as_mut_slice());
        Ciphertext::new(aead, key, iv, number_key)
    }
}

impl core::fmt::Debug for ScheduleSecret {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("ScheduleSecret")
    }
}

/// HKDF-Extract with a secret, further derived, as the salt.
fn extract(secret: &ScheduleSecret, input: &[u8], out: &mut ScheduleSecret) {
    let hash = secret.hash;
    let mut salt = ScheduleSecret::empty(hash);
    secret.derive(b"derived", hash.hash(&[]).as_ref(), &mut salt);
    hkdf_extract(hash, salt.expose(), input, out.get_mut());
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
    pub(crate) fn new(suite: Suite, shared_secret: &[u8], transcript_hash: &[u8]) -> Box<Self> {
        let hash = suite.hash;
        let zeros = ScheduleSecret::empty(hash);
        let mut early = ScheduleSecret::empty(hash);
        hkdf_extract(hash, zeros.expose(), zeros.expose(), early.get_mut());
        let mut new = Box::new(Self {
            handshake: ScheduleSecret::empty(hash),
            client: ScheduleSecret::empty(hash),
            server: ScheduleSecret::empty(hash),
        });
        let Self {
            handshake,
            client,
            server,
        } = &mut *new;
        extract(&early, shared_secret, handshake);
        let expander = handshake.expander();
        expander.expand_label(b"c hs traffic", transcript_hash, client.get_mut());
        expander.expand_label(b"s hs traffic", transcript_hash, server.get_mut());
        new
    }

    /// `transcript_hash` is that of ClientHello to the Finished of the server.
    pub(crate) fn application(&self, transcript_hash: &[u8]) -> Box<ApplicationSecrets> {
        let hash = self.handshake.hash;
        let zeros = ScheduleSecret::empty(hash);
        let mut master = ScheduleSecret::empty(hash);
        extract(&self.handshake, zeros.expose(), &mut master);
        let mut new = ApplicationSecrets::empty(hash);
        let expander = master.expander();
        expander.expand_label(b"c ap traffic", transcript_hash, new.client.get_mut());
        expander.expand_label(b"s ap traffic", transcript_hash, new.server.get_mut());
        expander.expand_label(b"exp master", transcript_hash, new.exporter.get_mut());
        new
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

impl ApplicationSecrets {
    fn empty(hash: HashAlgorithm) -> Box<Self> {
        Box::new(Self {
            client: ScheduleSecret::empty(hash),
            server: ScheduleSecret::empty(hash),
            exporter: ScheduleSecret::empty(hash),
        })
    }

    /// One secret for all, for [`testing`](crate::testing).
    pub(crate) fn of(secret: &ScheduleSecret) -> Box<Self> {
        let copy = || ScheduleSecret::new(secret.hash, secret.expose());
        Box::new(Self {
            client: copy(),
            server: copy(),
            exporter: copy(),
        })
    }

    /// What this side writes with.
    pub(crate) fn written(&mut self, side: Side) -> &mut ScheduleSecret {
        match side {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        }
    }

    /// What this side reads with.
    pub(crate) fn read(&mut self, side: Side) -> &mut ScheduleSecret {
        match side {
            Side::Client => &mut self.server,
            Side::Server => &mut self.client,
        }
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    // The handshake of "The Illustrated DTLS 1.3 Connection".
    const SHARED_SECRET: &str = "df4a291baa1eb7cfa6934b29b474baad2697e29f1f920dcc77c8a0a088447624";
    const HELLO_HASH: &str = "aee8eba0d2ee87052fbbc6864c1514c5a927d6f0ffb4f7954c7f379d95f1b1d7";
    const VERIFY_HASH: &str = "4192c6d177f66f8ecf392831546238a0a64cbce228762e336b6aa7886c32684a";
    const FINISHED_HASH: &str = "77ff5eee528abc269960b0ea316eb8578dc8325d86ec1336ffe4b2941e26d82b";
    const SERVER_VERIFY_DATA: &str =
        "1d89aa62e5f88a0fc952884715d8acb3798659afb9e7789a8db2b3816ba45246";
    const CLIENT_VERIFY_DATA: &str =
        "6f2801396b0e90ebb4a3ba384abcfc6b24201abd81b316b2391da378377facf5";
    const EXPORTER: &str = "6c9c3ccd6f1c17356c5369de372df4ccf63a9bd32aad23529302535fc84cee32";
    const NEXT_CLIENT: &str = "52ea2a848c55672c962d454d97f8c0fa68958a97815767e6af83b035d2ba7c2f";

    fn bytes(text: &str) -> Vec<u8> {
        hex::decode(text).unwrap()
    }

    #[test]
    fn the_schedule_of_a_captured_handshake() {
        let suite = Suite::by_id(0x1301.into()).unwrap();
        let secrets = HandshakeSecrets::new(suite, &bytes(SHARED_SECRET), &bytes(HELLO_HASH));
        let hex = |secret: &ScheduleSecret| hex::encode(secret.expose());
        assert!(hex(&secrets.client).starts_with("33e472fb8d821b0193314626bebee307ccbd1aeb"));
        assert!(hex(&secrets.server).starts_with("8ad7990b9d249bcbaa0805d8d3f3ad2259e75f3a"));
        let server = secrets.server.verify_data(&bytes(VERIFY_HASH));
        assert_eq!(hex::encode(server), SERVER_VERIFY_DATA);
        assert!(
            secrets
                .server
                .verifies(&bytes(VERIFY_HASH), &bytes(SERVER_VERIFY_DATA))
        );
        assert!(
            !secrets
                .client
                .verifies(&bytes(VERIFY_HASH), &bytes(SERVER_VERIFY_DATA))
        );
        let client = secrets.client.verify_data(&bytes(FINISHED_HASH));
        assert_eq!(hex::encode(client), CLIENT_VERIFY_DATA);
        let application = secrets.application(&bytes(FINISHED_HASH));
        assert_eq!(hex(&application.exporter), EXPORTER);
        let mut application = application;
        application.written(Side::Client).advance();
        assert_eq!(hex(&application.client), NEXT_CLIENT);
    }
}
