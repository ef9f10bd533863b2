//! A browser's place on the port that all browsers share, and who may take it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)] // checks fail loudly

mod client;

use std::net::SocketAddr;

use client::agreed::{Agreed, Remote};
use client::browser::Caller;
use client::ice::{check, grant};
use client::{Call, PATIENCE, Server};
use examples::config::Settings;
use tokio::net::UdpSocket;
use tokio::time::timeout;

/// A call, and its browser's side of ICE by hand.
struct Leg {
    call: Call,
    gateway: Remote,
    password: String,
}

impl Leg {
    async fn new(server: &Server) -> Self {
        let offer = Caller::new().await.offer();
        let password = offer
            .lines()
            .find_map(|line| line.strip_prefix("a=ice-pwd:"));
        let password = password.unwrap().to_owned();
        let call = server.call("echo", offer).await;
        let gateway = Agreed::read(&call.answer).remote;
        Self {
            call,
            gateway,
            password,
        }
    }

    fn media(&self) -> SocketAddr {
        self.gateway.candidates[0].socket_addr().unwrap()
    }

    async fn ask(&self, socket: &UdpSocket, id: u8) {
        let check = check(&self.gateway, id);
        socket.send_to(&check, self.media()).await.unwrap();
    }

    /// Asks from a socket, and answers the check that comes back.
    async fn prove(&self, socket: &UdpSocket) {
        self.ask(socket, 1).await;
        let mut buffer = [0; 2048];
        let granted = async {
            loop {
                let (len, from) = socket.recv_from(&mut buffer).await.unwrap();
                let here = socket.local_addr().unwrap();
                if let Some(answer) = grant(&self.gateway, &self.password, here, &buffer[..len]) {
                    socket.send_to(&answer, from).await.unwrap();
                    return;
                }
            }
        };
        timeout(PATIENCE, granted).await.expect("a check");
    }

    /// Media that came to this call, before it has keys.
    async fn heard(&self, server: &Server) -> u64 {
        let stats = server.stats(&self.call).await;
        stats["browser"]["before_keys"].as_u64().unwrap()
    }
}

#[tokio::test]
async fn whoever_was_at_an_address_before_cannot_take_it_back_by_asking() {
    let server = Server::with(Settings {
        workers: Some(1),
        ..Settings::default()
    })
    .await;
    let (old, new) = (Leg::new(&server).await, Leg::new(&server).await);
    assert_eq!(old.media(), new.media(), "one port for both");
    // A NAT gives one browser's address to another; the first one can still forge it.
    let address = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    old.prove(&address).await;
    new.prove(&address).await;
    for (turn, expected) in (1..=2).zip([[0, 1], [0, 2]]) {
        address.send_to(&[0x80; 40], new.media()).await.unwrap();
        let mut heard = [0, 0];
        while heard[0] + heard[1] < turn {
            heard = [old.heard(&server).await, new.heard(&server).await];
        }
        assert_eq!(heard, expected);
        old.ask(&address, 2).await;
    }
}
