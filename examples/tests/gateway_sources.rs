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
use tokio::time::timeout;

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

/// Symmetric RTP (RFC 4961): the port is learned once, and used both ways from then on.
#[tokio::test]
async fn where_it_is_allowed_a_phone_is_heard_from_another_port() {
    let phone = Phone::new().await;
    let allowed = Settings {
        learn_phone_address: Some(true),
        ..Settings::default()
    };
    let (server, call, _events, mut browser, invite) = talk(&phone, allowed).await;
    let media = media_of(&invite);
    let elsewhere = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let third = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    for number in 0..50_u16 {
        for (socket, caller) in [(&elsewhere, 1), (&phone.rtp, 2), (&third, 3)] {
            let sent = packet(0, number, &sound(caller, number.into()));
            socket.send_to(&sent, media).await.unwrap();
        }
        let heard = browser.hear().await;
        assert_eq!(read(&heard).1, sound(1, number.into()), "packet {number}");
    }
    browser.say(browser.agreed.codec, &sound(4, 1));
    let mut buffer = [0; 2048];
    let reply = timeout(client::PATIENCE, elsewhere.recv(&mut buffer)).await;
    let length = reply.expect("media in time").unwrap();
    assert_eq!(read(&buffer[..length]).1, sound(4, 1));
    let stats = server.stats(&call).await;
    let to_browser = &stats["to_browser"];
    assert_eq!(to_browser["learned"], 1, "{stats}");
    assert_eq!(to_browser["drops"]["wrong_source"], 100, "{stats}");
    assert_eq!(to_browser["sent"]["packets"], 50, "{stats}");
}

/// A stranger who knows the ports sends what the phone would send next, before it does.
#[tokio::test]
async fn a_stranger_harms_no_call() {
    let phone = Phone::new().await;
    let (server, call, _events, mut browser, invite) = talk(&phone, Settings::default()).await;
    let media = media_of(&invite);
    let rtcp = (media.ip(), media.port() + 1);
    let stranger = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    // An RTCP BYE of the phone's source (RFC 3550 §6.6).
    let bye = [0x81, 203, 0, 1, 0x00, 0xc0, 0xff, 0xee];
    let codec = browser.agreed.codec;
    let mut next = None;
    for number in 0..100_u16 {
        let forged = packet(0, 1000 + number, &sound(3, number.into()));
        stranger.send_to(&forged, media).await.unwrap();
        stranger.send_to(&bye, rtcp).await.unwrap();
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
    assert_eq!(stats["to_browser"]["drops"]["wrong_source"], 200, "{stats}");
    for direction in ["to_browser", "to_phone"] {
        assert_eq!(stats[direction]["sent"]["packets"], 100, "{stats}");
        assert_eq!(stats[direction]["lost"], 0, "{stats}");
    }
}
