//! The tables of code points: one line each for name and number. Unknown values are kept.

use core::fmt;

macro_rules! code_points {
    ($(#[$meta:meta])* $visibility:vis enum $name:ident: $int:ty {
        $($(#[$variant_meta:meta])* $variant:ident = $value:literal $text:literal,)*
    }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        $visibility enum $name {
            $($(#[$variant_meta])* $variant,)*
            /// A number this crate has no name for.
            Unknown($int),
        }

        impl From<$int> for $name {
            fn from(value: $int) -> Self {
                match value {
                    $($value => Self::$variant,)*
                    other => Self::Unknown(other),
                }
            }
        }

        impl From<$name> for $int {
            fn from(value: $name) -> Self {
                match value {
                    $($name::$variant => $value,)*
                    $name::Unknown(other) => other,
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$variant => f.write_str($text),)*
                    Self::Unknown(other) => write!(f, "unknown ({other})"),
                }
            }
        }
    };
}

code_points! {
    /// What a record carries (RFC 5246 §6.2.1, RFC 9147 §4.1).
    pub(crate) enum ContentType: u8 {
        ChangeCipherSpec = 20 "change_cipher_spec",
        Alert = 21 "alert",
        Handshake = 22 "handshake",
        ApplicationData = 23 "application_data",
        ConnectionId = 25 "tls12_cid",
        Ack = 26 "ack",
    }
}

code_points! {
    /// What a handshake message is (RFC 5246 §7.4, RFC 6347 §4.3.2, RFC 9147 §5.2).
    pub(crate) enum HandshakeType: u8 {
        HelloRequest = 0 "HelloRequest",
        ClientHello = 1 "ClientHello",
        ServerHello = 2 "ServerHello",
        HelloVerifyRequest = 3 "HelloVerifyRequest",
        NewSessionTicket = 4 "NewSessionTicket",
        EncryptedExtensions = 8 "EncryptedExtensions",
        RequestConnectionId = 9 "RequestConnectionId",
        NewConnectionId = 10 "NewConnectionId",
        Certificate = 11 "Certificate",
        ServerKeyExchange = 12 "ServerKeyExchange",
        CertificateRequest = 13 "CertificateRequest",
        ServerHelloDone = 14 "ServerHelloDone",
        CertificateVerify = 15 "CertificateVerify",
        ClientKeyExchange = 16 "ClientKeyExchange",
        Finished = 20 "Finished",
        KeyUpdate = 24 "KeyUpdate",
    }
}

code_points! {
    /// Extensions of the hello messages (IANA "TLS ExtensionType Values").
    pub(crate) enum ExtensionType: u16 {
        SupportedGroups = 10 "supported_groups",
        PointFormats = 11 "ec_point_formats",
        SignatureAlgorithms = 13 "signature_algorithms",
        UseSrtp = 14 "use_srtp",
        ExtendedMasterSecret = 23 "extended_master_secret",
        PreSharedKey = 41 "pre_shared_key",
        SupportedVersions = 43 "supported_versions",
        Cookie = 44 "cookie",
        KeyShare = 51 "key_share",
        ConnectionId = 54 "connection_id",
        RenegotiationInfo = 0xFF01 "renegotiation_info",
    }
}

code_points! {
    /// A group for the key exchange by its registered number (IANA "TLS Supported Groups").
    pub enum Group: u16 {
        /// NIST P-256 (RFC 8422).
        Secp256r1 = 23 "secp256r1",
        /// NIST P-384 (RFC 8422).
        Secp384r1 = 24 "secp384r1",
        /// X25519 (RFC 8422).
        X25519 = 29 "x25519",
        /// X25519 beside ML-KEM-768 (draft-ietf-tls-ecdhe-mlkem), of DTLS 1.3 alone.
        X25519MlKem768 = 0x11EC "X25519MLKEM768",
    }
}

impl Group {
    /// Whether it has a part that quantum computers do not break. Of DTLS 1.3 alone.
    pub(crate) fn is_hybrid(self) -> bool {
        self == Self::X25519MlKem768
    }
}

code_points! {
    /// Signature algorithms (IANA "TLS SignatureScheme"). In DTLS 1.2 the ECDSA ones name only
    /// the hash; the curve is the key's (RFC 8422 §5.1.3, RFC 8446 §4.2.3).
    pub(crate) enum SignatureScheme: u16 {
        RsaPkcs1Sha256 = 0x0401 "rsa_pkcs1_sha256",
        EcdsaSha256 = 0x0403 "ecdsa_secp256r1_sha256",
        RsaPkcs1Sha384 = 0x0501 "rsa_pkcs1_sha384",
        EcdsaSha384 = 0x0503 "ecdsa_secp384r1_sha384",
        RsaPkcs1Sha512 = 0x0601 "rsa_pkcs1_sha512",
        RsaPssSha256 = 0x0804 "rsa_pss_rsae_sha256",
        RsaPssSha384 = 0x0805 "rsa_pss_rsae_sha384",
        RsaPssSha512 = 0x0806 "rsa_pss_rsae_sha512",
        Ed25519 = 0x0807 "ed25519",
    }
}

code_points! {
    /// A cipher suite by its registered number (IANA "TLS Cipher Suites").
    pub enum CipherSuite: u16 {
        /// TLS_AES_128_GCM_SHA256 of DTLS 1.3 (RFC 8446 Appendix B.4).
        Aes128GcmSha256 = 0x1301 "TLS_AES_128_GCM_SHA256",
        /// TLS_AES_256_GCM_SHA384 of DTLS 1.3.
        Aes256GcmSha384 = 0x1302 "TLS_AES_256_GCM_SHA384",
        /// TLS_CHACHA20_POLY1305_SHA256 of DTLS 1.3.
        ChaCha20Poly1305Sha256 = 0x1303 "TLS_CHACHA20_POLY1305_SHA256",
        /// TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 (RFC 5289), mandatory for WebRTC.
        EcdheEcdsaAes128GcmSha256 = 0xC02B "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        /// TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 (RFC 5289).
        EcdheEcdsaAes256GcmSha384 = 0xC02C "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        /// TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 (RFC 5289).
        EcdheRsaAes128GcmSha256 = 0xC02F "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        /// TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 (RFC 5289).
        EcdheRsaAes256GcmSha384 = 0xC030 "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        /// TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256 (RFC 7905).
        EcdheRsaChaCha20Poly1305Sha256 = 0xCCA8 "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
        /// TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256 (RFC 7905).
        EcdheEcdsaChaCha20Poly1305Sha256 = 0xCCA9 "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    }
}

code_points! {
    /// How grave an alert says it is (RFC 5246 §7.2).
    pub(crate) enum AlertLevel: u8 {
        Warning = 1 "warning",
        Fatal = 2 "fatal",
    }
}

code_points! {
    /// What an alert says (IANA "TLS Alerts").
    pub enum AlertDescription: u8 {
        /// The sender will send nothing more.
        CloseNotify = 0 "close_notify",
        /// A message that has no place here.
        UnexpectedMessage = 10 "unexpected_message",
        /// A record whose protection does not verify.
        BadRecordMac = 20 "bad_record_mac",
        /// A record that is too long.
        RecordOverflow = 22 "record_overflow",
        /// No acceptable set of parameters.
        HandshakeFailure = 40 "handshake_failure",
        /// A certificate that is corrupt, does not verify, or is not the announced one.
        BadCertificate = 42 "bad_certificate",
        /// A certificate of a type that is not supported.
        UnsupportedCertificate = 43 "unsupported_certificate",
        /// A certificate that was revoked.
        CertificateRevoked = 44 "certificate_revoked",
        /// A certificate outside its dates.
        CertificateExpired = 45 "certificate_expired",
        /// A certificate that is unacceptable for another reason.
        CertificateUnknown = 46 "certificate_unknown",
        /// A field with an impossible value.
        IllegalParameter = 47 "illegal_parameter",
        /// No trust anchor for the certificate.
        UnknownCa = 48 "unknown_ca",
        /// A valid certificate that access control refuses.
        AccessDenied = 49 "access_denied",
        /// A message that does not parse.
        DecodeError = 50 "decode_error",
        /// A signature or Finished value that does not verify.
        DecryptError = 51 "decrypt_error",
        /// A version that is not supported.
        ProtocolVersion = 70 "protocol_version",
        /// Parameters weaker than the sender demands.
        InsufficientSecurity = 71 "insufficient_security",
        /// A fault of the sender that has nothing to do with its peer.
        InternalError = 80 "internal_error",
        /// A client that has fallen back to an earlier version than both sides speak (RFC 7507).
        InappropriateFallback = 86 "inappropriate_fallback",
        /// The sender cancels the handshake.
        UserCanceled = 90 "user_canceled",
        /// The sender does not renegotiate.
        NoRenegotiation = 100 "no_renegotiation",
        /// An extension that had to be there is not.
        MissingExtension = 109 "missing_extension",
        /// An extension that nobody asked for.
        UnsupportedExtension = 110 "unsupported_extension",
        /// A name the server does not know.
        UnrecognizedName = 112 "unrecognized_name",
        /// A certificate is required.
        CertificateRequired = 116 "certificate_required",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_survives() {
        for value in 0..=u8::MAX {
            assert_eq!(u8::from(AlertDescription::from(value)), value);
            assert_eq!(u8::from(HandshakeType::from(value)), value);
        }
        assert_eq!(AlertDescription::from(42).to_string(), "bad_certificate");
        assert_eq!(AlertDescription::from(200).to_string(), "unknown (200)");
    }
}
