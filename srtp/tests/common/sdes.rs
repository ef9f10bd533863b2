//! `a=crypto`: keys and suites that its tests share.

use srtp::Profile;

/// The key of RFC 4568 §6.1: 16 bytes of key, 14 of salt.
pub(crate) const KEY: &str = "d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj";
pub(crate) const OTHER_KEY: &str = "NzB4d1BINUAvLEw6UzF3WSJ+PSdFcGdUJShpX1Zj";

/// The profiles that SDES has names for.
pub(crate) fn suites() -> Vec<Profile> {
    let all = Profile::ALL.into_iter();
    all.filter(|profile| profile.sdes_name().is_some())
        .collect()
}
