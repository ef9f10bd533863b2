//! A peer that has the keys and does not keep the rules: its records authenticate, and what they
//! say is answered with an alert and a cause.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // tests

mod common;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::BytesMut;
use common::{Link, configs};
use dtls_handshake::testing::KeySchedule;
use dtls_handshake::{AlertDescription, CloseCause, DropReason, Event, Handled};
use virtual_network::Weather;

const CLIENT: usize = 0;
const SERVER: usize = 1;
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const DATA: u8 = 23;

/// A link whose keys are known from the key log once the ServerHello was answered.
struct Known {
    link: Link,
    log: Arc<Mutex<Vec<String>>>,
    /// Of the ServerHello.
    server_random: [u8; 32],
}

impl Known {
    fn new() -> Self {
        let log = Arc::new(Mutex::new(Vec::new()));
        let configs = configs().map(|config| {
            let log = log.clone();
            config.with_key_log(move |line| log.lock().unwrap().push(line.to_owned()))
        });
        let weather = Weather::calm(Duration::from_millis(10));
        let mut link = Link::new(configs, 21, weather).introduced();
        link.drain();
        link.step();
        link.drain();
        let mut server_random = [0; 32];
        link.change_under_way(|_, datagram| {
            if datagram[13] == 2 {
                server_random.copy_from_slice(&datagram[27..59]);
            }
        });
        assert_ne!(server_random, [0; 32]);
        Self {
            link,
            log,
            server_random,
        }
    }

    /// After the handshake.
    fn connected() -> Self {
        let mut known = Self::new();
        known.link.settle();
        assert!(known.link.ends.iter().all(|end| end.connected.is_some()));
        known
    }

    fn keys(&self) -> KeySchedule {
        let log = self.log.lock().unwrap();
        let words: Vec<_> = log[0].split(' ').collect();
        let client_random = hex::decode(words[1]).unwrap().try_into().unwrap();
        let master_secret = hex::decode(words[2]).unwrap().try_into().unwrap();
        KeySchedule::new(0xC02B, &master_secret, client_random, self.server_random).unwrap()
    }

    /// Sends a protected record as if from the peer of `to`.
    fn inject(&mut self, to: usize, sequence: u16, content: u8, payload: &[u8]) -> Handled {
        let mut datagram = self.keys().seal(to == SERVER, sequence, content, payload);
        let now = self.link.now();
        self.link.ends[to]
            .connection
            .handle_datagram(now, &mut datagram)
    }

    /// What one side sends next, opened: content type and payload.
    fn sent(&mut self, by: usize) -> Option<(u8, Vec<u8>)> {
        let mut out = BytesMut::new();
        let range = self.link.ends[by].connection.poll_transmit(&mut out)?;
        let content = out[0];
        let opened = self.keys().open(by == CLIENT, &mut out[range]);
        Some((content, opened.into_iter().next().unwrap()))
    }

    fn event(&mut self, of: usize) -> Option<Event> {
        self.link.ends[of].connection.poll_event()
    }
}

fn message(kind: u8, message_seq: u8, body: &[u8]) -> Vec<u8> {
    let length = body.len() as u8;
    let mut out = vec![kind, 0, 0, length, 0, message_seq, 0, 0, 0, 0, 0, length];
    out.extend(body);
    out
}

/// The length of the record that Finished travels in, in bytes: 13 of header, 48 of payload.
const FINISHED_RECORD: usize = 61;

/// Replaces the Finished that is on its way to `to` by others, of the right length and of wrong ones.
fn finished_is_wrong(to: usize, deliveries: usize, message_seq: u8) {
    for length in [0, 11, 12, 13] {
        finished_is(&vec![7; length], to, deliveries, message_seq);
    }
}

fn finished_is(verify_data: &[u8], to: usize, deliveries: usize, message_seq: u8) {
    let mut known = Known::new();
    for _ in 0..deliveries {
        known.link.step();
        known.link.drain();
    }
    let wrong = message(20, message_seq, verify_data);
    let forged = known.keys().seal(to == SERVER, 0, HANDSHAKE, &wrong);
    let mut replaced = false;
    known.link.change_under_way(|_, datagram| {
        // The Finished is the last record.
        let at = datagram.len() - FINISHED_RECORD;
        assert_eq!(datagram[at..at + 5], forged[..5]);
        datagram.truncate(at);
        datagram.extend(&forged);
        replaced = true;
    });
    assert!(replaced);
    known.link.settle();
    known.link.deliver();
    let cause = CloseCause::NotVerified("Finished");
    assert_eq!(known.link.ends[to].closed, Some(cause));
    assert!(known.link.ends[to].connected.is_none());
    assert_eq!(cause.alert(), Some(AlertDescription::DecryptError));
}

