//! The transport protocols of `m=` lines (RFC 8866 §5.14), in one table.

use std::borrow::Cow;
use std::fmt;

macro_rules! protocols {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $secure:ident;)*) => {
        /// The `proto` of a media section. Unknown ones are kept.
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Protocol<'a> {
            $($(#[$doc])* $variant,)*
            /// Any other, as it was written.
            Other(Cow<'a, str>),
        }

        impl<'a> Protocol<'a> {
            pub(crate) fn from_name(name: &'a str) -> Self {
                match name {
                    $($name => Self::$variant,)*
                    other => Self::Other(Cow::Borrowed(other)),
                }
            }

            /// As it stands in the `m=` line.
            #[must_use]
            pub fn name(&self) -> &str {
                match self {
                    $(Self::$variant => $name,)*
                    Self::Other(name) => name,
                }
            }

            /// How its packets are protected.
            #[must_use]
            pub fn security(&self) -> Security {
                match self {
                    $(Self::$variant => Security::$secure,)*
                    Self::Other(_) => Security::Unknown,
                }
            }

            /// The same protocol, with its own text.
            #[must_use]
            pub fn into_owned(self) -> Protocol<'static> {
                match self {
                    $(Self::$variant => Protocol::$variant,)*
                    Self::Other(name) => Protocol::Other(Cow::Owned(name.into_owned())),
                }
            }
        }
    };
}

/// How the packets of a protocol are protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Security {
    /// Not at all.
    Plain,
    /// SRTP with keys from `a=crypto` (RFC 4568); browsers also label DTLS-SRTP so.
    Srtp,
    /// Keys from a DTLS handshake, the peer named by `a=fingerprint`.
    Dtls,
    /// The connection itself is TLS, the peer named by `a=fingerprint`.
    Tls,
    /// An unknown protocol.
    Unknown,
}

protocols! {
    /// RTP (RFC 3551).
    RtpAvp = "RTP/AVP", Plain;
    /// RTP with early feedback (RFC 4585).
    RtpAvpf = "RTP/AVPF", Plain;
    /// Secure RTP (RFC 3711).
    RtpSavp = "RTP/SAVP", Srtp;
    /// Secure RTP with early feedback (RFC 5124).
    RtpSavpf = "RTP/SAVPF", Srtp;
    /// DTLS-SRTP over UDP (RFC 5764).
    UdpTlsRtpSavp = "UDP/TLS/RTP/SAVP", Dtls;
    /// DTLS-SRTP with early feedback over UDP (RFC 5764), what browsers offer.
    UdpTlsRtpSavpf = "UDP/TLS/RTP/SAVPF", Dtls;
    /// RTP over TCP (RFC 4571).
    TcpRtpAvp = "TCP/RTP/AVP", Plain;
    /// RTP with early feedback over TCP (RFC 4571).
    TcpRtpAvpf = "TCP/RTP/AVPF", Plain;
    /// Secure RTP over TCP.
    TcpRtpSavp = "TCP/RTP/SAVP", Srtp;
    /// Secure RTP with early feedback over TCP.
    TcpRtpSavpf = "TCP/RTP/SAVPF", Srtp;
    /// DTLS-SRTP over TCP (RFC 7850 §3.4).
    TcpDtlsRtpSavp = "TCP/DTLS/RTP/SAVP", Dtls;
    /// DTLS-SRTP with early feedback over TCP (RFC 7850 §3.5).
    TcpDtlsRtpSavpf = "TCP/DTLS/RTP/SAVPF", Dtls;
    /// DTLS-SRTP over TCP, as RFC 9429 §5.1.2 also takes it.
    TcpTlsRtpSavp = "TCP/TLS/RTP/SAVP", Dtls;
    /// DTLS-SRTP with early feedback over TCP, as RFC 9429 §5.1.2 also takes it.
    TcpTlsRtpSavpf = "TCP/TLS/RTP/SAVPF", Dtls;
    /// RTP inside TLS over TCP (RFC 7850 §3.6).
    TcpTlsRtpAvp = "TCP/TLS/RTP/AVP", Tls;
    /// RTP with early feedback inside TLS over TCP (RFC 7850 §3.7).
    TcpTlsRtpAvpf = "TCP/TLS/RTP/AVPF", Tls;
    /// Data channels over UDP (RFC 8841).
    UdpDtlsSctp = "UDP/DTLS/SCTP", Dtls;
    /// Data channels over TCP (RFC 8841).
    TcpDtlsSctp = "TCP/DTLS/SCTP", Dtls;
    /// Data channels as they were before RFC 8841.
    DtlsSctp = "DTLS/SCTP", Dtls;
}

impl Protocol<'_> {
    /// Whether the formats of the section are RTP payload types.
    #[must_use]
    pub fn is_rtp(&self) -> bool {
        self.name().split('/').any(|part| part == "RTP")
    }
}

impl fmt::Display for Protocol<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_names_survive() {
        assert_eq!(Protocol::from_name("FOO/BAR").name(), "FOO/BAR");
        assert_eq!(
            Protocol::from_name("UDP/TLS/RTP/SAVPF"),
            Protocol::UdpTlsRtpSavpf
        );
        assert!(Protocol::RtpAvp.is_rtp() && !Protocol::UdpDtlsSctp.is_rtp());
    }
}
