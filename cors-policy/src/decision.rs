//! What to do with a request, and the response headers to send.

use core::fmt;

use arrayvec::ArrayVec;

use crate::request::MAX_REQUEST_HEADERS_LINES;

/// Origin, credentials, methods, max-age, private network, exposed, `Vary`; and the allowed
/// headers, which may be as many lines as were asked.
const MAX_HEADERS: usize = 7 + MAX_REQUEST_HEADERS_LINES;

/// Longest piece of a refused origin that a message repeats, in bytes.
const SHOWN_ORIGIN: usize = 200;

/// The response headers of a decision: names in lower case, with their values.
///
/// Append them to the response (never replace: the application may have its own `Vary`). A name
/// may come on several lines, which make one list.
#[derive(Debug, Clone, Default)]
pub struct Headers<'a> {
    lines: ArrayVec<(&'static str, &'a str), MAX_HEADERS>,
}

impl<'a> Headers<'a> {
    pub(crate) fn push(&mut self, name: &'static str, value: &'a str) {
        let pushed = self.lines.try_push((name, value));
        debug_assert!(pushed.is_ok(), "more headers than MAX_HEADERS");
    }

    /// Name and value of each line.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &'a str)> + '_ {
        self.lines.iter().copied()
    }

    /// The first value of this name, compared without case.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.iter()
            .find(|line| line.0.eq_ignore_ascii_case(name))
            .map(|line| line.1)
    }

    /// How many lines there are.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether there is nothing to add.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }
}

impl<'h, 'a> IntoIterator for &'h Headers<'a> {
    type Item = (&'static str, &'a str);
    type IntoIter = core::iter::Copied<core::slice::Iter<'h, (&'static str, &'a str)>>;

    fn into_iter(self) -> Self::IntoIter {
        self.lines.iter().copied()
    }
}

/// What to do with a request.
#[derive(Debug, Clone)]
#[must_use]
pub enum Decision<'a> {
    /// No `Origin` field. Serve it and add the headers.
    NotCors(Headers<'a>),
    /// The origin is the server's own. Serve it and add the headers.
    SameOrigin(Headers<'a>),
    /// An allowed cross-origin request. Serve it and add the headers, to error answers too.
    Allowed(Headers<'a>),
    /// An allowed preflight. Answer 204 with the headers; the application does not see it.
    Preflight {
        /// The headers of the answer.
        headers: Headers<'a>,
        /// The private-network part.
        private_network: PrivateNetwork,
    },
    /// Not allowed. Answer 403 with the headers; the application does not see it.
    Refused(Refused<'a>),
}

impl<'a> Decision<'a> {
    /// The response headers to add.
    pub fn headers(&self) -> &Headers<'a> {
        match self {
            Self::NotCors(headers)
            | Self::SameOrigin(headers)
            | Self::Allowed(headers)
            | Self::Preflight { headers, .. } => headers,
            Self::Refused(refused) => &refused.headers,
        }
    }

    /// The status to answer with at once, or `None` when the application answers.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::NotCors(_) | Self::SameOrigin(_) | Self::Allowed(_) => None,
            Self::Preflight { .. } => Some(204),
            Self::Refused(_) => Some(403),
        }
    }
}

/// What a preflight says about a request from a public page into a private network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrivateNetwork {
    /// It was not asked for.
    NotAsked,
    /// Asked for and granted.
    Granted,
    /// Asked for, and the policy does not grant it: the header is left out and the browser will
    /// not send the request.
    Withheld,
}

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The policy does not allow this origin.
    OriginNotAllowed,
    /// The `Origin` field does not follow the grammar. It is never echoed.
    OriginMalformed,
    /// More than one `Origin` field.
    OriginRepeated,
    /// A preflight for a method that the policy does not allow.
    MethodNotAllowed,
    /// `Access-Control-Request-Method` is not one method name.
    MethodMalformed,
    /// A preflight for a header that the policy does not allow.
    HeaderNotAllowed,
    /// `Access-Control-Request-Headers` is not a list of names, or has too many lines.
    HeadersMalformed,
}

/// A refused request. `Display` is a sentence for the body of the 403: plain ASCII, bounded,
/// naming the origin.
#[derive(Debug, Clone)]
pub struct Refused<'a> {
    pub(crate) reason: Refusal,
    pub(crate) origin: &'a [u8],
    pub(crate) headers: Headers<'a>,
}

impl Refused<'_> {
    /// Why.
    pub fn reason(&self) -> Refusal {
        self.reason
    }
}

impl fmt::Display for Refused<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.origin.get(..SHOWN_ORIGIN).unwrap_or(self.origin);
        let cut = if shown.len() < self.origin.len() {
            "..."
        } else {
            ""
        };
        let origin = shown.escape_ascii();
        match self.reason {
            Refusal::OriginNotAllowed => write!(f, "origin {origin}{cut} is not allowed"),
            Refusal::OriginMalformed => write!(f, "origin \"{origin}{cut}\" is malformed"),
            Refusal::OriginRepeated => f.write_str("more than one Origin field"),
            Refusal::MethodNotAllowed => {
                write!(f, "the method is not allowed for origin {origin}{cut}")
            }
            Refusal::MethodMalformed => {
                f.write_str("Access-Control-Request-Method is not one method name")
            }
            Refusal::HeaderNotAllowed => {
                write!(
                    f,
                    "a request header is not allowed for origin {origin}{cut}"
                )
            }
            Refusal::HeadersMalformed => {
                f.write_str("Access-Control-Request-Headers is not a list of names")
            }
        }
    }
}
