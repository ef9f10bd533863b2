//! A flight on its way, in the clear and protected.

use super::*;
use crate::crypto::{AeadAlgorithm, HashAlgorithm};
use crate::record::{HANDSHAKE, Record, Records};
use crate::v13::ScheduleSecret;
use crate::wire::Reader;

fn flight() -> Flight {
    let mut flight = Flight::default();
    flight.push(PLAIN, HandshakeType::ServerHello, |w| w.bytes(&[1; 70]));
    flight.push(PLAIN, HandshakeType::Certificate, |w| w.bytes(&[2; 900]));
    flight.push(PLAIN, HandshakeType::ServerHelloDone, |_| {});
    flight.push_change_cipher_spec();
    flight
}

fn datagrams(flight: &mut Flight, records: &mut RecordLayer, mtu: usize) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    loop {
        let mut out = BytesMut::new();
        if !flight.write_datagram(records, mtu, &mut out) {
            return all;
        }
        all.push(out.to_vec());
    }
}

#[test]
fn fragments_cover_each_message_and_datagrams_keep_the_mtu() {
    for mtu in [256, 300, 576, 1200] {
        let mut records = RecordLayer::new();
        let mut flight = flight();
        let mut lengths = [0; 3];
        let mut change_cipher_specs = 0;
        let mut sequence = 0;
        for mut datagram in datagrams(&mut flight, &mut records, mtu) {
            assert!(datagram.len() <= mtu);
            for record in Records::new(&mut datagram) {
                let Ok(Record::Explicit { header, payload }) = record else {
                    panic!("{record:?}");
                };
                assert_eq!(header.sequence, sequence);
                sequence += 1;
                if header.content == ContentType::ChangeCipherSpec {
                    change_cipher_specs += 1;
                    continue;
                }
                let fragment = Fragment::read(&mut Reader::new(payload)).unwrap();
                let covered = &mut lengths[usize::from(fragment.message_seq)];
                assert_eq!(fragment.offset, *covered);
                *covered += fragment.bytes.len();
            }
        }
        assert_eq!(lengths, [70, 900, 0]);
        assert_eq!(change_cipher_specs, 1);
        assert!(flight.is_sent() && !flight.is_empty());
    }
}

#[test]
fn rewinding_replaces_what_was_not_sent() {
    let mut records = RecordLayer::new();
    let mut flight = flight();
    let whole = datagrams(&mut flight, &mut records, 300).len();
    flight.rewind();
    assert!(flight.write_datagram(&mut records, 300, &mut BytesMut::new()));
    flight.rewind();
    assert_eq!(datagrams(&mut flight, &mut records, 300).len(), whole);
}

#[test]
fn what_is_acknowledged_is_not_sent_again() {
    let mut records = RecordLayer::new();
    let mut flight = Flight::default();
    flight.push(PLAIN, HandshakeType::Certificate, |w| w.bytes(&[2; 900]));
    flight.push(PLAIN, HandshakeType::Finished, |w| w.bytes(&[3; 32]));
    let plain = |sequence| RecordNumber {
        epoch: PLAIN,
        sequence,
    };
    assert_eq!(datagrams(&mut flight, &mut records, 300).len(), 4);
    assert!(!flight.is_partly_acknowledged());
    assert!(flight.acknowledge(plain(0)) && flight.acknowledge(plain(2)));
    assert!(!flight.acknowledge(plain(2)), "twice");
    assert!(!flight.acknowledge(plain(99)), "never sent");
    assert!(flight.is_partly_acknowledged() && !flight.is_acknowledged());
    flight.rewind();
    // The second and last part of the Certificate, in smaller records, and the Finished.
    let again = datagrams(&mut flight, &mut records, 200);
    let lengths: usize = again.iter().map(Vec::len).sum();
    let parts = 900 - 2 * (300 - 25) + 32;
    assert_eq!(lengths, parts + 25 * 5);
    for sequence in 5..10 {
        assert!(!flight.is_acknowledged());
        assert!(flight.acknowledge(plain(sequence)), "{sequence}");
    }
    assert!(flight.is_acknowledged());
    flight.rewind();
    assert!(datagrams(&mut flight, &mut records, 200).is_empty());
}

