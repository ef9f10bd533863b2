//! What a whole gateway tells about its calls: statistics of one, metrics of all.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)] // checks fail loudly

mod client;

use client::browser::Caller;
use client::metrics::{self, ask, value};
use client::phone::{Phone, media_of};
use client::rtp::{packet, sound};
use client::{Server, problem};
use examples::config::Settings;
use serde_json::Value;
use tokio::net::TcpStream;

async fn scrape(server: &Server) -> String {
    metrics::scrape(server.gateway.metrics().unwrap().local_addr()).await
}

#[tokio::test]
async fn a_call_is_counted_from_its_offer_to_its_end() {
    let phone = Phone::new().await;
    let server = Server::with(Settings {
        sip_server: Some(phone.server()),
        metrics_listen: Some("127.0.0.1:0".into()),
        ..Settings::default()
    })
    .await;
    assert_eq!(
        value(&scrape(&server).await, "crosspoint_calls_active"),
        "0"
    );
    let sdp = phone.sdp(96);
    let ((call, mut events, mut browser), invite) =
        tokio::join!(server.dial("alice"), phone.pick_up(&sdp));
    events.until("answered").await;

    let codec = browser.agreed.codec;
    for number in 0..10_u16 {
        browser.say(codec, &sound(1, number.into()));
        phone.hear().await;
    }
    for number in 0..5_u16 {
        let spoken = packet(0, number, &sound(2, number.into()));
        let media = media_of(&invite);
        phone.rtp.send_to(b"noise", media).await.unwrap();
        phone.rtp.send_to(&spoken, media).await.unwrap();
        browser.hear().await;
    }
    let told = server.stats(&call).await;
    assert_eq!(told["to_phone"]["received"]["packets"], 10);
    assert_eq!(told["to_phone"]["sent"]["octets"], 1600);
    assert_eq!(told["to_browser"]["sent"]["packets"], 5);
    assert_eq!(told["to_browser"]["drops"]["malformed"], 5);
    assert_eq!(told["to_browser"]["reported"], Value::Null, "nobody did");
    assert!(told["to_browser"]["jitter_ms"].as_f64().unwrap() >= 0.0);
    assert!(told["browser"]["srtp_opened"].as_u64().unwrap() >= 10);

    let text = scrape(&server).await;
    assert_eq!(value(&text, "crosspoint_calls_active"), "1");
    assert_eq!(value(&text, "crosspoint_event_streams"), "1");
    let counted = [
        ("packets_sent_total{direction=\"to_phone\"}", "10"),
        ("packets_received_total{direction=\"to_browser\"}", "5"),
        ("octets_sent_total{direction=\"to_browser\"}", "800"),
        (
            "dropped_total{direction=\"to_browser\",reason=\"malformed\"}",
            "5",
        ),
        ("offer_seconds_count", "1"),
        ("answer_seconds_bucket{le=\"+Inf\"}", "1"),
    ];
    for (metric, expected) in counted {
        assert_eq!(value(&text, &format!("crosspoint_{metric}")), expected);
    }

    server.hang_up(&call).await;
    let bye = phone.request("BYE").await;
    phone.answer(&bye, "200 OK", "").await;
    events.last().await;
    // What has passed is still told, and does not go away with the call.
    let told = server.stats(&call).await;
    assert_eq!(told["to_phone"]["sent"]["packets"], 10);
    let text = scrape(&server).await;
    for (metric, expected) in counted {
        assert_eq!(value(&text, &format!("crosspoint_{metric}")), expected);
    }
    assert_eq!(
        value(&text, "crosspoint_calls_total{outcome=\"browser\"}"),
        "1"
    );
    let unknown = server.url(&format!("/v1/calls/{}/stats", "0".repeat(32)));
    problem(server.client.get(unknown).send().await.unwrap(), 404).await;
}

#[tokio::test]
async fn a_counter_never_goes_back() {
    let phone = Phone::new().await;
    let server = Server::with(Settings {
        sip_server: Some(phone.server()),
        metrics_listen: Some("127.0.0.1:0".into()),
        ..Settings::default()
    })
    .await;
    let sdp = phone.sdp(96);
    let ((call, mut events, mut browser), invite) =
        tokio::join!(server.dial("alice"), phone.pick_up(&sdp));
    events.until("answered").await;
    let lost = "crosspoint_packets_lost_total{direction=\"to_browser\"}";
    // A packet that is late is lost at first; for the call it is so no more once it comes.
    for (number, told, counted) in [
        (0, 0, "0"),
        (2, 1, "1"),
        (1, 0, "1"),
        (4, 1, "1"),
        (6, 2, "2"),
    ] {
        let spoken = packet(0, number, &sound(2, number.into()));
        let media = media_of(&invite);
        phone.rtp.send_to(&spoken, media).await.unwrap();
        browser.hear().await;
        assert_eq!(server.stats(&call).await["to_browser"]["lost"], told);
        assert_eq!(value(&scrape(&server).await, lost), counted);
    }
}

#[tokio::test]
async fn a_call_that_a_limit_refuses_is_counted() {
    let server = Server::with(Settings {
        max_calls: Some(1),
        metrics_listen: Some("127.0.0.1:0".into()),
        ..Settings::default()
    })
    .await;
    let refused = "crosspoint_calls_total{outcome=\"refused\"}";
    let _call = server.call("echo", Caller::new().await.offer()).await;
    assert_eq!(value(&scrape(&server).await, refused), "0");
    let offer = Caller::new().await.offer();
    problem(server.post("echo", offer).send().await.unwrap(), 503).await;
    assert_eq!(value(&scrape(&server).await, refused), "1");
}

#[tokio::test]
async fn the_metrics_listener_knows_nothing_else() {
    let server = Server::with(Settings {
        metrics_listen: Some("127.0.0.1:0".into()),
        ..Settings::default()
    })
    .await;
    let address = server.gateway.metrics().unwrap().local_addr();
    for (request, status) in [
        ("GET /stats HTTP/1.1", "404 Not Found"),
        ("GET /v1/ice-servers HTTP/1.1", "404 Not Found"),
        ("POST /metrics HTTP/1.1", "405 Method Not Allowed"),
        ("nonsense", "400 Bad Request"),
    ] {
        let request = format!("{request}\r\nHost: a\r\nConnection: close\r\n\r\n");
        let answer = ask(address, &request).await;
        let expected = format!("HTTP/1.1 {status}\r\n");
        assert!(answer.starts_with(&expected), "{request}: {answer}");
    }
    let page = ask(
        address,
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    )
    .await;
    assert!(page.starts_with("HTTP/1.1 200 OK\r\n"), "{page}");
    assert!(page.contains("<a href=\"/metrics\">"), "{page}");
    server.gateway.shutdown().await;
    assert!(TcpStream::connect(address).await.is_err());
}
