//! `stun-ping` and `nat-behaviour` against our own responder, over the loopback interface.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::io::{Read, Write};
use std::net::{IpAddr, TcpListener, UdpSocket};
use std::process::Command;
use std::thread;

use bytes::BytesMut;
use serde_json::Value;
use stun_codec::discovery::Responder;
use stun_codec::{Message, respond};

/// Four sockets of two addresses and two ports, in the order of [`Responder::sockets`].
fn bind() -> (Responder, Vec<UdpSocket>) {
    let ips = [[127, 0, 0, 1], [127, 0, 0, 2]].map(IpAddr::from);
    for _ in 0..50 {
        let free = [(); 2].map(|()| UdpSocket::bind((ips[0], 0)).unwrap());
        let ports = free.each_ref().map(|it| it.local_addr().unwrap().port());
        drop(free);
        let responder = Responder::new(ips, ports).unwrap();
        let bound: Result<Vec<_>, _> = (responder.sockets().into_iter())
            .map(UdpSocket::bind)
            .collect();
        if let Ok(sockets) = bound {
            return (responder, sockets);
        }
    }
    panic!("no four ports are free");
}

/// Answers for as long as the test runs; `may_change` is whether it answers from elsewhere.
fn serve(may_change: bool) -> String {
    let (responder, sockets) = bind();
    let four = responder.sockets();
    for at in 0..4 {
        let sockets: Vec<_> = sockets.iter().map(|it| it.try_clone().unwrap()).collect();
        thread::spawn(move || {
            let mut buffer = [0; 2048];
            loop {
                let (length, from) = sockets[at].recv_from(&mut buffer).unwrap();
                let request = Message::parse(&buffer[..length]).unwrap();
                let mut out = BytesMut::new();
                let (origin, range) = match may_change {
                    true => {
                        let reply = responder.respond(&request, four[at], from, &mut out);
                        let reply = reply.unwrap();
                        (reply.from, reply.range)
                    }
                    false => (four[at], respond(&request, from, &mut out).unwrap()),
                };
                let origin = four.iter().position(|it| *it == origin).unwrap();
                sockets[origin].send_to(&out[range], from).unwrap();
            }
        });
    }
    four[0].to_string()
}

fn run(program: &str, arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(program).args(arguments).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (
        output.status.code(),
        String::from_utf8_lossy(&text).into_owned(),
    )
}

const PING: &str = env!("CARGO_BIN_EXE_stun-ping");
const BEHAVIOUR: &str = env!("CARGO_BIN_EXE_nat-behaviour");

#[test]
fn a_server_tells_our_address_over_udp() {
    let server = serve(true);
    let (status, said) = run(PING, &["--json", &server]);
    assert_eq!(status, Some(0), "{said}");
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(said["mapped"], said["local"]);
    assert!(said["ms"].as_f64().unwrap() < 5000.0);
    let (status, said) = run(PING, &[&server]);
    assert_eq!(status, Some(0));
    // On loopback both are the same, whichever of this machine's addresses that is.
    let words: Vec<_> = said.split_whitespace().collect();
    assert_eq!(words[..4].join(" "), format!("{0} is seen as", words[0]));
    assert_eq!(words[0], words[4], "{said}");
}

#[test]
fn a_server_tells_our_address_over_tcp() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        let (mut stream, from) = listener.accept().unwrap();
        let mut request = [0; 28];
        stream.read_exact(&mut request).unwrap();
        let mut out = BytesMut::new();
        respond(&Message::parse(&request).unwrap(), from, &mut out).unwrap();
        stream.write_all(&out).unwrap();
    });
    let (status, said) = run(PING, &["--tcp", "--json", &server]);
    assert_eq!(status, Some(0), "{said}");
}

#[test]
fn silence_and_refusal_are_told() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let server = silent.local_addr().unwrap().to_string();
    let (status, said) = run(PING, &["--json", "--patience", "0.3", &server]);
    assert_eq!(status, Some(1));
    assert!(said.contains("no answer to 5 requests"), "{said}");
    // Nobody listens where somebody has just closed.
    let closed = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = closed.local_addr().unwrap().to_string();
    drop(closed);
    let (status, said) = run(PING, &["--tcp", &server]);
    assert_eq!(status, Some(1));
    assert!(said.contains("no way to the server"), "{said}");
    let (status, _) = run(PING, &["--patience", "-1", &server]);
    assert_eq!(status, Some(2));
}

#[test]
fn the_loopback_interface_is_no_nat() {
    let server = serve(true);
    let (status, said) = run(BEHAVIOUR, &["--json", &server]);
    assert_eq!(status, Some(0), "{said}");
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(said["nat"], false);
    for question in ["mapping", "filtering"] {
        assert_eq!(said[question]["behaviour"], "endpoint-independent");
    }
    let (status, said) = run(BEHAVIOUR, &[&server]);
    assert_eq!(status, Some(0));
    assert!(said.contains("no NAT on the way"), "{said}");
}

#[test]
fn a_plain_server_cannot_tell() {
    let (status, said) = run(BEHAVIOUR, &[&serve(false)]);
    assert_eq!(status, Some(1));
    assert!(
        said.contains("does not support behaviour discovery"),
        "{said}"
    );
}
