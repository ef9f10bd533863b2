//! Frames through byte streams: whatever way they are cut on their way, they come out whole.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // helpers of tests

use bytes::BytesMut;
use proptest::collection::vec;
use proptest::prelude::*;
use stun_codec::stream::{Deframer, Framing, StreamError, WriteError};
use stun_codec::{Builder, Method, TransactionId};

const LONGEST: usize = 65_555;

fn stun(body: u16) -> Vec<u8> {
    let mut message = BytesMut::new();
    let id = TransactionId([7; 12]);
    Builder::request(&mut message, Method::BINDING, id)
        .finish()
        .unwrap();
    message.resize(20 + usize::from(body), 0xa5);
    message[2..4].copy_from_slice(&body.to_be_bytes());
    message.to_vec()
}

fn channel_data(payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u16).to_be_bytes();
    [&[0x40, 1], &length[..], payload].concat()
}

fn turn_frame() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        (0..300_u16).prop_map(|words| stun(words * 4)),
        vec(any::<u8>(), 0..600).prop_map(|payload| channel_data(&payload)),
    ]
}

fn conversation() -> impl Strategy<Value = (Framing, Vec<Vec<u8>>)> {
    prop_oneof![
        vec(turn_frame(), 0..20).prop_map(|frames| (Framing::Turn, frames)),
        vec(vec(any::<u8>(), 1..2000), 0..20).prop_map(|frames| (Framing::Rfc4571, frames)),
    ]
}

/// Pushes a stream in pieces of these lengths, over and over, and collects the frames.
fn cut(
    deframer: &mut Deframer,
    mut stream: &[u8],
    pieces: &[usize],
) -> Result<Vec<Vec<u8>>, StreamError> {
    let mut frames = Vec::new();
    let mut lengths = pieces.iter().cycle();
    while !stream.is_empty() {
        let piece = (*lengths.next().unwrap()).min(stream.len());
        let taken = deframer.push(&stream[..piece]);
        assert!(taken > 0, "there is room once all frames are taken out");
        stream = &stream[taken..];
        while let Some(frame) = deframer.next_frame()? {
            frames.push(frame.to_vec());
        }
    }
    Ok(frames)
}

proptest! {
    #[test]
    fn frames_come_out_as_they_went_in(
        (framing, frames) in conversation(),
        pieces in vec(1..3000_usize, 1..10),
        limit in 2000..4000_usize,
    ) {
        let mut stream = BytesMut::new();
        for frame in &frames {
            framing.write(frame, &mut stream).unwrap();
        }
        let mut deframer = Deframer::new(framing, limit);
        prop_assert_eq!(cut(&mut deframer, &stream, &pieces), Ok(frames));
        prop_assert!(deframer.is_between_frames());
    }

    #[test]
    fn any_bytes_are_cut_alike_however_they_come(
        turn in any::<bool>(),
        stream in vec(any::<u8>(), 0..400),
        pieces in vec(1..50_usize, 1..10),
        limit in 0..200_usize,
    ) {
        let framing = if turn { Framing::Turn } else { Framing::Rfc4571 };
        let whole = cut(&mut Deframer::new(framing, limit), &stream, &[1]);
        let mut deframer = Deframer::new(framing, limit);
        let pieces = cut(&mut deframer, &stream, &pieces);
        prop_assert_eq!(&pieces, &whole);
        if let Err(error) = whole {
            prop_assert_eq!(deframer.push(&stream), stream.len(), "forgotten");
            prop_assert_eq!(deframer.next_frame(), Err(error), "and broken for good");
        }
    }
}

#[test]
fn channel_data_is_padded_in_the_stream_and_not_in_the_frame() {
    let mut stream = BytesMut::new();
    Framing::Turn
        .write(&channel_data(b"12345"), &mut stream)
        .unwrap();
    assert_eq!(&stream[..], b"\x40\x01\x00\x0512345\0\0\0");
    let mut deframer = Deframer::new(Framing::Turn, 9);
    assert_eq!(deframer.push(&stream[..11]), 11);
    assert_eq!(
        deframer.next_frame(),
        Ok(None),
        "a byte of padding is missing"
    );
    assert!(!deframer.is_between_frames());
    assert_eq!(deframer.push(&stream[11..]), 1);
    assert_eq!(
        deframer.next_frame(),
        Ok(Some(&mut b"\x40\x01\x00\x0512345".to_owned()[..]))
    );
}

