//! Why a message could not be read, written or trusted.

use core::str::Utf8Error;

use crate::AttributeType;

/// Why bytes are not a STUN message, or an attribute's value is not what its type says.
/// Offsets and lengths are in bytes; offsets count from the start of the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// Fewer bytes than a header (RFC 8489 §5).
    #[error("{found} bytes, and a header has 20")]
    TooShort {
        /// Bytes there were.
        found: usize,
    },
    /// The first two bits are not zero (RFC 8489 §5).
    #[error("message type {found:#06x}, and its first two bits must be zero")]
    TypeBits {
        /// The first two bytes.
        found: u16,
    },
    /// The magic cookie is not 0x2112A442 (RFC 8489 §5).
    #[error("magic cookie {found:#010x}, expected 0x2112a442")]
    MagicCookie {
        /// The four bytes in its place.
        found: u32,
    },
    /// The length is not a multiple of four, or is not that of the datagram (RFC 8489 §5).
    #[error("length field {announced}, and {found} bytes follow the header")]
    Length {
        /// The length field.
        announced: u16,
        /// Bytes after the header.
        found: usize,
    },
    /// A read would have run past the end of the message, or of an attribute's value.
    #[error("{needed} bytes wanted at offset {offset}, {remaining} are left")]
    Truncated {
        /// Where the read began. Within an attribute's value it counts from the value's start.
        offset: usize,
        /// Bytes wanted, with padding.
        needed: usize,
        /// Bytes left.
        remaining: usize,
    },
    /// An attribute follows FINGERPRINT (RFC 8489 §14.7).
    #[error("{attribute} at offset {offset} follows FINGERPRINT, which must be last")]
    AfterFingerprint {
        /// The type of what follows.
        attribute: AttributeType,
        /// Where it stands.
        offset: usize,
    },
    /// FINGERPRINT is not the checksum of the message (RFC 8489 §14.7).
    #[error("FINGERPRINT at offset {offset} says {found:#010x}, computed {expected:#010x}")]
    Fingerprint {
        /// Where the attribute stands in the message.
        offset: usize,
        /// The checksum of the bytes before it, as it should stand on the wire.
        expected: u32,
        /// The value that stood there.
        found: u32,
    },
    /// The value's length is not one that this type can have.
    #[error("{attribute} has {found} bytes")]
    ValueLength {
        /// The attribute's type.
        attribute: AttributeType,
        /// Length of the value.
        found: usize,
    },
    /// An address family other than IPv4 (1) and IPv6 (2) (RFC 8489 §14.1).
    #[error("{attribute} has address family {found}")]
    AddressFamily {
        /// The attribute's type.
        attribute: AttributeType,
        /// The family byte.
        found: u8,
    },
    /// A class outside 3..=6 or a number outside 0..=99 (RFC 8489 §14.8).
    #[error("ERROR-CODE has class {class} and number {number}")]
    ErrorCode {
        /// Hundreds.
        class: u8,
        /// Tens and units.
        number: u8,
    },
    /// Text that is not UTF-8.
    #[error("{attribute} is not UTF-8: {error}")]
    Utf8 {
        /// The attribute's type.
        attribute: AttributeType,
        /// Where it goes wrong.
        error: Utf8Error,
    },
}

impl DecodeError {
    /// Whether the bytes are of another protocol altogether, to be handed on (RFC 8489 §5), and
    /// not a broken message.
    pub const fn is_not_stun(&self) -> bool {
        matches!(
            self,
            Self::TooShort { .. } | Self::TypeBits { .. } | Self::MagicCookie { .. }
        )
    }
}

/// Why a message could not be written. The buffer is left as it was before the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// A value longer than its type allows, in bytes.
    #[error("{attribute} of {length} bytes, at most {limit} are allowed")]
    ValueTooLong {
        /// The attribute's type.
        attribute: AttributeType,
        /// Length of the value.
        length: usize,
        /// The most its type may have.
        limit: usize,
    },
    /// An error code outside 300..=699 (RFC 8489 §14.8).
    #[error("error code {found}, and it must be 300 to 699")]
    ErrorCode {
        /// The code.
        found: u16,
    },
    /// The attributes do not fit the 16-bit length field (RFC 8489 §5).
    #[error("{length} bytes of attributes do not fit one message")]
    MessageTooLong {
        /// Length of all attributes so far, in bytes.
        length: usize,
    },
}

/// Why a message is not proved to come from a holder of the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// Neither MESSAGE-INTEGRITY nor MESSAGE-INTEGRITY-SHA256 is there.
    #[error("the message has no MESSAGE-INTEGRITY")]
    Missing,
    /// The attribute's value is not as long as its tag: 20 bytes, or 32 for SHA-256.
    #[error("{attribute} has {found} bytes")]
    TagLength {
        /// The attribute's type.
        attribute: AttributeType,
        /// Length of the value.
        found: usize,
    },
    /// The tag is another one: wrong key or changed message.
    #[error("{attribute} does not match")]
    Mismatch {
        /// The attribute that was checked.
        attribute: AttributeType,
    },
}
