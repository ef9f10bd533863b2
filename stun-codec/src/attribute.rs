//! Typed attributes: a Rust type for the value of each attribute that this crate understands.
//!
//! [`Message::attribute`](crate::Message::attribute) reads one by its type,
//! [`Builder::attribute`](crate::Builder::attribute) writes one. The addresses are made from a
//! [`SocketAddr`](core::net::SocketAddr), the texts borrow. Attributes without a type of their own
//! are [`RawAttribute`]s, and [`AttributeType`] names them. [`AnyAttribute`] reads whatever comes. A
//! program has its own attributes by implementing [`Decode`] and [`Encode`].
//!
//! [`Fingerprint`], [`MessageIntegrity`] and [`MessageIntegritySha256`] can only be read:
//! [`Builder`](crate::Builder) writes them, and they are checked before a message is handed out.

use core::fmt;

use crate::{AttributeType, DecodeError, EncodeError, TransactionId, ValueWriter};

// Another attribute takes a row in the table of `AttributeType`, a file, its `mod` here and its line
// in the table below.
mod access_token;
mod additional_address_family;
mod address;
mod address_error_code;
mod alternate_domain;
mod alternate_server;
mod any;
mod change_request;
mod channel_number;
mod connection_id;
mod data;
mod dont_fragment;
mod error_code;
mod even_port;
pub(crate) mod fingerprint;
mod goog_network_info;
mod ice_controlled;
mod ice_controlling;
mod icmp;
mod lifetime;
mod mapped_address;
mod message_integrity;
mod message_integrity_sha256;
mod mobility_ticket;
mod nomination;
mod nonce;
mod other_address;
mod padding;
mod password_algorithm;
mod password_algorithms;
mod priority;
mod realm;
mod requested_address_family;
mod requested_transport;
mod reservation_token;
mod response_origin;
mod response_port;
mod software;
mod text;
mod third_party_authorization;
mod unknown_attributes;
mod use_candidate;
mod userhash;
mod username;
mod xor_mapped_address;
mod xor_peer_address;
mod xor_relayed_address;

use any::attributes;
pub use fingerprint::Fingerprint;
pub use message_integrity::MessageIntegrity;
pub use message_integrity_sha256::MessageIntegritySha256;

attributes! {
    access_token: AccessToken<'a>;
    additional_address_family: AdditionalAddressFamily;
    address_error_code: AddressErrorCode<'a>;
    alternate_domain: AlternateDomain<'a>;
    alternate_server: AlternateServer;
    change_request: ChangeRequest;
    channel_number: ChannelNumber;
    connection_id: ConnectionId;
    data: Data<'a>;
    dont_fragment: DontFragment;
    error_code: ErrorCode<'a>;
    even_port: EvenPort;
    goog_network_info: GoogNetworkInfo;
    ice_controlled: IceControlled;
    ice_controlling: IceControlling;
    icmp: Icmp;
    lifetime: Lifetime;
    mapped_address: MappedAddress;
    mobility_ticket: MobilityTicket<'a>;
    nomination: Nomination;
    nonce: Nonce<'a>;
    other_address: OtherAddress;
    padding: Padding<'a>;
    password_algorithm: PasswordAlgorithm<'a>;
    password_algorithms: PasswordAlgorithms<'a>;
    priority: Priority;
    realm: Realm<'a>;
    requested_address_family: RequestedAddressFamily;
    requested_transport: RequestedTransport;
    reservation_token: ReservationToken;
    response_origin: ResponseOrigin;
    response_port: ResponsePort;
    software: Software<'a>;
    third_party_authorization: ThirdPartyAuthorization<'a>;
    unknown_attributes: UnknownAttributes<'a>;
    use_candidate: UseCandidate;
    userhash: Userhash;
    username: Username<'a>;
    xor_mapped_address: XorMappedAddress;
    xor_peer_address: XorPeerAddress;
    xor_relayed_address: XorRelayedAddress;
}

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
