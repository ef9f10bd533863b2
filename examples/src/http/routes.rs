//! The routes, their handlers, and what stands around all of them.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{FromRequestParts, Path, Query, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, patch, post};
use cors_policy::Policy;
use cors_policy::tower::{CorsLayer, Scheme};
use http::header::{self, CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_MATCH, LOCATION};
use http::request::Parts;
use http::{HeaderName, HeaderValue, StatusCode};
use tokio::time::{Instant, timeout};

use super::body::{Fragment, Offer};
use super::events::Streams;
use super::host::{Hosts, Reached};
use super::ice_servers::{self, IceServers};
use super::limits::Limits;
use super::problem::Problem;
use super::{cors, events, host, page};
use crate::calls::{CallError, CallId, Calls, NewCall, Owner, Trickled};
use crate::config::{Http, Tokens};
use crate::metrics::Metrics;
use crate::turn::embedded::Embedded;

/// What the handlers share. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct App(Arc<Shared>);

/// See [`App`].
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) calls: Calls,
    pub(super) hosts: Hosts,
    pub(super) tokens: Tokens,
    pub(super) anonymous: bool,
    pub(super) limits: Limits,
    pub(super) ice_servers: IceServers,
    streams: Streams,
    metrics: Arc<Metrics>,
}

impl std::ops::Deref for App {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl App {
    pub(super) fn new(
        config: &Http,
        calls: Calls,
        hosts: Hosts,
        metrics: Arc<Metrics>,
        turn: Option<Arc<Embedded>>,
    ) -> Self {
        let limits = config.limits;
        Self(Arc::new(Shared {
            calls,
            hosts,
            tokens: config.tokens.clone(),
            anonymous: config.anonymous,
            limits,
            ice_servers: IceServers::new(&config.ice_servers, turn),
            streams: Streams::new(&limits, metrics.clone()),
            metrics,
        }))
    }
}

/// Everything that is answered.
pub(super) fn router(app: App, cors: Policy) -> Router {
    // Whose `Host` it may be was checked before.
    let cors = CorsLayer::of_host(cors, Scheme::Https).respond_with(cors::Answers);
    Router::new()
        .route("/v1/ice-servers", get(ice_servers::list))
        .route("/v1/calls", post(create).options(ice_servers::options))
        .route("/v1/calls/{id}", patch(trickle).delete(hang_up))
        .route("/v1/calls/{id}/events", get(follow))
        .route("/v1/calls/{id}/stats", get(statistics))
        .method_not_allowed_fallback(async || Problem::method_not_allowed())
        .fallback(page::serve)
        // The last one is the outermost.
        .layer(middleware::from_fn_with_state(app.clone(), within_time))
        .layer(cors)
        .layer(middleware::from_fn_with_state(app.clone(), host::check))
        .layer(middleware::map_response(async |response| secured(response)))
        .with_state(app)
}

async fn create(
    owner: Owner,
    State(app): State<App>,
    reached: Reached,
    Wanted { to, grant }: Wanted,
    Offer(offer): Offer,
) -> Result<Response, Problem> {
    let start = Instant::now();
    let call = NewCall {
        owner,
        to,
        offer,
        grant,
    };
    let created = app.calls.create(call).await?;
    app.metrics.offer_answered(start.elapsed());
    let headers = [
        (LOCATION, format!("/v1/calls/{}", created.id)),
        (ETAG, created.etag.to_string()),
        (CONTENT_TYPE, "application/sdp".to_owned()),
    ];
    let mut response = (StatusCode::CREATED, headers, created.answer).into_response();
    let grant = created.grant.as_ref();
    app.ice_servers
        .link(response.headers_mut(), grant, &reached);
    Ok(response)
}

async fn trickle(
    owner: Owner,
    Id(id): Id,
    IfMatch(if_match): IfMatch,
    State(app): State<App>,
    Fragment(fragment): Fragment,
) -> Result<Response, Problem> {
    match app.calls.trickle(id, owner, if_match, fragment).await? {
        Trickled::Taken => Ok(StatusCode::NO_CONTENT.into_response()),
        Trickled::Restarted { etag, fragment } => {
            let headers = [
                (ETAG, etag.as_str()),
                (CONTENT_TYPE, "application/trickle-ice-sdpfrag"),
            ];
            Ok((headers, fragment).into_response())
        }
    }
}

async fn hang_up(owner: Owner, Id(id): Id, State(app): State<App>) -> Result<StatusCode, Problem> {
    app.calls.hang_up(id, owner).await?;
    Ok(StatusCode::OK)
}

async fn follow(owner: Owner, Id(id): Id, State(app): State<App>) -> Result<Response, Problem> {
    // Only an owner's own streams count against the limit of a call.
    let receiver = app.calls.follow(id, owner).await?;
    let place = app.streams.admit(id)?;
    Ok(events::response(receiver, place, &app.limits))
}

async fn statistics(owner: Owner, Id(id): Id, State(app): State<App>) -> Result<Response, Problem> {
    let stats = app.calls.stats(id, owner).await?;
    Ok(Json(stats.json()).into_response())
}

/// What the query of an offer says.
struct Wanted {
    /// Whether it can be dialled is for the calls to say.
    to: String,
    /// The name of a TURN login; whether there is one is for the calls to know.
    grant: Option<String>,
}

impl FromRequestParts<App> for Wanted {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let pairs = Query::<Vec<(String, String)>>::from_request_parts(parts, app).await;
        let Query(pairs) =
            pairs.map_err(|error| Problem::new(StatusCode::BAD_REQUEST, error.body_text()))?;
        let value = |(_, value): &(String, String)| value.clone();
        let grant = pairs.iter().find(|(name, _)| name == "grant").map(value);
        let mut named = pairs.into_iter().filter(|(name, _)| name == "to");
        match (named.next(), named.next()) {
            // What the query's decoder puts for bytes that are no text.
            (Some((_, to)), None) if to.contains(char::REPLACEMENT_CHARACTER) => {
                Err(Problem::new(StatusCode::BAD_REQUEST, "to is no UTF-8"))
            }
            (Some((_, to)), None) => Ok(Self { to, grant }),
            _ => {
                let detail = "whom to call? expected one ?to=NAME";
                Err(Problem::new(StatusCode::BAD_REQUEST, detail))
            }
        }
    }
}

