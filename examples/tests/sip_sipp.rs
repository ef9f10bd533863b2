//! The user agent calls sipp, and sipp calls the echo phone.
//!
//! Needs the program `sipp`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)] // checks fail loudly

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::Stdio;
use std::time::Duration;

use examples::sip::echo::{EchoConfig, EchoPhone};
use examples::sip::{CallEvent, OutgoingCall, Server, Side, Transport, UserAgent, UserAgentConfig};
use tokio::process::{Child, Command};
use tokio::time::timeout;

const LIMIT: Duration = Duration::from_secs(30);
const OFFER: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
    m=audio 40000 RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n";

/// A free port for UDP, TCP and sipp's media.
async fn free_port() -> u16 {
    loop {
        let tcp = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = tcp.local_addr().unwrap();
        if tokio::net::UdpSocket::bind(address).await.is_ok() {
            return address.port();
        }
    }
}

fn sipp(arguments: &[&str], directory: &std::path::Path) -> Child {
    Command::new("sipp")
        .args(arguments)
        .current_dir(directory)
        .env("TERM", "dumb")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("sipp is installed")
}

/// A scratch directory of the test's own: sipp writes logs where it stands.
fn scratch(name: &str) -> std::path::PathBuf {
    let directory = std::env::temp_dir().join(format!("sip_sipp_{name}_{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    directory
}

/// sipp as the phone side, answering one scenario; ready when its port is taken.
async fn phone(scenario: &[&str], transport: Transport, name: &str) -> (Child, Server) {
    let port = free_port().await;
    let mode = match transport {
        Transport::Udp => "u1",
        _ => "t1",
    };
    let (port_text, media) = (port.to_string(), free_port().await.to_string());
    let mut arguments = vec![
        "-i",
        "127.0.0.1",
        "-p",
        &port_text,
        "-t",
        mode,
        "-mp",
        &media,
    ];
    arguments.extend(["-nostdin", "-timeout", "60"]);
    arguments.extend(scenario);
    let child = sipp(&arguments, &scratch(name));
    let address = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
    let ready = async {
        while !is_taken(port, transport) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(LIMIT, ready).await.expect("sipp listens");
    (child, Server::at(address, transport))
}

/// Whether somebody listens. To try the port would be to take it away for a moment.
fn is_taken(port: u16, transport: Transport) -> bool {
    let table = match transport {
        Transport::Udp => "/proc/net/udp",
        _ => "/proc/net/tcp",
    };
    let listener = format!(":{port:04X} 00000000:0000 ");
    std::fs::read_to_string(table).unwrap().contains(&listener)
}

async fn agent() -> UserAgent {
    let local = "127.0.0.1:0".parse().unwrap();
    UserAgent::start(UserAgentConfig::new(local, "gateway".parse().unwrap()))
        .await
        .unwrap()
}

async fn next(call: &mut OutgoingCall) -> CallEvent {
    timeout(LIMIT, call.next())
        .await
        .expect("an event in time")
        .expect("an event")
}

async fn invite(agent: &UserAgent, server: &Server) -> OutgoingCall {
    agent
        .invite(server, &"service".parse().unwrap(), OFFER.to_owned())
        .await
        .unwrap()
}

async fn until_answered(call: &mut OutgoingCall) {
    assert_eq!(next(call).await, CallEvent::Trying);
    assert_eq!(next(call).await, CallEvent::Ringing { sdp: None });
    let event = next(call).await;
    assert!(
        matches!(&event, CallEvent::Answered { sdp } if sdp.contains("m=audio")),
        "{event:?}"
    );
}

async fn finished(child: Child) {
    let output = timeout(LIMIT, child.wait_with_output())
        .await
        .expect("sipp ends")
        .unwrap();
    assert!(
        output.status.success(),
        "sipp: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[tokio::test]
async fn real_sipp_answers_and_we_hang_up() {
    let agent = agent().await;
    for (transport, name) in [(Transport::Udp, "uas_udp"), (Transport::Tcp, "uas_tcp")] {
        let (phone, server) = phone(&["-sn", "uas", "-m", "1"], transport, name).await;
        let mut call = invite(&agent, &server).await;
        until_answered(&mut call).await;
        call.hang_up().await;
        let event = next(&mut call).await;
        assert!(
            matches!(event, CallEvent::Ended { by: Side::Us, .. }),
            "{event:?}"
        );
        finished(phone).await;
    }
    assert_eq!(agent.alive(), (0, 0));
}

/// A phone that refreshes the session, tries to change it, asks for options, and hangs up.
const REINVITE: &str = include_str!("sip_sipp_reinvite.xml");

#[tokio::test]
async fn real_sipp_changes_its_mind_and_hangs_up() {
    let agent = agent().await;
    for (transport, name) in [(Transport::Udp, "re_udp"), (Transport::Tcp, "re_tcp")] {
        let file = scratch(name).join("scenario.xml");
        std::fs::write(&file, REINVITE).unwrap();
        let file = file.to_str().unwrap();
        let (phone, server) = phone(&["-sf", file, "-m", "1"], transport, name).await;
        let mut call = invite(&agent, &server).await;
        until_answered(&mut call).await;
        for answer in [Ok(OFFER.to_owned()), Err("not today".to_owned())] {
            let CallEvent::Offered {
                offer,
                sdp: Some(_),
            } = next(&mut call).await
            else {
                panic!("no offer")
            };
            call.answer(offer, answer);
        }
        let event = next(&mut call).await;
        assert!(
            matches!(
                event,
                CallEvent::Ended {
                    by: Side::Phone,
                    ..
                }
            ),
            "{event:?}"
        );
        finished(phone).await;
    }
    assert_eq!(agent.alive(), (0, 0));
}

#[tokio::test]
async fn real_sipp_takes_a_hundred_calls() {
    let agent = agent().await;
    let (phone, server) = phone(&["-sn", "uas", "-m", "100"], Transport::Udp, "many").await;
    let mut calls = vec![];
    // Ten at a time: a burst overflows socket buffers, and sipp does not always recover from loss.
    for _ in 0..10 {
        let mut batch = vec![];
        for _ in 0..10 {
            batch.push(invite(&agent, &server).await);
        }
        for call in &mut batch {
            until_answered(call).await;
        }
        calls.extend(batch);
    }
    assert_eq!(agent.alive(), (100, 100));
    for call in &mut calls {
        call.hang_up().await;
        let event = next(call).await;
        assert!(
            matches!(event, CallEvent::Ended { by: Side::Us, .. }),
            "{event:?}"
        );
    }
    finished(phone).await;
    assert_eq!(agent.alive(), (0, 0));
}

#[tokio::test]
async fn real_sipp_calls_the_echo_phone() {
    let config = EchoConfig {
        ring_for: Duration::from_millis(50),
        ..EchoConfig::new("127.0.0.1:0".parse().unwrap())
    };
    let phone = EchoPhone::with(config).await.unwrap();
    let remote = phone.addr().to_string();
    for (mode, name) in [("u1", "uac_udp"), ("t1", "uac_tcp")] {
        let (port, media) = (free_port().await.to_string(), free_port().await.to_string());
        let arguments = [
            "-sn",
            "uac",
            "-s",
            "echo",
            "-m",
            "20",
            "-r",
            "20",
            "-d",
            "100",
            "-i",
            "127.0.0.1",
            "-p",
            &port,
            "-mp",
            &media,
            "-t",
            mode,
            "-nostdin",
            "-timeout",
            "60",
            &remote,
        ];
        finished(sipp(&arguments, &scratch(name))).await;
    }
    let quiet = async {
        while phone.calls() != 0 || phone.dialogs() != 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(LIMIT, quiet).await.expect("nothing left over");
}
