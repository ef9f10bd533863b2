//! What a browser does in a call: its offer, and its side of ICE, DTLS and SRTP.

use std::net::Ipv4Addr;
use std::time::SystemTime;

use dtls_handshake::Identity;
use examples::driver::{self, Driver, News, Sockets};
use examples::session::{Event, LocalIce, RemoteIce, Session, SessionConfig};
use ice_agent::{Agent, Config, Credentials, Role};
use sdp::Fragment;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::PATIENCE;
use super::agreed::{Agreed, Remote};

/// A browser that has not called yet. What it offers can be changed before.
pub(crate) struct Caller {
    /// `a=setup` of the offer.
    pub(crate) setup: &'static str,
    /// `a=fingerprint` of the offer.
    pub(crate) fingerprint: String,
    /// `a=candidate` of the offer.
    pub(crate) candidates: Vec<String>,
    agent: Agent,
    sockets: Sockets,
    identity: Identity,
}

/// An old hash that some browsers still write beside the one that counts.
const SHA_1: &str = "00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13";

impl Caller {
    /// A browser with one socket on loopback.
    pub(crate) async fn new() -> Self {
        let sockets = Sockets::bind(&[Ipv4Addr::LOCALHOST.into()]).await.unwrap();
        let config = Config {
            role: Role::Controlling,
            ..Config::default()
        };
        let mut agent = Agent::new(config, seed()).unwrap();
        for (id, local) in sockets.hosts() {
            agent.add_host(driver::now(), id, local).unwrap();
        }
        agent.end_of_local_candidates(driver::now());
        let events = std::iter::from_fn(|| agent.poll_event());
        let candidates = events.filter_map(|event| match event {
            ice_agent::Event::LocalCandidate(candidate) => Some(candidate.to_string()),
            _ => None,
        });
        let candidates = candidates.collect();
        #[allow(clippy::disallowed_methods)] // a certificate needs the date
        let identity = Identity::generate(SystemTime::now()).unwrap();
        Self {
            setup: "actpass",
            fingerprint: identity.fingerprint().to_string(),
            candidates,
            agent,
            sockets,
            identity,
        }
    }

    /// An offer with the lines that Chromium's has.
    pub(crate) fn offer(&self) -> String {
        let credentials = self.agent.local_credentials();
        let (ufrag, pwd) = (credentials.ufrag(), credentials.password());
        let (setup, fingerprint) = (self.setup, &self.fingerprint);
        let candidates = self.candidates.iter();
        let candidates: String = candidates.map(|line| format!("a={line}\r\n")).collect();
        let ssrc = super::rtp::SSRC;
        format!(
            "v=0\r\n\
             o=- 4962303333179871722 2 IN IP4 127.0.0.1\r\n\
             s=-\r\n\
             t=0 0\r\n\
             a=group:BUNDLE 0\r\n\
             a=extmap-allow-mixed\r\n\
             a=msid-semantic: WMS stream\r\n\
             m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126\r\n\
             c=IN IP4 0.0.0.0\r\n\
             a=rtcp:9 IN IP4 0.0.0.0\r\n\
             {candidates}\
             a=ice-ufrag:{ufrag}\r\n\
             a=ice-pwd:{pwd}\r\n\
             a=ice-options:trickle\r\n\
             a=fingerprint:sha-1 {SHA_1}\r\n\
             a=fingerprint:{fingerprint}\r\n\
             a=setup:{setup}\r\n\
             a=mid:0\r\n\
             a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n\
             a=sendrecv\r\n\
             a=msid:stream microphone\r\n\
             a=rtcp-mux\r\n\
             a=rtcp-rsize\r\n\
             a=rtpmap:111 opus/48000/2\r\n\
             a=rtcp-fb:111 transport-cc\r\n\
             a=fmtp:111 minptime=10;useinbandfec=1\r\n\
             a=rtpmap:63 red/48000/2\r\n\
             a=fmtp:63 111/111\r\n\
             a=rtpmap:9 G722/8000\r\n\
             a=rtpmap:0 PCMU/8000\r\n\
             a=rtpmap:8 PCMA/8000\r\n\
             a=rtpmap:13 CN/8000\r\n\
             a=rtpmap:110 telephone-event/48000\r\n\
             a=rtpmap:126 telephone-event/8000\r\n\
             a=ssrc:{ssrc} cname:browser\r\n"
        )
    }

