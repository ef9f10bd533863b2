//! The API over real HTTPS, with played calls: what each request is answered.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // helpers of tests fail like tests

mod http_support;

use examples::config::Settings;
use examples::http::Limits;
use http_support::{ALICE, BOB, Gateway, OFFER, answer, with_tokens};
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::Value;

const SDP: &str = "application/sdp";
const FRAGMENT: &str = "application/trickle-ice-sdpfrag";

fn post(gateway: &Gateway, client: &Client, query: &str, offer: &'static str) -> RequestBuilder {
    client
        .post(gateway.url(&format!("/v1/calls{query}")))
        .header("content-type", SDP)
        .body(offer)
}

/// Checks that the answer is a whole problem of this status, and returns it.
async fn problem(request: RequestBuilder, status: u16) -> Value {
    problem_of(request.send().await.unwrap(), status).await
}

async fn problem_of(response: Response, status: u16) -> Value {
    assert_eq!(response.status(), status, "{response:?}");
    assert_eq!(
        response.headers()["content-type"],
        "application/problem+json"
    );
    assert_eq!(response.headers()["x-content-type-options"], "nosniff");
    let json: Value = response.json().await.unwrap();
    assert_eq!(json["type"], "about:blank");
    assert_eq!(json["status"], status);
    assert!(!json["title"].as_str().unwrap().is_empty());
    assert!(!json["detail"].as_str().unwrap().is_empty());
    json
}

#[tokio::test]
async fn a_call_from_offer_to_hang_up() {
    let gateway = Gateway::start().await;
    for client in [gateway.client(), gateway.client_of_http2()] {
        let response = post(&gateway, &client, "?to=echo", OFFER)
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), 201);
        assert_eq!(response.headers()["content-type"], SDP);
        assert_eq!(response.headers()["cache-control"], "no-store");
        let location = response.headers()["location"].to_str().unwrap().to_owned();
        let etag = response.headers()["etag"].to_str().unwrap().to_owned();
        assert_eq!(location.len(), "/v1/calls/".len() + 32);
        assert!(etag.starts_with('"') && etag.ends_with('"'));
        assert_eq!(response.text().await.unwrap(), answer(OFFER.len()));

        let patch = client
            .patch(gateway.url(&location))
            .header("content-type", FRAGMENT)
            .header("if-match", &etag)
            .body("a=candidate:1 1 UDP 1 192.0.2.1 1 typ host\r\n");
        assert_eq!(patch.send().await.unwrap().status(), 204);
        for _ in 0..2 {
            let delete = client.delete(gateway.url(&location));
            assert_eq!(delete.send().await.unwrap().status(), 200);
        }
    }
    gateway.server.shutdown().await;
}

#[tokio::test]
async fn a_refused_offer_says_why() {
    let gateway = Gateway::start().await;
    let client = gateway.client();
    for (query, status) in [
        ("?to=", 400),
        ("", 400),
        ("?to=a&to=b", 400),
        ("?to=%ff%", 400),
        ("?to=nobody", 404),
        ("?to=full", 503),
        ("?to=exhausted", 503),
        ("?to=late", 503),
    ] {
        problem(post(&gateway, &client, query, OFFER), status).await;
    }
    let full = post(&gateway, &client, "?to=full", OFFER)
        .send()
        .await
        .unwrap();
    assert_eq!(full.headers()["retry-after"], "5");
    let greedy = post(&gateway, &client, "?to=greedy", OFFER).send().await;
    let greedy = greedy.unwrap();
    assert_eq!(greedy.headers()["retry-after"], "5");
    let greedy = problem_of(greedy, 429).await;
    assert_eq!(greedy["detail"], "the token has as many calls as it may: 3");

    let malformed = problem(post(&gateway, &client, "?to=echo", "v=1\r\n"), 400).await;
    assert_eq!(
        (&malformed["line"], &malformed["column"]),
        (&1.into(), &3.into())
    );
    let silent = problem(post(&gateway, &client, "?to=echo", "v=0\r\n"), 422).await;
    assert_eq!(silent["detail"], "the offer has no audio");
    assert_eq!(silent["line"], Value::Null);
}

