//! Connections between two of our own over a good link: what they settle, how they end.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // tests

mod common;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::BytesMut;
use common::{LABEL, Link, configs, fingerprint, identities, origin};
use dtls_handshake::{
    AlertDescription, CipherSuite, CloseCause, Config, Connection, DropReason, Event, ExportError,
    Fingerprint, Handled, HashAlgorithm, SendError, Version, is_dtls,
};
use virtual_network::Weather;

fn good_link(configs: [Config; 2]) -> Link {
    Link::new(configs, 1, Weather::calm(Duration::from_millis(20)))
}

fn connected() -> Link {
    let mut link = good_link(configs()).introduced();
    link.settle();
    assert!(
        link.ends.iter().all(|end| end.connected.is_some()),
        "{:?}",
        link.causes()
    );
    link
}

#[test]
fn client_and_server_connect_and_export_the_same_keys() {
    let link = connected();
    let [client, server] = &link.ends;
    assert_eq!(client.exported(), server.exported());
    for (side, end) in link.ends.iter().enumerate() {
        let connected = end.connected.as_ref().unwrap();
        assert_eq!(connected.srtp_profile, Some(7));
        assert_eq!(
            connected.cipher_suite,
            CipherSuite::EcdheEcdsaAes128GcmSha256
        );
        assert_eq!(connected.version, Version::Dtls12);
        assert_eq!(connected.peer.fingerprint(), Some(fingerprint(1 - side)));
        assert_eq!(
            connected.peer.certificate(),
            identities()[1 - side].certificate()
        );
        assert_eq!(end.connection.poll_timeout(), None);
        assert_eq!(end.connection.stats().timeouts, 0);
    }
    // Two round trips: four flights.
    assert_eq!(
        client.connected_at.unwrap() - origin(),
        Duration::from_millis(80)
    );
    assert_eq!(
        server.connected_at.unwrap() - origin(),
        Duration::from_millis(60)
    );
}

#[test]
fn the_same_seed_gives_the_same_hello_and_another_another() {
    let hello = |seed| {
        let [config, _] = configs();
        let mut out = BytesMut::new();
        let range = Connection::client(config, [seed; 32], origin()).poll_transmit(&mut out);
        assert_eq!(range, Some(0..out.len()));
        assert!(is_dtls(&out));
        out
    };
    assert_eq!(hello(1), hello(1));
    assert_ne!(hello(1), hello(2));
}

#[test]
fn fingerprints_may_come_late() {
    let mut link = good_link(configs());
    link.deliver();
    assert!(link.ends.iter().all(|end| !end.is_settled()));
    let now = link.now();
    for side in 0..2 {
        let connection = &mut link.ends[side].connection;
        assert_eq!(connection.send(now, b"early"), Err(SendError::NotConnected));
        connection.set_peer_fingerprints(now, vec![fingerprint(1 - side)]);
    }
    link.settle();
    assert_eq!(link.ends[0].exported(), link.ends[1].exported());
}

#[test]
fn fingerprints_that_never_come_are_the_cause_at_the_deadline() {
    let mut link = good_link(configs());
    link.settle();
    for end in &link.ends {
        let cause = CloseCause::PeerFingerprintsMissing;
        assert_eq!(end.closed, Some(cause));
        assert_eq!(cause.alert(), Some(AlertDescription::CertificateUnknown));
        assert_eq!(end.closed_at.unwrap() - origin(), Duration::from_secs(30));
        assert_eq!(end.connection.poll_timeout(), None);
    }
}

