//! The keys of SRTP out of a text, one a line.

use srtp::{
    AddKeyError, Config, ConfigError, CryptoAttribute, CryptoSuite, ExtensionIds, HeaderExtensions,
    KeyError, MasterKey, Profile, Receiver, SdesError, SdesKeyError, keys_from_dtls_export,
};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::inspect::hex;

/// How packets are protected, apart from the keys.
#[derive(Debug, Clone)]
pub struct SrtpOptions {
    /// Cipher, authentication and lengths.
    pub profile: Profile,
    /// The MKI of packets under a key of hexadecimal digits. A key of `inline:` tells its own.
    pub mki: Option<Vec<u8>>,
    /// The roll-over counter that every stream begins with.
    pub roc: u32,
    /// The elements of header extensions that are encrypted (RFC 6904). Without them packets are
    /// taken with and without cryptex (RFC 9335), which shows in the packet itself.
    pub encrypted_extensions: Option<ExtensionIds>,
}

impl SrtpOptions {
    fn receiver(&self, key: MasterKey) -> Result<Receiver, ConfigError> {
        let mut config = Config::default();
        config.header_extensions = match self.encrypted_extensions {
            Some(ids) => HeaderExtensions::Encrypted(ids),
            None if self.profile.encrypts() => HeaderExtensions::Cryptex,
            None => HeaderExtensions::Clear,
        };
        Receiver::with_config(key, config)
    }
}

/// Keys, each with what it has taken: a packet opens once.
#[derive(Debug)]
pub struct SrtpKeys {
    pub(super) receivers: Vec<Receiver>,
    pub(super) roc: u32,
}

/// A text that is no key file. No secret is in it.
#[derive(Debug, Error)]
pub enum KeyFileError {
    /// A line is no key.
    #[error("line {line}: {problem}")]
    Line {
        /// From 1.
        line: usize,
        /// What is wrong with it.
        problem: KeyProblem,
    },
    /// There is no key in it.
    #[error("there is no key in it")]
    Empty,
    /// An MKI was given, and no key that it could be of.
    #[error("an MKI goes with a key of hexadecimal digits, and there is none; inline: has its own")]
    Mki,
}

/// What is wrong with a line.
#[derive(Debug, Error)]
pub enum KeyProblem {
    /// Neither `inline:` nor hexadecimal digits.
    #[error("column {column}: {problem}")]
    Text {
        /// From 1.
        column: usize,
        /// What is wrong there.
        problem: &'static str,
    },
    /// Hexadecimal digits of another length than the profile's. Lengths in bytes.
    #[error(
        "{profile} takes {one} bytes of key and salt, or {both} of a DTLS export, found {found}"
    )]
    Length {
        /// The profile.
        profile: Profile,
        /// Key and salt of one direction.
        one: usize,
        /// Those of both.
        both: usize,
        /// What is there.
        found: usize,
    },
    /// An attribute for another profile.
    #[error("the key is for {found}, not for {expected}")]
    Profile {
        /// The profile asked for.
        expected: Profile,
        /// The crypto-suite of the attribute.
        found: CryptoSuite,
    },
    /// No value of `a=crypto`.
    #[error(transparent)]
    Sdes(#[from] SdesError),
    /// A value of `a=crypto` that no key comes of.
    #[error(transparent)]
    SdesKey(#[from] SdesKeyError),
    /// No key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A profile that does not encrypt, and extensions that are encrypted.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Keys that do not go together.
    #[error(transparent)]
    Together(#[from] AddKeyError),
}

impl SrtpKeys {
    /// Reads a key from each line that is not empty and does not begin with `#`:
    ///
    /// - hexadecimal digits of master key and master salt, the key first;
    /// - hexadecimal digits of what a DTLS handshake exports (RFC 5764 §4.2), which is two keys:
    ///   the client's and the server's;
    /// - `inline:` and base64, as `a=crypto` has it (RFC 4568 §6.1), or the whole attribute.
    ///
    /// # Errors
    /// [`KeyFileError`], which tells no secret.
    pub fn read(text: &str, options: &SrtpOptions) -> Result<Self, KeyFileError> {
        let lines = text
            .lines()
            .enumerate()
            .map(|(at, line)| (at + 1, line.trim()));
        let mut receivers = Vec::new();
        let mut in_digits = false;
        for (line, text) in lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
            let found = if text.contains("inline:") {
                from_attribute(text, options)
            } else {
                in_digits = true;
                from_digits(text, options)
            };
            receivers.extend(found.map_err(|problem| KeyFileError::Line { line, problem })?);
        }
        if receivers.is_empty() {
            return Err(KeyFileError::Empty);
        }
        if options.mki.is_some() && !in_digits {
            return Err(KeyFileError::Mki);
        }
        let roc = options.roc;
        Ok(Self { receivers, roc })
    }
}

fn from_digits(text: &str, options: &SrtpOptions) -> Result<Vec<Receiver>, KeyProblem> {
    let bytes = hex::decode(text.as_bytes())
        .map_err(|(column, problem)| KeyProblem::Text { column, problem })?;
    let bytes = Zeroizing::new(bytes);
    let profile = options.profile;
    let (one, both) = (profile.key_len() + profile.salt_len(), profile.export_len());
    let keys = if bytes.len() == one {
        let (key, salt) = bytes.split_at(profile.key_len());
        let new = match profile.encrypts() {
            true => MasterKey::new,
            false => MasterKey::new_unencrypted,
        };
        vec![new(profile, key, salt)?]
    } else if bytes.len() == both {
        let keys = keys_from_dtls_export(profile, &bytes)?;
        vec![keys.client, keys.server]
    } else {
        let found = bytes.len();
        return Err(KeyProblem::Length {
            profile,
            one,
            both,
            found,
        });
    };
    let with_mki = |key: MasterKey| match &options.mki {
        Some(mki) => key.with_mki(mki),
        None => Ok(key),
    };
    let keys = keys.into_iter().map(with_mki);
    keys.map(|key| Ok(options.receiver(key?)?)).collect()
}

/// All keys of an attribute are one direction's.
fn from_attribute(text: &str, options: &SrtpOptions) -> Result<Vec<Receiver>, KeyProblem> {
    let profile = options.profile;
    let text = text.strip_prefix("a=crypto:").unwrap_or(text);
    let whole;
    let text = match text.starts_with("inline:") {
        true => {
            whole = Zeroizing::new(format!("1 {profile} {text}"));
            &**whole
        }
        false => text,
    };
    let attribute: CryptoAttribute = text.parse()?;
    if *attribute.suite() != CryptoSuite::Known(profile) {
        let found = attribute.suite().clone();
        let expected = profile;
        return Err(KeyProblem::Profile { expected, found });
    }
    let mut keys = attribute.master_keys()?.into_iter();
    let Some(first) = keys.next() else {
        return Ok(Vec::new());
    };
    let mut receiver = options.receiver(first)?;
    keys.try_for_each(|key| receiver.add_key(key))?;
    Ok(vec![receiver])
}
