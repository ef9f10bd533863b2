//! A peer of DTLS 1.3 that has the keys and does not keep the rules: its records authenticate, and
//! what they say is answered with an alert and a cause.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // tests

mod common;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::BytesMut;
use common::{Link, configs_of};
use dtls_handshake::testing::{OpenedRecord, TrafficSecret};
use dtls_handshake::{
    AlertDescription, CloseCause, Connection, DropReason, Event, Group, Handled, Version,
};
use virtual_network::Weather;

const CLIENT: usize = 0;
const SERVER: usize = 1;
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const DATA: u8 = 23;
const ACK: u8 = 26;
/// More than were sent before.
const NEXT: u64 = 100;

/// A link whose keys are known from the key log.
struct Known {
    link: Link,
    log: Arc<Mutex<Vec<String>>>,
}

impl Known {
    fn new() -> Self {
        let log = Arc::new(Mutex::new(Vec::new()));
        let configs = configs_of(&[Version::Dtls13]).map(|config| {
            let log = log.clone();
            config
                .with_mtu(256)
                .with_groups(&[Group::X25519])
                .with_key_log(move |line| log.lock().unwrap().push(line.to_owned()))
        });
        let weather = Weather::calm(Duration::from_millis(10));
        let link = Link::new(configs, 21, weather).introduced();
        Self { link, log }
    }

    /// After the handshake, with nothing under way.
    fn connected() -> Self {
        let mut known = Self::new();
        known.link.deliver();
        assert!(known.link.ends.iter().all(|end| end.connected.is_some()));
        known
    }

    /// The client has the ServerHello and nothing else of the server's flight, which is lost.
    fn hello_exchanged() -> Self {
        let mut known = Self::new();
        known.link.drain();
        known.link.step();
        known.link.drain();
        let now = known.link.now();
        let (to, mut first) = known.link.take_under_way().remove(0);
        assert_eq!(to, CLIENT);
        let _: Handled = known.link.ends[CLIENT]
            .connection
            .handle_datagram(now, &mut first[..13 + 12 + 90]);
        known
    }

    /// The secret of what this side writes, in the handshake or after it.
    fn secret(&self, of: usize, epoch: u64) -> TrafficSecret {
        let side = ["CLIENT", "SERVER"][of];
        let label = match epoch {
            2 => format!("{side}_HANDSHAKE_TRAFFIC_SECRET "),
            _ => format!("{side}_TRAFFIC_SECRET_0 "),
        };
        let log = self.log.lock().unwrap();
        let line = log.iter().find(|line| line.starts_with(&label)).unwrap();
        let secret = hex::decode(line.split(' ').nth(2).unwrap()).unwrap();
        TrafficSecret::new(0x1301, &secret).unwrap()
    }

    /// Sends a protected record as if from the peer of `to`.
    fn inject(
        &mut self,
        to: usize,
        (epoch, sequence): (u64, u64),
        content: u8,
        payload: &[u8],
    ) -> Handled {
        let secret = self.secret(1 - to, epoch);
        let mut datagram = secret.seal(epoch, sequence, content, payload).unwrap();
        let now = self.link.now();
        self.connection(to).handle_datagram(now, &mut datagram)
    }

    fn connection(&mut self, side: usize) -> &mut Connection {
        &mut self.link.ends[side].connection
    }

    /// What one side sends next in this epoch.
    fn sent(&mut self, by: usize, epoch: u64) -> Option<OpenedRecord> {
        let mut out = BytesMut::new();
        let range = self.connection(by).poll_transmit(&mut out)?;
        let secret = self.secret(by, epoch);
        secret.open(epoch, 0, &mut out[range]).into_iter().next()
    }

    /// The end of one side, which it tells in this epoch.
    fn ends(&mut self, side: usize, epoch: u64, cause: CloseCause) {
        let event = self.connection(side).poll_event();
        assert_eq!(event, Some(Event::Closed(cause)));
        let alert = cause.alert().unwrap();
        let told = self.sent(side, epoch).unwrap();
        assert_eq!(told.content, Some(ALERT), "{cause}");
        assert_eq!(told.payload, [2, alert.into()], "{cause}");
        assert_eq!(self.connection(side).poll_timeout(), None);
        assert_eq!(self.connection(side).poll_event(), None);
    }
}

