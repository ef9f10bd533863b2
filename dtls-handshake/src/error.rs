//! Why connections end, and what callers can do wrong.

use thiserror::Error;

use crate::crypto::Refused;
use crate::wire::{AlertDescription, DecodeError};

/// What the two sides have to have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Parameter {
    /// The protocol version.
    Version,
    /// The cipher suite.
    CipherSuite,
    /// The group of the key exchange.
    Group,
    /// The signature algorithm.
    SignatureScheme,
}

impl core::fmt::Display for Parameter {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Version => "protocol version",
            Self::CipherSuite => "cipher suite",
            Self::Group => "group",
            Self::SignatureScheme => "signature algorithm",
        })
    }
}

/// Why a connection ended. [`CloseCause::alert`] is what the peer was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum CloseCause {
    /// [`close`](crate::Connection::close) was called.
    #[error("closed by this side")]
    ClosedLocally,
    /// The peer sent close_notify.
    #[error("closed by the peer")]
    ClosedByPeer,
    /// The peer sent a fatal alert.
    #[error("the peer sent the alert {0}")]
    PeerAlert(AlertDescription),
    /// The handshake did not complete by its deadline. In DTLS 1.3 also, after `Connected`: what
    /// has to be acknowledged, the last flight of a client or a change of keys, never was.
    #[error("the handshake timed out")]
    TimedOut,
    /// The peer's certificate has none of the fingerprints that were announced for it.
    #[error("the peer's certificate does not match the announced fingerprints")]
    FingerprintMismatch,
    /// The handshake was complete by its deadline, but nobody had called
    /// [`set_peer_fingerprints`](crate::Connection::set_peer_fingerprints): the fault is on this
    /// side or in the signalling, not in the network.
    #[error("the peer's fingerprints were not told before the deadline")]
    PeerFingerprintsMissing,
    /// The peer has no certificate.
    #[error("the peer sent no certificate")]
    PeerCertificateMissing,
    /// As [`PeerCertificateMissing`](Self::PeerCertificateMissing), of a client of DTLS 1.3: that
    /// version has an alert for it.
    #[error("the peer sent no certificate, which is required")]
    PeerCertificateRequired,
    /// The peer's certificate does not parse.
    #[error("the peer's certificate does not parse")]
    BadPeerCertificate,
    /// The peer's certificate has a kind of key that cannot be used, an RSA key of less than 2048
    /// bits, or one that its key usage does not let sign (RFC 5246 §7.4.2, RFC 8446 §4.4.2.2).
    #[error("the peer's certificate has an unsupported kind of key")]
    UnsupportedPeerCertificate,
    /// The verifier of [`Config::with_peer_verifier`](crate::Config::with_peer_verifier) does not
    /// take the peer's certificates.
    #[error("the peer's certificates were refused: {0}")]
    PeerRefused(AlertDescription),
    /// Nothing in common in one of the parameters.
    #[error("no {0} in common")]
    NothingInCommon(Parameter),
    /// The client says that it has fallen back, and this side speaks a later version than it now
    /// offers (RFC 7507): somebody has kept the two from it.
    #[error("the client has fallen back to an earlier version")]
    InappropriateFallback,
    /// The peer does not have the extended master secret (RFC 7627), without which exported keys
    /// are not bound to the handshake.
    #[error("the peer lacks the extended master secret")]
    ExtendedMasterSecretMissing,
    /// The peer wants to renegotiate, which is refused (RFC 5746).
    #[error("the peer wants to renegotiate")]
    RenegotiationRefused,
    /// The server answers with an extension that nobody asked for.
    #[error("an extension that was not offered")]
    UnsolicitedExtension,
    /// An extension is missing without which there is no handshake; names it.
    #[error("the extension {0} is missing")]
    MissingExtension(&'static str),
    /// A signature or a Finished value of the peer does not verify.
    #[error("the {0} of the peer does not verify")]
    NotVerified(&'static str),
    /// A record of the peer is longer than the protocol allows (RFC 8446 §5.2).
    #[error("an oversized record")]
    Oversized,
    /// Somebody has tried to forge records more often than the keys may be trusted for
    /// (RFC 9147 §4.5.3).
    #[error("too many forged records")]
    TooManyForgeries,
    /// A message of the peer does not parse; names the field.
    #[error("malformed {0}")]
    Malformed(&'static str),
    /// A message that has no place in this state of the handshake; names it.
    #[error("unexpected {0}")]
    Unexpected(&'static str),
    /// An impossible value; names the field.
    #[error("illegal value in {0}")]
    Illegal(&'static str),
    /// The cryptographic library failed, for example for want of system randomness.
    #[error("internal failure of {0}")]
    Internal(&'static str),
}

impl CloseCause {
    /// The alert that the peer is sent for this cause (RFC 5246 §7.2.2, RFC 8446 §6.2); `None` when it is sent
    /// none.
    #[must_use]
    pub fn alert(&self) -> Option<AlertDescription> {
        Some(match self {
            Self::PeerAlert(_) | Self::TimedOut => return None,
            Self::ClosedLocally | Self::ClosedByPeer => AlertDescription::CloseNotify,
            Self::FingerprintMismatch | Self::BadPeerCertificate => {
                AlertDescription::BadCertificate
            }
            Self::PeerRefused(description) => *description,
            Self::PeerFingerprintsMissing => AlertDescription::CertificateUnknown,
            Self::NothingInCommon(Parameter::Version) => AlertDescription::ProtocolVersion,
            Self::NothingInCommon(_)
            | Self::PeerCertificateMissing
            | Self::RenegotiationRefused
            | Self::ExtendedMasterSecretMissing => AlertDescription::HandshakeFailure,
            Self::PeerCertificateRequired => AlertDescription::CertificateRequired,
            Self::MissingExtension(_) => AlertDescription::MissingExtension,
            Self::InappropriateFallback => AlertDescription::InappropriateFallback,
            Self::UnsolicitedExtension => AlertDescription::UnsupportedExtension,
            Self::UnsupportedPeerCertificate => AlertDescription::UnsupportedCertificate,
            Self::NotVerified(_) => AlertDescription::DecryptError,
            Self::TooManyForgeries => AlertDescription::BadRecordMac,
            Self::Oversized => AlertDescription::RecordOverflow,
            Self::Malformed(_) => AlertDescription::DecodeError,
            Self::Unexpected(_) => AlertDescription::UnexpectedMessage,
            Self::Illegal(_) => AlertDescription::IllegalParameter,
            Self::Internal(_) => AlertDescription::InternalError,
        })
    }

    /// Names what the library refused.
    pub(crate) fn internal(what: &'static str) -> impl FnOnce(Refused) -> Self {
        move |Refused| Self::Internal(what)
    }
}

impl From<DecodeError> for CloseCause {
    fn from(DecodeError(what): DecodeError) -> Self {
        Self::Malformed(what)
    }
}

/// Why data could not be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SendError {
    /// The connection is not connected: not yet, or no more.
    #[error("not connected")]
    NotConnected,
    /// One call sends one record in one datagram.
    #[error("{length} bytes do not fit into a datagram, {limit} do")]
    TooLong {
        /// What was asked for, in bytes.
        length: usize,
        /// What fits, in bytes.
        limit: usize,
    },
    /// The queue is full: drain `poll_transmit` first.
    #[error("the queue is full")]
    QueueFull,
}

/// Why keys could not be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum UpdateError {
    /// The connection is not connected: not yet, or no more.
    #[error("not connected")]
    NotConnected,
    /// DTLS 1.2 has no change of keys.
    #[error("this version of the protocol has no change of keys")]
    NotInThisVersion,
}

/// Why key material could not be exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The connection is not connected: not yet, or no more.
    #[error("not connected")]
    NotConnected,
    /// The proof is about the peer of another connection.
    #[error("the proof belongs to another connection")]
    ForeignProof,
    /// The label is one of the key schedule's own (RFC 5705 §4).
    #[error("the label is reserved")]
    ReservedLabel,
    /// The context is longer than 65535 bytes (RFC 5705 §4).
    #[error("the context is too long")]
    ContextTooLong,
    /// The label is longer than 249 bytes, which is what DTLS 1.3 takes (RFC 8446 §7.1).
    #[error("the label is too long")]
    LabelTooLong,
    /// More is wanted than DTLS 1.3 gives: 255 hash values (RFC 5869 §2.3).
    #[error("the output is too long")]
    OutputTooLong,
}

/// Why an identity could not be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// The date is before 1970 or after 9997.
    #[error("a certificate cannot hold this date")]
    DateOutOfRange,
    /// The cryptographic library failed, for example for want of system randomness.
    #[error("the key could not be generated")]
    KeyGeneration,
    /// There is no certificate in what was given.
    #[error("no certificate")]
    NoCertificate,
    /// The certificate with this index does not parse; 0 is the first.
    #[error("certificate {0} does not parse")]
    BadCertificate(usize),
    /// More certificates than 16, or more than 16 KiB of them.
    #[error("a chain of {certificates} certificates in {bytes} bytes is too long")]
    ChainTooLong {
        /// How many there are.
        certificates: usize,
        /// How long they are together, in bytes.
        bytes: usize,
    },
    /// The certificate has a kind of key that is not supported here, an RSA key of less than 2048
    /// bits, or one that its key usage does not let sign.
    #[error("the certificate's key is of an unsupported kind, too short, or not for signatures")]
    UnsupportedKey,
    /// There is no private key in the text, or it is encrypted.
    #[error("no private key that is not encrypted")]
    NoKey,
    /// The private key does not parse, is of another kind than the certificate's, or is too short
    /// or too long.
    #[error("the private key cannot be used with the certificate")]
    BadKey,
    /// The private key belongs to another certificate.
    #[error("the private key belongs to another certificate")]
    ForeignKey,
}
