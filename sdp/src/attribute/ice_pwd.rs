//! `a=ice-pwd`: the password of ICE (RFC 8839 §5.4).

use std::fmt;

use nom::Parser;

use super::{Raw, Typed};
use crate::grammar::{Invalid, bounded, is_ice};

/// `a=ice-pwd`: the password of ICE (RFC 8839 §5.4).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct IcePwd<'a> {
    /// The password, 22 to 256 characters.
    pub text: &'a str,
}

impl<'a> Typed<'a> for IcePwd<'a> {
    fn read(raw: Raw<'a>) -> Result<Self, Invalid> {
        raw.read(bounded("22 to 256 of A-Z a-z 0-9 + /", is_ice, 22, 256).map(|text| Self { text }))
    }
}

impl fmt::Display for IcePwd<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ice-pwd:{}", self.text)
    }
}

impl fmt::Debug for IcePwd<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IcePwd(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_hides_the_password() {
        let value = Some("OtSK0WpNtpUjkY4+86js7Zl/");
        let pwd = IcePwd::read(Raw { name: "ice-pwd", value }).unwrap();
        assert_eq!(format!("{pwd:?}"), "IcePwd(hidden)");
        assert_eq!(pwd.to_string(), "ice-pwd:OtSK0WpNtpUjkY4+86js7Zl/");
    }
}
