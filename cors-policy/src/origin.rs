//! Origins: the owned triple, and the borrowed view of one `Origin` header.

use core::fmt;
use core::str::FromStr;

use crate::grammar;

/// Longest `Origin` value that is read, in bytes. A host name has at most 253.
pub const MAX_ORIGIN_LEN: usize = 512;

/// Why a text is not a serialised origin (the `Origin` grammar of the Fetch standard).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OriginError {
    /// Longer than [`MAX_ORIGIN_LEN`].
    #[error("{0} bytes are too long for an origin")]
    TooLong(usize),
    /// No `://`.
    #[error("no \"://\" in it")]
    NoAuthority,
    /// Not a lower-case scheme.
    #[error("the scheme is not lower-case letters, digits, \"+\", \"-\", \".\"")]
    Scheme,
    /// Not a lower-case domain, IPv4 address or bracketed IPv6 address.
    #[error("the host is not a lower-case domain or an address in its canonical form")]
    Host,
    /// Not a port number.
    #[error("the port is not a number from 0 to 65535")]
    Port,
}

/// The default port of a scheme whose URLs have an origin, else `None`.
pub(crate) fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" | "ws" => Some(80),
        "https" | "wss" => Some(443),
        "ftp" => Some(21),
        _ => None,
    }
}

/// A tuple origin: scheme, host and port (RFC 6454 §4).
///
/// Equality is "same origin" (RFC 6454 §5). A missing port and the scheme's default port are
/// the same. Opaque origins have no value here: they are equal to nothing, and appear as `None`
/// ([`Origin::of_url`]) or [`OriginOrNull::Null`].
///
/// `Display` is the ASCII serialisation (RFC 6454 §6.2): default ports left out, IPv6 hosts in
/// brackets.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Origin {
    host: Box<str>,
    scheme: Box<str>,
    port: Option<u16>,
}

impl Origin {
    /// Reads a serialised origin, as an `Origin` header carries it.
    ///
    /// # Errors
    /// [`OriginError`] when the text does not follow the grammar. `null` is not a tuple origin.
    pub fn parse(text: &str) -> Result<Self, OriginError> {
        SerializedOrigin::parse(text).map(|origin| origin.to_origin())
    }

    /// The parts must be normalised already: lower case, and no default port left implicit.
    pub(crate) fn from_parts(scheme: &str, host: &str, port: Option<u16>) -> Self {
        Self {
            scheme: scheme.into(),
            host: host.into(),
            port: port.or(default_port(scheme)),
        }
    }

    /// The scheme, lower case.
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// The host, lower case; an IPv6 address keeps its brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port; `None` only for a scheme without a default port.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// The Unicode serialisation (RFC 6454 §6.1): A-labels become readable again. For people,
    /// never for comparison.
    #[cfg(feature = "idna")]
    pub fn to_unicode(&self) -> String {
        let (host, _) = idna::domain_to_unicode(&self.host);
        Self {
            host: host.into(),
            ..self.clone()
        }
        .to_string()
    }

    fn key(&self) -> (&str, &str, Option<u16>) {
        (&self.host, &self.scheme, self.port)
    }
}

/// As [`Origin::parse`].
impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        Self::parse(text)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.host)?;
        match self.port {
            Some(port) if self.port != default_port(&self.scheme) => write!(f, ":{port}"),
            _ => Ok(()),
        }
    }
}

/// One origin read from a header, borrowed: nothing is copied, and [`as_str`](Self::as_str)
/// gives back the bytes received.
///
/// Equality is "same origin", as for [`Origin`]; the two compare with each other.
#[derive(Debug, Clone, Copy)]
pub struct SerializedOrigin<'a> {
    text: &'a str,
    host: &'a str,
    scheme: &'a str,
    port: Option<u16>,
}

impl<'a> SerializedOrigin<'a> {
    /// Reads `serialized-origin` of the Fetch standard.
    ///
    /// # Errors
    /// [`OriginError`] names the part that is wrong.
    pub fn parse(text: &'a str) -> Result<Self, OriginError> {
        if text.len() > MAX_ORIGIN_LEN {
            return Err(OriginError::TooLong(text.len()));
        }
        let (scheme, authority) = text.split_once("://").ok_or(OriginError::NoAuthority)?;
        if !grammar::is_scheme(scheme) {
            return Err(OriginError::Scheme);
        }
        let (host, port) = split_port(authority);
        if !grammar::is_host(host) {
            return Err(OriginError::Host);
        }
        let port = match port {
            Some(digits) => Some(grammar::port(digits).ok_or(OriginError::Port)?),
            None => default_port(scheme),
        };
        Ok(Self {
            text,
            host,
            scheme,
            port,
        })
    }