fn message(kind: u8, message_seq: u16, body: &[u8]) -> Vec<u8> {
    let length = &(body.len() as u32).to_be_bytes()[1..];
    let mut out = vec![kind];
    out.extend(length);
    out.extend(message_seq.to_be_bytes());
    out.extend([0, 0, 0]);
    out.extend(length);
    out.extend(body);
    out
}

/// The server's EncryptedExtensions, its second message.
#[test]
fn extensions_that_must_not_be() {
    for (body, cause) in [
        // server_name, application_layer_protocol_negotiation: never offered.
        (&[0, 4, 0, 0, 0, 0][..], CloseCause::UnsolicitedExtension),
        (&[0, 4, 0, 16, 0, 0], CloseCause::UnsolicitedExtension),
        // key_share has its place elsewhere (RFC 8446 §4.2).
        (
            &[0, 4, 0, 51, 0, 0],
            CloseCause::Illegal("extensions of EncryptedExtensions"),
        ),
        (&[0, 5, 0, 16, 0, 0], CloseCause::Malformed("extensions")),
        (&[], CloseCause::Malformed("EncryptedExtensions")),
        (&[0, 0, 7], CloseCause::Malformed("EncryptedExtensions")),
    ] {
        let mut known = Known::hello_exchanged();
        let extensions = message(8, 1, body);
        let _: Handled = known.inject(CLIENT, (2, NEXT), HANDSHAKE, &extensions);
        known.ends(CLIENT, 2, cause);
    }
}

/// RFC 8446 §5.1: nothing stands between Finished and the change of keys. The server has no keys for
/// what a client writes after the handshake before it has the client's Finished: it is told in those
/// of the handshake.
#[test]
fn nothing_comes_behind_finished() {
    let mut known = Known::hello_exchanged();
    let behind = message(20, 6, &[0; 32]);
    let handled = known.inject(CLIENT, (2, NEXT), HANDSHAKE, &behind);
    assert_eq!(handled, Handled::Consumed);
    while known.link.causes()[SERVER].is_none() {
        assert!(known.link.step());
        known.link.drain();
    }
    let cause = CloseCause::Unexpected("message behind Finished");
    assert_eq!(known.link.causes()[CLIENT], Some(cause));
    let told = CloseCause::PeerAlert(AlertDescription::UnexpectedMessage);
    assert_eq!(known.link.causes()[SERVER], Some(told));
}

/// The keys of the handshake still verify after it, for what comes again. New messages in them are
/// none.
#[test]
fn new_messages_in_an_epoch_that_is_over() {
    let mut known = Known::connected();
    let another = message(20, 4, &[0; 32]);
    let _: Handled = known.inject(SERVER, (2, NEXT), HANDSHAKE, &another);
    let cause = CloseCause::Unexpected("message of an epoch that is over");
    known.ends(SERVER, 3, cause);
}

/// Each message that can come after the ServerHello, in a state that is not its own.
#[test]
fn messages_out_of_their_order() {
    let names = [
        (2, "ServerHello"),
        (4, "NewSessionTicket"),
        (11, "Certificate"),
        (13, "CertificateRequest"),
        (15, "CertificateVerify"),
        (20, "Finished"),
        (24, "KeyUpdate"),
        (99, "handshake message of unknown type"),
    ];
    for (kind, name) in names {
        let mut known = Known::hello_exchanged();
        let _: Handled = known.inject(CLIENT, (2, NEXT), HANDSHAKE, &message(kind, 1, &[0; 40]));
        known.ends(CLIENT, 2, CloseCause::Unexpected(name));
    }
}

#[test]
fn certificate_requests_that_must_not_be() {
    let extensions = message(8, 1, &[0, 0]);
    for (body, cause) in [
        // A context (RFC 8446 §4.3.2).
        (
            &[1, 7, 0, 8, 0, 13, 0, 4, 0, 2, 4, 3][..],
            CloseCause::Illegal("context of CertificateRequest"),
        ),
        (
            &[0, 0, 0],
            CloseCause::MissingExtension("signature_algorithms"),
        ),
        (
            &[0, 0, 6, 0, 13, 0, 2, 0, 0],
            CloseCause::Malformed("signature_algorithms"),
        ),
    ] {
        let mut known = Known::hello_exchanged();
        let both = [&extensions[..], &message(13, 2, body)].concat();
        let _: Handled = known.inject(CLIENT, (2, NEXT), HANDSHAKE, &both);
        known.ends(CLIENT, 2, cause);
    }
}

