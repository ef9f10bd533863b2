//! The gateway with real programs: Chromium on one side, a phone on the other.
//!
//! Each side has a tone of its own; what a side hears is judged by its strongest frequency.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)] // a test's panic is its verdict

mod support;

use std::time::Duration;

use support::browser::Make::Chromium;
use support::desk::{Desk, PHONE_TONE};
use support::phone::Answer;
use support::sipp::Sipp;
use tokio::time::Instant;

/// What the browser's microphone hears.
const BROWSER_TONE: f64 = support::chromium::TONE;

#[tokio::test]
async fn real_chromium_hears_itself_through_the_echo() {
    let mut desk = Desk::new(Chromium, "").await;
    desk.browser.dial("echo").await;
    desk.browser.state("answered").await;
    desk.page_hears(BROWSER_TONE).await;
    let pair = desk.browser.text("#pair").await;
    assert!(
        pair.contains("127.0.0.1"),
        "the page names the candidate pair: {pair:?}"
    );
    desk.browser.hang_up().await;
    desk.browser.state("ended").await;
    desk.close().await;
}

#[tokio::test]
async fn real_chromium_and_baresip_hear_each_other() {
    let (mut desk, mut phone) = Desk::with_phone(Chromium, Answer::Auto, "").await;
    desk.browser.dial("phone").await;
    phone.event("CALL_ESTABLISHED").await;
    desk.browser.state("answered").await;
    desk.page_hears(PHONE_TONE).await;
    phone.hears(BROWSER_TONE).await;

    phone.process.signal("-STOP").await;
    desk.page_hears_nothing().await;
    phone.process.signal("-CONT").await;
    desk.page_hears(PHONE_TONE).await;

    let start = Instant::now();
    loop {
        let (sent, received) = phone.packets().await;
        if sent >= 50 && received >= 50 {
            break;
        }
        let told = format!("the phone sent {sent} and received {received} packets");
        assert!(start.elapsed() < Duration::from_secs(60), "{told}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    desk.browser.hang_up().await;
    phone.event("CALL_CLOSED").await;
    desk.browser.state("ended").await;
    desk.close().await;
}

#[tokio::test]
async fn real_chromium_and_baresip_speak_every_codec() {
    for codec in ["opus", "PCMA", "PCMU"] {
        let config = format!("codecs = ['{codec}']");
        let (mut desk, mut phone) = Desk::with_phone(Chromium, Answer::Auto, &config).await;
        desk.browser.dial("phone").await;
        desk.browser.state("answered").await;
        let spoken = "return window.crosspoint.lastCall.state.codec";
        assert_eq!(desk.browser.script(spoken).await, codec);
        desk.page_hears(PHONE_TONE).await;
        phone.hears(BROWSER_TONE).await;
        desk.browser.press('5').await;
        phone.hears_key('5').await;
        desk.page_counts(50).await;
        desk.browser.picture("call.png").await;
        desk.browser.hang_up().await;
        phone.event("CALL_CLOSED").await;
        desk.close().await;
    }
}

#[tokio::test]
async fn real_chromium_hears_itself_through_sipp() {
    let phone = Sipp::echo(1).await;
    let mut desk = Desk::with_server(Chromium, phone.sip, "").await;
    desk.browser.dial("service").await;
    desk.browser.state("answered").await;
    desk.page_hears(BROWSER_TONE).await;
    desk.browser.hang_up().await;
    desk.browser.state("ended").await;
    phone.finish().await;
    desk.close().await;
}

/// As DTLS client the browser sends a hello for DTLS 1.3 with a post-quantum key share, in two
/// datagrams.
#[tokio::test]
async fn real_chromium_opens_the_dtls_handshake() {
    let config = "dtls-role = 'server'";
    let mut desk = Desk::new(Chromium, config).await;
    desk.browser.dial("echo").await;
    desk.browser.state("answered").await;
    desk.page_hears(BROWSER_TONE).await;
    let answer = "return window.crosspoint.lastCall.connection.remoteDescription.sdp";
    let answer = desk.browser.script(answer).await;
    assert!(
        answer.as_str().unwrap().contains("a=setup:passive"),
        "{answer}"
    );
    desk.browser.hang_up().await;
    desk.browser.state("ended").await;
    desk.close().await;
}

#[tokio::test]
async fn real_chromium_restarts_ice() {
    let mut desk = Desk::new(Chromium, "").await;
    desk.browser.dial("echo").await;
    desk.browser.state("answered").await;
    for restart in 1..=2 {
        desk.browser.script(RESTART).await;
        // Audio goes over a pair of the new session.
        let new_pair = "return window.restarted === true && window.newPair";
        let found = desk.browser.until(new_pair, Duration::from_secs(20)).await;
        let state = desk.browser.script("return window.restarted").await;
        assert!(found.is_some(), "restart {restart}: {state}");
    }
    desk.page_hears(BROWSER_TONE).await;
    desk.browser.hang_up().await;
    desk.browser.state("ended").await;
    let counted = desk.gateway.process.line_with("media over").await;
    assert!(counted.contains(r#""ice_restarts":2"#), "{counted}");
    desk.close().await;
}

/// Restarts ICE, and looks for the selected pair until it has the new user name fragment.
const RESTART: &str = "
    const call = window.crosspoint.lastCall;
    const ufrag = () => /a=ice-ufrag:(.*)/.exec(call.connection.currentLocalDescription.sdp)[1];
    const old = ufrag();
    window.restarted = window.newPair = false;
    call.restartIce().then(() => (window.restarted = ufrag() !== old), (e) => (window.restarted = `${e}`));
    const look = async () => {
        const report = await call.connection.getStats();
        const transport = [...report.values()].find((s) => s.type === 'transport');
        const pair = report.get(transport.selectedCandidatePairId);
        const used = report.get(pair?.localCandidateId)?.usernameFragment;
        window.newPair = used !== old && used === ufrag();
        if (!window.newPair) setTimeout(look, 100);
    };
    look();";

#[tokio::test]
async fn real_phone_hangs_up() {
    let (desk, mut phone) = Desk::with_phone(Chromium, Answer::Auto, "").await;
    desk.browser.dial("phone").await;
    desk.browser.state("answered").await;
    phone.command("hangup", "").await;
    desk.browser.state("ended").await;
    let reason = desk.browser.text("#reason").await;
    assert!(reason.contains("hung up"), "{reason}");
    desk.close().await;
}

#[tokio::test]
async fn real_phone_is_busy() {
    let (desk, mut phone) = Desk::with_phone(Chromium, Answer::Manual, "").await;
    desk.browser.dial("phone").await;
    phone.event("CALL_INCOMING").await;
    desk.browser.state("ringing").await;
    phone.command("hangup", "").await;
    desk.browser.state("failed").await;
    let reason = desk.browser.text("#reason").await;
    assert!(
        reason.contains("busy") || reason.contains("declined"),
        "{reason}"
    );
    desk.close().await;
}

#[tokio::test]
async fn real_page_leaves_a_failed_call_behind() {
    let desk = Desk::new(Chromium, "").await;
    // It fails at once, while the browser's candidates are on their way.
    desk.browser.dial("busy").await;
    desk.browser.state("failed").await;
    assert_ne!(desk.browser.text("#reason").await, "");
    let refused = desk.browser.script(REFUSED_REQUESTS).await;
    assert_eq!(refused, serde_json::json!([]), "the console shows these");
    desk.browser.script(TYPE_ANOTHER_NAME).await;
    desk.browser.state("idle").await;
    assert_eq!(desk.browser.text("#reason").await, "");
    desk.close().await;
}

/// What the page was refused, as the console tells it.
const REFUSED_REQUESTS: &str = "
    return performance.getEntriesByType('resource')
        .filter((entry) => entry.responseStatus >= 400)
        .map((entry) => `${entry.responseStatus} ${entry.name}`)";

const TYPE_ANOTHER_NAME: &str = "
    const to = document.querySelector('#to');
    to.value = 'echo';
    to.dispatchEvent(new Event('input', { bubbles: true }));";

#[tokio::test]
async fn real_browser_gives_up_while_the_phone_rings() {
    let (desk, mut phone) = Desk::with_phone(Chromium, Answer::Manual, "").await;
    desk.browser.dial("phone").await;
    phone.event("CALL_INCOMING").await;
    desk.browser.state("ringing").await;
    desk.browser.hang_up().await;
    phone.event("CALL_CLOSED").await;
    desk.browser.state("ended").await;
    desk.close().await;
}

#[tokio::test]
async fn real_phone_never_answers() {
    let config = "ring-timeout = 2";
    let (desk, mut phone) = Desk::with_phone(Chromium, Answer::Manual, config).await;
    desk.browser.dial("phone").await;
    phone.event("CALL_INCOMING").await;
    desk.browser.state("failed").await;
    phone.event("CALL_CLOSED").await;
    let reason = desk.browser.text("#reason").await;
    assert!(reason.contains("did not answer"), "{reason}");
    desk.close().await;
}

/// Consent to send expires 30 s after the browser's last answer (RFC 7675 §5.1).
#[tokio::test]
async fn real_browser_vanishes() {
    let (mut desk, mut phone) = Desk::with_phone(Chromium, Answer::Auto, "").await;
    desk.browser.dial("phone").await;
    desk.browser.state("answered").await;
    desk.page_hears(PHONE_TONE).await;
    phone.hears(BROWSER_TONE).await;
    let Desk { gateway, browser } = desk;
    browser.crash().await;
    let start = Instant::now();
    phone.event("CALL_CLOSED").await;
    let elapsed = start.elapsed();
    println!("the phone was hung up {elapsed:.1?} after the browser was killed");
    assert!(elapsed < Duration::from_secs(35), "{elapsed:?}");
    gateway.close().await;
}

#[tokio::test]
async fn real_phone_vanishes() {
    let config = "media-timeout = 2";
    let (mut desk, phone) = Desk::with_phone(Chromium, Answer::Auto, config).await;
    desk.browser.dial("phone").await;
    desk.browser.state("answered").await;
    desk.page_hears(PHONE_TONE).await;
    phone.process.kill().await;
    desk.browser.state("ended").await;
    let reason = desk.browser.text("#reason").await;
    assert!(reason.contains("no media"), "{reason}");
    desk.close().await;
}

#[tokio::test]
async fn real_garbage_on_the_media_port_leaves_the_call_unharmed() {
    let (mut desk, mut phone) = Desk::with_phone(Chromium, Answer::Auto, "").await;
    desk.browser.dial("phone").await;
    desk.browser.state("answered").await;
    desk.page_hears(PHONE_TONE).await;
    let browser_port = desk.browser.script(GATEWAY_CANDIDATE).await;
    send_garbage(browser_port.as_str().unwrap().parse().unwrap());
    send_garbage(phone.remote().await);
    assert_eq!(
        desk.browser
            .script("return document.body.dataset.state")
            .await,
        "answered"
    );
    desk.page_hears(PHONE_TONE).await;
    desk.browser.hang_up().await;
    desk.browser.state("ended").await;
    let counted = desk.gateway.process.line_with("media over").await;
    assert!(counted.contains(r#""wrong_source":1000"#), "{counted}");
    desk.browser.close().await;
    desk.gateway.process.signal("-INT").await;
    let counted = desk.gateway.process.line_with("media worker stopped").await;
    let unroutable = counted.split_once("unroutable: ").unwrap().1;
    let unroutable = unroutable.split(',').next().unwrap().parse().unwrap();
    // And what the browser sent before it knew that the call was over.
    assert!((1000..1100).contains(&unroutable), "{counted}");
}

#[tokio::test]
async fn real_interrupt_ends_the_call_on_both_sides() {
    let (desk, mut phone) = Desk::with_phone(Chromium, Answer::Auto, "").await;
    let Desk { gateway, browser } = desk;
    browser.dial("phone").await;
    browser.state("answered").await;
    gateway.close().await;
    phone.event("CALL_CLOSED").await;
    browser.state("ended").await;
    browser.close().await;
}

/// The address of the gateway's media, as the browser knows it from the answer.
const GATEWAY_CANDIDATE: &str = "
    const sdp = window.crosspoint.lastCall.connection.remoteDescription.sdp;
    const [, address, port] = sdp.match(/a=candidate:\\S+ 1 udp \\d+ (\\S+) (\\d+)/i);
    return `${address}:${port}`;";

/// A thousand datagrams of every first octet and many lengths.
fn send_garbage(to: std::net::SocketAddr) {
    let socket = std::net::UdpSocket::bind(("127.0.0.1", 0)).unwrap();
    for n in 0..1000u32 {
        let mut datagram = vec![0; (n as usize * 7) % 1500];
        getrandom::fill(&mut datagram).unwrap();
        if let Some(first) = datagram.first_mut() {
            *first = n as u8;
        }
        socket.send_to(&datagram, to).unwrap();
    }
}