#[tokio::test]
async fn a_fragment_needs_the_right_entity_tag() {
    let gateway = Gateway::start().await;
    let client = gateway.client();
    let (call, etag) = gateway.call(&client, None).await;
    let patch = || client.patch(gateway.url(&call)).body("a=x\r\n");
    problem(patch().header("content-type", FRAGMENT), 428).await;
    problem(
        patch()
            .header("content-type", FRAGMENT)
            .header("if-match", "\"other\""),
        412,
    )
    .await;
    problem(
        patch().header("content-type", SDP).header("if-match", etag),
        415,
    )
    .await;
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let gateway = Gateway::start().await;
    let client = gateway.client();
    let strange = "/v1/calls/00000000000000000000000000000000";
    let events = format!("{strange}/events");
    for (method, path) in [
        (Method::DELETE, strange),
        (Method::DELETE, "/v1/calls/1"),
        (Method::DELETE, "/v1/calls/%ff"),
        (Method::GET, events.as_str()),
        (Method::GET, "/v1/"),
        (Method::GET, "/v1/nothing"),
        (Method::POST, "/v2/calls"),
        (Method::GET, "/../Cargo.toml"),
        (Method::GET, "/%2e%2e/Cargo.toml"),
        (Method::GET, "/.gitkeep"),
    ] {
        problem(client.request(method, gateway.url(path)), 404).await;
    }
}

#[tokio::test]
async fn other_methods_are_named() {
    let gateway = Gateway::start().await;
    let client = gateway.client();
    let call = "/v1/calls/00000000000000000000000000000000";
    for (method, path, allowed) in [
        (Method::GET, "/v1/calls", "POST,OPTIONS"),
        (Method::PUT, call, "PATCH,DELETE"),
        (Method::POST, "/v1/ice-servers", "GET,HEAD"),
    ] {
        let response = client
            .request(method, gateway.url(path))
            .send()
            .await
            .unwrap();
        assert_eq!(response.headers()["allow"], allowed, "{path}");
        problem_of(response, 405).await;
    }
    let head = client
        .head(gateway.url("/v1/ice-servers"))
        .send()
        .await
        .unwrap();
    assert_eq!(head.status(), 200);
    assert_eq!(head.bytes().await.unwrap().len(), 0);
}

#[tokio::test]
async fn bodies_have_a_type_and_a_size() {
    let gateway = Gateway::start().await;
    for client in [gateway.client(), gateway.client_of_http2()] {
        let to = |path: &str| client.post(gateway.url(path));
        let other = to("/v1/calls?to=echo")
            .header("content-type", "text/plain")
            .body(OFFER);
        assert!(
            problem(other, 415).await["detail"]
                .as_str()
                .unwrap()
                .contains("text/plain")
        );
        problem(to("/v1/calls?to=echo").body(OFFER), 415).await;
        let binary = to("/v1/calls?to=echo")
            .header("content-type", SDP)
            .body(vec![b'v', 0xff]);
        problem(binary, 400).await;
        let parameter = to("/v1/calls?to=echo").header("content-type", "Application/SDP; a=b");
        assert_eq!(parameter.body(OFFER).send().await.unwrap().status(), 201);

        let just = format!("{OFFER}{}", "a".repeat(64 * 1024 - OFFER.len()));
        let sdp = |body| {
            to("/v1/calls?to=echo")
                .header("content-type", SDP)
                .body(body)
        };
        let whole = sdp(just.clone().into()).send().await.unwrap();
        assert_eq!(whole.text().await.unwrap(), answer(just.len()));
        problem(sdp(format!("{just}a").into()), 413).await;
        // Chunked, without a Content-Length to warn.
        let chunks = (0..20).map(|_| Ok::<_, std::io::Error>(vec![b'a'; 5_000]));
        problem(
            sdp(reqwest::Body::wrap_stream(tokio_stream::iter(chunks))),
            413,
        )
        .await;
    }
}