#[test]
fn a_server_without_a_certificate() {
    let mut known = Known::hello_exchanged();
    let flight = [message(8, 1, &[0, 0]), message(11, 2, &[0, 0, 0, 0])].concat();
    let _: Handled = known.inject(CLIENT, (2, NEXT), HANDSHAKE, &flight);
    known.ends(CLIENT, 2, CloseCause::Malformed("Certificate"));
}

/// A client that has none is told so by an alert of its own (RFC 8446 §4.4.2.4).
#[test]
fn a_client_without_a_certificate() {
    let mut known = Known::hello_exchanged();
    let empty = message(11, 1, &[0, 0, 0, 0]);
    let _: Handled = known.inject(SERVER, (2, NEXT), HANDSHAKE, &empty);
    let cause = CloseCause::PeerCertificateRequired;
    known.ends(SERVER, 3, cause);
    assert_eq!(cause.alert(), Some(AlertDescription::CertificateRequired));
}

#[test]
fn records_that_must_not_be() {
    for (epoch, content, payload, cause) in [
        (3, HANDSHAKE, &[][..], "empty handshake record"),
        (3, 20, &[1], "change_cipher_spec"),
        (3, 24, &[1, 0, 0], "content type"),
        (3, 0, &[0, 0], "record of padding alone"),
        (2, DATA, b"data", "application data"),
    ] {
        for to in [CLIENT, SERVER] {
            // A client that was acknowledged reads nothing of the handshake any more.
            if (to, epoch) == (CLIENT, 2) {
                continue;
            }
            let mut known = Known::connected();
            let _: Handled = known.inject(to, (epoch, NEXT), content, payload);
            let event = known.connection(to).poll_event();
            let expected = Event::Closed(CloseCause::Unexpected(cause));
            assert_eq!(event, Some(expected), "{cause}");
        }
    }
    let mut known = Known::connected();
    let _: Handled = known.inject(CLIENT, (3, NEXT), DATA, &[0; (1 << 14) + 1]);
    known.ends(CLIENT, 3, CloseCause::Oversized);
    let mut known = Known::connected();
    let _: Handled = known.inject(CLIENT, (3, NEXT), ACK, &[0, 3, 1, 2, 3]);
    known.ends(CLIENT, 3, CloseCause::Malformed("ACK"));
    // What was never sent is not there to be acknowledged.
    let mut known = Known::connected();
    let strange = [&[0, 16][..], &3_u64.to_be_bytes(), &99_u64.to_be_bytes()].concat();
    let handled = known.inject(CLIENT, (3, NEXT), ACK, &strange);
    assert_eq!(handled, Handled::Consumed);
    assert_eq!(known.connection(CLIENT).poll_event(), None);
}

/// The number of the first message after the handshake: the server has sent six, the client four.
fn first_after(of: usize) -> u16 {
    [4, 6][of]
}

#[test]
fn messages_after_the_handshake() {
    let ticket = [0, 0, 1, 0, 9, 9, 9, 9, 1, 7, 0, 2, 5, 5, 0, 0];
    let mut known = Known::connected();
    let ticket = |seq| message(4, seq, &ticket);
    // A ticket is acknowledged, again when it comes again, and nothing else.
    for sequence in [NEXT, NEXT + 1] {
        let first = ticket(first_after(SERVER));
        let _: Handled = known.inject(CLIENT, (3, sequence), HANDSHAKE, &first);
        let ack = known.sent(CLIENT, 3).unwrap();
        let number = [3_u64.to_be_bytes(), sequence.to_be_bytes()].concat();
        assert_eq!(ack.content, Some(ACK));
        assert_eq!(ack.payload, [&[0, 16][..], &number].concat());
        assert_eq!(known.connection(CLIENT).poll_event(), None);
    }
    for (to, kind, body, cause) in [
        (
            SERVER,
            4,
            &ticket(0)[12..],
            CloseCause::Unexpected("NewSessionTicket"),
        ),
        (
            CLIENT,
            4,
            &[0; 7],
            CloseCause::Malformed("NewSessionTicket"),
        ),
        (
            CLIENT,
            13,
            &[0, 0, 0],
            CloseCause::Unexpected("CertificateRequest"),
        ),
        (SERVER, 1, &[0; 50], CloseCause::Unexpected("ClientHello")),
        (CLIENT, 0, &[], CloseCause::Unexpected("HelloRequest")),
        (CLIENT, 24, &[2], CloseCause::Illegal("request_update")),
        (SERVER, 24, &[], CloseCause::Malformed("KeyUpdate")),
        (SERVER, 24, &[0, 0], CloseCause::Malformed("KeyUpdate")),
        (CLIENT, 20, &[0; 32], CloseCause::Unexpected("Finished")),
    ] {
        let mut known = Known::connected();
        let message = message(kind, first_after(1 - to), body);
        let _: Handled = known.inject(to, (3, NEXT), HANDSHAKE, &message);
        known.ends(to, 3, cause);
    }
}

