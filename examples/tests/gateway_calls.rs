//! Calls through a whole gateway: HTTPS, ICE, DTLS, SRTP, SIP and RTP, all over real sockets.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)] // checks fail loudly

mod client;

use std::collections::HashSet;
use std::sync::Arc;

use client::browser::{Browser, Caller};
use client::events::Events;
use client::rtp::{key, laden_packet, read, sound};
use client::{Call, Server};
use examples::config::Settings;
use examples::session::DtlsRole;
use serde_json::json;
use tokio::net::UdpSocket;
use tokio::task::JoinSet;

/// Packets that are on their way at once: fewer than any socket's buffer holds.
const WINDOW: u32 = 8;

/// Sends sound and hears it again: every packet, once, in order. Answers the gateway's numbers.
async fn speak(browser: &mut Browser, caller: u32, packets: u32) -> Vec<u16> {
    let codec = browser.agreed.codec;
    let mut numbers = Vec::new();
    for first in (0..packets).step_by(WINDOW as usize) {
        let window = first..packets.min(first + WINDOW);
        for number in window.clone() {
            browser.say(codec, &sound(caller, number));
        }
        for number in window {
            let packet = browser.hear().await;
            let (header, payload) = read(&packet);
            assert_eq!(
                payload,
                sound(caller, number),
                "packet {number} of caller {caller}"
            );
            assert_eq!(
                (header.payload_type, header.ssrc),
                (codec, browser.agreed.ssrc)
            );
            numbers.push(header.sequence_number);
        }
    }
    numbers
}

fn assert_contiguous(numbers: &[u16]) {
    for pair in numbers.windows(2) {
        assert_eq!(pair[1], pair[0].wrapping_add(1), "{numbers:?}");
    }
}

#[tokio::test]
async fn a_caller_hears_himself() {
    let server = Server::start().await;
    let caller = Caller::new().await;
    let call = server.call("echo", caller.offer()).await;
    let mut events = server.follow(&call).await;
    let mut browser = caller.join(&call.answer);
    for expected in [
        json!({"state": "trying"}),
        json!({"state": "ringing"}),
        json!({"state": "answered", "codec": "PCMU"}),
    ] {
        assert_eq!(events.next().await, Some(expected));
    }
    browser.connected().await;
    let numbers = speak(&mut browser, 1, 200).await;
    assert!(
        numbers[0] < 1 << 15,
        "a receiver can guess the roll-over counter"
    );
    assert_contiguous(&numbers);

    server.hang_up(&call).await;
    let ended = json!({"state": "ended", "by": "browser", "reason": "the browser hung up"});
    assert_eq!(events.next().await, Some(ended.clone()));
    assert_eq!(events.next().await, None, "the stream ends");
    assert!(
        browser.failed().await.contains("clos"),
        "the gateway says goodbye to the browser too"
    );
    assert!(browser.has_heard_nothing_more());

    // Who asks late still learns how it ended, and hanging up again is no error.
    let mut late = server.follow(&call).await;
    assert_eq!(late.next().await, Some(json!({"state": "trying"})));
    assert_eq!(late.last().await, ended);
    server.hang_up(&call).await;
}

#[tokio::test]
async fn either_side_may_open_dtls() {
    let server = Server::start().await;
    for (setup, ours) in [
        ("actpass", DtlsRole::Server),
        ("passive", DtlsRole::Server),
        ("active", DtlsRole::Client),
    ] {
        let mut caller = Caller::new().await;
        caller.setup = setup;
        let call = server.call("echo", caller.offer()).await;
        let mut events = server.follow(&call).await;
        let mut browser = caller.join(&call.answer);
        assert_eq!(browser.agreed.role(), ours, "{setup}");
        browser.connected().await;
        events.until("answered").await;
        speak(&mut browser, 2, 16).await;
        // This time it is the browser that says goodbye, without a word over HTTPS.
        browser.close();
        let last = events.last().await;
        assert_eq!(
            (&last["state"], &last["by"]),
            (&json!("ended"), &json!("browser")),
            "{last}"
        );
        assert!(
            last["reason"]
                .as_str()
                .unwrap()
                .contains("closed its connection"),
            "{last}"
        );
    }
}

#[tokio::test]
async fn keys_pass_under_their_own_number() {
    let server = Server::start().await;
    let (_call, _events, mut browser) = server.talk("echo").await;
    let keys = browser.agreed.telephone_event;
    assert_eq!(keys, 126, "the number that was offered for 8000 Hz");
    speak(&mut browser, 3, 4).await;
    for (duration, end) in [(160, false), (320, false), (480, true)] {
        let payload = key(5, duration, end);
        browser.say(keys, &payload);
        let packet = browser.hear().await;
        let (header, echo) = read(&packet);
        assert_eq!((header.payload_type, echo), (keys, &payload[..]));
        assert_eq!(header.ssrc, browser.agreed.ssrc);
    }
    speak(&mut browser, 4, 4).await;
}

