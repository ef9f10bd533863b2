//! ClientHello (RFC 5246 §7.4.1.2, RFC 6347 §4.2.1).

use super::Random;
use super::extension::{
    UNCOMPRESSED, UseSrtp, read_empty, read_extensions, read_list16, read_point_formats,
    read_renegotiation_info, write_empty, write_extension, write_point_formats,
    write_renegotiation_info, write_use_srtp,
};
use crate::wire::{
    CipherSuite, DTLS_1_2, DecodeError, ExtensionType, List16, NamedGroup, Reader, SignatureScheme,
    Writer,
};

/// The only compression method that is offered or accepted.
const NULL_COMPRESSION: u8 = 0;
/// TLS_EMPTY_RENEGOTIATION_INFO_SCSV (RFC 5746 §3.3).
const EMPTY_RENEGOTIATION_INFO: u16 = 0x00FF;

/// A ClientHello as it was read. Extensions without a field here were skipped.
#[derive(Debug)]
pub(crate) struct ClientHello<'a> {
    pub(crate) version: u16,
    pub(crate) random: &'a Random,
    pub(crate) cipher_suites: List16<'a>,
    compression_methods: &'a [u8],
    pub(crate) supported_versions: Option<List16<'a>>,
    pub(crate) groups: Option<List16<'a>>,
    point_formats: Option<&'a [u8]>,
    pub(crate) signature_schemes: Option<List16<'a>>,
    pub(crate) use_srtp: Option<UseSrtp<'a>>,
    pub(crate) extended_master_secret: bool,
    renegotiation_info: Option<&'a [u8]>,
}

impl<'a> ClientHello<'a> {
    pub(crate) fn read(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let version = reader.u16("ClientHello version")?;
        let random = reader.array("ClientHello random")?;
        if reader.vec8("session_id")?.len() > 32 {
            return Err(DecodeError("session_id"));
        }
        // Nobody was asked for a cookie.
        reader.vec8("cookie")?;
        let cipher_suites = reader.list16("cipher_suites")?;
        let compression_methods = reader.vec8("compression_methods")?;
        let mut hello = Self {
            version,
            random,
            cipher_suites,
            compression_methods,
            supported_versions: None,
            groups: None,
            point_formats: None,
            signature_schemes: None,
            use_srtp: None,
            extended_master_secret: false,
            renegotiation_info: None,
        };
        read_extensions(&mut reader, |kind, extension| {
            hello.read_extension(kind, extension)
        })?;
        reader.finish("ClientHello")?;
        Ok(hello)
    }

    fn read_extension(
        &mut self,
        kind: ExtensionType,
        mut body: Reader<'a>,
    ) -> Result<(), DecodeError> {
        match kind {
            ExtensionType::SupportedGroups => {
                self.groups = Some(read_list16(body, "supported_groups")?);
            }
            ExtensionType::PointFormats => self.point_formats = Some(read_point_formats(body)?),
            ExtensionType::SignatureAlgorithms => {
                self.signature_schemes = Some(read_list16(body, "signature_algorithms")?);
            }
            ExtensionType::UseSrtp => self.use_srtp = Some(UseSrtp::read(body)?),
            ExtensionType::ExtendedMasterSecret => {
                read_empty(body, "extended_master_secret")?;
                self.extended_master_secret = true;
            }
            ExtensionType::RenegotiationInfo => {
                self.renegotiation_info = Some(read_renegotiation_info(body)?);
            }
            ExtensionType::SupportedVersions => {
                let versions = body.vec8("supported_versions")?;
                body.finish("supported_versions")?;
                self.supported_versions = Some(List16::new(versions, "supported_versions")?);
            }
            // RFC 5246 §7.4.1.4: a server ignores what it does not know.
            ExtensionType::Unknown(_) => {}
        }
        Ok(())
    }

    pub(crate) fn offers_null_compression(&self) -> bool {
        self.compression_methods.contains(&NULL_COMPRESSION)
    }

    /// RFC 8422 §5.1.2: a list of formats has to have the uncompressed one.
    pub(crate) fn takes_uncompressed_points(&self) -> bool {
        self.point_formats
            .is_none_or(|formats| formats.contains(&UNCOMPRESSED))
    }

    pub(crate) fn lists_point_formats(&self) -> bool {
        self.point_formats.is_some()
    }