#[test]
fn a_wrong_finished_of_the_client() {
    finished_is_wrong(SERVER, 1, 4);
}

#[test]
fn a_wrong_finished_of_the_server() {
    finished_is_wrong(CLIENT, 2, 5);
}

/// RFC 5746 §4.5: refused with a warning, and the connection goes on.
#[test]
fn renegotiation_is_refused() {
    for (to, request) in [
        (CLIENT, message(0, 0, &[])),
        (SERVER, message(1, 5, &[0xFE, 0xFD])),
    ] {
        let mut known = Known::connected();
        assert_eq!(known.inject(to, 1, HANDSHAKE, &request), Handled::Consumed);
        assert_eq!(known.sent(to), Some((ALERT, vec![1, 100])));
        assert_eq!(known.inject(to, 2, HANDSHAKE, &request), Handled::Dropped);
        assert_eq!(known.sent(to), None);
        assert_eq!(known.event(to), None);
        assert_eq!(known.inject(to, 3, DATA, b"on we go"), Handled::Consumed);
        assert_eq!(known.link.ends[to].data(), [b"on we go"]);
    }
}

/// Only a hello asks for another handshake.
#[test]
fn other_messages_after_the_handshake_end_the_connection() {
    for to in [CLIENT, SERVER] {
        let mut known = Known::connected();
        let finished = message(20, 9, &[0; 12]);
        assert_eq!(known.inject(to, 1, HANDSHAKE, &finished), Handled::Consumed);
        let cause = CloseCause::Unexpected("message after the handshake");
        assert_eq!(known.event(to), Some(Event::Closed(cause)));
        assert_eq!(known.sent(to), Some((ALERT, vec![2, 10])));
    }
}

#[test]
fn alerts_mean_what_they_say() {
    for to in [CLIENT, SERVER] {
        for (payload, cause, answer) in [
            (
                &[2, 40][..],
                CloseCause::PeerAlert(AlertDescription::HandshakeFailure),
                None,
            ),
            (
                &[2, 200],
                CloseCause::PeerAlert(AlertDescription::Unknown(200)),
                None,
            ),
            (&[1, 0], CloseCause::ClosedByPeer, Some([1, 0])),
            (&[2, 0], CloseCause::ClosedByPeer, Some([1, 0])),
            (&[9, 40], CloseCause::Illegal("alert level"), Some([2, 47])),
            (&[2], CloseCause::Malformed("alert"), Some([2, 50])),
            (&[2, 40, 1], CloseCause::Malformed("alert"), Some([2, 50])),
        ] {
            let mut known = Known::connected();
            assert_eq!(known.inject(to, 1, ALERT, payload), Handled::Consumed);
            assert_eq!(known.event(to), Some(Event::Closed(cause)));
            let answer = answer.map(|answer| (ALERT, answer.to_vec()));
            assert_eq!(known.sent(to), answer, "{payload:?}");
            assert_eq!(known.sent(to), None);
            assert_eq!(known.inject(to, 2, ALERT, &[2, 40]), Handled::Dropped);
            assert_eq!(known.event(to), None);
        }
        let mut known = Known::connected();
        assert_eq!(known.inject(to, 1, ALERT, &[1, 90]), Handled::Consumed);
        assert_eq!(known.event(to), None);
    }
}

#[test]
fn malformed_fragments_end_the_connection() {
    let mut known = Known::connected();
    assert_eq!(
        known.inject(SERVER, 1, HANDSHAKE, &[1, 0, 0]),
        Handled::Consumed
    );
    let cause = CloseCause::Malformed("handshake fragment");
    assert_eq!(known.event(SERVER), Some(Event::Closed(cause)));
    assert_eq!(known.sent(SERVER), Some((ALERT, vec![2, 50])));
}

#[test]
fn change_cipher_spec_has_no_place_any_more() {
    let mut known = Known::connected();
    assert_eq!(known.inject(SERVER, 1, 20, &[1]), Handled::Dropped);
    let stats = known.link.ends[SERVER].connection.stats();
    assert_eq!(stats.dropped(DropReason::OutOfPlace), 1);
}
