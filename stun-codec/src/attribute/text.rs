//! Text values: UTF-8, with a limit (RFC 8489 §14.3, §14.8, §14.9, §14.14).

use crate::{AttributeType, DecodeError, EncodeError, ValueWriter};

/// The most bytes a text may have: 127 characters of six bytes, and one more, which is what a
/// receiver must be ready for (RFC 8489 §14.9).
pub(super) const LIMIT: usize = 763;

pub(super) fn decode(attribute: AttributeType, value: &[u8]) -> Result<&str, DecodeError> {
    decode_within(LIMIT, attribute, value)
}

/// With another limit.
pub(super) fn decode_within(
    limit: usize,
    attribute: AttributeType,
    value: &[u8],
) -> Result<&str, DecodeError> {
    if value.len() > limit {
        return Err(DecodeError::ValueLength {
            attribute,
            found: value.len(),
        });
    }
    core::str::from_utf8(value).map_err(|error| DecodeError::Utf8 { attribute, error })
}

pub(super) fn encode(
    attribute: AttributeType,
    text: &[u8],
    value: &mut ValueWriter<'_>,
) -> Result<(), EncodeError> {
    encode_within(LIMIT, attribute, text, value)
}

/// With another limit.
pub(super) fn encode_within(
    limit: usize,
    attribute: AttributeType,
    text: &[u8],
    value: &mut ValueWriter<'_>,
) -> Result<(), EncodeError> {
    if text.len() > limit {
        return Err(EncodeError::ValueTooLong {
            attribute,
            length: text.len(),
            limit,
        });
    }
    value.bytes(text);
    Ok(())
}
