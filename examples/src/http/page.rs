//! The page and the browser library, inside the binary.

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, Method, StatusCode};
use rust_embed::{EmbeddedFile, RustEmbed};

use super::problem::Problem;

#[derive(RustEmbed)]
#[folder = "web/"]
struct Files;

/// Answers whatever is no route of the API.
pub(super) async fn serve(request: Request) -> Response {
    let path = request.uri().path();
    let name = match path.trim_start_matches('/') {
        "" => "index.html",
        name => name,
    };
    match Files::get(name).filter(|_| !name.starts_with('.')) {
        None => Problem::no_such_path(path).into_response(),
        Some(_) if !matches!(*request.method(), Method::GET | Method::HEAD) => {
            Problem::read_only().into_response()
        }
        Some(file) => respond(name, file, request.headers()),
    }
}

/// The file, or 304 when the browser has it. A browser asks each time: after an update page and
/// library must not be of different versions.
fn respond(name: &str, file: EmbeddedFile, request: &HeaderMap) -> Response {
    let tag = tag(&file);
    let known = request
        .get(IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok());
    let is_known = known.is_some_and(|list| list.split(',').any(|known| same(known, &tag)));
    let headers = [(ETAG, tag), (CACHE_CONTROL, "no-cache".to_owned())];
    if is_known {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    (
        headers,
        [(CONTENT_TYPE, media_type(name, &file))],
        file.data,
    )
        .into_response()
}

/// Weak comparison (RFC 9110 §8.8.3.2).
fn same(known: &str, tag: &str) -> bool {
    let known = known.trim();
    known == "*" || known.trim_start_matches("W/") == tag
}

/// The first 64 bits of the file's SHA-256.
fn tag(file: &EmbeddedFile) -> String {
    let [a, b, c, d, e, f, g, h, ..] = file.metadata.sha256_hash();
    format!("\"{:016x}\"", u64::from_be_bytes([a, b, c, d, e, f, g, h]))
}

fn media_type(name: &str, file: &EmbeddedFile) -> String {
    // By its ending, a type declaration would be a video.
    if name.ends_with(".ts") {
        return "text/plain; charset=utf-8".to_owned();
    }
    let kind = file.metadata.mimetype();
    let is_text = kind.starts_with("text/") && !kind.contains("charset");
    if is_text {
        format!("{kind}; charset=utf-8")
    } else {
        kind.to_owned()
    }
}
