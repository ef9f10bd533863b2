//! CORS decisions, exactly as the Fetch standard describes the server's side of them.
//!
//! A [`Policy`] is built and checked once. For each HTTP request the caller makes a [`Request`]
//! (a view of the method and a few header fields) and asks [`Policy::decide`]. The [`Decision`]
//! says what to do and carries the exact response headers, `Vary` included. Deciding allocates
//! nothing.
//!
//! There are no HTTP types here: names and values are plain text and bytes, so the crate fits
//! any server. What it does not do: it never reads cookies or tokens, and it is no replacement
//! for authentication. CORS tells a *browser* which pages may read an answer.
//!
//! # Order of the decision
//!
//! 1. No `Origin` field: [`Decision::NotCors`].
//! 2. The origin is the request's own: [`Decision::SameOrigin`]. Browsers send `Origin` with
//!    every same-origin POST; a policy never refuses those. The caller says what its own origin
//!    is ([`Request::own_origins`], [`Request::own_host`]).
//! 3. The origin is malformed or not allowed: [`Decision::Refused`] (403).
//! 4. `OPTIONS` with `Access-Control-Request-Method`: [`Decision::Preflight`] (204), or refused
//!    when the method or a header is not allowed.
//! 5. Anything else: [`Decision::Allowed`].
//!
#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod decide;
mod decision;
mod entry;
mod grammar;
mod host;
#[cfg(feature = "http")]
mod http_types;
mod origin;
mod policy;
mod request;
#[cfg(feature = "tower")]
pub mod tower;
mod url;

pub use decision::{Decision, Headers, PrivateNetwork, Refusal, Refused};
pub use entry::EntryProblem;
pub use origin::{MAX_ORIGIN_LEN, Origin, OriginError, OriginOrNull, SerializedOrigin};
pub use policy::{Policy, PolicyBuilder, PolicyError};
pub use request::{MAX_REQUEST_HEADERS_LINES, Request};
pub use url::UrlError;
