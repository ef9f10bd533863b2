//! Why a key, a setting or a packet was refused.

use thiserror::Error;

use crate::Profile;
use crate::crypto::{Unsealable, WrongTag};
use crate::key_use::UsedUp;
use crate::replay::Refusal;
use crate::stream_table::Full;

/// A name or id that belongs to no [`Profile`] of this crate.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum UnknownProfile {
    /// An id of `use_srtp` (RFC 5764 §4.1.2).
    #[error("no profile has the DTLS id {0:#06x}")]
    DtlsId(u16),
    /// A name that [`Profile`] does not print.
    #[error("no profile has the name {0:?}")]
    Name(Box<str>),
}

/// Why key material was not taken: it has the wrong length for its profile, the cipher refused
/// it, or the profile is not one to be used so. The messages name lengths, never bytes of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The master key has not the length of the profile. Lengths in bytes.
    #[error("{profile} needs a master key of {expected} bytes, found {found}")]
    KeyLength {
        /// The profile the key was meant for.
        profile: Profile,
        /// The length the profile needs.
        expected: usize,
        /// The length that was given.
        found: usize,
    },
    /// The master salt has not the length of the profile. Lengths in bytes.
    #[error("{profile} needs a master salt of {expected} bytes, found {found}")]
    SaltLength {
        /// The profile the salt was meant for.
        profile: Profile,
        /// The length the profile needs.
        expected: usize,
        /// The length that was given.
        found: usize,
    },
    /// The exported keying material has not the length of the profile. Lengths in bytes.
    #[error("{profile} needs {expected} bytes of exported keying material, found {found}")]
    ExportLength {
        /// The profile that was negotiated.
        profile: Profile,
        /// The length the profile needs ([`Profile::export_len`]).
        expected: usize,
        /// The length that was given.
        found: usize,
    },
    /// The master key identifier has not 1 to 128 bytes (RFC 4568 §6.1).
    #[error("a master key identifier has 1 to 128 bytes, found {found}")]
    MkiLength {
        /// The length that was given, in bytes.
        found: usize,
    },
    /// The lifetime is not 1 to 2^48 packets (RFC 3711 §9.2).
    #[error("a key lives for 1 to 2^48 packets, found {found}")]
    Lifetime {
        /// The number of packets that was given.
        found: u64,
    },
    /// The profile does not encrypt, and nobody said that this is wanted
    /// ([`MasterKey::new_unencrypted`](crate::MasterKey::new_unencrypted)).
    #[error("{profile} does not encrypt")]
    NotEncrypting {
        /// The profile the key was meant for.
        profile: Profile,
    },
    /// The profile encrypts, where one was wanted that does not.
    #[error("{profile} encrypts")]
    Encrypting {
        /// The profile the key was meant for.
        profile: Profile,
    },
    /// The cipher did not take the key, although its length is right.
    #[error("the cipher of {profile} did not take the key")]
    Rejected {
        /// The profile the key was meant for.
        profile: Profile,
    },
}

/// A master key that cannot stand beside the present ones, or in their place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AddKeyError {
    /// The key is for another profile than the present ones.
    #[error("the keys are for {expected}, this one is for {found}")]
    Profile {
        /// The profile of the present keys.
        expected: Profile,
        /// The profile of the new key.
        found: Profile,
    },
    /// The MKI has not the length of the present ones. Lengths in bytes, 0 without an MKI.
    #[error("the MKI has {expected} bytes, this one has {found}")]
    MkiLength {
        /// The length of the present MKIs.
        expected: usize,
        /// The length of the new one.
        found: usize,
    },
    /// Nothing tells the key from a present one: the MKI is the same, or there is none.
    #[error("no MKI tells this key from a present one")]
    Ambiguous,
    /// There is no room for one more.
    #[error("{limit} keys are there already")]
    TooMany {
        /// The greatest number.
        limit: usize,
    },
}

/// A [`Config`](crate::Config) that cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A replay window outside 64 to 32767 packets (RFC 3711 §3.3.2: at least 64).
    #[error("a replay window holds 64 to 32767 packets, found {found}")]
    ReplayWindow {
        /// The size that was asked for, in packets.
        found: u16,
    },
    /// [`HeaderExtensions`](crate::HeaderExtensions) that want encryption, with a profile that has
    /// none.
    #[error("{profile} does not encrypt, header extensions neither")]
    NotEncrypting {
        /// The profile of the key.
        profile: Profile,
    },
}

/// A roll-over counter or index that cannot be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SetIndexError {
    /// The value lies below the present one. Going back would use a key stream twice.
    #[error("index {requested} lies below the present {present}")]
    Backwards {
        /// The present value.
        present: u32,
        /// The value that was asked for.
        requested: u32,
    },
    /// An SRTCP index has 31 bits (RFC 3711 §3.4).
    #[error("SRTCP index {requested} has more than 31 bits")]
    TooLarge {
        /// The value that was asked for.
        requested: u32,
    },
    /// The stream is new and there is no room for it.
    #[error("{limit} streams are open already")]
    TooManyStreams {
        /// The bound of [`Config::max_streams`](crate::Config::max_streams).
        limit: usize,
    },
}

