//! The protection profiles: one table of names, ids and lengths.

use core::fmt;
use core::str::FromStr;

use crate::error::UnknownProfile;

/// The most bytes that protecting a packet can add: 20, which is SRTCP with a GCM tag of 16 and its
/// index of 4, or SRTP with that tag and the 4 bytes of cryptex. It covers every [`Profile`] and both
/// protocols, but no MKI: its bytes come on top.
///
/// Leave this many bytes behind a packet in its buffer, whatever the profile, and with an MKI its length
/// on top. The exact number of a sender, MKI and cryptex included, is
/// [`Sender::rtp_overhead`](crate::Sender::rtp_overhead) and
/// [`Sender::rtcp_overhead`](crate::Sender::rtcp_overhead).
pub const TRAILER_MAX: usize = 20;

/// Bytes of the word with E bit and index that SRTCP adds (RFC 3711 §3.4).
pub(crate) const RTCP_INDEX_LEN: usize = 4;

/// A protection profile: which cipher, which authentication, which lengths.
///
/// DTLS ids and SDES names are separate conversions, because not every profile has both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Profile {
    /// AES-128 in counter mode, HMAC-SHA1 with an 80-bit tag (RFC 3711, RFC 5764 §4.1.2).
    AesCm128HmacSha1_80,
    /// AES-128 in counter mode, HMAC-SHA1 with a 32-bit tag on RTP and 80 bits on RTCP.
    AesCm128HmacSha1_32,
    /// AES-256 in counter mode, HMAC-SHA1 with an 80-bit tag (RFC 6188). SDES only.
    AesCm256HmacSha1_80,
    /// AES-256 in counter mode, HMAC-SHA1 with a 32-bit tag on RTP and 80 bits on RTCP. SDES only.
    AesCm256HmacSha1_32,
    /// AES-128-GCM with a 128-bit tag (RFC 7714).
    AeadAes128Gcm,
    /// AES-256-GCM with a 128-bit tag (RFC 7714).
    AeadAes256Gcm,
    /// No encryption, HMAC-SHA1 with an 80-bit tag (RFC 3711 §4.1.3, RFC 5764 §4.1.2). Only
    /// [`MasterKey::new_unencrypted`](crate::MasterKey::new_unencrypted) takes it; SDES has no
    /// name for it.
    NullHmacSha1_80,
    /// No encryption, HMAC-SHA1 with a 32-bit tag on RTP and 80 bits on RTCP. As the one before.
    NullHmacSha1_32,
}

/// The transform that a profile uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Algorithm {
    CounterModeHmacSha1,
    Gcm,
    NullHmacSha1,
}

/// What a profile is called.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Name {
    /// A crypto-suite of `a=crypto`.
    Sdes(&'static str),
    /// The name in the registry of DTLS profiles, for want of a crypto-suite.
    Dtls(&'static str),
}

/// One row of the table. Lengths in bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parameters {
    pub(crate) algorithm: Algorithm,
    pub(crate) name: Name,
    pub(crate) dtls_id: Option<u16>,
    pub(crate) key_len: usize,
    pub(crate) salt_len: usize,
    pub(crate) rtp_tag_len: usize,
    pub(crate) rtcp_tag_len: usize,
}

impl Profile {
    /// Every profile of this crate, those that do not [encrypt](Self::encrypts) at the end.
    pub const ALL: [Self; 8] = [
        Self::AesCm128HmacSha1_80,
        Self::AesCm128HmacSha1_32,
        Self::AesCm256HmacSha1_80,
        Self::AesCm256HmacSha1_32,
        Self::AeadAes128Gcm,
        Self::AeadAes256Gcm,
        Self::NullHmacSha1_80,
        Self::NullHmacSha1_32,
    ];

