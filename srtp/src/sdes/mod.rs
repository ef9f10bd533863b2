//! Keys in session descriptions: the value of `a=crypto` (RFC 4568).
//!
//! ```text
//! 1 AES_CM_128_HMAC_SHA1_80 inline:KEY|2^20|1:4;inline:KEY|2^20|2:4 WSH=128
//! ^ ^                       ^          ^    ^                       ^
//! | suite                   |          |    MKI and its length      session parameters
//! tag                       keys       lifetime in packets
//! ```
//!
//! [`CryptoAttribute::new`] is the one place where the rules stand: what was read and what a
//! caller put together pass through it, so that every value prints to text that reads as the
//! same value.

mod error;
mod key;
mod mki;
mod session_parameter;

use core::fmt;
use core::str::FromStr;

pub use error::{SdesError, SdesKeyError};
pub use key::{InlineKey, Lifetime};
pub use mki::Mki;
pub use session_parameter::{FecOrder, SessionExtension, SessionParameter};

use crate::config::WINDOW_MAX;
use crate::{MasterKey, Profile};

/// Greatest tag: 9 digits (RFC 4568 §9.1).
const TAG_MAX: u32 = 999_999_999;

/// How many keys an attribute, or its FEC_KEY, may have.
const KEYS_MAX: usize = 32;

/// How many session parameters an attribute may have.
const SESSION_PARAMETERS_MAX: usize = 32;

/// The value of an `a=crypto` attribute: what follows `a=crypto:` (RFC 4568 §4, §6).
///
/// It holds keys: they are wiped when dropped and absent from `Debug`. `Display` writes them, as
/// the session description needs it; what becomes of that text is the caller's care.
///
/// The keys of a line are those of the packets that its writer *sends* (RFC 4568 §6.1, unlike a DTLS
/// export, which has both directions): the peer's line makes our [`Receiver`](crate::Receiver), our
/// own line our [`Sender`](crate::Sender). Two lines never share a key.
///
/// White space, a line end behind it, and letter case are not kept. Suites and session parameters that
/// this crate does not know are.
///
/// ```
/// use srtp::{CryptoAttribute, MasterKey, Sender};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let text = "1 AES_CM_128_HMAC_SHA1_80 inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR|2^20";
/// let crypto: CryptoAttribute = text.parse()?;
/// assert_eq!(crypto.tag(), 1);
/// assert_eq!(crypto.to_string(), text);
/// let sender = Sender::new(MasterKey::try_from(&crypto)?);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CryptoAttribute {
    tag: u32,
    suite: CryptoSuite,
    keys: Vec<InlineKey>,
    session_parameters: Vec<SessionParameter>,
}

/// The crypto-suite of a [`CryptoAttribute`] (RFC 4568 §6.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CryptoSuite {
    /// A suite of this crate: a profile with a name in SDES ([`Profile::sdes_name`]).
    Known(Profile),
    /// Another name: letters, digits and underscores.
    Other(Box<str>),
}

impl CryptoAttribute {
    /// An attribute out of its parts: tag of up to 9 digits, one key or several.
    ///
    /// # Errors
    /// [`SdesError`] when RFC 4568 has no such attribute.
    pub fn new(
        tag: u32,
        suite: CryptoSuite,
        keys: Vec<InlineKey>,
        session_parameters: Vec<SessionParameter>,
    ) -> Result<Self, SdesError> {
        if tag > TAG_MAX {
            return Err(SdesError::Tag);
        }
        suite.check()?;
        check_keys(&keys, &suite)?;
        if session_parameters.len() > SESSION_PARAMETERS_MAX {
            return Err(SdesError::TooManySessionParameters {
                limit: SESSION_PARAMETERS_MAX,
            });
        }
        for (at, parameter) in session_parameters.iter().enumerate() {
            parameter.check(at, &suite, &keys)?;
        }
        Ok(Self {
            tag,
            suite,
            keys,
            session_parameters,
        })
    }

    /// The number by which an answer chooses among the attributes of an offer (RFC 4568 §4.1).
    #[must_use]
    pub const fn tag(&self) -> u32 {
        self.tag
    }

    /// Cipher and authentication (RFC 4568 §4.2).
    #[must_use]
    pub const fn suite(&self) -> &CryptoSuite {
        &self.suite
    }

