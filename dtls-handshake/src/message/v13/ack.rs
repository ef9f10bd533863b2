//! ACK, which is not a handshake message but a content of its own (RFC 9147 §7).

use crate::record::RecordNumber;
use crate::wire::{DecodeError, Reader, Writer};

/// The length of a record number in bytes.
const NUMBER_LENGTH: usize = 16;

/// The handshake records that one side has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ack<'a> {
    numbers: &'a [[u8; NUMBER_LENGTH]],
}

impl<'a> Ack<'a> {
    /// What an ACK has beside its numbers, in bytes.
    pub(crate) const OVERHEAD: usize = 2;
    /// What each number adds, in bytes.
    pub(crate) const NUMBER_LENGTH: usize = NUMBER_LENGTH;

    pub(crate) fn read(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let list = reader.vec16("ACK")?;
        reader.finish("ACK")?;
        match list.as_chunks::<NUMBER_LENGTH>() {
            (numbers, []) => Ok(Self { numbers }),
            _ => Err(DecodeError("ACK")),
        }
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = RecordNumber> + 'a {
        self.numbers.iter().map(|number| {
            let [a, b, c, d, e, f, g, h, sequence @ ..] = *number;
            RecordNumber {
                epoch: u64::from_be_bytes([a, b, c, d, e, f, g, h]),
                sequence: u64::from_be_bytes(sequence),
            }
        })
    }

    pub(crate) fn write(w: &mut Writer<'_>, numbers: &[RecordNumber]) {
        w.vec16(|w| {
            for number in numbers {
                w.bytes(&number.epoch.to_be_bytes());
                w.bytes(&number.sequence.to_be_bytes());
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let numbers =
            [(2, 1), (3, 0x0102)].map(|(epoch, sequence)| RecordNumber { epoch, sequence });
        let mut bytes = Vec::new();
        Ack::write(&mut Writer::new(&mut bytes), &numbers);
        assert_eq!(bytes.len(), Ack::OVERHEAD + 2 * Ack::NUMBER_LENGTH);
        assert_eq!(
            Ack::read(&bytes).unwrap().iter().collect::<Vec<_>>(),
            numbers
        );
        assert_eq!(Ack::read(&[0, 0]).unwrap().iter().count(), 0);
        for length in 0..bytes.len() {
            assert!(Ack::read(&bytes[..length]).is_err());
        }
        assert!(Ack::read(&[0, 1, 7]).is_err());
    }
}
