//! Many calls at once through the real gateway, to a real phone that sends back what it hears.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)] // a test's panic is its verdict
#![allow(clippy::duplicate_mod)] // both folders have the processes

mod client;
mod support;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use client::api::Api;
use client::browser::Browser;
use client::rtp::{read, sound};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use support::gateway::Gateway;
use support::process::PATIENCE;
use support::sipp::Sipp;
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, timeout};

/// Calls that are up at the same time.
const CALLS: u32 = 50;

/// Packets that each caller wants to hear back: a second of sound.
const PACKETS: usize = 50;

/// What all callers share.
struct Hall {
    gateway: Gateway,
    api: Api,
    /// Where they wait for each other.
    all: Barrier,
    /// The gateway's UDP sockets without a call.
    sockets: usize,
}

impl Hall {
    /// A gateway whose SIP server is `phone`.
    async fn open(phone: &Sipp) -> Self {
        let gateway = Gateway::start("", &["--sip-server", &phone.sip.to_string()]).await;
        let file = gateway.state.join("https-cert.pem");
        let certificate = CertificateDer::from_pem_file(file).unwrap();
        let origin = gateway.page.trim_end_matches('/').to_owned();
        Self {
            api: Api::new(origin, &certificate),
            all: Barrier::new(CALLS as usize),
            sockets: gateway.process.udp_ports().len(),
            gateway,
        }
    }

    /// One call from its offer to its end, and how long it took until media could flow.
    async fn call(self: Arc<Self>, number: u32) -> Duration {
        let start = Instant::now();
        let (call, mut events, mut browser) = self.api.talk("service").await;
        let set_up = start.elapsed();
        self.all.wait().await;
        let open = self.gateway.process.udp_ports().len();
        assert!(open >= self.sockets + CALLS as usize, "{open} sockets");
        self.all.wait().await;
        hear_oneself(number, &mut browser).await;
        self.all.wait().await;
        self.api.hang_up(&call).await;
        assert_eq!(events.last().await["by"], "browser");
        browser.failed().await;
        set_up
    }

    /// Waits until the gateway has closed the sockets of its calls, and ends it.
    async fn close(self) {
        let closed = async {
            while self.gateway.process.udp_ports().len() != self.sockets {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        if timeout(PATIENCE, closed).await.is_err() {
            let left = self.gateway.process.udp_ports().len();
            panic!("{left} UDP sockets are open, not {}", self.sockets);
        }
        self.gateway.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_fifty_calls_at_once() {
    let phone = Sipp::echo(CALLS).await;
    let hall = Arc::new(Hall::open(&phone).await);
    let calls = (0..CALLS).map(|number| hall.clone().call(number));
    let mut calls: JoinSet<_> = calls.collect();
    let mut times = Vec::new();
    while let Some(time) = calls.join_next().await {
        times.push(time.unwrap());
    }
    times.sort();
    let (median, slowest) = (times[times.len() / 2], times[times.len() - 1]);
    println!("{CALLS} calls set up at once: median {median:.2?}, slowest {slowest:.2?}");
    phone.finish().await;
    Arc::into_inner(hall).unwrap().close().await;
}

/// Talks until enough of it has come back. Nobody else must be heard.
async fn hear_oneself(number: u32, browser: &mut Browser) {
    let codec = browser.agreed.codec;
    let mut clock = interval(Duration::from_millis(20));
    let mut heard = HashSet::new();
    let mut said = 0;
    while heard.len() < PACKETS {
        tokio::select! {
            _ = clock.tick() => {
                browser.say(codec, &sound(number, said));
                said += 1;
            }
            packet = browser.hear() => {
                let (header, payload) = read(&packet);
                assert_eq!(header.payload_type, codec);
                let word = |at: usize| u32::from_be_bytes(payload[at..at + 4].try_into().unwrap());
                let (who, what) = (word(0), word(4));
                assert_eq!(payload, sound(who, what), "the payload came back unchanged");
                assert_eq!(who, number, "another call is heard");
                assert!(heard.insert(what), "packet {what} came twice");
            }
        }
    }
}
