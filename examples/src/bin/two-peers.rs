//! Two peers talk over a network in memory: ICE, DTLS and SRTP composed, with neither a socket
//! nor a clock. Start here to compose the crates in a program of your own.

#![allow(clippy::indexing_slicing)] // ranges of the buffer that a session has just written

use std::error::Error;
use std::net::SocketAddr;
use std::time::{Duration, Instant, UNIX_EPOCH};

use bytes::BytesMut;
use dtls_handshake::Identity;
use examples::session::{DtlsRole, Event, Handled, Secured, Session, SessionConfig, TAILROOM};
use ice_agent::{Agent, Config, HEADROOM, Path, Received, Role, SocketId, Transmit, Transport};
use virtual_network::{HostId, Network, Weather};

type Result<T> = std::result::Result<T, Box<dyn Error>>;
const MS: Duration = Duration::from_millis(1);

fn main() -> Result<()> {
    #[allow(clippy::disallowed_methods)] // an origin for virtual time
    let now = Instant::now();
    let [here, there] = [1, 2].map(|host| SocketAddr::from(([192, 0, 2, host], 4000)));
    let mut alice = agent(now, here, Role::Controlling)?;
    let mut bob = agent(now, there, Role::Controlled)?;
    introduce(now, &mut alice, &mut bob)?;
    introduce(now, &mut bob, &mut alice)?;
    // A fingerprint vouches for each certificate, so nobody looks at its dates.
    let hers = Identity::generate(UNIX_EPOCH)?;
    let his = Identity::generate(UNIX_EPOCH)?;
    // Whoever offers leaves the first word of DTLS to the other, who knows both sides by then.
    let alice = session(now, alice, [&hers, &his], DtlsRole::Server)?;
    let bob = session(now, bob, [&his, &hers], DtlsRole::Client)?;

    let mut network = Network::new(now, 1, Weather::calm(20 * MS));
    let mut peers = [("alice", here, alice), ("bob", there, bob)].map(|(name, at, session)| Peer {
        name,
        host: network.add_host(&[at]),
        session,
        heard: 0,
    });
    run(&mut network, &mut peers, 200 * MS); // they connect within three round trips
    for sequence in 0..50 {
        speak(&mut network, &mut peers, sequence)?;
        run(&mut network, &mut peers, 20 * MS);
    }
    let [alice, _] = &mut peers;
    alice.session.close(network.now());
    run(&mut network, &mut peers, 200 * MS); // whoever closes hears no more; the other is told
    for peer in &peers {
        println!("{:<6} has heard {} RTP packets", peer.name, peer.heard);
    }
    Ok(())
}

/// One side of ICE.
fn agent(now: Instant, address: SocketAddr, role: Role) -> Result<Agent> {
    let config = Config {
        role,
        ..Config::default()
    };
    let mut agent = Agent::new(config, seed()?)?;
    // No crate opens a socket. The owner says where it has bound one; a number names it.
    agent.add_host(now, SocketId(0), address)?;
    agent.end_of_local_candidates(now);
    Ok(agent)
}

/// Tells one what SDP says of the other: how checks are proved, and where it can be reached.
fn introduce(now: Instant, agent: &mut Agent, other: &mut Agent) -> Result<()> {
    agent.set_remote_credentials(now, other.local_credentials().clone())?;
    while let Some(event) = other.poll_event() {
        if let ice_agent::Event::LocalCandidate(candidate) = event {
            agent.add_remote_candidate(now, candidate)?;
        }
    }
    // So that ICE fails when every pair has failed, and waits for no further candidate.
    agent.end_of_remote_candidates(now);
    Ok(())
}

