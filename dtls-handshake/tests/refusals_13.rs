//! Hellos of DTLS 1.3 that must be refused: each sender is told with the right alert, and the owner
//! learns the cause.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // tests

mod common;

use bytes::BytesMut;
use common::{configs_of, origin};
use dtls_handshake::{CloseCause, Config, Connection, Event, Group, Handled, Parameter, Version};

const BOTH: [Version; 2] = [Version::Dtls12, Version::Dtls13];
/// RFC 8446 §4.1.3.
const RETRY: [u8; 32] = [
    0xCF, 0x21, 0xAD, 0x74, 0xE5, 0x9A, 0x61, 0x11, 0xBE, 0x1D, 0x8C, 0x02, 0x1E, 0x65, 0xB8, 0x91,
    0xC2, 0xA2, 0x11, 0x16, 0x7A, 0xBB, 0x8C, 0x5E, 0x07, 0x9E, 0x09, 0xE2, 0xC8, 0xA8, 0x33, 0x9C,
];
const VERSIONS_1_3: &[u8] = &[0, 43, 0, 2, 0xFE, 0xFC];
const COOKIE: &[u8] = &[0, 44, 0, 4, 0, 2, 7, 7];
const RETRY_P256: &[u8] = &[0, 51, 0, 2, 0, 23];

fn handshake_record(kind: u8, message_seq: u16, body: &[u8]) -> Vec<u8> {
    let length = &(body.len() as u32).to_be_bytes()[1..];
    let mut out = vec![22, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0];
    out.extend(message_seq.to_be_bytes());
    out.extend((body.len() as u16 + 12).to_be_bytes());
    out.push(kind);
    out.extend(length);
    out.extend(message_seq.to_be_bytes());
    out.extend([0, 0, 0]);
    out.extend(length);
    out.extend(body);
    out
}

/// A ServerHello with these parts.
#[derive(Clone)]
struct Hello {
    version: [u8; 2],
    random: [u8; 32],
    session_id: Vec<u8>,
    suite: [u8; 2],
    compression: u8,
    extensions: Vec<u8>,
}

impl Hello {
    fn new(random: [u8; 32], extensions: &[&[u8]]) -> Self {
        Self {
            version: [0xFE, 0xFD],
            random,
            session_id: Vec::new(),
            suite: [0x13, 0x01],
            compression: 0,
            extensions: extensions.concat(),
        }
    }

    /// As a good ServerHello of DTLS 1.3 is, but for a share that nobody knows the secret of.
    fn good() -> Self {
        let share = [&[0, 51, 0, 36, 0, 29, 0, 32][..], &[9; 32]].concat();
        Self::new([5; 32], &[VERSIONS_1_3, &share])
    }

    fn body(&self) -> Vec<u8> {
        let mut out = self.version.to_vec();
        out.extend(self.random);
        out.push(self.session_id.len() as u8);
        out.extend(&self.session_id);
        out.extend(self.suite);
        out.push(self.compression);
        out.extend((self.extensions.len() as u16).to_be_bytes());
        out.extend(&self.extensions);
        out
    }
}

fn config() -> Config {
    let [config, _] = configs_of(&BOTH);
    config.with_groups(&[Group::X25519, Group::Secp256r1])
}

/// What a client makes of these answers, one after the other: its cause, if it ends.
fn answered(config: Config, hellos: &[Hello]) -> Option<CloseCause> {
    let mut client = Connection::client(config, [3; 32], origin());
    let mut out = BytesMut::new();
    for (seq, hello) in hellos.iter().enumerate() {
        while client.poll_transmit(&mut out).is_some() {}
        let mut record = handshake_record(2, seq as u16, &hello.body());
        let handled = client.handle_datagram(origin(), &mut record);
        assert_eq!(handled, Handled::Consumed);
    }
    let event = client.poll_event()?;
    let Event::Closed(cause) = event else {
        panic!("{event:?}");
    };
    out.clear();
    client.poll_transmit(&mut out).unwrap();
    // In the clear: nothing else was agreed on.
    assert_eq!(out[0], 21);
    assert_eq!(out[13..], [2, cause.alert().unwrap().into()], "{cause}");
    Some(cause)
}

fn refused(hello: Hello) -> CloseCause {
    answered(config(), &[hello]).unwrap_or_else(|| panic!("it is taken"))
}

