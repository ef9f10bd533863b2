//! ServerHello (RFC 5246 §7.4.1.3).

use super::Random;
use super::extension::{
    UNCOMPRESSED, UseSrtp, read_empty, read_extensions, read_point_formats,
    read_renegotiation_info, write_empty, write_point_formats, write_renegotiation_info,
    write_use_srtp,
};
use crate::wire::{CipherSuite, DTLS_1_2, DecodeError, ExtensionType, Reader, Writer};

/// A ServerHello as it was read.
#[derive(Debug)]
pub(crate) struct ServerHello<'a> {
    pub(crate) version: u16,
    pub(crate) random: &'a Random,
    pub(crate) cipher_suite: CipherSuite,
    pub(crate) compression_method: u8,
    point_formats: Option<&'a [u8]>,
    pub(crate) use_srtp: Option<UseSrtp<'a>>,
    pub(crate) extended_master_secret: bool,
    renegotiation_info: Option<&'a [u8]>,
    /// An extension that this crate never offers.
    pub(crate) has_unsolicited: bool,
}

impl<'a> ServerHello<'a> {
    pub(crate) fn read(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let version = reader.u16("ServerHello version")?;
        let random = reader.array("ServerHello random")?;
        if reader.vec8("session_id")?.len() > 32 {
            return Err(DecodeError("session_id"));
        }
        let cipher_suite = reader.u16("cipher_suite")?.into();
        let compression_method = reader.u8("compression_method")?;
        let mut hello = Self {
            version,
            random,
            cipher_suite,
            compression_method,
            point_formats: None,
            use_srtp: None,
            extended_master_secret: false,
            renegotiation_info: None,
            has_unsolicited: false,
        };
        read_extensions(&mut reader, |kind, extension| {
            hello.read_extension(kind, extension)
        })?;
        reader.finish("ServerHello")?;
        Ok(hello)
    }

    fn read_extension(&mut self, kind: ExtensionType, body: Reader<'a>) -> Result<(), DecodeError> {
        match kind {
            ExtensionType::PointFormats => self.point_formats = Some(read_point_formats(body)?),
            ExtensionType::UseSrtp => self.use_srtp = Some(UseSrtp::read(body)?),
            ExtensionType::ExtendedMasterSecret => {
                read_empty(body, "extended_master_secret")?;
                self.extended_master_secret = true;
            }
            ExtensionType::RenegotiationInfo => {
                self.renegotiation_info = Some(read_renegotiation_info(body)?);
            }
            _ => self.has_unsolicited = true,
        }
        Ok(())
    }

    /// RFC 8422 §5.2: a list of formats has to have the uncompressed one.
    pub(crate) fn takes_uncompressed_points(&self) -> bool {
        self.point_formats
            .is_none_or(|formats| formats.contains(&UNCOMPRESSED))
    }

    /// RFC 5746 §3.4: in a first handshake renegotiation_info is empty.
    pub(crate) fn renegotiates(&self) -> bool {
        self.renegotiation_info
            .is_some_and(|verify_data| !verify_data.is_empty())
    }
}

/// What a server writes into its ServerHello.
#[derive(Debug)]
pub(crate) struct ServerAnswer<'a> {
    pub(crate) random: &'a Random,
    pub(crate) cipher_suite: CipherSuite,
    pub(crate) point_formats: bool,
    pub(crate) renegotiation_info: bool,
    pub(crate) srtp_profile: Option<u16>,
}

impl ServerAnswer<'_> {
    /// The session id is empty: sessions are not resumed.
    pub(crate) fn write(&self, w: &mut Writer<'_>) {
        w.u16(DTLS_1_2);
        w.bytes(self.random);
        w.vec8(|_| {});
        w.u16(self.cipher_suite.into());
        w.u8(0);
        w.vec16(|w| {
            write_empty(w, ExtensionType::ExtendedMasterSecret);
            if self.renegotiation_info {
                write_renegotiation_info(w);
            }
            if self.point_formats {
                write_point_formats(w);
            }
            if let Some(profile) = self.srtp_profile {
                write_use_srtp(w, [profile]);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_truncations_are_malformed() {
        let mut bytes = Vec::new();
        let answer = ServerAnswer {
            random: &[9; 32],
            cipher_suite: CipherSuite::EcdheEcdsaAes128GcmSha256,
            point_formats: true,
            renegotiation_info: true,
            srtp_profile: Some(7),
        };
        answer.write(&mut Writer::new(&mut bytes));
        let hello = ServerHello::read(&bytes).unwrap();
        assert_eq!(hello.version, DTLS_1_2);
        assert_eq!(hello.random, &[9; 32]);
        assert_eq!(hello.cipher_suite, CipherSuite::EcdheEcdsaAes128GcmSha256);
        assert_eq!(hello.compression_method, 0);
        assert!(hello.use_srtp.unwrap().profiles.contains(7));
        assert!(hello.extended_master_secret && !hello.renegotiates());
        assert!(hello.takes_uncompressed_points() && !hello.has_unsolicited);
        let without_extensions = 2 + 32 + 1 + 2 + 1;
        for length in (0..bytes.len()).filter(|length| *length != without_extensions) {
            assert!(ServerHello::read(&bytes[..length]).is_err());
        }
    }

    #[test]
    fn what_was_not_offered_is_noticed() {
        let mut bytes = [0xFE, 0xFD].to_vec();
        bytes.extend([0; 33]);
        bytes.extend([0xC0, 0x2B, 0, 0, 4, 0, 35, 0, 0]);
        assert!(ServerHello::read(&bytes).unwrap().has_unsolicited);
    }
}