/// ICE, DTLS and SRTP of one side. From here on it runs by itself.
fn session(now: Instant, ice: Agent, ids: [&Identity; 2], role: DtlsRole) -> Result<Session> {
    let [ours, theirs] = ids;
    // Numbers of RFC 7714 and RFC 5764: AEAD_AES_128_GCM, else AES_CM_128_HMAC_SHA1_80.
    let profiles = [0x0007, 0x0001];
    let config = SessionConfig {
        ice,
        dtls: dtls_handshake::Config::new(ours.clone()).with_srtp_profiles(&profiles),
        role,
        // The certificate itself comes with DTLS.
        fingerprints: vec![theirs.fingerprint()],
        seed: seed()?.into(),
    };
    Ok(Session::new(config, now))
}

/// No crate reads the system's randomness for its owner: each machine is given a secret seed.
fn seed() -> Result<[u8; 32]> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed)?;
    Ok(seed)
}

struct Peer {
    name: &'static str,
    host: HostId,
    session: Session,
    heard: u16,
}

/// Lets time pass. A program with sockets and a clock has the same loop.
fn run(network: &mut Network, peers: &mut [Peer; 2], time: Duration) {
    let end = network.now() + time;
    let mut out = BytesMut::new();
    loop {
        // After any input: what a session wants sent, then what it has to tell.
        for peer in peers.iter_mut() {
            while let Some(Transmit { path, range }) = peer.session.poll_transmit(&mut out) {
                network.send(peer.host, path.local, path.remote, &out[range]);
                out.clear();
            }
            while let Some(event) = peer.session.poll_event() {
                tell(peer, event);
            }
        }
        // Nothing happens before the next arrival or the next timeout: time leaps there.
        let timeouts = peers.iter().filter_map(|peer| peer.session.poll_timeout());
        let next = timeouts.chain(network.next_arrival()).min();
        let Some(now) = next.filter(|next| *next <= end) else {
            return network.advance(end);
        };
        network.advance(now);
        deliver(network, peers);
        // An early call does no harm, so it does not matter whose timeout this is.
        for peer in peers.iter_mut() {
            peer.session.handle_timeout(now);
        }
    }
}

fn tell(Peer { name, .. }: &Peer, event: Event) {
    match event {
        Event::Path { remote, .. } => println!("{name:<6} ICE has a path to {remote}"),
        Event::Connected(Secured {
            version, profile, ..
        }) => {
            println!("{name:<6} {version} is connected; SRTP uses {profile}")
        }
        Event::Failed(failure) => println!("{name:<6} is over: {failure}"),
        other => println!("{name:<6} {other:?}"),
    }
}

/// Hands over what has arrived. Media comes back decrypted, in the buffer that it came in.
fn deliver(network: &mut Network, peers: &mut [Peer; 2]) {
    let (id, transport) = (SocketId(0), Transport::Udp);
    while let Some((host, mut datagram)) = network.receive() {
        let (local, remote, data) = (datagram.to, datagram.from, &mut datagram.data);
        let path = Path {
            id,
            local,
            remote,
            transport,
        };
        for peer in peers.iter_mut().filter(|peer| peer.host == host) {
            let rx = Received { path, data };
            if let Handled::Rtp(_) = peer.session.handle_datagram(network.now(), rx) {
                peer.heard += 1;
            }
        }
    }
}

/// Lets each side send an RTP packet: 20 ms of silence in PCMU.
fn speak(network: &mut Network, peers: &mut [Peer; 2], sequence: u16) -> Result<()> {
    for peer in peers {
        // Room in front for what a relay would add, and behind for what SRTP adds: the packet is
        // encrypted where it stands, and never copied.
        let mut buf = vec![0; HEADROOM];
        buf.extend([0x80, 0]);
        buf.extend(sequence.to_be_bytes());
        buf.extend((u32::from(sequence) * 160).to_be_bytes());
        buf.extend([0, 0, 0, 7]);
        buf.extend([0xff; 160]);
        let packet = HEADROOM..buf.len();
        buf.resize(packet.end + TAILROOM, 0);
        let now = network.now();
        let Transmit { path, range } = peer.session.send_rtp(now, &mut buf, packet)?;
        network.send(peer.host, path.local, path.remote, &buf[range]);
    }
    Ok(())
}
