//! The session parameters of an attribute (RFC 4568 §6.3).

use core::fmt;

use zeroize::Zeroizing;

use super::{
    CryptoSuite, InlineKey, SdesError, check_keys, check_unlike, decimal, parse_keys, write_keys,
};

/// Exponents of a key derivation rate. RFC 4568 §6.3.1 has no 0, which its grammar (§9.2) lets
/// through: whether it would mean 2^0 or no rate at all is not said.
const RATES: core::ops::RangeInclusive<u8> = 1..=24;

/// Smallest replay window (RFC 3711 §3.3.2, RFC 4568 §6.3.6).
const WINDOW_MIN: u64 = 64;

const RATE: &str = "KDR";
const UNENCRYPTED_SRTP: &str = "UNENCRYPTED_SRTP";
const UNENCRYPTED_SRTCP: &str = "UNENCRYPTED_SRTCP";
const UNAUTHENTICATED_SRTP: &str = "UNAUTHENTICATED_SRTP";
const FEC_ORDER: &str = "FEC_ORDER";
const FEC_KEY: &str = "FEC_KEY";
const WINDOW: &str = "WSH";

/// A session parameter of a [`CryptoAttribute`](super::CryptoAttribute).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionParameter {
    /// `KDR=n`: new session keys every 2^n packets, n 1 to 24 (RFC 4568 §6.3.1).
    KeyDerivationRate(u8),
    /// RTP is not encrypted (RFC 4568 §6.3.2).
    UnencryptedSrtp,
    /// RTCP is not encrypted (RFC 4568 §6.3.2).
    UnencryptedSrtcp,
    /// RTP is not authenticated (RFC 4568 §6.3.3).
    UnauthenticatedSrtp,
    /// Which comes first at the sender, FEC or SRTP (RFC 4568 §6.3.4).
    FecOrder(FecOrder),
    /// The keys of the FEC stream (RFC 4568 §6.3.5).
    FecKey(Vec<InlineKey>),
    /// `WSH=n`: a hint for the replay window, at least 64 packets (RFC 4568 §6.3.6).
    WindowSizeHint(u64),
    /// A parameter that this crate does not know (RFC 4568 §6.3.7).
    Extension(SessionExtension),
}

/// The order of FEC and SRTP at the sender (RFC 4568 §6.3.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FecOrder {
    /// FEC first, then SRTP.
    FecSrtp,
    /// SRTP first, then FEC.
    SrtpFec,
}

/// A session parameter that this crate does not know: visible ASCII characters.
///
/// It may hold a secret: it is wiped when dropped, and `Debug` shows what stands before `=`.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionExtension(Zeroizing<String>);

impl SessionExtension {
    /// RFC 4568 §9.2: something visible, that begins with one dash at most.
    fn new(text: &str) -> Option<Self> {
        let name = text.strip_prefix('-').unwrap_or(text);
        let visible = !name.is_empty() && name.bytes().all(|c| c.is_ascii_graphic());
        (visible && !name.starts_with('-')).then(|| Self(Zeroizing::new(text.to_owned())))
    }

    /// The text, with its dash if it has one.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a receiver that does not know it may ignore it: it begins with a dash. Without
    /// one the whole attribute is invalid to that receiver (RFC 4568 §6.3.7).
    #[must_use]
    pub fn is_optional(&self) -> bool {
        self.0.starts_with('-')
    }
}

impl SessionParameter {
    /// Reads one parameter; an unknown one becomes [`Self::Extension`].
    pub(super) fn parse(text: &str, at: usize) -> Result<Self, SdesError> {
        let wrong = SdesError::SessionParameter { at };
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (text, None),
        };
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        let flag = |parameter| value.is_none().then_some(parameter);
        let parameter = if is(RATE) {
            value
                .and_then(|n| decimal(n, 2))
                .map(Self::KeyDerivationRate)
        } else if is(UNENCRYPTED_SRTP) {
            flag(Self::UnencryptedSrtp)
        } else if is(UNENCRYPTED_SRTCP) {
            flag(Self::UnencryptedSrtcp)
        } else if is(UNAUTHENTICATED_SRTP) {
            flag(Self::UnauthenticatedSrtp)
        } else if is(FEC_ORDER) {
            value.and_then(FecOrder::parse).map(Self::FecOrder)
        } else if is(FEC_KEY) {
            Some(Self::FecKey(parse_keys(value.unwrap_or_default())?))
        } else if is(WINDOW) {
            let packets = value.and_then(|n| decimal(n, n.len()));
            packets.map(Self::WindowSizeHint)
        } else {
            SessionExtension::new(text).map(Self::Extension)
        };
        parameter.ok_or(wrong)
    }

    /// `keys` are those of the packets.
    pub(super) fn check(
        &self,
        at: usize,
        suite: &CryptoSuite,
        keys: &[InlineKey],
    ) -> Result<(), SdesError> {
        let fits = match self {
            Self::KeyDerivationRate(exponent) => RATES.contains(exponent),
            Self::WindowSizeHint(packets) => *packets >= WINDOW_MIN,
            Self::FecKey(fec_keys) => {
                // RFC 4568 §6.3.5: not one of those of the packets.
                for (at, key) in fec_keys.iter().enumerate() {
                    check_unlike(at, key, keys.iter())?;
                }
                return check_keys(fec_keys, suite);
            }
            _ => true,
        };
        fits.then_some(()).ok_or(SdesError::SessionParameter { at })
    }

    /// Whether packets of this stream are the same with it as without it.
    pub(super) fn leaves_packets_alone(&self) -> bool {
        match self {
            Self::WindowSizeHint(_) | Self::FecOrder(_) | Self::FecKey(_) => true,
            Self::Extension(extension) => extension.is_optional(),
            Self::KeyDerivationRate(_)
            | Self::UnencryptedSrtp
            | Self::UnencryptedSrtcp
            | Self::UnauthenticatedSrtp => false,
        }
    }
}

impl fmt::Display for SessionParameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KeyDerivationRate(exponent) => write!(f, "{RATE}={exponent}"),
            Self::UnencryptedSrtp => f.write_str(UNENCRYPTED_SRTP),
            Self::UnencryptedSrtcp => f.write_str(UNENCRYPTED_SRTCP),
            Self::UnauthenticatedSrtp => f.write_str(UNAUTHENTICATED_SRTP),
            Self::FecOrder(order) => write!(f, "{FEC_ORDER}={order}"),
            Self::FecKey(keys) => {
                write!(f, "{FEC_KEY}=")?;
                write_keys(keys, f)
            }
            Self::WindowSizeHint(packets) => write!(f, "{WINDOW}={packets}"),
            Self::Extension(extension) => f.write_str(extension.as_str()),
        }
    }
}

impl FecOrder {
    const ALL: [Self; 2] = [Self::FecSrtp, Self::SrtpFec];

    const fn name(self) -> &'static str {
        match self {
            Self::FecSrtp => "FEC_SRTP",
            Self::SrtpFec => "SRTP_FEC",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|order| order.name().eq_ignore_ascii_case(name))
    }
}

impl fmt::Display for FecOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for SessionExtension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.0.split('=').next().unwrap_or_default();
        f.debug_tuple("SessionExtension").field(&name).finish()
    }
}
