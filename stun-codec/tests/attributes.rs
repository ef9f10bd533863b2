//! Every typed attribute of relays and NAT discovery beside the bytes that its standard prescribes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)] // checks fail loudly

use bytes::BytesMut;
use stun_codec::attribute::{
    AccessToken, AdditionalAddressFamily, AddressErrorCode, AlternateDomain, AnyAttribute,
    ChangeRequest, ChannelNumber, ConnectionId, Data, DontFragment, ErrorCode, EvenPort,
    GoogNetworkInfo, Icmp, Lifetime, MobilityTicket, Nomination, OtherAddress, Padding,
    PasswordAlgorithm, PasswordAlgorithms, RequestedAddressFamily, RequestedTransport,
    ReservationToken, ResponseOrigin, ResponsePort, ThirdPartyAuthorization, Userhash,
    XorPeerAddress, XorRelayedAddress,
};
use stun_codec::{
    AttributeType, Builder, DecodeError, Encode, Family, Message, Method, RawAttribute,
    TransactionId,
};

const ID: TransactionId = TransactionId(*b"\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae");

/// Writes it, and looks at the value on the wire.
fn value_of(attribute: &dyn Encode) -> (AttributeType, Vec<u8>) {
    let mut out = BytesMut::new();
    Builder::request(&mut out, Method::BINDING, ID)
        .attribute(attribute)
        .finish()
        .unwrap();
    let message = Message::parse(&out).unwrap();
    let raw = message.attributes().next().unwrap();
    (raw.attribute_type, raw.value.to_vec())
}

#[test]
fn values_stand_as_the_standards_say() {
    let refused = ErrorCode::ADDRESS_FAMILY_NOT_SUPPORTED;
    let list = [PasswordAlgorithm::SHA256, PasswordAlgorithm::MD5];
    let token = AccessToken {
        nonce: b"nonce",
        encrypted: b"sealed",
    };
    let missing = AddressErrorCode {
        family: Family::V6,
        error: refused,
    };
    let icmp = Icmp {
        kind: 3,
        code: 4,
        data: 1400,
    };
    let info = GoogNetworkInfo {
        network: 2,
        cost: 10,
    };
    let both = ChangeRequest {
        ip: true,
        port: true,
    };
    let v4 = "192.0.2.1:32853".parse().unwrap();
    let v6 = "[2001:db8:1234:5678:11:2233:4455:6677]:32853"
        .parse()
        .unwrap();
    let cases: &[(&dyn Encode, u16, &str)] = &[
        (&ChannelNumber(0x4001), 0x000c, "40010000"),
        (&Lifetime(600), 0x000d, "00000258"),
        (&XorPeerAddress(v4), 0x0012, "0001a147e112a643"),
        (&Data(b"any"), 0x0013, "616e79"),
        // The hidden form of RFC 5769 §2.3.
        (
            &XorRelayedAddress(v6),
            0x0016,
            "0002a1470113a9faa5d3f179bc25f4b5bed2b9d9",
        ),
        (&RequestedAddressFamily(Family::V6), 0x0017, "02000000"),
        (&EvenPort { reserve_next: true }, 0x0018, "80"),
        (
            &EvenPort {
                reserve_next: false,
            },
            0x0018,
            "00",
        ),
        (&RequestedTransport::UDP, 0x0019, "11000000"),
        (&RequestedTransport::TCP, 0x0019, "06000000"),
        (&DontFragment, 0x001a, ""),
        (&token, 0x001b, "00056e6f6e63657365616c6564"),
        (&ReservationToken(*b"reserved"), 0x0022, "7265736572766564"),
        (&ConnectionId(0x0102_0304), 0x002a, "01020304"),
        (&both, 0x0003, "00000006"),
        (&Padding(b"...."), 0x0026, "2e2e2e2e"),
        (&ResponsePort(4000), 0x0027, "0fa00000"),
        (&AdditionalAddressFamily(Family::V6), 0x8000, "02000000"),
        (
            &missing,
            0x8001,
            "020004284164647265737320 46616d696c79206e6f7420537570706f72746564",
        ),
        (
            &PasswordAlgorithms::from(&list[..]),
            0x8002,
            "0002000000010000",
        ),
        (
            &AlternateDomain("example.org"),
            0x8003,
            "6578616d706c652e6f7267",
        ),
        (&Icmp { ..icmp }, 0x8004, "0000030400000578"),
        (&ResponseOrigin(v4), 0x802b, "00018055c0000201"),
        (&OtherAddress(v4), 0x802c, "00018055c0000201"),
        (&ThirdPartyAuthorization("auth"), 0x802e, "61757468"),
        (&MobilityTicket(b"ticket"), 0x8030, "7469636b6574"),
        (&Nomination(3), 0xc001, "00000003"),
        (&info, 0xc057, "0002000a"),
    ];
    for (attribute, number, hexadecimal) in cases {
        let expected = hex::decode(hexadecimal.replace(' ', "")).unwrap();
        let found = value_of(*attribute);
        assert_eq!(found, (AttributeType(*number), expected.clone()));
        let raw = RawAttribute {
            attribute_type: AttributeType(*number),
            value: &expected,
        };
        let read = AnyAttribute::read(raw, ID).unwrap();
        assert!(!matches!(read, AnyAttribute::Other(_)), "{read:?}");
        assert_eq!(value_of(&read), found);
    }
}

