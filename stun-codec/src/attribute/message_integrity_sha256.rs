//! MESSAGE-INTEGRITY-SHA256 (RFC 8489 §14.6).

use super::fixed;
use crate::{AttributeType, Decode, DecodeError, TransactionId};

/// The untruncated HMAC-SHA256 tag over what stands before it. It is written by
/// [`Builder::integrity_sha256`](crate::Builder::integrity_sha256) and checked by
/// [`Message::verify`](crate::Message::verify); comparing it by hand leaks its bytes through time.
#[derive(Debug, Clone, Copy)]
pub struct MessageIntegritySha256(pub [u8; 32]);

impl Decode<'_> for MessageIntegritySha256 {
    const TYPE: AttributeType = AttributeType::MESSAGE_INTEGRITY_SHA256;

    fn decode(value: &[u8], _: TransactionId) -> Result<Self, DecodeError> {
        fixed(Self::TYPE, value).map(Self)
    }
}
