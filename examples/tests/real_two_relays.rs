//! A browser whose TURN server goes away while another one is there: announced, and without a word.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)] // a test's panic is its verdict

mod support;

use std::ops::RangeInclusive;
use std::time::Duration;

use serde_json::Value;
use support::browser::{Browser, Make};
use support::chromium::TONE;
use support::desk::Desk;
use support::gateway::Gateway;
use support::process::{PATIENCE, Process, Scratch, free_port};
use tokio::process::Command;

/// An address of this machine that is not loopback: Chromium lets no server send it there.
fn address() -> String {
    let interfaces = if_addrs::get_if_addrs().unwrap();
    let mut all = interfaces.iter().map(if_addrs::Interface::ip);
    let usable = all.find(|ip| ip.is_ipv4() && !ip.is_loopback());
    usable.expect("an address beside loopback").to_string()
}

/// A `turn-server` with ports of its own.
struct Relay {
    process: Process,
    ports: RangeInclusive<u16>,
    _folder: Scratch,
}

impl Relay {
    /// Starts one that sends its clients to the other while it goes down.
    async fn start(port: u16, other: u16, ports: RangeInclusive<u16>) -> Self {
        let folder = Scratch::new("turn-server");
        let file = folder.join("turn-server.toml");
        let (ip, first, last) = (address(), ports.start(), ports.end());
        let config = format!(
            "realm = 'example.org'\n\
             users = [{{ name = 'alice', password = 'secret' }}]\n\
             listen-udp = ['{ip}:{port}']\n\
             listen-tcp = []\n\
             relay-ports = '{first}-{last}'\n\
             allow-peers = ['{ip}']\n\
             alternate-server = '{ip}:{other}'\n\
             drain-time = 600\n"
        );
        std::fs::write(&file, config).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_turn-server"));
        let mut process = Process::start("turn-server", command.arg("--config").arg(file));
        process.listens_on(port).await.unwrap();
        Self {
            process,
            ports,
            _folder: folder,
        }
    }

    fn relays(&self, local: &Value) -> bool {
        let port = local["port"]
            .as_u64()
            .and_then(|port| u16::try_from(port).ok());
        port.is_some_and(|port| self.ports.contains(&port))
    }
}

/// Two servers, and a page that is told of those at `told` and calls through them alone.
async fn desk(told: &[u16], servers: [u16; 2]) -> (Desk, [Relay; 2]) {
    let [first, second] = servers;
    let relays = [
        Relay::start(first, second, 17_000..=17_099).await,
        Relay::start(second, first, 17_100..=17_199).await,
    ];
    let ip = address();
    let servers = told.iter().map(|port| {
        format!(
            "{{ urls = ['turn:{ip}:{port}?transport=udp'], \
             username = 'alice', credential = 'secret' }}"
        )
    });
    let servers: Vec<String> = servers.collect();
    let config = format!("ice-servers = [{}]", servers.join(", "));
    let gateway = Gateway::start_without_turn(&ip, &config).await;
    let browser = Browser::open(Make::Chromium, &gateway.page).await;
    browser.relay_only(None).await;
    browser.dial("echo").await;
    browser.state("answered").await;
    let mut desk = Desk { gateway, browser };
    desk.page_hears(TONE).await;
    (desk, relays)
}

/// Waits until the call goes through a server.
async fn goes_through(desk: &Desk, relay: &mut Relay) {
    let moved = async {
        loop {
            let local = desk.browser.relayed_path().await;
            if relay.relays(&local) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    let moved = tokio::time::timeout(PATIENCE, moved).await;
    let shown = desk.browser.text("#pair").await;
    let said = relay.process.output();
    let errors = desk.browser.script("return window.iceErrors").await;
    assert!(moved.is_ok(), "the call goes by {shown}; {errors}\n{said}");
}

/// SIGTERM: the call lives on, and whoever wants something new is sent to the other server (300).
#[tokio::test]
async fn real_chromium_is_sent_from_a_server_that_goes_down_to_another() {
    let servers = [free_port(), free_port()];
    let (mut desk, [mut first, mut second]) = desk(&servers[..1], servers).await;
    goes_through(&desk, &mut first).await;
    first.process.signal("-TERM").await;
    desk.page_hears(TONE).await;
    goes_through(&desk, &mut first).await;

    // It asks the only server that it was told of, for a new allocation.
    let restart = "return window.crosspoint.lastCall.restartIce().then(() => true)";
    desk.browser.script(restart).await;
    goes_through(&desk, &mut second).await;
    first.process.kill().await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    desk.page_hears(TONE).await;
    goes_through(&desk, &mut second).await;
    desk.browser.hang_up().await;
    desk.browser.state("ended").await;
    desk.close().await;
}

/// The server of the path is killed: the page finds its way by the other one.
#[tokio::test]
async fn real_chromium_goes_on_by_the_other_server_when_one_is_killed() {
    let servers = [free_port(), free_port()];
    let (mut desk, relays) = desk(&servers, servers).await;
    let local = desk.browser.relayed_path().await;
    let [first, second] = relays;
    let (killed, mut left) = match first.relays(&local) {
        true => (first, second),
        false => (second, first),
    };
    killed.process.kill().await;
    goes_through(&desk, &mut left).await;
    desk.page_hears(TONE).await;
    desk.browser.hang_up().await;
    desk.browser.state("ended").await;
    desk.close().await;
}
