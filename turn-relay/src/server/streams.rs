//! Connections to peers (RFC 6062): made, accepted, joined to a connection of the client.
//!
//! ```text
//!                       handle_opened            ConnectionBind
//! Connect ──► Connecting ────────────► Waiting ─────────────────► Joined
//!                       handle_peer_accepted ──►│ 30 s: closed
//! ```
//!
//! The driver joins the two connections; what they carry does not come here.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use stun_codec::attribute::{ConnectionId, ErrorCode, XorPeerAddress};
use stun_codec::{Builder, Close, Family, Method, Open, Path, SocketId, Transport, Wanted};

use super::allocate::read;
use super::allocation::{Allocation, Live};
use super::answer::Asked;
use super::event::Event;
use super::five_tuple::FiveTuple;
use super::relay::{Relay, Use};
use super::relayed::Relayed;
use super::request::Request;
use super::slots::Key;
use super::timers::Due;

/// Most connections of one allocation.
const MAX_STREAMS: usize = 64;

/// RFC 6062 §5.2, §5.3: how long a connection waits for its client.
const PATIENCE: Duration = Duration::from_secs(30);

/// Connections to peers, by the names that clients know them by.
#[derive(Debug, Default)]
pub(super) struct Streams {
    by_name: BTreeMap<u32, Stream>,
    made: u32,
}

#[derive(Debug)]
struct Stream {
    allocation: Key,
    peer: SocketAddr,
    /// The connection to the peer.
    socket: SocketId,
    state: State,
}

#[derive(Debug)]
enum State {
    /// The driver was asked for it.
    Connecting(Box<Asked>),
    /// The client was told of it.
    Waiting { until: Instant },
    /// It is joined to this connection of the client.
    Joined(SocketId),
}

impl Streams {
    fn of(&self, allocation: Key) -> impl Iterator<Item = (&u32, &Stream)> {
        let all = self.by_name.iter();
        all.filter(move |(_, stream)| stream.allocation == allocation)
    }

    /// Whether an allocation may have one more to this peer.
    fn check(&self, allocation: Key, peer: SocketAddr) -> Result<(), ErrorCode<'static>> {
        if self.of(allocation).any(|(_, stream)| stream.peer == peer) {
            return Err(ErrorCode::CONNECTION_ALREADY_EXISTS);
        }
        match self.of(allocation).count() {
            MAX_STREAMS.. => Err(ErrorCode::INSUFFICIENT_CAPACITY),
            _ => Ok(()),
        }
    }
}

impl Relay {
    /// Connect (RFC 6062 §5.2).
    pub(super) fn on_connect(&mut self, request: Request<'_>) -> Relayed {
        let outcome = self.own(&request).and_then(|key| {
            let XorPeerAddress(peer) = read(&request.message)?.ok_or(ErrorCode::BAD_REQUEST)?;
            Ok((key, peer, self.connect_from(key, peer)?))
        });
        let (key, peer, local) = match outcome {
            Ok(found) => found,
            Err(code) => return self.desk.refuse(&request.asked, &code.into()),
        };
        let name = self.next_stream();
        let Some(socket) = self.sockets.insert(Use::Stream(name)) else {
            let code = ErrorCode::INSUFFICIENT_CAPACITY;
            return self.desk.refuse(&request.asked, &code.into());
        };
        let id = SocketId::asked(socket.number());
        let stream = Stream {
            allocation: key,
            peer,
            socket: id,
            state: State::Connecting(Box::new(request.asked)),
        };
        self.streams.by_name.insert(name, stream);
        let what = Wanted::TcpFrom {
            local,
            remote: peer,
        };
        self.desk.tell(Event::Open(Open { id, what }));
        Relayed::Consumed
    }

