//! ClientHello (RFC 5246 §7.4.1.2, RFC 6347 §4.2.1, RFC 9147 §5.3): one for both versions.

use super::Random;
use super::extension::{
    UNCOMPRESSED, UseSrtp, read_connection_id, read_empty, read_extensions, read_list16,
    read_point_formats, read_renegotiation_info, write_connection_id, write_empty, write_extension,
    write_point_formats, write_renegotiation_info, write_use_srtp,
};
use super::v13::{KeyShare, KeyShares, read_cookie, write_cookie};
use crate::wire::{
    CipherSuite, DTLS_1_2, DTLS_1_3, DecodeError, ExtensionType, Group, List16, Reader,
    SignatureScheme, Writer,
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
    /// Of DTLS 1.2.
    pub(crate) legacy_cookie: &'a [u8],
    pub(crate) cipher_suites: List16<'a>,
    pub(crate) compression_methods: &'a [u8],
    pub(crate) supported_versions: Option<List16<'a>>,
    pub(crate) groups: Option<List16<'a>>,
    point_formats: Option<&'a [u8]>,
    pub(crate) signature_schemes: Option<List16<'a>>,
    pub(crate) use_srtp: Option<UseSrtp<'a>>,
    pub(crate) connection_id: Option<&'a [u8]>,
    pub(crate) extended_master_secret: bool,
    renegotiation_info: Option<&'a [u8]>,
    cookie: Option<Reader<'a>>,
    key_shares: Option<Reader<'a>>,
    /// pre_shared_key came, but not as the last extension (RFC 8446 §4.2.11).
    pub(crate) misplaces_pre_shared_key: bool,
    has_pre_shared_key: bool,
}

impl<'a> ClientHello<'a> {
    pub(crate) fn read(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let version = reader.u16("ClientHello version")?;
        let random = reader.array("ClientHello random")?;
        if reader.vec8("session_id")?.len() > 32 {
            return Err(DecodeError("session_id"));
        }
        let legacy_cookie = reader.vec8("cookie")?;
        let cipher_suites = reader.list16("cipher_suites")?;
        let compression_methods = reader.vec8("compression_methods")?;
        let mut hello = Self {
            version,
            random,
            legacy_cookie,
            cipher_suites,
            compression_methods,
            supported_versions: None,
            groups: None,
            point_formats: None,
            signature_schemes: None,
            use_srtp: None,
            connection_id: None,
            extended_master_secret: false,
            renegotiation_info: None,
            cookie: None,
            key_shares: None,
            misplaces_pre_shared_key: false,
            has_pre_shared_key: false,
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
        self.misplaces_pre_shared_key |= self.has_pre_shared_key;
        match kind {
            ExtensionType::SupportedGroups => {
                self.groups = Some(read_list16(body, "supported_groups")?);
            }
            ExtensionType::PointFormats => self.point_formats = Some(read_point_formats(body)?),
            ExtensionType::SignatureAlgorithms => {
                self.signature_schemes = Some(read_list16(body, "signature_algorithms")?);
            }
            ExtensionType::UseSrtp => self.use_srtp = Some(UseSrtp::read(body)?),
            ExtensionType::ConnectionId => self.connection_id = Some(read_connection_id(body)?),
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
            // What only DTLS 1.3 has is looked at when that is spoken.
            ExtensionType::Cookie => self.cookie = Some(body),
            ExtensionType::KeyShare => self.key_shares = Some(body),
            ExtensionType::PreSharedKey => self.has_pre_shared_key = true,
            // RFC 5246 §7.4.1.4: a server ignores what it does not know.
            ExtensionType::Unknown(_) => {}
        }
        Ok(())
    }

    /// The cookie that came back (RFC 8446 §4.2.2).
    pub(crate) fn cookie(&self) -> Result<Option<&'a [u8]>, DecodeError> {
        self.cookie.map(read_cookie).transpose()
    }