#[tokio::test]
async fn calls_need_a_token_and_belong_to_it() {
    let gateway = Gateway::start_with(with_tokens(), Limits::default()).await;
    let client = gateway.client();
    let missing = post(&gateway, &client, "?to=echo", OFFER)
        .send()
        .await
        .unwrap();
    assert_eq!(missing.headers()["www-authenticate"], "Bearer");
    problem_of(missing, 401).await;
    let wrong = post(&gateway, &client, "?to=echo", OFFER).bearer_auth("wrong-0123456789");
    let wrong = wrong.send().await.unwrap();
    assert_eq!(
        wrong.headers()["www-authenticate"],
        "Bearer error=\"invalid_token\""
    );
    problem_of(wrong, 401).await;
    problem(client.get(gateway.url("/v1/ice-servers")), 401).await;

    let (call, etag) = gateway.call(&client, Some(ALICE)).await;
    let patch = || {
        let patch = client
            .patch(gateway.url(&call))
            .header("content-type", FRAGMENT);
        patch.header("if-match", &etag).body("a=x\r\n")
    };
    let events = || client.get(gateway.url(&format!("{call}/events")));
    problem(patch(), 401).await;
    problem(events(), 401).await;
    problem(client.delete(gateway.url(&call)), 401).await;
    problem(patch().bearer_auth(BOB), 404).await;
    problem(events().bearer_auth(BOB), 404).await;
    problem(client.delete(gateway.url(&call)).bearer_auth(BOB), 404).await;
    assert_eq!(
        patch().bearer_auth(ALICE).send().await.unwrap().status(),
        204
    );
    let delete = client.delete(gateway.url(&call)).bearer_auth(ALICE);
    assert_eq!(delete.send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn only_our_own_host_is_served() {
    let settings = Settings {
        public_names: Some(vec!["calls.example".to_owned()]),
        ..Settings::default()
    };
    let gateway = Gateway::start_with(settings, Limits::default()).await;
    let client = gateway.client();
    let with = |host: &str| {
        client
            .get(gateway.url("/v1/ice-servers"))
            .header("host", host)
    };
    for ours in [
        "127.0.0.1",
        "127.0.0.1:1",
        "localhost:8443",
        "calls.example",
    ] {
        assert_eq!(with(ours).send().await.unwrap().status(), 200, "{ours}");
    }
    for other in ["evil.example", "127.0.0.1.evil.example", "[::1]"] {
        problem(with(other), 421).await;
    }
    problem(with("a b"), 400).await;
}

#[tokio::test]
async fn statistics_are_the_owners_alone() {
    let gateway = Gateway::start_with(with_tokens(), Limits::default()).await;
    let client = gateway.client();
    let (call, _) = gateway.call(&client, Some(ALICE)).await;
    let stats = || client.get(gateway.url(&format!("{call}/stats")));
    problem(stats(), 401).await;
    problem(stats().bearer_auth(BOB), 404).await;
    let told = stats().bearer_auth(ALICE).send().await.unwrap();
    assert_eq!(told.status(), 200);
    assert_eq!(told.headers()["content-type"], "application/json");
    assert_eq!(told.headers()["cache-control"], "no-store");
}

#[tokio::test]
async fn a_slow_answer_of_the_calls_is_given_up() {
    let limits = Limits {
        answer_time: std::time::Duration::from_millis(200),
        ..Limits::default()
    };
    let gateway = Gateway::start_with(Settings::default(), limits).await;
    problem(post(&gateway, &gateway.client(), "?to=slow", OFFER), 503).await;
}

#[tokio::test]
async fn ice_servers_are_those_of_the_configuration() {
    let gateway = Gateway::start().await;
    let get = gateway.client().get(gateway.url("/v1/ice-servers"));
    let json: Value = get.send().await.unwrap().json().await.unwrap();
    assert_eq!(json, serde_json::json!({ "iceServers": [] }));

    let settings: Settings = toml::from_str(
        "ice-servers = [{urls=['stun:s.example']}, {urls=['turn:t.example'], username='u', credential='c'}]",
    )
    .unwrap();
    let gateway = Gateway::start_with(settings, Limits::default()).await;
    let get = gateway.client().get(gateway.url("/v1/ice-servers"));
    let json: Value = get.send().await.unwrap().json().await.unwrap();
    assert_eq!(
        json,
        serde_json::json!({ "iceServers": [
            { "urls": ["stun:s.example"] },
            { "urls": ["turn:t.example"], "username": "u", "credential": "c" },
        ]})
    );

    // RFC 9725 §4.6: the same as links, before the offer and with the answer.
    let client = gateway.client();
    let options = client.request(Method::OPTIONS, gateway.url("/v1/calls"));
    let options = options.send().await.unwrap();
    assert_eq!(options.status(), 200);
    assert_eq!(options.headers()["accept-post"], SDP);
    assert_eq!(options.headers()["allow"], "OPTIONS, POST");
    let created = post(&gateway, &client, "?to=echo", OFFER).send().await;
    for response in [options, created.unwrap()] {
        let links: Vec<_> = response.headers().get_all("link").iter().collect();
        assert_eq!(
            links,
            [
                "<stun:s.example>; rel=\"ice-server\"",
                "<turn:t.example>; rel=\"ice-server\"; username=\"u\"; credential=\"c\"; \
                 credential-type=\"password\"",
            ]
        );
    }
}

#[tokio::test]
async fn what_servers_there_are_is_told_to_callers_only() {
    let gateway = Gateway::start_with(with_tokens(), Limits::default()).await;
    let client = gateway.client();
    let options = || client.request(Method::OPTIONS, gateway.url("/v1/calls"));
    problem(options(), 401).await;
    problem(options().bearer_auth("wrong-0123456789"), 401).await;
    let options = options().bearer_auth(ALICE).send().await.unwrap();
    assert_eq!(options.status(), 200);
}
