//! What two sides settle about SRTP (RFC 5764 §4.1), in both versions.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // tests

mod common;

use std::time::Duration;

use common::{Link, configs};
use dtls_handshake::{Config, Version};
use virtual_network::Weather;

/// All that are registered (RFC 5764 §4.1.2, RFC 7714 §14.2, RFC 8723 §7, RFC 8269 §6), two
/// numbers that were never given, and the ends.
const PROFILES: [u16; 18] = [
    0x0001, 0x0002, 0x0005, 0x0006, 0x0007, 0x0008, 0x0009, 0x000A, 0x000B, 0x000C, 0x000D, 0x000E,
    0x000F, 0x0010, 0x0000, 0x0003, 0x0004, 0xFFFF,
];

/// What both sides learn: the profile and the identifier.
fn settle(version: Version, change: impl Fn([Config; 2]) -> [Config; 2]) -> (Option<u16>, Vec<u8>) {
    let configs = change(configs().map(|config| config.with_versions(&[version])));
    let weather = Weather::calm(Duration::from_millis(10));
    let mut link = Link::new(configs, 9, weather).introduced();
    link.settle();
    let [client, server] = link.ends.each_ref().map(|end| {
        let connected = end.connected.as_ref().unwrap();
        assert_eq!(connected.version, version);
        (connected.srtp_profile, connected.srtp_mki.clone())
    });
    assert_eq!(client, server);
    client
}

#[test]
fn every_profile_can_be_settled() {
    for version in [Version::Dtls12, Version::Dtls13] {
        for profile in PROFILES {
            let settled = settle(version, |[client, server]| {
                [
                    client.with_srtp_profiles(&PROFILES),
                    server.with_srtp_profiles(&[0xEEEE, profile]),
                ]
            });
            assert_eq!(settled, (Some(profile), Vec::new()));
        }
    }
}

/// RFC 5764 §4.1.3: the client offers, the server takes it whole or not at all.
#[test]
fn an_identifier_is_what_the_client_offers_and_the_server_takes() {
    let long = [7; 300];
    for version in [Version::Dtls12, Version::Dtls13] {
        for (offered, settled) in [
            (&b""[..], &b""[..]),
            (b"\x01", b"\x01"),
            (&long[..255], &long[..255]),
            (&long, &long[..255]),
        ] {
            let taken = settle(version, |[client, server]| {
                // What a server would offer as a client does not matter.
                let server = server.with_srtp_mki(b"server").with_peer_srtp_mki();
                [client.with_srtp_mki(offered), server]
            });
            assert_eq!(taken, (Some(7), settled.to_vec()));
            let refused = settle(version, |[client, server]| {
                [client.with_srtp_mki(offered), server]
            });
            assert_eq!(refused, (Some(7), Vec::new()));
        }
        let without_profile = settle(version, |[client, server]| {
            let client = client.with_srtp_profiles(&[1]).with_srtp_mki(b"mki");
            [client, server.with_srtp_profiles(&[8]).with_peer_srtp_mki()]
        });
        assert_eq!(without_profile, (None, Vec::new()));
    }
}
