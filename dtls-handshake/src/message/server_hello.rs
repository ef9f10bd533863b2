//! ServerHello (RFC 5246 §7.4.1.3, RFC 8446 §4.1.3) and HelloRetryRequest, which has the same form
//! (RFC 8446 §4.1.4).

use super::Random;
use super::extension::{
    UNCOMPRESSED, UseSrtp, read_connection_id, read_empty, read_extensions, read_point_formats,
    read_renegotiation_info, write_connection_id, write_empty, write_extension,
    write_point_formats, write_renegotiation_info, write_use_srtp,
};
use super::v13::{KeyShare, read_cookie, write_cookie};
use crate::srtp::Srtp;
use crate::wire::{
    CipherSuite, DTLS_1_2, DTLS_1_3, DecodeError, ExtensionType, Group, Reader, Writer,
};

/// The random that says that it is a HelloRetryRequest: the SHA-256 hash of that name
/// (RFC 8446 §4.1.3).
const RETRY_RANDOM: Random = [
    0xCF, 0x21, 0xAD, 0x74, 0xE5, 0x9A, 0x61, 0x11, 0xBE, 0x1D, 0x8C, 0x02, 0x1E, 0x65, 0xB8, 0x91,
    0xC2, 0xA2, 0x11, 0x16, 0x7A, 0xBB, 0x8C, 0x5E, 0x07, 0x9E, 0x09, 0xE2, 0xC8, 0xA8, 0x33, 0x9C,
];

/// A ServerHello as it was read.
#[derive(Debug)]
pub(crate) struct ServerHello<'a> {
    pub(crate) version: u16,
    pub(crate) random: &'a Random,
    pub(crate) session_id: &'a [u8],
    pub(crate) cipher_suite: CipherSuite,
    pub(crate) compression_method: u8,
    /// The one in supported_versions.
    pub(crate) selected_version: Option<u16>,
    key_share: Option<Reader<'a>>,
    pub(crate) cookie: Option<&'a [u8]>,
    point_formats: Option<&'a [u8]>,
    pub(crate) use_srtp: Option<UseSrtp<'a>>,
    pub(crate) connection_id: Option<&'a [u8]>,
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
        let session_id = reader.vec8("session_id")?;
        if session_id.len() > 32 {
            return Err(DecodeError("session_id"));
        }
        let cipher_suite = reader.u16("cipher_suite")?.into();
        let compression_method = reader.u8("compression_method")?;
        let mut hello = Self {
            version,
            random,
            session_id,
            cipher_suite,
            compression_method,
            selected_version: None,
            key_share: None,
            cookie: None,
            point_formats: None,
            use_srtp: None,
            connection_id: None,
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

    fn read_extension(
        &mut self,
        kind: ExtensionType,
        mut body: Reader<'a>,
    ) -> Result<(), DecodeError> {
        match kind {
            ExtensionType::SupportedVersions => {
                self.selected_version = Some(body.u16("supported_versions")?);
                body.finish("supported_versions")?;
            }
            ExtensionType::KeyShare => self.key_share = Some(body),
            ExtensionType::Cookie => self.cookie = Some(read_cookie(body)?),
            ExtensionType::PointFormats => self.point_formats = Some(read_point_formats(body)?),
            ExtensionType::UseSrtp => self.use_srtp = Some(UseSrtp::read(body)?),
            ExtensionType::ConnectionId => self.connection_id = Some(read_connection_id(body)?),
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

    pub(crate) fn is_retry_request(&self) -> bool {
        *self.random == RETRY_RANDOM
    }

    /// The server's share, in a ServerHello of DTLS 1.3.
    pub(crate) fn key_share(&self) -> Result<Option<KeyShare<'a>>, DecodeError> {
        self.key_share.map(KeyShare::read_only).transpose()
    }

    /// The group that a HelloRetryRequest wants a share of.
    pub(crate) fn selected_group(&self) -> Result<Option<Group>, DecodeError> {
        let what = "key_share of HelloRetryRequest";
        let Some(mut body) = self.key_share else {
            return Ok(None);
        };
        let group = body.u16(what)?.into();
        body.finish(what)?;
        Ok(Some(group))
    }

    /// Whether it has an extension that DTLS 1.2 alone has.
    pub(crate) fn has_extensions_of_1_2(&self) -> bool {
        self.extended_master_secret
            || self.use_srtp.is_some()
            || self.point_formats.is_some()
            || self.renegotiation_info.is_some()
    }

    /// Whether it has an extension that DTLS 1.3 alone has.
    pub(crate) fn has_extensions_of_1_3(&self) -> bool {
        self.selected_version.is_some() || self.key_share.is_some() || self.cookie.is_some()
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
    pub(crate) srtp: Option<&'a Srtp>,
    pub(crate) connection_id: Option<&'a [u8]>,
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
            if let Some(srtp) = self.srtp {
                write_use_srtp(w, [srtp.profile], &srtp.mki);
            }
            if let Some(id) = self.connection_id {
                write_connection_id(w, id);
            }
        });
    }
}