    /// The keys, at least one. Each of several has an MKI (RFC 4568 §6.1).
    #[must_use]
    pub fn keys(&self) -> &[InlineKey] {
        &self.keys
    }

    /// The session parameters, in their order (RFC 4568 §6.3).
    #[must_use]
    pub fn session_parameters(&self) -> &[SessionParameter] {
        &self.session_parameters
    }

    /// The master keys in their order, each with its MKI if it has one. A
    /// [`Sender`](crate::Sender) begins with the first, a [`Receiver`](crate::Receiver) takes all.
    ///
    /// # Errors
    /// [`SdesKeyError`] as for one key, which [`MasterKey::try_from`] gives.
    pub fn master_keys(&self) -> Result<Vec<MasterKey>, SdesKeyError> {
        let profile = self.usable_profile()?;
        let keys = self.keys.iter().map(|key| Ok(key.master_key(profile)?));
        keys.collect()
    }

    /// The replay window that WSH asks for (RFC 4568 §6.3.6), as
    /// [`Config::rtp_window`](crate::Config::rtp_window) takes it: at most 32767 packets.
    #[must_use]
    pub fn window_size_hint(&self) -> Option<u16> {
        self.session_parameters.iter().find_map(|it| match it {
            SessionParameter::WindowSizeHint(packets) => {
                let packets = u16::try_from(*packets).unwrap_or(WINDOW_MAX);
                Some(packets.min(WINDOW_MAX))
            }
            _ => None,
        })
    }

    /// The profile, if packets under these session parameters are what this crate makes of it.
    fn usable_profile(&self) -> Result<Profile, SdesKeyError> {
        let CryptoSuite::Known(profile) = self.suite else {
            return Err(SdesKeyError::UnknownSuite);
        };
        // RFC 4568 §6.3.7: an attribute with an extension that is not known and that does not
        // begin with a dash MUST be considered invalid.
        let refused = |parameter: &SessionParameter| !parameter.leaves_packets_alone();
        match self.session_parameters.iter().position(refused) {
            Some(at) => Err(SdesKeyError::SessionParameter { at }),
            None => Ok(profile),
        }
    }
}

/// The rules for the keys of one attribute (RFC 4568 §6.1).
fn check_keys(keys: &[InlineKey], suite: &CryptoSuite) -> Result<(), SdesError> {
    if keys.len() > KEYS_MAX {
        return Err(SdesError::TooManyKeys { limit: KEYS_MAX });
    }
    let (first, others) = keys.split_first().ok_or(SdesError::MissingKey)?;
    for (at, key) in keys.iter().enumerate() {
        key.check(at, suite)?;
        check_unlike(at, key, keys.iter().take(at))?;
    }
    if others.is_empty() {
        return Ok(());
    }
    // Several keys are told apart by MKIs that differ and have one length.
    let len = |key: &InlineKey| key.mki().map(|mki| mki.as_bytes().len());
    let one_length = others.iter().all(|key| len(key) == len(first));
    let mut mkis: Vec<_> = keys.iter().filter_map(InlineKey::mki).collect();
    mkis.sort_unstable();
    mkis.dedup();
    if one_length && mkis.len() == keys.len() {
        Ok(())
    } else {
        Err(SdesError::AmbiguousMki)
    }
}

/// Every key is another one (RFC 4568 §6.1). Within one attribute: the caller knows the others.
fn check_unlike<'a>(
    at: usize,
    key: &InlineKey,
    mut others: impl Iterator<Item = &'a InlineKey>,
) -> Result<(), SdesError> {
    match others.any(|other| other.has_same_key(key)) {
        true => Err(SdesError::RepeatedKey { key: at }),
        false => Ok(()),
    }
}

/// Reads `key-params`: keys with a semicolon between them (RFC 4568 §9.1).
fn parse_keys(text: &str) -> Result<Vec<InlineKey>, SdesError> {
    // One more than is allowed, so that the check sees that there are too many.
    let params = text.split(';').take(KEYS_MAX + 1).enumerate();
    params
        .map(|(at, param)| InlineKey::parse(param, at))
        .collect()
}

/// Writes `key-params`.
fn write_keys(keys: &[InlineKey], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (at, key) in keys.iter().enumerate() {
        let separator = if at == 0 { "" } else { ";" };
        write!(f, "{separator}{key}")?;
    }
    Ok(())
}

