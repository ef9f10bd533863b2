//! A hand-written SIP peer over UDP, for tests of the user agent.
#![allow(dead_code)] // each test uses a part of it

use std::net::SocketAddr;
use std::time::Duration;

use examples::sip::{
    CallEvent, OfferId, OutgoingCall, Server, Transport, UserAgent, UserAgentConfig,
};
use tokio::net::UdpSocket;
use tokio::time::timeout;

/// Far more than anything takes.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);
/// What the agent offers.
pub(crate) const OFFER: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
    m=audio 40000 RTP/AVP 0\r\n";
/// What the peer answers.
pub(crate) const ANSWER: &str = "v=0\r\no=- 2 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
    m=audio 40002 RTP/AVP 0\r\n";

/// An agent with the defaults.
pub(crate) async fn agent() -> UserAgent {
    agent_with(|_| {}).await
}

pub(crate) async fn agent_with(change: impl FnOnce(&mut UserAgentConfig)) -> UserAgent {
    let local = "127.0.0.1:0".parse().unwrap();
    let mut config = UserAgentConfig::new(local, "gateway".parse().unwrap());
    change(&mut config);
    UserAgent::start(config).await.unwrap()
}

/// A peer that says what the test tells it to.
pub(crate) struct Peer {
    pub(crate) socket: UdpSocket,
    agent: SocketAddr,
}

/// A message as it came.
pub(crate) struct Message(pub(crate) String);

impl Message {
    pub(crate) fn is(&self, start: &str) -> bool {
        self.0.starts_with(start)
    }

    /// Every line of that name, whole.
    pub(crate) fn lines(&self, name: &str) -> String {
        let wanted = |line: &&str| line.split(':').next().unwrap().eq_ignore_ascii_case(name);
        self.0
            .lines()
            .filter(wanted)
            .map(|line| format!("{line}\r\n"))
            .collect()
    }

    pub(crate) fn value(&self, name: &str) -> String {
        self.lines(name)
            .split_once(':')
            .unwrap()
            .1
            .trim()
            .to_owned()
    }

    pub(crate) fn target(&self) -> String {
        self.value("Contact").trim_matches(['<', '>']).to_owned()
    }
}

impl Peer {
    pub(crate) async fn new(agent: &UserAgent) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        Self {
            socket,
            agent: agent.local_addr(),
        }
    }

    pub(crate) fn server(&self) -> Server {
        Server::at(self.socket.local_addr().unwrap(), Transport::Udp)
    }

    pub(crate) async fn call(&self, agent: &UserAgent) -> OutgoingCall {
        agent
            .invite(&self.server(), &"x".parse().unwrap(), OFFER.to_owned())
            .await
            .unwrap()
    }

    /// The next message that starts with `start`; others are left out.
    pub(crate) async fn hear(&self, start: &str) -> Message {
        let message = async {
            loop {
                let mut buffer = [0; 4096];
                let (length, _) = self.socket.recv_from(&mut buffer).await.unwrap();
                let message = Message(String::from_utf8(buffer[..length].to_vec()).unwrap());
                if message.is(start) {
                    return message;
                }
            }
        };
        timeout(LIMIT, message)
            .await
            .unwrap_or_else(|_| panic!("{start} did not come"))
    }

    pub(crate) async fn say(&self, text: &str) {
        self.socket
            .send_to(text.as_bytes(), self.agent)
            .await
            .unwrap();
    }

    /// Answers a request, with a `To` tag unless it has one already.
    pub(crate) async fn answer(&self, request: &Message, status: &str, headers: &str, body: &str) {
        self.answer_as("peer", request, status, headers, body).await;
    }

    /// Answers as the phone of this tag.
    pub(crate) async fn answer_as(
        &self,
        tag: &str,
        request: &Message,
        status: &str,
        headers: &str,
        body: &str,
    ) {
        let mut to = request.lines("To");
        if !to.contains("tag=") && !status.starts_with("100") {
            to = to.replace("\r\n", &format!(";tag={tag}\r\n"));
        }
        let same: String = ["Via", "From", "Call-ID", "CSeq"]
            .map(|n| request.lines(n))
            .concat();
        let length = body.len();
        let text = format!(
            "SIP/2.0 {status}\r\n{same}{to}{headers}Content-Length: {length}\r\n\r\n{body}"
        );
        self.say(&text).await;
    }

    pub(crate) fn contact(&self) -> String {
        format!("Contact: <sip:x@{}>\r\n", self.socket.local_addr().unwrap())
    }

    pub(crate) async fn pick_up(&self, invite: &Message) {
        let headers = self.contact() + "Content-Type: application/sdp\r\n";
        self.answer(invite, "200 OK", &headers, ANSWER).await;
    }

    /// Takes back a re-INVITE of the peer.
    pub(crate) async fn cancel(&self, invite: &Message, number: u32) {
        let text = self.request(invite, "CANCEL", number, "");
        let branch = format!("z9hG4bKINVITE{number}");
        let own = format!("z9hG4bKCANCEL{number}");
        self.say(&text.replace(&own, &branch)).await;
    }

    /// A request from the peer within the call.
    pub(crate) async fn ask(&self, invite: &Message, method: &str, number: u32, body: &str) {
        let text = self.request(invite, method, number, body);
        self.say(&text).await;
    }

    pub(crate) fn request(
        &self,
        invite: &Message,
        method: &str,
        number: u32,
        body: &str,
    ) -> String {
        let local = self.socket.local_addr().unwrap();
        let (from, to) = (invite.value("To"), invite.value("From"));
        format!(
            "{method} {target} SIP/2.0\r\nVia: SIP/2.0/UDP {local};branch=z9hG4bK{method}{number}\r\n\
             From: {from};tag=peer\r\nTo: {to}\r\nCall-ID: {id}\r\nCSeq: {number} {method}\r\n\
             Contact: <sip:x@{local}>\r\nMax-Forwards: 70\r\nContent-Length: {length}\r\n\r\n{body}",
            target = invite.target(),
            id = invite.value("Call-ID"),
            length = body.len(),
        )
    }
}

pub(crate) async fn next(call: &mut OutgoingCall) -> CallEvent {
    timeout(LIMIT, call.next())
        .await
        .expect("an event in time")
        .expect("an event")
}

pub(crate) async fn last(call: &mut OutgoingCall) -> CallEvent {
    loop {
        let event = next(call).await;
        if event.is_final() {
            assert_eq!(timeout(LIMIT, call.next()).await, Ok(None));
            return event;
        }
    }
}

pub(crate) async fn until_answered(peer: &Peer, call: &mut OutgoingCall) -> Message {
    let invite = peer.hear("INVITE").await;
    peer.pick_up(&invite).await;
    while !matches!(next(call).await, CallEvent::Answered { .. }) {}
    peer.hear("ACK").await;
    invite
}

/// The phone's new offer.
pub(crate) async fn offered(call: &mut OutgoingCall) -> (OfferId, Option<String>) {
    match next(call).await {
        CallEvent::Offered { offer, sdp } => (offer, sdp),
        other => panic!("{other:?} instead of an offer"),
    }
}
