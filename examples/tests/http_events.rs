//! Event streams, slow clients and the end of the server, over real HTTPS.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests fail like tests

mod http_support;

use std::sync::Arc;
use std::time::Duration;

use examples::calls::{CallEvent, EndedBy};
use examples::config::Settings;
use examples::http::Limits;
use http_support::Gateway;
use reqwest::{Client, Response};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

const SOON: Duration = Duration::from_secs(5);

async fn follow(gateway: &Gateway, client: &Client) -> Response {
    let (call, _) = gateway.call(client, None).await;
    let response = client
        .get(gateway.url(&format!("{call}/events")))
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    response
}

/// Reads until the text has been seen.
async fn read_until(response: &mut Response, text: &str) -> String {
    let mut seen = String::new();
    while !seen.contains(text) {
        let chunk = timeout(SOON, response.chunk())
            .await
            .expect("in time")
            .unwrap();
        seen.push_str(std::str::from_utf8(&chunk.expect("more events")).unwrap());
    }
    seen
}

async fn server_with(limits: Limits) -> Gateway {
    Gateway::start_with(Settings::default(), limits).await
}

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

/// A TLS connection, by hand.
async fn connect(gateway: &Gateway, protocol: &[u8]) -> TlsStream {
    let mut config = gateway.tls_client_config();
    config.alpn_protocols = vec![protocol.to_vec()];
    let name = ServerName::try_from("localhost").unwrap();
    let tcp = TcpStream::connect(gateway.server.local_addr())
        .await
        .unwrap();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    connector.connect(name, tcp).await.unwrap()
}

type TlsStream = tokio_rustls::client::TlsStream<TcpStream>;

/// How long the server keeps the connection after these bytes.
async fn kept_for(mut stream: TlsStream, bytes: &[u8]) -> Duration {
    let start = tokio::time::Instant::now();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    let _ = timeout(SOON, stream.read_to_end(&mut answer))
        .await
        .expect("the server closes");
    start.elapsed()
}

#[tokio::test]
async fn clients_that_do_not_ask_are_cut_off() {
    let head_time = Duration::from_millis(300);
    let gateway = server_with(Limits {
        head_time,
        ..Limits::default()
    })
    .await;
    for (protocol, bytes) in [
        ("http/1.1", ""),
        ("http/1.1", "G"),
        ("http/1.1", "P"),
        ("http/1.1", "GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: "),
        ("h2", ""),
        ("h2", "PRI * HTTP/2.0\r\n"),
        ("h2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"),
    ] {
        let time = kept_for(
            connect(&gateway, protocol.as_bytes()).await,
            bytes.as_bytes(),
        )
        .await;
        assert!(
            time >= head_time / 2 && time < SOON,
            "{protocol} {bytes:?}: {time:?}"
        );
    }
    // One that does not even shake hands.
    let mut silent = TcpStream::connect(gateway.server.local_addr())
        .await
        .unwrap();
    let read = timeout(SOON, silent.read(&mut [0; 16]))
        .await
        .expect("the server closes");
    assert!(matches!(read, Ok(0) | Err(_)));
    // One that asks keeps its stream for longer than that.
    let mut response = follow(&gateway, &gateway.client()).await;
    read_until(&mut response, "ringing").await;
    tokio::time::sleep(head_time * 2).await;
    gateway
        .events
        .send(CallEvent::Answered {
            codec: "PCMU".to_owned(),
        })
        .unwrap();
    read_until(&mut response, "answered").await;
}

#[tokio::test]
async fn a_body_that_trickles_in_is_given_up() {
    let body_time = Duration::from_millis(200);
    let gateway = server_with(Limits {
        body_time,
        ..Limits::default()
    })
    .await;
    let mut stream = connect(&gateway, b"http/1.1").await;
    let head = "POST /v1/calls?to=echo HTTP/1.1\r\nHost: localhost\r\n\
                Content-Type: application/sdp\r\nContent-Length: 100\r\n\r\nv=0";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = [0; 16];
    timeout(SOON, stream.read_exact(&mut answer))
        .await
        .expect("in time")
        .unwrap();
    assert_eq!(&answer, b"HTTP/1.1 408 Req");
}

#[tokio::test]
async fn connections_are_limited_and_places_come_back() {
    let gateway = server_with(Limits {
        connections: 2,
        ..Limits::default()
    })
    .await;
    let held = [
        connect(&gateway, b"http/1.1").await,
        connect(&gateway, b"http/1.1").await,
    ];
    let get = |client: Client| client.get(gateway.url("/v1/ice-servers")).send();
    assert!(get(gateway.client()).await.is_err());
    drop(held);
    let admitted = async {
        while get(gateway.client()).await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(SOON, admitted).await.expect("a place comes back");
}

#[tokio::test]
async fn a_head_that_is_too_long_is_refused() {
    let gateway = Gateway::start().await;
    let request = gateway
        .client()
        .get(gateway.url("/"))
        .header("x-long", "a".repeat(100_000));
    // Either the status arrives, or the connection is reset while the client still writes.
    if let Ok(response) = request.send().await {
        assert_eq!(response.status(), 431);
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
