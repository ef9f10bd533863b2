//! Why a description was refused: where, what was expected there, what was found.

use std::borrow::Cow;
use std::fmt;

/// Longest piece of the input that an error repeats, in characters.
const SHOWN: usize = 40;

/// The first fault of a description.
///
/// Prints as `line 7, column 3: expected a port number, found "abc"`. Values of attributes that
/// carry secrets (`ice-pwd`, `crypto`) are never repeated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: expected {expected}, found {found}")]
#[non_exhaustive]
pub struct ParseError {
    /// Line number, counted from 1.
    pub line: usize,
    /// Column in characters, counted from 1. The type letter stands in column 1.
    pub column: usize,
    /// What the grammar or the rule wants at this place.
    pub expected: Cow<'static, str>,
    /// What stands there instead.
    pub found: Found,
}

impl ParseError {
    /// A fault `byte` bytes into the line `text`.
    pub(crate) fn at(line: usize, text: &str, byte: usize, expected: &'static str) -> Self {
        let column = text.get(..byte).unwrap_or(text).chars().count() + 1;
        let found = Found::piece(text.get(byte..).unwrap_or_default());
        Self {
            line,
            column,
            expected: Cow::Borrowed(expected),
            found,
        }
    }

    /// A fault of the whole line: a line that stands where another must stand.
    pub(crate) fn line(line: usize, text: Option<&str>, expected: &'static str) -> Self {
        let found = match text {
            Some(text) => Found::piece(text),
            None => Found::EndOfText,
        };
        Self {
            line,
            column: 1,
            expected: Cow::Borrowed(expected),
            found,
        }
    }

    /// A limit of [`Limits`](crate::Limits) that the description exceeds.
    pub(crate) fn limit(line: usize, most: usize, unit: &'static str, found: Found) -> Self {
        Self {
            line,
            column: 1,
            expected: Cow::Owned(format!("at most {most} {unit}")),
            found,
        }
    }
}

/// What stood at the place of an error.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Found {
    /// The text up to the next space, shortened to 40 characters.
    Text(String),
    /// How many there are, where a limit was exceeded.
    Count(usize),
    /// The line ends here.
    EndOfLine,
    /// The description ends here.
    EndOfText,
    /// Nothing in the whole section.
    Nothing,
    /// A secret, which is not repeated.
    Hidden,
}

impl Found {
    fn piece(text: &str) -> Self {
        let mut piece = String::new();
        for (at, character) in text.char_indices() {
            if at > 0 && character == ' ' || piece.chars().count() >= SHOWN {
                break;
            }
            piece.push(character);
        }
        if piece.is_empty() {
            Self::EndOfLine
        } else {
            Self::Text(piece)
        }
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Count(count) => write!(f, "{count}"),
            Self::EndOfLine => f.write_str("the end of the line"),
            Self::EndOfText => f.write_str("the end of the description"),
            Self::Nothing => f.write_str("none"),
            Self::Hidden => f.write_str("a secret that does not fit"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_from_one() {
        let error = ParseError::at(7, "s=é漢 x", 7, "a port number");
        assert_eq!(
            error.to_string(),
            "line 7, column 5: expected a port number, found \" x\""
        );
        let error = ParseError::at(1, "m=audio", 7, "a space");
        assert_eq!(
            error.to_string(),
            "line 1, column 8: expected a space, found the end of the line"
        );
    }

    #[test]
    fn long_pieces_are_cut() {
        let error = ParseError::at(1, &"x".repeat(5000), 0, "less");
        assert_eq!(error.found, Found::Text("x".repeat(SHOWN)));
    }
}
