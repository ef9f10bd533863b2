//! ERROR-CODE (RFC 8489 §14.8).

use core::fmt;

use super::text;
use crate::{AttributeType, Decode, DecodeError, Encode, EncodeError, TransactionId, ValueWriter};

/// Why a request was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ErrorCode<'a> {
    /// 300 to 699.
    pub code: u16,
    /// For people only, at most 763 bytes. Read up to the first byte that is not UTF-8.
    pub reason: &'a str,
}

macro_rules! error_codes {
    ($($constant:ident = $code:literal, $reason:literal, $rfc:literal;)*) => {
        impl ErrorCode<'static> {
            $(
                #[doc = concat!("`", stringify!($code), "` ", $reason, " (", $rfc, ").")]
                pub const $constant: Self = Self { code: $code, reason: $reason };
            )*
        }
    };
}

error_codes! {
    TRY_ALTERNATE = 300, "Try Alternate", "RFC 8489 §14.8";
    BAD_REQUEST = 400, "Bad Request", "RFC 8489 §14.8";
    UNAUTHENTICATED = 401, "Unauthenticated", "RFC 8489 §14.8";
    FORBIDDEN = 403, "Forbidden", "RFC 8656 §19";
    MOBILITY_FORBIDDEN = 405, "Mobility Forbidden", "RFC 8016 §3.5";
    UNKNOWN_ATTRIBUTE = 420, "Unknown Attribute", "RFC 8489 §14.8";
    ALLOCATION_MISMATCH = 437, "Allocation Mismatch", "RFC 8656 §19";
    STALE_NONCE = 438, "Stale Nonce", "RFC 8489 §14.8";
    ADDRESS_FAMILY_NOT_SUPPORTED = 440, "Address Family not Supported", "RFC 8656 §19";
    WRONG_CREDENTIALS = 441, "Wrong Credentials", "RFC 8656 §19";
    UNSUPPORTED_TRANSPORT_PROTOCOL = 442, "Unsupported Transport Protocol", "RFC 8656 §19";
    PEER_ADDRESS_FAMILY_MISMATCH = 443, "Peer Address Family Mismatch", "RFC 8656 §19";
    CONNECTION_ALREADY_EXISTS = 446, "Connection Already Exists", "RFC 6062 §6.3";
    CONNECTION_TIMEOUT_OR_FAILURE = 447, "Connection Timeout or Failure", "RFC 6062 §6.3";
    ALLOCATION_QUOTA_REACHED = 486, "Allocation Quota Reached", "RFC 8656 §19";
    ROLE_CONFLICT = 487, "Role Conflict", "RFC 8445 §7.3.1.1";
    SERVER_ERROR = 500, "Server Error", "RFC 8489 §14.8";
    INSUFFICIENT_CAPACITY = 508, "Insufficient Capacity", "RFC 8656 §19";
}

impl fmt::Display for ErrorCode<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code, self.reason)
    }
}

impl<'a> Decode<'a> for ErrorCode<'a> {
    const TYPE: AttributeType = AttributeType::ERROR_CODE;

    fn decode(value: &'a [u8], _: TransactionId) -> Result<Self, DecodeError> {
        decode(Self::TYPE, value)
    }
}

impl Encode for ErrorCode<'_> {
    fn attribute_type(&self) -> AttributeType {
        Self::TYPE
    }

    fn encode(&self, value: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        encode(0, *self, value)
    }
}

/// The code and the reason, whatever the first byte is.
pub(super) fn decode(attribute: AttributeType, value: &[u8]) -> Result<ErrorCode<'_>, DecodeError> {
    let wrong_length = DecodeError::ValueLength {
        attribute,
        found: value.len(),
    };
    let [_, _, class, number, reason @ ..] = value else {
        return Err(wrong_length);
    };
    // The bits before the class are reserved and ignored.
    let (class, number) = (class & 0x07, *number);
    if !(3..=6).contains(&class) || number > 99 {
        return Err(DecodeError::ErrorCode { class, number });
    }
    if reason.len() > text::LIMIT {
        return Err(wrong_length);
    }
    Ok(ErrorCode {
        code: u16::from(class) * 100 + u16::from(number),
        reason: reason
            .utf8_chunks()
            .next()
            .map_or("", |chunk| chunk.valid()),
    })
}

/// The code and the reason behind a first byte.
pub(super) fn encode(
    first: u8,
    error: ErrorCode<'_>,
    value: &mut ValueWriter<'_>,
) -> Result<(), EncodeError> {
    let class = match error.code {
        300..=699 => (error.code / 100) as u8,
        found => return Err(EncodeError::ErrorCode { found }),
    };
    value.u8(first);
    value.u8(0);
    value.u8(class);
    value.u8((error.code % 100) as u8);
    text::encode(AttributeType::ERROR_CODE, error.reason.as_bytes(), value)
}
