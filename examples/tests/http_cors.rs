//! Pages of other origins, over real HTTPS.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests fail like tests

mod http_support;

use examples::config::Settings;
use examples::http::Limits;
use http_support::{ALICE, Gateway, OFFER, with_tokens};
use reqwest::header::HeaderMap;
use reqwest::{Client, Method, RequestBuilder};

const FRIEND: &str = "https://friend.example";

fn create(gateway: &Gateway, client: &Client, origin: &str) -> RequestBuilder {
    client
        .post(gateway.url("/v1/calls?to=echo"))
        .header("content-type", "application/sdp")
        .header("origin", origin)
        .body(OFFER)
}

fn preflight(gateway: &Gateway, client: &Client, origin: &str) -> RequestBuilder {
    client
        .request(Method::OPTIONS, gateway.url("/v1/calls?to=echo"))
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header(
            "access-control-request-headers",
            "authorization,content-type",
        )
}

fn list(headers: &HeaderMap, name: &str) -> Vec<String> {
    let values = headers
        .get_all(name)
        .iter()
        .map(|value| value.to_str().unwrap());
    values
        .flat_map(|value| value.split(','))
        .map(|item| item.trim().to_lowercase())
        .collect()
}

async fn with_whitelist(entries: &[&str]) -> Gateway {
    let entries = entries.iter().map(|&entry| entry.to_owned()).collect();
    let settings = Settings {
        domain_whitelist: Some(entries),
        ..with_tokens()
    };
    Gateway::start_with(settings, Limits::default()).await
}

#[tokio::test]
async fn the_own_page_is_never_refused_and_others_are_without_a_whitelist() {
    let gateway = Gateway::start().await;
    let port = gateway.server.local_addr().port();
    for client in [gateway.client(), gateway.client_of_http2()] {
        let own = create(&gateway, &client, &gateway.url(""))
            .send()
            .await
            .unwrap();
        assert_eq!(own.status(), 201);
        assert!(list(own.headers(), "vary").contains(&"origin".to_owned()));
        for foreign in [
            FRIEND,
            "null",
            "https://127.0.0.1",
            &format!("http://127.0.0.1:{port}"),
            &format!("https://localhost:{port}"),
            "not an origin",
        ] {
            let refused = create(&gateway, &client, foreign).send().await.unwrap();
            assert_eq!(refused.status(), 403, "{foreign}");
            assert_eq!(
                refused.headers()["content-type"],
                "application/problem+json"
            );
            assert!(
                !refused
                    .headers()
                    .contains_key("access-control-allow-origin")
            );
        }
        assert_eq!(
            preflight(&gateway, &client, FRIEND)
                .send()
                .await
                .unwrap()
                .status(),
            403
        );
    }
}

#[tokio::test]
async fn the_own_origin_follows_the_host() {
    let gateway = Gateway::start().await;
    let port = gateway.server.local_addr().port();
    let host = format!("localhost:{port}");
    let own = create(&gateway, &gateway.client(), &format!("https://{host}")).header("host", host);
    assert_eq!(own.send().await.unwrap().status(), 201);
}

#[tokio::test]
async fn a_listed_page_calls_after_a_preflight_without_a_token() {
    let gateway = with_whitelist(&[FRIEND]).await;
    let client = gateway.client();
    let answer = preflight(&gateway, &client, FRIEND).send().await.unwrap();
    assert_eq!(answer.status(), 204);
    assert_eq!(answer.headers()["access-control-allow-origin"], FRIEND);
    let methods = list(answer.headers(), "access-control-allow-methods");
    assert!(
        ["post", "patch", "delete", "options"]
            .iter()
            .all(|m| methods.contains(&(*m).to_owned()))
    );
    let headers = list(answer.headers(), "access-control-allow-headers");
    assert!(
        ["authorization", "content-type"]
            .iter()
            .all(|h| headers.contains(&(*h).to_owned()))
    );
    assert_eq!(answer.headers()["access-control-max-age"], "600");
    assert_eq!(answer.headers()["accept-post"], "application/sdp");

    let created = create(&gateway, &client, FRIEND)
        .bearer_auth(ALICE)
        .send()
        .await
        .unwrap();
    assert_eq!(created.status(), 201);
    assert_eq!(created.headers()["access-control-allow-origin"], FRIEND);
    assert_eq!(
        list(created.headers(), "access-control-expose-headers"),
        ["location", "link", "etag"]
    );
    // A page must be able to read why it failed.
    let unauthorized = create(&gateway, &client, FRIEND).send().await.unwrap();
    assert_eq!(unauthorized.status(), 401);
    assert_eq!(
        unauthorized.headers()["access-control-allow-origin"],
        FRIEND
    );

    let other = create(&gateway, &client, "https://friend.example.evil").bearer_auth(ALICE);
    assert_eq!(other.send().await.unwrap().status(), 403);
    let put = preflight(&gateway, &client, FRIEND).headers(HeaderMap::from_iter([(
        "access-control-request-method".parse().unwrap(),
        "PUT".parse().unwrap(),
    )]));
    assert_eq!(put.send().await.unwrap().status(), 403);
}

#[tokio::test]
async fn an_empty_whitelist_echoes_any_origin() {
    let gateway = with_whitelist(&[]).await;
    let created = create(&gateway, &gateway.client(), FRIEND).bearer_auth(ALICE);
    let created = created.send().await.unwrap();
    assert_eq!(created.status(), 201);
    assert_eq!(created.headers()["access-control-allow-origin"], FRIEND);
}
