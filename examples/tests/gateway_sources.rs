//! Who is heard: media of a phone that comes from elsewhere than its SDP says, and of strangers.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)] // checks fail loudly

mod client;

use client::browser::Browser;
use client::events::Events;
use client::phone::{Message, Phone, media_of};
use client::rtp::{packet, read, sound};
use client::{Call, Server};
use examples::config::Settings;
use tokio::net::UdpSocket;

/// A gateway in front of this phone, and a call that it has picked up.
async fn talk(phone: &Phone, settings: Settings) -> (Server, Call, Events, Browser, Message) {
    let server = Settings {
        sip_server: Some(phone.server()),
        ..settings
    };
    let server = Server::with(server).await;
    let sdp = phone.sdp(96);
    let ((call, mut events, browser), invite) =
        tokio::join!(server.dial("alice"), phone.pick_up(&sdp));
    events.until("answered").await;
    (server, call, events, browser, invite)
}

#[tokio::test]
async fn a_phone_that_sends_from_another_port_than_its_sdp_is_not_heard() {
    let phone = Phone::new().await;
    let (server, call, _events, mut browser, invite) = talk(&phone, Settings::default()).await;
    let media = media_of(&invite);
    let elsewhere = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    for number in 0..50_u16 {
        let sent = packet(0, number, &sound(1, number.into()));
        elsewhere.send_to(&sent, media).await.unwrap();
    }
    let sent = packet(0, 50, &sound(2, 50));
    phone.rtp.send_to(&sent, media).await.unwrap();
    let heard = browser.hear().await;
    assert_eq!(read(&heard).1, sound(2, 50), "the first that is heard");
    let stats = server.stats(&call).await;
    assert_eq!(stats["to_browser"]["drops"]["wrong_source"], 50, "{stats}");
    assert_eq!(stats["to_browser"]["sent"]["packets"], 1, "{stats}");
}

/// A stranger who knows the ports sends what the phone would send next, before it does.
#[tokio::test]
async fn a_stranger_harms_no_call() {
    let phone = Phone::new().await;
    let (server, call, _events, mut browser, invite) = talk(&phone, Settings::default()).await;
    let media = media_of(&invite);
    let stranger = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let codec = browser.agreed.codec;
    let mut next = None;
    for number in 0..100_u16 {
        let forged = packet(0, 1000 + number, &sound(3, number.into()));
        stranger.send_to(&forged, media).await.unwrap();
        let sent = packet(0, 1000 + number, &sound(2, number.into()));
        phone.rtp.send_to(&sent, media).await.unwrap();
        let heard = browser.hear().await;
        let (header, payload) = read(&heard);
        assert_eq!(payload, sound(2, number.into()), "packet {number}");
        assert!(next.is_none_or(|next| header.sequence_number == next));
        next = Some(header.sequence_number.wrapping_add(1));
        browser.say(codec, &sound(1, number.into()));
        let (heard, _) = phone.hear().await;
        assert_eq!(read(&heard).1, sound(1, number.into()), "packet {number}");
    }
    let stats = server.stats(&call).await;
    assert_eq!(stats["to_browser"]["drops"]["wrong_source"], 100, "{stats}");
    for direction in ["to_browser", "to_phone"] {
        assert_eq!(stats[direction]["sent"]["packets"], 100, "{stats}");
        assert_eq!(stats[direction]["lost"], 0, "{stats}");
    }
}
