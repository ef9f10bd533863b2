//! Typed attributes: a Rust type for the value of each attribute that this crate understands.
//!
//! [`Message::attribute`](crate::Message::attribute) reads one by its type,
//! [`Builder::attribute`](crate::Builder::attribute) writes one. The addresses are made from a
//! [`SocketAddr`](core::net::SocketAddr), the texts borrow. Attributes without a type of their own
//! are [`RawAttribute`]s, and [`AttributeType`] names them. A program has its own attributes by
//! implementing [`Decode`] and [`Encode`].
//!
//! [`Fingerprint`], [`MessageIntegrity`] and [`MessageIntegritySha256`] can only be read:
//! [`Builder`](crate::Builder) writes them, and they are checked before a message is handed out.

use core::fmt;

use crate::{AttributeType, DecodeError, EncodeError, TransactionId, ValueWriter};

// Another attribute takes a row in the table of `AttributeType`, a file, and two lines here.
mod address;
mod alternate_server;
mod error_code;
pub(crate) mod fingerprint;
mod ice_controlled;
mod ice_controlling;
mod mapped_address;
mod message_integrity;
mod message_integrity_sha256;
mod nonce;
mod password_algorithm;
mod priority;
mod realm;
mod software;
mod text;
mod unknown_attributes;
mod use_candidate;
mod username;
mod xor_mapped_address;

pub use alternate_server::AlternateServer;
pub use error_code::ErrorCode;
pub use fingerprint::Fingerprint;
pub use ice_controlled::IceControlled;
pub use ice_controlling::IceControlling;
pub use mapped_address::MappedAddress;
pub use message_integrity::MessageIntegrity;
pub use message_integrity_sha256::MessageIntegritySha256;
pub use nonce::Nonce;
pub use password_algorithm::PasswordAlgorithm;
pub use priority::Priority;
pub use realm::Realm;
pub use software::Software;
pub use unknown_attributes::UnknownAttributes;
pub use use_candidate::UseCandidate;
pub use username::Username;
pub use xor_mapped_address::XorMappedAddress;

/// A typed attribute that can be read from a message.
pub trait Decode<'a>: Sized {
    /// The type it stands under.
    const TYPE: AttributeType;

    /// Reads the value, without its padding, of an attribute in a message with this id.
    ///
    /// # Errors
    ///
    /// The value is not what the type says.
    fn decode(value: &'a [u8], transaction_id: TransactionId) -> Result<Self, DecodeError>;
}

/// An attribute that can be written to a message.
pub trait Encode {
    /// The type it stands under.
    fn attribute_type(&self) -> AttributeType;

    /// Writes the value, without its padding.
    ///
    /// # Errors
    ///
    /// The value is not one that the type allows.
    fn encode(&self, value: &mut ValueWriter<'_>) -> Result<(), EncodeError>;
}

/// An attribute as it stands in the message: known or not, right or wrong.
///
/// It can be written into another message as it is. The value of an XOR address depends on the
/// transaction id, so such an attribute is only right in a message with the same id.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct RawAttribute<'a> {
    /// Its type.
    pub attribute_type: AttributeType,
    /// Its value, without padding.
    pub value: &'a [u8],
}

impl Encode for RawAttribute<'_> {
    fn attribute_type(&self) -> AttributeType {
        self.attribute_type
    }

    fn encode(&self, value: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        value.bytes(self.value);
        Ok(())
    }
}

impl fmt::Debug for RawAttribute<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [", self.attribute_type)?;
        self.value
            .iter()
            .try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str("]")
    }
}

/// A value of exactly `N` bytes.
fn fixed<const N: usize>(attribute: AttributeType, value: &[u8]) -> Result<[u8; N], DecodeError> {
    value.try_into().map_err(|_| DecodeError::ValueLength {
        attribute,
        found: value.len(),
    })
}