    /// Where a connection to a peer comes from, if there may be one.
    fn connect_from(&self, key: Key, peer: SocketAddr) -> Result<SocketAddr, ErrorCode<'static>> {
        let Some(Allocation::Live(live)) = self.allocations.get(key) else {
            return Err(ErrorCode::ALLOCATION_MISMATCH);
        };
        if !live.is_stream {
            return Err(ErrorCode::BAD_REQUEST);
        }
        let side = live.side(Family::of(peer.ip()));
        let side = side.ok_or(ErrorCode::PEER_ADDRESS_FAMILY_MISMATCH)?;
        if !self.config.policy.permits(peer) {
            return Err(ErrorCode::FORBIDDEN);
        }
        self.streams.check(key, peer)?;
        Ok(side.local)
    }

    /// Names carry the worker: the client's next connection may come to another one.
    fn next_stream(&mut self) -> u32 {
        loop {
            self.streams.made = self.streams.made.wrapping_add(1) & 0x00ff_ffff;
            let name = u32::from(self.config.worker) << 24 | self.streams.made;
            if !self.streams.by_name.contains_key(&name) {
                return name;
            }
        }
    }

    /// The connection to a peer is there.
    pub(super) fn stream_opened(&mut self, now: Instant, name: u32) {
        let Some(stream) = self.streams.by_name.get_mut(&name) else {
            return;
        };
        if !matches!(stream.state, State::Connecting(_)) {
            return;
        }
        let until = now + PATIENCE;
        let before = std::mem::replace(&mut stream.state, State::Waiting { until });
        if let State::Connecting(asked) = before {
            let _ = self.desk.grant(&asked, &[&ConnectionId(name)]);
            self.timers.push(until, Due::Stream(name));
        }
    }

    /// There is no connection to a peer, or no longer.
    pub(super) fn stream_ended(&mut self, name: u32) {
        let Some(stream) = self.streams.by_name.remove(&name) else {
            return;
        };
        match stream.state {
            State::Connecting(asked) => {
                let code = ErrorCode::CONNECTION_TIMEOUT_OR_FAILURE;
                let _ = self.desk.refuse(&asked, &code.into());
            }
            State::Joined(client) => self.hang_up_joined(client),
            State::Waiting { .. } => {}
        }
    }

    /// A peer has connected to an address that was relayed at: `listener` is the socket that was asked
    /// for, `path` the new connection, with an id of the driver's own. It is to be read only once it is
    /// joined to one of the client ([`Event::Join`]).
    pub fn handle_peer_accepted(&mut self, now: Instant, listener: SocketId, path: Path) {
        let used = Key::of_socket(listener).and_then(|socket| self.sockets.get(socket));
        let allocation = match used {
            Some(Use::Allocation(key)) => Some(*key),
            _ => None,
        };
        let told =
            allocation.and_then(|key| Some((key, self.admit_stream(now, key, path.remote)?)));
        let Some((key, client)) = told else {
            self.desk.stats.unpermitted_peer += 1;
            return self.desk.tell(Event::Close(Close { id: path.id }));
        };
        let name = self.next_stream();
        let until = now + PATIENCE;
        let stream = Stream {
            allocation: key,
            peer: path.remote,
            socket: path.id,
            state: State::Waiting { until },
        };
        self.streams.by_name.insert(name, stream);
        self.timers.push(until, Due::Stream(name));
        let id = self.random.transaction_id();
        let written = self.desk.outbox.push(client, |out| {
            let attempt = Builder::indication(out, Method::CONNECTION_ATTEMPT, id);
            let attempt = attempt.attribute(&XorPeerAddress(path.remote));
            attempt.attribute(&ConnectionId(name)).finish().ok()
        });
        if written.is_none() {
            self.desk.stats.answer_overflow += 1;
        }
    }

    /// Whom to tell of a peer's connection, if the peer is let in (RFC 6062 §5.3).
    fn admit_stream(&self, now: Instant, key: Key, peer: SocketAddr) -> Option<Path> {
        let Some(Allocation::Live(live)) = self.allocations.get(key) else {
            return None;
        };
        live.peers.permitted(now, peer.ip())?;
        let is_let_in = live.is_stream && self.config.policy.permits(peer);
        self.streams.check(key, peer).ok().filter(|()| is_let_in)?;
        Some(live.path)
    }

    /// ConnectionBind (RFC 6062 §5.4): this connection of the client and that to the peer become one.
    pub(super) fn on_connection_bind(&mut self, request: &Request<'_>) -> Relayed {
        let path = request.asked.path;
        let name = match read::<ConnectionId>(&request.message) {
            Ok(Some(ConnectionId(name))) => name,
            _ => {
                return self
                    .desk
                    .refuse(&request.asked, &ErrorCode::BAD_REQUEST.into());
            }
        };
        // The highest byte is the worker's.
        let [worker, ..] = name.to_be_bytes();
        let client = FiveTuple::from(&path);
        if worker != self.config.worker && worker < self.config.workers {
            return self.send_on(request.now, client, worker);
        }
        let is_free = path.transport != Transport::Udp && !self.clients.contains_key(&client);
        let user = self.streams.by_name.get(&name).and_then(|stream| {
            let allocation = self.allocations.get(stream.allocation)?;
            let is_waiting = matches!(stream.state, State::Waiting { .. });
            is_waiting.then(|| allocation.owner().identity.user.clone())
        });
        let code = match user {
            None => Some(ErrorCode::BAD_REQUEST),
            Some(_) if !is_free => Some(ErrorCode::BAD_REQUEST),
            Some(user) if user != request.identity.user => Some(ErrorCode::WRONG_CREDENTIALS),
            Some(_) => None,
        };
        if let Some(code) = code {
            return self.desk.refuse(&request.asked, &code.into());
        }
        if let Some(stream) = self.streams.by_name.get_mut(&name) {
            stream.state = State::Joined(path.id);
            let peer = stream.socket;
            self.connections.remove(path.id);
            self.joined.insert(path.id, name);
            let event = Event::Join {
                client: path.id,
                peer,
            };
            self.desk.tell(event);
        }
        self.desk.grant(&request.asked, &[&ConnectionId(name)])
    }

    /// The client's half of a joined pair has ended, or the half of a peer that had connected.
    pub(super) fn joined_closed(&mut self, id: SocketId) {
        if let Some(name) = self.joined.remove(&id) {
            if let Some(stream) = self.streams.by_name.remove(&name) {
                self.close_stream(stream.socket);
            }
            return;
        }
        let accepted = |stream: &Stream| stream.socket == id;
        let name = self
            .streams
            .by_name
            .iter()
            .find(|(_, stream)| accepted(stream));
        if let Some(name) = name.map(|(name, _)| *name) {
            self.stream_ended(name);
        }
    }

    /// Nobody has come for a connection.
    pub(super) fn expire_stream(&mut self, now: Instant, name: u32) {
        let stream = self.streams.by_name.get(&name);
        let is_over = stream
            .is_some_and(|stream| matches!(stream.state, State::Waiting { until } if now >= until));
        if is_over && let Some(stream) = self.streams.by_name.remove(&name) {
            self.close_stream(stream.socket);
        }
    }

    /// The connections of an allocation end with it.
    pub(super) fn end_streams(&mut self, key: Key, live: &Live) {
        if !live.is_stream {
            return;
        }
        let names: Vec<u32> = self.streams.of(key).map(|(name, _)| *name).collect();
        for name in names {
            if let Some(stream) = self.streams.by_name.remove(&name) {
                self.close_stream(stream.socket);
                if let State::Joined(client) = stream.state {
                    self.hang_up_joined(client);
                }
            }
        }
    }

    fn hang_up_joined(&mut self, client: SocketId) {
        self.joined.remove(&client);
        self.desk.tell(Event::Close(Close { id: client }));
    }

    /// Closes a connection to a peer, whoever has named it.
    fn close_stream(&mut self, id: SocketId) {
        match Key::of_socket(id) {
            Some(socket) => self.close(socket),
            None => self.desk.tell(Event::Close(Close { id })),
        }
    }
}