#[test]
fn reserved_bits_are_ignored() {
    for (number, value, shown) in [
        (0x000c, "4001ffff", "ChannelNumber(ChannelNumber(16385))"),
        (
            0x0017,
            "01ffffff",
            "RequestedAddressFamily(RequestedAddressFamily(V4))",
        ),
        (0x0018, "7f", "EvenPort(EvenPort { reserve_next: false })"),
        (
            0x0019,
            "11ffffff",
            "RequestedTransport(RequestedTransport(17))",
        ),
        (
            0x0003,
            "fffffffb",
            "ChangeRequest(ChangeRequest { ip: false, port: true })",
        ),
        (0x0027, "0fa0", "ResponsePort(ResponsePort(4000))"),
    ] {
        let value = hex::decode(value).unwrap();
        let raw = RawAttribute {
            attribute_type: AttributeType(number),
            value: &value,
        };
        assert_eq!(format!("{:?}", AnyAttribute::read(raw, ID).unwrap()), shown);
    }
}

#[test]
fn wrong_values_are_named() {
    for (number, value) in [
        (0x000c, "4001"),
        (0x000d, "000258"),
        (0x0017, "03000000"),
        (0x0018, ""),
        (0x001a, "00"),
        (0x001b, "0006aabb"),
        (0x001e, "00"),
        (0x0022, "00"),
        (0x0027, "0fa000"),
        (0x8001, "0300042861"),
        (0x8002, "000100"),
        (0x8004, "00000304"),
    ] {
        let value = hex::decode(value).unwrap();
        let attribute_type = AttributeType(number);
        let raw = RawAttribute {
            attribute_type,
            value: &value,
        };
        let error = AnyAttribute::read(raw, ID).unwrap_err();
        match error {
            DecodeError::ValueLength { attribute, .. }
            | DecodeError::AddressFamily { attribute, .. } => assert_eq!(attribute, attribute_type),
            DecodeError::Truncated { .. } => {}
            other => panic!("{other}"),
        }
    }
    let long = "x".repeat(256);
    let mut out = BytesMut::new();
    let refused = Builder::request(&mut out, Method::BINDING, ID)
        .attribute(&AlternateDomain(&long))
        .finish();
    assert!(refused.is_err());
}

/// The value of RFC 8489 B.1.
#[test]
fn userhashes() {
    let hash = Userhash::new(
        "\u{30de}\u{30c8}\u{30ea}\u{30c3}\u{30af}\u{30b9}",
        "example.org",
    );
    assert_eq!(
        hex::encode(hash.0),
        "4a3cf38fef6992bda952c6780417da0f24819415569e60b205c46e41407f1704"
    );
}

#[test]
fn tokens_are_not_shown() {
    let token = AccessToken {
        nonce: b"nonce",
        encrypted: b"sealed",
    };
    assert_eq!(format!("{token:?}"), "AccessToken(..)");
}
