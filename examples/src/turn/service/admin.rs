//! What an operator's programs ask for: `/metrics`, `/livez` and `/readyz`.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use tokio::time::timeout;

use super::{Shared, metrics};
use crate::turn::WorkerStats;

/// How long the workers may take to tell what they have counted.
const PATIENCE: Duration = Duration::from_secs(3);

/// For people.
const INDEX: &str = "<!doctype html>\n<title>turn-server</title>\n\
    <a href=\"/metrics\">/metrics</a> <a href=\"/livez\">/livez</a> <a href=\"/readyz\">/readyz</a>\n";

pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/", get(async || Html(INDEX)))
        .route("/metrics", get(tell_metrics))
        .route("/livez", get(live))
        .route("/readyz", get(ready))
        .with_state(shared)
}

async fn tell_metrics(State(shared): State<Arc<Shared>>) -> Response {
    let Some(workers) = workers(&shared).await else {
        // Less than everything would look as if the counters had begun anew.
        return (
            StatusCode::SERVICE_UNAVAILABLE,
            "the workers do not answer\n",
        )
            .into_response();
    };
    let content_type = [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    (content_type, metrics::text(&shared, &workers)).into_response()
}

/// Whether the server is to be left running: every worker answers.
async fn live(State(shared): State<Arc<Shared>>) -> Response {
    answer(&[check_workers(&shared).await])
}

/// Whether clients should be sent here.
async fn ready(State(shared): State<Arc<Shared>>) -> Response {
    let mut checks = vec![check_workers(&shared).await];
    let is_draining = shared.is_draining.load(Ordering::Relaxed);
    checks.push(Check::new(
        "drain",
        !is_draining,
        "no new allocations are made",
    ));
    if let Some(store) = &shared.store {
        let health = store.health().snapshot();
        checks.push(Check::new(health.name, health.is_up, "it does not answer"));
    }
    if let Some(certificate) = &shared.certificate {
        let is_valid = certificate.health().days > 0.0;
        checks.push(Check::new("certificate", is_valid, "it has expired"));
    }
    answer(&checks)
}

struct Check {
    name: &'static str,
    problem: Option<&'static str>,
}

impl Check {
    fn new(name: &'static str, is_well: bool, problem: &'static str) -> Self {
        let problem = (!is_well).then_some(problem);
        Self { name, problem }
    }
}

async fn check_workers(shared: &Shared) -> Check {
    let answering = workers(shared).await.map_or(0, |workers| workers.len());
    let is_well = answering == shared.workers;
    Check::new("workers", is_well, "one of them does not answer")
}

/// What the workers have counted, but for those that have ended; nothing if one takes too long.
async fn workers(shared: &Shared) -> Option<Vec<WorkerStats>> {
    let asking = timeout(PATIENCE, shared.server.stats());
    asking.await.ok()
}

fn answer(checks: &[Check]) -> Response {
    let mut text = String::new();
    for Check { name, problem } in checks {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{name}: {}", problem.unwrap_or("ok"));
    }
    let status = match checks.iter().all(|check| check.problem.is_none()) {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, text).into_response()
}
