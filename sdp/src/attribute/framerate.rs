//! `a=framerate`: the most video frames per second (RFC 8866 §6.11).

use std::fmt;

use super::{Raw, Typed};
use crate::grammar::{Invalid, run};

/// `a=framerate:<frames per second>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Framerate<'a> {
    /// Frames per second, above zero, as it was written: `25`, `29.97`.
    pub text: &'a str,
}

impl Framerate<'_> {
    /// Frames per second.
    #[must_use]
    pub fn per_second(&self) -> f64 {
        self.text.parse().unwrap_or_default()
    }
}

impl<'a> Typed<'a> for Framerate<'a> {
    fn read(raw: Raw<'a>) -> Result<Self, Invalid> {
        let wanted = "frames per second, above zero";
        raw.read(|input: &'a str| {
            let (rest, text) = run(wanted, |byte| byte.is_ascii_digit() || byte == b'.')(input)?;
            // `non-zero-int-or-real` (RFC 8866 §9): digits on both sides of a point.
            let is_digits = |part: &str| !part.is_empty() && !part.contains('.');
            let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
            let above_zero = text.bytes().any(|byte| matches!(byte, b'1'..=b'9'));
            match is_digits(whole) && is_digits(part) && above_zero {
                true => Ok((rest, Self { text })),
                false => Err(nom::Err::Error(Invalid::new(input, wanted))),
            }
        })
    }
}

impl fmt::Display for Framerate<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "framerate:{}", self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_and_fractional() {
        let read = |value| Framerate::read(Raw { name: "framerate", value: Some(value) });
        assert!((read("29.97").unwrap().per_second() - 29.97).abs() < 1e-9);
        assert_eq!(read("15").unwrap().to_string(), "framerate:15");
        for wrong in ["", "0", "0.0", "15.", ".5", "1.2.3", "-1", "25fps"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