#[tokio::test]
async fn what_was_not_agreed_does_not_pass() {
    let server = Server::start().await;
    let (_call, _events, mut browser) = server.talk("echo").await;
    let before = speak(&mut browser, 5, 1).await;
    // Opus, G.722, PCMA, telephone-event of another rate: offered, not agreed on.
    for payload_type in [111, 9, 8, 110] {
        browser.say(payload_type, &sound(5, 1000));
    }
    let sequence = browser.next_sequence();
    let again = client::rtp::packet(browser.agreed.codec, sequence, &sound(5, 2000));
    let mut old_version = again.clone();
    old_version[0] = 0x40;
    browser.send(old_version);
    browser.send(laden_packet(browser.agreed.codec, sequence, &sound(5, 1)));
    let echo = browser.hear().await;
    let (header, payload) = read(&echo);
    assert_eq!(payload, sound(5, 1), "and nothing but it came back");
    assert_eq!(header.sequence_number, before[0].wrapping_add(1));
    // The same number again is refused by SRTP, by ours already or by the gateway's.
    browser.send(again);
    let after = speak(&mut browser, 6, 20).await;
    assert_eq!(after[0], header.sequence_number.wrapping_add(1));
    assert_contiguous(&after);
}

#[tokio::test]
async fn garbage_at_the_media_port_hurts_nobody() {
    let server = Server::start().await;
    let (_call, mut events, mut browser) = server.talk("echo").await;
    let stranger = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let media = browser.agreed.media.unwrap();
    let mut random = [0; 1200];
    for round in 0..50_u32 {
        getrandom::fill(&mut random).unwrap();
        let dtls_like = [&[22, 0xfe, 0xfd, 0, 0][..], &random[..80]].concat();
        let stun_like = [&[0, 1, 0, 60, 0x21, 0x12, 0xa4, 0x42][..], &random[..72]].concat();
        let rtp_like = [&[0x80, 0][..], &random[..170]].concat();
        for garbage in [
            &random[..],
            &[],
            &random[..1],
            &dtls_like,
            &stun_like,
            &rtp_like,
        ] {
            stranger.send_to(garbage, media).await.unwrap();
        }
        assert_contiguous(&speak(&mut browser, round, 2).await);
    }
    let joined = [0x5a; 60_000];
    stranger.send_to(&joined, media).await.unwrap();
    speak(&mut browser, 99, 8).await;
    browser.close();
    assert_eq!(events.last().await["by"], "browser");
}

/// All browsers share one port: who names another's address must not get, or stop, his media.
#[tokio::test]
async fn a_callers_address_can_be_named_but_not_taken() {
    let server = Server::with(Settings {
        workers: Some(1),
        ..Settings::default()
    })
    .await;
    let alice = Caller::new().await;
    let address = alice.candidates.clone();
    let mut early = thief(&server, &address).await;
    early.2.until("answered").await;
    let call = server.call("echo", alice.offer()).await;
    let mut events = server.follow(&call).await;
    let mut alice = alice.join(&call.answer);
    alice.connected().await;
    events.until("answered").await;

    // Now the gateway checks the address for the thief while it carries media.
    let mut late = thief(&server, &address).await;
    let answered = tokio::spawn(async move {
        late.2.until("answered").await;
        late
    });
    while !answered.is_finished() {
        speak(&mut alice, 7, WINDOW).await;
    }
    for (number, (mallory, call, _)) in [early, answered.await.unwrap()].into_iter().enumerate() {
        let mut mallory = mallory.join(&call.answer);
        mallory.connected().await;
        speak(&mut mallory, number as u32, 16).await;
        speak(&mut alice, 7, 16).await;
        server.hang_up(&call).await;
        mallory.failed().await;
        assert_contiguous(&speak(&mut alice, 7, 16).await);
    }
}

/// A call whose offer names somebody else's candidates.
async fn thief(server: &Server, candidates: &[String]) -> (Caller, Call, Events) {
    let mut mallory = Caller::new().await;
    mallory.candidates = candidates.to_vec();
    let call = server.call("echo", mallory.offer()).await;
    let events = server.follow(&call).await;
    (mallory, call, events)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_callers_hear_themselves_and_nobody_else() {
    let server = Arc::new(Server::start().await);
    let mut callers = JoinSet::new();
    for number in 100..120 {
        let server = server.clone();
        callers.spawn(async move {
            let (call, mut events, mut browser) = server.talk("echo").await;
            assert_contiguous(&speak(&mut browser, number, 100).await);
            server.hang_up(&call).await;
            assert_eq!(events.last().await["reason"], "the browser hung up");
            browser.agreed.ssrc
        });
    }
    let sources: HashSet<u32> = callers.join_all().await.into_iter().collect();
    assert_eq!(sources.len(), 20, "each with a source of its own");
}
