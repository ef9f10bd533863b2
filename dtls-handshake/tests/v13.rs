//! DTLS 1.3 between two of our own: what is settled, how it recovers, what it refuses.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // tests

mod common;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{Link, configs_of, fingerprint, origin};
use dtls_handshake::{
    AlertDescription, CipherSuite, CloseCause, Config, Fingerprint, Group, Handled, HashAlgorithm,
    Parameter, Version,
};
use virtual_network::Weather;

const BOTH: [Version; 2] = [Version::Dtls12, Version::Dtls13];

fn good_link(configs: [Config; 2]) -> Link {
    Link::new(configs, 1, Weather::calm(Duration::from_millis(20)))
}

fn connected(configs: [Config; 2]) -> Link {
    let mut link = good_link(configs).introduced();
    link.settle();
    assert!(
        link.ends.iter().all(|end| end.connected.is_some()),
        "{:?}",
        link.causes()
    );
    link
}

#[test]
fn both_sides_connect_after_a_round_trip_and_a_half() {
    let mut link = connected(configs_of(&BOTH));
    link.deliver();
    let [client, server] = &link.ends;
    assert_eq!(client.exported(), server.exported());
    for (side, end) in link.ends.iter().enumerate() {
        let connected = end.connected.as_ref().unwrap();
        assert_eq!(connected.version, Version::Dtls13);
        assert_eq!(connected.srtp_profile, Some(7));
        assert_eq!(connected.cipher_suite, CipherSuite::Aes128GcmSha256);
        assert_eq!(connected.group, Group::X25519MlKem768);
        assert_eq!(connected.peer.fingerprint(), Some(fingerprint(1 - side)));
        let stats = end.connection.stats();
        assert_eq!((stats.timeouts, stats.repeats_answered), (0, 0));
        assert_eq!(end.connection.poll_timeout(), None);
    }
    let took = |side: usize| link.ends[side].connected_at.unwrap() - origin();
    assert_eq!(took(0), Duration::from_millis(40));
    assert_eq!(took(1), Duration::from_millis(60));
}

#[test]
fn the_latest_version_in_common_is_spoken() {
    let one = |version| [version];
    for (client, server, expected) in [
        (&BOTH[..], &one(Version::Dtls12)[..], Version::Dtls12),
        (&one(Version::Dtls12), &BOTH, Version::Dtls12),
        (&one(Version::Dtls13), &BOTH, Version::Dtls13),
        (&BOTH, &one(Version::Dtls13), Version::Dtls13),
    ] {
        let [ours, _] = configs_of(client);
        let [_, theirs] = configs_of(server);
        let link = connected([ours, theirs]);
        for end in &link.ends {
            assert_eq!(end.connected.as_ref().unwrap().version, expected);
        }
        assert_eq!(link.ends[0].exported(), link.ends[1].exported());
    }
}

#[test]
fn data_travels_and_close_is_heard() {
    for side in 0..2 {
        let mut link = connected(configs_of(&BOTH));
        link.deliver();
        let now = link.now();
        link.ends[side].connection.send(now, b"ping").unwrap();
        link.ends[1 - side].connection.send(now, b"").unwrap();
        link.deliver();
        assert_eq!(link.ends[1 - side].data(), [b"ping"]);
        assert_eq!(link.ends[side].data(), [b""]);
        link.ends[side].connection.close(now);
        link.deliver();
        assert!(link.ends.iter().all(|end| end.closed.is_some()));
    }
}

