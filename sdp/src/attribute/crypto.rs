//! `a=crypto`: keys for SRTP inside the description (RFC 4568 §9). The keys stay text here.

use std::fmt;

use nom::Parser;
use nom::combinator::{opt, verify};
use nom::sequence::preceded;

use super::{Raw, Typed};
use crate::grammar::{Invalid, expect, number, rest, run, space, token, word};

/// `a=crypto:<tag> <suite> <key-params> [<session-params>]` (RFC 4568 §9.1). `Debug` hides the
/// keys.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Crypto<'a> {
    /// Names this line among the others of its section; at most nine digits.
    pub tag: u32,
    /// The crypto suite, such as `AES_CM_128_HMAC_SHA1_80`.
    pub suite: &'a str,
    /// `inline:...`, several separated by semicolons. Secret.
    pub key_params: &'a str,
    /// `KDR=...` and others, separated by spaces.
    pub session_params: Option<&'a str>,
}

impl<'a> Typed<'a> for Crypto<'a> {
    fn read(raw: Raw<'a>) -> Result<Self, Invalid> {
        let tag = run("a tag of one to nine digits", |c| c.is_ascii_digit());
        let tag = verify(tag, |digits: &str| digits.len() <= 9);
        let tag = expect("a tag of one to nine digits", tag.and_then(number("a tag")));
        let keys = verify(word("key parameters"), |keys: &str| keys.contains(':'));
        let keys = expect("key parameters with their method (inline:)", keys);
        let session = opt(preceded(space, rest("session parameters")));
        let parts = (tag, space, token("a crypto suite"), space, keys, session);
        raw.read(parts.map(|(tag, (), suite, (), key_params, session_params)| Self {
            tag,
            suite,
            key_params,
            session_params,
        }))
    }
}

impl fmt::Debug for Crypto<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tag, suite, session_params, .. } = self;
        let mut debug = f.debug_struct("Crypto");
        debug.field("tag", tag).field("suite", suite).field("session_params", session_params);
        debug.finish_non_exhaustive()
    }
}

impl fmt::Display for Crypto<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "crypto:{} {} {}", self.tag, self.suite, self.key_params)?;
        match self.session_params {
            Some(params) => write!(f, " {params}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Result<Crypto<'_>, Invalid> {
        Crypto::read(Raw { name: "crypto", value: Some(value) })
    }

    #[test]
    fn keys_stay_text_and_hidden() {
        let text = "1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3|2^20|1:32 FEC_ORDER=FEC_SRTP";
        let crypto = read(text).unwrap();
        assert_eq!(crypto.key_params, "inline:d0RmdmcmVCspeEc3|2^20|1:32");
        assert_eq!(crypto.to_string(), format!("crypto:{text}"));
        assert!(!format!("{crypto:?}").contains("d0Rm"));
    }

    #[test]
    fn refuses_what_is_not_rfc_4568() {
        assert!(read("1234567890 AES_CM_128_HMAC_SHA1_80 inline:aa").is_err());
        assert!(read("1 AES_CM_128_HMAC_SHA1_80 d0RmdmcmVCspeEc3").is_err());
    }
}
