//! Keys out of a handshake of DTLS 1.2.

use subtle::ConstantTimeEq;
use zeroize::Zeroize;

use crate::crypto::{AeadAlgorithm, Refused, Secret, prf};
use crate::error::ExportError;
use crate::message::{Random, VERIFY_DATA_LENGTH};
use crate::record::{IMPLICIT_IV_LENGTH, Protection};
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
        let mut block = [0; 2 * (AeadAlgorithm::MAX_KEY_LENGTH + IMPLICIT_IV_LENGTH)];
        let key_length = self.suite.aead.key_length();
        let needed = 2 * (key_length + IMPLICIT_IV_LENGTH);
        let used = block.get_mut(..needed).ok_or(Refused)?;
        let seed: [&[u8]; 2] = [&self.server_random, &self.client_random];
        prf(
            self.suite.hash,
            self.master_secret.expose(),
            b"key expansion",
            &seed,
            used,
        );
        let keys = cut_key_block(self.suite.aead, key_length, used);
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
fn cut_key_block(
    aead: AeadAlgorithm,
    key_length: usize,
    block: &[u8],
) -> Result<RecordKeys, Refused> {
    let (client_key, rest) = block.split_at_checked(key_length).ok_or(Refused)?;
    let (server_key, rest) = rest.split_at_checked(key_length).ok_or(Refused)?;
    let (client_iv, rest) = rest.split_first_chunk().ok_or(Refused)?;
    let server_iv = rest.first_chunk().ok_or(Refused)?;
    Ok(RecordKeys {
        client: Protection::new(aead, client_key, client_iv)?,
        server: Protection::new(aead, server_key, server_iv)?,
    })
}