    /// A fragment (RFC 8840) with these candidates.
    pub(crate) fn fragment(&self, candidates: &[String]) -> String {
        fragment(self.agent.local_credentials(), candidates)
    }

    /// Takes the answer and connects.
    pub(crate) fn join(self, answer: &str) -> Browser {
        let Self {
            mut agent,
            sockets,
            identity,
            ..
        } = self;
        let agreed = Agreed::read(answer);
        let now = driver::now();
        let Remote {
            credentials,
            candidates,
            end_of_candidates,
            fingerprint,
            role,
        } = agreed.remote.clone();
        agent.set_remote_credentials(now, credentials).unwrap();
        for candidate in candidates {
            agent.add_remote_candidate(now, candidate).unwrap();
        }
        if end_of_candidates {
            agent.end_of_remote_candidates(now);
        }
        let session = SessionConfig {
            ice: agent,
            dtls: dtls_handshake::Config::new(identity).with_srtp_profiles(&[0x0007, 0x0001]),
            role,
            fingerprints: vec![fingerprint.parse().unwrap()],
            seed: seed().into(),
        };
        let driver = Driver::new(Session::new(session, now), sockets);
        let (orders, receiver) = mpsc::unbounded_channel();
        let (sender, news) = mpsc::unbounded_channel();
        tokio::spawn(run(driver, receiver, sender));
        Browser {
            agreed,
            paths: 0,
            sequence: 65_500, // so that the numbers wrap around soon
            orders,
            news,
        }
    }
}

/// A browser in a call. Dropped, it vanishes without a word.
pub(crate) struct Browser {
    /// What was agreed.
    pub(crate) agreed: Agreed,
    /// How often ICE has found a path.
    pub(crate) paths: usize,
    sequence: u16,
    orders: mpsc::UnboundedSender<Order>,
    news: mpsc::UnboundedReceiver<News>,
}

enum Order {
    Send(Vec<u8>),
    /// To restart ICE, and to tell the new side of it.
    Restart(oneshot::Sender<LocalIce>),
    /// The gateway's side after a restart.
    Remote(RemoteIce),
    Close,
}

impl Browser {
    /// Restarts ICE: the fragment for the gateway. Media goes on.
    pub(crate) async fn restart(&self) -> String {
        let (local, answer) = oneshot::channel();
        self.orders.send(Order::Restart(local)).unwrap();
        let local = answer.await.unwrap();
        assert!(local.complete);
        let candidates: Vec<_> = local.candidates.iter().map(ToString::to_string).collect();
        fragment(&local.credentials, &candidates)
    }

    /// Takes the gateway's answer to a restart.
    pub(crate) fn restarted(&self, answer: &str) {
        let answer = Fragment::parse(answer).unwrap();
        let [audio] = answer.sections.as_slice() else {
            panic!("the call has one section: {answer}");
        };
        assert_eq!((audio.kind.as_str(), audio.mid.as_str()), ("audio", "0"));
        assert!(audio.end_of_candidates);
        let credentials = audio.credentials.as_ref().unwrap();
        let candidates = audio.candidates.iter();
        self.orders
            .send(Order::Remote(RemoteIce {
                credentials: Credentials::new(&*credentials.ufrag, &*credentials.pwd).unwrap(),
                candidates: candidates.map(|line| line.parse().unwrap()).collect(),
                complete: true,
            }))
            .unwrap();
    }

    /// Waits until media may flow.
    pub(crate) async fn connected(&mut self) {
        loop {
            match self.news().await.expect("the session goes on") {
                News::Event(Event::Connected(_)) => return,
                News::Event(Event::Failed(failure)) => panic!("no connection: {failure}"),
                _ => {}
            }
        }
    }