#[test]
fn server_hellos_that_must_not_be() {
    assert_eq!(answered(config(), &[Hello::good()]), None);
    let illegal = CloseCause::Illegal;
    let change = |change: &dyn Fn(&mut Hello)| {
        let mut hello = Hello::good();
        change(&mut hello);
        refused(hello)
    };
    let cause = change(&|hello| hello.version = [0xFE, 0xFC]);
    assert_eq!(cause, illegal("version of ServerHello"));
    // RFC 9147 §5: a session id is not echoed.
    let cause = change(&|hello| hello.session_id = vec![1; 32]);
    assert_eq!(cause, illegal("session_id"));
    let cause = change(&|hello| hello.suite = [0x13, 0x04]);
    assert_eq!(cause, illegal("cipher_suite"));
    let cause = change(&|hello| hello.suite = [0xC0, 0x2B]);
    assert_eq!(cause, illegal("cipher_suite"));
    let cause = change(&|hello| hello.compression = 1);
    assert_eq!(cause, illegal("compression_method"));
    let cause = change(&|hello| hello.extensions.extend([0, 16, 0, 0]));
    assert_eq!(cause, CloseCause::UnsolicitedExtension);
    let cause = change(&|hello| hello.extensions.extend([0, 23, 0, 0]));
    assert_eq!(cause, illegal("extensions of ServerHello"));
    let cause = change(&|hello| hello.extensions.extend(COOKIE));
    assert_eq!(cause, illegal("extensions of ServerHello"));
    let cause = change(&|hello| hello.extensions.truncate(VERSIONS_1_3.len()));
    assert_eq!(cause, CloseCause::MissingExtension("key_share"));
    // A group that there is no share for, and one that was not offered.
    for group in [23, 24] {
        let cause = change(&|hello| hello.extensions[VERSIONS_1_3.len() + 5] = group);
        assert_eq!(cause, illegal("group of key_share"));
    }
    let cause = change(&|hello| hello.extensions[VERSIONS_1_3.len() + 8..].fill(0));
    assert_eq!(cause, illegal("key_share"), "an all-zero secret");
    // RFC 8446 §4.2.1: supported_versions is not for earlier ones.
    let cause = change(&|hello| hello.extensions[5] = 0xFD);
    assert_eq!(cause, illegal("supported_versions"));
}

/// RFC 8446 §4.1.3: whoever cuts the offer of 1.3 out is found out.
/// RFC 8446 §5.1: the ServerHello is the last message before a change of keys. What waits behind it
/// was not protected.
#[test]
fn nothing_stands_behind_a_hello_in_the_clear() {
    for (kind, seq) in [(8, 1), (11, 3), (20, 6)] {
        let mut client = Connection::client(config(), [3; 32], origin());
        let early = handshake_record(kind, seq, &[0; 40]);
        let hello = handshake_record(2, 0, &Hello::good().body());
        let handled = client.handle_datagram(origin(), &mut [early, hello].concat());
        assert_eq!(handled, Handled::Consumed);
        let cause = CloseCause::Unexpected("message behind a hello");
        assert_eq!(client.poll_event(), Some(Event::Closed(cause)));
    }
    let hello = client_hello(&[], &[0], &good_extensions());
    let mut server = Connection::server(config(), [3; 32], origin());
    let mut datagram = [
        handshake_record(1, 0, &hello),
        handshake_record(11, 1, &[0; 40]),
    ];
    datagram.reverse();
    // What comes before any hello is dropped: nobody has been heard yet.
    let handled = server.handle_datagram(origin(), &mut datagram.concat());
    assert_eq!((handled, server.poll_event()), (Handled::Consumed, None));
}

/// RFC 9147 §4: the version of a record says nothing where DTLS 1.3 may be spoken. Before anybody has
/// said hello it says that this is DTLS.
#[test]
fn versions_of_records_are_ignored_behind_a_hello() {
    for version in [[0xFE, 0xFC], [0xFE, 0x01], [3, 3], [0, 0]] {
        for (versions, taken) in [(&BOTH[..], true), (&BOTH[1..], true), (&BOTH[..1], false)] {
            let of_version = |mut record: Vec<u8>| {
                record[1..3].copy_from_slice(&version);
                record
            };
            let [config, _] = configs_of(versions);
            let mut client = Connection::client(config.clone(), [3; 32], origin());
            let mut answer = of_version(handshake_record(2, 0, &Hello::good().body()));
            let handled = client.handle_datagram(origin(), &mut answer);
            assert_eq!(
                handled == Handled::Consumed,
                taken,
                "{version:?} {versions:?}"
            );

            let mut server = Connection::server(config, [3; 32], origin());
            let hello = client_hello(&[], &[0], &good_extensions());
            let mut hello = of_version(handshake_record(1, 0, &hello));
            let handled = server.handle_datagram(origin(), &mut hello);
            assert_eq!(handled, Handled::Dropped);
        }
    }
}

/// RFC 9147 §5.1: it is a server of DTLS 1.2 that asks so.
#[test]
fn a_server_of_dtls_1_2_alone_has_no_version_in_common() {
    let [config, _] = configs_of(&[Version::Dtls13]);
    let mut client = Connection::client(config, [3; 32], origin());
    let mut request = handshake_record(3, 0, &[0xFE, 0xFF, 2, 7, 8]);
    let handled = client.handle_datagram(origin(), &mut request);
    assert_eq!(handled, Handled::Consumed);
    let cause = CloseCause::NothingInCommon(Parameter::Version);
    assert_eq!(client.poll_event(), Some(Event::Closed(cause)));
}

