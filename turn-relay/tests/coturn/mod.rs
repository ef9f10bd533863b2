//! coturn on ports of its own, and a client over sockets of the system.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use stun_codec::stream::Deframer;
use turn_relay::client::{Allocated, Allocation, Cause, Config, Event, Stats, TAILROOM};
use turn_relay::{
    Framing, HEADROOM, Handled, Open, OpenError, Path, Received, SocketId, Transport, Wanted,
};

/// Nothing here takes longer on a machine that works.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// coturn, which ends with the value.
pub(crate) struct Coturn {
    child: Child,
    port: u16,
}

impl Coturn {
    /// Starts one with a user `alice` whose password is `secret`.
    pub(crate) fn start(options: &[&str]) -> Self {
        let port = free_port();
        let own = ["--realm=first.test", "--user=alice:secret"];
        Self::on(port, &[&own, options].concat())
    }

    /// Ends it, and starts another one in its place.
    pub(crate) fn again(self, options: &[&str]) -> Self {
        let port = self.port;
        self.kill();
        Self::on(port, options)
    }

    pub(crate) fn kill(self) {}

    fn on(port: u16, options: &[&str]) -> Self {
        let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
        let of = |name: &str| {
            folder
                .join(format!("coturn-{port}.{name}"))
                .display()
                .to_string()
        };
        let child = Command::new("turnserver")
            .args([
                "-n",
                "--lt-cred-mech",
                "--no-cli",
                "--no-tls",
                "--no-dtls",
                "--relay-threads=1",
            ])
            .args([
                "--listening-ip=127.0.0.1",
                "--relay-ip=127.0.0.1",
                "--allow-loopback-peers",
            ])
            .args([
                "--min-port=20000",
                "--max-port=31999",
                "--no-stdout-log",
                "--no-multicast-peers",
            ])
            .arg(format!("--listening-port={port}"))
            .arg(format!("--log-file={}", of("log")))
            .arg(format!("--pidfile={}", of("pid")))
            .arg(format!("--userdb={}", of("db")))
            .args(options)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("turnserver is installed");
        let server = Self { child, port };
        // It listens on TCP after it listens on UDP.
        let end = now() + PATIENCE;
        while TcpStream::connect((HERE, port)).is_err() {
            assert!(now() < end, "coturn does not listen");
            pause(Duration::from_millis(20));
        }
        server
    }

    fn address(&self) -> SocketAddr {
        SocketAddr::new(HERE, self.port)
    }

    pub(crate) fn udp(&self) -> Config {
        let config = Config::udp(self.address()).with_local(HERE);
        config.with_credentials("alice", "secret")
    }

    pub(crate) fn tcp(&self) -> Config {
        Config::tcp(self.address()).with_credentials("alice", "secret")
    }
}

impl Drop for Coturn {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_port() -> u16 {
    let tcp = std::net::TcpListener::bind((HERE, 0)).unwrap();
    let port = tcp.local_addr().unwrap().port();
    match UdpSocket::bind((HERE, port)) {
        Ok(_) => port,
        Err(_) => free_port(),
    }
}

#[allow(clippy::disallowed_methods)] // a driver
pub(crate) fn now() -> Instant {
    Instant::now()
}

#[allow(clippy::disallowed_methods)] // a program outside is waited for
fn pause(time: Duration) {
    std::thread::sleep(time);
}

/// What a socket has to say.
enum News {
    Frame(Path, Vec<u8>),
    Closed(SocketId),
}

enum Socket {
    Udp(UdpSocket),
    Tcp(TcpStream, Framing),
}

/// An allocation, driven by threads that read.
pub(crate) struct Client {
    machine: Allocation,
    sockets: HashMap<SocketId, Socket>,
    news: mpsc::Receiver<News>,
    tell: mpsc::Sender<News>,
    events: Vec<Event>,
    data: std::collections::VecDeque<(SocketAddr, Vec<u8>)>,
}

impl Client {
    pub(crate) fn new(config: Config) -> Self {
        // Nobody guesses here.
        let seed = std::process::id()
            .to_le_bytes()
            .repeat(8)
            .try_into()
            .unwrap();
        let (tell, news) = mpsc::channel();
        Self {
            machine: Allocation::new(config, seed).unwrap(),
            sockets: HashMap::new(),
            news,
            tell,
            events: Vec::new(),
            data: std::collections::VecDeque::new(),
        }
    }

