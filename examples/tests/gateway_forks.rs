//! Several phones answer one call: whose early media is heard, and whose call it is.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)] // checks fail loudly

mod client;

use std::time::Duration;

use client::Server;
use client::phone::{Phone, media_of};
use client::rtp::{packet, read};
use examples::config::Settings;
use tokio::net::UdpSocket;
use tokio::time::timeout;

#[tokio::test]
async fn the_newest_early_dialog_is_heard_until_a_phone_is_picked_up() {
    let phone = Phone::new().await;
    let second = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let server = Server::with(Settings {
        sip_server: Some(phone.server()),
        ..Settings::default()
    })
    .await;
    let ((call, mut events, mut browser), invite) =
        tokio::join!(server.dial("alice"), phone.request("INVITE"));
    let media = media_of(&invite);
    let port = |socket: &UdpSocket| socket.local_addr().unwrap().port().to_string();
    let first_sdp = phone.sdp(96);
    let second_sdp = first_sdp.replace(&port(&phone.rtp), &port(&second));

    let status = "183 Session Progress";
    phone.answer_as("a", &invite, status, &first_sdp).await;
    events.until("ringing").await;
    let sent = packet(0, 1, b"first phone");
    phone.rtp.send_to(&sent, media).await.unwrap();
    assert_eq!(read(&browser.hear().await).1, b"first phone");

    // Nobody tells when the second one is heard: it tries until it is.
    phone.answer_as("b", &invite, status, &second_sdp).await;
    let heard = async {
        for number in 0.. {
            let sent = packet(0, number, b"second phone");
            second.send_to(&sent, media).await.unwrap();
            let pause = Duration::from_millis(20);
            if let Ok(heard) = timeout(pause, browser.hear()).await {
                return heard;
            }
        }
        unreachable!()
    };
    let heard = timeout(client::PATIENCE, heard).await.unwrap();
    assert_eq!(read(&heard).1, b"second phone");
    let strangers = async || {
        let stats = server.stats(&call).await;
        stats["to_browser"]["drops"]["wrong_source"]
            .as_u64()
            .unwrap()
    };
    let before = strangers().await;
    let sent = packet(0, 2, b"first phone");
    phone.rtp.send_to(&sent, media).await.unwrap();
    while strangers().await == before {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }

    // The first one is picked up, and need not say again where its media is.
    phone.answer_as("a", &invite, "200 OK", "").await;
    events.until("answered").await;
    phone.request("ACK").await;
    let sent = packet(0, 3, b"picked up");
    phone.rtp.send_to(&sent, media).await.unwrap();
    while read(&browser.hear().await).1 != b"picked up" {}
}
