//! Fragments that bring ICE candidates later: `application/trickle-ice-sdpfrag` (RFC 8840 §9).

use std::fmt;

use crate::attribute::{Candidate, EndOfCandidates, IcePwd, IceUfrag, Level, Mid, Raw, Registered};
use crate::error::{Found, ParseError};
use crate::line::Line;
use crate::lines::{Entry, Lines};
use crate::media::Media;
use crate::negotiate::Credentials;
use crate::options::{Mode, Options};
use crate::parse;
use crate::section::Section;

/// A fragment of a description: credentials, and candidates of some media sections.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fragment {
    /// The ICE credentials that the candidates belong to. New ones restart ICE.
    pub credentials: Option<Credentials>,
    /// The candidates, by media section.
    pub sections: Vec<FragmentSection>,
    /// No more candidates will follow for any section.
    pub end_of_candidates: bool,
}

/// The candidates of one media section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FragmentSection {
    /// The kind of media: `audio`.
    pub kind: String,
    /// The name of the section in the description.
    pub mid: String,
    /// Credentials of this section, where they differ from the fragment's.
    pub credentials: Option<Credentials>,
    /// `candidate:1 1 udp ...`, one each.
    pub candidates: Vec<String>,
    /// No more candidates will follow for this section.
    pub end_of_candidates: bool,
}

impl Fragment {
    /// Reads a fragment, with the default limits of descriptions.
    ///
    /// Candidates stand below an `m=` line with its `a=mid`; the session level of a fragment has
    /// none (RFC 8840 §9). One above the first `m=` is refused, because it names no section.
    ///
    /// # Errors
    /// The first fault, with its line and column.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let options = Options::default();
        let mut lines = Lines::new(text, options)?;
        let mut session = Section::default();
        while let Some(entry) = lines.in_level() {
            session.push_line(session_attribute(entry, options.mode)?);
            lines.advance()?;
        }
        let mut fragment = Self {
            credentials: credentials(&session, 1)?,
            sections: Vec::new(),
            end_of_candidates: session.has::<EndOfCandidates>(),
        };
        while let Some(head) = lines.at().copied() {
            if fragment.sections.len() == options.limits.media {
                let most = options.limits.media;
                return Err(ParseError::limit(
                    head.number,
                    most,
                    "media sections",
                    Found::Count(most + 1),
                ));
            }
            let media = Media::read(head.text, head.end, 0);
            let mut media = media.map_err(|invalid| head.invalid(invalid))?;
            lines.advance()?;
            while let Some(entry) = lines.in_level() {
                media.push_line(attribute(entry, Level::Media, options.mode)?);
                lines.advance()?;
            }
            fragment.sections.push(section(&media, head.number)?);
        }
        Ok(fragment)
    }

    /// The credentials of a section: its own or the fragment's.
    #[must_use]
    pub fn credentials_for<'s>(&'s self, section: &'s FragmentSection) -> Option<&'s Credentials> {
        section.credentials.as_ref().or(self.credentials.as_ref())
    }
}

/// Lenient reading of a description forgives an attribute on the wrong level. Here a candidate would
/// be lost, and the end of one section's candidates taken for the end of all.
fn session_attribute<'a>(entry: &Entry<'a>, mode: Mode) -> Result<Line<'a>, ParseError> {
    let line = attribute(entry, Level::Session, mode)?;
    let named =
        |raw: Raw<'_>| Candidate::NAMES.contains(&raw.name) || Mid::NAMES.contains(&raw.name);
    if line.attribute().is_some_and(named) {
        let expected = "a media section (m=) above this attribute";
        return Err(ParseError::at(entry.number, entry.text, 2, expected));
    }
    Ok(line)
}

/// A fragment has attributes and `m=` lines only (RFC 8840 §9).
fn attribute<'a>(entry: &Entry<'a>, level: Level, mode: Mode) -> Result<Line<'a>, ParseError> {
    if entry.letter != 'a' {
        return Err(entry.misplaced("an attribute (a=) or a media section (m=)"));
    }
    parse::attribute(entry, level, mode)?;
    Ok(Line::read(entry.text, entry.end))
}

