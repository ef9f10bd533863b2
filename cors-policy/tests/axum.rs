//! The layer around an axum router: what reaches the handlers, and what answers carry.
#![allow(clippy::unwrap_used)] // helpers of tests fail like tests

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::{Body, to_bytes};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Request, Response, StatusCode, header};
use axum::response::IntoResponse;
use axum::{Router, routing};
use cors_policy::tower::{CorsLayer, Respond, Scheme};
use cors_policy::{Origin, Policy, PolicyBuilder, Refused};
use tower::ServiceExt;

const APP: &str = "https://app.example";
const EVIL: &str = "https://evil.example";

/// A router with a `POST`, an `OPTIONS` of its own and an error, and how often handlers ran.
fn service<R>(layer: CorsLayer<R>) -> (Router, Arc<AtomicUsize>)
where
    R: Respond<Body> + Clone + Send + Sync + 'static,
{
    let runs = Arc::new(AtomicUsize::new(0));
    let count = |status: StatusCode| {
        let runs = runs.clone();
        move || async move {
            runs.fetch_add(1, Ordering::Relaxed);
            (status, [(header::VARY, "Accept")], "from the handler")
        }
    };
    let calls = routing::post(count(StatusCode::CREATED)).options(count(StatusCode::OK));
    let router = Router::new()
        .route("/calls", calls)
        .route("/broken", routing::get(count(StatusCode::BAD_GATEWAY)))
        .layer(layer);
    (router, runs)
}

fn layer(builder: PolicyBuilder) -> CorsLayer {
    CorsLayer::of_host(builder.build().unwrap(), Scheme::Https)
}

fn listed() -> CorsLayer {
    layer(Policy::allow([APP]).headers(["Content-Type"]))
}

async fn ask(
    router: &Router,
    method: &str,
    path: &str,
    fields: &[(&str, &str)],
) -> (StatusCode, HeaderMap, String) {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::empty()).unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    let (head, body) = response.into_parts();
    let body = to_bytes(body, 1 << 16).await.unwrap();
    let body = String::from_utf8(body.to_vec()).unwrap();
    (head.status, head.headers, body)
}

fn origins(headers: &HeaderMap) -> Vec<&str> {
    let lines = headers.get_all("access-control-allow-origin").iter();
    lines.map(|line| line.to_str().unwrap()).collect()
}

#[tokio::test]
async fn an_allowed_origin_reads_answers_and_errors() {
    let (router, runs) = service(listed());
    let (status, headers, body) = ask(&router, "POST", "/calls", &[("origin", APP)]).await;
    assert_eq!(
        (status, body.as_str()),
        (StatusCode::CREATED, "from the handler")
    );
    assert_eq!(origins(&headers), [APP]);
    let vary: Vec<_> = headers.get_all("vary").iter().collect();
    assert_eq!(vary, ["Accept", "Origin"]);
    for (path, error) in [
        ("/broken", StatusCode::BAD_GATEWAY),
        ("/calls", StatusCode::METHOD_NOT_ALLOWED),
    ] {
        let (status, headers, _) = ask(&router, "GET", path, &[("origin", APP)]).await;
        assert_eq!((status, origins(&headers)), (error, vec![APP]));
    }
    assert_eq!(runs.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn a_foreign_origin_is_refused_before_the_handler_and_named() {
    let (router, runs) = service(listed());
    let (status, headers, body) = ask(&router, "POST", "/calls", &[("origin", EVIL)]).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert_eq!(body, format!("origin {EVIL} is not allowed"));
    assert_eq!(headers["content-type"], "text/plain; charset=utf-8");
    assert_eq!(headers["vary"], "Origin");
    assert!(origins(&headers).is_empty());
    assert_eq!(runs.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn preflights_are_answered_and_a_plain_options_reaches_the_handler() {
    let (router, runs) = service(listed());
    let preflight = [
        ("origin", APP),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "content-type"),
    ];
    let (status, headers, body) = ask(&router, "OPTIONS", "/calls", &preflight).await;
    assert_eq!((status, body.as_str()), (StatusCode::NO_CONTENT, ""));
    assert_eq!(origins(&headers), [APP]);
    assert_eq!(headers["access-control-allow-methods"], "GET, HEAD, POST");
    assert_eq!(headers["access-control-allow-headers"], "Content-Type");
    assert_eq!(runs.load(Ordering::Relaxed), 0);

    for fields in [&[][..], &preflight[..1]] {
        let (status, _, body) = ask(&router, "OPTIONS", "/calls", fields).await;
        assert_eq!(
            (status, body.as_str()),
            (StatusCode::OK, "from the handler")
        );
    }
    assert_eq!(runs.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn the_own_origin_passes_by_host_by_target_and_by_configuration() {
    let own = [("origin", "https://gw.example"), ("host", "gw.example")];
    let (by_host, _) = service(layer(Policy::own_origin()));
    assert_eq!(ask(&by_host, "POST", "/calls", &own).await.0, 201);
    // HTTP/2 has no `Host`; the target says it.
    let target = "https://gw.example/calls";
    assert_eq!(ask(&by_host, "POST", target, &own[..1]).await.0, 201);
    let twice = [own[0], own[1], ("host", "gw.example")];
    assert_eq!(ask(&by_host, "POST", "/calls", &twice).await.0, 403);
    let insecure = [("origin", "http://gw.example"), own[1]];
    assert_eq!(ask(&by_host, "POST", "/calls", &insecure).await.0, 403);

    let policy = Policy::own_origin().build().unwrap();
    let origin: Origin = "https://outside.example".parse().unwrap();
    let (configured, _) = service(CorsLayer::of_origins(policy, [origin]));
    let fields = [("origin", "https://outside.example"), ("host", "10.0.0.7")];
    assert_eq!(ask(&configured, "POST", "/calls", &fields).await.0, 201);
    assert_eq!(ask(&configured, "POST", "/calls", &own).await.0, 403);
}

#[tokio::test]
async fn a_public_resource_answers_everybody_alike() {
    let (router, _) = service(layer(Policy::public()));
    for fields in [&[][..], &[("origin", EVIL)], &[("origin", "null")]] {
        let (status, headers, _) = ask(&router, "POST", "/calls", fields).await;
        assert_eq!(
            (status, origins(&headers)),
            (StatusCode::CREATED, vec!["*"])
        );
        assert_eq!(
            headers.get_all("vary").iter().count(),
            1,
            "the handler's own"
        );
    }
}

/// Answers of an application with its own format.
#[derive(Clone)]
struct Json;

impl Respond<Body> for Json {
    fn refused(&self, head: &Parts, refused: &Refused<'_>) -> Response<Body> {
        let body = format!(r#"{{"path":"{}","detail":"{refused}"}}"#, head.uri.path());
        ([(header::CONTENT_TYPE, "application/json")], body).into_response()
    }

    fn preflight(&self, head: &Parts) -> Response<Body> {
        [("accept-post", head.uri.path().to_owned())].into_response()
    }
}

#[tokio::test]
async fn an_application_makes_its_own_answers() {
    let (router, _) = service(listed().respond_with(Json));
    let (status, headers, body) = ask(&router, "POST", "/calls", &[("origin", EVIL)]).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert_eq!(headers["content-type"], "application/json");
    assert!(
        body.starts_with(r#"{"path":"/calls","detail":"origin https://evil"#),
        "{body}"
    );
    let preflight = [("origin", APP), ("access-control-request-method", "POST")];
    let (status, headers, _) = ask(&router, "OPTIONS", "/calls", &preflight).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    assert_eq!(headers["accept-post"], "/calls");
    assert_eq!(origins(&headers), [APP]);
}
