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
    letter: char,
    value: Cow<'a, str>,
    end: LineEnd,
}

impl<'a> Line<'a> {
    pub(crate) fn read(letter: char, value: &'a str, end: LineEnd) -> Self {
        Self {
            letter,
            value: Cow::Borrowed(value),
            end,
        }
    }

    /// A new line. Characters that would end the line (CR, LF) or that no value may hold (NUL)
    /// become spaces.
    pub(crate) fn new(letter: char, value: &str) -> Line<'static> {
        let value = value.replace(['\r', '\n', '\0'], " ");
        Line {
            letter,
            value: Cow::Owned(value),
            end: LineEnd::CrLf,
        }
    }

    /// The type letter.
    #[must_use]
    pub fn letter(&self) -> char {
        self.letter
    }

    /// What stands after `=`.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }

    /// How the line ended.
    #[must_use]
    pub fn end(&self) -> LineEnd {
        self.end
    }

    /// The attribute of an `a=` line.
    #[must_use]
    pub fn attribute(&self) -> Option<Raw<'_>> {
        (self.letter == 'a').then(|| Raw::split(&self.value))
    }

    /// Writes the line without its end.
    pub(crate) fn write_open(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Write::write_char(f, self.letter)?;
        f.write_str("=")?;
        f.write_str(&self.value)
    }

    /// The same line, with its own text.
    #[must_use]
    pub fn into_owned(self) -> Line<'static> {
        Line {
            letter: self.letter,
            value: Cow::Owned(self.value.into_owned()),
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
            _ => write!(f, "Line({}={:?} {:?})", self.letter, self.value, self.end),
        }
    }
}

impl fmt::Display for Line<'_> {
    /// The line with its line end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_open(f)?;
        f.write_str(self.end.text())
    }
}
