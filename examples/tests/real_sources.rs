//! Chromium and a phone that does what the test tells it: what a browser makes of a phone whose
//! media changes in the middle of a call.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)] // a test's panic is its verdict
#![allow(clippy::duplicate_mod)] // both folders have the processes

mod client;
mod support;

use std::cell::Cell;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use client::phone::{Phone, media_of};
use examples::bridge::rtp::Header;
use serde_json::Value;
use support::browser::Make::Chromium;
use support::desk::Desk;
use support::process::PATIENCE;
use support::sound::mu_law_tone;
use tokio::net::UdpSocket;
use tokio::time::{MissedTickBehavior, interval};

/// What the phone plays, in hertz.
const TONE: f64 = 440.0;

/// Plays the tone without an end, from a source that the test may change: its numbers and its
/// time begin anew then, as after a transfer behind a phone's server.
async fn play(from: &UdpSocket, to: SocketAddr, ssrc: &Cell<u32>) -> Infallible {
    let mut clock = interval(Duration::from_millis(20));
    clock.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut sequence = 0_u16;
    let mut timestamp = 0_u32;
    let mut playing = ssrc.get();
    for sample in (0..).step_by(160) {
        clock.tick().await;
        if playing != ssrc.get() {
            playing = ssrc.get();
            sequence = sequence.wrapping_add(40_000);
            timestamp = timestamp.wrapping_add(0x9000_0000);
        }
        let header = Header {
            marker: false,
            payload_type: 0,
            sequence,
            timestamp,
            ssrc: playing,
        };
        let packet = [&header.to_bytes(), mu_law_tone(TONE, sample).as_slice()].concat();
        from.send_to(&packet, to).await.unwrap();
        sequence = sequence.wrapping_add(1);
        timestamp = timestamp.wrapping_add(160);
    }
    unreachable!("samples are counted for six days")
}

/// Picks up, plays, and is silent about the rest.
async fn pick_up_and_play(phone: &Phone, from: &UdpSocket, ssrc: &Cell<u32>) -> Infallible {
    let invite = phone.pick_up(&phone.sdp(96)).await;
    play(from, media_of(&invite), ssrc).await
}

/// Starts the count of what the page receives anew, and answers it at any later time.
const INBOUND: &str = "
    const connection = window.crosspoint.lastCall.connection;
    const look = async () => {
      const streams = [...(await connection.getStats()).values()].filter(
        (stats) => stats.type === 'inbound-rtp');
      window.inbound = { streams: streams.length, ...streams[0] };
    };
    setInterval(look, 50);
    return true;";

async fn inbound(desk: &Desk, after: u64) -> Value {
    let enough =
        format!("return window.inbound?.packetsReceived > {after} ? window.inbound : null");
    let inbound = desk.browser.until(&enough, PATIENCE).await;
    inbound.unwrap_or_else(|| panic!("not more than {after} packets reach the page"))
}

#[tokio::test]
async fn real_chromium_hears_on_when_the_phone_is_another_source() {
    let phone = Phone::new().await;
    let server = phone.server().parse().unwrap();
    let ssrc = Cell::new(1);
    let test = async {
        let mut desk = Desk::with_server(Chromium, server, "").await;
        desk.browser.dial("phone").await;
        desk.browser.state("answered").await;
        desk.page_hears(TONE).await;
        desk.browser.script(INBOUND).await;
        let before = inbound(&desk, 50).await;
        let mut received = before["packetsReceived"].as_u64().unwrap();
        for source in 2..=4 {
            ssrc.set(source);
            received += 50;
            inbound(&desk, received).await;
            desk.page_hears(TONE).await;
        }
        let after = inbound(&desk, received).await;
        println!("before {before}\nafter {after}");
        assert_eq!(after["streams"], 1, "{after}");
        assert_eq!(after["ssrc"], before["ssrc"], "one stream of the gateway");
        assert_eq!(after["packetsLost"], 0, "no gap in its numbers");
        desk.browser.hang_up().await;
        desk.browser.state("ended").await;
        desk.close().await;
    };
    tokio::select! {
        never = pick_up_and_play(&phone, &phone.rtp, &ssrc) => match never {},
        () = test => {}
    }
}

/// What the gateway tells of the call, once it has refused a second of the phone's media.
const REFUSED: &str = "
    const stats = `v1/calls/${window.crosspoint.lastCall.id}/stats`;
    fetch(stats).then((answer) => answer.json()).then((told) => (window.told = told));
    return window.told?.to_browser.drops.wrong_source > 50 ? window.told : null;";

/// Until the operator allows to learn it.
#[tokio::test]
async fn real_chromium_does_not_hear_a_phone_that_sends_from_another_port() {
    for allowed in [false, true] {
        let phone = Phone::new().await;
        let server = phone.server().parse().unwrap();
        let elsewhere = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let ssrc = Cell::new(1);
        let test = async {
            let config = format!("learn-phone-address = {allowed}");
            let mut desk = Desk::with_server(Chromium, server, &config).await;
            desk.browser.dial("phone").await;
            desk.browser.state("answered").await;
            if allowed {
                desk.page_hears(TONE).await;
            } else {
                let refused = desk.browser.until(REFUSED, PATIENCE).await;
                let refused = refused.expect("what the phone sends is counted");
                assert_eq!(refused["to_browser"]["sent"]["packets"], 0, "{refused}");
            }
            desk.browser.hang_up().await;
            let counted = desk.gateway.process.line_with("media over").await;
            let all_taken = counted.matches(r#""wrong_source":0"#).count() == 2;
            assert_eq!(all_taken, allowed, "{counted}");
            desk.close().await;
        };
        tokio::select! {
            never = pick_up_and_play(&phone, &elsewhere, &ssrc) => match never {},
            () = test => {}
        }
    }
}
