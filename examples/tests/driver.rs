//! The plain driver: sockets and connections on request, over loopback.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)] // checks fail loudly

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, SystemTime};

use bytes::BytesMut;
use dtls_handshake::Identity;
use examples::driver::{self, Connections, Driver, Incoming, News, Sockets};
use examples::session::{DtlsRole, Event, Session, SessionConfig};
use ice_agent::{Agent, Config, Credentials, Local, OpenError, Path, Role, SocketId, Transport};
use stun_codec::stream::{Deframer, Framing};
use stun_codec::{Builder, Message, Method, TransactionId};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(60);
const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn seed() -> [u8; 32] {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).unwrap();
    seed
}

/// A peer without a socket, and its credentials.
fn peer(identity: &Identity, other: &Identity, role: Role) -> (Driver, Credentials) {
    let config = Config {
        role,
        ..Config::default()
    };
    let ice = Agent::new(config, seed()).unwrap();
    let credentials = ice.local_credentials().clone();
    let session = SessionConfig {
        ice,
        dtls: dtls_handshake::Config::new(identity.clone()).with_srtp_profiles(&[0x0007]),
        role: match role {
            Role::Controlling => DtlsRole::Client,
            Role::Controlled => DtlsRole::Server,
        },
        fingerprints: vec![other.fingerprint()],
        seed: seed().into(),
    };
    let session = Session::new(session, driver::now());
    (Driver::new(session, Sockets::default()), credentials)
}

/// Drives two peers, who tell each other their candidates, until one says something else.
async fn next(peers: &mut [Driver; 2]) -> (usize, News) {
    loop {
        let [one, two] = &mut *peers;
        let (side, news) = timeout(PATIENCE, async {
            tokio::select! {
                news = one.next() => (0, news.unwrap()),
                news = two.next() => (1, news.unwrap()),
            }
        })
        .await
        .expect("news in time");
        let other = &mut peers[1 - side];
        match news {
            News::Event(Event::LocalCandidate(candidate)) => other.add_remote_candidate(candidate),
            News::Event(Event::GatheringComplete) => other.end_of_remote_candidates(),
            news => return (side, news),
        }
    }
}

#[tokio::test]
async fn two_peers_talk_over_sockets_that_they_asked_for() {
    #[allow(clippy::disallowed_methods)] // a certificate needs the date
    let identities = [0, 1].map(|_| Identity::generate(SystemTime::now()).unwrap());
    let [a, b] = &identities;
    let (one, first) = peer(a, b, Role::Controlling);
    let (two, second) = peer(b, a, Role::Controlled);
    let mut peers = [one, two];
    for (peer, credentials) in peers.iter_mut().zip([second, first]) {
        // An address for documentation is none of this machine.
        let nowhere = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
        peer.gather(Local::Ip(nowhere)).unwrap();
        peer.gather(Local::Ip(HERE)).unwrap();
        peer.end_of_local_candidates();
        peer.set_remote_credentials(credentials).unwrap();
    }
    let mut connected = [false; 2];
    while connected != [true; 2] {
        match next(&mut peers).await {
            (side, News::Event(Event::Connected(_))) => connected[side] = true,
            (side, News::Event(Event::Failed(failure))) => panic!("{side}: {failure}"),
            _ => {}
        }
    }
    let packet = [&[0x80, 0, 0, 1, 0, 0, 0, 160, 0, 0, 0, 7][..], b"hello"].concat();
    peers[0].send_rtp(&packet).unwrap();
    loop {
        if let (1, News::Rtp(heard)) = next(&mut peers).await {
            assert_eq!(heard, packet);
            break;
        }
    }
}

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((HERE, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

async fn news(connections: &mut Connections) -> Incoming {
    let news = timeout(PATIENCE, connections.next()).await;
    news.expect("news in time")
}

/// Connects, and answers the way and the other end.
async fn connect(
    connections: &mut Connections,
    number: u32,
    framing: Framing,
) -> (Path, TcpStream) {
    let (listener, remote) = listen().await;
    let id = SocketId::asked(number);
    connections.open(id, remote, framing);
    let (stream, _) = listener.accept().await.unwrap();
    let local = stream.peer_addr().unwrap();
    assert_eq!(news(connections).await, Incoming::Opened { id, local });
    let path = Path {
        id,
        local,
        remote,
        transport: Transport::Tcp,
    };
    (path, stream)
}

fn request() -> Vec<u8> {
    let mut out = BytesMut::new();
    Builder::request(&mut out, Method::BINDING, TransactionId([7; 12]))
        .fingerprint()
        .unwrap();
    out.to_vec()
}

#[tokio::test]
async fn a_stun_server_is_asked_over_tcp() {
    let mut connections = Connections::default();
    let (path, mut stream) = connect(&mut connections, 1, Framing::Turn).await;
    for _ in 0..3 {
        connections.send(&path, &request());
    }
    let server = async {
        let mut deframer = Deframer::new(Framing::Turn, 1500);
        let mut answered = 0;
        while answered < 3 {
            let mut buffer = [0; 7];
            let length = stream.read(&mut buffer).await.unwrap();
            assert_eq!(deframer.push(&buffer[..length]), length);
            while let Some(frame) = deframer.next_frame().unwrap() {
                let question = Message::parse(frame).unwrap();
                let mut answer = BytesMut::new();
                stun_codec::respond(&question, path.local, &mut answer).unwrap();
                // In pieces that are no frames.
                for piece in answer.chunks(5) {
                    stream.write_all(piece).await.unwrap();
                }
                answered += 1;
            }
        }
        drop(stream);
    };
    timeout(PATIENCE, server).await.unwrap();
    for _ in 0..3 {
        let Incoming::Frame { path: way, data } = news(&mut connections).await else {
            panic!("three answers");
        };
        assert_eq!(way, path);
        let answer = Message::parse(&data).unwrap();
        assert_eq!(answer.transaction_id(), TransactionId([7; 12]));
    }
    let id = path.id;
    assert_eq!(news(&mut connections).await, Incoming::Closed { id });
}

#[tokio::test]
async fn a_stream_out_of_step_is_closed() {
    let mut connections = Connections::default();
    let (path, mut stream) = connect(&mut connections, 1, Framing::Turn).await;
    stream.write_all(b"\x80\0\0\0").await.unwrap();
    let id = path.id;
    assert_eq!(news(&mut connections).await, Incoming::Closed { id });
    assert_eq!(stream.read(&mut [0; 1]).await.unwrap_or(0), 0, "the end");
}

#[tokio::test]
async fn a_connection_that_is_closed_says_no_more() {
    let mut connections = Connections::default();
    let (path, mut stream) = connect(&mut connections, 1, Framing::Rfc4571).await;
    connections.send(&path, b"bye");
    connections.close(path.id);
    let mut rest = Vec::new();
    timeout(PATIENCE, stream.read_to_end(&mut rest))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(rest, b"\0\x03bye", "what waited is sent");
    drop(stream);
    // The next that is told is of another one.
    connect(&mut connections, 2, Framing::Rfc4571).await;
}

#[tokio::test]
async fn a_refused_connection_says_so() {
    let (listener, remote) = listen().await;
    drop(listener);
    let mut connections = Connections::default();
    let id = SocketId::asked(1);
    connections.open(id, remote, Framing::Turn);
    let error = OpenError::Refused;
    assert_eq!(news(&mut connections).await, Incoming::Failed { id, error });
}