    pub(crate) fn allocate(&mut self) -> Allocated {
        match self.wait("allocated", |event| matches!(event, Event::Allocated(_))) {
            Event::Allocated(allocated) => *allocated,
            _ => unreachable!(),
        }
    }

    /// Allocates, or says why not.
    pub(crate) fn allocates(&mut self) -> Option<Cause> {
        let outcome = |event: &Event| matches!(event, Event::Allocated(_) | Event::Ended(_));
        match self.wait("an outcome", outcome) {
            Event::Ended(cause) => Some(cause),
            _ => None,
        }
    }

    pub(crate) fn end(&mut self) -> Cause {
        match self.wait("the end", |event| matches!(event, Event::Ended(_))) {
            Event::Ended(cause) => cause,
            _ => unreachable!(),
        }
    }

    /// Waits for an event. Those before it are forgotten.
    pub(crate) fn wait(&mut self, what: &str, which: impl Fn(&Event) -> bool) -> Event {
        let end = now() + PATIENCE;
        let mut seen = Vec::new();
        loop {
            self.drain();
            for event in std::mem::take(&mut self.events) {
                if which(&event) {
                    return event;
                }
                seen.push(event);
            }
            assert!(now() < end, "{what}: {seen:?}, {:?}", self.machine.stats());
            self.step(end);
        }
    }

    /// The next payload of a peer.
    pub(crate) fn hear(&mut self) -> (SocketAddr, Vec<u8>) {
        let end = now() + PATIENCE;
        loop {
            self.drain();
            if let Some(heard) = self.data.pop_front() {
                return heard;
            }
            assert!(now() < end, "{:?}, {:?}", self.events, self.machine.stats());
            self.step(end);
        }
    }

    /// Keeps it alive for a while.
    pub(crate) fn idle(&mut self, time: Duration) {
        let end = now() + time;
        while now() < end {
            self.drain();
            self.step(end);
        }
    }

    /// Sends to a peer; answers the length of the frame.
    pub(crate) fn send(&mut self, payload: &[u8], peer: SocketAddr) -> usize {
        let mut buf = [&[0; HEADROOM], payload, &[0; TAILROOM]].concat();
        let range = HEADROOM..HEADROOM + payload.len();
        let sent = self.machine.send(now(), &mut buf, range, peer).unwrap();
        self.carry(&sent.path, &buf[sent.range.clone()]);
        sent.range.len()
    }

    pub(crate) fn permit(&mut self, peer: IpAddr) {
        self.machine.permit(now(), peer).unwrap();
    }

    pub(crate) fn bind_channel(&mut self, peer: SocketAddr) {
        self.machine.bind_channel(now(), peer).unwrap();
    }

    pub(crate) fn connect(&mut self, peer: SocketAddr) {
        self.machine.connect(now(), peer).unwrap();
        self.drain();
    }

    pub(crate) fn accept(&mut self, connection: u32) {
        self.machine.accept(now(), connection).unwrap();
    }

    pub(crate) fn move_to(&mut self) {
        self.machine.move_to(Some(HERE)).unwrap();
    }

    pub(crate) fn release(&mut self) {
        self.machine.release(now());
    }

    pub(crate) fn stats(&self) -> Stats {
        *self.machine.stats()
    }

    fn drain(&mut self) {
        loop {
            let mut out = BytesMut::new();
            while let Some(sent) = self.machine.poll_transmit(&mut out) {
                self.carry(&sent.path, &out[sent.range]);
            }
            match self.machine.poll_event() {
                None => return,
                Some(Event::Open(open)) => self.open(open),
                Some(Event::Close(close)) => self.close(close.id),
                Some(event) => self.events.push(event),
            }
        }
    }