    /// RFC 5746 §3.6: by extension or by signalling suite.
    pub(crate) fn knows_secure_renegotiation(&self) -> bool {
        self.renegotiation_info.is_some() || self.cipher_suites.contains(EMPTY_RENEGOTIATION_INFO)
    }

    /// RFC 5746 §3.6: in a first handshake renegotiation_info is empty.
    pub(crate) fn renegotiates(&self) -> bool {
        self.renegotiation_info
            .is_some_and(|verify_data| !verify_data.is_empty())
    }
}

/// What a client writes into its ClientHello.
#[derive(Debug)]
pub(crate) struct ClientOffer<'a> {
    pub(crate) random: &'a Random,
    /// Empty before a server has asked for one.
    pub(crate) cookie: &'a [u8],
    pub(crate) cipher_suites: &'a [CipherSuite],
    pub(crate) groups: &'a [NamedGroup],
    pub(crate) signature_schemes: &'a [SignatureScheme],
    /// Empty: use_srtp is left out.
    pub(crate) srtp_profiles: &'a [u16],
}

impl ClientOffer<'_> {
    pub(crate) fn write(&self, w: &mut Writer<'_>) {
        w.u16(DTLS_1_2);
        w.bytes(self.random);
        w.vec8(|_| {});
        w.vec8(|w| w.bytes(self.cookie));
        w.list16(self.cipher_suites.iter().map(|suite| u16::from(*suite)));
        w.vec8(|w| w.u8(NULL_COMPRESSION));
        w.vec16(|w| {
            write_extension(w, ExtensionType::SupportedGroups, |w| {
                w.list16(self.groups.iter().map(|group| u16::from(*group)));
            });
            write_point_formats(w);
            write_extension(w, ExtensionType::SignatureAlgorithms, |w| {
                w.list16(
                    self.signature_schemes
                        .iter()
                        .map(|scheme| u16::from(*scheme)),
                );
            });
            write_empty(w, ExtensionType::ExtendedMasterSecret);
            write_renegotiation_info(w);
            if !self.srtp_profiles.is_empty() {
                write_use_srtp(w, self.srtp_profiles.iter().copied());
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer() -> Vec<u8> {
        let mut out = Vec::new();
        let offer = ClientOffer {
            random: &[3; 32],
            cookie: b"cookie",
            cipher_suites: &[CipherSuite::EcdheEcdsaAes128GcmSha256],
            groups: &[NamedGroup::X25519],
            signature_schemes: &[SignatureScheme::EcdsaSha256],
            srtp_profiles: &[7, 1],
        };
        offer.write(&mut Writer::new(&mut out));
        out
    }

    #[test]
    fn what_is_written_is_read() {
        let bytes = offer();
        let hello = ClientHello::read(&bytes).unwrap();
        assert_eq!(hello.version, DTLS_1_2);
        assert_eq!(hello.random, &[3; 32]);
        assert!(hello.cipher_suites.contains(0xC02B));
        assert!(hello.groups.unwrap().contains(29));
        assert!(hello.signature_schemes.unwrap().contains(0x0403));
        let use_srtp = hello.use_srtp.unwrap();
        assert_eq!(use_srtp.profiles.iter().collect::<Vec<_>>(), [7, 1]);
        assert!(hello.extended_master_secret && hello.offers_null_compression());
        assert!(hello.knows_secure_renegotiation() && !hello.renegotiates());
        assert!(hello.takes_uncompressed_points());
    }

    #[test]
    fn every_truncation_is_malformed_except_the_one_before_the_extensions() {
        let bytes = offer();
        let without_extensions = 2 + 32 + 1 + 7 + 4 + 2;
        for length in 0..bytes.len() {
            let whole = ClientHello::read(&bytes[..length]).is_ok();
            assert_eq!(whole, length == without_extensions, "{length}");
        }
    }

    #[test]
    fn an_extension_twice_is_malformed() {
        let mut bytes = offer();
        bytes.extend([0xAB, 0xCD, 0, 0, 0xAB, 0xCD, 0, 0]);
        let at = 2 + 32 + 1 + 7 + 4 + 2;
        let length = (bytes.len() - at - 2) as u16;
        bytes[at..at + 2].copy_from_slice(&length.to_be_bytes());
        let error = ClientHello::read(&bytes).unwrap_err();
        assert_eq!(error, DecodeError("extensions: one comes twice"));
    }
}
