//! Descriptions as bytes. They are UTF-8, unless `a=charset` says ISO 8859-1 (RFC 8866 §6.10).

use std::borrow::Cow;

use crate::description::Description;
use crate::error::{Found, ParseError};
use crate::options::Options;

/// The value of `a=charset` for ISO 8859-1, where each byte is the character of its number.
const LATIN_1: &str = "ISO-8859-1";

/// Whether the session level says that the text is ISO 8859-1.
fn says_latin_1(text: &[u8]) -> bool {
    let mut lines = text.split(|byte| *byte == b'\n');
    let session = lines.by_ref().take_while(|line| !line.starts_with(b"m="));
    let mut charsets = session.filter_map(|line| line.strip_prefix(b"a=charset:"));
    charsets.any(|name| {
        name.trim_ascii_end()
            .eq_ignore_ascii_case(LATIN_1.as_bytes())
    })
}

/// The characters of `bytes`.
fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, ParseError> {
    let error = match std::str::from_utf8(bytes) {
        Ok(text) => return Ok(Cow::Borrowed(text)),
        Err(error) => error,
    };
    if says_latin_1(bytes) {
        return Ok(bytes.iter().copied().map(char::from).collect());
    }
    let before = String::from_utf8_lossy(bytes.get(..error.valid_up_to()).unwrap_or_default());
    let line = before.split('\n').count();
    let text = before.rsplit('\n').next().unwrap_or_default();
    let mut error = ParseError::at(line, text, text.len(), "UTF-8 text");
    let byte = bytes.get(before.len()).copied();
    error.found = byte.map_or(Found::EndOfText, |byte| {
        Found::Text(format!("\\x{byte:02x}"))
    });
    Err(error)
}

impl<'a> Description<'a> {
    /// Reads bytes: UTF-8, or ISO 8859-1 where `a=charset` of the session says so and the bytes are
    /// no UTF-8 (RFC 8866 §6.10). [`to_bytes`](Self::to_bytes) is the way back.
    ///
    /// # Errors
    /// The first fault, with its line and column; also a byte that is no part of a text.
    pub fn parse_bytes(bytes: &'a [u8], options: Options) -> Result<Self, ParseError> {
        let most = options.limits.bytes;
        if bytes.len() > most {
            return Err(ParseError::limit(
                1,
                most,
                "bytes",
                Found::Count(bytes.len()),
            ));
        }
        match decode(bytes)? {
            Cow::Borrowed(text) => Description::parse_with(text, options),
            Cow::Owned(text) => {
                // The limit is for what arrived; as UTF-8 each byte may take two.
                let mut options = options;
                options.limits.bytes = text.len();
                let mut description = Description::parse_with(&text, options)?.into_owned();
                description.set_latin_1();
                Ok(description)
            }
        }
    }

    /// The bytes of the description, in the character set that it was read in. In ISO 8859-1 `?`
    /// stands for a character that was added and is not in it.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let text = self.to_string();
        if !self.is_latin_1() {
            return text.into_bytes();
        }
        text.chars()
            .map(|character| u8::try_from(character).unwrap_or(b'?'))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &[u8] = b"v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=caf\xe9\r\nt=0 0\r\n";

    #[test]
    fn latin_1_comes_back() {
        let text = [TEXT, b"a=charset:iso-8859-1\r\n"].concat();
        let description = Description::parse_bytes(&text, Options::default()).unwrap();
        assert_eq!(description.name(), Some("caf\u{e9}"));
        assert_eq!(description.to_bytes(), text);
    }

    #[test]
    fn utf_8_stays_so_whatever_is_said() {
        let text = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=café\r\nt=0 0\r\na=charset:ISO-8859-1\r\n";
        let description = Description::parse_bytes(text.as_bytes(), Options::default()).unwrap();
        assert_eq!(description.name(), Some("café"));
        assert_eq!(description.to_bytes(), text.as_bytes());
    }

    #[test]
    fn says_where_text_ends() {
        let error = Description::parse_bytes(TEXT, Options::default()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "line 3, column 6: expected UTF-8 text, found \"\\\\xe9\""
        );
    }
}
