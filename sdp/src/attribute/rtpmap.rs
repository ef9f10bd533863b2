//! `a=rtpmap`: which codec a payload type is (RFC 8866 §6.6).

use std::fmt;

use nom::Parser;
use nom::combinator::{opt, verify};
use nom::sequence::preceded;

use super::{Raw, Typed};
use crate::grammar::{Invalid, expect, literal, number, payload_type, space, token};

/// `a=rtpmap:<payload type> <encoding>/<clock rate>[/<channels>]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rtpmap<'a> {
    /// The payload type, 0 to 127.
    pub payload_type: u8,
    /// The name of the codec; upper and lower case do not differ.
    pub encoding: &'a str,
    /// In hertz; not zero.
    pub clock_rate: u32,
    /// Channels of an audio codec; one where nothing is said.
    pub channels: Option<u8>,
}

impl<'a> Typed<'a> for Rtpmap<'a> {
    fn read(raw: Raw<'a>) -> Result<Self, Invalid> {
        let wanted = "a clock rate above zero";
        let clock_rate = expect(wanted, verify(number(wanted), |rate| *rate != 0));
        let wanted = "a number of channels above zero";
        let channels = expect(wanted, verify(number(wanted), |channels| *channels != 0));
        let parts = (
            (payload_type, space, token("an encoding name"), literal("/")),
            (clock_rate, opt(preceded(literal("/"), channels))),
        );
        raw.read(parts.map(|((payload_type, (), encoding, _), (clock_rate, channels))| Self {
            payload_type,
            encoding,
            clock_rate,
            channels,
        }))
    }
}

impl fmt::Display for Rtpmap<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rtpmap:{} {}/{}", self.payload_type, self.encoding, self.clock_rate)?;
        match self.channels {
            Some(channels) => write!(f, "/{channels}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Result<Rtpmap<'_>, Invalid> {
        Rtpmap::read(Raw { name: "rtpmap", value: Some(value) })
    }

    #[test]
    fn reads_the_parts() {
        let opus = read("111 opus/48000/2").unwrap();
        assert_eq!((opus.payload_type, opus.clock_rate, opus.channels), (111, 48_000, Some(2)));
        assert_eq!(opus.to_string(), "rtpmap:111 opus/48000/2");
    }

    #[test]
    fn says_where_it_is_wrong() {
        assert_eq!(read("96 opus/0/2").unwrap_err().left, 3);
        assert_eq!(read("96 opus/fast").unwrap_err().expected, "a clock rate above zero");
        assert_eq!(read("96 opus/99999999999999999999").unwrap_err().left, 20);
        assert_eq!(read("128 opus/48000").unwrap_err().left, 14);
        assert_eq!(read("31 LPC").unwrap_err().expected, "/");
    }
}