    pub(crate) fn key_shares(&self) -> Result<Option<KeyShares<'a>>, DecodeError> {
        self.key_shares.map(KeyShares::read).transpose()
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
    pub(crate) dtls12: bool,
    pub(crate) dtls13: bool,
    pub(crate) random: &'a Random,
    /// Empty before a HelloVerifyRequest has asked for one.
    pub(crate) legacy_cookie: &'a [u8],
    /// Empty before a HelloRetryRequest has asked for one.
    pub(crate) cookie: &'a [u8],
    pub(crate) key_shares: &'a [KeyShare<'a>],
    pub(crate) cipher_suites: &'a [CipherSuite],
    pub(crate) groups: &'a [Group],
    pub(crate) signature_schemes: &'a [SignatureScheme],
    /// Empty: use_srtp is left out.
    pub(crate) srtp_profiles: &'a [u16],
    /// Goes with them; empty: none.
    pub(crate) srtp_mki: &'a [u8],
    pub(crate) connection_id: Option<&'a [u8]>,
}

impl ClientOffer<'_> {
    pub(crate) fn write(&self, w: &mut Writer<'_>) {
        w.u16(DTLS_1_2);
        w.bytes(self.random);
        w.vec8(|_| {});
        w.vec8(|w| w.bytes(self.legacy_cookie));
        w.list16(self.cipher_suites.iter().map(|suite| u16::from(*suite)));
        w.vec8(|w| w.u8(NULL_COMPRESSION));
        w.vec16(|w| self.write_extensions(w));
    }

    /// The shares come last: they are long, and a server that sees the first fragment alone has
    /// everything else.
    fn write_extensions(&self, w: &mut Writer<'_>) {
        write_extension(w, ExtensionType::SupportedGroups, |w| {
            w.list16(self.groups.iter().map(|group| u16::from(*group)));
        });
        if self.dtls12 {
            write_point_formats(w);
        }
        write_extension(w, ExtensionType::SignatureAlgorithms, |w| {
            w.list16(
                self.signature_schemes
                    .iter()
                    .map(|scheme| u16::from(*scheme)),
            );
        });
        if self.dtls12 {
            write_empty(w, ExtensionType::ExtendedMasterSecret);
            write_renegotiation_info(w);
        }
        if !self.srtp_profiles.is_empty() {
            write_use_srtp(w, self.srtp_profiles.iter().copied(), self.srtp_mki);
        }
        if let Some(id) = self.connection_id {
            write_connection_id(w, id);
        }
        if self.dtls13 {
            write_extension(w, ExtensionType::SupportedVersions, |w| {
                w.vec8(|w| {
                    w.u16(DTLS_1_3);
                    if self.dtls12 {
                        w.u16(DTLS_1_2);
                    }
                });
            });
            if !self.cookie.is_empty() {
                write_cookie(w, self.cookie);
            }
            write_extension(w, ExtensionType::KeyShare, |w| {
                w.vec16(|w| self.key_shares.iter().for_each(|share| share.write(w)));
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer() -> Vec<u8> {
        offer_of(false)
    }

    fn offer_of(dtls13: bool) -> Vec<u8> {
        let mut out = Vec::new();
        let offer = ClientOffer {
            dtls12: true,
            dtls13,
            random: &[3; 32],
            legacy_cookie: b"cookie",
            cookie: b"retry",
            key_shares: &[KeyShare {
                group: Group::X25519,
                public_key: &[9; 32],
            }],
            cipher_suites: &[CipherSuite::EcdheEcdsaAes128GcmSha256],
            groups: &[Group::X25519],
            signature_schemes: &[SignatureScheme::EcdsaSha256],
            srtp_profiles: &[7, 1],
            srtp_mki: b"mki",
            connection_id: Some(b"id"),
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
        assert_eq!(use_srtp.mki, b"mki");
        assert_eq!(hello.connection_id, Some(&b"id"[..]));
        assert!(hello.extended_master_secret && hello.offers_null_compression());
        assert!(hello.knows_secure_renegotiation() && !hello.renegotiates());
        assert!(hello.takes_uncompressed_points());
    }

    #[test]
    fn what_dtls_1_3_adds_is_read() {
        let bytes = offer_of(true);
        let hello = ClientHello::read(&bytes).unwrap();
        let versions: Vec<_> = hello.supported_versions.unwrap().iter().collect();
        assert_eq!(versions, [DTLS_1_3, DTLS_1_2]);
        assert_eq!(hello.legacy_cookie, b"cookie");
        assert_eq!(hello.cookie(), Ok(Some(&b"retry"[..])));
        let shares: Vec<_> = hello.key_shares().unwrap().unwrap().iter().collect();
        assert_eq!(shares.len(), 1);
        assert_eq!(shares[0].group, Group::X25519);
        assert_eq!(shares[0].public_key, [9; 32]);
        assert!(!hello.misplaces_pre_shared_key);
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