#[test]
fn a_wrong_fingerprint_closes_both_sides_early_and_late() {
    for wrong in 0..2 {
        for late in [false, true] {
            let mut link = good_link(configs());
            let now = link.now();
            let right = vec![fingerprint(wrong)];
            link.ends[1 - wrong]
                .connection
                .set_peer_fingerprints(now, right);
            if late {
                link.deliver();
            }
            let now = link.now();
            let other = vec![Fingerprint::of(HashAlgorithm::Sha256, b"somebody else")];
            link.ends[wrong]
                .connection
                .set_peer_fingerprints(now, other);
            link.settle();
            link.deliver();
            assert_eq!(
                link.ends[wrong].closed,
                Some(CloseCause::FingerprintMismatch)
            );
            assert!(link.ends[wrong].connected.is_none());
            let told = CloseCause::PeerAlert(AlertDescription::BadCertificate);
            assert_eq!(
                link.ends[1 - wrong].closed,
                Some(told),
                "side {wrong}, late {late}"
            );
        }
    }
}

#[test]
fn data_of_a_peer_that_is_not_verified_is_not_handed_out() {
    let mut link = good_link(configs());
    let now = link.now();
    // The client knows the server; the server does not know the client yet.
    link.ends[0]
        .connection
        .set_peer_fingerprints(now, vec![fingerprint(1)]);
    link.deliver();
    let now = link.now();
    assert!(link.ends[0].connected.is_some());
    link.ends[0].connection.send(now, b"hello").unwrap();
    link.deliver();
    assert!(link.ends[1].data().is_empty());
    link.ends[1]
        .connection
        .set_peer_fingerprints(now, vec![fingerprint(0)]);
    assert_eq!(link.ends[1].data(), [b"hello"]);
}

#[test]
fn the_server_prefers_and_without_common_profiles_there_is_none() {
    let [client, server] = configs();
    for (theirs, ours, settled) in [
        (&[1, 7][..], &[7, 1][..], Some(7)),
        (&[1], &[7, 1], Some(1)),
        (&[8], &[7, 1], None),
        (&[], &[7, 1], None),
        (&[1], &[], None),
    ] {
        let configs = [
            client.clone().with_srtp_profiles(theirs),
            server.clone().with_srtp_profiles(ours),
        ];
        let mut link = good_link(configs).introduced();
        link.settle();
        for end in &link.ends {
            assert_eq!(end.connected.as_ref().unwrap().srtp_profile, settled);
        }
    }
}

#[test]
fn every_mtu_works() {
    for mtu in [0, 256, 300, 512, 1200, 1500, 100_000] {
        let configs = configs().map(|config| config.with_mtu(mtu));
        let mut link = good_link(configs).introduced();
        link.settle();
        assert_eq!(link.ends[0].exported(), link.ends[1].exported());
        assert!(link.largest <= mtu.max(256));
    }
}

#[test]
fn data_travels_both_ways_within_bounds() {
    let mut link = connected();
    let now = link.now();
    link.ends[0].connection.send(now, b"ping").unwrap();
    link.ends[1].connection.send(now, b"").unwrap();
    link.ends[1].connection.send(now, b"pong").unwrap();
    link.step();
    assert_eq!(link.ends[1].data(), [b"ping"]);
    assert_eq!(link.ends[0].data(), [&b""[..], b"pong"]);

    let too_long = SendError::TooLong {
        length: 1164,
        limit: 1163,
    };
    let sender = &mut link.ends[0].connection;
    assert_eq!(sender.send(now, &[0; 1164]), Err(too_long));
    let mut sent = 0;
    while sender.send(now, &[0; 1163]).is_ok() {
        sent += 1;
    }
    assert_eq!(sent, 53);
    link.step();
    assert!(link.largest <= 1200);
    assert_eq!(link.ends[1].data().len(), 53);
    let dropped = |link: &Link| {
        let stats = link.ends[1].connection.stats();
        stats.dropped(DropReason::DataQueueFull)
    };
    assert_eq!(dropped(&link), 0);
    for _ in 0..54 {
        link.ends[0].connection.send(now, &[0; 1163]).unwrap();
        link.step();
    }
    assert_eq!(dropped(&link), 1);
    assert_eq!(link.ends[1].data().len(), 53);
}

