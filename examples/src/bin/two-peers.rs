//! Two peers talk through a link in memory: ICE, DTLS and SRTP composed, with neither a socket
//! nor a clock. Start here to compose the crates in a program of your own.
//!
//! Time is virtual, so a second of speech is over at once. A program with sockets does the same
//! four things as [`Link::run`]: it sends what it is given, hears the events, hands in what
//! arrives, and tells the time when a timeout is due.

use std::collections::VecDeque;
use std::error::Error;
use std::net::SocketAddr;
use std::time::{Duration, Instant, UNIX_EPOCH};

use bytes::BytesMut;
use dtls_handshake::Identity;
use examples::bridge::rtp::{HEADER_LEN, Header};
use examples::session::{DtlsRole, Event, Handled, Session, SessionConfig, TAILROOM};
use ice_agent::{Agent, Credentials, HEADROOM, Path, Received, Role, SocketId, Transmit};

/// How long a datagram is on its way.
const DELAY: Duration = Duration::from_millis(20);
/// How much speech a packet carries: 160 samples of 8 bits at 8 kHz.
const PTIME: Duration = Duration::from_millis(20);
const PACKETS: u16 = 50;

fn main() -> Result<(), Box<dyn Error>> {
    #[allow(clippy::disallowed_methods)] // an origin for virtual time
    let now = Instant::now();
    let [here, there] = [1, 2].map(|host| SocketAddr::from(([192, 0, 2, host], 4000)));
    let (alice, offer) = describe(now, here, Role::Controlling)?;
    let (bob, answer) = describe(now, there, Role::Controlled)?;
    // Whoever offers leaves the first word of DTLS to the other, who knows both sides by then.
    let alice = join(now, alice, answer, DtlsRole::Server)?;
    let bob = join(now, bob, offer, DtlsRole::Client)?;
    let peers = [
        Peer::new("alice", here, alice),
        Peer::new("bob", there, bob),
    ];
    let mut link = Link::new(now, peers);

    let connected = |peers: &[Peer; 2]| peers.iter().all(|peer| peer.connected);
    if !link.run(Duration::from_secs(5), connected) {
        return Err("the two did not connect".into());
    }
    for sequence in 0..PACKETS {
        link.speak(sequence)?;
        link.run(PTIME, |_| false);
    }
    let heard = |peers: &[Peer; 2]| peers.iter().all(|peer| peer.heard == PACKETS);
    if !link.run(DELAY, heard) {
        return Err("this link loses nothing, and yet packets are missing".into());
    }
    let [alice, _] = &mut link.peers;
    alice.session.close(link.now);
    // Whoever closes hears no more. The other is told by DTLS.
    match link.run(Duration::from_secs(1), |[_, bob]| bob.over) {
        true => Ok(()),
        false => Err("the end was not heard".into()),
    }
}

/// What one side tells the other before there is a path: everything that SDP would carry.
struct Description {
    /// They prove to ICE that a check comes from this peer and no other.
    credentials: Credentials,
    /// Where the peer can be reached: the values of `a=candidate`.
    candidates: Vec<String>,
    /// What its certificate hashes to. The certificate itself comes with DTLS.
    fingerprint: String,
}

/// One side alone: its agent, its certificate, and what the other has to know of them.
fn describe(
    now: Instant,
    address: SocketAddr,
    role: Role,
) -> Result<((Agent, Identity), Description), Box<dyn Error>> {
    let config = ice_agent::Config {
        role,
        ..ice_agent::Config::default()
    };
    let mut agent = Agent::new(config, seed()?)?;
    // No crate opens a socket. The owner says where it has bound one; a number names it.
    agent.add_host(now, SocketId(0), address)?;
    agent.end_of_local_candidates(now);
    let mut candidates = Vec::new();
    while let Some(event) = agent.poll_event() {
        if let ice_agent::Event::LocalCandidate(candidate) = event {
            candidates.push(candidate.to_string());
        }
    }
    // The fingerprint vouches for the certificate, so nobody looks at its dates.
    let identity = Identity::generate(UNIX_EPOCH)?;
    let description = Description {
        credentials: agent.local_credentials().clone(),
        candidates,
        fingerprint: identity.fingerprint().to_string(),
    };
    Ok(((agent, identity), description))
}

/// Takes the other side's description. From here on the session runs by itself.
fn join(
    now: Instant,
    (mut ice, identity): (Agent, Identity),
    remote: Description,
    role: DtlsRole,
) -> Result<Session, Box<dyn Error>> {
    ice.set_remote_credentials(now, remote.credentials)?;
    for candidate in &remote.candidates {
        ice.add_remote_candidate(now, candidate.parse()?)?;
    }
    // So that ICE fails when every pair has failed, and waits for no further candidate.
    ice.end_of_remote_candidates(now);
    // Numbers of RFC 7714 and RFC 5764: AEAD_AES_128_GCM, else AES_CM_128_HMAC_SHA1_80.
    let profiles = [0x0007, 0x0001];
    let config = SessionConfig {
        ice,
        dtls: dtls_handshake::Config::new(identity).with_srtp_profiles(&profiles),
        role,
        fingerprints: vec![remote.fingerprint.parse()?],
        seed: seed()?.into(),
    };
    Ok(Session::new(config, now))
}

