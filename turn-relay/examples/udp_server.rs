//! A TURN server over UDP, with the standard library's sockets: a thread that receives for each, one
//! that drives the relay.
//!
//! ```text
//! cargo run -p turn-relay --example udp_server -- 127.0.0.1:3478 127.0.0.1/32
//! turnutils_peer -L 127.0.0.1 &
//! turnutils_uclient -u alice -w secret -e 127.0.0.1 -X -y -n 100 127.0.0.1
//! ```
//!
//! The second argument is a prefix of peers that would not be relayed to otherwise, such as a private
//! network or this machine (the server's own address must be named in full). What it leaves out beside `turn-server`: batches, TCP and TLS, several
//! workers, IPv4 and IPv6 at once.

#![allow(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    reason = "a program: it reads the clock, and its buffers have the lengths that it gave them"
)]

use std::collections::HashMap;
use std::error::Error;
use std::io::{self, Read};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::ops::Range;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use turn_relay::server::{Config, Credentials, Event, PeerPolicy, Relay, Relayed, TAILROOM};
use turn_relay::{
    HEADROOM, Local, Open, OpenError, Path, Port, SocketId, Transmit, Transport, Wanted,
};

/// The longest datagram that is taken, in bytes.
const LONGEST: usize = 2048;

/// The socket for clients. Those that the relay asks for have numbers of their own, from 2^63 on.
const CLIENTS: SocketId = SocketId(0);

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let listen = arguments.next().unwrap_or("127.0.0.1:3478".into());
    let listen: SocketAddr = listen.parse()?;
    let mut policy = PeerPolicy::internet();
    if let Some((prefix, length)) = arguments
        .next()
        .as_deref()
        .and_then(|it| it.split_once('/'))
    {
        policy = policy.allow(prefix.parse()?, length.parse()?, 1024..=65535);
    }
    let config = Config::new(
        "example.org",
        Credentials::new().with_user("alice", "secret")?,
    )
    .with_listener(listen)
    .with_relay_address(listen.ip())
    .with_policy(policy);
    let mut relay = Relay::new(Instant::now(), config, seed()?)?;

    let (arrived, packets) = mpsc::channel();
    let mut sockets = Sockets {
        open: HashMap::new(),
        arrived,
    };
    sockets.add(CLIENTS, UdpSocket::bind(listen)?)?;
    println!("serving {listen} as alice, secret");
    let mut out = BytesMut::new();
    loop {
        let packet = next(&packets, relay.poll_timeout());
        let now = Instant::now();
        if let Some(mut packet) = packet {
            // Data goes on from where it stands in the buffer; all else is answered below.
            match relay.handle_packet(now, packet.path, &mut packet.buf, packet.frame) {
                Relayed::To(sent) | Relayed::ToWhole(sent) => sockets.send(&sent, &packet.buf),
                _ => {}
            }
        }
        relay.handle_timeout(now);
        while let Some(sent) = relay.poll_transmit(&mut out) {
            sockets.send(&sent, &out);
        }
        out.clear();
        while let Some(event) = relay.poll_event() {
            match event {
                Event::Open(open) => sockets.open(now, &open, &mut relay),
                Event::Close(close) => drop(sockets.open.remove(&close.id)),
                told => println!("{told:?}"),
            }
        }
    }
}

/// A datagram, in the middle of a buffer with the room that headers and padding take.
struct Packet {
    path: Path,
    buf: Vec<u8>,
    frame: Range<usize>,
}

/// Waits for a packet, or until the relay wants to be told the time.
fn next(packets: &Receiver<Packet>, until: Option<Instant>) -> Option<Packet> {
    let Some(until) = until else {
        return packets.recv().ok();
    };
    let wait = until.saturating_duration_since(Instant::now());
    packets.recv_timeout(wait).ok()
}

struct Sockets {
    open: HashMap<SocketId, Arc<UdpSocket>>,
    arrived: Sender<Packet>,
}

impl Sockets {
    /// The relay asks for a socket to relay at.
    fn open(&mut self, now: Instant, open: &Open, relay: &mut Relay) {
        let opened = match open.what {
            Wanted::Udp {
                local: Local::Ip(ip),
                port,
            } => bind(ip, port),
            _ => None,
        };
        let local = opened.and_then(|socket| self.add(open.id, socket).ok());
        match local {
            Some(local) => relay.handle_opened(now, open.id, local),
            None => relay.handle_open_failed(now, open.id, OpenError::NoPort),
        }
    }

    /// Receives at a socket until it is forgotten.
    fn add(&mut self, id: SocketId, socket: UdpSocket) -> io::Result<SocketAddr> {
        let local = socket.local_addr()?;
        socket.set_read_timeout(Some(Duration::from_millis(500)))?;
        let socket = Arc::new(socket);
        let weak = Arc::downgrade(&socket);
        self.open.insert(id, socket);
        let arrived = self.arrived.clone();
        thread::spawn(move || receive(id, local, &weak, &arrived));
        Ok(local)
    }

    fn send(&self, sent: &Transmit, buf: &[u8]) {
        if let Some(socket) = self.open.get(&sent.path.id) {
            // What cannot be sent is lost, as datagrams are.
            let _ = socket.send_to(&buf[sent.range.clone()], sent.path.remote);
        }
    }
}

fn receive(id: SocketId, local: SocketAddr, socket: &Weak<UdpSocket>, arrived: &Sender<Packet>) {
    while let Some(socket) = socket.upgrade() {
        let mut buf = vec![0; HEADROOM + LONGEST + TAILROOM];
        let Ok((length, remote)) = socket.recv_from(&mut buf[HEADROOM..HEADROOM + LONGEST]) else {
            continue;
        };
        let path = Path {
            id,
            local,
            remote,
            transport: Transport::Udp,
        };
        let frame = HEADROOM..HEADROOM + length;
        if arrived.send(Packet { path, buf, frame }).is_err() {
            return;
        }
    }
}

/// A socket on a port of this kind. For a pair the even one is opened here: the relay asks for the next
/// one by its number.
fn bind(ip: IpAddr, port: Port) -> Option<UdpSocket> {
    let (ports, step) = match port {
        Port::Any => return UdpSocket::bind((ip, 0)).ok(),
        Port::Within { least, most } => (least..=most, 1),
        _ => (49152..=65534, 2),
    };
    ports
        .step_by(step)
        .find_map(|port| UdpSocket::bind((ip, port)).ok())
}

fn seed() -> io::Result<[u8; 32]> {
    let mut seed = [0; 32];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut seed)?;
    Ok(seed)
}