#[test]
fn floods_after_the_handshake_end() {
    let ticket = [0, 0, 1, 0, 9, 9, 9, 9, 1, 7, 0, 2, 5, 5, 0, 0];
    let mut known = Known::connected();
    for index in 0..33 {
        assert_eq!(known.connection(CLIENT).poll_event(), None, "{index}");
        let ticket = message(4, first_after(SERVER) + index, &ticket);
        let number = (3, NEXT + u64::from(index));
        let _: Handled = known.inject(CLIENT, number, HANDSHAKE, &ticket);
    }
    let flood = CloseCause::Unexpected("flood of handshake messages");
    let event = known.connection(CLIENT).poll_event();
    assert_eq!(event, Some(Event::Closed(flood)));

    let mut known = Known::connected();
    for index in 0..33 {
        assert_eq!(known.connection(SERVER).poll_event(), None, "{index}");
        let _: Handled = known.inject(SERVER, (3, NEXT + index), ALERT, &[1, 90]);
    }
    let cause = CloseCause::PeerAlert(AlertDescription::UserCanceled);
    let event = known.connection(SERVER).poll_event();
    assert_eq!(event, Some(Event::Closed(cause)));
}

/// RFC 8446 §6: the level says nothing.
#[test]
fn alerts_mean_what_they_say() {
    let unknown = AlertDescription::from(200);
    for (payload, cause) in [
        (&[1, 0][..], CloseCause::ClosedByPeer),
        (&[2, 0], CloseCause::ClosedByPeer),
        (
            &[2, 40],
            CloseCause::PeerAlert(AlertDescription::HandshakeFailure),
        ),
        (
            &[1, 40],
            CloseCause::PeerAlert(AlertDescription::HandshakeFailure),
        ),
        (&[1, 200], CloseCause::PeerAlert(unknown)),
        (&[1], CloseCause::Malformed("alert")),
        (&[2, 40, 2, 40], CloseCause::Malformed("alert")),
    ] {
        for to in [CLIENT, SERVER] {
            let mut known = Known::connected();
            let _: Handled = known.inject(to, (3, NEXT), ALERT, payload);
            let event = known.connection(to).poll_event();
            assert_eq!(event, Some(Event::Closed(cause)), "{payload:?}");
        }
    }
}

/// What is not protected counts no more once anything that was has come (RFC 9147 §4.1).
#[test]
fn what_is_not_protected_says_nothing_after_the_hellos() {
    let alert = [21, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 2, 40];
    let ack = [26, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 0, 0];
    let mut known = Known::hello_exchanged();
    let _: Handled = known.inject(CLIENT, (2, NEXT), HANDSHAKE, &message(8, 1, &[0, 0]));
    let mut after = Known::connected();
    for datagram in [alert, ack] {
        let ends = [(&mut known, CLIENT), (&mut after, CLIENT)];
        for (known, side) in ends {
            let now = known.link.now();
            let handled = known
                .connection(side)
                .handle_datagram(now, &mut datagram.clone());
            assert_eq!(handled, Handled::Dropped);
            assert_eq!(known.connection(side).poll_event(), None);
        }
    }
    let stats = known.connection(CLIENT).stats();
    assert_eq!(stats.dropped(DropReason::Unprotected), 2);
}
