//! How calls through a whole gateway end, and that each end is told with its reason.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)] // checks fail loudly

mod client;

use std::time::Duration;

use client::Server;
use client::browser::Caller;
use client::rtp::sound;
use examples::config::Settings;
use serde_json::{Value, json};
use tokio::time::Instant;

/// Begins a call whose browser never connects, and answers its last event.
async fn end_of(server: &Server, to: &str) -> Value {
    let call = server.call(to, Caller::new().await.offer()).await;
    server.follow(&call).await.last().await
}

#[tokio::test]
async fn a_phone_that_is_busy() {
    let server = Server::start().await;
    let busy = json!({"state": "failed", "reason": "the phone is busy", "status": 486});
    assert_eq!(end_of(&server, "busy").await, busy);
}

#[tokio::test]
async fn a_phone_that_nobody_picks_up() {
    let server = Server::with(Settings {
        ring_timeout: Some(1),
        ..Settings::default()
    })
    .await;
    let last = end_of(&server, "ring").await;
    assert_eq!(last["state"], "failed");
    assert_eq!(last["reason"], "the phone did not answer within 1 s");
}

#[tokio::test]
async fn a_caller_who_hangs_up_while_it_rings() {
    let server = Server::start().await;
    let (call, mut events, mut browser) = server.dial("ring").await;
    events.until("ringing").await;
    server.hang_up(&call).await;
    let ended = json!({"state": "ended", "by": "browser", "reason": "the browser hung up"});
    assert_eq!(events.last().await, ended);
    browser.failed().await;
}

#[tokio::test]
async fn a_phone_that_hangs_up() {
    let server = Server::start().await;
    let (_call, mut events, mut browser) = server.talk("brief").await;
    browser.say(browser.agreed.codec, &sound(1, 1));
    browser.hear().await;
    let last = events.last().await;
    assert_eq!(
        (&last["state"], &last["by"]),
        (&json!("ended"), &json!("phone")),
        "{last}"
    );
    browser.failed().await;
}

#[tokio::test]
async fn a_browser_with_another_certificate_than_it_announced() {
    let server = Server::start().await;
    for setup in ["actpass", "active"] {
        let mut caller = Caller::new().await;
        let stranger = Caller::new().await;
        caller.fingerprint = stranger.fingerprint.clone();
        caller.setup = setup;
        let call = server.call("ring", caller.offer()).await;
        let mut events = server.follow(&call).await;
        let mut browser = caller.join(&call.answer);
        let last = events.last().await;
        assert_eq!(last["state"], "failed");
        let reason = last["reason"].as_str().unwrap();
        assert!(reason.contains("fingerprint"), "{reason}");
        match setup {
            // In DTLS 1.3 a client is done before the server has judged its certificate.
            "active" => drop(browser.failed().await),
            _ => drop(browser.refused().await),
        }
    }
}

#[tokio::test]
async fn a_gateway_that_shuts_down() {
    let server = Server::start().await;
    let (_talking, talking, mut first) = server.talk("echo").await;
    let (_ringing, mut ringing, mut second) = server.dial("ring").await;
    ringing.until("ringing").await;
    let lonely = server.call("echo", Caller::new().await.offer()).await;
    let lonely = server.follow(&lonely).await;
    let followers = [talking, ringing, lonely]
        .map(|mut events| tokio::spawn(async move { events.last().await }));
    let start = Instant::now();
    server.gateway.shutdown().await;
    assert!(
        start.elapsed() < Duration::from_secs(2),
        "{:?}",
        start.elapsed()
    );
    let mut states = Vec::new();
    for follower in followers {
        let last = follower.await.unwrap();
        assert_eq!(last["reason"], "the gateway is shutting down", "{last}");
        states.push(last["state"].as_str().unwrap().to_owned());
    }
    assert_eq!(states[..2], ["ended", "failed"]);
    first.failed().await;
    second.failed().await;
}