#[test]
fn the_key_log_has_the_five_lines_of_each_side() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let configs = configs_of(&BOTH).map(|config| {
        let lines = lines.clone();
        config.with_key_log(move |line| lines.lock().unwrap().push(line.to_owned()))
    });
    connected(configs);
    let mut lines = lines.lock().unwrap();
    lines.sort();
    let labels: Vec<_> = lines
        .iter()
        .step_by(2)
        .map(|line| line.split(' ').next().unwrap())
        .collect();
    assert_eq!(
        labels,
        [
            "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
            "CLIENT_TRAFFIC_SECRET_0",
            "EXPORTER_SECRET",
            "SERVER_HANDSHAKE_TRAFFIC_SECRET",
            "SERVER_TRAFFIC_SECRET_0",
        ]
    );
    for pair in lines.chunks(2) {
        assert_eq!(pair[0], pair[1]);
    }
}

#[test]
fn every_mtu_works() {
    for mtu in [0, 256, 300, 512, 1200, 1500, 100_000] {
        let configs = configs_of(&BOTH).map(|config| config.with_mtu(mtu));
        let link = connected(configs);
        assert_eq!(link.ends[0].exported(), link.ends[1].exported());
        assert!(link.largest <= mtu.max(256));
    }
}

/// The client has sent a share of a group that the server does not take: the server asks for
/// another.
#[test]
fn a_server_asks_for_a_share_that_it_takes() {
    let groups = [
        Group::X25519MlKem768,
        Group::X25519,
        Group::Secp256r1,
        Group::Secp384r1,
    ];
    for chosen in groups {
        for mtu in [256, 1200] {
            let [client, server] = configs_of(&BOTH).map(|config| config.with_mtu(mtu));
            let others = groups.into_iter().filter(|group| *group != chosen);
            // A hybrid one first would bring a share of the next.
            let others = others.filter(|group| *group != Group::X25519MlKem768);
            let theirs: Vec<_> = others.chain([chosen]).collect();
            let configs = [client.with_groups(&theirs), server.with_groups(&[chosen])];
            let link = connected(configs);
            assert_eq!(link.ends[0].exported(), link.ends[1].exported());
            for end in &link.ends {
                let connected = end.connected.as_ref().unwrap();
                assert_eq!(connected.group, chosen);
                assert_eq!(connected.version, Version::Dtls13);
                assert_eq!(end.connection.stats().timeouts, 0);
            }
            // One round trip more.
            let took = link.ends[0].connected_at.unwrap() - origin();
            assert_eq!(took, Duration::from_millis(80));
        }
    }
}

/// A client with a hybrid group sends a share of another as well.
#[test]
fn a_server_without_the_hybrid_group_needs_no_second_hello() {
    let [client, server] = configs_of(&BOTH);
    let link = connected([client, server.with_groups(&[Group::X25519])]);
    let end = &link.ends[0];
    assert_eq!(end.connected.as_ref().unwrap().group, Group::X25519);
    let took = end.connected_at.unwrap() - origin();
    assert_eq!(took, Duration::from_millis(40));

    // With the hybrid alone there is no DTLS 1.2.
    let [client, server] = configs_of(&BOTH);
    let hybrid = [Group::X25519MlKem768];
    let server = server.with_versions(&[Version::Dtls12]);
    let mut link = good_link([client.with_groups(&hybrid), server]).introduced();
    link.settle();
    let cause = CloseCause::NothingInCommon(Parameter::Version);
    assert_eq!(link.causes()[1], Some(cause));
}

#[test]
fn without_a_common_group_both_sides_learn_it() {
    for versions in [&BOTH[..], &[Version::Dtls12], &[Version::Dtls13]] {
        let [client, server] = configs_of(versions);
        let configs = [
            client.with_groups(&[Group::X25519]),
            server.with_groups(&[Group::Secp384r1]),
        ];
        let mut link = good_link(configs).introduced();
        link.settle();
        let cause = CloseCause::NothingInCommon(Parameter::Group);
        let told = CloseCause::PeerAlert(AlertDescription::HandshakeFailure);
        assert_eq!(link.causes(), [Some(told), Some(cause)]);
    }
}

