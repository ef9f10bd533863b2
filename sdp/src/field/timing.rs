//! `t=`: when the session is (RFC 8866 §5.9).

use std::fmt;

use nom::Parser;

use crate::grammar::{Invalid, Step, number, space, whole};

/// `t=<start-time> <stop-time>`; `0 0` is a session without end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// Seconds since 1900, or 0. Does not wrap in 2036.
    pub start: u64,
    /// Seconds since 1900, or 0. Does not wrap in 2036.
    pub stop: u64,
}

impl Timing {
    pub(crate) fn read(value: &str) -> Result<Self, Invalid> {
        whole(
            value,
            (time, space, time).map(|(start, (), stop)| Self { start, stop }),
        )
    }
}

/// `time`: ten digits or more, or "0" (RFC 8866 §9).
fn time(input: &str) -> Step<'_, u64> {
    let wanted = "a time (0, or at least ten digits)";
    let (rest, seconds) = number::<u64>(wanted)(input)?;
    if seconds != 0 && input.len() - rest.len() < 10 {
        return Err(nom::Err::Error(Invalid::new(input, wanted)));
    }
    Ok((rest, seconds))
}

impl fmt::Display for Timing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.start, self.stop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_or_ten_digits() {
        assert_eq!(Timing::read("0 0").unwrap(), Timing { start: 0, stop: 0 });
        assert!(Timing::read("4294967297 4294967299").is_ok());
        assert_eq!(Timing::read("12345 67890").unwrap_err().left, 11);
    }
}
