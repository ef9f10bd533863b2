//! What a client may take: connections, their time, bodies, event streams; over raw sockets.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::expect_used,
    clippy::panic
)] // helpers of tests fail like tests

mod http_support;

use std::sync::Arc;
use std::time::Duration;

use examples::calls::{CallEvent, EndedBy};
use examples::config::Settings;
use examples::http::Limits;
use http_support::{Gateway, SOON, follow, read_until, server_with};
use reqwest::Client;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

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
async fn plain_http_is_told_to_use_https() {
    let gateway = Gateway::start().await;
    for request in [
        "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(),
        format!("POST /v1/calls HTTP/1.1\r\n\r\n{}", "v".repeat(32 * 1024)),
    ] {
        let address = gateway.server.local_addr();
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        let read = timeout(SOON, stream.read_to_string(&mut answer));
        read.await.expect("the server closes").unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{head}");
        assert!(head.contains(&format!("Content-Length: {}\r\n", body.len())));
        assert_eq!(body, "this port speaks HTTPS: use https://…\n");
    }
}

#[tokio::test]
async fn plain_http_that_stays_is_cut_off() {
    let head_time = Duration::from_millis(200);
    let gateway = server_with(Limits {
        connections: 1,
        head_time,
        ..Limits::default()
    })
    .await;
    let address = gateway.server.local_addr();
    let mut stays = TcpStream::connect(address).await.unwrap();
    stays.write_all(b"GET").await.unwrap();
    let mut answer = String::new();
    let read = timeout(SOON, stays.read_to_string(&mut answer));
    read.await.expect("the server says its line").unwrap();
    // It never closes its side, and its place is free all the same.
    let client = gateway.client();
    let deadline = tokio::time::Instant::now() + SOON;
    while client.get(gateway.url("/")).send().await.is_err() {
        assert!(tokio::time::Instant::now() < deadline, "the place is kept");
        tokio::time::sleep(head_time / 4).await;
    }
    drop(stays);
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

/// The preface of HTTP/2 (RFC 9113 §3.4): the magic and an empty SETTINGS frame.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

#[tokio::test]
async fn a_connection_without_a_request_goes_and_one_that_reads_stays() {
    let idle_time = Duration::from_millis(300);
    let gateway = server_with(Limits {
        idle_time,
        ..Limits::default()
    })
    .await;
    // Its pings, if there were any, would come after the ten seconds of `head_time`.
    let time = kept_for(connect(&gateway, b"h2").await, PREFACE).await;
    assert!(time >= idle_time && time < SOON, "{time:?}");
    let asked = b"GET /v1/ice-servers HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let time = kept_for(connect(&gateway, b"http/1.1").await, asked).await;
    assert!(time >= idle_time && time < SOON, "{time:?}");

    let mut readers = Vec::new();
    for client in [gateway.client(), gateway.client_of_http2()] {
        let mut response = follow(&gateway, &client).await;
        read_until(&mut response, "ringing").await;
        readers.push(response);
    }
    tokio::time::sleep(idle_time * 3).await;
    let codec = "PCMU".to_owned();
    gateway.events.send(CallEvent::Answered { codec }).unwrap();
    for mut response in readers {
        read_until(&mut response, "answered").await;
    }
}

#[tokio::test]
async fn event_streams_are_limited_for_a_call_and_for_all() {
    let mut gateway = server_with(Limits {
        event_streams: 3,
        event_streams_per_call: 2,
        ..Limits::default()
    })
    .await;
    let client = gateway.client_of_http2();
    let (first, _) = gateway.call(&client, None).await;
    let (second, _) = gateway.call(&client, None).await;
    let stream = async |call: &str| {
        let mut stream = connect(&gateway, b"http/1.1").await;
        let ask = format!("GET {call}/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
        stream.write_all(ask.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        (String::from_utf8(head).unwrap(), stream)
    };
    let admitted = |head: &str| {
        if head.starts_with("HTTP/1.1 429 ") {
            assert!(head.contains("\r\nretry-after: 5\r\n"), "{head}");
            return false;
        }
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        true
    };
    let (head, one) = stream(&first).await;
    assert!(admitted(&head));
    let (head, _two) = stream(&first).await;
    assert!(admitted(&head));
    assert!(!admitted(&stream(&first).await.0), "two for a call");
    let (head, _three) = stream(&second).await;
    assert!(admitted(&head));
    assert!(!admitted(&stream(&second).await.0), "three for all");
    drop(one);
    // The refused ones had begun to follow as well, and left at once.
    let again = async { while !admitted(&stream(&first).await.0) {} };
    timeout(SOON, again).await.expect("a place comes back");
    assert!(gateway.left.recv().await.is_some());
}

/// Asks for the events of a call over HTTP/2, and gives the answer's body no window at all
/// (RFC 9113 §6.9.2): it takes the head and nothing else.
async fn follow_unread(gateway: &Gateway, call: &str) -> TlsStream {
    let mut stream = connect(gateway, b"h2").await;
    let mut ask = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    ask.extend(b"\0\0\x06\x04\0\0\0\0\0\0\x04\0\0\0\0"); // SETTINGS_INITIAL_WINDOW_SIZE = 0
    let path = format!("{call}/events");
    // :method GET, :scheme https, and two literals (RFC 7541 §6.1, §6.2.2).
    let mut head = vec![0x82, 0x87, 0x01, b"localhost".len() as u8];
    head.extend(b"localhost\x04");
    head.push(path.len() as u8);
    head.extend(path.bytes());
    ask.extend([0, 0, head.len() as u8, 1, 5, 0, 0, 0, 1]);
    ask.extend(head);
    stream.write_all(&ask).await.unwrap();
    loop {
        let mut frame = [0; 9];
        stream.read_exact(&mut frame).await.unwrap();
        let length = usize::from(u16::from_be_bytes([frame[1], frame[2]]));
        let mut payload = vec![0; length];
        stream.read_exact(&mut payload).await.unwrap();
        assert_ne!(frame[3], 0, "no DATA");
        if frame[3] == 1 {
            assert_eq!(payload[0], 0x88, ":status 200");
            return stream;
        }
    }
}

#[tokio::test]
async fn a_reader_that_reads_nothing_holds_its_place_no_longer_than_the_call() {
    let gateway = server_with(Limits {
        event_streams: 1,
        ..Limits::default()
    })
    .await;
    let client = gateway.client();
    let (call, _) = gateway.call(&client, None).await;
    let ask = || client.get(gateway.url(&format!("{call}/events"))).send();
    let _unread = follow_unread(&gateway, &call).await;
    assert_eq!(ask().await.unwrap().status(), 429);
    gateway.events.send(ended()).unwrap();
    let admitted = async { while ask().await.unwrap().status() != 200 {} };
    timeout(SOON, admitted).await.expect("the place comes back");
}

fn ended() -> CallEvent {
    CallEvent::Ended {
        by: EndedBy::Phone,
        reason: "it hung up".to_owned(),
    }
}

#[tokio::test]
async fn the_longest_body_is_the_configured_one() {
    let settings: Settings = toml::from_str("max-body = 100").unwrap();
    let config = settings.or(Settings {
        state_dir: Some("s".into()),
        ..Settings::default()
    });
    let limits = examples::config::Config::from_settings(config).unwrap();
    let gateway = server_with(limits.http.limits).await;
    let post = async |length: usize| {
        let mut stream = connect(&gateway, b"http/1.1").await;
        let body = format!("{:<length$}", http_support::OFFER);
        let ask = format!(
            "POST /v1/calls?to=echo HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             Content-Type: application/sdp\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        stream.write_all(ask.as_bytes()).await.unwrap();
        let mut status = [0; 12];
        stream.read_exact(&mut status).await.unwrap();
        String::from_utf8(status.to_vec()).unwrap()
    };
    assert_eq!(post(100).await, "HTTP/1.1 201");
    assert_eq!(post(101).await, "HTTP/1.1 413");
}
