//! `a=msid`: the media stream and track of a section (RFC 8830 §2).

use std::fmt;

use nom::Parser;
use nom::combinator::opt;
use nom::sequence::preceded;

use super::{Raw, Typed};
use crate::grammar::{Invalid, bounded, is_token, space};

/// `a=msid:<stream> [<track>]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Msid<'a> {
    /// The stream; `-` for a track without one.
    pub stream: &'a str,
    /// The track.
    pub track: Option<&'a str>,
}

impl<'a> Typed<'a> for Msid<'a> {
    fn read(raw: Raw<'a>) -> Result<Self, Invalid> {
        let stream = bounded("a stream id of 1 to 64 characters", is_token, 1, 64);
        let track = bounded("a track id of 1 to 64 characters", is_token, 1, 64);
        let parts = (stream, opt(preceded(space, track)));
        raw.read(parts.map(|(stream, track)| Self { stream, track }))
    }
}

impl fmt::Display for Msid<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "msid:{}", self.stream)?;
        match self.track {
            Some(track) => write!(f, " {track}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stream_and_track() {
        let read = |value| Msid::read(Raw { name: "msid", value: Some(value) });
        assert_eq!(read("-").unwrap(), Msid { stream: "-", track: None });
        assert_eq!(read("{a} {b}").unwrap().to_string(), "msid:{a} {b}");
        assert!(Msid::read(Raw { name: "msid", value: Some(&"a".repeat(65)) }).is_err());
    }
}
