//! One line of a description, as it was written.

use std::borrow::Cow;
use std::fmt;

use crate::attribute::Raw;

/// How a line ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LineEnd {
    /// CR LF, as RFC 8866 §5 asks.
    CrLf,
    /// LF alone, which RFC 8866 §5 asks readers to take.
    Lf,
}

impl LineEnd {
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::CrLf => "\r\n",
            Self::Lf => "\n",
        }
    }
}

/// One line `<type>=<value>` (RFC 8866 §5), kept as it was written.
///
/// `Debug` hides the values of attributes that carry secrets; `Display` writes them.
#[derive(Clone, PartialEq, Eq)]
pub struct Line<'a> {
    /// `<type>=<value>` without the line end. The type is one ASCII letter.
    text: Cow<'a, str>,
    end: LineEnd,
}

impl<'a> Line<'a> {
    /// A line that was read: one ASCII letter, `=`, and the value.
    pub(crate) fn read(text: &'a str, end: LineEnd) -> Self {
        Self {
            text: Cow::Borrowed(text),
            end,
        }
    }

    /// A new line. Characters that would end the line (CR, LF) or that no value may hold (NUL)
    /// become spaces.
    pub(crate) fn new(letter: char, value: impl fmt::Display) -> Line<'static> {
        let mut text = format!("{letter}={value}");
        if text.contains(['\r', '\n', '\0']) {
            text = text.replace(['\r', '\n', '\0'], " ");
        }
        Line {
            text: Cow::Owned(text),
            end: LineEnd::CrLf,
        }
    }

    /// The type letter.
    #[must_use]
    pub fn letter(&self) -> char {
        self.text.bytes().next().map_or(' ', char::from)
    }

    /// What stands after `=`.
    #[must_use]
    pub fn value(&self) -> &str {
        self.text.get(2..).unwrap_or_default()
    }

    /// The line without its end.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How the line ended.
    #[must_use]
    pub fn end(&self) -> LineEnd {
        self.end
    }

    /// The attribute of an `a=` line.
    #[must_use]
    pub fn attribute(&self) -> Option<Raw<'_>> {
        self.text.strip_prefix("a=").map(Raw::split)
    }

    /// The attribute of an `a=` line, if it has this name.
    pub(crate) fn named(&self, name: &'static str) -> Option<Raw<'_>> {
        crate::work::done(1);
        let rest = self.text.strip_prefix("a=")?.strip_prefix(name)?;
        let value = match rest.is_empty() {
            true => None,
            false => Some(rest.strip_prefix(':')?),
        };
        Some(Raw { name, value })
    }

    /// The same line, with its own text.
    #[must_use]
    pub fn into_owned(self) -> Line<'static> {
        Line {
            text: Cow::Owned(self.text.into_owned()),
            end: self.end,
        }
    }
}

impl fmt::Debug for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.attribute() {
            Some(raw) if crate::attribute::is_secret(raw.name) => {
                write!(f, "Line(a={}:(hidden) {:?})", raw.name, self.end)
            }
            _ => write!(f, "Line({:?} {:?})", self.text, self.end),
        }
    }
}

impl fmt::Display for Line<'_> {
    /// The line with its line end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        f.write_str(self.end.text())
    }
}