fn section(media: &Media<'_>, number: usize) -> Result<FragmentSection, ParseError> {
    // RFC 8840 §9: every section is named.
    let mid = media
        .find::<Mid>()
        .ok_or_else(|| lacks(number, "a=mid in this section"))?;
    Ok(FragmentSection {
        kind: media.kind().to_owned(),
        mid: mid.tag.to_owned(),
        credentials: credentials(media, number)?,
        candidates: media
            .all::<Candidate>()
            .map(|candidate| candidate.to_string())
            .collect(),
        end_of_candidates: media.has::<EndOfCandidates>(),
    })
}

/// Both credentials or none (RFC 8839 §5.4).
fn credentials(section: &Section<'_>, number: usize) -> Result<Option<Credentials>, ParseError> {
    match (section.find::<IceUfrag>(), section.find::<IcePwd>()) {
        (Some(ufrag), Some(pwd)) => Ok(Some(Credentials {
            ufrag: ufrag.text.to_owned(),
            pwd: pwd.text.to_owned(),
        })),
        (None, None) => Ok(None),
        (Some(_), None) => Err(lacks(number, "a=ice-pwd beside a=ice-ufrag")),
        (None, Some(_)) => Err(lacks(number, "a=ice-ufrag beside a=ice-pwd")),
    }
}

fn lacks(number: usize, expected: &'static str) -> ParseError {
    let mut error = ParseError::line(number, None, expected);
    error.found = Found::Nothing;
    error
}

impl fmt::Display for Fragment {
    /// The fragment with CR LF; port, protocol and format of `m=` mean nothing (RFC 8840 §9).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_credentials(self.credentials.as_ref(), f)?;
        if self.end_of_candidates {
            f.write_str("a=end-of-candidates\r\n")?;
        }
        for section in &self.sections {
            write!(
                f,
                "m={} 9 RTP/AVP 0\r\na=mid:{}\r\n",
                section.kind, section.mid
            )?;
            write_credentials(section.credentials.as_ref(), f)?;
            for candidate in &section.candidates {
                write!(f, "a={}\r\n", Candidate::new(candidate))?;
            }
            if section.end_of_candidates {
                f.write_str("a=end-of-candidates\r\n")?;
            }
        }
        Ok(())
    }
}

fn write_credentials(credentials: Option<&Credentials>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match credentials {
        Some(Credentials { ufrag, pwd }) => {
            write!(f, "a=ice-ufrag:{ufrag}\r\na=ice-pwd:{pwd}\r\n")
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 9725 §4.4.
    const TEXT: &str = "a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n\
        m=audio 9 RTP/AVP 0\r\na=mid:0\r\n\
        a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host generation 0\r\n\
        a=end-of-candidates\r\n";

    #[test]
    fn reads_and_writes() {
        let fragment = Fragment::parse(TEXT).unwrap();
        let [section] = fragment.sections.as_slice() else {
            panic!("one section")
        };
        assert_eq!(
            (section.mid.as_str(), section.end_of_candidates),
            ("0", true)
        );
        assert!(section.candidates[0].starts_with("candidate:1387637174 1 udp "));
        assert_eq!(fragment.credentials_for(section).unwrap().ufrag, "EsAw");
        assert_eq!(fragment.to_string(), TEXT);
        assert!(
            !format!("{fragment:?}").contains("P2uY"),
            "the password is not shown"
        );
    }

    #[test]
    fn names_what_is_wrong() {
        let error = |text| Fragment::parse(text).unwrap_err().to_string();
        assert_eq!(
            error("v=0\r\n"),
            "line 1, column 1: expected an attribute (a=) or a media section (m=), found \"v=0\""
        );
        assert_eq!(
            error("a=ice-ufrag:EsAw\n"),
            "line 1, column 1: expected a=ice-pwd beside a=ice-ufrag, found none"
        );
        assert_eq!(
            error("m=audio 9 RTP/AVP 0\n"),
            "line 1, column 1: expected a=mid in this section, found none"
        );
        assert_eq!(
            error("a=end-of-candidates\na=candidate:1 1 udp 1 192.0.2.1 9 typ host\n"),
            "line 2, column 3: expected a media section (m=) above this attribute, \
             found \"candidate:1\""
        );
        assert!(error("a=mid:0\r\na=end-of-candidates\r\n").contains("found \"mid:0\""));
        assert!(error("a=ice-pwd:short secret\n").ends_with("found a secret that does not fit"));
    }
}
