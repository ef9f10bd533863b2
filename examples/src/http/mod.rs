//! The HTTPS side: the page, and the API from which browsers call.
//!
//! | request | answer |
//! |---|---|
//! | `GET /`, `/crosspoint.js`, … | the page and the browser library |
//! | `GET /v1/ice-servers` | `{"iceServers": […]}` |
//! | `OPTIONS /v1/calls` | `Link`s to the same servers, `Accept-Post` |
//! | `POST /v1/calls?to=NAME`, `application/sdp` | 201, `Location`, `ETag`, the SDP answer |
//! | `PATCH /v1/calls/{id}`, `application/trickle-ice-sdpfrag`, `If-Match: "…"` | 204 |
//! | the same with new credentials and `If-Match: *`: an ICE restart | 200, `ETag`, our side as a fragment |
//! | `DELETE /v1/calls/{id}` | 200 |
//! | `GET /v1/calls/{id}/stats` | what has passed, as JSON |
//! | `GET /v1/calls/{id}/events` | a `text/event-stream` of [`CallEvent`](crate::calls::CallEvent)s |
//!
//! The shape of the calls is that of WHIP (RFC 9725). Every error is `application/problem+json`
//! (RFC 9457). Nothing here knows how a call is made: it is asked of [`Calls`](crate::calls::Calls).
//!
//! What a request passes before it reaches its handler: the limits of its connection
//! (`connection`), the check of its `Host` (`host`), the CORS policy (`cors`), and, for everything
//! under `/v1`, the bearer token (`auth`).

mod auth;
mod body;
mod certificate;
mod connection;
mod cors;
mod events;
mod host;
mod ice_servers;
mod idle;
mod limits;
mod metrics;
mod page;
mod plain;
mod problem;
mod routes;
mod server;

pub use certificate::{Certificate, CertificateError};
pub use limits::Limits;
pub use metrics::MetricsServer;
pub use server::{Server, StartError};