/// A packet whose header cannot be read. Lengths in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum Malformed {
    /// The packet ends before its header does, or leaves no room for the authentication tag.
    #[error("packet of {found} bytes, needs at least {needed}")]
    TooShort {
        /// The least length the packet would need.
        needed: usize,
        /// Its length.
        found: usize,
    },
    /// The packet is longer than a datagram can be.
    #[error("packet of {found} bytes, at most {limit} fit a datagram")]
    TooLong {
        /// The greatest length.
        limit: usize,
        /// The length the packet has or would have.
        found: usize,
    },
    /// The version is not 2 (RFC 3550 §5.1).
    #[error("version {found}, only 2 is known")]
    Version {
        /// The version found.
        found: u8,
    },
}

/// Why a packet was not protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum ProtectError {
    /// The packet is no RTP or RTCP packet.
    #[error("malformed: {0}")]
    Malformed(#[from] Malformed),
    /// The buffer has no room for the trailer. Lengths in bytes.
    #[error("the buffer has {available} bytes, the protected packet needs {needed}")]
    NoRoom {
        /// The length of the protected packet.
        needed: usize,
        /// The length of the buffer.
        available: usize,
    },
    /// This sequence number was protected before. Protecting another packet under it would use
    /// a key stream twice (RFC 3711 §9.1, RFC 7714 §8.4).
    #[error("the sequence number was protected before")]
    SequenceReused,
    /// The sequence number is too far behind to know that it was not protected before.
    #[error("the sequence number lies behind the window of those just protected")]
    SequenceTooOld,
    /// The packet has a header extension that cryptex cannot hide, because it is not one of
    /// RFC 8285 or sets application bits (RFC 9335 §5.1).
    #[error("cryptex cannot hide a header extension of profile {profile:#06x}")]
    HeaderExtension {
        /// The field "defined by profile" (RFC 3550 §5.3.1).
        profile: u16,
    },
    /// The packet opens a stream and there is no room for one more.
    #[error("{limit} streams are open already")]
    TooManyStreams {
        /// The bound of [`Config::max_streams`](crate::Config::max_streams).
        limit: usize,
    },
    /// The key's lifetime is over, or the last of the 2^48 SRTP or 2^31 SRTCP indices of this
    /// stream is used: the key must not be used any more (RFC 3711 §9.2).
    #[error("the key is used up")]
    KeyExhausted,
    /// The cipher did not take the packet, although its length is right.
    #[error("the cipher did not take the packet")]
    Rejected,
}

/// Why a packet was not taken. Nothing but a counter changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum UnprotectError {
    /// The packet is no SRTP or SRTCP packet; refused before any cryptography.
    #[error("malformed: {0}")]
    Malformed(#[from] Malformed),
    /// The packet names a master key that is not there (RFC 3711 §3.1); refused before any
    /// cryptography.
    #[error("unknown MKI")]
    UnknownMki,
    /// Authentication failure: the tag is not the one of this packet under this key. A forged or
    /// damaged packet, another key or profile than the sender's, or a lost roll-over counter.
    #[error("wrong authentication tag")]
    WrongTag,
    /// A packet with this index was taken before (RFC 3711 §3.3.2).
    #[error("replayed")]
    Replayed,
    /// The index lies behind the replay window, or before the first packet of the stream's
    /// first roll-over (RFC 3711 §3.3.1, §3.3.2).
    #[error("too old: behind the replay window")]
    TooOld,
    /// The packet would open a stream and there is no room for one more.
    #[error("{limit} streams are open already")]
    TooManyStreams {
        /// The bound of [`Config::max_streams`](crate::Config::max_streams).
        limit: usize,
    },
    /// The key's lifetime is over, or the index would be beyond 2^48: the key must not be used any
    /// more (RFC 3711 §9.2). Refused before any cryptography.
    #[error("the key is used up")]
    KeyExhausted,
}

impl From<Refusal> for ProtectError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Repeated => Self::SequenceReused,
            Refusal::TooOld => Self::SequenceTooOld,
            Refusal::Exhausted => Self::KeyExhausted,
        }
    }
}

impl From<Refusal> for UnprotectError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Repeated => Self::Replayed,
            Refusal::TooOld => Self::TooOld,
            Refusal::Exhausted => Self::KeyExhausted,
        }
    }
}

impl From<UsedUp> for ProtectError {
    fn from(_: UsedUp) -> Self {
        Self::KeyExhausted
    }
}

impl From<UsedUp> for UnprotectError {
    fn from(_: UsedUp) -> Self {
        Self::KeyExhausted
    }
}

impl From<WrongTag> for UnprotectError {
    fn from(_: WrongTag) -> Self {
        Self::WrongTag
    }
}

impl From<Unsealable> for ProtectError {
    fn from(_: Unsealable) -> Self {
        Self::Rejected
    }
}

impl From<Full> for ProtectError {
    fn from(Full { limit }: Full) -> Self {
        Self::TooManyStreams { limit }
    }
}

impl From<Full> for UnprotectError {
    fn from(Full { limit }: Full) -> Self {
        Self::TooManyStreams { limit }
    }
}

impl From<Full> for SetIndexError {
    fn from(Full { limit }: Full) -> Self {
        Self::TooManyStreams { limit }
    }
}
