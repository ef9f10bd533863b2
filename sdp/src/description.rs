//! The whole description.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use crate::attribute::{Level, Typed};
use crate::error::ParseError;
use crate::field::{Connection, Origin, Timing};
use crate::line::Line;
use crate::media::Media;
use crate::options::{Limits, Mode, Options};
use crate::section::Section;

/// A session description (RFC 8866), borrowed from its text.
///
/// Nothing is lost: unknown attributes, order, repetition and line ends survive, and `Display`
/// writes the bytes that were read. What was checked while reading is found through typed views:
/// [`find`](Section::find) on one level, [`find_for`](Self::find_for) with the fallback to the
/// session level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description<'a> {
    session: Section<'a>,
    media: Vec<Media<'a>>,
    tail: Tail<'a>,
    /// Whether its bytes are ISO 8859-1.
    latin_1: bool,
}

/// What follows the value of the last line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Tail<'a> {
    /// Not even its line end.
    Unfinished,
    /// Its line end, then empty lines: usually none.
    Blank(Cow<'a, str>),
}

impl<'a> Description<'a> {
    /// Reads what real peers send: [`Mode::Lenient`] with the default limits.
    ///
    /// # Errors
    /// The first fault, with its line and column.
    pub fn parse(text: &'a str) -> Result<Self, ParseError> {
        Self::parse_with(text, Options::default())
    }

    /// Reads what RFC 8866 and JSEP allow: [`Mode::Strict`] with the default limits.
    ///
    /// # Errors
    /// The first fault, with its line and column.
    pub fn parse_strict(text: &'a str) -> Result<Self, ParseError> {
        Self::parse_with(
            text,
            Options {
                mode: Mode::Strict,
                limits: Limits::default(),
            },
        )
    }

    /// Reads with the given options.
    ///
    /// # Errors
    /// The first fault, with its line and column.
    pub fn parse_with(text: &'a str, options: Options) -> Result<Self, ParseError> {
        crate::parse::description(text, options)
    }

    /// A description without media: `v=`, `o=`, `s=-`, `t=0 0`, each with CR LF.
    #[must_use]
    pub fn new(origin: &Origin<'_>) -> Description<'static> {
        let mut session = Section::default();
        session.push_line(Line::new('v', "0"));
        session.push_line(Line::new('o', origin));
        session.push_line(Line::new('s', "-"));
        session.push_line(Line::new('t', "0 0"));
        Description::assemble(session, Vec::new(), Tail::Blank(Cow::Borrowed("")))
    }

    pub(crate) fn assemble(session: Section<'a>, media: Vec<Media<'a>>, tail: Tail<'a>) -> Self {
        Self {
            session,
            media,
            tail,
            latin_1: false,
        }
    }

    /// Gives the session a name (`s=`). An empty one is `-` (RFC 8866 §5.3).
    pub fn set_name(&mut self, name: &str) {
        let name = if name.is_empty() { "-" } else { name };
        self.session.replace('s', Line::new('s', name));
    }

    /// Says when the session is: the first `t=`.
    pub fn set_timing(&mut self, timing: &Timing) {
        self.session.replace('t', Line::new('t', timing));
    }

    /// Replaces the `o=` line.
    pub fn set_origin(&mut self, origin: &Origin<'_>) {
        self.session.replace('o', Line::new('o', origin));
    }

    pub(crate) fn set_latin_1(&mut self) {
        self.latin_1 = true;
    }

    pub(crate) fn is_latin_1(&self) -> bool {
        self.latin_1
    }

    /// All lines, in order.
    pub fn lines(&self) -> impl Iterator<Item = &Line<'a>> {
        let media = self.media.iter();
        let media = media.flat_map(|media| [media.head()].into_iter().chain(media.lines()));
        self.session.lines().iter().chain(media)
    }

    /// Ends the last line, because another may follow it.
    fn finish(&mut self) {
        if self.tail == Tail::Unfinished {
            self.tail = Tail::Blank(Cow::Borrowed(""));
        }
    }

