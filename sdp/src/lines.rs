//! Cuts a text into lines `<type>=<value>` and counts them.

use std::borrow::Cow;

use memchr::{memchr, memchr_iter, memchr2, memmem};

use crate::attribute::{self, Raw};
use crate::description::Tail;
use crate::error::{Found, ParseError};
use crate::grammar::Invalid;
use crate::line::LineEnd;
use crate::options::{Leniency, Options};
use crate::work;

/// The lines of a text that are still to be read.
#[derive(Debug)]
pub(crate) struct Lines<'a> {
    rest: &'a str,
    number: usize,
    /// The line at hand.
    entry: Option<Entry<'a>>,
    options: Options,
    /// How the last line ended.
    end: LineEnd,
    tail: Tail<'a>,
}

/// One line, cut apart and not yet understood.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry<'a> {
    /// Counted from 1.
    pub(crate) number: usize,
    /// The line without its end.
    pub(crate) text: &'a str,
    pub(crate) letter: char,
    pub(crate) value: &'a str,
    pub(crate) end: LineEnd,
}

impl Entry<'_> {
    /// A value that does not fit its grammar.
    pub(crate) fn invalid(&self, invalid: Invalid) -> ParseError {
        let byte = self.text.len().saturating_sub(invalid.left);
        ParseError::at(self.number, self.text, byte, invalid.expected)
    }

    /// The line as a whole is not the one that must stand here.
    pub(crate) fn misplaced(&self, expected: &'static str) -> ParseError {
        let mut error = ParseError::line(self.number, Some(self.text), expected);
        if self.letter == 'a' && attribute::is_secret(Raw::split(self.value).name) {
            error.found = Found::Hidden;
        }
        error
    }
}

impl<'a> Lines<'a> {
    /// Begins at the first line.
    ///
    /// # Errors
    /// When the text is longer than the limit, or the first line is none.
    pub(crate) fn new(text: &'a str, options: Options) -> Result<Self, ParseError> {
        let most = options.limits.bytes;
        if text.len() > most {
            return Err(ParseError::limit(
                1,
                most,
                "bytes",
                Found::Count(text.len()),
            ));
        }
        let mut lines = Self {
            rest: text,
            number: 0,
            entry: None,
            options,
            end: LineEnd::CrLf,
            tail: Tail::Blank(Cow::Borrowed("")),
        };
        lines.advance()?;
        Ok(lines)
    }

    /// The number of the line after the last one that was read.
    pub(crate) fn next_number(&self) -> usize {
        self.number + 1
    }

    /// What followed the last line's value.
    pub(crate) fn tail(self) -> Tail<'a> {
        self.tail
    }

    /// How many lines follow before the next `m=`: what a section needs room for.
    pub(crate) fn ahead(&self) -> usize {
        let end = match self.rest.starts_with("m=") {
            true => Some(0),
            false => memmem::find(self.rest.as_bytes(), b"\nm="),
        };
        let section = self.rest.as_bytes().get(..end.unwrap_or(self.rest.len()));
        work::done(section.map_or(0, <[u8]>::len));
        let lines = memchr_iter(b'\n', section.unwrap_or_default()).count() + 1;
        lines.min(self.options.limits.lines)
    }

    /// The line at hand; `None` at the end.
    pub(crate) fn at(&self) -> Option<&Entry<'a>> {
        self.entry.as_ref()
    }

    /// The line at hand, if it belongs to the level that was begun: a media section begins another.
    pub(crate) fn in_level(&self) -> Option<&Entry<'a>> {
        self.entry.as_ref().filter(|entry| entry.letter != 'm')
    }

    /// Goes on to the next line.
    pub(crate) fn advance(&mut self) -> Result<(), ParseError> {
        self.entry = None;
        if self.rest.is_empty() {
            return Ok(());
        }
        self.number += 1;
        let (text, end) = self.cut()?;
        if text.is_empty() && self.only_blank_lines_follow(end) {
            return Ok(());
        }
        if self.number > self.options.limits.lines {
            let (most, found) = (self.options.limits.lines, Found::Count(self.number));
            return Err(ParseError::limit(self.number, most, "lines", found));
        }
        // RFC 8866 §9: no value holds NUL or CR.
        if let Some(byte) = memchr2(b'\r', b'\0', text.as_bytes()) {
            let expected = "text without NUL or CR";
            return Err(ParseError::at(self.number, text, byte, expected));
        }
        match text.as_bytes() {
            [letter, b'=', ..] if letter.is_ascii_alphabetic() => {
                self.entry = Some(Entry {
                    number: self.number,
                    text,
                    letter: char::from(*letter),
                    value: text.get(2..).unwrap_or_default(),
                    end,
                });
                Ok(())
            }
            [letter, ..] if letter.is_ascii_alphabetic() => {
                let expected = "\"=\" behind one type letter";
                Err(ParseError::at(self.number, text, 1, expected))
            }
            _ => Err(ParseError::at(self.number, text, 0, "a type letter")),
        }
    }

    /// Takes the next line off the text.
    fn cut(&mut self) -> Result<(&'a str, LineEnd), ParseError> {
        let end = memchr(b'\n', self.rest.as_bytes());
        let Some((text, rest)) = end.and_then(|end| self.rest.split_at_checked(end)) else {
            let text = std::mem::take(&mut self.rest);
            if !self.options.mode.forgives(Leniency::MissingLastLineEnd) {
                return Err(ParseError::at(
                    self.number,
                    text,
                    text.len(),
                    "a line end (CR LF)",
                ));
            }
            self.tail = Tail::Unfinished;
            work::done(text.len());
            return Ok((text, self.end));
        };
        work::done(text.len() + 1);
        self.rest = rest.get(1..).unwrap_or_default();
        let (text, end) = match text.strip_suffix('\r') {
            Some(text) => (text, LineEnd::CrLf),
            None => (text, LineEnd::Lf),
        };
        self.end = end;
        Ok((text, end))
    }

    /// At an empty line: takes what follows as the tail if that is empty lines and forgiven.
    fn only_blank_lines_follow(&mut self, end: LineEnd) -> bool {
        let blank = self.rest.bytes().all(|byte| byte == b'\r' || byte == b'\n');
        if !blank || self.number == 1 || !self.options.mode.forgives(Leniency::TrailingBlankLines) {
            return false;
        }
        let tail = format!("{}{}", end.text(), std::mem::take(&mut self.rest));
        self.tail = Tail::Blank(Cow::Owned(tail));
        true
    }
}
