//! coturn's clients (Debian package `coturn`) against our responder, over the loopback interface.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)] // checks fail loudly

use std::net::{IpAddr, UdpSocket};
use std::process::Command;
use std::thread;

use bytes::BytesMut;
use stun_codec::Message;
use stun_codec::discovery::Responder;

/// Two addresses that every Linux has.
const IPS: [[u8; 4]; 2] = [[127, 0, 0, 1], [127, 0, 0, 2]];

/// Four sockets of two addresses and two ports, in the order of [`Responder::sockets`].
fn bind() -> (Responder, Vec<UdpSocket>) {
    let ips = IPS.map(IpAddr::from);
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

/// Answers for as long as the test runs.
fn serve() -> Responder {
    let (responder, sockets) = bind();
    let four = responder.sockets();
    for at in 0..4 {
        let sockets: Vec<_> = sockets.iter().map(|it| it.try_clone().unwrap()).collect();
        thread::spawn(move || {
            let mut buffer = [0; 2048];
            loop {
                let (length, from) = sockets[at].recv_from(&mut buffer).unwrap();
                let Ok(request) = Message::parse(&buffer[..length]) else {
                    continue;
                };
                let mut out = BytesMut::new();
                if let Some(reply) = responder.respond(&request, four[at], from, &mut out) {
                    let origin = four.iter().position(|it| *it == reply.from).unwrap();
                    sockets[origin]
                        .send_to(&out[reply.range], reply.to)
                        .unwrap();
                }
            }
        });
    }
    responder
}

fn run(program: &str, arguments: &[&str]) -> String {
    // They wait for ever where no answer comes.
    let output = Command::new("timeout")
        .args(["30", program])
        .args(arguments)
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    println!("{text}");
    assert!(
        output.status.success(),
        "{program} (Debian package coturn): {}",
        output.status
    );
    text
}

#[test]
fn real_stunclient_understands_our_responder() {
    let port = serve().sockets()[0].port().to_string();
    let said = run("turnutils_stunclient", &["-p", &port, "127.0.0.1"]);
    assert!(said.contains("UDP reflexive addr: 127.0.0.1:"), "{said}");
    assert!(
        said.contains("OTHER ADDRESS") || said.contains("127.0.0.2"),
        "{said}"
    );
}

/// It draws its conclusions from what our responder does: nothing is in the way here.
#[test]
fn real_natdiscovery_understands_our_responder() {
    let port = serve().sockets()[0].port().to_string();
    let arguments = ["-m", "-f", "-p", &port, "127.0.0.1"];
    let said = run("turnutils_natdiscovery", &arguments);
    assert!(
        said.contains("NAT with Endpoint Independent Filtering"),
        "{said}"
    );
}