/// What a server writes into its ServerHello of DTLS 1.3. The session id is empty, whatever the
/// client's is (RFC 9147 §5).
pub(crate) fn write_server_hello_13(
    w: &mut Writer<'_>,
    random: &Random,
    cipher_suite: CipherSuite,
    share: &KeyShare<'_>,
    connection_id: Option<&[u8]>,
) {
    write_head_13(w, random, cipher_suite);
    w.vec16(|w| {
        write_selected_version(w);
        write_extension(w, ExtensionType::KeyShare, |w| share.write(w));
        if let Some(id) = connection_id {
            write_connection_id(w, id);
        }
    });
}

/// A HelloRetryRequest that wants a share of a group, or a cookie back, or both.
pub(crate) fn write_hello_retry_request(
    w: &mut Writer<'_>,
    cipher_suite: CipherSuite,
    group: Option<Group>,
    cookie: &[u8],
) {
    write_head_13(w, &RETRY_RANDOM, cipher_suite);
    w.vec16(|w| {
        write_selected_version(w);
        if let Some(group) = group {
            write_extension(w, ExtensionType::KeyShare, |w| w.u16(group.into()));
        }
        if !cookie.is_empty() {
            write_cookie(w, cookie);
        }
    });
}

fn write_head_13(w: &mut Writer<'_>, random: &Random, cipher_suite: CipherSuite) {
    w.u16(DTLS_1_2);
    w.bytes(random);
    w.vec8(|_| {});
    w.u16(cipher_suite.into());
    w.u8(0);
}

fn write_selected_version(w: &mut Writer<'_>) {
    write_extension(w, ExtensionType::SupportedVersions, |w| w.u16(DTLS_1_3));
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
            srtp: Some(&Srtp {
                profile: 7,
                mki: vec![1, 2],
            }),
            connection_id: Some(&[]),
        };
        answer.write(&mut Writer::new(&mut bytes));
        let hello = ServerHello::read(&bytes).unwrap();
        assert_eq!(hello.version, DTLS_1_2);
        assert_eq!(hello.random, &[9; 32]);
        assert_eq!(hello.cipher_suite, CipherSuite::EcdheEcdsaAes128GcmSha256);
        assert_eq!(hello.compression_method, 0);
        let use_srtp = hello.use_srtp.unwrap();
        assert!(use_srtp.profiles.contains(7) && use_srtp.mki == [1, 2]);
        assert_eq!(hello.connection_id, Some(&[][..]));
        assert!(hello.extended_master_secret && !hello.renegotiates());
        assert!(hello.takes_uncompressed_points() && !hello.has_unsolicited);
        let without_extensions = 2 + 32 + 1 + 2 + 1;
        for length in (0..bytes.len()).filter(|length| *length != without_extensions) {
            assert!(ServerHello::read(&bytes[..length]).is_err());
        }
    }

    #[test]
    fn the_forms_of_dtls_1_3_are_read() {
        let mut bytes = Vec::new();
        let share = KeyShare {
            group: Group::X25519,
            public_key: &[5; 32],
        };
        let suite = CipherSuite::Aes128GcmSha256;
        write_server_hello_13(&mut Writer::new(&mut bytes), &[9; 32], suite, &share, None);
        let hello = ServerHello::read(&bytes).unwrap();
        assert_eq!(hello.selected_version, Some(DTLS_1_3));
        assert_eq!(hello.key_share().unwrap().unwrap().public_key, [5; 32]);
        assert!(!hello.is_retry_request() && hello.session_id.is_empty());
        assert!(!hello.has_unsolicited && !hello.has_extensions_of_1_2());

        let mut bytes = Vec::new();
        let group = Some(Group::Secp256r1);
        write_hello_retry_request(&mut Writer::new(&mut bytes), suite, group, b"cookie");
        let hello = ServerHello::read(&bytes).unwrap();
        assert!(hello.is_retry_request());
        assert_eq!(hello.selected_group(), Ok(group));
        assert_eq!(hello.cookie, Some(&b"cookie"[..]));
    }

    #[test]
    fn what_was_not_offered_is_noticed() {
        let mut bytes = [0xFE, 0xFD].to_vec();
        bytes.extend([0; 33]);
        bytes.extend([0xC0, 0x2B, 0, 0, 4, 0, 35, 0, 0]);
        assert!(ServerHello::read(&bytes).unwrap().has_unsolicited);
    }
}
