//! Servers that ask their clients for a certificate, may have one, or want none.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // tests

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use common::{Link, configs_of, fingerprint, identities, origin};
use dtls_handshake::{
    AlertDescription, ClientCertificates, CloseCause, Config, Connection, Handled, Version,
};
use virtual_network::Weather;

const CLIENT: usize = 0;
const SERVER: usize = 1;
const VERSIONS: [Version; 2] = [Version::Dtls12, Version::Dtls13];

/// A client, with a certificate or without, and a server that wants this.
fn configs(version: Version, has_one: bool, wanted: ClientCertificates) -> [Config; 2] {
    let [with_one, server] = configs_of(&[version]);
    let without = Config::without_certificate()
        .with_versions(&[version])
        .with_srtp_profiles(&[7, 1]);
    let client = if has_one { with_one } else { without };
    [client, server.with_client_certificates(wanted)]
}

/// A handshake in which the client alone knows whom to expect.
fn run(configs: [Config; 2]) -> Link {
    let weather = Weather::calm(Duration::from_millis(10));
    let mut link = Link::new(configs, 5, weather);
    let now = link.now();
    let client = &mut link.ends[CLIENT].connection;
    client.set_peer_fingerprints(now, vec![fingerprint(SERVER)]);
    link.settle();
    link.deliver();
    link
}

fn shown(link: &Link) -> Vec<u8> {
    let peer = &link.ends[SERVER].connected.as_ref().unwrap().peer;
    assert_eq!(peer.fingerprint(), None);
    peer.certificate().to_vec()
}

#[test]
fn a_client_without_a_certificate_is_taken_where_it_needs_none() {
    for version in VERSIONS {
        for wanted in [
            ClientCertificates::Optional,
            ClientCertificates::NotRequested,
        ] {
            let mut link = run(configs(version, false, wanted));
            assert_eq!(link.causes(), [None, None], "{version} {wanted:?}");
            assert!(shown(&link).is_empty());
            assert_eq!(link.ends[CLIENT].exported(), link.ends[SERVER].exported());
            let now = link.now();
            for end in &mut link.ends {
                end.connection.send(now, b"data").unwrap();
            }
            link.deliver();
            for end in &mut link.ends {
                assert_eq!(end.data(), [b"data"]);
                assert_eq!(end.connection.poll_timeout(), None);
            }
        }
    }
}

#[test]
fn who_is_not_asked_shows_nothing() {
    for version in VERSIONS {
        let link = run(configs(version, true, ClientCertificates::NotRequested));
        assert_eq!(link.causes(), [None, None], "{version}");
        assert!(shown(&link).is_empty());
    }
}

/// It is judged, and has to prove that it has the key.
#[test]
fn a_certificate_that_may_be_missing_and_is_there_counts() {
    for version in VERSIONS {
        let asked = Arc::new(AtomicUsize::new(0));
        let [client, server] = configs(version, true, ClientCertificates::Optional);
        let counter = asked.clone();
        let verify = move |chain: &[&[u8]]| {
            assert_eq!(chain, [identities()[CLIENT].certificate()]);
            counter.fetch_add(1, Ordering::Relaxed);
            Ok(())
        };
        let link = run([client, server.with_peer_verifier(verify)]);
        assert_eq!(link.causes(), [None, None], "{version}");
        assert_eq!(shown(&link), identities()[CLIENT].certificate());
        assert_eq!(asked.load(Ordering::Relaxed), 1);

        let [client, server] = configs(version, true, ClientCertificates::Optional);
        let verify = |_: &[&[u8]]| Err(AlertDescription::AccessDenied);
        let link = run([client, server.with_peer_verifier(verify)]);
        let cause = CloseCause::PeerRefused(AlertDescription::AccessDenied);
        assert_eq!(link.causes()[SERVER], Some(cause), "{version}");
    }
}

#[test]
fn a_client_without_a_certificate_is_refused_where_one_is_required() {
    for (version, cause) in [
        (Version::Dtls12, CloseCause::PeerCertificateMissing),
        (Version::Dtls13, CloseCause::PeerCertificateRequired),
    ] {
        let link = run(configs(version, false, ClientCertificates::Required));
        let told = CloseCause::PeerAlert(cause.alert().unwrap());
        assert_eq!(link.causes(), [Some(told), Some(cause)]);
    }
}

/// Where fingerprints are announced nobody is taken without.
#[test]
fn announced_fingerprints_need_a_certificate() {
    for version in VERSIONS {
        for wanted in [
            ClientCertificates::Optional,
            ClientCertificates::NotRequested,
        ] {
            let weather = Weather::calm(Duration::from_millis(10));
            let mut link = Link::new(configs(version, false, wanted), 5, weather).introduced();
            link.settle();
            let cause = link.causes()[SERVER];
            assert_eq!(cause, Some(CloseCause::FingerprintMismatch), "{version}");
        }
    }
}

#[test]
fn a_server_without_a_certificate_has_nothing_in_common_with_anybody() {
    for version in VERSIONS {
        let [client, _] = configs_of(&[version]);
        let server = Config::without_certificate().with_versions(&[version]);
        let link = run([client, server]);
        let told = CloseCause::PeerAlert(AlertDescription::HandshakeFailure);
        assert_eq!(link.causes()[CLIENT], Some(told), "{version}");
    }
}

/// An owner that learns what the path takes says so in the middle of a handshake.
#[test]
fn a_smaller_path_holds_for_what_is_sent_again() {
    for version in VERSIONS {
        let [client, server] = configs_of(&[version]);
        let mut client = Connection::client(client, [1; 32], origin());
        let mut server = Connection::server(server, [2; 32], origin());
        let mut out = bytes::BytesMut::new();
        while let Some(range) = client.poll_transmit(&mut out) {
            let _: Handled = server.handle_datagram(origin(), &mut out[range]);
        }
        let longest = |server: &mut Connection| {
            let mut out = bytes::BytesMut::new();
            let mut longest = 0;
            while let Some(range) = server.poll_transmit(&mut out) {
                longest = longest.max(range.len());
            }
            longest
        };
        assert!(longest(&mut server) > 300, "{version}");
        server.set_mtu(300);
        server.handle_timeout(origin() + Duration::from_millis(400));
        assert!((250..=300).contains(&longest(&mut server)), "{version}");
    }
}

/// A time that is learned in the middle of a flight moves its timer.
#[test]
fn a_shorter_timeout_holds_for_the_flight_under_way() {
    let [client, _] = configs_of(&VERSIONS);
    let mut client = Connection::client(client, [1; 32], origin());
    let milliseconds =
        |client: &Connection| (client.poll_timeout().unwrap() - origin()).as_millis();
    assert_eq!(milliseconds(&client), 400);
    client.set_initial_timeout(Duration::from_millis(150));
    assert_eq!(milliseconds(&client), 150);
    client.handle_timeout(origin() + Duration::from_millis(150));
    while client.poll_transmit(&mut bytes::BytesMut::new()).is_some() {}
    client.handle_timeout(origin() + Duration::from_millis(150));
    let before = milliseconds(&client);
    client.set_initial_timeout(Duration::from_millis(250));
    let after = milliseconds(&client);
    assert!(after > before, "{before} {after}");
}
