//! Browsers that never come, or vanish. Only time tells: these two take 20 s and 30 s.
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
use client::phone::Phone;
use client::rtp::{packet, sound};
use examples::config::Settings;
use serde_json::json;
use tokio::time::Instant;

#[tokio::test]
async fn a_browser_that_never_comes() {
    let server = Server::start().await;
    let start = Instant::now();
    let call = server.call("ring", Caller::new().await.offer()).await;
    let last = server.follow(&call).await.last().await;
    assert!(
        start.elapsed() < Duration::from_secs(25),
        "{:?}",
        start.elapsed()
    );
    assert_eq!(last["state"], "failed");
    let reason = last["reason"].as_str().unwrap();
    assert!(
        reason.starts_with("no connection to the browser: ICE: "),
        "{reason}"
    );
}

/// Consent expires 30 s after the last answer (RFC 7675 §5.1). Meanwhile the phone talks.
#[tokio::test]
async fn a_browser_that_vanishes() {
    let phone = Phone::new().await;
    let server = Server::with(Settings {
        sip_server: Some(phone.server()),
        ..Settings::default()
    })
    .await;
    let sdp = phone.sdp(96);
    let ((_call, mut events, mut browser), invite) =
        tokio::join!(server.dial("alice"), phone.pick_up(&sdp));
    events.until("answered").await;
    let media = client::phone::media_of(&invite);
    phone
        .rtp
        .send_to(&packet(0, 1, &sound(1, 1)), media)
        .await
        .unwrap();
    browser.hear().await;
    drop(browser);
    let mut tick = tokio::time::interval(Duration::from_millis(20));
    let start = Instant::now();
    let (last, bye) = tokio::join!(events.last(), async {
        tokio::select! {
            bye = phone.request("BYE") => bye,
            () = async {
                for sequence in 2.. {
                    tick.tick().await;
                    let sound = packet(0, sequence, &sound(1, sequence.into()));
                    phone.rtp.send_to(&sound, media).await.unwrap();
                }
            } => unreachable!("a phone has breath for 21 minutes"),
        }
    });
    phone.answer(&bye, "200 OK", "").await;
    assert_eq!(
        (&last["state"], &last["by"]),
        (&json!("ended"), &json!("browser"))
    );
    assert!(
        last["reason"]
            .as_str()
            .unwrap()
            .starts_with("the browser is gone"),
        "{last}"
    );
    let elapsed = start.elapsed();
    assert!(
        (Duration::from_secs(20)..Duration::from_secs(40)).contains(&elapsed),
        "{elapsed:?}"
    );
}
