//! ServerKeyExchange of the ECDHE suites (RFC 8422 §5.4).

use crate::wire::{DecodeError, Group, Reader, SignatureScheme, Writer};

/// ECCurveType named_curve (RFC 8422 §5.4).
const NAMED_CURVE: u8 = 3;

/// The part of the message that is signed: group and share.
#[derive(Debug)]
pub(crate) struct ServerShare<'a> {
    pub(crate) group: Group,
    pub(crate) public_key: &'a [u8],
}

impl ServerShare<'_> {
    pub(crate) fn write(&self, w: &mut Writer<'_>) {
        w.u8(NAMED_CURVE);
        w.u16(self.group.into());
        w.vec8(|w| w.bytes(self.public_key));
    }
}

/// The server's share with its signature.
#[derive(Debug)]
pub(crate) struct ServerKeyExchange<'a> {
    pub(crate) share: ServerShare<'a>,
    pub(crate) scheme: SignatureScheme,
    pub(crate) signature: &'a [u8],
}

impl<'a> ServerKeyExchange<'a> {
    pub(crate) fn read(body: &'a [u8]) -> Result<Self, DecodeError> {
        let what = "ServerKeyExchange";
        let mut reader = Reader::new(body);
        if reader.u8(what)? != NAMED_CURVE {
            return Err(DecodeError("curve type of ServerKeyExchange"));
        }
        let group = reader.u16(what)?.into();
        let public_key = reader.vec8(what)?;
        let scheme = reader.u16(what)?.into();
        let signature = reader.vec16(what)?;
        reader.finish(what)?;
        Ok(Self {
            share: ServerShare { group, public_key },
            scheme,
            signature,
        })
    }

    pub(crate) fn write(&self, w: &mut Writer<'_>) {
        self.share.write(w);
        w.u16(self.scheme.into());
        w.vec16(|w| w.bytes(self.signature));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut bytes = Vec::new();
        let message = ServerKeyExchange {
            share: ServerShare {
                group: Group::X25519,
                public_key: &[1; 32],
            },
            scheme: SignatureScheme::EcdsaSha256,
            signature: b"sig",
        };
        message.write(&mut Writer::new(&mut bytes));
        let read = ServerKeyExchange::read(&bytes).unwrap();
        assert_eq!(read.share.group, Group::X25519);
        assert_eq!(read.share.public_key, [1; 32]);
        assert_eq!(
            (read.scheme, read.signature),
            (SignatureScheme::EcdsaSha256, &b"sig"[..])
        );
        for length in 0..bytes.len() {
            assert!(ServerKeyExchange::read(&bytes[..length]).is_err());
        }
        bytes[0] = 1;
        assert!(ServerKeyExchange::read(&bytes).is_err());
    }
}
