//! The CORS policy, from and to HTTP types.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use cors_policy::Decision;
use http::uri::Authority;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use super::host::authority;
use super::ice_servers::{ACCEPT_POST, SDP};
use super::problem::Problem;
use super::routes::App;

/// What the policy says about a request.
enum Verdict {
    /// The application answers.
    Pass,
    /// A preflight is answered here.
    Preflight,
    /// The browser must not act for this page.
    Refuse(String),
}

/// Answers preflights, refuses foreign origins with 403, and adds the policy's headers to every
/// answer, errors too.
pub(super) async fn apply(State(app): State<App>, request: Request, next: Next) -> Response {
    let authority = authority(request.uri(), request.headers());
    let (verdict, headers) = decide(
        &app.cors,
        request.method(),
        authority.as_ref(),
        request.headers(),
    );
    let mut response = match verdict {
        Verdict::Pass => next.run(request).await,
        // RFC 9725 §4.2: any answer to OPTIONS says what POST takes.
        Verdict::Preflight if request.uri().path() == "/v1/calls" => {
            (StatusCode::NO_CONTENT, [(ACCEPT_POST, SDP)]).into_response()
        }
        Verdict::Preflight => StatusCode::NO_CONTENT.into_response(),
        Verdict::Refuse(detail) => Problem::new(StatusCode::FORBIDDEN, detail).into_response(),
    };
    for (name, value) in headers {
        response.headers_mut().append(name, value);
    }
    response
}

fn decide(
    policy: &cors_policy::Policy,
    method: &Method,
    authority: Option<&Authority>,
    headers: &HeaderMap,
) -> (Verdict, Vec<(HeaderName, HeaderValue)>) {
    let mut view = cors_policy::Request::new(method.as_str());
    if let Some(authority) = authority {
        view = view.own_host("https", authority.as_str());
    }
    for (name, value) in headers {
        view = view.header(name.as_str(), value.as_bytes());
    }
    let decision = policy.decide(&view);
    let line = |(name, value)| {
        Some((
            HeaderName::from_static(name),
            HeaderValue::from_str(value).ok()?,
        ))
    };
    let lines = decision.headers().iter().filter_map(line).collect();
    let verdict = match &decision {
        Decision::NotCors(_) | Decision::SameOrigin(_) | Decision::Allowed(_) => Verdict::Pass,
        Decision::Preflight { .. } => Verdict::Preflight,
        Decision::Refused(refused) => Verdict::Refuse(refused.to_string()),
    };
    (verdict, lines)
}
