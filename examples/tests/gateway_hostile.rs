//! Ten thousand malformed messages of every kind during ten calls of one gateway: the calls go on,
//! packet for packet, and the gateway's memory stays as it was.
//!
//! The gateway is the real binary. The attacker is on the wire of each browser, is the phone when
//! he wants to, and a stranger else. He waits for each round of the calls' own packets, which
//! stand behind his in the same queues: nothing here depends on time, and the same seed sends the
//! same messages to the same ports.
#![cfg(target_os = "linux")] // /proc tells a process's memory
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)] // a test's panic is its verdict
#![allow(clippy::duplicate_mod)] // both folders have the processes

mod client;
mod hostile;
mod support;

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;

use client::agreed::Agreed;
use client::api::{Api, Call};
use client::browser::{Browser, Caller};
use client::events::Events;
use client::metrics;
use client::phone::{Message, Phone, media_of};
use client::rtp::{packet, read, sound};
use hostile::web::Answers;
use hostile::wire::Wire;
use hostile::{Random, messages, web};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use support::gateway::Gateway;
use support::process::{PATIENCE, free_port};
use tokio::net::UdpSocket;
use tokio::time::timeout;

const SEED: u64 = 0x5eed;
const CALLS: usize = 10;
const ROUNDS: usize = 250;
/// Rounds until memory has its size: buffers have been used, caches filled.
const WARM_UP: usize = 50;
/// Datagrams of each kind in a round.
const STUN: usize = 8;
const DTLS: usize = 8;
const SRTP: usize = 8;
const RTP: usize = 8;
const SIP: usize = 5;
/// Messages over HTTPS in all rounds together.
const HTTP: usize = 500;
const SDP: usize = 500;
/// What the gateway may grow by after the warm-up, in KiB.
const GROWTH: usize = 16 * 1024;

/// A call whose browser hangs on a wire, and whose phone is a socket.
struct Talk {
    call: Call,
    events: Events,
    browser: Browser,
    wire: Wire,
    phone: UdpSocket,
    /// The gateway's port for the phone.
    port: SocketAddr,
    /// The gateway's port for the browser.
    media: SocketAddr,
}

impl Talk {
    /// Calls, and waits until both sides can be heard. Answers the INVITE, too.
    async fn begin(api: &Api, desk: &Phone) -> (Self, Message) {
        let mut wire = Wire::new().await;
        let mut caller = Caller::new().await;
        let own = caller.candidates[0].clone();
        let port_of = |line: &str| line.split(' ').nth(5).unwrap().parse::<u16>().unwrap();
        let behind = SocketAddr::from(([127, 0, 0, 1], port_of(&own)));
        let at = |port| format!("127.0.0.1 {port} typ");
        let seen = own.replace(&at(behind.port()), &at(wire.as_browser.port()));
        caller.candidates = vec![seen];

        let phone = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let sdp = format!(
            "v=0\r\no=- 2 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
             m=audio {} RTP/AVP 0\r\n",
            phone.local_addr().unwrap().port()
        );
        let (call, invite) = tokio::join!(api.call("alice", caller.offer()), desk.pick_up(&sdp));
        let media = Agreed::read(&call.answer).media.unwrap();
        wire.join(behind, media).await;
        let answer = call
            .answer
            .replace(&at(media.port()), &at(wire.as_gateway.port()));
        let mut events = api.follow(&call).await;
        let mut browser = caller.join(&answer);
        browser.connected().await;
        events.until("answered").await;
        let port = media_of(&invite);
        phone.connect(port).await.unwrap();
        let talk = Self {
            call,
            events,
            browser,
            wire,
            phone,
            port,
            media,
        };
        (talk, invite)
    }

    /// One packet each way, which must be the next that is heard.
    async fn exchange(&mut self, caller: usize, round: usize) {
        let (caller, number) = (caller as u32, round as u32);
        let said = sound(caller, number);
        self.browser.say(self.browser.agreed.codec, &said);
        let mut buffer = [0; 2048];
        let heard = timeout(PATIENCE, self.phone.recv(&mut buffer)).await;
        let length = heard.expect("the phone hears").unwrap();
        assert_eq!(read(&buffer[..length]).1, said, "call {caller}, {round}");
        // Only now: before, the gateway may still wait for the end of the browser's handshake.
        let answered = sound(1000 + caller, number);
        let spoken = packet(0, round as u16, &answered);
        self.phone.send(&spoken).await.unwrap();
        let heard = self.browser.hear().await;
        assert_eq!(read(&heard).1, answered, "call {caller}, {round}");
    }

    /// Malformed datagrams at both ports of the call.
    async fn attack(&self, round: usize, stranger: &UdpSocket) {
        let of = |kind: &str, index: usize| Random::of(SEED, kind, round * 100 + index);
        for index in 0..STUN + DTLS + SRTP {
            let (kind, mut random) = match index {
                0..STUN => ("STUN", of("STUN", index)),
                _ if index < STUN + DTLS => ("DTLS", of("DTLS", index)),
                _ => ("SRTP", of("SRTP", index)),
            };
            let forged = {
                let seen = self.wire.seen.lock().unwrap();
                let seen = match kind {
                    "STUN" => &seen.stun,
                    "DTLS" => &seen.dtls,
                    _ => &seen.srtp,
                };
                let original = &seen[random.below(seen.len())];
                random.mutate(original)
            };
            // Three of four come from the browser's own address.
            match index % 4 {
                0 => drop(stranger.send_to(&forged, self.media).await),
                _ => self.wire.forge(&forged).await,
            }
        }
        let messages = messages::rtp();
        for index in 0..RTP {
            let mut random = of("RTP", index);
            let original = random.pick(&messages).clone();
            let mut forged = random.mutate(&original);
            if index % 4 == 0 {
                let _ = stranger.send_to(&forged, self.port).await;
                continue;
            }
            // From the phone itself a packet that is still whole would be heard.
            if let Some(first) = forged.first_mut() {
                *first &= 0x3f;
            }
            let _ = self.phone.send(&forged).await;
        }
    }
}

