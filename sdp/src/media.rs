//! A media section: its `m=` line (RFC 8866 §5.14) and the lines below it.

use std::borrow::Cow;
use std::fmt;
use std::ops::{Deref, DerefMut};

use nom::combinator::opt;
use nom::sequence::preceded;

use crate::grammar::{Invalid, list, literal, number, space, token, whole};
use crate::line::{Line, LineEnd};
use crate::protocol::Protocol;
use crate::section::Section;

/// One media section of a [`Description`](crate::Description). It is a [`Section`] with an `m=`
/// line in front.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Media<'a> {
    /// The `m=` line as it was written; the next fields are what it says.
    head: Line<'a>,
    kind: Cow<'a, str>,
    port: u16,
    port_count: Option<u16>,
    protocol: Protocol<'a>,
    formats: Cow<'a, str>,
    section: Section<'a>,
}

impl<'a> Media<'a> {
    /// A section without lines. `formats` are payload types for RTP, separated by single spaces.
    ///
    /// # Errors
    /// When the parts do not make an `m=` line (RFC 8866 §9).
    pub fn new(
        kind: &str,
        port: u16,
        protocol: &Protocol<'_>,
        formats: &str,
    ) -> Result<Media<'static>, Invalid> {
        let text = format!("m={kind} {port} {protocol} {formats}");
        Media::read(&text, LineEnd::CrLf, 0).map(Media::into_owned)
    }

    /// A section without lines, of parts that are known to make an `m=` line.
    pub(crate) fn assemble(
        kind: &str,
        port: u16,
        protocol: Protocol<'static>,
        formats: String,
    ) -> Media<'static> {
        Media {
            head: Line::new('m', format_args!("{kind} {port} {protocol} {formats}")),
            kind: Cow::Owned(kind.to_owned()),
            port,
            port_count: None,
            protocol,
            formats: Cow::Owned(formats),
            section: Section::default(),
        }
    }

    /// Reads an `m=` line; `lines` are expected to follow.
    pub(crate) fn read(text: &'a str, end: LineEnd, lines: usize) -> Result<Self, Invalid> {
        let count = opt(preceded(literal("/"), number::<u16>("a number of ports")));
        let names = list("a protocol", literal("/"), token("a protocol"));
        let formats = list("a format", space, token("a format"));
        let parts = (
            literal("m="),
            (token("a media type"), space),
            (number::<u16>("a port number (0 to 65535)"), count, space),
            (names, space),
            formats,
        );
        let (_, (kind, ()), (port, port_count, ()), (protocol, ()), formats) = whole(text, parts)?;
        Ok(Self {
            head: Line::read(text, end),
            kind: Cow::Borrowed(kind),
            port,
            port_count,
            protocol: Protocol::from_name(protocol),
            formats: Cow::Borrowed(formats),
            section: Section::with_capacity(lines),
        })
    }

    /// `audio`, `video`, `application` or another.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The port. 0 means that the section is rejected or, with `a=bundle-only`, that it has no
    /// port of its own (RFC 3264 §6, RFC 9143 §6).
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The number of ports after a slash.
    #[must_use]
    pub fn port_count(&self) -> Option<u16> {
        self.port_count
    }

    /// The transport protocol.
    #[must_use]
    pub fn protocol(&self) -> &Protocol<'a> {
        &self.protocol
    }

    /// The formats as they were written, separated by spaces.
    #[must_use]
    pub fn format_list(&self) -> &str {
        &self.formats
    }

    /// The formats, most wanted first.
    pub fn formats(&self) -> impl Iterator<Item = &str> {
        self.formats.split(' ')
    }

    /// The formats that are RTP payload types, most wanted first.
    pub fn payload_types(&self) -> impl Iterator<Item = u8> {
        self.formats()
            .filter_map(|format| format.parse().ok())
            .filter(|number| *number < 128)
    }

    /// The lines below the `m=` line.
    #[must_use]
    pub fn section(&self) -> &Section<'a> {
        &self.section
    }

    /// The `m=` line as it was written.
    #[must_use]
    pub fn head(&self) -> &Line<'a> {
        &self.head
    }

    pub(crate) fn into_owned(self) -> Media<'static> {
        Media {
            head: self.head.into_owned(),
            kind: Cow::Owned(self.kind.into_owned()),
            port: self.port,
            port_count: self.port_count,
            protocol: self.protocol.into_owned(),
            formats: Cow::Owned(self.formats.into_owned()),
            section: self.section.into_owned(),
        }
    }
}

impl<'a> Deref for Media<'a> {
    type Target = Section<'a>;

    fn deref(&self) -> &Section<'a> {
        &self.section
    }
}

impl<'a> DerefMut for Media<'a> {
    fn deref_mut(&mut self) -> &mut Section<'a> {
        &mut self.section
    }
}

impl fmt::Display for Media<'_> {
    /// The section with its `m=` line, as it was written.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.head.fmt(f)?;
        self.section.lines().iter().try_for_each(|line| line.fmt(f))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(value: &str) -> (usize, &'static str) {
        let text = format!("m={value}");
        let invalid = Media::read(&text, LineEnd::CrLf, 0).unwrap_err();
        (invalid.left, invalid.expected)
    }

    #[test]
    fn reads_the_parts() {
        let media = Media::read("m=video 49170/2 RTP/AVP 31 96", LineEnd::Lf, 0).unwrap();
        assert_eq!(
            (media.kind(), media.port(), media.port_count()),
            ("video", 49170, Some(2))
        );
        assert_eq!(media.payload_types().collect::<Vec<_>>(), [31, 96]);
        assert_eq!(media.to_string(), "m=video 49170/2 RTP/AVP 31 96\n");
    }

    #[test]
    fn says_where_it_is_wrong() {
        assert_eq!(left("audio 9 RTP/AVP"), (0, "a space"));
        assert_eq!(
            left("audio 65536 RTP/AVP 0"),
            (15, "a port number (0 to 65535)")
        );
        assert_eq!(left("audio 49170/ RTP/AVP 0").1, "a space");
        assert_eq!(left("audio 9 RTP//AVP 0"), (7, "a space"));
    }
}
