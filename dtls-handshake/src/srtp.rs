//! What two sides settle about SRTP in use_srtp (RFC 5764 §4.1).

use crate::config::Config;
use crate::error::CloseCause;
use crate::message::UseSrtp;

/// A protection profile, and the identifier that stands in each packet for its master key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Srtp {
    pub(crate) profile: u16,
    /// Empty: packets have none.
    pub(crate) mki: Vec<u8>,
}

impl Srtp {
    /// The server's choice: the first of its own that the client offers. Without one the extension
    /// is left out, and so is an identifier that is not taken (RFC 5764 §4.1.1 and §4.1.3).
    pub(crate) fn select(offer: Option<UseSrtp<'_>>, config: &Config) -> Option<Self> {
        let offer = offer?;
        let mut ours = config.srtp_profiles.iter().copied();
        let profile = ours.find(|profile| offer.profiles.contains(*profile))?;
        let mki = match config.takes_srtp_mki {
            true => offer.mki.to_vec(),
            false => Vec::new(),
        };
        Some(Self { profile, mki })
    }

    /// What the server chose, as the client sees it: exactly one profile, of those offered, and no
    /// identifier but the one offered (RFC 5764 §4.1.1 and §4.1.3).
    pub(crate) fn accept(
        answer: Option<UseSrtp<'_>>,
        config: &Config,
    ) -> Result<Option<Self>, CloseCause> {
        let Some(answer) = answer else {
            return Ok(None);
        };
        if config.srtp_profiles.is_empty() {
            return Err(CloseCause::UnsolicitedExtension);
        }
        let mut profiles = answer.profiles.iter();
        let (Some(profile), None) = (profiles.next(), profiles.next()) else {
            return Err(CloseCause::Illegal("use_srtp"));
        };
        let known_mki = answer.mki.is_empty() || answer.mki == config.srtp_mki;
        if !config.srtp_profiles.contains(&profile) || !known_mki {
            return Err(CloseCause::Illegal("use_srtp"));
        }
        let mki = answer.mki.to_vec();
        Ok(Some(Self { profile, mki }))
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;
    use crate::identity::Identity;
    use crate::wire::List16;

    fn use_srtp<'a>(profiles: &'a [u8], mki: &'a [u8]) -> UseSrtp<'a> {
        let profiles = List16::new(profiles, "profiles").unwrap();
        UseSrtp { profiles, mki }
    }

    #[test]
    fn answers_are_among_what_was_offered() {
        let identity = Identity::generate(UNIX_EPOCH + Duration::from_secs(1_780_000_000)).unwrap();
        let config = Config::new(identity);
        let illegal = Err(CloseCause::Illegal("use_srtp"));
        let unsolicited = Err(CloseCause::UnsolicitedExtension);
        let accept = |answer, config: &Config| Srtp::accept(Some(answer), config);
        assert_eq!(accept(use_srtp(&[0, 7], b""), &config), unsolicited);
        let config = config.with_srtp_profiles(&[7, 1]).with_srtp_mki(b"ab");
        let settled = |mki: &[u8]| {
            let mki = mki.to_vec();
            Ok(Some(Srtp { profile: 7, mki }))
        };
        assert_eq!(accept(use_srtp(&[0, 7], b"ab"), &config), settled(b"ab"));
        assert_eq!(accept(use_srtp(&[0, 7], b""), &config), settled(b""));
        assert_eq!(accept(use_srtp(&[0, 7], b"ac"), &config), illegal);
        assert_eq!(accept(use_srtp(&[0, 7], b"abc"), &config), illegal);
        assert_eq!(accept(use_srtp(&[0, 8], b""), &config), illegal);
        assert_eq!(accept(use_srtp(&[0, 7, 0, 1], b""), &config), illegal);
        assert_eq!(Srtp::accept(None, &config), Ok(None));
    }
}
