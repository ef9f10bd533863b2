//! The page over real HTTPS.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests fail like tests

mod http_support;

use http_support::Gateway;

#[tokio::test]
async fn the_page_and_its_library_are_served_with_their_types() {
    let gateway = Gateway::start().await;
    let client = gateway.client();
    for (path, media_type) in [
        ("/", "text/html; charset=utf-8"),
        ("/index.html", "text/html; charset=utf-8"),
        ("/crosspoint.js", "text/javascript; charset=utf-8"),
        ("/crosspoint.d.ts", "text/plain; charset=utf-8"),
    ] {
        let response = client.get(gateway.url(path)).send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        assert_eq!(response.headers()["content-type"], media_type, "{path}");
        assert_eq!(response.headers()["cache-control"], "no-cache", "{path}");
        assert!(!response.bytes().await.unwrap().is_empty(), "{path}");
    }
}

#[tokio::test]
async fn the_page_keeps_foreign_code_and_frames_out() {
    let gateway = Gateway::start().await;
    let response = gateway.client().get(gateway.url("/")).send().await.unwrap();
    let header = |name| response.headers()[name].to_str().unwrap();
    let policy = header("content-security-policy");
    for directive in [
        "default-src 'self'",
        "frame-ancestors 'none'",
        "object-src 'none'",
    ] {
        assert!(policy.contains(directive), "{policy}");
    }
    assert!(!policy.contains("unsafe"));
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert!(header("permissions-policy").contains("microphone=(self)"));
}

#[tokio::test]
async fn what_a_browser_has_is_not_sent_again() {
    let gateway = Gateway::start().await;
    let client = gateway.client();
    let first = client
        .get(gateway.url("/crosspoint.js"))
        .send()
        .await
        .unwrap();
    let tag = first.headers()["etag"].clone();
    let again = || client.get(gateway.url("/crosspoint.js"));
    let same = again().header("if-none-match", &tag).send().await.unwrap();
    assert_eq!(same.status(), 304);
    assert_eq!(same.headers()["etag"], tag);
    assert!(same.bytes().await.unwrap().is_empty());
    let other = again()
        .header("if-none-match", "\"other\"")
        .send()
        .await
        .unwrap();
    assert_eq!(other.status(), 200);
}

#[tokio::test]
async fn the_page_can_only_be_read() {
    let gateway = Gateway::start().await;
    let client = gateway.client();
    let head = client.head(gateway.url("/")).send().await.unwrap();
    assert_eq!(head.status(), 200);
    assert!(head.bytes().await.unwrap().is_empty());
    let post = client.post(gateway.url("/")).send().await.unwrap();
    assert_eq!(post.status(), 405);
    assert_eq!(post.headers()["allow"], "GET, HEAD");
    assert_eq!(post.headers()["content-type"], "application/problem+json");
}