#[test]
fn downgrades_are_noticed() {
    let ems: &[u8] = &[0, 23, 0, 0];
    let mut hello = Hello::new([5; 32], &[ems]);
    hello.suite = [0xC0, 0x2B];
    assert_eq!(answered(config(), &[hello.clone()]), None);
    hello.random[24..].copy_from_slice(b"DOWNGRD\x01");
    let cause = CloseCause::Illegal("version: the server speaks a later one");
    assert_eq!(refused(hello.clone()), cause);
    // Who did not offer it is not deceived.
    let only_1_2 = config().with_versions(&[Version::Dtls12]);
    assert_eq!(answered(only_1_2, &[hello.clone()]), None);
    // A share in an answer of 1.2.
    let share = [ems, &[0, 51, 0, 36, 0, 29, 0, 32], &[9; 32]].concat();
    let mut mixed = Hello::new([5; 32], &[&share]);
    mixed.suite = [0xC0, 0x2B];
    assert_eq!(refused(mixed), CloseCause::UnsolicitedExtension);
    let only_1_3 = config().with_versions(&[Version::Dtls13]);
    let cause = CloseCause::NothingInCommon(Parameter::Version);
    assert_eq!(answered(only_1_3, &[hello]), Some(cause));
}

#[test]
fn retry_requests_that_must_not_be() {
    let retry = |extensions: &[&[u8]]| Hello::new(RETRY, &[&[VERSIONS_1_3], extensions].concat());
    assert_eq!(answered(config(), &[retry(&[RETRY_P256])]), None);
    assert_eq!(answered(config(), &[retry(&[COOKIE])]), None);
    assert_eq!(answered(config(), &[retry(&[COOKIE, RETRY_P256])]), None);
    let illegal = CloseCause::Illegal;
    // Nothing would change (RFC 8446 §4.1.4).
    assert_eq!(refused(retry(&[])), illegal("HelloRetryRequest"));
    // A group that was not offered, and one that there is a share of.
    for group in [24, 29] {
        let group = [0, 51, 0, 2, 0, group];
        assert_eq!(refused(retry(&[&group])), illegal("group of key_share"));
    }
    let cause = refused(retry(&[RETRY_P256, &[0, 16, 0, 0]]));
    assert_eq!(cause, CloseCause::UnsolicitedExtension);
    let cause = refused(retry(&[&[0, 44, 0, 2, 0, 0]]));
    assert_eq!(cause, CloseCause::Malformed("cookie"));

    let twice = [retry(&[COOKIE]), retry(&[RETRY_P256])];
    let cause = CloseCause::Unexpected("HelloRetryRequest");
    assert_eq!(answered(config(), &twice), Some(cause));
    // The second answer is of the same version and suite, and has the share that was asked for.
    let mut other = Hello::good();
    other.suite = [0x13, 0x02];
    let cause = answered(config(), &[retry(&[COOKIE]), other]);
    assert_eq!(cause, Some(illegal("cipher_suite")));
    let cause = answered(config(), &[retry(&[RETRY_P256]), Hello::good()]);
    assert_eq!(cause, Some(illegal("group of key_share")));
    let mut older = Hello::new([5; 32], &[&[0, 23, 0, 0]]);
    older.suite = [0xC0, 0x2B];
    let cause = answered(config(), &[retry(&[COOKIE]), older]);
    assert_eq!(cause, Some(illegal("supported_versions")));
}

/// A ClientHello with these extensions; empty parts are left out.
fn client_hello(legacy_cookie: &[u8], compression: &[u8], extensions: &[Vec<u8>]) -> Vec<u8> {
    let mut out = vec![0xFE, 0xFD];
    out.extend([6; 32]);
    out.push(0);
    out.push(legacy_cookie.len() as u8);
    out.extend(legacy_cookie);
    out.extend([0, 2, 0x13, 0x01]);
    out.push(compression.len() as u8);
    out.extend(compression);
    let extensions = extensions.concat();
    out.extend((extensions.len() as u16).to_be_bytes());
    out.extend(extensions);
    out
}

fn extension(kind: u16, body: &[u8]) -> Vec<u8> {
    let mut out = kind.to_be_bytes().to_vec();
    out.extend((body.len() as u16).to_be_bytes());
    out.extend(body);
    out
}

/// supported_groups, signature_algorithms, supported_versions, key_share.
fn good_extensions() -> Vec<Vec<u8>> {
    let share = [&[0, 36, 0, 29, 0, 32][..], &[9; 32]].concat();
    vec![
        extension(10, &[0, 4, 0, 29, 0, 23]),
        extension(13, &[0, 2, 4, 3]),
        extension(43, &[2, 0xFE, 0xFC]),
        extension(51, &share),
    ]
}

