//! TCP candidates (RFC 6544): connections between the agents themselves.
//!
//! One address of ours has two candidates. The *passive* one is a listening socket of the driver; what it
//! accepts comes by [`handle_accepted`](Agent::handle_accepted). The *active* one opens a connection for
//! each passive candidate of the peer, when the first check of that pair comes up:
//!
//! ```text
//!   Waiting ──► Permitting: Event::Open ──handle_opened──► Waiting, triggered ──► InProgress ──► ...
//!                        └─ handle_open_failed, handle_closed ──► Failed
//! ```
//!
//! Every connection has a pair of its own, whose path bears its id. Nothing is repeated over a connection,
//! and frames are those of RFC 4571. Simultaneous-open candidates are neither made nor paired.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use stun_codec::stream::Framing;
use stun_codec::{Close, Local, Open, OpenError, Path, SocketId, Transport, Wanted};

use super::{AddHostError, Agent};
use crate::checklist::{PairId, PairState};
use crate::event::Event;
use crate::failure::Refusal;
use crate::locals::Behind;

/// Most accepted connections that have not shown yet whom they are from.
const MAX_STRANGERS: usize = 16;

/// Most connections in all.
const MAX_CONNECTIONS: usize = 128;

/// How long they have for that.
const STRANGER_TIME: Duration = Duration::from_secs(10);

/// The port of an active candidate, which means nothing (RFC 6544 §4.5).
const DISCARD: u16 = 9;

/// A connection between the agents.
#[derive(Debug, Clone, Copy)]
pub(super) struct Connection {
    id: SocketId,
    stage: Stage,
}

#[derive(Debug, Clone, Copy)]
enum Stage {
    /// We asked for it, for this pair.
    Opening(PairId),
    /// It was accepted, and has not brought a check with our password yet.
    Stranger { until: Instant },
    /// It has a pair.
    Paired,
}

impl Agent {
    /// Asks the driver by [`Event::Open`] for a listening TCP socket. It becomes a passive candidate, and
    /// its address an active one (RFC 6544 §5.1). Where it cannot be opened on a given address only the
    /// active one is left.
    ///
    /// # Errors
    /// As [`gather`](Self::gather).
    pub fn gather_tcp(&mut self, now: Instant, local: Local) -> Result<SocketId, AddHostError> {
        self.may_gather_on(local)?;
        let until = now + self.config.gathering_deadline;
        let id = self.names.next();
        self.gatherer.open_listener(id, local, until);
        let what = Wanted::FramedTcpListener {
            local,
            port: self.config.policy.port(),
            framing: Framing::Rfc4571,
        };
        self.events
            .push(Event::Open(Open { id, what }), &mut self.stats);
        self.begin_relays(now);
        self.advance(now);
        Ok(id)
    }

    /// A connection was accepted at a listening socket of ours; `path` is the way from us to whoever made
    /// it. It is closed again if it brings no check with our password within 10 s.
    pub fn handle_accepted(&mut self, now: Instant, path: Path) {
        let is_stranger = |one: &&Connection| matches!(one.stage, Stage::Stranger { .. });
        let strangers = self.connections.iter().filter(is_stranger).count();
        let ours = self.current.locals.base_of(&path).is_some();
        let room = strangers < MAX_STRANGERS && self.connections.len() < MAX_CONNECTIONS;
        if ours && room && !self.state().is_finished() {
            let until = now + STRANGER_TIME;
            self.connections.push(Connection {
                id: path.id,
                stage: Stage::Stranger { until },
            });
        } else {
            self.close_socket(path.id);
        }
        self.advance(now);
    }

    /// The listening socket is there.
    pub(super) fn add_listener(&mut self, now: Instant, id: SocketId, local: SocketAddr) {
        let base = self.current.locals.add(id, local, Behind::Listener);
        self.announce(now, base);
        self.add_dialer(now, local);
    }