/// A number of 1 to `digits_max` decimal digits.
fn decimal<T: FromStr>(text: &str, digits_max: usize) -> Option<T> {
    let number = text.len() <= digits_max && is_decimal(text);
    number.then(|| text.parse().ok()).flatten()
}

/// Whether this is a decimal number. It has no leading zeros: RFC 4568 forbids them in every number
/// that it has (§4.1, §6.1, §6.3.1, §6.3.6).
fn is_decimal(text: &str) -> bool {
    let digits = !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit());
    digits && (text == "0" || !text.starts_with('0'))
}

/// Reads what follows `a=crypto:`.
impl FromStr for CryptoAttribute {
    type Err = SdesError;

    fn from_str(text: &str) -> Result<Self, SdesError> {
        let text = text.trim_end_matches(['\r', '\n']);
        let mut words = text.split([' ', '\t']).filter(|word| !word.is_empty());
        let tag = words.next().ok_or(SdesError::Tag)?;
        let tag = decimal(tag, 9).ok_or(SdesError::Tag)?;
        let suite = words.next().ok_or(SdesError::Suite)?.parse()?;
        let keys = parse_keys(words.next().ok_or(SdesError::MissingKey)?)?;
        // One more than is allowed, so that the check sees that there are too many.
        let session_parameters = words
            .take(SESSION_PARAMETERS_MAX + 1)
            .enumerate()
            .map(|(at, word)| SessionParameter::parse(word, at))
            .collect::<Result<_, _>>()?;
        Self::new(tag, suite, keys, session_parameters)
    }
}

impl TryFrom<&str> for CryptoAttribute {
    type Error = SdesError;

    fn try_from(text: &str) -> Result<Self, SdesError> {
        text.parse()
    }
}

/// Writes what follows `a=crypto:`, keys included.
impl fmt::Display for CryptoAttribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ", self.tag, self.suite)?;
        write_keys(&self.keys, f)?;
        for parameter in &self.session_parameters {
            write!(f, " {parameter}")?;
        }
        Ok(())
    }
}

/// The master key of an attribute with one key. For several see [`CryptoAttribute::master_keys`].
///
/// It has the key's MKI and lifetime. A key that several SSRCs of one sender share is to be replaced
/// before they make 2^31 packets together (RFC 4568 §6.4.2): [`MasterKey::with_lifetime`] sees to
/// it. WSH is a hint ([`CryptoAttribute::window_size_hint`]). FEC_ORDER and FEC_KEY are the caller's,
/// who has the FEC stream: he protects before or after FEC, and makes a sender of its own out of the
/// keys of FEC ([`InlineKey::master_key`]). Everything else that changes packets is refused, KDR with
/// every value included.
impl TryFrom<&CryptoAttribute> for MasterKey {
    type Error = SdesKeyError;

    fn try_from(crypto: &CryptoAttribute) -> Result<Self, SdesKeyError> {
        let profile = crypto.usable_profile()?;
        match crypto.keys.as_slice() {
            [key] => Ok(key.master_key(profile)?),
            keys => Err(SdesKeyError::SeveralKeys { count: keys.len() }),
        }
    }
}

impl CryptoSuite {
    fn check(&self) -> Result<(), SdesError> {
        match self {
            Self::Known(profile) => profile.sdes_name().map(drop).ok_or(SdesError::Suite),
            Self::Other(name) => match name.parse()? {
                // A name of ours in the other variant would read as another value.
                Self::Known(_) => Err(SdesError::Suite),
                Self::Other(_) => Ok(()),
            },
        }
    }
}

impl FromStr for CryptoSuite {
    type Err = SdesError;

    fn from_str(name: &str) -> Result<Self, SdesError> {
        let allowed = |c: u8| c.is_ascii_alphanumeric() || c == b'_';
        if name.is_empty() || !name.bytes().all(allowed) {
            return Err(SdesError::Suite);
        }
        Ok(Profile::from_sdes_name(name).map_or_else(|| Self::Other(name.into()), Self::Known))
    }
}

impl fmt::Display for CryptoSuite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(profile) => profile.fmt(f),
            Self::Other(name) => f.write_str(name),
        }
    }
}
