//! The network between one browser and the gateway, in the hands of somebody who sees every
//! datagram and can send his own from the browser's address.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::net::UdpSocket;
use tokio::task::JoinHandle;

/// Datagrams of each kind that are kept to be changed.
const KEPT: usize = 32;

/// What the browser has sent, by its first byte (RFC 7983 §7).
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// ICE checks and answers.
    pub(crate) stun: VecDeque<Vec<u8>>,
    /// The handshake.
    pub(crate) dtls: VecDeque<Vec<u8>>,
    /// Media, encrypted.
    pub(crate) srtp: VecDeque<Vec<u8>>,
}

impl Seen {
    fn keep(&mut self, datagram: &[u8]) {
        let kind = match datagram.first() {
            Some(0..=3) => &mut self.stun,
            Some(20..=63) => &mut self.dtls,
            Some(128..=191) => &mut self.srtp,
            _ => return,
        };
        kind.push_back(datagram.to_vec());
        if kind.len() > KEPT {
            kind.pop_front();
        }
    }
}

/// A wire with two ends.
pub(crate) struct Wire {
    /// What the gateway takes for the browser.
    pub(crate) as_browser: SocketAddr,
    /// What the browser takes for the gateway.
    pub(crate) as_gateway: SocketAddr,
    /// What the browser has sent so far.
    pub(crate) seen: Arc<Mutex<Seen>>,
    outside: Arc<UdpSocket>,
    task: Option<JoinHandle<()>>,
    inside: Arc<UdpSocket>,
}

impl Wire {
    pub(crate) async fn new() -> Self {
        let outside = Arc::new(UdpSocket::bind("127.0.0.1:0").await.unwrap());
        let inside = Arc::new(UdpSocket::bind("127.0.0.1:0").await.unwrap());
        Self {
            as_browser: outside.local_addr().unwrap(),
            as_gateway: inside.local_addr().unwrap(),
            seen: Arc::default(),
            outside,
            task: None,
            inside,
        }
    }

    /// Carries datagrams from now on.
    pub(crate) async fn join(&mut self, browser: SocketAddr, gateway: SocketAddr) {
        self.outside.connect(gateway).await.unwrap();
        self.inside.connect(browser).await.unwrap();
        let (outside, inside, seen) =
            (self.outside.clone(), self.inside.clone(), self.seen.clone());
        self.task = Some(tokio::spawn(async move {
            let (mut up, mut down) = ([0; 2048], [0; 2048]);
            loop {
                tokio::select! {
                    Ok(length) = inside.recv(&mut up) => {
                        seen.lock().unwrap().keep(&up[..length]);
                        let _ = outside.send(&up[..length]).await;
                    }
                    Ok(length) = outside.recv(&mut down) => {
                        let _ = inside.send(&down[..length]).await;
                    }
                }
            }
        }));
    }

    /// Sends to the gateway what the browser never sent.
    pub(crate) async fn forge(&self, datagram: &[u8]) {
        let _ = self.outside.send(datagram).await;
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}
