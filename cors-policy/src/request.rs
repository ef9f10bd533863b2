//! The view of one HTTP request that a decision needs.

use arrayvec::ArrayVec;

use crate::decision::Refusal;
use crate::grammar;
use crate::origin::{Origin, OriginOrNull, SerializedOrigin, default_port, split_port};

/// How many `Access-Control-Request-Headers` lines are read. Browsers send one; a preflight
/// with more than this is refused.
pub const MAX_REQUEST_HEADERS_LINES: usize = 4;

/// A field that must not be repeated.
#[derive(Debug, Clone, Copy)]
enum Single<'a> {
    Absent,
    One(&'a [u8]),
    Repeated,
}

impl<'a> Single<'a> {
    fn add(&mut self, value: &'a [u8]) {
        *self = match self {
            Self::Absent => Self::One(value),
            Self::One(_) | Self::Repeated => Self::Repeated,
        };
    }

    /// The value without white space around it, when there is just one and it is text.
    fn text(&self) -> Option<&'a str> {
        match self {
            Self::One(value) => core::str::from_utf8(value).ok().map(grammar::trim_ows),
            Self::Absent | Self::Repeated => None,
        }
    }
}

/// The lines of a field that is a list.
type Lines<'a> = ArrayVec<&'a [u8], MAX_REQUEST_HEADERS_LINES>;

/// What a preflight asks for.
#[derive(Debug, Clone)]
pub(crate) struct PreflightAsk<'a> {
    pub(crate) method: &'a str,
    /// Each line a list of field names, checked.
    pub(crate) header_lines: ArrayVec<&'a str, MAX_REQUEST_HEADERS_LINES>,
    pub(crate) private_network: bool,
}

impl<'a> PreflightAsk<'a> {
    /// The requested header names. Empty list items are ignored (RFC 9110 §5.6.1.2).
    pub(crate) fn header_names(&self) -> impl Iterator<Item = &'a str> + '_ {
        self.header_lines.iter().flat_map(|line| list_items(line))
    }
}

fn list_items(line: &str) -> impl Iterator<Item = &str> {
    line.split(',')
        .map(grammar::trim_ows)
        .filter(|item| !item.is_empty())
}

/// A borrowed view of one HTTP request.
///
/// Feed it every header field; it keeps those it needs:
///
/// ```
/// # use cors_policy::Request;
/// let fields = [("host", "gw.example"), ("origin", "https://a.example")];
/// let mut request = Request::new("GET").own_host("https", "gw.example");
/// for (name, value) in fields {
///     request = request.header(name, value.as_bytes());
/// }
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct Request<'a> {
    method: &'a str,
    origin: Single<'a>,
    request_method: Single<'a>,
    request_headers: Lines<'a>,
    request_headers_overflow: bool,
    private_network: Single<'a>,
    own_origins: &'a [Origin],
    own_host: Option<(&'a str, &'a str)>,
}

impl<'a> Request<'a> {
    /// A request with this method and no header fields yet.
    pub fn new(method: &'a str) -> Self {
        Self {
            method,
            origin: Single::Absent,
            request_method: Single::Absent,
            request_headers: Lines::new(),
            request_headers_overflow: false,
            private_network: Single::Absent,
            own_origins: &[],
            own_host: None,
        }
    }

    /// The server's own origins, as its configuration knows them: right also behind a proxy that
    /// changes scheme or `Host`.
    pub fn own_origins(mut self, origins: &'a [Origin]) -> Self {
        self.own_origins = origins;
        self
    }

    /// The server's own origin as this request names it: the scheme of the connection and the
    /// `Host` field or `:authority`. Check that host first (DNS rebinding): whatever stands here
    /// is trusted.
    ///
    /// `scheme` is `http` or `https`; `authority` is a host with or without a port, as the field has
    /// it: `gw.example`, `gw.example:8443`, `192.0.2.1`, `[::1]:8080`. Case does not matter, and the
    /// scheme's default port may be there or not. Anything else, such as a URL, matches no origin.
    pub fn own_host(mut self, scheme: &'a str, authority: &'a str) -> Self {
        self.own_host = Some((scheme, authority));
        self
    }

    /// Adds one header field line. Names are compared without case; those that do not matter are
    /// ignored. Call it for each line, also for repeated ones.
    pub fn header(mut self, name: &str, value: &'a [u8]) -> Self {
        self.add(name, value);
        self
    }

