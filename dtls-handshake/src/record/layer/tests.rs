//! Two sides of a record layer.

use super::*;
use crate::crypto::AeadAlgorithm;
use crate::record::{
    Ciphertext, DATA, HANDSHAKE, PROTECTED, Protection, Record, Records, connection_id,
};
use crate::wire::DTLS_1_2;

fn protection() -> Protection {
    Protection::new(AeadAlgorithm::Aes128Gcm, &[7; 16], &[1; 4]).unwrap()
}

fn only_record(datagram: &mut BytesMut) -> (RecordHeader, &mut [u8]) {
    match Records::new(datagram).next() {
        Some(Ok(Record::Explicit { header, payload })) => (header, payload),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_one_side_writes_the_other_opens_once() {
    let (mut ours, mut theirs) = (RecordLayer::new(), RecordLayer::new());
    ours.start_writing(PROTECTED, protection());
    theirs.start_reading(PROTECTED, protection());
    let mut wire = BytesMut::new();
    ours.write(
        PROTECTED,
        ContentType::ApplicationData,
        &[b"he", b"llo"],
        &mut wire,
    )
    .unwrap();
    assert_eq!(wire.len(), 5 + ours.overhead(PROTECTED));
    let mut forged = wire.clone();
    *forged.last_mut().unwrap() ^= 1;
    let (header, payload) = only_record(&mut forged);
    assert_eq!(theirs.open(&header, payload), Err(DropReason::NotAuthentic));
    let mut copy = wire.clone();
    let (header, payload) = only_record(&mut copy);
    assert_eq!(theirs.open(&header, payload).unwrap().payload, b"hello");
    let (header, payload) = only_record(&mut wire);
    assert_eq!(theirs.open(&header, payload), Err(DropReason::Replayed));
}

#[test]
fn an_epoch_without_keys_neither_opens_nor_writes() {
    let mut layer = RecordLayer::new();
    let mut out = BytesMut::new();
    assert!(
        layer
            .write(PROTECTED, ContentType::Alert, &[b"x"], &mut out)
            .is_err()
    );
    assert!(out.is_empty());
    let header = RecordHeader {
        content: ContentType::Alert,
        version: DTLS_1_2,
        epoch: 1,
        sequence: 0,
    };
    assert_eq!(
        layer.open(&header, &mut [0; 40]),
        Err(DropReason::WrongEpoch)
    );
}

fn ciphertext() -> Ciphertext {
    let iv = zeroize::Zeroizing::new([1; 12]);
    Ciphertext::new(AeadAlgorithm::Aes128Gcm, &[7; 16], iv, &[9; 16]).unwrap()
}

#[test]
fn keys_wear_by_what_they_protect_and_by_forgeries() {
    let mut layer = RecordLayer::new();
    layer.start_writing_at(DATA, ciphertext(), WRITTEN_LIMIT - 1);
    layer.start_reading(DATA, ciphertext());
    assert_eq!(layer.wear(), Wear::Little);
    let mut wire = BytesMut::new();
    layer
        .write(DATA, ContentType::Alert, &[b"x"], &mut wire)
        .unwrap();
    assert_eq!(layer.wear(), Wear::Writing);

    let mut forged = [0; 40];
    forged[0] = 0x23;
    for (before, wear) in [
        (0, Wear::Writing),
        (FORGED_LIMIT / 2 - 1, Wear::Reading),
        (FORGED_LIMIT - 1, Wear::WornOut),
    ] {
        layer.read[0].forged = before;
        let Some(Ok(Record::Unified { header, bytes })) = Records::new(&mut forged).next() else {
            panic!();
        };
        let refused = layer.open_unified(header, bytes);
        assert_eq!(refused, Err(DropReason::NotAuthentic));
        assert_eq!(layer.wear(), wear);
    }
}

/// RFC 9147 §4.2.2: two bits of the epoch travel.
#[test]
fn the_most_recent_epoch_with_the_bits_is_taken() {
    let mut layer = RecordLayer::new();
    layer.start_reading(HANDSHAKE, ciphertext());
    layer.start_reading(DATA, ciphertext());
    assert!(layer.reads_bits(2) && layer.reads_bits(3) && !layer.reads_bits(0));
    layer.start_reading(6, ciphertext());
    layer.start_writing(6, ciphertext());
    let mut wire = BytesMut::new();
    layer
        .write(6, ContentType::Alert, &[b"x"], &mut wire)
        .unwrap();
    let Some(Ok(Record::Unified { header, bytes })) = Records::new(&mut wire).next() else {
        panic!();
    };
    assert_eq!(layer.open_unified(header, bytes).unwrap().number.epoch, 6);
    layer.stop_reading_before(6);
    assert!(!layer.reads(HANDSHAKE) && layer.reads(6));
}

/// RFC 9146 §3: a side that gave an ID away takes no record without it, and one that gave none
/// takes none with it.
#[test]
fn connection_ids_are_where_they_were_settled() {
    let id = [1, 2, 3];
    let layers = |id: &[u8]| {
        let (mut ours, mut theirs) = (RecordLayer::new(), RecordLayer::new());
        ours.use_connection_ids(&[], id);
        theirs.use_connection_ids(id, &[]);
        ours.start_writing(PROTECTED, protection());
        theirs.start_reading(PROTECTED, protection());
        (ours, theirs)
    };
    let data = ContentType::ApplicationData;
    for (written, read, expected) in [
        (&id[..], &id[..], Ok(b"hello".to_vec())),
        (&[], &[], Ok(b"hello".to_vec())),
        (&[], &id, Err(DropReason::WrongConnectionId)),
        (&id, &[], Err(DropReason::WrongConnectionId)),
        (&[1, 2, 4], &id, Err(DropReason::WrongConnectionId)),
    ] {
        let mut wire = BytesMut::new();
        let (mut ours, _) = layers(written);
        ours.write(PROTECTED, data, &[b"hello"], &mut wire).unwrap();
        assert_eq!(wire.len(), 5 + ours.overhead(PROTECTED));
        assert_eq!(
            connection_id(&wire, written.len()).unwrap_or_default(),
            written
        );
        let (_, mut theirs) = layers(read);
        let opened = match Records::new(&mut wire).expecting(read).next().unwrap() {
            Ok(Record::Explicit { header, payload }) => theirs.open(&header, payload),
            Ok(other) => panic!("{other:?}"),
            Err(reason) => Err(reason),
        };
        let opened = opened.map(|opened| {
            assert_eq!(opened.content, Some(data));
            opened.payload.to_vec()
        });
        assert_eq!(opened, expected);
    }
}

#[test]
fn the_newest_record_is_known_once() {
    let (mut ours, mut theirs) = (RecordLayer::new(), RecordLayer::new());
    ours.start_writing(PROTECTED, protection());
    theirs.start_reading(PROTECTED, protection());
    let mut wires = [(); 3].map(|()| {
        let mut wire = BytesMut::new();
        let data = ContentType::ApplicationData;
        ours.write(PROTECTED, data, &[b"x"], &mut wire).unwrap();
        wire
    });
    let newest = [1, 0, 2].map(|index: usize| {
        let (header, payload) = only_record(&mut wires[index]);
        assert!(theirs.open(&header, payload).is_ok());
        theirs.take_newest()
    });
    assert_eq!(newest, [true, false, true]);
    assert!(!theirs.take_newest());
}