    /// The text that was read.
    pub fn as_str(&self) -> &'a str {
        self.text
    }

    /// The scheme.
    pub fn scheme(&self) -> &'a str {
        self.scheme
    }

    /// The host; an IPv6 address keeps its brackets.
    pub fn host(&self) -> &'a str {
        self.host
    }

    /// The port, or the scheme's default one.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// An owned copy.
    pub fn to_origin(&self) -> Origin {
        Origin::from_parts(self.scheme, self.host, self.port)
    }

    pub(crate) fn key(&self) -> (&str, &str, Option<u16>) {
        (self.host, self.scheme, self.port)
    }

    /// Compares with a listed origin in the order that lists are sorted by.
    pub(crate) fn order_of(&self, listed: &Origin) -> core::cmp::Ordering {
        listed.key().cmp(&self.key())
    }
}

impl PartialEq for SerializedOrigin<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for SerializedOrigin<'_> {}

impl PartialEq<Origin> for SerializedOrigin<'_> {
    fn eq(&self, other: &Origin) -> bool {
        self.key() == other.key()
    }
}

impl PartialEq<SerializedOrigin<'_>> for Origin {
    fn eq(&self, other: &SerializedOrigin<'_>) -> bool {
        self.key() == other.key()
    }
}

impl fmt::Display for SerializedOrigin<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text)
    }
}

/// The value of an `Origin` header: `origin-or-null` of the Fetch standard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OriginOrNull<'a> {
    /// The case-sensitive text `null`: an opaque origin, such as a sandboxed frame or a file.
    Null,
    /// A tuple origin.
    Origin(SerializedOrigin<'a>),
}

impl<'a> OriginOrNull<'a> {
    /// Reads a header value, without white space around it.
    ///
    /// # Errors
    /// [`OriginError`] names the part that is wrong.
    pub fn parse(text: &'a str) -> Result<Self, OriginError> {
        match text {
            "null" => Ok(Self::Null),
            _ => SerializedOrigin::parse(text).map(Self::Origin),
        }
    }

    /// The text that was read.
    pub fn as_str(&self) -> &'a str {
        match self {
            Self::Null => "null",
            Self::Origin(origin) => origin.as_str(),
        }
    }
}

/// Splits `host:port`, minding the colons inside an IPv6 address.
pub(crate) fn split_port(authority: &str) -> (&str, Option<&str>) {
    let after_host = authority.rfind(']').map_or(0, |end| end + 1);
    match authority.get(after_host..).and_then(|rest| rest.rfind(':')) {
        Some(colon) => {
            let at = after_host + colon;
            (
                authority.get(..at).unwrap_or_default(),
                authority.get(at + 1..),
            )
        }
        None => (authority, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_ports_compare_equal_and_are_left_out() {
        assert_eq!(
            "http://a.example".parse(),
            Origin::parse("http://a.example:80")
        );
        let explicit = Origin::parse("http://a.example:80").unwrap();
        assert_eq!(explicit, Origin::parse("http://a.example").unwrap());
        assert_eq!(explicit.to_string(), "http://a.example");
        assert_ne!(explicit, Origin::parse("https://a.example:80").unwrap());
        assert_ne!(explicit, Origin::parse("http://a.example:81").unwrap());
    }

    #[test]
    fn a_scheme_without_default_port_has_none() {
        let origin = Origin::parse("chrome-extension://abc").unwrap();
        assert_eq!(origin.port(), None);
        assert_eq!(origin.to_string(), "chrome-extension://abc");
    }

    #[test]
    fn errors_name_the_part() {
        for (text, error) in [
            ("a.example", OriginError::NoAuthority),
            ("HTTP://a.example", OriginError::Scheme),
            ("http://", OriginError::Host),
            ("http://[::1", OriginError::Host),
            ("http://[::1]x:80", OriginError::Host),
            ("http://a.example:", OriginError::Port),
            ("http://[::1]:65536", OriginError::Port),
        ] {
            assert_eq!(Origin::parse(text), Err(error), "{text}");
        }
    }
}
