//! Why an `a=crypto` attribute was refused. Errors name places and lengths, never text of a key.

use thiserror::Error;

use crate::Profile;
use crate::error::KeyError;

/// An `a=crypto` value that RFC 4568 does not have. Keys and session parameters are counted
/// from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SdesError {
    /// The tag is missing, not a number of 1 to 9 digits, or has leading zeros (RFC 4568 §4.1, §9.1).
    #[error("the tag is no number of 1 to 9 digits")]
    Tag,
    /// The crypto-suite is missing, has more than letters, digits and underscores, or is a profile
    /// without a name in SDES.
    #[error("the crypto-suite has no name of letters, digits and underscores")]
    Suite,
    /// There is no key.
    #[error("there is no key")]
    MissingKey,
    /// More keys than this crate takes.
    #[error("more than {limit} keys")]
    TooManyKeys {
        /// The greatest number.
        limit: usize,
    },
    /// The key does not begin with `inline:`, the one key method of SRTP (RFC 4568 §6.1).
    #[error("key {key}: the method is not inline")]
    KeyMethod {
        /// Which key.
        key: usize,
    },
    /// Key and salt are not base64.
    #[error("key {key}: not base64")]
    KeySalt {
        /// Which key.
        key: usize,
    },
    /// Key and salt together have not the length of the suite. Lengths in bytes.
    #[error("key {key}: {profile} needs {expected} bytes of key and salt, found {found}")]
    KeyLength {
        /// Which key.
        key: usize,
        /// The suite.
        profile: Profile,
        /// The length that the suite needs.
        expected: usize,
        /// The length that was given.
        found: usize,
    },
    /// The lifetime is no number of packets from 1 to 2^48 without leading zeros (RFC 4568 §6.1, RFC 3711 §9.2).
    #[error("key {key}: the lifetime is not 1 to 2^48 packets")]
    Lifetime {
        /// Which key.
        key: usize,
    },
    /// The MKI is no `value:length` with a length of 1 to 128 bytes in which the value fits, or has
    /// leading zeros (RFC 4568 §6.1).
    #[error("key {key}: the MKI is no value that fits its length of 1 to 128 bytes")]
    Mki {
        /// Which key.
        key: usize,
    },
    /// More follows the MKI, or the lifetime stands behind it.
    #[error("key {key}: more than a lifetime and then an MKI")]
    KeyFields {
        /// Which key.
        key: usize,
    },
    /// Several keys need MKIs that differ and have one length (RFC 4568 §6.1).
    #[error("several keys without an MKI of the same length each, or with equal ones")]
    AmbiguousMki,
    /// A key is the same as one before it, or a key of FEC_KEY the same as one of the packets
    /// (RFC 4568 §6.1, §6.3.5).
    #[error("key {key}: the same as another")]
    RepeatedKey {
        /// Which key.
        key: usize,
    },
    /// More session parameters than this crate takes.
    #[error("more than {limit} session parameters")]
    TooManySessionParameters {
        /// The greatest number.
        limit: usize,
    },
    /// A session parameter has a value outside its range, or is no visible ASCII text.
    #[error("session parameter {at}: no such value")]
    SessionParameter {
        /// Which session parameter.
        at: usize,
    },
}

/// Why an `a=crypto` attribute does not make a [`MasterKey`](crate::MasterKey).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SdesKeyError {
    /// The suite is none of this crate.
    #[error("the crypto-suite is not known")]
    UnknownSuite,
    /// There are several keys where one is wanted.
    #[error("{count} keys where one is wanted")]
    SeveralKeys {
        /// How many.
        count: usize,
    },
    /// A session parameter changes the packets in a way that this crate does not do, or is not
    /// known and must not be ignored (RFC 4568 §6.3.7).
    #[error("session parameter {at} is not supported")]
    SessionParameter {
        /// Which session parameter, counted from 0.
        at: usize,
    },
    /// The key was not taken.
    #[error(transparent)]
    Key(#[from] KeyError),
}
