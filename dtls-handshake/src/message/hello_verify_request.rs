//! HelloVerifyRequest (RFC 6347 §4.2.1).

use crate::wire::{DTLS_1_0, DecodeError, Reader, Writer};

/// A server that wants to see that the client receives at its address. The version in it does
/// not negotiate and is not looked at.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct HelloVerifyRequest<'a> {
    pub(crate) cookie: &'a [u8],
}

impl<'a> HelloVerifyRequest<'a> {
    pub(crate) fn read(body: &'a [u8]) -> Result<Self, DecodeError> {
        let what = "HelloVerifyRequest";
        let mut reader = Reader::new(body);
        reader.u16(what)?;
        let cookie = reader.vec8(what)?;
        reader.finish(what)?;
        Ok(Self { cookie })
    }

    /// RFC 6347 §4.2.1: the version should be that of DTLS 1.0.
    pub(crate) fn write(&self, w: &mut Writer<'_>) {
        w.u16(DTLS_1_0);
        w.vec8(|w| w.bytes(self.cookie));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_cookie() {
        let request = HelloVerifyRequest::read(&[0xFE, 0xFF, 2, 7, 8]).unwrap();
        assert_eq!(request.cookie, [7, 8]);
        let mut written = Vec::new();
        request.write(&mut Writer::new(&mut written));
        assert_eq!(written, [0xFE, 0xFF, 2, 7, 8]);
        assert!(HelloVerifyRequest::read(&[0xFE, 0xFF, 2, 7]).is_err());
        assert!(HelloVerifyRequest::read(&[0xFE, 0xFF, 0, 7]).is_err());
    }
}
