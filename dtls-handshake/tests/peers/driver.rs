//! A connection on a socket.

use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant, SystemTime};

use bytes::BytesMut;
use dtls_handshake::{
    Admission, CloseCause, Config, Connected, Connection, Event, Identity, Listener,
    SRTP_EXPORTER_LABEL,
};

use crate::program::Credentials;

/// How long anything may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
/// AEAD_AES_128_GCM, which the programs are not told of, and AES128_CM_HMAC_SHA1_80.
const PROFILES: [u16; 2] = [7, 1];

pub(crate) fn config() -> Config {
    let identity = Identity::generate(SystemTime::now() - Duration::from_secs(3600)).unwrap();
    Config::new(identity).with_srtp_profiles(&PROFILES)
}

/// A socket that anybody may send to: nobody has proved yet to receive there.
pub(crate) struct FrontDoor {
    socket: UdpSocket,
    listener: Listener,
}

impl FrontDoor {
    pub(crate) fn new(config: Config) -> Self {
        Self {
            socket: any_socket(),
            listener: Listener::new(config, [3; 32]),
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.socket.local_addr().unwrap()
    }

    /// Waits for a client that was asked for a cookie, and brought it.
    pub(crate) fn accept(mut self, peer: &Credentials) -> Driver {
        self.socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut buffer = [0; 65536];
        let mut out = BytesMut::new();
        loop {
            let (length, from) = self.socket.recv_from(&mut buffer).unwrap();
            let datagram = &mut buffer[..length];
            let now = Instant::now();
            match self.listener.handle_datagram(now, from, datagram, &mut out) {
                Admission::Reply(range) => {
                    assert!(range.len() <= length);
                    self.socket.send_to(&out[range], from).unwrap();
                }
                Admission::Accepted(connection) => {
                    assert_ne!(self.listener.stats().replies, 0);
                    return Driver::new(self.socket, *connection, Some(from), peer);
                }
                other => println!("{other:?}"),
            }
        }
    }
}

pub(crate) struct Driver {
    socket: UdpSocket,
    remote: Option<SocketAddr>,
    pub(crate) connection: Connection,
    events: Vec<Event>,
    data: Vec<Vec<u8>>,
    /// The longest datagram that came, in bytes.
    pub(crate) longest: usize,
}

fn any_socket() -> UdpSocket {
    UdpSocket::bind("127.0.0.1:0").unwrap()
}

impl Driver {
    /// A client of the program that listens on `remote`.
    pub(crate) fn client(config: Config, remote: SocketAddr, peer: &Credentials) -> Self {
        let connection = Connection::client(config, [1; 32], Instant::now());
        Self::new(any_socket(), connection, Some(remote), peer)
    }

    pub(crate) fn server(config: Config, peer: &Credentials) -> Self {
        let connection = Connection::server(config, [2; 32], Instant::now());
        Self::new(any_socket(), connection, None, peer)
    }

    fn new(
        socket: UdpSocket,
        mut connection: Connection,
        remote: Option<SocketAddr>,
        peer: &Credentials,
    ) -> Self {
        connection.set_peer_fingerprints(Instant::now(), vec![peer.fingerprint()]);
        Self {
            socket,
            remote,
            connection,
            events: Vec::new(),
            data: Vec::new(),
            longest: 0,
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.socket.local_addr().unwrap()
    }

    pub(crate) fn flush(&mut self) {
        let mut out = BytesMut::new();
        while let Some(range) = self.connection.poll_transmit(&mut out) {
            // Before anybody has spoken to a server it has nothing to send.
            let sent = self.socket.send_to(&out[range], self.remote.unwrap());
            // An ICMP message about the datagram before: the program does not listen yet.
            if let Err(error) = sent {
                assert_eq!(error.kind(), ErrorKind::ConnectionRefused, "{error}");
            }
        }
        while let Some(event) = self.connection.poll_event() {
            self.events.push(event);
        }
        while let Some(range) = self.connection.poll_data(&mut out) {
            self.data.push(out[range].to_vec());
        }
    }

    /// Drives until `done` finds what it looks for.
    fn until<T>(&mut self, what: &str, done: impl Fn(&Self) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        let mut buffer = [0; 65536];
        loop {
            self.flush();
            if let Some(found) = done(self) {
                return found;
            }
            let now = Instant::now();
            assert!(now < deadline, "{what} never came: {:?}", self.connection);
            let wake = self
                .connection
                .poll_timeout()
                .map_or(deadline, |at| at.min(deadline));
            let wait = wake
                .saturating_duration_since(now)
                .max(Duration::from_millis(1));
            self.socket.set_read_timeout(Some(wait)).unwrap();
            match self.socket.recv_from(&mut buffer) {
                Ok((length, from)) => {
                    self.remote = Some(from);
                    self.longest = self.longest.max(length);
                    let _ = self
                        .connection
                        .handle_datagram(Instant::now(), &mut buffer[..length]);
                }
                Err(error) => assert!(
                    matches!(
                        error.kind(),
                        ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::ConnectionRefused
                    ),
                    "{error}"
                ),
            }
            self.connection.handle_timeout(Instant::now());
        }
    }

    pub(crate) fn connected(&mut self) -> Connected {
        self.until("Connected", |driver| {
            driver.events.iter().find_map(|event| match event {
                Event::Connected(connected) => Some(connected.clone()),
                Event::Closed(cause) => panic!("closed: {cause}"),
                _ => None,
            })
        })
    }

    pub(crate) fn closed(&mut self) -> CloseCause {
        self.until("Closed", |driver| {
            driver.events.iter().find_map(|event| match event {
                Event::Closed(cause) => Some(*cause),
                _ => None,
            })
        })
    }

    pub(crate) fn send(&mut self, data: &[u8]) {
        self.connection.send(Instant::now(), data).unwrap();
        self.flush();
    }

    pub(crate) fn data(&mut self) -> Vec<u8> {
        self.until("data", |driver| driver.data.first().cloned())
    }

    pub(crate) fn close(&mut self) {
        self.connection.close(Instant::now());
        assert_eq!(self.closed(), CloseCause::ClosedLocally);
        self.flush();
    }

    /// The 60 bytes of keys for SRTP.
    pub(crate) fn exported(&self, connected: &Connected) -> String {
        let mut out = [0; 60];
        self.connection
            .export_keying_material(&connected.peer, SRTP_EXPORTER_LABEL, None, &mut out)
            .unwrap();
        hex::encode(out)
    }
}
