//! TCP connections of peers, each carried by a connection of ours to the server (RFC 6062).

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use stun_codec::stream::Framing;
use stun_codec::{Family, Local, Open, Path, SocketId};

use super::allocation::Allocation;
use super::config::Relay;
use super::event::Event;
use super::peers::PeerError;
use super::phase::Phase;
use super::requests::Purpose;

/// Most connections of one allocation.
const MAX: usize = 64;

/// How long the server keeps a connection for us to attach to (RFC 6062 §5.4).
const OFFER: Duration = Duration::from_secs(30);

#[derive(Debug)]
struct Stream {
    peer: SocketAddr,
    step: Step,
}

/// How far a connection is.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// The peer has connected; the owner may accept it until then.
    Offered { connection: u32, until: Instant },
    /// The server connects to the peer.
    Connecting,
    /// The socket that is to carry it is being opened.
    Opening { socket: SocketId, connection: u32 },
    /// The server is told which one it is to carry.
    Attaching { path: Path, connection: u32 },
    /// Data flows.
    Open(Path),
}

impl Step {
    fn socket(&self) -> Option<SocketId> {
        match self {
            Self::Offered { .. } | Self::Connecting => None,
            Self::Opening { socket, .. } => Some(*socket),
            Self::Attaching { path, .. } | Self::Open(path) => Some(path.id),
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Streams(Vec<Stream>);

impl Streams {
    fn by_socket(&mut self, socket: SocketId) -> Option<&mut Stream> {
        self.0
            .iter_mut()
            .find(|stream| stream.step.socket() == Some(socket))
    }

    /// Notes that the peer has connected. False where that is of no use.
    pub(super) fn offered(&mut self, now: Instant, peer: SocketAddr, connection: u32) -> bool {
        let over = |step: &Step| matches!(step, Step::Offered { until, .. } if *until <= now);
        self.0.retain(|stream| !over(&stream.step));
        if self.0.len() >= MAX || self.0.iter().any(|stream| stream.peer == peer) {
            return false;
        }
        let step = Step::Offered {
            connection,
            until: now + OFFER,
        };
        self.0.push(Stream { peer, step });
        true
    }

    /// A socket is there. True if it is for a connection.
    pub(super) fn opened(&mut self, socket: SocketId, path: Path) -> bool {
        let Some(stream) = self.by_socket(socket) else {
            return false;
        };
        match stream.step {
            Step::Opening { connection, .. } => {
                stream.step = Step::Attaching { path, connection };
                true
            }
            _ => false,
        }
    }

    /// The server carries it. Answers the peer.
    pub(super) fn attached(&mut self, socket: SocketId) -> Option<SocketAddr> {
        let stream = self.by_socket(socket)?;
        match stream.step {
            Step::Attaching { path, .. } => {
                stream.step = Step::Open(path);
                Some(stream.peer)
            }
            _ => None,
        }
    }

    pub(super) fn connection_of(&self, socket: SocketId) -> Option<u32> {
        self.0.iter().find_map(|stream| match stream.step {
            Step::Attaching { path, connection } if path.id == socket => Some(connection),
            _ => None,
        })
    }

    pub(super) fn path_of(&self, socket: SocketId) -> Option<Path> {
        self.0.iter().find_map(|stream| match stream.step {
            Step::Attaching { path, .. } if path.id == socket => Some(path),
            _ => None,
        })
    }

    pub(super) fn is_attaching(&self, path: &Path) -> bool {
        self.path_of(path.id).is_some_and(|known| known == *path)
    }

    /// The peer whose data comes this way.
    pub(super) fn open_peer(&self, path: &Path) -> Option<SocketAddr> {
        self.0.iter().find_map(|stream| match stream.step {
            Step::Open(known) if known == *path => Some(stream.peer),
            _ => None,
        })
    }

    /// The way of data for a peer.
    pub(super) fn path_to(&self, peer: SocketAddr) -> Option<Path> {
        self.0.iter().find_map(|stream| match stream.step {
            Step::Open(path) if stream.peer == peer => Some(path),
            _ => None,
        })
    }

    /// Takes a connection out by its socket. Answers the peer.
    pub(super) fn remove(&mut self, socket: SocketId) -> Option<SocketAddr> {
        self.lost(socket).map(|(peer, _)| peer)
    }

    /// Likewise, and whether data flowed.
    pub(super) fn lost(&mut self, socket: SocketId) -> Option<(SocketAddr, bool)> {
        let at = self
            .0
            .iter()
            .position(|stream| stream.step.socket() == Some(socket))?;
        let Stream { peer, step } = self.0.remove(at);
        Some((peer, matches!(step, Step::Open(_))))
    }

    /// The server could not connect to the peer.
    pub(super) fn give_up(&mut self, peer: SocketAddr) {
        self.0
            .retain(|stream| stream.peer != peer || !matches!(stream.step, Step::Connecting));
    }

    pub(super) fn sockets(&self) -> impl Iterator<Item = SocketId> {
        self.0.iter().filter_map(|stream| stream.step.socket())
    }
}

impl Allocation {
    pub(super) fn relays_streams(&self) -> bool {
        matches!(self.config.relay, Relay::Streams { .. })
    }

    /// Connects to a peer over TCP, from the relayed address (RFC 6062 §4.3).
    /// [`Event::Connected`] or [`Event::ConnectFailed`] follows.
    ///
    /// # Errors
    /// When that cannot be, or there is a connection to the peer.
    pub fn connect(&mut self, now: Instant, peer: SocketAddr) -> Result<(), PeerError> {
        self.check_peer(peer.ip())?;
        if !self.relays_streams() {
            return Err(PeerError::Kind);
        }
        if !matches!(self.phase, Phase::Live(_)) {
            return Err(PeerError::NotAllocated);
        }
        if self.streams.0.iter().any(|stream| stream.peer == peer) {
            return Err(PeerError::Exists(peer));
        }
        if self.streams.0.len() >= MAX {
            return Err(PeerError::TooMany(MAX));
        }
        let step = Step::Connecting;
        self.streams.0.push(Stream { peer, step });
        self.begin(now, Purpose::Connect(peer), 0);
        Ok(())
    }

    /// Accepts a connection that [`Event::ConnectionAttempt`] told of.
    ///
    /// # Errors
    /// When it was not offered, or more than half a minute ago.
    pub fn accept(&mut self, now: Instant, connection: u32) -> Result<(), PeerError> {
        let offered = self.streams.0.iter().find_map(|stream| match stream.step {
            Step::Offered {
                connection: offered,
                until,
            } if offered == connection && now < until => Some(stream.peer),
            _ => None,
        });
        let peer = offered.ok_or(PeerError::UnknownConnection(connection))?;
        self.open_stream(peer, connection);
        Ok(())
    }

    /// Closes the connection to a peer. The driver sends what waits before.
    pub fn disconnect(&mut self, peer: SocketAddr) {
        let at = self.streams.0.iter().position(|stream| stream.peer == peer);
        let Some(at) = at else {
            return;
        };
        let Stream { step, .. } = self.streams.0.remove(at);
        self.requests.take(|pending| match pending.purpose {
            Purpose::Connect(other) => other == peer,
            Purpose::Attach(socket) => Some(socket) == step.socket(),
            _ => false,
        });
        if let Some(id) = step.socket() {
            self.close(id);
        }
    }

    /// Asks for the connection that is to carry that of a peer (RFC 6062 §4.3).
    pub(super) fn open_stream(&mut self, peer: SocketAddr, connection: u32) {
        let socket = self.next_socket();
        let Some(stream) = self.streams.0.iter_mut().find(|stream| stream.peer == peer) else {
            return;
        };
        stream.step = Step::Opening { socket, connection };
        let local = Local::Family(Family::of(self.server.address.ip()));
        let what = self.wanted(local, Framing::TurnData);
        self.tell(Event::Open(Open { id: socket, what }));
    }
}
