//! The header of a handshake message and of each of its fragments (RFC 6347 §4.2.2).

use crate::wire::{DecodeError, HandshakeType, Reader, Writer};

/// Room for all messages but certificates and hellos with long shares, in bytes.
const USUAL_LENGTH: usize = 256;
/// The length of the header in bytes.
pub(crate) const HANDSHAKE_HEADER_LENGTH: usize = 12;

/// One fragment; a whole message when it covers all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fragment<'a> {
    pub(crate) kind: HandshakeType,
    /// The length of the whole message, in bytes, below 2^24.
    pub(crate) length: usize,
    pub(crate) message_seq: u16,
    /// Where in the message `bytes` stand.
    pub(crate) offset: usize,
    pub(crate) bytes: &'a [u8],
}

impl<'a> Fragment<'a> {
    pub(crate) fn read(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let kind = reader.u8("handshake type")?.into();
        let length = reader.u24("handshake length")?;
        let message_seq = reader.u16("message sequence")?;
        let offset = reader.u24("fragment offset")?;
        let fragment_length = reader.u24("fragment length")?;
        let bytes = reader.bytes(fragment_length, "fragment")?;
        // Both are below 2^24 and the sum is computed in usize: it cannot wrap.
        if offset + bytes.len() > length {
            return Err(DecodeError("fragment past its message"));
        }
        Ok(Self {
            kind,
            length,
            message_seq,
            offset,
            bytes,
        })
    }

    /// The header alone.
    pub(crate) fn header(
        kind: HandshakeType,
        length: usize,
        message_seq: u16,
        offset: usize,
        fragment_length: usize,
    ) -> [u8; HANDSHAKE_HEADER_LENGTH] {
        let [s0, s1] = message_seq.to_be_bytes();
        let [l0, l1, l2] = u24(length);
        let [o0, o1, o2] = u24(offset);
        let [f0, f1, f2] = u24(fragment_length);
        [kind.into(), l0, l1, l2, s0, s1, o0, o1, o2, f0, f1, f2]
    }
}

fn u24(value: usize) -> [u8; 3] {
    let [.., a, b, c] = value.to_be_bytes();
    [a, b, c]
}

/// A whole message with its header, as the transcript wants it (RFC 6347 §4.2.6).
pub(crate) fn whole_message(
    kind: HandshakeType,
    message_seq: u16,
    body: impl FnOnce(&mut Writer<'_>),
) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(USUAL_LENGTH);
    append_message(kind, message_seq, body, &mut bytes);
    bytes
}

/// Appends such a message, and says where it begins.
pub(super) fn append_message(
    kind: HandshakeType,
    message_seq: u16,
    body: impl FnOnce(&mut Writer<'_>),
    out: &mut Vec<u8>,
) -> usize {
    let start = out.len();
    out.resize(start + HANDSHAKE_HEADER_LENGTH, 0);
    body(&mut Writer::new(out));
    let length = out.len() - start - HANDSHAKE_HEADER_LENGTH;
    let header = Fragment::header(kind, length, message_seq, 0, length);
    for (to, from) in out.iter_mut().skip(start).zip(header) {
        *to = from;
    }
    start
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_fragment_of_itself() {
        let bytes = whole_message(HandshakeType::Finished, 7, |w| w.bytes(b"abc"));
        assert_eq!(hex::encode(&bytes), "140000030007000000000003616263");
        let mut reader = Reader::new(&bytes);
        let fragment = Fragment::read(&mut reader).unwrap();
        assert_eq!(
            (fragment.length, fragment.message_seq, fragment.offset),
            (3, 7, 0)
        );
        assert_eq!(fragment.bytes, b"abc");
        assert!(reader.is_empty());
    }

    #[test]
    fn a_fragment_past_its_message_is_refused() {
        for (offset, length) in [
            ("000002", "000002"),
            ("ffffff", "000001"),
            ("fffff8", "000008"),
        ] {
            let header = format!("140000030007{offset}{length}0102030405060708");
            let bytes = hex::decode(header).unwrap();
            assert!(Fragment::read(&mut Reader::new(&bytes)).is_err());
        }
    }
}