#[test]
fn the_longest_frames_pass() {
    let frames = [
        (Framing::Turn, stun(65_532)),
        (Framing::Turn, channel_data(&vec![1; 65_535])),
        (Framing::Rfc4571, vec![2; 65_535]),
    ];
    for (framing, frame) in frames {
        let mut stream = BytesMut::new();
        framing.write(&frame, &mut stream).unwrap();
        let mut deframer = Deframer::new(framing, LONGEST);
        let cut = cut(&mut deframer, &stream, &[1448]).unwrap();
        assert!(cut == [frame]);
    }
    let too_long = Framing::Rfc4571.write(&vec![2; 65_536], &mut BytesMut::new());
    assert_eq!(too_long, Err(WriteError::TooLong(65_536)));
}

#[test]
fn a_stream_out_of_step_says_why() {
    let broken = |framing, stream: &[u8]| cut(&mut Deframer::new(framing, 100), stream, &[3]);
    // "GE" could be a channel: then "T " is a length.
    let (length, limit) = (4 + 0x5420, 100);
    assert_eq!(
        broken(Framing::Turn, b"GET / HTTP/1.1\r\n"),
        Err(StreamError::TooLong { length, limit })
    );
    assert_eq!(
        broken(Framing::Turn, &[0x16, 3, 1, 0, 0, 0, 0, 0]),
        Err(StreamError::MagicCookie { found: 0 })
    );
    assert_eq!(
        broken(Framing::Turn, &[0x80, 0]),
        Err(StreamError::Neither { first: 0x80 })
    );
    let mut unaligned = stun(8);
    unaligned[3] = 7;
    assert_eq!(
        broken(Framing::Turn, &unaligned),
        Err(StreamError::Unaligned { length: 7 })
    );
    let (length, limit) = (101, 100);
    assert_eq!(
        broken(Framing::Rfc4571, &[0, 101]),
        Err(StreamError::TooLong { length, limit })
    );
    assert_eq!(
        broken(Framing::Turn, &channel_data(&[1; 97])),
        Err(StreamError::TooLong { length, limit })
    );
}

#[test]
fn what_is_no_frame_is_not_written() {
    let mut out = BytesMut::new();
    let mut short = stun(8);
    short.pop();
    let long = [stun(8), vec![0]].concat();
    for wrong in [&[][..], b"hello", &short, &long, &channel_data(b"abc")[..6]] {
        let written = Framing::Turn.write(wrong, &mut out);
        assert_eq!(written, Err(WriteError::NotAFrame), "{wrong:02x?}");
    }
    assert!(out.is_empty());
}

#[test]
fn empty_frames_of_rfc_4571_are_passed_over() {
    let mut deframer = Deframer::new(Framing::Rfc4571, 10);
    let frames = cut(&mut deframer, b"\0\0\0\x01a\0\0\0\0\0\x01b", &[100]).unwrap();
    assert_eq!(frames, [b"a", b"b"]);
}

#[test]
fn a_stream_that_carries_a_peers_is_handed_over_behind_the_answer() {
    let refused = [&b"\x01\x1b\0\0\x21\x12\xa4\x42"[..], &[7; 12]].concat();
    let granted = [&b"\x01\x0b\0\0\x21\x12\xa4\x42"[..], &[8; 12]].concat();
    let bytes = [&refused[..], &granted, b"\x80what a peer says"].concat();
    for piece in [1, 3, 20, 21, 100] {
        let mut deframer = Deframer::new(Framing::TurnData, 1500);
        let mut frames = Vec::new();
        for mut arrived in bytes.chunks(piece) {
            while !arrived.is_empty() {
                let taken = deframer.push(arrived);
                arrived = &arrived[taken..];
                while let Some(frame) = deframer.next_frame().unwrap() {
                    frames.push(frame.to_vec());
                }
            }
        }
        assert_eq!(frames[..2], [refused.clone(), granted.clone()], "{piece}");
        assert_eq!(frames[2..].concat(), b"\x80what a peer says", "{piece}");
        assert!(deframer.is_between_frames());
    }
    // Nothing but STUN before that, and nothing is added on the way out.
    let mut deframer = Deframer::new(Framing::TurnData, 1500);
    let _ = deframer.push(&[0x40, 0, 0, 1]);
    assert_eq!(
        deframer.next_frame(),
        Err(StreamError::Neither { first: 0x40 })
    );
    let mut out = BytesMut::new();
    Framing::TurnData.write(b"abc", &mut out).unwrap();
    assert_eq!(out[..], *b"abc");
}
