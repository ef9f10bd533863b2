//! Any bytes as a stream, in any pieces: the frames do not depend on the pieces, none is longer
//! than the limit, no more is held than one of them, and what came out can be written again.
//!
//! Input: the framing, the limit and the length of the pieces, a byte each, then the stream.
#![no_main]

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use stun_codec::stream::{Deframer, Framing, StreamError};

/// All frames of a stream, and why it broke.
fn cut(
    framing: Framing,
    limit: usize,
    piece: usize,
    mut stream: &[u8],
) -> (Vec<Vec<u8>>, Option<StreamError>) {
    let mut deframer = Deframer::new(framing, limit);
    let mut frames = Vec::new();
    while !stream.is_empty() {
        let taken = deframer.push(&stream[..piece.min(stream.len())]);
        assert!(taken > 0, "stuck");
        stream = &stream[taken..];
        loop {
            match deframer.next_frame() {
                Ok(Some(frame)) => frames.push(frame.to_vec()),
                Ok(None) => break,
                Err(error) => return (frames, Some(error)),
            }
        }
    }
    (frames, None)
}

fuzz_target!(|data: &[u8]| {
    let Some((&[framing, limit, piece], stream)) = data.split_first_chunk::<3>() else {
        return;
    };
    let framing = match framing & 1 {
        0 => Framing::Turn,
        _ => Framing::Rfc4571,
    };
    let limit = usize::from(limit) * 4;
    let whole = cut(framing, limit, usize::from(piece) + 1, stream);
    assert_eq!(whole, cut(framing, limit, 1, stream));
    let (frames, _) = whole;
    let mut again = BytesMut::new();
    for frame in &frames {
        assert!((1..=limit).contains(&frame.len()));
        framing
            .write(frame, &mut again)
            .expect("it came out of a stream");
    }
    assert_eq!(cut(framing, limit, 1000, &again), (frames, None));
});
