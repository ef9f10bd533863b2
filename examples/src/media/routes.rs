//! Which call a datagram on a shared port belongs to.
//!
//! Many browsers share one socket. A STUN request names its agent by the user name it carries
//! (RFC 8445 §7.2.2); everything else is found by the address it comes from. An address is
//! *claimed* when we send to it, and *proven* when an authenticated request came from it: a proven
//! route is never taken over, so that nobody steals a call's media by naming its address among
//! his candidates.

use std::collections::HashMap;
use std::net::SocketAddr;

use ice_agent::Path;

/// Routes of one call at most; a browser uses a handful.
const PER_CALL: usize = 32;

/// A socket's address and the far side's.
type Key = (SocketAddr, SocketAddr);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Route {
    slot: usize,
    proven: bool,
}

/// The routes of one worker.
#[derive(Debug, Default)]
pub(super) struct Routes {
    by_address: HashMap<Key, Route>,
    by_ufrag: HashMap<String, usize>,
    of_slot: HashMap<usize, Vec<Key>>,
}

impl Routes {
    /// Makes a call known by its local user name fragment.
    pub(super) fn add(&mut self, slot: usize, ufrag: &str) {
        self.by_ufrag.insert(ufrag.to_owned(), slot);
        self.of_slot.insert(slot, Vec::new());
    }

    /// Forgets a call.
    pub(super) fn remove(&mut self, slot: usize) {
        self.by_ufrag.retain(|_, of| *of != slot);
        for key in self.of_slot.remove(&slot).unwrap_or_default() {
            if self
                .by_address
                .get(&key)
                .is_some_and(|route| route.slot == slot)
            {
                self.by_address.remove(&key);
            }
        }
    }

    /// The call of a STUN request, by its user name.
    pub(super) fn by_ufrag(&self, ufrag: &str) -> Option<usize> {
        self.by_ufrag.get(ufrag).copied()
    }

    /// The call of anything else, by where it came from.
    pub(super) fn by_address(&self, path: &Path) -> Option<usize> {
        self.by_address
            .get(&(path.local, path.remote))
            .map(|route| route.slot)
    }

    /// A call sends to an address.
    pub(super) fn claim(&mut self, path: &Path, slot: usize) {
        let key = (path.local, path.remote);
        if !self.by_address.contains_key(&key) {
            self.insert(
                key,
                Route {
                    slot,
                    proven: false,
                },
            );
        }
    }

    /// A call has authenticated a request from an address.
    pub(super) fn prove(&mut self, path: &Path, slot: usize) {
        let key = (path.local, path.remote);
        match self.by_address.get_mut(&key) {
            Some(route) if route.proven => {}
            Some(route) if route.slot == slot => route.proven = true,
            _ => self.insert(key, Route { slot, proven: true }),
        }
    }

    fn insert(&mut self, key: Key, route: Route) {
        let Some(keys) = self.of_slot.get_mut(&route.slot) else {
            return;
        };
        if keys.len() < PER_CALL {
            keys.push(key);
            self.by_address.insert(key, route);
        }
    }
}

#[cfg(test)]
mod tests {
    use ice_agent::{SocketId, Transport};

    use super::*;

    fn path(remote_port: u16) -> Path {
        let local = ([192, 0, 2, 1], 16384).into();
        let remote = ([198, 51, 100, 7], remote_port).into();
        Path {
            id: SocketId(0),
            local,
            remote,
            transport: Transport::Udp,
        }
    }

    fn two_calls() -> Routes {
        let mut routes = Routes::default();
        routes.add(1, "alice");
        routes.add(2, "mallory");
        routes
    }

    #[test]
    fn calls_are_found_by_user_name_and_by_address_until_they_end() {
        let mut routes = two_calls();
        routes.claim(&path(5), 1);
        assert_eq!(routes.by_ufrag("alice"), Some(1));
        assert_eq!(routes.by_address(&path(5)), Some(1));
        assert_eq!(routes.by_address(&path(6)), None);
        routes.remove(1);
        assert_eq!(
            (routes.by_ufrag("alice"), routes.by_address(&path(5))),
            (None, None)
        );
    }

    #[test]
    fn a_proof_beats_a_claim_and_is_never_beaten() {
        let mut routes = two_calls();
        routes.claim(&path(5), 2);
        routes.prove(&path(5), 1);
        assert_eq!(routes.by_address(&path(5)), Some(1));
        routes.claim(&path(5), 2);
        routes.prove(&path(5), 2);
        assert_eq!(routes.by_address(&path(5)), Some(1));
        routes.remove(2);
        assert_eq!(
            routes.by_address(&path(5)),
            Some(1),
            "the loser leaves nothing behind"
        );
    }

    #[test]
    fn one_call_cannot_fill_the_table() {
        let mut routes = two_calls();
        for port in 1..1000 {
            routes.claim(&path(port), 2);
        }
        assert_eq!(routes.by_address.len(), PER_CALL);
    }
}