    /// Connections can be made from this address.
    pub(super) fn add_dialer(&mut self, now: Instant, local: SocketAddr) {
        let name = self.names.next();
        let from = SocketAddr::new(local.ip(), DISCARD);
        let base = self.current.locals.add(name, from, Behind::Dialer);
        self.announce(now, base);
        for remote in self.current.remotes.ids() {
            self.pair_up(base, remote);
        }
    }

    /// Whether a check of this pair has to wait for its connection, which is asked for then.
    pub(super) fn waits_for_connection(&mut self, pair: PairId) -> bool {
        let Some(found) = self.current.checks.get_mut(pair) else {
            return false;
        };
        let path = found.path;
        if path.transport != Transport::Tcp || path.local.port() != DISCARD {
            return false;
        }
        found.state = PairState::Permitting;
        self.connections.push(Connection {
            id: path.id,
            stage: Stage::Opening(pair),
        });
        let what = Wanted::Tcp {
            remote: path.remote,
            framing: Framing::Rfc4571,
        };
        let open = Open { id: path.id, what };
        self.events.push(Event::Open(open), &mut self.stats);
        true
    }

    /// A connection is there. False when it was asked for by nobody here.
    pub(super) fn connection_opened(&mut self, id: SocketId, local: SocketAddr) -> bool {
        let Some(connection) = self.connections.iter_mut().find(|one| one.id == id) else {
            return false;
        };
        let Stage::Opening(pair) = connection.stage else {
            return true;
        };
        connection.stage = Stage::Paired;
        self.current.checks.move_to(pair, local);
        if let Some(found) = self.current.checks.get_mut(pair)
            && matches!(found.state, PairState::Permitting)
        {
            found.state = PairState::Waiting;
            self.current.checks.trigger(pair);
        }
        true
    }

    /// A connection could not be made, or has ended.
    pub(super) fn connection_lost(
        &mut self,
        now: Instant,
        id: SocketId,
        error: Option<OpenError>,
    ) -> bool {
        let Some(at) = self.connections.iter().position(|one| one.id == id) else {
            return false;
        };
        let connection = self.connections.swap_remove(at);
        if let (Stage::Opening(pair), Some(_)) = (connection.stage, error)
            && let Some(found) = self.current.checks.get_mut(pair)
        {
            found.tally.refuse(Refusal::Connection);
        }
        self.current.checks.close_socket(id);
        self.socket_is_gone(now, id);
        true
    }

    /// An authentic check came over a connection.
    pub(super) fn connection_is_known(&mut self, path: &Path) {
        let mut connections = self.connections.iter_mut();
        if let Some(connection) = connections.find(|one| one.id == path.id) {
            connection.stage = Stage::Paired;
        }
    }

    /// When the next stranger is sent away.
    pub(super) fn strangers_timeout(&self) -> Option<Instant> {
        let until = |one: &Connection| match one.stage {
            Stage::Stranger { until } => Some(until),
            Stage::Opening(_) | Stage::Paired => None,
        };
        self.connections.iter().filter_map(until).min()
    }

    pub(super) fn send_strangers_away(&mut self, now: Instant) {
        let over =
            |one: &mut Connection| matches!(one.stage, Stage::Stranger { until } if until <= now);
        let gone: Vec<_> = self.connections.extract_if(.., over).collect();
        for Connection { id, .. } in gone {
            self.close_socket(id);
        }
    }

    /// A restart: the pairs that connections are being made for are of no use any more.
    pub(super) fn stop_dialing(&mut self) {
        let opening = |one: &mut Connection| matches!(one.stage, Stage::Opening(_));
        let gone: Vec<_> = self.connections.extract_if(.., opening).collect();
        for Connection { id, .. } in gone {
            self.close_socket(id);
        }
    }

    /// At the end.
    pub(super) fn close_connections(&mut self) {
        for Connection { id, .. } in std::mem::take(&mut self.connections) {
            self.events
                .push(Event::Close(Close { id }), &mut self.stats);
        }
    }
}
