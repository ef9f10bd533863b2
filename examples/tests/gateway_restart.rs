//! ICE restarts through a whole gateway (RFC 9725 §4.3.3).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)] // checks fail loudly

mod client;

use std::net::SocketAddr;

use client::agreed::Remote;
use client::browser::{Browser, Caller};
use client::ice::check;
use client::rtp::{read, sound};
use client::{Call, PATIENCE, Server, problem};
use reqwest::{Response, StatusCode};
use stun_codec::{Class, IntegrityKey, Message};
use tokio::net::UdpSocket;
use tokio::time::timeout;

/// One packet after the other to the echo phone and back.
async fn speak(browser: &mut Browser, numbers: std::ops::Range<u32>) {
    for number in numbers {
        browser.say(browser.agreed.codec, &sound(1, number));
        let packet = browser.hear().await;
        assert_eq!(read(&packet).1, sound(1, number), "packet {number}");
    }
}

async fn patch(server: &Server, call: &Call, tag: &str, fragment: &str) -> Response {
    let patch = server.patch(call, fragment.to_owned());
    patch.header("if-match", tag).send().await.unwrap()
}

#[tokio::test]
async fn media_goes_on_over_a_restart() {
    let server = Server::start().await;
    let (mut call, mut events, mut browser) = server.talk("echo").await;
    speak(&mut browser, 0..20).await;
    let mut said = 20;
    for restart in 1..=3 {
        let paths = browser.paths;
        let fragment = browser.restart().await;
        speak(&mut browser, said..said + 20).await;
        let response = patch(&server, &call, "*", &fragment).await;
        assert_eq!(response.status(), StatusCode::OK);
        let header = |name| response.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(header("content-type"), "application/trickle-ice-sdpfrag");
        let old = std::mem::replace(&mut call.etag, header("etag"));
        assert_ne!(old, call.etag);
        let answer = response.text().await.unwrap();
        speak(&mut browser, said + 20..said + 40).await;
        browser.restarted(&answer);
        said += 40;
        while browser.paths == paths {
            speak(&mut browser, said..said + 1).await;
            said += 1;
        }
        speak(&mut browser, said..said + 20).await;
        said += 20;

        let ended = "a=end-of-candidates\r\n";
        problem(patch(&server, &call, &old, ended).await, 412).await;
        let taken = patch(&server, &call, &call.etag, ended).await;
        assert_eq!(taken.status(), StatusCode::NO_CONTENT, "restart {restart}");
    }
    server.hang_up(&call).await;
    assert_eq!(events.last().await["by"], "browser");
}

#[tokio::test]
async fn a_restart_takes_new_credentials_and_a_star() {
    let server = Server::start().await;
    let caller = Caller::new().await;
    let current = caller.fragment(&[]);
    let call = server.call("echo", caller.offer()).await;
    let refused = async |tag: &str, fragment: &str, part: &str| {
        let problem = problem(patch(&server, &call, tag, fragment).await, 422).await;
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(part), "{detail}");
    };
    refused("*", &current, "takes new ICE credentials").await;
    refused("*", "a=end-of-candidates\r\n", "takes new ICE credentials").await;
    let other_ufrag = current.replace("a=ice-ufrag:", "a=ice-ufrag:new");
    refused("*", &other_ufrag, "has not changed its credentials").await;
    let new = other_ufrag.replace("a=ice-pwd:", "a=ice-pwd:new");
    refused(&call.etag, &new, "If-Match: *").await;
    let section = "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:1\r\na=ice-ufrag:other\r\n\
                   a=ice-pwd:0123456789012345678901\r\n";
    refused("*", &format!("{new}{section}"), "for one transport").await;
    problem(server.patch(&call, new).send().await.unwrap(), 428).await;

    // None of this has changed anything.
    let mut events = server.follow(&call).await;
    let mut browser = caller.join(&call.answer);
    browser.connected().await;
    events.until("answered").await;
    speak(&mut browser, 0..5).await;
}

/// Whether the gateway grants a check.
async fn is_granted(gateway: &Remote, id: u8) -> bool {
    let to: SocketAddr = gateway.candidates[0].socket_addr().unwrap();
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.send_to(&check(gateway, id), to).await.unwrap();
    let mut buffer = [0; 1500];
    let received = timeout(PATIENCE, socket.recv(&mut buffer)).await;
    let answer = Message::parse(&buffer[..received.expect("an answer").unwrap()]).unwrap();
    let key = IntegrityKey::short_term(gateway.credentials.password());
    answer.class() == Class::Success && answer.verify(&key).is_ok()
}

#[tokio::test]
async fn restarts_whose_answers_are_lost_leave_the_path_that_works() {
    let server = Server::start().await;
    let (call, _events, mut browser) = server.talk("echo").await;
    let gateway = browser.agreed.remote.clone();
    for restart in 1..=3 {
        let fragment =
            format!("a=ice-ufrag:lost{restart}\r\na=ice-pwd:{restart}123456789012345678901\r\n");
        let response = patch(&server, &call, "*", &fragment).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert!(is_granted(&gateway, restart).await);
    }
    speak(&mut browser, 0..20).await;
}