/// A layer that writes in the epoch of the handshake of DTLS 1.3.
fn protected() -> RecordLayer {
    let secret = ScheduleSecret::new(HashAlgorithm::Sha256, &[7; 32]);
    let mut records = RecordLayer::new();
    records.start_writing(
        HANDSHAKE,
        secret.record_keys(AeadAlgorithm::Aes128Gcm).unwrap(),
    );
    records
}

fn protected_flight() -> Flight {
    let mut flight = Flight::default();
    for (kind, length) in [
        (HandshakeType::EncryptedExtensions, 2),
        (HandshakeType::CertificateRequest, 40),
        (HandshakeType::Certificate, 700),
        (HandshakeType::CertificateVerify, 76),
        (HandshakeType::Finished, 32),
    ] {
        flight.push(HANDSHAKE, kind, |w| w.bytes(&vec![1; length]));
    }
    flight
}

/// What messages and their headers take in one record, and the record itself.
const BODIES: usize = 2 + 40 + 700 + 76 + 32;
const OVERHEAD: usize = 5 + 1 + 16;

#[test]
fn protected_messages_share_a_record() {
    let (mut flight, mut records) = (protected_flight(), protected());
    let sent = datagrams(&mut flight, &mut records, 1200);
    let lengths: Vec<_> = sent.iter().map(Vec::len).collect();
    assert_eq!(lengths, [BODIES + 5 * HANDSHAKE_HEADER_LENGTH + OVERHEAD]);
}

/// Nothing of a datagram is left unused while there is more to send.
#[test]
fn datagrams_of_protected_messages_are_full() {
    for mtu in 256..400 {
        let (mut flight, mut records) = (protected_flight(), protected());
        let sent = datagrams(&mut flight, &mut records, mtu);
        let (last, full) = sent.split_last().unwrap();
        assert!(last.len() <= mtu);
        for datagram in full {
            // A header and one byte would not have fit.
            assert!(
                (mtu - HANDSHAKE_HEADER_LENGTH..=mtu).contains(&datagram.len()),
                "{mtu}"
            );
        }
        let bytes: usize = sent.iter().map(Vec::len).sum();
        let most = BODIES + sent.len() * OVERHEAD + (4 + sent.len()) * HANDSHAKE_HEADER_LENGTH;
        assert!(bytes <= most, "{bytes} of {most} at {mtu}");
    }
}

/// Of a record everything in it is acknowledged, and nothing else.
#[test]
fn a_record_of_several_messages_is_acknowledged_whole() {
    let (mut flight, mut records) = (protected_flight(), protected());
    assert_eq!(datagrams(&mut flight, &mut records, 300).len(), 4);
    let number = |sequence| RecordNumber {
        epoch: HANDSHAKE,
        sequence,
    };
    for sequence in [0, 3] {
        assert!(flight.acknowledge(number(sequence)));
    }
    assert!(!flight.is_acknowledged());
    flight.rewind();
    // The two records in the middle: the rest of the Certificate alone, in as many bytes.
    let again = datagrams(&mut flight, &mut records, 300);
    assert_eq!(again.len(), 2);
    for sequence in [4, 5] {
        assert!(flight.acknowledge(number(sequence)));
    }
    assert!(flight.is_acknowledged());
}

/// Connection IDs can be so long that nothing fits. Then nothing is sent, and not without end.
#[test]
fn where_nothing_fits_nothing_is_sent() {
    for room in 0..=HANDSHAKE_HEADER_LENGTH {
        let (mut flight, mut records) = (protected_flight(), protected());
        let sent = datagrams(&mut flight, &mut records, OVERHEAD + room);
        assert!(sent.is_empty(), "{room}");
    }
}
