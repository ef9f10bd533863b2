//! Event streams and the end of the server, over real HTTPS.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests fail like tests

mod http_support;

use std::time::Duration;

use examples::calls::{CallEvent, EndedBy};
use examples::http::Limits;
use http_support::{Gateway, SOON, follow, read_until, server_with};
use tokio::net::TcpStream;
use tokio::time::timeout;

#[tokio::test]
async fn past_events_then_each_new_one_then_the_end() {
    let gateway = Gateway::start().await;
    for client in [gateway.client(), gateway.client_of_http2()] {
        let mut response = follow(&gateway, &client).await;
        let past = read_until(&mut response, "ringing").await;
        assert!(
            past.starts_with("event: state\ndata: {\"state\":\"trying\"}\n\n"),
            "{past}"
        );
        gateway
            .events
            .send(CallEvent::Answered {
                codec: "PCMU".to_owned(),
            })
            .unwrap();
        let answered = read_until(&mut response, "}\n\n").await;
        assert!(
            answered.contains("{\"state\":\"answered\",\"codec\":\"PCMU\"}"),
            "{answered}"
        );
        let end = CallEvent::Ended {
            by: EndedBy::Phone,
            reason: "it hung up".to_owned(),
        };
        gateway.events.send(end).unwrap();
        // The sender stays open; the stream ends all the same.
        let rest = timeout(SOON, response.text())
            .await
            .expect("the stream ends")
            .unwrap();
        assert_eq!(
            rest,
            "event: state\ndata: {\"state\":\"ended\",\"by\":\"phone\",\"reason\":\"it hung up\"}\n\n"
        );
    }
}

#[tokio::test]
async fn a_quiet_stream_shows_that_it_is_alive() {
    let event_keep_alive = Duration::from_millis(100);
    let gateway = server_with(Limits {
        event_keep_alive,
        ..Limits::default()
    })
    .await;
    let mut response = follow(&gateway, &gateway.client()).await;
    let seen = read_until(&mut response, "\n:\n\n:\n\n").await;
    assert!(seen.contains("ringing"));
    assert_eq!(Limits::default().event_keep_alive, Duration::from_secs(15));
}

#[tokio::test]
async fn a_reader_that_leaves_is_noticed() {
    let mut gateway = Gateway::start().await;
    for client in [gateway.client(), gateway.client_of_http2()] {
        let mut response = follow(&gateway, &client).await;
        read_until(&mut response, "ringing").await;
        assert!(gateway.left.try_recv().is_err());
        drop(response);
        timeout(SOON, gateway.left.recv())
            .await
            .expect("noticed")
            .unwrap();
    }
}

#[tokio::test]
async fn shutdown_ends_within_two_seconds_even_with_readers() {
    let gateway = Gateway::start().await;
    let client = gateway.client();
    let mut response = follow(&gateway, &client).await;
    read_until(&mut response, "ringing").await;
    let address = gateway.server.local_addr();
    let start = tokio::time::Instant::now();
    gateway.server.shutdown().await;
    assert!(
        start.elapsed() < Duration::from_secs(2),
        "{:?}",
        start.elapsed()
    );
    assert!(TcpStream::connect(address).await.is_err());
}
