//! The user agent calls the echo phone, and nobody.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)] // checks fail loudly

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use examples::sip::echo::{EchoConfig, EchoPhone};
use examples::sip::{
    CallEvent, InviteError, OutgoingCall, Server, Side, StartError, Transport, User, UserAgent,
    UserAgentConfig,
};
use tokio::net::UdpSocket;
use tokio::time::{Instant, timeout};

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// Far more than anything here takes.
const LIMIT: Duration = Duration::from_secs(20);

fn any_port() -> SocketAddr {
    SocketAddr::new(LOOPBACK, 0)
}

async fn agent() -> UserAgent {
    agent_with(|_| {}).await
}

async fn agent_with(change: impl FnOnce(&mut UserAgentConfig)) -> UserAgent {
    let mut config = UserAgentConfig::new(any_port(), "gateway".parse().unwrap());
    change(&mut config);
    UserAgent::start(config).await.unwrap()
}

async fn phone(change: impl FnOnce(&mut EchoConfig)) -> EchoPhone {
    let mut config = EchoConfig::new(any_port());
    config.ring_for = Duration::from_millis(50);
    change(&mut config);
    EchoPhone::with(config).await.unwrap()
}

fn offer(port: u16) -> String {
    format!(
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
         m=audio {port} RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\n\
         a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=sendrecv\r\n"
    )
}

async fn call(agent: &UserAgent, server: &Server, user: &str) -> OutgoingCall {
    agent
        .invite(server, &user.parse().unwrap(), offer(40000))
        .await
        .unwrap()
}

async fn next(call: &mut OutgoingCall) -> CallEvent {
    timeout(LIMIT, call.next())
        .await
        .expect("an event in time")
        .expect("an event")
}

async fn until_ringing(call: &mut OutgoingCall) {
    assert_eq!(next(call).await, CallEvent::Trying);
    assert_eq!(next(call).await, CallEvent::Ringing { sdp: None });
}

async fn until_answered(call: &mut OutgoingCall) -> String {
    until_ringing(call).await;
    match next(call).await {
        CallEvent::Answered { sdp } => sdp,
        other => panic!("{other:?} instead of an answer"),
    }
}

/// The last event; nothing may follow it.
async fn last(call: &mut OutgoingCall) -> CallEvent {
    loop {
        let event = next(call).await;
        if event.is_final() {
            assert_eq!(timeout(LIMIT, call.next()).await, Ok(None));
            return event;
        }
    }
}

