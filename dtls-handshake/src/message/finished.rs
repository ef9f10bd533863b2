//! Finished (RFC 5246 §7.4.9).

use crate::wire::{DecodeError, Reader, Writer};

/// The length of the proof in bytes; no suite here changes it.
pub(crate) const VERIFY_DATA_LENGTH: usize = 12;

/// Proof of having seen the same handshake and derived the same secret.
#[derive(Debug)]
pub(crate) struct Finished<'a> {
    pub(crate) verify_data: &'a [u8; VERIFY_DATA_LENGTH],
}

impl<'a> Finished<'a> {
    pub(crate) fn read(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let verify_data = reader.array("Finished")?;
        reader.finish("Finished")?;
        Ok(Self { verify_data })
    }

    pub(crate) fn write(&self, w: &mut Writer<'_>) {
        w.bytes(self.verify_data);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_has_one_length() {
        assert!(Finished::read(&[1; 12]).is_ok());
        assert!(Finished::read(&[1; 11]).is_err());
        assert!(Finished::read(&[1; 13]).is_err());
    }
}