/// No crate reads the system's randomness for its owner: each machine is given a secret seed.
fn seed() -> Result<[u8; 32], getrandom::Error> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed)?;
    Ok(seed)
}

/// One side of the link, and what it has told and heard.
struct Peer {
    name: &'static str,
    address: SocketAddr,
    session: Session,
    connected: bool,
    over: bool,
    heard: u16,
}

impl Peer {
    fn new(name: &'static str, address: SocketAddr, session: Session) -> Self {
        Self {
            name,
            address,
            session,
            connected: false,
            over: false,
            heard: 0,
        }
    }

    fn on_event(&mut self, time: Duration, event: &Event) {
        let text = match event {
            Event::Path { remote, .. } => format!("ICE has a path to {remote}"),
            Event::Connected { profile } => {
                self.connected = true;
                format!("DTLS is connected; SRTP uses {profile}")
            }
            Event::Failed(failure) => {
                self.over = true;
                format!("is over: {failure}")
            }
            other => format!("{other:?}"),
        };
        self.tell(time, &text);
    }

    fn on_media(&mut self, time: Duration) {
        self.heard += 1;
        if self.heard == PACKETS {
            self.tell(time, &format!("has heard {PACKETS} RTP packets"));
        }
    }

    fn tell(&self, time: Duration, text: &str) {
        println!("{:>5} ms  {:<6} {text}", time.as_millis(), self.name);
    }
}

/// The network and the clock: all that a real program adds to the crates.
struct Link {
    start: Instant,
    now: Instant,
    peers: [Peer; 2],
    /// When each datagram arrives, the path as its sender sees it, and its bytes.
    air: VecDeque<(Instant, Path, Vec<u8>)>,
}

impl Link {
    fn new(now: Instant, peers: [Peer; 2]) -> Self {
        Self {
            start: now,
            now,
            peers,
            air: VecDeque::new(),
        }
    }

    /// Runs until `done`, at most for `span`. Answers whether it was done.
    fn run(&mut self, span: Duration, done: impl Fn(&[Peer; 2]) -> bool) -> bool {
        let end = self.now + span;
        loop {
            self.drain();
            if done(&self.peers) {
                return true;
            }
            // Nothing happens before the next arrival or the next timeout: time leaps there.
            let arrival = self.air.front().map(|(at, ..)| *at);
            let timeouts = self.peers.iter().map(|peer| peer.session.poll_timeout());
            let next = timeouts.chain([arrival]).flatten().min();
            let Some(next) = next.filter(|next| *next <= end) else {
                self.now = end;
                return false;
            };
            self.now = next;
            self.deliver();
            // An early call does no harm, so it does not matter whose timeout this is.
            for peer in &mut self.peers {
                peer.session.handle_timeout(self.now);
            }
        }
    }

    /// After any input: what a session wants sent, then what it has to tell.
    fn drain(&mut self) {
        let time = self.now - self.start;
        let mut out = BytesMut::new();
        for peer in &mut self.peers {
            while let Some(transmit) = peer.session.poll_transmit(&mut out) {
                self.air.push_back(in_flight(self.now, transmit, &out));
                out.clear();
            }
            while let Some(event) = peer.session.poll_event() {
                peer.on_event(time, &event);
            }
        }
    }

    /// Hands over what has arrived. Media comes back decrypted, in the buffer that it came in.
    fn deliver(&mut self) {
        let now = self.now;
        while let Some((_, path, mut data)) = self.air.pop_front_if(|(at, ..)| *at <= now) {
            let receiver = |peer: &&mut Peer| peer.address == path.remote;
            let Some(peer) = self.peers.iter_mut().find(receiver) else {
                continue; // nobody lives there, as on any network
            };
            let path = Path {
                local: path.remote,
                remote: path.local,
                ..path
            };
            let data = &mut data;
            if let Handled::Rtp(_) = peer.session.handle_datagram(now, Received { path, data }) {
                peer.on_media(now - self.start);
            }
        }
    }

    /// Lets each side send an RTP packet.
    fn speak(&mut self, sequence: u16) -> Result<(), Box<dyn Error>> {
        for peer in &mut self.peers {
            // Room in front for what a relay would add, and behind for what SRTP adds: the packet
            // is encrypted where it stands, and never copied.
            let payload = HEADROOM + HEADER_LEN..HEADROOM + HEADER_LEN + 160;
            let mut buf = vec![0xff; payload.end + TAILROOM];
            let header = Header {
                marker: sequence == 0,
                payload_type: 0, // PCMU, in which 0xff is silence
                sequence,
                timestamp: u32::from(sequence) * 160,
                ssrc: 7,
            };
            let packet = header.write_before(&mut buf, payload).ok_or("no room")?;
            let transmit = peer.session.send_rtp(self.now, &mut buf, packet)?;
            self.air.push_back(in_flight(self.now, transmit, &buf));
        }
        Ok(())
    }
}

fn in_flight(now: Instant, transmit: Transmit, buf: &[u8]) -> (Instant, Path, Vec<u8>) {
    let bytes = buf.get(transmit.range).unwrap_or_default().to_vec();
    (now + DELAY, transmit.path, bytes)
}