#[test]
fn closing_sends_what_waits_and_then_says_so() {
    for side in 0..2 {
        let mut link = connected();
        let now = link.now();
        link.ends[side].connection.send(now, b"last words").unwrap();
        link.ends[side].connection.close(now);
        link.ends[side].connection.close(now);
        link.step();
        link.drain();
        assert_eq!(link.ends[side].closed, Some(CloseCause::ClosedLocally));
        assert_eq!(link.ends[1 - side].closed, Some(CloseCause::ClosedByPeer));
        assert_eq!(link.ends[1 - side].data(), [b"last words"]);
        for end in &mut link.ends {
            assert_eq!(end.connection.poll_timeout(), None);
            assert_eq!(end.connection.send(now, b"x"), Err(SendError::NotConnected));
            assert_eq!(
                end.connection.handle_datagram(now, &mut [22; 40]),
                Handled::Dropped
            );
            assert_eq!(end.connection.poll_event(), None);
        }
    }
}

#[test]
fn closing_during_the_handshake_ends_it_on_both_sides() {
    let mut link = good_link(configs()).introduced();
    link.step();
    link.drain();
    let now = link.now();
    link.ends[1].connection.close(now);
    link.settle();
    assert_eq!(
        link.causes(),
        [
            Some(CloseCause::ClosedByPeer),
            Some(CloseCause::ClosedLocally)
        ]
    );
}

#[test]
fn exporting_needs_a_connection_its_own_proof_and_a_free_label() {
    let mut link = connected();
    let mut other = Link::new(configs(), 2, Weather::default()).introduced();
    other.settle();
    let foreign = other.ends[0].connected.clone().unwrap().peer;
    let own = link.ends[0].connected.clone().unwrap().peer;
    let mut out = [0; 60];
    let mut export = |link: &Link, proof, label, context| {
        link.ends[0]
            .connection
            .export_keying_material(proof, label, context, &mut out)
    };
    assert_eq!(export(&link, &own, LABEL, None), Ok(()));
    assert_eq!(
        export(&link, &foreign, LABEL, None),
        Err(ExportError::ForeignProof)
    );
    let peers = link.ends[1].connected.clone().unwrap().peer;
    assert_eq!(
        export(&link, &peers, LABEL, None),
        Err(ExportError::ForeignProof)
    );
    let reserved = Err(ExportError::ReservedLabel);
    assert_eq!(export(&link, &own, "key expansion", None), reserved);
    let too_long = Err(ExportError::ContextTooLong);
    assert_eq!(export(&link, &own, LABEL, Some(&[0; 65536])), too_long);
    let now = link.now();
    link.ends[0].connection.close(now);
    assert_eq!(
        export(&link, &own, LABEL, None),
        Err(ExportError::NotConnected)
    );
}

#[test]
fn contexts_change_what_is_exported() {
    let link = connected();
    let export = |context: Option<&[u8]>| {
        link.ends.each_ref().map(|end| {
            let mut out = [0; 32];
            let proof = &end.connected.as_ref().unwrap().peer;
            end.connection
                .export_keying_material(proof, LABEL, context, &mut out)
                .unwrap();
            out
        })
    };
    let all = [None, Some(&b""[..]), Some(b"a")].map(export);
    for [client, server] in all {
        assert_eq!(client, server);
    }
    assert_ne!(all[0], all[1]);
    assert_ne!(all[1], all[2]);
}

