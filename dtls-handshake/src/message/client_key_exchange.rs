//! ClientKeyExchange of the ECDHE suites (RFC 8422 §5.7).

use crate::wire::{DecodeError, Reader, Writer};

/// The client's share.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ClientKeyExchange<'a> {
    pub(crate) public_key: &'a [u8],
}

impl<'a> ClientKeyExchange<'a> {
    pub(crate) fn read(body: &'a [u8]) -> Result<Self, DecodeError> {
        let what = "ClientKeyExchange";
        let mut reader = Reader::new(body);
        let public_key = reader.vec8(what)?;
        reader.finish(what)?;
        Ok(Self { public_key })
    }

    pub(crate) fn write(&self, w: &mut Writer<'_>) {
        w.vec8(|w| w.bytes(self.public_key));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut bytes = Vec::new();
        ClientKeyExchange {
            public_key: &[4, 5],
        }
        .write(&mut Writer::new(&mut bytes));
        assert_eq!(ClientKeyExchange::read(&bytes).unwrap().public_key, [4, 5]);
        assert!(ClientKeyExchange::read(&bytes[..2]).is_err());
    }
}
