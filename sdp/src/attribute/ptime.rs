//! `a=ptime`: how much media one packet should hold (RFC 8866 §6.4).

use std::fmt;
use std::time::Duration;

use nom::Parser;

use super::{Raw, Typed};
use crate::grammar::{Invalid, Step, run};

/// `a=ptime:<milliseconds>`, what the writer would like to receive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ptime {
    /// The media in one packet; not zero.
    pub duration: Duration,
}

impl<'a> Typed<'a> for Ptime {
    fn read(raw: Raw<'a>) -> Result<Self, Invalid> {
        raw.read(milliseconds.map(|duration| Self { duration }))
    }
}

impl fmt::Display for Ptime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ptime:")?;
        write_milliseconds(self.duration, f)
    }
}

/// `non-zero-int-or-real` (RFC 8866 §9), kept to the nanosecond, at most a day.
pub(super) fn milliseconds(input: &str) -> Step<'_, Duration> {
    let wanted = "milliseconds above zero";
    let failed = nom::Err::Error(Invalid::new(input, wanted));
    let (rest, digits) = run(wanted, |c| c.is_ascii_digit() || c == b'.')(input)?;
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
    let (Ok(whole), true) = (whole.parse::<u32>(), is_digits(part)) else { return Err(failed) };
    // Six decimals of a millisecond are nanoseconds; what is finer is dropped.
    let nanoseconds = part.bytes().chain(std::iter::repeat(b'0')).take(6);
    let nanoseconds = nanoseconds.fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'));
    let duration = Duration::from_millis(whole.into()) + Duration::from_nanos(nanoseconds);
    if duration.is_zero() || duration > Duration::from_secs(86_400) {
        return Err(failed);
    }
    Ok((rest, duration))
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

pub(super) fn write_milliseconds(duration: Duration, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let nanoseconds = duration.subsec_nanos() % 1_000_000;
    write!(f, "{}", duration.as_millis())?;
    if nanoseconds == 0 {
        return Ok(());
    }
    let digits = format!("{nanoseconds:06}");
    write!(f, ".{}", digits.trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_and_fractional() {
        let read = |value| Ptime::read(Raw { name: "ptime", value: Some(value) });
        assert_eq!(read("20").unwrap().duration, Duration::from_millis(20));
        assert_eq!(read("2.5").unwrap().duration, Duration::from_micros(2500));
        assert_eq!(read("2.5").unwrap().to_string(), "ptime:2.5");
        for wrong in ["0", "0.0", "-20", "", "1.", ".5", "1.2.3", "99999999999"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
