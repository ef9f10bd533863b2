//! Errors as `application/problem+json` (RFC 9457), and which status each has.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::Serialize;

use crate::calls::CallError;

/// When it may be worth to try again what a limit has refused.
const AGAIN: Duration = Duration::from_secs(5);

/// An error as the client sees it.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    detail: String,
    position: Option<Position>,
    header: Option<Box<(HeaderName, HeaderValue)>>,
}

/// A place in the request's body, from 1.
#[derive(Debug, Clone, Copy, Serialize)]
struct Position {
    line: usize,
    column: usize,
}

#[derive(Serialize)]
struct Json<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'a str,
    status: u16,
    detail: &'a str,
    #[serde(flatten)]
    position: Option<Position>,
}

impl Problem {
    /// A problem of this status; `detail` says what was wrong and with what value.
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            status,
            detail: detail.into(),
            position: None,
            header: None,
        }
    }

    /// There is nothing at this path.
    pub(super) fn no_such_path(path: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("there is nothing at {path}"))
    }

    /// The path knows other methods. The router adds `Allow` where it knows them.
    pub(super) fn method_not_allowed() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "this path does not take this method",
        )
    }

    /// The path can only be read.
    pub(super) fn read_only() -> Self {
        Self::method_not_allowed().with(ALLOW, HeaderValue::from_static("GET, HEAD"))
    }

    /// The request needs a token, or has a wrong one. `challenge` is the value of
    /// `WWW-Authenticate` (RFC 6750 §3).
    pub(super) fn unauthorized(detail: &str, challenge: &'static str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, detail)
            .with(WWW_AUTHENTICATE, HeaderValue::from_static(challenge))
    }

    /// The client has as much as it may (RFC 6585 §4).
    pub(super) fn too_many(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, detail).with(RETRY_AFTER, AGAIN.as_secs().into())
    }

    /// The gateway cannot do it now; it may later.
    pub(super) fn unavailable(detail: impl Into<String>, retry_after: Duration) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, detail)
            .with(RETRY_AFTER, HeaderValue::from(retry_after.as_secs()))
    }

    fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.header = Some(Box::new((name, value)));
        self
    }
}

impl From<CallError> for Problem {
    fn from(error: CallError) -> Self {
        let detail = error.to_string();
        match error {
            CallError::BadTarget { .. } => Self::new(StatusCode::BAD_REQUEST, detail),
            CallError::MalformedSdp { line, column, .. } => Self {
                position: Some(Position { line, column }),
                ..Self::new(StatusCode::BAD_REQUEST, detail)
            },
            CallError::Unacceptable { .. } => Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail),
            CallError::NoRoute { .. } | CallError::Unknown => {
                Self::new(StatusCode::NOT_FOUND, detail)
            }
            CallError::StaleETag => Self::new(StatusCode::PRECONDITION_FAILED, detail),
            CallError::TooManyForToken { .. } => Self::too_many(detail),
            CallError::TooManyCalls { .. }
            | CallError::Exhausted { .. }
            | CallError::ShuttingDown => Self::unavailable(detail, AGAIN),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let json = Json {
            kind: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail: &self.detail,
            position: self.position,
        };
        // Strings and numbers always serialise.
        let body = serde_json::to_vec(&json).unwrap_or_default();
        let content_type = [(CONTENT_TYPE, "application/problem+json")];
        let headers: HeaderMap = self.header.map(|header| *header).into_iter().collect();
        (self.status, content_type, headers, body).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::InvalidUser;

    #[test]
    fn every_call_error_has_its_status() {
        let to = || "x".to_owned();
        let statuses = [
            (
                CallError::BadTarget {
                    to: to(),
                    problem: InvalidUser::Empty,
                },
                400,
            ),
            (CallError::NoRoute { to: to() }, 404),
            (
                CallError::MalformedSdp {
                    line: 3,
                    column: 7,
                    problem: to(),
                },
                400,
            ),
            (CallError::Unacceptable { reason: to() }, 422),
            (CallError::Unknown, 404),
            (CallError::StaleETag, 412),
            (CallError::TooManyCalls { limit: 1 }, 503),
            (CallError::TooManyForToken { limit: 1 }, 429),
            (CallError::Exhausted { what: to() }, 503),
            (CallError::ShuttingDown, 503),
        ];
        for (error, status) in statuses {
            assert_eq!(Problem::from(error.clone()).status, status, "{error:?}");
        }
    }
}
