//! A page of another origin, in real browsers: what each policy lets it read, and what reaches the
//! server all the same. Server and page differ in their ports alone, which makes them two origins
//! of one site: cookies go along where the page asks for it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)] // a test's panic is its verdict

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::http::{HeaderMap, header};
use axum::response::Html;
use axum::routing::get;
use cors_policy::tower::{CorsLayer, Scheme};
use cors_policy::{Policy, PolicyBuilder};
use serde_json::{Value, json};
use support::browser::{Browser, Make};
use support::gateway::Gateway;
use tokio::net::TcpListener;

/// What a page can do with the resource at `server`: each way to ask, and what it reads.
const ASK: &str = r#"
    const ask = async (init) => {
        try {
            const response = await fetch(server + "resource", init);
            return `${await response.text()} ${response.headers.get("x-tag")}`;
        } catch (error) {
            return error.name;
        }
    };
    return (async () => ({
        simple: await ask({}),
        post: await ask({ method: "POST", body: "text" }),
        preflighted: await ask({ method: "PUT", headers: { "X-Call": "1" } }),
        unlisted: await ask({ headers: { "X-Other": "1" } }),
        credentials: await ask({ credentials: "include" }),
    }))();"#;

/// Serves a router on a free loopback port, for as long as the test lives.
async fn serve(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

/// A resource behind a policy: it answers with the cookie it was sent.
struct Resource {
    url: String,
    runs: Arc<AtomicUsize>,
}

impl Resource {
    async fn start(builder: PolicyBuilder) -> Self {
        let policy = builder.expose(["X-Tag"]).build().unwrap();
        let runs = Arc::new(AtomicUsize::new(0));
        let counter = runs.clone();
        let answer = move |headers: HeaderMap| async move {
            counter.fetch_add(1, Ordering::Relaxed);
            let cookie = headers.get(header::COOKIE);
            let cookie = cookie.map_or("none", |cookie| cookie.to_str().unwrap());
            ([("x-tag", "tag")], cookie.to_owned())
        };
        let resource = get(answer.clone()).post(answer.clone()).put(answer);
        let router = Router::new()
            .route("/resource", resource)
            .layer(CorsLayer::of_host(policy, Scheme::Http));
        let url = serve(router).await;
        Self { url, runs }
    }

    /// What the page gets, and how often the handler ran meanwhile.
    async fn seen_by(&self, browser: &Browser) -> (Value, usize) {
        let script = format!("const server = {:?}; {ASK}", self.url);
        let seen = browser.script(&script).await;
        (seen, self.runs.load(Ordering::Relaxed))
    }
}

async fn policies_hold_in(make: Make) {
    let page = Router::new().route("/", get(async || Html("<title>B</title><body>B")));
    let page = serve(page).await;
    let browser = Browser::open(make, &page).await;
    browser
        .script("document.cookie = 'who=alice'; return 1")
        .await;
    let origin = page.trim_end_matches('/').to_owned();
    let open = |builder: PolicyBuilder| builder.methods(["PUT"]).headers(["X-Call"]);

    let listed = open(Policy::allow([origin])).credentials();
    let listed = Resource::start(listed).await;
    let all = json!({
        "simple": "none tag", "post": "none tag", "preflighted": "none tag",
        "unlisted": "TypeError", "credentials": "who=alice tag",
    });
    assert_eq!(listed.seen_by(&browser).await, (all.clone(), 4), "listed");

    let other = open(Policy::allow(["https://other.example"])).credentials();
    let other = Resource::start(other).await;
    let none = json!({
        "simple": "TypeError", "post": "TypeError", "preflighted": "TypeError",
        "unlisted": "TypeError", "credentials": "TypeError",
    });
    // Nothing runs for a page that may not read what comes of it.
    assert_eq!(other.seen_by(&browser).await, (none, 0), "not listed");

    let every = Resource::start(open(Policy::every_origin())).await;
    let mut without = all.clone();
    without["credentials"] = json!("TypeError");
    // With credentials asked for, the handler runs and the browser hides its answer.
    assert_eq!(every.seen_by(&browser).await, (without, 4), "empty list");

    let insisted = open(Policy::every_origin()).credentials_even_for_every_origin();
    let insisted = Resource::start(insisted).await;
    assert_eq!(insisted.seen_by(&browser).await, (all, 4), "insisted");

    let public = Resource::start(Policy::public().any_method().any_header()).await;
    let anything = json!({
        "simple": "none tag", "post": "none tag", "preflighted": "none tag",
        "unlisted": "none tag", "credentials": "TypeError",
    });
    assert_eq!(public.seen_by(&browser).await, (anything, 5), "public");

    for (config, readable) in [
        (String::new(), false),
        (
            format!("domain-whitelist = ['{}']", page.trim_end_matches('/')),
            true,
        ),
        (
            "domain-whitelist = ['https://other.example']".to_owned(),
            false,
        ),
        (
            "domain-whitelist = []\n[[tokens]]\nname = 'alice'\ntoken = 'a-token-of-the-test'"
                .to_owned(),
            true,
        ),
    ] {
        gateway_is_read(&browser, &config, readable).await;
    }
    browser.close().await;
}

/// Whether the page reads why the gateway refuses an offer, after a preflight.
async fn gateway_is_read(browser: &Browser, config: &str, readable: bool) {
    let gateway = Gateway::start(config, &[]).await;
    let script = format!(
        r#"const headers = {{ "Content-Type": "application/sdp", Authorization: "Bearer a-token-of-the-test" }};
        return fetch("{}v1/calls?to=echo", {{ method: "POST", headers, body: "no offer" }})
            .then((response) => response.status, (error) => error.name);"#,
        gateway.page
    );
    let seen = browser.script(&script).await;
    let read = seen
        .as_u64()
        .is_some_and(|status| (400..500).contains(&status));
    assert_eq!(read, readable, "{config}: {seen}");
    assert!(readable || seen == "TypeError", "{config}: {seen}");
    gateway.close().await;
}

#[tokio::test]
async fn real_chromium_reads_what_policies_allow() {
    policies_hold_in(Make::Chromium).await;
}

#[tokio::test]
async fn real_firefox_reads_what_policies_allow() {
    policies_hold_in(Make::Firefox).await;
}

/// The page tells what to do about a browser that asks, or was told to keep pages out.
#[tokio::test]
async fn real_page_explains_the_local_network() {
    let gateway = Gateway::start("", &[]).await;
    let browser = Browser::open(Make::Chromium, &gateway.page).await;
    browser
        .script(
            "const query = navigator.permissions.query.bind(navigator.permissions);
             navigator.permissions.query = (what) =>
                 what.name.includes('network') ? Promise.resolve({ state: window.access }) : query(what);
             window.access = 'prompt';
             window.fetch = () => new Promise((_, reject) => (window.refuse = reject)); return 1",
        )
        .await;
    browser.dial("echo").await;
    let asked = "return !document.querySelector('#help').hidden && document.querySelector('#help').innerText";
    let text = browser.until(asked, support::process::PATIENCE).await;
    assert!(text.unwrap().to_string().contains("local network"));
    browser.picture("local-network.png").await;
    browser
        .script("window.access = 'denied'; window.refuse(new TypeError('refused')); return 1")
        .await;
    browser.state("failed").await;
    let reason = browser.text("#reason").await;
    assert!(reason.contains("keeps this page away"), "{reason}");
    assert!(
        browser
            .text("#help")
            .await
            .contains("allow the local network")
    );
    browser.close().await;
    gateway.close().await;
}
