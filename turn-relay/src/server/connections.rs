//! Clients that come over TCP and TLS: a connection that nothing comes of is closed.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use stun_codec::{Close, Path, SocketId};

use super::event::Event;
use super::five_tuple::{FiveTuple, Keyed};
use super::relay::Relay;
use super::timers::Due;

/// How long a connection may stay without an allocation.
const IDLE: Duration = Duration::from_secs(30);

/// Connections of clients, and since when each has had no allocation.
#[derive(Debug)]
pub(super) struct Connections(HashMap<SocketId, Instant, Keyed>);

impl Connections {
    pub(super) fn new(hasher: Keyed) -> Self {
        Self(HashMap::with_hasher(hasher))
    }

    pub(super) fn remove(&mut self, id: SocketId) {
        self.0.remove(&id);
    }
}

impl Relay {
    /// A listener has accepted a connection. Unless it allocates within half a minute, it is to be
    /// closed again.
    pub fn handle_accepted(&mut self, now: Instant, path: Path) {
        self.connections.0.insert(path.id, now);
        self.timers.push(now + IDLE, Due::Connection(path.id));
    }

    /// The allocation of a connection is over, and the connection not yet.
    pub(super) fn leave_idle(&mut self, now: Instant, id: SocketId) {
        if let Some(since) = self.connections.0.get_mut(&id) {
            *since = now;
            self.timers.push(now + IDLE, Due::Connection(id));
        }
    }

    /// Closes a connection.
    pub(super) fn hang_up(&mut self, id: SocketId) {
        if self.connections.0.remove(&id).is_some() {
            self.desk.tell(Event::Close(Close { id }));
        }
    }

    /// Looks whether something has come of a connection.
    pub(super) fn check_connection(&mut self, now: Instant, id: SocketId) {
        let Some(since) = self.connections.0.get(&id) else {
            return;
        };
        let is_idle = now.saturating_duration_since(*since) >= IDLE;
        if is_idle && !self.clients.contains_key(&FiveTuple::Stream(id)) {
            self.hang_up(id);
        }
    }
}