    /// As [`header`](Self::header), in place.
    pub(crate) fn add(&mut self, name: &str, value: &'a [u8]) {
        if name.eq_ignore_ascii_case("origin") {
            self.origin.add(value);
        } else if name.eq_ignore_ascii_case("access-control-request-method") {
            self.request_method.add(value);
        } else if name.eq_ignore_ascii_case("access-control-request-headers") {
            self.request_headers_overflow |= self.request_headers.try_push(value).is_err();
        } else if name.eq_ignore_ascii_case("access-control-request-private-network") {
            self.private_network.add(value);
        }
    }

    /// The origin, or `None` without an `Origin` field.
    pub(crate) fn origin(&self) -> Option<Result<OriginOrNull<'a>, Refusal>> {
        match self.origin {
            Single::Absent => None,
            Single::Repeated => Some(Err(Refusal::OriginRepeated)),
            Single::One(_) => Some(
                self.origin
                    .text()
                    .and_then(|text| OriginOrNull::parse(text).ok())
                    .ok_or(Refusal::OriginMalformed),
            ),
        }
    }

    /// The bytes of the `Origin` field, for messages.
    pub(crate) fn origin_bytes(&self) -> &'a [u8] {
        match self.origin {
            Single::One(value) => value,
            Single::Absent | Single::Repeated => &[],
        }
    }

    /// Whether this origin is the server's own (RFC 6454 §5).
    pub(crate) fn is_own(&self, origin: &SerializedOrigin<'_>) -> bool {
        self.own_origins.iter().any(|own| origin == own)
            || self
                .own_host
                .is_some_and(|(scheme, authority)| is_at(origin, scheme, authority))
    }

    /// What the request asks for when it is a preflight: an `OPTIONS` with
    /// `Access-Control-Request-Method`.
    pub(crate) fn preflight(&self) -> Option<Result<PreflightAsk<'a>, Refusal>> {
        if self.method != "OPTIONS" || matches!(self.request_method, Single::Absent) {
            return None;
        }
        Some(self.preflight_ask())
    }

    fn preflight_ask(&self) -> Result<PreflightAsk<'a>, Refusal> {
        let method = self
            .request_method
            .text()
            .filter(|method| grammar::is_token(method))
            .ok_or(Refusal::MethodMalformed)?;
        if self.request_headers_overflow {
            return Err(Refusal::HeadersMalformed);
        }
        let mut header_lines = ArrayVec::new();
        for line in &self.request_headers {
            let line = core::str::from_utf8(line).map_err(|_| Refusal::HeadersMalformed)?;
            if !list_items(line).all(grammar::is_token) {
                return Err(Refusal::HeadersMalformed);
            }
            // As many lines as were kept: there is room.
            let _ = header_lines.try_push(grammar::trim_ows(line));
        }
        let private_network = self.private_network.text() == Some("true");
        Ok(PreflightAsk {
            method,
            header_lines,
            private_network,
        })
    }
}

/// Whether `origin` is what `scheme` and a `Host` field name. Host fields come in any case.
fn is_at(origin: &SerializedOrigin<'_>, scheme: &str, authority: &str) -> bool {
    let (host, port) = split_port(authority);
    let port = match port {
        None | Some("") => default_port(origin.scheme()),
        Some(digits) => match grammar::port(digits) {
            Some(port) => Some(port),
            None => return false,
        },
    };
    origin.scheme().eq_ignore_ascii_case(scheme)
        && origin.host().eq_ignore_ascii_case(host)
        && origin.port() == port
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_hosts() {
        let own = |origin, scheme, authority| {
            is_at(&SerializedOrigin::parse(origin).unwrap(), scheme, authority)
        };
        assert!(own("https://gw.example", "https", "gw.example"));
        assert!(own("https://gw.example", "https", "GW.example:443"));
        assert!(own("https://gw.example:8443", "HTTPS", "gw.example:8443"));
        assert!(own("https://[::1]:8443", "https", "[::1]:8443"));
        assert!(!own("http://gw.example", "https", "gw.example"));
        assert!(!own("https://gw.example", "https", "gw.example:8443"));
        assert!(!own("https://gw.example", "https", "gw.example:443x"));
        assert!(!own("https://gw.example", "https", ""));
    }
}