#[test]
fn without_a_peer_flights_are_repeated_until_the_deadline() {
    let [config, _] = configs();
    let config = config.with_handshake_timeout(Duration::from_secs(10));
    let mut connection = Connection::client(config.clone(), [0; 32], origin());
    let mut times = Vec::new();
    let mut out = BytesMut::new();
    let mut now = origin();
    loop {
        while connection.poll_transmit(&mut out).is_some() {
            times.push((now - origin()).as_millis());
        }
        let Some(at) = connection.poll_timeout() else {
            break;
        };
        assert!(at > now);
        now = at;
        connection.handle_timeout(now);
    }
    assert_eq!(times, [0, 400, 1200, 2800, 6000, 9200]);
    assert_eq!(now - origin(), Duration::from_secs(10));
    assert_eq!(
        connection.poll_event(),
        Some(Event::Closed(CloseCause::TimedOut))
    );
    assert_eq!(connection.poll_event(), None);

    let mut server = Connection::server(config, [0; 32], origin());
    assert_eq!(server.poll_timeout(), Some(now));
    server.handle_timeout(now);
    assert_eq!(
        server.poll_event(),
        Some(Event::Closed(CloseCause::TimedOut))
    );
    assert_eq!(server.poll_transmit(&mut out), None);
}

#[test]
fn what_was_never_drained_does_not_cost_patience() {
    let [config, _] = configs();
    let mut connection = Connection::client(config, [0; 32], origin());
    let mut now = origin();
    for _ in 0..5 {
        now = connection.poll_timeout().unwrap();
        connection.handle_timeout(now);
    }
    assert_eq!(now - origin(), Duration::from_secs(2));
    let mut out = BytesMut::new();
    assert!(connection.poll_transmit(&mut out).is_some());
    assert!(connection.poll_transmit(&mut out).is_none());
    assert_eq!(connection.stats().timeouts, 0);
}

#[test]
fn the_key_log_has_one_line_for_each_side_and_they_agree() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let configs = configs().map(|config| {
        let lines = lines.clone();
        config.with_key_log(move |line| lines.lock().unwrap().push(line.to_owned()))
    });
    let mut link = good_link(configs).introduced();
    link.settle();
    let lines = lines.lock().unwrap();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0], lines[1]);
    let words: Vec<_> = lines[0].split(' ').map(str::len).collect();
    assert_eq!(words, ["CLIENT_RANDOM".len(), 64, 96]);
}

/// RFC 6347 §4.2.4: the last flight has no timer. It is sent again when the peer, who has not seen
/// it, repeats its own.
#[test]
fn a_lost_last_flight_is_sent_again_when_asked_for() {
    let mut link = good_link(configs()).introduced();
    while link.ends[1].connected.is_none() {
        link.step();
        // Its last flight is the one without a timer.
        if link.ends[1].connection.poll_timeout().is_none() {
            link.mute(1);
        }
        link.drain();
    }
    assert!(link.ends[0].connected.is_none());
    assert!(!link.is_busy());
    link.unmute();
    link.settle();
    assert_eq!(link.ends[0].exported(), link.ends[1].exported());
    assert_eq!(link.ends[0].connection.stats().timeouts, 1);
    assert_eq!(link.ends[1].connection.stats().repeats_answered, 1);
}

/// A Finished that overtakes what its keys are made from waits for them.
#[test]
fn flights_that_arrive_backwards_need_no_repetition() {
    let configs = configs().map(|config| config.with_mtu(256));
    let mut link = good_link(configs).introduced();
    while link.ends[1].connected.is_none() {
        link.drain();
        let now = link.now();
        let mut flight = link.take_under_way();
        assert!(!flight.is_empty());
        flight.reverse();
        for (to, mut datagram) in flight {
            let _: Handled = link.ends[to].connection.handle_datagram(now, &mut datagram);
        }
        link.ends[1].take_events(now);
    }
    link.deliver();
    assert_eq!(link.ends[0].exported(), link.ends[1].exported());
    for end in &link.ends {
        assert_eq!(end.connection.stats().timeouts, 0);
        assert_eq!(end.connection.stats().repeats_answered, 0);
    }
}

#[test]
fn nothing_secret_is_shown() {
    let link = connected();
    let exported = link.ends[0].exported();
    let shown = format!("{:?}", link.ends[0].connection);
    assert!(!shown.contains(&format!("{:?}", &exported[..16])));
    assert!(shown.contains("master_secret: Secret"));
}
