//! Who gets a connection.

use std::time::Duration;

use dtls_handshake::{Admission, CipherSuite, Group, Handled, Listener, Version};

use crate::common::{End, configs, configs_of, fingerprint, origin};
use crate::{
    BOTH, ONLY_1_2, ONLY_1_3, accepted, client, finish, hello_with_cookie, here, listener, offer,
    receive,
};

#[test]
fn a_cookie_that_comes_back_begins_a_connection() {
    for (of_client, of_server, version) in [
        (ONLY_1_2, ONLY_1_2, Version::Dtls12),
        (ONLY_1_2, BOTH, Version::Dtls12),
        (BOTH, ONLY_1_2, Version::Dtls12),
        (BOTH, BOTH, Version::Dtls13),
        (ONLY_1_3, BOTH, Version::Dtls13),
    ] {
        for (mtu, profiles) in [(1200, vec![7]), (256, (1..=64).collect())] {
            let [ours, theirs] = configs().map(|c| c.with_srtp_profiles(&profiles).with_mtu(mtu));
            let mut listener = listener(theirs.with_versions(of_server));
            let mut client = client(ours.with_versions(of_client));
            let now = origin();
            let second = hello_with_cookie(&mut listener, &mut client, now);
            // A hybrid share is longer than a datagram.
            let long = mtu == 256 || of_client != ONLY_1_2;
            assert_eq!(second.len() > 1, long, "in parts");
            let mut server = accepted(&mut listener, now, &second);
            server
                .connection
                .set_peer_fingerprints(now, vec![fingerprint(0)]);
            finish(&mut client, &mut server, now);
            assert_eq!(client.exported(), server.exported());
            assert_eq!(client.connected.as_ref().unwrap().version, version);
            assert_eq!(client.connection.stats().timeouts, 0);
            assert_eq!(listener.stats().replies, 1);
            assert_eq!(listener.stats().accepted, 1);
        }
    }
}

/// One HelloRetryRequest asks for both (RFC 8446 §4.1.4).
#[test]
fn a_share_of_another_group_is_asked_for_with_the_cookie() {
    for suite in [
        CipherSuite::Aes128GcmSha256,
        CipherSuite::Aes256GcmSha384,
        CipherSuite::ChaCha20Poly1305Sha256,
    ] {
        let [ours, theirs] = configs_of(ONLY_1_3).map(|c| c.with_cipher_suites(&[suite]));
        let mut listener = listener(theirs.with_groups(&[Group::Secp384r1]));
        let mut client = client(ours.with_groups(&[Group::X25519, Group::Secp384r1]));
        let now = origin();
        let second = hello_with_cookie(&mut listener, &mut client, now);
        let mut server = accepted(&mut listener, now, &second);
        server
            .connection
            .set_peer_fingerprints(now, vec![fingerprint(0)]);
        finish(&mut client, &mut server, now);
        assert_eq!(client.exported(), server.exported());
        let connected = server.connected.as_ref().unwrap();
        assert_eq!(connected.group, Group::Secp384r1);
        assert_eq!(connected.cipher_suite, suite);
    }
}

/// RFC 6347 §4.2.1: the answers have the record numbers of what they answer, and message numbers
/// that go on.
#[test]
fn the_numbers_of_the_answers_are_those_of_the_hellos() {
    let [ours, theirs] = configs();
    let (mut listener, mut client) = (listener(theirs), client(ours));
    let (now, later) = (origin(), origin() + Duration::from_millis(400));
    let first = client.transmits();
    client.connection.handle_timeout(later);
    let again = client.transmits();
    let (_, replies) = offer(&mut listener, now, here(), &[&first[..], &again].concat());
    let numbers = |datagram: &[u8]| (datagram[10], datagram[13], datagram[18]);
    assert_eq!(numbers(&replies[0]), (0, 3, 0));
    assert_eq!(numbers(&replies[1]), (1, 3, 0));
    receive(&mut client, later, &replies);
    let second = client.transmits();
    assert_eq!(numbers(&second[0]), (2, 1, 1));
    let mut server = accepted(&mut listener, later, &second);
    let answer = server.transmits();
    assert_eq!(numbers(&answer[0]), (2, 2, 1));
}

/// Whatever datagram is lost, in whatever direction: it is sent again, and nothing is stuck.
#[test]
fn any_lost_datagram_is_made_up_for() {
    for versions in [ONLY_1_2, BOTH] {
        for lost in 0..12 {
            let [ours, theirs] = configs_of(versions);
            let (mut listener, mut client) = (listener(theirs), client(ours));
            let mut server: Option<End> = None;
            let mut now = origin();
            let mut sent = 0;
            for _ in 0..100 {
                let mut lose = |datagrams: Vec<Vec<u8>>| -> Vec<Vec<u8>> {
                    let kept = datagrams.into_iter().filter(|_| {
                        sent += 1;
                        sent != lost + 1
                    });
                    kept.collect()
                };
                let to_server = lose(client.transmits());
                let to_client = match &mut server {
                    Some(server) => {
                        receive(server, now, &to_server);
                        lose(server.transmits())
                    }
                    None => match offer(&mut listener, now, here(), &to_server) {
                        (Some(Admission::Accepted(mut connection)), _) => {
                            connection.set_peer_fingerprints(now, vec![fingerprint(0)]);
                            let mut end = End::new(*connection);
                            let answer = lose(end.transmits());
                            server = Some(end);
                            answer
                        }
                        (_, replies) => lose(replies),
                    },
                };
                receive(&mut client, now, &to_client);
                client.take_events(now);
                if to_server.is_empty() && to_client.is_empty() {
                    let ends = [Some(&client), server.as_ref()].into_iter().flatten();
                    let wake = ends.filter_map(|end| end.connection.poll_timeout()).min();
                    let Some(at) = wake else { break };
                    now = at;
                    client.connection.handle_timeout(now);
                    if let Some(server) = &mut server {
                        server.connection.handle_timeout(now);
                    }
                }
            }
            let mut server = server.unwrap();
            server.take_events(now);
            assert_eq!(client.exported(), server.exported(), "{versions:?}, {lost}");
        }
    }
}

/// RFC 6347 §4.2.8, RFC 9147 §5.11: from an address with a connection that the client has lost.
#[test]
fn a_client_that_begins_anew_is_accepted_beside_its_old_connection() {
    for versions in [ONLY_1_2, BOTH] {
        let [ours, theirs] = configs_of(versions);
        let mut listener = listener(theirs);
        let now = origin();
        let connect = |listener: &mut Listener, old: Option<&mut End>| {
            let mut client = client(ours.clone());
            if let Some(old) = old {
                // The old connection drops the hello, and is none the worse for it.
                for mut datagram in client.transmits() {
                    let handled = old.connection.handle_datagram(now, &mut datagram);
                    assert_eq!(handled, Handled::Dropped);
                }
                let at = client.connection.poll_timeout().unwrap();
                client.connection.handle_timeout(at);
            }
            let second = hello_with_cookie(listener, &mut client, now);
            let mut server = accepted(listener, now, &second);
            server
                .connection
                .set_peer_fingerprints(now, vec![fingerprint(0)]);
            finish(&mut client, &mut server, now);
            assert_eq!(client.exported(), server.exported());
            (client, server)
        };
        let (mut client, mut old) = connect(&mut listener, None);
        let (_, new) = connect(&mut listener, Some(&mut old));
        assert_ne!(old.exported(), new.exported());
        client.connection.send(now, b"still here").unwrap();
        finish(&mut client, &mut old, now);
        assert_eq!(old.data(), [b"still here"]);
    }
}
