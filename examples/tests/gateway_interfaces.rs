//! A gateway between two networks: browsers' media on one address, SIP and the phones' media on
//! another, and nothing crosses.
#![cfg(target_os = "linux")] // all of 127.0.0.0/8 is local, and /proc lists sockets
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)] // checks fail loudly

mod client;

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use client::Server;
use client::metrics;
use client::phone::Phone;
use client::rtp::{packet, read, sound};
use examples::config::Settings;
use sdp::Description;
use tokio::net::UdpSocket;

const BROWSERS: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
const PHONES: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 3));
const WORKERS: usize = 2;

/// Where this process's UDP sockets stand, over IPv4.
fn own_sockets() -> Vec<SocketAddr> {
    let descriptors = fs::read_dir("/proc/self/fd").unwrap();
    let names = descriptors.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    let names: Vec<String> = names.map(|name| name.display().to_string()).collect();
    let table = fs::read_to_string("/proc/self/net/udp").unwrap();
    let own = table.lines().skip(1).filter_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let socket = format!("socket:[{}]", fields[9]);
        names.contains(&socket).then(|| local_address(fields[1]))
    });
    own.collect()
}

/// `0200007F:1F90` is 127.0.0.2:8080: the address in the machine's own order, the port not.
fn local_address(hex: &str) -> SocketAddr {
    let (ip, port) = hex.split_once(':').unwrap();
    let ip = u32::from_str_radix(ip, 16).unwrap().to_ne_bytes();
    SocketAddr::new(ip.into(), u16::from_str_radix(port, 16).unwrap())
}

#[tokio::test]
async fn each_side_has_its_address_and_nothing_crosses() {
    let phone = Phone::new().await;
    let server = Server::with(Settings {
        sip_server: Some(phone.server()),
        media_address: Some(vec![BROWSERS.to_string()]),
        phone_address: Some(PHONES.to_string()),
        metrics_listen: Some("127.0.0.1:0".into()),
        workers: Some(WORKERS as i64),
        ..Settings::default()
    })
    .await;
    let sdp = phone.sdp(96);
    let ((call, mut events, mut browser), invite) =
        tokio::join!(server.dial("alice"), phone.pick_up(&sdp));
    events.until("answered").await;

    let own = own_sockets();
    let count = |ip: IpAddr| own.iter().filter(|local| local.ip() == ip).count();
    assert_eq!(count(BROWSERS), WORKERS, "one for each worker: {own:?}");
    assert_eq!(count(PHONES), 3, "SIP, RTP and RTCP: {own:?}");
    assert!(own.iter().all(|local| !local.ip().is_unspecified()));

    let offer = Description::parse(invite.body()).unwrap();
    let phone_port = SocketAddr::new(PHONES, offer.media()[0].port());
    assert!(invite.body().contains("\r\nc=IN IP4 127.0.0.3\r\n"));
    assert!(!invite.body().contains("127.0.0.2") && !call.answer.contains("127.0.0.3"));
    let browser_port = browser.agreed.media.unwrap();
    assert_eq!(browser_port.ip(), BROWSERS);

    let codec = browser.agreed.codec;
    let stranger = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    for number in 0..20_u16 {
        // What is good at one port is nothing at the other, whoever sends it.
        let forged = packet(0, number, &sound(9, number.into()));
        phone.rtp.send_to(&forged, browser_port).await.unwrap();
        stranger.send_to(&forged, browser_port).await.unwrap();
        stranger.send_to(&forged, phone_port).await.unwrap();

        let (said, answered) = (sound(1, number.into()), sound(2, number.into()));
        browser.say(codec, &said);
        let (heard, from) = phone.hear().await;
        assert_eq!((read(&heard).1, from), (&said[..], phone_port));
        let spoken = packet(0, number, &answered);
        phone.rtp.send_to(&spoken, phone_port).await.unwrap();
        assert_eq!(read(&browser.hear().await).1, answered);
    }
    let stats = server.stats(&call).await;
    assert_eq!(stats["to_browser"]["drops"]["wrong_source"], 20);
    assert_eq!(stats["to_browser"]["sent"]["packets"], 20);
    let text = metrics::scrape(server.gateway.metrics().unwrap().local_addr()).await;
    let foreign = "crosspoint_dropped_total{direction=\"to_phone\",reason=\"unroutable\"}";
    // An answer to a check that nobody waits for any more may be among them.
    let foreign: u32 = metrics::value(&text, foreign).parse().unwrap();
    assert!(foreign >= 40, "{foreign}");
    server.hang_up(&call).await;
}

#[tokio::test]
async fn an_address_that_cannot_reach_the_server_is_told_at_start() {
    let state = std::env::temp_dir().display().to_string();
    let config = toml::from_str(&format!(
        "sip-server = '127.0.0.1:5060'\nphone-address = '::1'\nstate-dir = '{state}'\nturn = false"
    ));
    let config = examples::config::Config::from_settings(config.unwrap()).unwrap();
    let error = examples::gateway::Gateway::start(&config)
        .await
        .unwrap_err();
    assert!(
        error.to_string().starts_with("phone-address: ::1 "),
        "{error}"
    );
}
