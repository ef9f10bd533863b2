//! Bodies of SDP: of the right type, small, in time, and text.

use axum::body::{Body, HttpBody as _};
use axum::extract::{FromRequest, Request};
use bytes::BytesMut;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use tokio::time::timeout;
use tokio_stream::StreamExt as _;

use super::limits::Limits;
use super::problem::Problem;
use super::routes::App;

/// An SDP offer.
pub(super) struct Offer(pub(super) String);

impl FromRequest<App> for Offer {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        text(request, "application/sdp", &app.limits)
            .await
            .map(Self)
    }
}

/// A fragment of SDP with late candidates (RFC 8840).
pub(super) struct Fragment(pub(super) String);

impl FromRequest<App> for Fragment {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        text(request, "application/trickle-ice-sdpfrag", &app.limits)
            .await
            .map(Self)
    }
}

/// How many times the limit a body may be to have its surplus read. (At the default, 1 MiB.)
const PATIENCE: usize = 16;

async fn text(request: Request, media_type: &str, limits: &Limits) -> Result<String, Problem> {
    let given = request
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    // Parameters, such as a charset, are not looked at.
    let essence = given.map(|value| value.split(';').next().unwrap_or("").trim());
    if !essence.is_some_and(|essence| essence.eq_ignore_ascii_case(media_type)) {
        let detail = format!(
            "expected {media_type}, found {}",
            given.unwrap_or("no Content-Type")
        );
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
    }
    let bytes = timeout(limits.body_time, read(request.into_body(), limits.body_len))
        .await
        .map_err(|_| Problem::new(StatusCode::REQUEST_TIMEOUT, "the body took too long"))??;
    String::from_utf8(bytes.into()).map_err(|error| {
        let detail = format!(
            "byte {} of the body is no UTF-8",
            error.utf8_error().valid_up_to()
        );
        Problem::new(StatusCode::BAD_REQUEST, detail)
    })
}

/// Reads a body of at most `limit` bytes.
///
/// Some more is read and thrown away: an HTTP/1.1 connection that is closed with unread bytes is
/// reset, and the client may lose the answer that says why.
async fn read(body: Body, limit: usize) -> Result<BytesMut, Problem> {
    let too_large = || {
        let detail = format!("the body is larger than {limit} bytes");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
    };
    if usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX)
        > limit.saturating_mul(PATIENCE)
    {
        return Err(too_large());
    }
    let mut kept = BytesMut::new();
    let mut seen: usize = 0;
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|error| {
            Problem::new(
                StatusCode::BAD_REQUEST,
                format!("the body broke off: {error}"),
            )
        })?;
        seen = seen.saturating_add(chunk.len());
        if seen <= limit {
            kept.extend_from_slice(&chunk);
        } else if seen > limit.saturating_mul(PATIENCE) {
            break;
        }
    }
    if seen > limit {
        Err(too_large())
    } else {
        Ok(kept)
    }
}