/// What a server makes of these ClientHellos.
fn asked(hellos: &[Vec<u8>]) -> Option<CloseCause> {
    let mut server = Connection::server(config(), [4; 32], origin());
    let mut out = BytesMut::new();
    for (seq, hello) in hellos.iter().enumerate() {
        let mut record = handshake_record(1, seq as u16, hello);
        let handled = server.handle_datagram(origin(), &mut record);
        assert_eq!(handled, Handled::Consumed);
        if seq + 1 < hellos.len() {
            while server.poll_transmit(&mut out).is_some() {}
        }
    }
    let event = server.poll_event()?;
    let Event::Closed(cause) = event else {
        panic!("{event:?}");
    };
    out.clear();
    server.poll_transmit(&mut out).unwrap();
    assert_eq!(out[13..], [2, cause.alert().unwrap().into()], "{cause}");
    Some(cause)
}

#[test]
fn client_hellos_that_must_not_be() {
    let good = good_extensions();
    let hello = |extensions: &[Vec<u8>]| asked(&[client_hello(&[], &[0], extensions)]);
    assert_eq!(hello(&good), None);
    let illegal = |what| Some(CloseCause::Illegal(what));
    // RFC 9147 §5.3, RFC 8446 §4.1.2.
    let cause = asked(&[client_hello(&[1], &[0], &good)]);
    assert_eq!(cause, illegal("legacy_cookie"));
    for compression in [&[][..], &[1], &[0, 1], &[0, 0]] {
        let cause = asked(&[client_hello(&[], compression, &good)]);
        assert_eq!(cause, illegal("compression_methods"), "{compression:?}");
    }
    // RFC 8446 §9.2.
    for (index, name) in [
        (0, "supported_groups"),
        (1, "signature_algorithms"),
        (3, "key_share"),
    ] {
        let mut fewer = good.clone();
        fewer.remove(index);
        assert_eq!(hello(&fewer), Some(CloseCause::MissingExtension(name)));
    }
    let with = |more: Vec<u8>| hello(&[good.clone(), vec![more]].concat());
    assert_eq!(with(extension(44, &[0, 1, 7])), illegal("cookie"));
    assert_eq!(with(extension(41, &[0; 9])), None, "not understood");
    let misplaced = [vec![extension(41, &[0; 9])], good.clone()].concat();
    assert_eq!(hello(&misplaced), illegal("place of pre_shared_key"));
    // RFC 8446 §4.2.8: one share for each group, of those that are listed.
    let entry = |group: u8| [&[0, group, 0, 32][..], &[9; 32]].concat();
    for groups in [[29, 29], [29, 24]] {
        let list = groups.map(entry).concat();
        let body = [&(list.len() as u16).to_be_bytes()[..], &list].concat();
        let mut other = good.clone();
        other[3] = extension(51, &body);
        assert_eq!(hello(&other), illegal("key_share"), "{groups:?}");
    }
    let mut zero = good.clone();
    zero[3] = extension(51, &[&[0, 36, 0, 29, 0, 32][..], &[0; 32]].concat());
    assert_eq!(hello(&zero), illegal("key_share"), "an all-zero secret");
}

#[test]
fn second_client_hellos_that_must_not_be() {
    let mut first = good_extensions();
    first[3] = extension(51, &[0, 0]);
    let second = good_extensions();
    let hellos = |first: &[Vec<u8>], second: &[Vec<u8>]| {
        asked(&[
            client_hello(&[], &[0], first),
            client_hello(&[], &[0], second),
        ])
    };
    assert_eq!(hellos(&first, &second), None);
    let illegal = |what| Some(CloseCause::Illegal(what));
    assert_eq!(hellos(&first, &first), illegal("key_share"), "none again");
    let mut two = second.clone();
    let list = [
        &[0, 36 + 4 + 65, 0, 29, 0, 32][..],
        &[9; 32],
        &[0, 23, 0, 65, 4],
        &[1; 64],
    ];
    two[3] = extension(51, &list.concat());
    assert_eq!(hellos(&first, &two), illegal("key_share"), "two");
    let with_cookie = [second.clone(), vec![extension(44, &[0, 1, 7])]].concat();
    assert_eq!(hellos(&first, &with_cookie), illegal("cookie"));
    let mut older = second.clone();
    older[2] = extension(43, &[2, 0xFE, 0xFD]);
    assert_eq!(hellos(&first, &older), illegal("supported_versions"));
    let mut without = second.clone();
    without.remove(3);
    let cause = CloseCause::MissingExtension("key_share");
    assert_eq!(hellos(&first, &without), Some(cause));
}