    /// The lines above the first media section.
    #[must_use]
    pub fn session(&self) -> &Section<'a> {
        &self.session
    }

    /// The lines above the first media section, to be added to.
    pub fn session_mut(&mut self) -> &mut Section<'a> {
        self.finish();
        &mut self.session
    }

    /// The media sections, in order.
    #[must_use]
    pub fn media(&self) -> &[Media<'a>] {
        &self.media
    }

    /// The media sections, to be changed.
    pub fn media_mut(&mut self) -> &mut [Media<'a>] {
        self.finish();
        &mut self.media
    }

    /// Adds a media section at the end.
    pub fn push_media(&mut self, media: Media<'a>) {
        self.finish();
        self.media.push(media);
    }

    /// Who made the description. `None` only for one that was built without `o=`.
    #[must_use]
    pub fn origin(&self) -> Option<Origin<'_>> {
        Origin::read(self.session.value('o')?).ok()
    }

    /// The session's name (`s=`).
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.session.value('s')
    }

    /// When the session is: the first `t=`.
    #[must_use]
    pub fn timing(&self) -> Option<Timing> {
        Timing::read(self.session.value('t')?).ok()
    }

    /// The attribute `T` that holds for `media`: its own or, where the RFC of the attribute says
    /// that the session level is the default for all sections, the session's.
    #[must_use]
    pub fn find_for<'s, T: Typed<'s>>(&'s self, media: &'s Media<'a>) -> Option<T> {
        self.all_for(media).next()
    }

    /// The attributes `T` that hold for `media`: its own or, when it has none and the session
    /// level is the default, the session's.
    pub fn all_for<'s, T: Typed<'s>>(&'s self, media: &'s Media<'a>) -> impl Iterator<Item = T> {
        let inherited = T::LEVEL == Level::Inherited && !media.has::<T>();
        let session = inherited.then(|| self.session.all::<T>());
        media.all::<T>().chain(session.into_iter().flatten())
    }

    /// Where the media of a section goes: its own `c=` or the session's (RFC 8866 §5.7).
    #[must_use]
    pub fn connection_for<'s>(&'s self, media: &'s Media<'a>) -> Option<Connection<'s>> {
        media.connection().or_else(|| self.session.connection())
    }

    /// The same description with its own text.
    #[must_use]
    pub fn into_owned(self) -> Description<'static> {
        Description {
            session: self.session.into_owned(),
            media: self.media.into_iter().map(Media::into_owned).collect(),
            tail: match self.tail {
                Tail::Unfinished => Tail::Unfinished,
                Tail::Blank(text) => Tail::Blank(Cow::Owned(text.into_owned())),
            },
            latin_1: self.latin_1,
        }
    }
}

impl FromStr for Description<'static> {
    type Err = ParseError;

    /// [`Description::parse`] with its own text.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        Description::parse(text).map(Description::into_owned)
    }
}

impl fmt::Display for Description<'_> {
    /// The text of the description, byte for byte as it was read.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = self.lines().peekable();
        while let Some(line) = lines.next() {
            match (lines.peek(), &self.tail) {
                (None, Tail::Unfinished) => f.write_str(line.text())?,
                _ => line.fmt(f)?,
            }
        }
        match &self.tail {
            Tail::Unfinished => Ok(()),
            Tail::Blank(text) => f.write_str(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::{Fingerprint, Mid, Setup};

    const TEXT: &str = "v=0\no=- 1 1 IN IP4 0.0.0.0\ns=-\nc=IN IP4 192.0.2.1\nt=0 0\na=setup:passive\n\
                        a=mid:no\nm=audio 9 RTP/AVP 0\na=setup:active\nm=audio 9 RTP/AVP 0\na=x";

    #[test]
    fn the_session_level_is_the_default_where_the_rfc_says_so() {
        let description = Description::parse(TEXT).unwrap();
        let [first, second] = description.media() else {
            panic!("two sections")
        };
        assert_eq!(description.find_for::<Setup>(first), Some(Setup::Active));
        assert_eq!(description.find_for::<Setup>(second), Some(Setup::Passive));
        assert_eq!(description.find_for::<Mid>(first), None);
        assert_eq!(description.find_for::<Fingerprint>(first), None);
        assert_eq!(
            description.connection_for(first).unwrap().address,
            "192.0.2.1"
        );
    }

    #[test]
    fn adding_behind_an_unfinished_line_finishes_it() {
        let mut description: Description<'static> = TEXT.parse().unwrap();
        assert_eq!(description.to_string(), TEXT);
        description.media_mut()[1].push(&Setup::Active);
        assert!(description.to_string().ends_with("a=x\na=setup:active\r\n"));
        let again = description.to_string();
        assert_eq!(Description::parse(&again).unwrap(), description);
    }
}