/// The memory that a process has in use, in KiB.
fn resident(process: u32) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.unwrap()
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .unwrap()
}

/// Attacks and lets all calls speak, round by round. Answers the gateway's memory after the
/// warm-up.
async fn rounds(talks: &mut [Talk], invites: &[Message], gateway: u32) -> usize {
    let contact = invites[0].value("Contact");
    let sip = contact.split(['@', '>', ';']).nth(1).unwrap();
    let requests = invites
        .iter()
        .map(|invite| messages::sip(sip, &invite.value("Call-ID")));
    let requests = requests.collect::<Vec<_>>().concat();
    let stranger = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let mut memory = 0;
    for round in 0..ROUNDS {
        if round == WARM_UP {
            memory = resident(gateway);
        }
        // The first round shows the attacker what there is.
        if round > 0 {
            talks[round % CALLS].attack(round, &stranger).await;
            for index in 0..SIP {
                let mut random = Random::of(SEED, "SIP", round * 100 + index);
                let original = random.pick(&requests).clone();
                let _ = stranger.send_to(&random.mutate(&original), sip).await;
            }
        }
        for (caller, talk) in talks.iter_mut().enumerate() {
            talk.exchange(caller, round).await;
        }
    }
    memory
}

/// Says what was sent and what became of it, past the harness, which shows only what fails.
fn report(http: &Answers, sdp: &Answers, memory: (usize, usize), drops: &[(&str, u64)]) {
    let attacks = ROUNDS - 1;
    let datagrams = attacks * (STUN + DTLS + SRTP + RTP + SIP);
    let sent = datagrams + HTTP + SDP;
    assert!(sent >= 10_000, "{sent}");
    let (before, after) = memory;
    let mut lines = vec![
        format!("{sent} malformed messages from seed {SEED:#x} during {CALLS} calls:"),
        format!(
            "  STUN {}, DTLS {}, SRTP {}, RTP {}, SIP {}",
            attacks * STUN,
            attacks * DTLS,
            attacks * SRTP,
            attacks * RTP,
            attacks * SIP
        ),
        format!("  HTTP {HTTP}, answered {http:?}"),
        format!("  SDP {SDP}, answered {sdp:?}"),
        format!(
            "  {} packets of sound sent and heard, none lost",
            2 * CALLS * ROUNDS
        ),
        format!("  memory of the gateway: {before} KiB, then {after} KiB"),
    ];
    for (what, count) in drops.iter().filter(|(_, count)| *count > 0) {
        lines.push(format!("  dropped {what} {count}"));
    }
    let _ = writeln!(std::io::stderr(), "\n{}", lines.join("\n"));
}

/// Hangs up, and waits until everybody knows.
async fn end(mut talk: Talk, api: &Api, desk: &Phone) {
    api.hang_up(&talk.call).await;
    let bye = desk.request("BYE").await;
    desk.answer(&bye, "200 OK", "").await;
    assert_eq!(talk.events.last().await["by"], "browser");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_calls_outlive_ten_thousand_malformed_messages() {
    let desk = Phone::new().await;
    let listener = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let config = format!("metrics-listen = \"{listener}\"\n");
    let mut gateway = Gateway::start(&config, &["--sip-server", &desk.server()]).await;
    let certificate = CertificateDer::from_pem_file(gateway.state.join("https-cert.pem")).unwrap();
    let origin = gateway.page.trim_end_matches('/').to_owned();
    let api = Arc::new(Api::new(origin.clone(), &certificate));
    let (mut talks, mut invites) = (Vec::new(), Vec::new());
    for _ in 0..CALLS {
        let (talk, invite) = Talk::begin(&api, &desk).await;
        talks.push(talk);
        invites.push(invite);
    }

    let offer = Caller::new().await.offer();
    let address = origin.trim_start_matches("https://").parse().unwrap();
    let door = web::Door::new(address, &certificate);
    let requests = messages::http(&offer);
    let knocking = tokio::spawn(async move { door.knock(&requests, SEED, HTTP).await });
    let visitor = api.clone();
    let offering = tokio::spawn(async move { web::offer(&visitor, &offer, SEED, SDP).await });
    let process = gateway.process.id();
    let before = rounds(&mut talks, &invites, process).await;
    let (http, sdp) = (knocking.await.unwrap(), offering.await.unwrap());
    let after = resident(process);
    let told = metrics::scrape(listener).await;
    let drops = metrics::drops(&told);
    report(&http, &sdp, (before, after), &drops);

    assert!(after < before + GROWTH, "it grew by {} KiB", after - before);
    for reason in ["unroutable", "srtp_refused", "wrong_source", "malformed"] {
        let reached = drops
            .iter()
            .any(|(what, count)| what.contains(reason) && *count > 0);
        assert!(reached, "nothing was dropped as {reason}");
    }
    assert!(!http.contains_key("500") && !sdp.contains_key("500"));
    for talk in talks {
        let stats = api.stats(&talk.call).await;
        for direction in ["to_phone", "to_browser"] {
            assert_eq!(stats[direction]["sent"]["packets"], ROUNDS, "{stats}");
        }
        end(talk, &api, &desk).await;
    }
    // Whoever calls now is served as ever.
    let (mut talk, _) = Talk::begin(&api, &desk).await;
    talk.exchange(0, 0).await;
    end(talk, &api, &desk).await;
    let said = gateway.process.output();
    assert!(!said.contains("panicked"), "{said}");
    gateway.close().await;
}