    /// The table: RFC 4568 §6.2, RFC 5764 §4.1.2, RFC 6188 §3, RFC 7714 §12 and §14.2.
    ///
    /// The `_32` profiles shorten the tag of SRTP only: SRTCP keeps 80 bits (RFC 5764 §4.1.2).
    ///
    /// RFC 5764 prints lengths of 0 for key and salt of the NULL profiles, which would leave
    /// nothing to derive the authentication key from: they have those of AES-CM, as
    /// implementations agree on.
    pub(crate) const fn parameters(self) -> Parameters {
        let counter_mode = Parameters {
            algorithm: Algorithm::CounterModeHmacSha1,
            name: Name::Sdes("AES_CM_128_HMAC_SHA1_80"),
            dtls_id: Some(0x0001),
            key_len: 16,
            salt_len: 14,
            rtp_tag_len: 10,
            rtcp_tag_len: 10,
        };
        let gcm = Parameters {
            algorithm: Algorithm::Gcm,
            name: Name::Sdes("AEAD_AES_128_GCM"),
            dtls_id: Some(0x0007),
            key_len: 16,
            salt_len: 12,
            rtp_tag_len: 16,
            rtcp_tag_len: 16,
        };
        let null = Parameters {
            algorithm: Algorithm::NullHmacSha1,
            name: Name::Dtls("SRTP_NULL_HMAC_SHA1_80"),
            dtls_id: Some(0x0005),
            ..counter_mode
        };
        match self {
            Self::AesCm128HmacSha1_80 => counter_mode,
            Self::AesCm128HmacSha1_32 => Parameters {
                name: Name::Sdes("AES_CM_128_HMAC_SHA1_32"),
                dtls_id: Some(0x0002),
                rtp_tag_len: 4,
                ..counter_mode
            },
            Self::AesCm256HmacSha1_80 => Parameters {
                name: Name::Sdes("AES_256_CM_HMAC_SHA1_80"),
                dtls_id: None,
                key_len: 32,
                ..counter_mode
            },
            Self::AesCm256HmacSha1_32 => Parameters {
                name: Name::Sdes("AES_256_CM_HMAC_SHA1_32"),
                dtls_id: None,
                key_len: 32,
                rtp_tag_len: 4,
                ..counter_mode
            },
            Self::AeadAes128Gcm => gcm,
            Self::AeadAes256Gcm => Parameters {
                name: Name::Sdes("AEAD_AES_256_GCM"),
                dtls_id: Some(0x0008),
                key_len: 32,
                ..gcm
            },
            Self::NullHmacSha1_80 => null,
            Self::NullHmacSha1_32 => Parameters {
                name: Name::Dtls("SRTP_NULL_HMAC_SHA1_32"),
                dtls_id: Some(0x0006),
                rtp_tag_len: 4,
                ..null
            },
        }
    }

    /// Whether packets are encrypted, and not authenticated alone.
    #[must_use]
    pub const fn encrypts(self) -> bool {
        !matches!(self.parameters().algorithm, Algorithm::NullHmacSha1)
    }

