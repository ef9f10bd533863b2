//! MESSAGE-INTEGRITY (RFC 8489 §14.5).

use super::fixed;
use crate::{AttributeType, Decode, DecodeError, TransactionId};

/// The HMAC-SHA1 tag over what stands before it. It is written by
/// [`Builder::integrity`](crate::Builder::integrity) and checked by
/// [`Message::verify`](crate::Message::verify); comparing it by hand leaks its bytes through time.
#[derive(Debug, Clone, Copy)]
pub struct MessageIntegrity(pub [u8; 20]);

impl Decode<'_> for MessageIntegrity {
    const TYPE: AttributeType = AttributeType::MESSAGE_INTEGRITY;

    fn decode(value: &[u8], _: TransactionId) -> Result<Self, DecodeError> {
        fixed(Self::TYPE, value).map(Self)
    }
}
