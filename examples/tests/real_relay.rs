//! Calls of real browsers, and of aiortc, through the gateway's own TURN server.
//!
//! Each side has a tone of its own; what a side hears is judged by its strongest frequency.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)] // a test's panic is its verdict

mod support;

use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use support::authority::Authority;
use support::browser::{Browser, Make};
use support::desk::{Desk, PHONE_TONE};
use support::gateway::Gateway;
use support::networks::{GATEWAY, NAME, Networks};
use support::phone::{Answer, Phone};
use support::relayed::Transport;
use tokio::process::Command;

const TLS: &str = "turn-tls-listen = '127.0.0.1:0'\n";

/// A browser and a phone talk through the TURN server, over each transport.
async fn talks_over_each_transport(make: Make) {
    // Firefox asks no server for TLS that has no name.
    let authority = Authority::for_names(&["localhost", "127.0.0.1"]);
    let mut phone = Phone::start(PHONE_TONE, Answer::Auto).await;
    let server = phone.sip.to_string();
    let gateway = Gateway::start(&(authority.settings() + TLS), &["--sip-server", &server]).await;
    let page = gateway.page.replace("127.0.0.1", "localhost");
    let browser = Browser::open_trusting(make, &[], Some(&authority.ca()), &page).await;
    let mut desk = Desk { gateway, browser };
    for transport in Transport::ALL {
        desk.browser.relay_only(Some(transport)).await;
        desk.browser.dial("phone").await;
        desk.browser.state("answered").await;
        let local = desk.browser.relayed_path().await;
        assert_eq!(local["relayProtocol"], transport.name(), "{local}");
        desk.page_hears(PHONE_TONE).await;
        phone.hears(make.tone()).await;
        let shown = desk.browser.text("#pair").await;
        let expected = format!("relayed over\u{a0}{}", transport.name().to_uppercase());
        assert!(shown.contains(&expected), "the page shows {shown:?}");
        desk.browser.hang_up().await;
        phone.event("CALL_CLOSED").await;
        desk.browser.state("ended").await;
    }
    let log = desk.gateway.process.output();
    assert!(log.contains("TURN allocation made"), "{log}");
    desk.close().await;
}

#[tokio::test]
async fn real_chromium_talks_through_the_relay_over_each_transport() {
    talks_over_each_transport(Make::Chromium).await;
}

#[tokio::test]
async fn real_firefox_talks_through_the_relay_over_each_transport() {
    talks_over_each_transport(Make::Firefox).await;
}

/// Where nothing but some TCP gets through, a browser finds its way by itself. `test` is the name of
/// the test that asks, which is run in the browser's network.
async fn calls_through_a_firewall(test: &str, make: Make, left: Transport) {
    let Some(namespace) = Networks::inside() else {
        let blocked: &[&str] = match left {
            Transport::Udp => &[],
            Transport::Tcp => &["meta l4proto udp"],
            Transport::Tls => &["meta l4proto udp", "tcp dport 3478"],
        };
        let networks = Networks::new(blocked);
        let test = test.to_owned();
        let ran = tokio::task::spawn_blocking(move || networks.run(&test));
        return ran.await.unwrap();
    };
    let authority = Authority::for_names(&[NAME]);
    let config = authority.settings() + "allow-anonymous = true\npublic-names = ['gateway.test']\n";
    let gateway = Gateway::start_in(&namespace, GATEWAY, &config).await;
    let page = format!("https://{NAME}:8443/");
    let browser = Browser::open_trusting(make, &[], Some(&authority.ca()), &page).await;
    let mut desk = Desk { gateway, browser };
    desk.browser.dial("echo").await;
    desk.browser.state("answered").await;
    desk.page_hears(make.tone()).await;
    let local = desk.browser.relayed_path().await;
    assert_eq!(local["relayProtocol"], left.name(), "{local}");
    desk.browser
        .picture(&format!("relayed-{}.png", left.name()))
        .await;
    desk.browser.hang_up().await;
    desk.browser.state("ended").await;
    desk.close().await;
}

#[tokio::test]
async fn real_chromium_calls_where_udp_is_blocked() {
    let this = "real_chromium_calls_where_udp_is_blocked";
    calls_through_a_firewall(this, Make::Chromium, Transport::Tcp).await;
}

#[tokio::test]
async fn real_chromium_calls_where_only_tls_is_left() {
    let this = "real_chromium_calls_where_only_tls_is_left";
    calls_through_a_firewall(this, Make::Chromium, Transport::Tls).await;
}

#[tokio::test]
async fn real_firefox_calls_where_udp_is_blocked() {
    let this = "real_firefox_calls_where_udp_is_blocked";
    calls_through_a_firewall(this, Make::Firefox, Transport::Tcp).await;
}

#[tokio::test]
async fn real_firefox_calls_where_only_tls_is_left() {
    let this = "real_firefox_calls_where_only_tls_is_left";
    calls_through_a_firewall(this, Make::Firefox, Transport::Tls).await;
}

/// aiortc, from PyPI, in a folder of the build.
async fn install_aiortc() -> std::path::PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("aiortc-1.16.0");
    if !folder.join("aiortc").exists() {
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "install", "--quiet", "--target"])
            .arg(&folder)
            .arg("aiortc==1.16.0");
        let status = pip.status().await.unwrap();
        assert!(status.success(), "pip installs no aiortc: {status}");
    }
    folder
}

#[tokio::test]
async fn real_aiortc_hears_itself_through_the_relay_over_each_transport() {
    let aiortc = install_aiortc().await;
    let authority = Authority::for_names(&["localhost", "127.0.0.1"]);
    let gateway = Gateway::start(&(authority.settings() + TLS), &[]).await;
    for transport in Transport::ALL {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/aiortc/call.py");
        let mut python = Command::new("python3");
        python
            .arg(script)
            .args([&gateway.page, transport.name()])
            .env("PYTHONPATH", &aiortc)
            .env("SSL_CERT_FILE", authority.ca())
            .kill_on_drop(true);
        let done = tokio::time::timeout(Duration::from_secs(60), python.output());
        let done = done.await.expect("aiortc ends").unwrap();
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{transport:?}: {said}");
        let told: Value = serde_json::from_slice(&done.stdout).unwrap();
        assert_eq!(told["heard"], told["said"], "{told}");
        assert_eq!(told["type"], "relay", "{told}");
    }
    gateway.close().await;
}