/// Whoever closes, and whenever: both sides end, the other by what it is told or, where that could
/// not be read yet, by its deadline.
#[test]
fn closing_in_any_state_ends_both_sides() {
    for versions in [&[Version::Dtls13][..], &BOTH] {
        for side in 0..2 {
            for deliveries in 0..24 {
                let configs = configs_of(versions).map(|config| config.with_mtu(300));
                let mut link = good_link(configs).introduced();
                link.drain();
                for _ in 0..deliveries {
                    link.step();
                    link.drain();
                }
                let now = link.now();
                link.ends[side].connection.close(now);
                while link.step() {
                    link.drain();
                }
                link.drain();
                let context = format!("side {side} after {deliveries}: {:?}", link.causes());
                assert_eq!(
                    link.ends[side].closed,
                    Some(CloseCause::ClosedLocally),
                    "{context}"
                );
                let other = link.ends[1 - side].closed.unwrap();
                let told = other == CloseCause::ClosedByPeer;
                assert!(told || other == CloseCause::TimedOut, "{context}");
                for end in &link.ends {
                    assert_eq!(end.connection.poll_timeout(), None);
                }
            }
        }
    }
}

#[test]
fn a_wrong_fingerprint_closes_both_sides_early_and_late() {
    for wrong in 0..2 {
        for late in [false, true] {
            let mut link = good_link(configs_of(&BOTH));
            let now = link.now();
            let right = vec![fingerprint(wrong)];
            let other = &mut link.ends[1 - wrong].connection;
            other.set_peer_fingerprints(now, right);
            if late {
                link.deliver();
            }
            let now = link.now();
            let nobody = vec![Fingerprint::of(HashAlgorithm::Sha256, b"somebody else")];
            let deceived = &mut link.ends[wrong].connection;
            deceived.set_peer_fingerprints(now, nobody);
            while link.step() {
                link.drain();
            }
            link.drain();
            let cause = CloseCause::FingerprintMismatch;
            assert_eq!(link.ends[wrong].closed, Some(cause));
            assert!(link.ends[wrong].connected.is_none());
            let told = CloseCause::PeerAlert(AlertDescription::BadCertificate);
            assert_eq!(link.ends[1 - wrong].closed, Some(told), "{wrong} {late}");
        }
    }
}

#[test]
fn fingerprints_may_come_late_or_never() {
    let mut link = good_link(configs_of(&BOTH));
    link.deliver();
    assert!(link.ends.iter().all(|end| !end.is_settled()));
    let now = link.now();
    for side in 0..2 {
        let peer = vec![fingerprint(1 - side)];
        let connection = &mut link.ends[side].connection;
        connection.set_peer_fingerprints(now, peer);
    }
    link.settle();
    assert_eq!(link.ends[0].exported(), link.ends[1].exported());
    for end in &link.ends {
        assert_eq!(end.connection.poll_timeout(), None);
    }

    let mut link = good_link(configs_of(&BOTH));
    link.settle();
    for end in &link.ends {
        let cause = CloseCause::PeerFingerprintsMissing;
        assert_eq!(end.closed, Some(cause));
        assert_eq!(end.closed_at.unwrap() - origin(), Duration::from_secs(30));
    }
}

/// Data that overtakes the Finished before it waits for it (RFC 9147 §5.8.1).
#[test]
fn data_that_comes_before_the_last_flight_is_not_lost() {
    let mut link = good_link(configs_of(&BOTH)).introduced();
    while link.ends[0].connected.is_none() {
        link.step();
        link.ends[0].take_events(link.now());
    }
    let now = link.now();
    let mut sent = link.ends[0].transmits();
    link.ends[0].connection.send(now, b"early").unwrap();
    sent.extend(link.ends[0].transmits());
    sent.reverse();
    for mut datagram in sent {
        let _: Handled = link.ends[1].connection.handle_datagram(now, &mut datagram);
    }
    link.settle();
    assert_eq!(link.ends[1].data(), [b"early"]);
    assert_eq!(link.ends[1].connection.stats().timeouts, 0);
}
