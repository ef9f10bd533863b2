//! Calls through a gateway to sipp with a scenario of our own: early media, hold and resume, keys.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)] // checks fail loudly
#![allow(clippy::duplicate_mod)] // the client and the real programs each bring their processes

mod client;
mod scenario;
mod support;

use client::browser::Browser;
use client::rtp::{key, read, sound};
use client::{Call, Server};
use examples::bridge::rtp::Header;
use examples::config::Settings;
use scenario::Scenario;
use support::browser::Make::Chromium;
use support::chromium::TONE;
use support::desk::Desk;
use tokio::net::UdpSocket;
use tokio::task::JoinHandle;

async fn server_for(phone: &Scenario) -> Server {
    Server::with(Settings {
        sip_server: Some(phone.sip.to_string()),
        ..Settings::default()
    })
    .await
}

/// Sends a payload of the browser, which sipp's echo brings back.
async fn comes_back(browser: &mut Browser, payload_type: u8, payload: &[u8]) {
    browser.say(payload_type, payload);
    let heard = browser.hear().await;
    let (header, back) = read(&heard);
    assert_eq!(back, payload);
    assert_eq!(header.payload_type, payload_type);
}

/// Packets that the phone did not want.
async fn unwanted(server: &Server, call: &Call) -> u64 {
    let stats = server.stats(call).await;
    stats["to_phone"]["drops"]["not_wanted"].as_u64().unwrap()
}

#[tokio::test]
async fn real_sipp_plays_early_holds_and_resumes() {
    let mut phone = Scenario::echo().await;
    let server = server_for(&phone).await;
    let (call, mut events, mut browser) = server.dial("service").await;
    events.until("ringing").await;
    let (codec, keys) = (browser.agreed.codec, browser.agreed.telephone_event);
    comes_back(&mut browser, codec, &sound(1, 1)).await;
    phone.go_on().await;
    events.until("answered").await;
    comes_back(&mut browser, codec, &sound(1, 2)).await;

    phone.go_on().await;
    events.until("held").await;
    browser.say(codec, &sound(1, 3));
    while unwanted(&server, &call).await != 1 {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert!(
        browser.has_heard_nothing_more(),
        "on hold nothing comes back"
    );

    phone.go_on().await;
    events.until("resumed").await;
    comes_back(&mut browser, codec, &sound(1, 4)).await;
    for (duration, end) in [(160, false), (320, false), (480, true)] {
        comes_back(&mut browser, keys, &key(5, duration, end)).await;
    }
    server.hang_up(&call).await;
    phone.finish().await;
}

/// Sends back what comes, and tells of the keys: each telephone-event once, when it has ended.
fn listen(socket: UdpSocket) -> JoinHandle<Vec<Key>> {
    tokio::spawn(async move {
        let mut keys: Vec<Key> = Vec::new();
        let mut buffer = [0; 2048];
        while keys.iter().filter(|key| key.ended).count() < 3 {
            let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
            let datagram = &buffer[..length];
            socket.send_to(datagram, from).await.unwrap();
            let Some((header, payload)) = Header::parse(datagram) else {
                continue;
            };
            if header.payload_type != 101 {
                continue;
            }
            let event = &datagram[payload];
            let duration = u16::from_be_bytes([event[2], event[3]]);
            match keys.last_mut() {
                Some(key) if key.timestamp == header.timestamp => {
                    assert!(!header.marker, "the marker stands at the beginning");
                    assert!(duration >= key.duration, "it only grows");
                    assert_eq!(key.code, event[0]);
                    (key.duration, key.ended) = (duration, event[1] & 0x80 != 0);
                }
                _ => {
                    assert!(header.marker, "an event begins with the marker");
                    keys.push(Key {
                        code: event[0],
                        timestamp: header.timestamp,
                        duration,
                        ended: false,
                    });
                }
            }
        }
        keys
    })
}

/// A telephone-event (RFC 4733).
#[derive(Debug)]
struct Key {
    code: u8,
    timestamp: u32,
    duration: u16,
    ended: bool,
}

#[tokio::test]
async fn real_chromium_hears_early_media_is_held_and_presses_keys() {
    let media = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let mut phone = Scenario::with_media(media.local_addr().unwrap().port()).await;
    let keys = listen(media);
    let mut desk = Desk::with_server(Chromium, phone.sip, "").await;
    desk.browser.dial("service").await;
    desk.browser.state("ringing").await;
    desk.page_hears(TONE).await;
    phone.go_on().await;
    desk.browser.state("answered").await;
    desk.page_hears(TONE).await;

    phone.go_on().await;
    desk.shows("On hold").await;
    desk.page_hears_nothing().await;
    phone.go_on().await;
    desk.shows("In call").await;
    desk.page_hears(TONE).await;

    let press = "window.crosspoint.lastCall.sendDigits('5#A'); return true";
    desk.browser.script(press).await;
    let keys = tokio::time::timeout(support::process::PATIENCE, keys).await;
    let keys = keys.expect("three keys").unwrap();
    let codes: Vec<u8> = keys.iter().map(|key| key.code).collect();
    assert_eq!(codes, [5, 11, 12], "RFC 4733 §3.2");
    for key in &keys {
        // 100 ms at 8000 Hz.
        assert!((700..=960).contains(&key.duration), "{keys:?}");
    }
    desk.browser.hang_up().await;
    desk.browser.state("ended").await;
    phone.finish().await;
    desk.close().await;
}
