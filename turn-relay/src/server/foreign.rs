//! Clients whose frames come here, and whose allocations another worker has: those that have moved, and
//! those that came for a reserved port. The system chooses a worker by addresses; these chose by a
//! ticket.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::five_tuple::{ByClient, FiveTuple, Keyed};
use super::relay::Relay;
use super::relayed::Relayed;

/// Most clients that are remembered. Each has shown a sealed ticket or token, and its address.
const MAX: usize = 65_536;

/// A client that was silent for so long is forgotten: longer than an allocation lasts unless refreshed.
const IDLE: Duration = Duration::from_secs(3900);

#[derive(Debug)]
pub(super) struct Foreign(ByClient<(u8, Instant)>);

impl Foreign {
    pub(super) fn new(hasher: Keyed) -> Self {
        Self(HashMap::with_hasher(hasher))
    }

    /// Which worker has the allocation of a client, if it is another one.
    pub(super) fn worker_of(&mut self, now: Instant, client: &FiveTuple) -> Option<u8> {
        // Nearly always there is none, and nothing to hash.
        if self.0.is_empty() {
            return None;
        }
        let (worker, last) = self.0.get_mut(client)?;
        if now.saturating_duration_since(*last) >= IDLE {
            self.0.remove(client);
            return None;
        }
        *last = now;
        Some(*worker)
    }

    fn remember(&mut self, now: Instant, client: FiveTuple, worker: u8) {
        if self.0.len() >= MAX {
            self.0
                .retain(|_, (_, last)| now.saturating_duration_since(*last) < IDLE);
        }
        if self.0.len() < MAX {
            self.0.insert(client, (worker, now));
        }
    }
}

impl Relay {
    /// This client, and all that comes of it, is for another worker.
    pub(super) fn send_on(&mut self, now: Instant, client: FiveTuple, worker: u8) -> Relayed {
        // A connection goes there as a whole; its id may soon be another one's.
        if matches!(client, FiveTuple::Datagrams { .. }) {
            self.foreign.remember(now, client, worker);
        }
        Relayed::Elsewhere(worker)
    }
}