    /// The profile that a `use_srtp` extension names (RFC 5764 §4.1.2, RFC 7714 §14.2). `None`
    /// for one that does not [encrypt](Self::encrypts): no handshake ends in the clear by accident.
    #[must_use]
    pub fn from_dtls_id(id: u16) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|profile| profile.encrypts() && profile.dtls_id() == Some(id))
    }

    /// The id in a `use_srtp` extension; `None` for a profile that DTLS cannot negotiate. Browsers
    /// are never offered one that does not [encrypt](Self::encrypts) (RFC 8827 §6.5).
    #[must_use]
    pub const fn dtls_id(self) -> Option<u16> {
        self.parameters().dtls_id
    }

    /// The profile that a crypto-suite of `a=crypto` names (RFC 4568 §6.2). Case matters not.
    #[must_use]
    pub fn from_sdes_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|profile| {
            profile
                .sdes_name()
                .is_some_and(|it| it.eq_ignore_ascii_case(name))
        })
    }

    /// The crypto-suite name of `a=crypto` (RFC 4568 §6.2, RFC 6188 §3.1, RFC 7714 §14.1); `None`
    /// for a profile that has none.
    #[must_use]
    pub const fn sdes_name(self) -> Option<&'static str> {
        match self.parameters().name {
            Name::Sdes(name) => Some(name),
            Name::Dtls(_) => None,
        }
    }

    /// The name that [`Display`](fmt::Display) writes and [`FromStr`] reads.
    const fn name(self) -> &'static str {
        match self.parameters().name {
            Name::Sdes(name) | Name::Dtls(name) => name,
        }
    }

    /// Length of the master key in bytes.
    #[must_use]
    pub const fn key_len(self) -> usize {
        self.parameters().key_len
    }

    /// Length of the master salt in bytes.
    #[must_use]
    pub const fn salt_len(self) -> usize {
        self.parameters().salt_len
    }

    /// Length in bytes of the keying material that DTLS exports for both directions under the
    /// label `EXTRACTOR-dtls_srtp` (RFC 5764 §4.2).
    #[must_use]
    pub const fn export_len(self) -> usize {
        2 * (self.key_len() + self.salt_len())
    }

    /// Bytes that protecting adds to an RTP packet.
    #[must_use]
    pub const fn rtp_overhead(self) -> usize {
        self.parameters().rtp_tag_len
    }

    /// Bytes that protecting adds to an RTCP packet.
    #[must_use]
    pub const fn rtcp_overhead(self) -> usize {
        self.parameters().rtcp_tag_len + RTCP_INDEX_LEN
    }
}

/// From the id in a `use_srtp` extension, as [`Profile::from_dtls_id`].
impl TryFrom<u16> for Profile {
    type Error = UnknownProfile;

    fn try_from(id: u16) -> Result<Self, UnknownProfile> {
        Self::from_dtls_id(id).ok_or(UnknownProfile::DtlsId(id))
    }
}

/// From the name that `Display` writes. Case matters not.
impl FromStr for Profile {
    type Err = UnknownProfile;

    fn from_str(name: &str) -> Result<Self, UnknownProfile> {
        Self::ALL
            .into_iter()
            .find(|profile| profile.name().eq_ignore_ascii_case(name))
            .ok_or_else(|| UnknownProfile::Name(name.into()))
    }
}

/// Writes the crypto-suite name of `a=crypto`, or that of the DTLS profile where SDES has none.
impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trailer_max_is_the_largest_overhead() {
        let largest = Profile::ALL
            .into_iter()
            .map(|profile| profile.rtp_overhead().max(profile.rtcp_overhead()))
            .max();
        assert_eq!(largest, Some(TRAILER_MAX));
    }

    #[test]
    fn ids_and_names_lead_back_to_their_profile() {
        for profile in Profile::ALL {
            if let Some(name) = profile.sdes_name() {
                assert_eq!(Profile::from_sdes_name(name), Some(profile));
            }
            if let (Some(id), true) = (profile.dtls_id(), profile.encrypts()) {
                assert_eq!(Profile::from_dtls_id(id), Some(profile));
            }
        }
        for (id, profile) in [(5, Profile::NullHmacSha1_80), (6, Profile::NullHmacSha1_32)] {
            assert_eq!(Profile::from_dtls_id(id), None, "never by accident");
            assert_eq!((profile.dtls_id(), profile.sdes_name()), (Some(id), None));
            assert!(!profile.encrypts());
        }
        assert_eq!(Profile::from_dtls_id(0), None);
        assert_eq!(Profile::try_from(7), Ok(Profile::AeadAes128Gcm));
        assert_eq!(
            Profile::try_from(5).unwrap_err().to_string(),
            "no profile has the DTLS id 0x0005"
        );
        for profile in Profile::ALL {
            assert_eq!(profile.to_string().parse(), Ok(profile));
        }
        let unknown = "F8_128_HMAC_SHA1_80".parse::<Profile>();
        assert!(matches!(unknown, Err(UnknownProfile::Name(name)) if name.starts_with("F8")));
    }
}
