//! The small pieces that values are made of (RFC 8866 §9), as `nom` parsers that say what they
//! expected and where.

use std::str::FromStr;

use nom::combinator::recognize;
use nom::error::ErrorKind;
use nom::multi::many0_count;
use nom::{IResult, Parser};

use crate::work;

/// A value that does not fit its grammar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}")]
pub struct Invalid {
    /// Bytes of the value that were left where it went wrong.
    pub(crate) left: usize,
    /// What was expected there.
    pub(crate) expected: &'static str,
}

impl Invalid {
    pub(crate) fn new(rest: &str, expected: &'static str) -> Self {
        Self {
            left: rest.len(),
            expected,
        }
    }

    /// What was expected.
    #[must_use]
    pub fn expected(&self) -> &'static str {
        self.expected
    }
}

impl nom::error::ParseError<&str> for Invalid {
    fn from_error_kind(input: &str, _: ErrorKind) -> Self {
        Self::new(input, "another value")
    }

    fn append(_: &str, _: ErrorKind, other: Self) -> Self {
        other
    }
}

/// The result of one piece.
pub(crate) type Step<'a, T> = IResult<&'a str, T, Invalid>;

/// Runs `parser`; where it fails, `expected` was expected.
pub(crate) fn expect<'a, P>(
    expected: &'static str,
    mut parser: P,
) -> impl FnMut(&'a str) -> Step<'a, P::Output>
where
    P: Parser<&'a str, Error = Invalid>,
{
    move |input| {
        parser
            .parse(input)
            .map_err(|_| nom::Err::Error(Invalid::new(input, expected)))
    }
}

/// Runs `parser` over the whole of `value`.
pub(crate) fn whole<'a, P>(value: &'a str, mut parser: P) -> Result<P::Output, Invalid>
where
    P: Parser<&'a str, Error = Invalid>,
{
    match parser.parse(value) {
        Ok(("", output)) => Ok(output),
        Ok((rest, _)) => Err(Invalid::new(rest, "the end of the line")),
        Err(nom::Err::Error(invalid) | nom::Err::Failure(invalid)) => Err(invalid),
        Err(nom::Err::Incomplete(_)) => Err(Invalid::new("", "more")),
    }
}

/// One or more bytes that `accept` takes. It takes no byte of a character beyond ASCII, or all.
pub(crate) fn run<'a>(
    expected: &'static str,
    accept: impl Fn(u8) -> bool + Copy,
) -> impl Fn(&'a str) -> Step<'a, &'a str> + Copy {
    bounded(expected, accept, 1, usize::MAX)
}

/// Between `least` and `most` bytes that `accept` takes.
pub(crate) fn bounded<'a>(
    expected: &'static str,
    accept: impl Fn(u8) -> bool + Copy,
    least: usize,
    most: usize,
) -> impl Fn(&'a str) -> Step<'a, &'a str> + Copy {
    move |input| {
        let end = input.bytes().position(|byte| !accept(byte));
        let end = end.unwrap_or(input.len()).min(most);
        work::done(end + 1);
        match input.split_at_checked(end) {
            Some((taken, rest)) if end >= least => Ok((rest, taken)),
            _ => Err(nom::Err::Error(Invalid::new(input, expected))),
        }
    }
}

/// A `token` (RFC 8866 §9).
pub(crate) fn token<'a>(expected: &'static str) -> impl Fn(&'a str) -> Step<'a, &'a str> + Copy {
    run(expected, is_token)
}

/// Everything up to the next space: `non-ws-string`.
pub(crate) fn word<'a>(expected: &'static str) -> impl Fn(&'a str) -> Step<'a, &'a str> + Copy {
    run(expected, |byte| byte != b' ' && byte != b'\t')
}

/// All that is left, at least one character: `byte-string`.
pub(crate) fn rest<'a>(expected: &'static str) -> impl Fn(&'a str) -> Step<'a, &'a str> + Copy {
    move |input| match input.is_empty() {
        true => Err(nom::Err::Error(Invalid::new(input, expected))),
        false => Ok(("", input)),
    }
}

/// One or more times `item`, separated by `separator`, as one text.
pub(crate) fn list<'a, P, S>(
    expected: &'static str,
    separator: S,
    item: P,
) -> impl FnMut(&'a str) -> Step<'a, &'a str>
where
    P: Parser<&'a str, Error = Invalid> + Copy,
    S: Parser<&'a str, Error = Invalid>,
{
    expect(expected, recognize((item, many0_count((separator, item)))))
}

/// A decimal number that fits `T`.
pub(crate) fn number<'a, T: FromStr>(
    expected: &'static str,
) -> impl Fn(&'a str) -> Step<'a, T> + Copy {
    move |input| {
        let (rest, digits) = run(expected, |byte| byte.is_ascii_digit())(input)?;
        match digits.parse() {
            Ok(number) => Ok((rest, number)),
            Err(_) => Err(nom::Err::Error(Invalid::new(input, expected))),
        }
    }
}

/// `text` itself.
pub(crate) fn literal<'a>(text: &'static str) -> impl Fn(&'a str) -> Step<'a, &'a str> + Copy {
    move |input| match input.split_at_checked(text.len()) {
        Some((taken, rest)) if taken == text => Ok((rest, taken)),
        _ => Err(nom::Err::Error(Invalid::new(input, text))),
    }
}

/// One space, which separates the parts of a value.
pub(crate) fn space(input: &str) -> Step<'_, ()> {
    match input.strip_prefix(' ') {
        Some(rest) => Ok((rest, ())),
        None => Err(nom::Err::Error(Invalid::new(input, "a space"))),
    }
}

/// An RTP payload type, 0 to 127.
pub(crate) fn payload_type(input: &str) -> Step<'_, u8> {
    let wanted = "a payload type (0 to 127)";
    let (rest, number) = number::<u8>(wanted)(input)?;
    if number > 127 {
        return Err(nom::Err::Error(Invalid::new(input, wanted)));
    }
    Ok((rest, number))
}

/// `token-char` (RFC 8866 §9).
pub(crate) fn is_token(byte: u8) -> bool {
    matches!(byte, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'0'..=b'9' | b'A'..=b'Z' | b'^'..=b'~')
}

/// `ice-char` (RFC 8839 §5.1).
pub(crate) fn is_ice(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_where_and_what() {
        let pair = (token("a name"), space, number::<u16>("a port number"));
        let wrong = whole("abc x9", pair).unwrap_err();
        assert_eq!((wrong.left, wrong.expected), (2, "a port number"));
        let pair = (token("a name"), space, number::<u16>("a port number"));
        assert_eq!(whole("abc 65536", pair).unwrap_err().left, 5);
        assert_eq!(
            whole("1 2", number::<u8>("n")).unwrap_err().expected,
            "the end of the line"
        );
    }

    #[test]
    fn token_characters() {
        assert!("!#$%&'*+-.09AZ^_`az{|}~".bytes().all(is_token));
        assert!(!"\"(),/:;<=>?@[\\] \té".bytes().any(is_token));
    }
}