    fn step(&mut self, end: Instant) {
        let until = self.machine.poll_timeout().map_or(end, |at| at.min(end));
        let wait = until.saturating_duration_since(now());
        match self.news.recv_timeout(wait) {
            Ok(News::Frame(path, mut data)) => {
                let rx = Received {
                    path,
                    data: &mut data,
                };
                if let Handled::Data { from, range } = self.machine.handle_datagram(now(), rx) {
                    self.data.push_back((from, data[range].to_vec()));
                }
            }
            Ok(News::Closed(id)) => {
                if self.sockets.remove(&id).is_some() {
                    self.machine.handle_closed(now(), id);
                }
            }
            Err(_) => {}
        }
        self.machine.handle_timeout(now());
    }

    fn open(&mut self, open: Open) {
        let opened = match open.what {
            Wanted::Udp { .. } => self.open_udp(open.id),
            Wanted::Tcp { remote, framing } => self.open_tcp(open.id, remote, framing),
            what => panic!("{what:?}"),
        };
        match opened {
            Ok(local) => self.machine.handle_opened(now(), open.id, local),
            Err(error) => {
                let error = match error.kind() {
                    std::io::ErrorKind::ConnectionRefused => OpenError::Refused,
                    _ => OpenError::Other(error.to_string()),
                };
                self.machine.handle_open_failed(now(), open.id, error);
            }
        }
    }

    fn open_udp(&mut self, id: SocketId) -> std::io::Result<SocketAddr> {
        let socket = UdpSocket::bind((HERE, 0))?;
        let local = socket.local_addr()?;
        let (reader, tell) = (socket.try_clone()?, self.tell.clone());
        std::thread::spawn(move || {
            let mut buf = [0; 4096];
            loop {
                // An ICMP message shows as an error of one call.
                let Ok((length, remote)) = reader.recv_from(&mut buf) else {
                    continue;
                };
                let path = Path {
                    id,
                    local,
                    remote,
                    transport: Transport::Udp,
                };
                if tell
                    .send(News::Frame(path, buf[..length].to_vec()))
                    .is_err()
                {
                    return;
                }
            }
        });
        self.sockets.insert(id, Socket::Udp(socket));
        Ok(local)
    }

    fn open_tcp(
        &mut self,
        id: SocketId,
        remote: SocketAddr,
        framing: Framing,
    ) -> std::io::Result<SocketAddr> {
        let mut stream = TcpStream::connect(remote)?;
        stream.set_nodelay(true)?;
        let local = stream.local_addr()?;
        self.sockets
            .insert(id, Socket::Tcp(stream.try_clone()?, framing));
        let path = Path {
            id,
            local,
            remote,
            transport: Transport::Tcp,
        };
        let tell = self.tell.clone();
        std::thread::spawn(move || {
            let mut deframer = Deframer::new(framing, 4096);
            let mut buf = [0; 4096];
            while let Ok(length @ 1..) = stream.read(&mut buf) {
                let mut rest = &buf[..length];
                while !rest.is_empty() {
                    let taken = deframer.push(rest);
                    rest = &rest[taken..];
                    while let Some(frame) = deframer.next_frame().unwrap() {
                        let _ = tell.send(News::Frame(path, frame.to_vec()));
                    }
                }
            }
            let _ = tell.send(News::Closed(id));
        });
        Ok(local)
    }

    fn close(&mut self, id: SocketId) {
        if let Some(Socket::Tcp(stream, _)) = self.sockets.remove(&id) {
            let _ = stream.shutdown(std::net::Shutdown::Both);
        }
    }

    fn carry(&mut self, path: &Path, frame: &[u8]) {
        match self.sockets.get_mut(&path.id) {
            Some(Socket::Udp(socket)) => {
                let _ = socket.send_to(frame, path.remote);
            }
            Some(Socket::Tcp(stream, framing)) => {
                let mut out = BytesMut::new();
                framing.write(frame, &mut out).unwrap();
                let _ = stream.write_all(&out);
            }
            None => {}
        }
    }
}
