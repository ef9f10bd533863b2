//! One key of an attribute: key and salt, lifetime, MKI (RFC 4568 §6.1).

use core::fmt;

use base64ct::{Base64, Base64Unpadded, Encoding};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{CryptoSuite, Mki, SdesError, decimal};
use crate::error::KeyError;
use crate::{MasterKey, Profile};

/// The one key method of SRTP.
const INLINE: &str = "inline:";

/// A power of two of 48 is the most: the life of an SRTP master key (RFC 3711 §9.2).
const EXPONENT_MAX: u8 = 48;

/// A master key with its salt as a session description carries it: `inline:KEY|lifetime|MKI`.
///
/// The bytes are wiped when dropped, compared in constant time and absent from `Debug`. `Display`
/// writes them.
#[derive(Clone)]
pub struct InlineKey {
    key_salt: Zeroizing<Vec<u8>>,
    lifetime: Option<Lifetime>,
    mki: Option<Mki>,
}

/// For how many packets a key may be used, in the form that it was written in (RFC 4568 §6.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifetime {
    /// `2^n` packets; n is 0 to 48.
    PowerOfTwo(u8),
    /// A number of packets, 1 to 2^48.
    Packets(u64),
}

impl InlineKey {
    /// Key and salt in one, the key first. The lengths are those of the suite
    /// ([`Profile::key_len`], [`Profile::salt_len`]), which
    /// [`CryptoAttribute::new`](super::CryptoAttribute::new) checks.
    #[must_use]
    pub fn new(key_salt: &[u8], lifetime: Option<Lifetime>, mki: Option<Mki>) -> Self {
        Self {
            key_salt: Zeroizing::new(key_salt.to_vec()),
            lifetime,
            mki,
        }
    }

    /// The lifetime; without it 2^48 SRTP and 2^31 SRTCP packets (RFC 4568 §6.1).
    #[must_use]
    pub const fn lifetime(&self) -> Option<Lifetime> {
        self.lifetime
    }

    /// The identifier that packets under this key carry.
    #[must_use]
    pub const fn mki(&self) -> Option<&Mki> {
        self.mki.as_ref()
    }

    /// The key for packets of `profile`, with its MKI and its lifetime.
    ///
    /// # Errors
    /// [`KeyError`] when key and salt have not the length of the profile, the lifetime is none, or
    /// the profile does not encrypt.
    pub fn master_key(&self, profile: Profile) -> Result<MasterKey, KeyError> {
        let at = profile.key_len().min(self.key_salt.len());
        let (key, salt) = self.key_salt.split_at_checked(at).unwrap_or_default();
        let mut key = MasterKey::new(profile, key, salt)?;
        if let Some(lifetime) = self.lifetime {
            key = key.with_lifetime(lifetime.packets())?;
        }
        match &self.mki {
            Some(mki) => key.with_mki(mki.as_bytes()),
            None => Ok(key),
        }
    }

    pub(super) fn parse(text: &str, key: usize) -> Result<Self, SdesError> {
        let method = text.get(..INLINE.len());
        let info = text.get(INLINE.len()..).unwrap_or_default();
        if !method.is_some_and(|method| method.eq_ignore_ascii_case(INLINE)) {
            return Err(SdesError::KeyMethod { key });
        }
        let mut fields = info.split('|');
        let key_salt = fields.next().and_then(from_base64);
        let key_salt = key_salt.ok_or(SdesError::KeySalt { key })?;
        let mut next = fields.next();
        // A lifetime never has a colon, an MKI always has one (RFC 4568 §6.1).
        let lifetime = match next {
            Some(field) if !field.contains(':') => {
                next = fields.next();
                Some(Lifetime::parse(field).ok_or(SdesError::Lifetime { key })?)
            }
            _ => None,
        };
        let mki = next.map(|field| Mki::parse(field).ok_or(SdesError::Mki { key }));
        if fields.next().is_some() {
            return Err(SdesError::KeyFields { key });
        }
        Ok(Self {
            key_salt,
            lifetime,
            mki: mki.transpose()?,
        })
    }

    /// Whether key and salt are the same; compared in constant time.
    pub(super) fn has_same_key(&self, other: &Self) -> bool {
        self.key_salt.as_slice().ct_eq(&other.key_salt).into()
    }

    pub(super) fn check(&self, key: usize, suite: &CryptoSuite) -> Result<(), SdesError> {
        let found = self.key_salt.len();
        if let &CryptoSuite::Known(profile) = suite {
            let expected = profile.key_len() + profile.salt_len();
            if found != expected {
                return Err(SdesError::KeyLength {
                    key,
                    profile,
                    expected,
                    found,
                });
            }
        }
        if found == 0 {
            return Err(SdesError::KeySalt { key });
        }
        match self.lifetime {
            Some(lifetime) if !lifetime.is_valid() => Err(SdesError::Lifetime { key }),
            _ => Ok(()),
        }
    }
}

/// Key and salt out of base64. The padding may be absent: RFC 4568 §6.1 discards it.
fn from_base64(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let bare = text.trim_end_matches('=');
    let padding = text.len() - bare.len();
    if bare.is_empty() || padding > 2 || (padding > 0 && !text.len().is_multiple_of(4)) {
        return None;
    }
    let mut bytes = Zeroizing::new(vec![0; bare.len() * 3 / 4]);
    let len = Base64Unpadded::decode(bare, &mut bytes).ok()?.len();
    bytes.truncate(len);
    Some(bytes)
}

/// Writes the key in base64, with padding.
impl fmt::Display for InlineKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = Zeroizing::new(vec![0; Base64::encoded_len(&self.key_salt)]);
        let text = Base64::encode(&self.key_salt, &mut text).map_err(|_| fmt::Error)?;
        write!(f, "{INLINE}{text}")?;
        if let Some(lifetime) = self.lifetime {
            write!(f, "|{lifetime}")?;
        }
        match &self.mki {
            Some(mki) => write!(f, "|{mki}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for InlineKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InlineKey")
            .field("lifetime", &self.lifetime)
            .field("mki", &self.mki)
            .finish_non_exhaustive()
    }
}

impl PartialEq for InlineKey {
    fn eq(&self, other: &Self) -> bool {
        self.has_same_key(other) && self.lifetime == other.lifetime && self.mki == other.mki
    }
}

impl Eq for InlineKey {}

impl Lifetime {
    /// The number of packets.
    #[must_use]
    pub const fn packets(self) -> u64 {
        match self {
            Self::PowerOfTwo(exponent) => 1 << (exponent & 63),
            Self::Packets(packets) => packets,
        }
    }

    const fn is_valid(self) -> bool {
        match self {
            Self::PowerOfTwo(exponent) => exponent <= EXPONENT_MAX,
            Self::Packets(packets) => packets > 0 && packets <= 1 << EXPONENT_MAX,
        }
    }

    fn parse(text: &str) -> Option<Self> {
        match text.strip_prefix("2^") {
            Some(exponent) => decimal(exponent, text.len()).map(Self::PowerOfTwo),
            None => decimal(text, text.len()).map(Self::Packets),
        }
    }
}

impl fmt::Display for Lifetime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PowerOfTwo(exponent) => write!(f, "2^{exponent}"),
            Self::Packets(packets) => write!(f, "{packets}"),
        }
    }
}
