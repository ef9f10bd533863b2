//! The origin of a URL (RFC 6454 §4).

use crate::host;
use crate::origin::{Origin, default_port, split_port};

/// Why a text is not a URL whose origin can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// It does not begin with a scheme and a colon.
    #[error("no scheme in front")]
    Scheme,
    /// A scheme that needs `//` and a host has none.
    #[error("no \"//\" and host after the scheme")]
    NoAuthority,
    /// Not a host name or address.
    #[error("the host is not a name or an address")]
    Host,
    /// Not a port number.
    #[error("the port is not a number from 0 to 65535")]
    Port,
}

impl Origin {
    /// The origin of a URL (RFC 6454 §4): path, query, fragment and user information are left
    /// out; host names are brought to lower-case ASCII.
    ///
    /// `None` is an opaque origin, serialised as `null`: `data:`, `about:`, `file:` and every
    /// scheme other than `http`, `https`, `ws`, `wss` and `ftp`.
    ///
    /// # Errors
    /// [`UrlError`] names the part that is wrong.
    pub fn of_url(url: &str) -> Result<Option<Self>, UrlError> {
        let (scheme, rest) = url.split_once(':').ok_or(UrlError::Scheme)?;
        let scheme = scheme.to_ascii_lowercase();
        if !crate::grammar::is_scheme(&scheme) {
            return Err(UrlError::Scheme);
        }
        if default_port(&scheme).is_none() {
            return Ok(None);
        }
        let rest = rest.strip_prefix("//").ok_or(UrlError::NoAuthority)?;
        // In these schemes browsers read a backslash as a slash.
        let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
        let host_and_port = authority.rsplit('@').next().unwrap_or_default();
        let (host, port) = split_port(host_and_port);
        let host = host::normalize(host).ok_or(UrlError::Host)?;
        Ok(Some(Self::from_parts(&scheme, &host, port_number(port)?)))
    }
}

/// An empty port is no port; leading zeros are legal in a URL (RFC 3986 §3.2.3).
fn port_number(port: Option<&str>) -> Result<Option<u16>, UrlError> {
    match port {
        None | Some("") => Ok(None),
        Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => {
            digits.parse().map(Some).map_err(|_| UrlError::Port)
        }
        Some(_) => Err(UrlError::Port),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(url: &str) -> Option<String> {
        Origin::of_url(url)
            .unwrap()
            .map(|origin| origin.to_string())
    }

    #[test]
    fn parts_that_do_not_belong_are_left_out() {
        assert_eq!(
            origin("HTTPS://u:p@A.example:0443/x?y#z").as_deref(),
            Some("https://a.example")
        );
        assert_eq!(
            origin("http://a.example\\@b.example/").as_deref(),
            Some("http://a.example")
        );
        assert_eq!(
            origin("http://a.example?@b.example").as_deref(),
            Some("http://a.example")
        );
        assert_eq!(origin("file:///etc/hosts"), None);
    }

    #[test]
    fn errors_name_the_part() {
        for (url, error) in [
            ("//a.example", UrlError::Scheme),
            ("http:a.example", UrlError::NoAuthority),
            ("http://", UrlError::Host),
            ("http://a.example:x", UrlError::Port),
            ("http://a.example:65536", UrlError::Port),
        ] {
            assert_eq!(Origin::of_url(url), Err(error), "{url}");
        }
    }
}
