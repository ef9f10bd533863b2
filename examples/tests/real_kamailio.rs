//! A proxy between the gateway and a phone: it asks for a password, and stays in the path.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)] // checks fail loudly
#![allow(clippy::duplicate_mod)] // the client and the real programs each bring their processes

mod client;
mod kamailio;
mod support;

use client::Server;
use client::browser::Caller;
use examples::config::{Secret, Settings};
use kamailio::{Kamailio, PASSWORD};
use serde_json::json;
use support::browser::Make::Chromium;
use support::chromium::TONE;
use support::desk::{Desk, PHONE_TONE};
use support::phone::{Answer, Phone};

async fn server_for(proxy: &Kamailio, password: Option<&str>) -> Server {
    Server::with(Settings {
        sip_server: Some(proxy.sip.to_string()),
        sip_user: password.map(|_| "alice".to_owned()),
        sip_password: password.map(Secret::new),
        ..Settings::default()
    })
    .await
}

#[tokio::test]
async fn real_kamailio_lets_in_who_knows_the_password() {
    for algorithm in ["MD5", "SHA-256"] {
        let mut phone = Phone::start(PHONE_TONE, Answer::Auto).await;
        let proxy = Kamailio::before(phone.sip, algorithm).await;
        let server = server_for(&proxy, Some(PASSWORD)).await;
        let (call, mut events, mut browser) = server.talk("phone").await;
        browser.hear().await;
        server.hang_up(&call).await;
        // The BYE proves the password, too.
        phone.event("CALL_CLOSED").await;
        assert_eq!(events.last().await["by"], "browser");
    }
}

#[tokio::test]
async fn real_kamailio_keeps_out_who_does_not() {
    let phone = Phone::start(PHONE_TONE, Answer::Auto).await;
    let rejected = "the SIP server does not accept the user and password (sip-user, sip-password)";
    let missing =
        "the SIP server asks for a password, and none is configured (sip-user, sip-password)";
    for algorithm in ["MD5", "SHA-256"] {
        let proxy = Kamailio::before(phone.sip, algorithm).await;
        for (password, reason) in [(Some("wrong"), rejected), (None, missing)] {
            let server = server_for(&proxy, password).await;
            let call = server.call("phone", Caller::new().await.offer()).await;
            let last = server.follow(&call).await.last().await;
            let failed = json!({"state": "failed", "reason": reason, "status": 407});
            assert_eq!(last, failed);
        }
    }
}

#[tokio::test]
async fn real_chromium_calls_through_kamailio() {
    let mut phone = Phone::start(PHONE_TONE, Answer::Auto).await;
    let proxy = Kamailio::before(phone.sip, "SHA-256").await;
    let config = format!("sip-user = 'alice'\nsip-password = '{PASSWORD}'");
    let mut desk = Desk::with_server(Chromium, proxy.sip, &config).await;
    desk.browser.dial("phone").await;
    desk.browser.state("answered").await;
    desk.page_hears(PHONE_TONE).await;
    phone.hears(TONE).await;

    phone.command("hold", "").await;
    desk.shows("On hold").await;
    phone.command("resume", "").await;
    desk.shows("In call").await;
    desk.page_hears(PHONE_TONE).await;

    desk.browser.hang_up().await;
    desk.browser.state("ended").await;
    phone.event("CALL_CLOSED").await;
    let log = desk.gateway.process.output();
    assert!(!log.contains(PASSWORD), "{log}");
    desk.close().await;
}