/// Both sides forget the call.
async fn all_quiet(agent: &UserAgent, phone: &EchoPhone) {
    let quiet = async {
        while agent.alive() != (0, 0) || phone.calls() != 0 || phone.dialogs() != 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let state = || (agent.alive(), phone.calls(), phone.dialogs());
    timeout(LIMIT, quiet)
        .await
        .unwrap_or_else(|_| panic!("left over: {:?}", state()));
}

fn ended_by(side: Side) -> impl Fn(&CallEvent) -> bool {
    move |event| matches!(event, CallEvent::Ended { by, .. } if *by == side)
}

#[tokio::test]
async fn we_hang_up_over_udp_and_tcp() {
    let (agent, phone) = (agent().await, phone(|_| {}).await);
    for transport in [Transport::Udp, Transport::Tcp] {
        let mut call = call(&agent, &phone.server(transport), "echo").await;
        let answer = until_answered(&mut call).await;
        assert!(answer.contains("RTP/AVP 0 101\r\n"), "{answer}");
        assert_eq!(phone.calls(), 1);
        call.hang_up().await;
        let event = last(&mut call).await;
        assert!(ended_by(Side::Us)(&event), "{transport}: {event:?}");
        all_quiet(&agent, &phone).await;
        call.hang_up().await; // once more: no error
    }
}

#[tokio::test]
async fn the_phone_hangs_up_over_udp_and_tcp() {
    let phone = phone(|config| config.brief_for = Duration::from_millis(100)).await;
    let agent = agent().await;
    for transport in [Transport::Udp, Transport::Tcp] {
        let mut call = call(&agent, &phone.server(transport), "brief").await;
        until_answered(&mut call).await;
        let event = last(&mut call).await;
        assert!(ended_by(Side::Phone)(&event), "{transport}: {event:?}");
        all_quiet(&agent, &phone).await;
    }
}

#[tokio::test]
async fn a_dropped_call_is_hung_up() {
    let (agent, phone) = (agent().await, phone(|_| {}).await);
    let mut up = call(&agent, &phone.server(Transport::Udp), "echo").await;
    let mut ringing = call(&agent, &phone.server(Transport::Udp), "ring").await;
    until_answered(&mut up).await;
    until_ringing(&mut ringing).await;
    drop((up, ringing));
    all_quiet(&agent, &phone).await;
}

#[tokio::test]
async fn what_is_sent_comes_back() {
    let (agent, phone) = (agent().await, phone(|_| {}).await);
    let socket = UdpSocket::bind(any_port()).await.unwrap();
    let offer = offer(socket.local_addr().unwrap().port());
    let server = phone.server(Transport::Udp);
    let mut call = agent
        .invite(&server, &"echo".parse().unwrap(), offer)
        .await
        .unwrap();
    let answer = until_answered(&mut call).await;
    let port = answer
        .split_once("m=audio ")
        .unwrap()
        .1
        .split(' ')
        .next()
        .unwrap();
    let remote = SocketAddr::new(LOOPBACK, port.parse().unwrap());
    let mut heard = vec![];
    for number in 0..5_u8 {
        let mut packet = vec![0x80, 0, 0, number, 0, 0, number, 0, 1, 2, 3, 4];
        packet.extend([number; 160]);
        socket.send_to(&packet, remote).await.unwrap();
        let mut buffer = [0; 500];
        let (length, from) = timeout(LIMIT, socket.recv_from(&mut buffer))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(from, remote);
        assert_eq!(&buffer[12..length], &[number; 160]);
        assert_ne!(&buffer[8..12], &[1, 2, 3, 4], "its own SSRC");
        heard.push(u16::from_be_bytes([buffer[2], buffer[3]]));
    }
    assert!(
        heard
            .windows(2)
            .all(|pair| pair[1] == pair[0].wrapping_add(1)),
        "{heard:?}"
    );
}

#[tokio::test]
async fn cancel_while_it_rings() {
    let (agent, phone) = (agent().await, phone(|_| {}).await);
    for transport in [Transport::Udp, Transport::Tcp] {
        let mut call = call(&agent, &phone.server(transport), "ring").await;
        until_ringing(&mut call).await;
        call.hang_up().await;
        assert_eq!(last(&mut call).await, CallEvent::Cancelled);
        all_quiet(&agent, &phone).await;
    }
}

#[tokio::test]
async fn cancel_at_any_moment_leaks_nothing() {
    let phone = phone(|config| config.ring_for = Duration::from_millis(10)).await;
    let agent = agent().await;
    for delay in (0..40).map(Duration::from_millis) {
        let mut call = call(&agent, &phone.server(Transport::Udp), "echo").await;
        tokio::time::sleep(delay / 2).await;
        call.hang_up().await;
        let event = last(&mut call).await;
        let fine = event == CallEvent::Cancelled || ended_by(Side::Us)(&event);
        assert!(fine, "after {delay:?}: {event:?}");
    }
    all_quiet(&agent, &phone).await;
}

#[tokio::test]
async fn nobody_picks_up() {
    let phone = phone(|_| {}).await;
    let agent = agent_with(|config| config.ring_timeout = Duration::from_millis(300)).await;
    let mut call = call(&agent, &phone.server(Transport::Udp), "ring").await;
    let CallEvent::Failed { reason } = last(&mut call).await else {
        panic!()
    };
    assert_eq!(reason, "the phone did not answer within 0.3 s");
    all_quiet(&agent, &phone).await;
}

#[tokio::test]
async fn refusals_come_with_status_and_reason() {
    let phone = phone(|config| config.max_calls = 1).await;
    let agent = agent().await;
    let server = phone.server(Transport::Udp);
    for (user, status, reason) in [
        ("busy", 486, "the phone is busy"),
        ("nobody", 404, "nobody is registered under that name"),
    ] {
        let refused = CallEvent::Refused {
            status,
            reason: reason.to_owned(),
        };
        assert_eq!(last(&mut call(&agent, &server, user).await).await, refused);
    }
    // Every line taken.
    let mut first = call(&agent, &server, "echo").await;
    until_answered(&mut first).await;
    let refused = last(&mut call(&agent, &server, "echo").await).await;
    assert!(
        matches!(refused, CallEvent::Refused { status: 486, .. }),
        "{refused:?}"
    );
    first.hang_up().await;
    all_quiet(&agent, &phone).await;
    // No codec in common.
    let g729 = offer(40000).replace("RTP/AVP 0 101", "RTP/AVP 18");
    let mut call = agent
        .invite(&server, &"echo".parse().unwrap(), g729)
        .await
        .unwrap();
    let refused = last(&mut call).await;
    assert!(
        matches!(refused, CallEvent::Refused { status: 488, .. }),
        "{refused:?}"
    );
    all_quiet(&agent, &phone).await;
}

#[tokio::test]
async fn a_silent_caller_is_hung_up_on() {
    let phone = phone(|config| config.media_timeout = Duration::from_millis(200)).await;
    let agent = agent().await;
    let mut call = call(&agent, &phone.server(Transport::Udp), "echo").await;
    until_answered(&mut call).await;
    assert!(ended_by(Side::Phone)(&last(&mut call).await));
    all_quiet(&agent, &phone).await;
}

/// A port of loopback where nothing listens.
async fn dead_port() -> u16 {
    let socket = UdpSocket::bind(any_port()).await.unwrap();
    socket.local_addr().unwrap().port()
}

#[tokio::test]
async fn no_server_is_there() {
    let agent = agent().await;
    let port = dead_port().await;
    for (server, reason) in [
        (
            format!("127.0.0.1:{port}"),
            format!("no SIP server listens at 127.0.0.1:{port}"),
        ),
        (
            format!("127.0.0.1:{port};transport=tcp"),
            format!(
                "the SIP server 127.0.0.1:{port};transport=tcp cannot be reached: \
                 Connection refused (os error 111)"
            ),
        ),
    ] {
        let start = Instant::now();
        let mut call = call(&agent, &server.parse().unwrap(), "a").await;
        assert_eq!(last(&mut call).await, CallEvent::Failed { reason });
        assert!(start.elapsed() < Duration::from_secs(2));
    }
    let mut call = call(&agent, &"no-such-host.invalid".parse().unwrap(), "a").await;
    let CallEvent::Failed { reason } = last(&mut call).await else {
        panic!()
    };
    assert!(reason.starts_with("the SIP server no-such-host.invalid:5060 has no address: "));
    assert_eq!(agent.alive(), (0, 0));
}

#[tokio::test]
async fn a_server_that_says_nothing() {
    let silent = UdpSocket::bind(any_port()).await.unwrap();
    let agent = agent_with(|config| config.response_timeout = Duration::from_millis(400)).await;
    let server = Server::at(silent.local_addr().unwrap(), Transport::Udp);
    let mut call = call(&agent, &server, "a").await;
    let reason = format!("the SIP server {server} did not respond within 0.4 s");
    assert_eq!(last(&mut call).await, CallEvent::Failed { reason });
    assert_eq!(agent.alive(), (0, 0));
}

#[tokio::test]
async fn shutdown_hangs_up_everything_in_time() {
    let (agent, phone) = (agent().await, phone(|_| {}).await);
    let server = phone.server(Transport::Udp);
    let mut up = call(&agent, &server, "echo").await;
    let mut ringing = call(&agent, &server, "ring").await;
    until_answered(&mut up).await;
    until_ringing(&mut ringing).await;
    let start = Instant::now();
    agent.shutdown().await;
    assert!(start.elapsed() < Duration::from_secs(2));
    assert!(ended_by(Side::Us)(&last(&mut up).await));
    assert_eq!(last(&mut ringing).await, CallEvent::Cancelled);
    all_quiet(&agent, &phone).await;
    let refused = agent
        .invite(&server, &User::try_from("echo").unwrap(), offer(40000))
        .await;
    assert_eq!(refused.unwrap_err(), InviteError::ShuttingDown);
}

#[tokio::test]
async fn an_agent_that_is_dropped_hangs_up() {
    let (agent, phone) = (agent().await, phone(|_| {}).await);
    let mut call = call(&agent, &phone.server(Transport::Udp), "echo").await;
    until_answered(&mut call).await;
    drop(agent);
    assert!(ended_by(Side::Us)(&last(&mut call).await));
}

#[tokio::test]
async fn a_phone_that_stops_hangs_up() {
    let (agent, phone) = (agent().await, phone(|_| {}).await);
    let mut call = call(&agent, &phone.server(Transport::Udp), "echo").await;
    until_answered(&mut call).await;
    drop(phone);
    assert!(ended_by(Side::Phone)(&last(&mut call).await));
}

#[tokio::test]
async fn an_address_in_use_is_an_error() {
    let taken = UdpSocket::bind(any_port()).await.unwrap();
    let local = taken.local_addr().unwrap();
    let config = UserAgentConfig::new(local, "gateway".parse().unwrap());
    let error = UserAgent::start(config).await.unwrap_err();
    assert!(
        matches!(&error, StartError::Bind { address, .. } if *address == local),
        "{error}"
    );
}

#[tokio::test]
async fn many_calls_at_once() {
    let (agent, phone) = (agent().await, phone(|_| {}).await);
    let server = phone.server(Transport::Udp);
    let mut calls = vec![];
    for _ in 0..40 {
        calls.push(call(&agent, &server, "echo").await);
    }
    for call in &mut calls {
        until_answered(call).await;
    }
    assert_eq!(phone.calls(), 40);
    drop(calls);
    all_quiet(&agent, &phone).await;
}
