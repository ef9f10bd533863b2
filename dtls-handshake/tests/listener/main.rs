//! Strangers at a `Listener`: cookies, parts of hellos, who gets a connection and who does not.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // tests

mod admission;
#[path = "../common/mod.rs"]
mod common;
mod refusal;

use std::net::SocketAddr;
use std::time::Instant;

use bytes::BytesMut;
use common::{End, fingerprint, origin};
use dtls_handshake::{Admission, Config, Connection, Handled, Listener, Version};

const BOTH: &[Version] = &[Version::Dtls12, Version::Dtls13];
const ONLY_1_2: &[Version] = &[Version::Dtls12];
const ONLY_1_3: &[Version] = &[Version::Dtls13];

fn here() -> SocketAddr {
    ([192, 0, 2, 1], 5000).into()
}

fn listener(config: Config) -> Listener {
    Listener::new(config, [3; 32])
}

fn client(config: Config) -> End {
    let mut connection = Connection::client(config, [1; 32], origin());
    connection.set_peer_fingerprints(origin(), vec![fingerprint(1)]);
    End::new(connection)
}

/// Hands all datagrams in, and returns what the last one led to, and the replies of all.
fn offer(
    listener: &mut Listener,
    now: Instant,
    remote: SocketAddr,
    datagrams: &[Vec<u8>],
) -> (Option<Admission>, Vec<Vec<u8>>) {
    let mut replies = Vec::new();
    let mut last = None;
    for datagram in datagrams {
        let mut out = BytesMut::new();
        let admission = listener.handle_datagram(now, remote, &mut datagram.clone(), &mut out);
        if let Admission::Reply(range) = &admission {
            replies.push(out[range.clone()].to_vec());
        }
        last = Some(admission);
    }
    (last, replies)
}

fn receive(end: &mut End, now: Instant, datagrams: &[Vec<u8>]) {
    for datagram in datagrams {
        let _: Handled = end.connection.handle_datagram(now, &mut datagram.clone());
    }
}

/// A client's second ClientHello, which has the cookie.
fn hello_with_cookie(listener: &mut Listener, client: &mut End, now: Instant) -> Vec<Vec<u8>> {
    let first = client.transmits();
    let (last, replies) = offer(listener, now, here(), &first);
    assert!(matches!(last, Some(Admission::Reply(_))), "{last:?}");
    let [reply] = &replies[..] else {
        panic!("{} replies", replies.len());
    };
    let asked: usize = first.iter().map(Vec::len).sum();
    assert!(reply.len() <= asked, "{} for {asked}", reply.len());
    receive(client, now, &replies);
    client.transmits()
}

fn accepted(listener: &mut Listener, now: Instant, hello: &[Vec<u8>]) -> End {
    match offer(listener, now, here(), hello).0 {
        Some(Admission::Accepted(connection)) => End::new(*connection),
        other => panic!("{other:?}"),
    }
}

/// Both ends exchange what they have until neither has more.
fn finish(client: &mut End, server: &mut End, now: Instant) {
    loop {
        let (ours, theirs) = (client.transmits(), server.transmits());
        if ours.is_empty() && theirs.is_empty() {
            break;
        }
        receive(server, now, &ours);
        receive(client, now, &theirs);
    }
    client.take_events(now);
    server.take_events(now);
}