    /// Waits for the end of the session, and answers why. Media that still comes is passed over.
    pub(crate) async fn failed(&mut self) -> String {
        loop {
            if let News::Event(Event::Failed(failure)) = self.news().await.expect("an end") {
                return failure.to_string();
            }
        }
    }

    /// Waits for the end of a session that must not come to media.
    pub(crate) async fn refused(&mut self) -> String {
        loop {
            match self.news().await.expect("an end") {
                News::Event(Event::Connected(_)) => panic!("media may flow"),
                News::Event(Event::Failed(failure)) => return failure.to_string(),
                _ => {}
            }
        }
    }

    /// Sends 20 ms of sound or a key.
    pub(crate) fn say(&mut self, payload_type: u8, payload: &[u8]) {
        let sequence = self.next_sequence();
        self.send(super::rtp::packet(payload_type, sequence, payload));
    }

    /// The number of the next packet.
    pub(crate) fn next_sequence(&mut self) -> u16 {
        let sequence = self.sequence;
        self.sequence = sequence.wrapping_add(1);
        sequence
    }

    /// Sends a whole RTP packet.
    pub(crate) fn send(&self, packet: Vec<u8>) {
        self.orders.send(Order::Send(packet)).unwrap();
    }

    /// The next RTP packet.
    pub(crate) async fn hear(&mut self) -> Vec<u8> {
        loop {
            match self.news().await.expect("the session goes on") {
                News::Rtp(packet) => return packet,
                News::Event(Event::Failed(failure)) => panic!("the session ended: {failure}"),
                _ => {}
            }
        }
    }

    /// Says goodbye.
    pub(crate) fn close(self) {
        let _ = self.orders.send(Order::Close);
    }

    /// Whether anything happened that was not asked for yet.
    pub(crate) fn has_heard_nothing_more(&mut self) -> bool {
        self.news.try_recv().is_err()
    }

    async fn news(&mut self) -> Option<News> {
        let news = timeout(PATIENCE, self.news.recv()).await;
        let news = news.expect("news in time");
        if let Some(News::Event(Event::Path { .. })) = news {
            self.paths += 1;
        }
        news
    }
}

/// Drives the session until it has ended or its browser is gone.
async fn run(
    mut driver: Driver,
    mut orders: mpsc::UnboundedReceiver<Order>,
    news: mpsc::UnboundedSender<News>,
) {
    loop {
        tokio::select! {
            next = driver.next() => {
                let next = next.unwrap();
                let over = matches!(next, News::Event(Event::Failed(_)));
                if news.send(next).is_err() || over {
                    return;
                }
            }
            order = orders.recv() => match order {
                Some(Order::Send(packet)) => {
                    // Before the connection, and after its end, there is nobody to send to.
                    let _ = driver.send_rtp(&packet);
                }
                Some(Order::Restart(local)) => {
                    let _ = local.send(driver.restart_ice(None).unwrap());
                }
                Some(Order::Remote(remote)) => {
                    driver.set_remote_credentials(remote.credentials).unwrap();
                    for candidate in remote.candidates {
                        driver.add_remote_candidate(candidate);
                    }
                    driver.end_of_remote_candidates();
                }
                Some(Order::Close) => return driver.close(),
                None => return,
            },
        }
    }
}

fn fragment(credentials: &Credentials, candidates: &[String]) -> String {
    let (ufrag, pwd) = (credentials.ufrag(), credentials.password());
    let candidates: String = candidates
        .iter()
        .map(|line| format!("a={line}\r\n"))
        .collect();
    format!(
        "a=ice-ufrag:{ufrag}\r\na=ice-pwd:{pwd}\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\n\
         a=mid:0\r\n{candidates}a=end-of-candidates\r\n"
    )
}

fn seed() -> [u8; 32] {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).unwrap();
    seed
}