/// The path's call id.
struct Id(CallId);

impl FromRequestParts<App> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let path = Path::<HashMap<String, String>>::from_request_parts(parts, app).await;
        // What is no call id names no call.
        path.ok()
            .and_then(|Path(segments)| segments.get("id")?.parse().ok())
            .map(Self)
            .ok_or_else(|| CallError::Unknown.into())
    }
}

/// The value of `If-Match`.
struct IfMatch(String);

impl FromRequestParts<App> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        let field = parts.headers.get(IF_MATCH).ok_or_else(|| {
            let detail = "expected If-Match with the call's ETag";
            Problem::new(StatusCode::PRECONDITION_REQUIRED, detail)
        })?;
        // What is no text is nobody's entity tag.
        let text = field.to_str().map_err(|_| CallError::StaleETag)?;
        Ok(Self(text.to_owned()))
    }
}

/// No request waits for ever for the calls.
async fn within_time(State(app): State<App>, request: Request, next: Next) -> Response {
    let limit = app.limits.answer_time;
    timeout(limit, next.run(request)).await.unwrap_or_else(|_| {
        Problem::unavailable("the gateway did not answer in time", limit).into_response()
    })
}

/// Headers that keep a browser from doing more with an answer than it is for.
fn secured(mut response: Response) -> Response {
    const HEADERS: [(HeaderName, &str); 5] = [
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; \
             frame-ancestors 'none'",
        ),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (
            HeaderName::from_static("permissions-policy"),
            "microphone=(self), camera=(), geolocation=(), display-capture=()",
        ),
    ];
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let unset = headers.entry(CACHE_CONTROL);
    unset.or_insert(HeaderValue::from_static("no-store"));
    response
}
