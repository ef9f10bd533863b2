//! Which call a datagram on a shared port belongs to.
//!
//! Many browsers share one socket, and none of them may take another's media. So a datagram is
//! found by something that only its own call can have:
//!
//! - a STUN request by the user name it carries (RFC 8445 §7.2.2);
//! - a STUN response by the transaction id of our request, 96 random bits;
//! - DTLS and SRTP by the address they come from, once the browser has answered a check there.
//!   Who can only send from an address, or name it among his candidates, gets no route by it.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;

use ice_agent::Path;
use stun_codec::TransactionId;

/// Addresses of one call at most: each is a path on which the browser has answered.
const ADDRESSES: usize = 32;

/// Requests of one call whose responses are still known. An agent has up to 100 pairs.
const TRANSACTIONS: usize = 256;

/// A socket's address and the far side's.
type Key = (SocketAddr, SocketAddr);

/// What leads to one call.
#[derive(Debug, Default)]
struct Leads {
    ufrags: Vec<String>,
    /// The newest last.
    addresses: VecDeque<Key>,
    /// The newest last.
    transactions: VecDeque<TransactionId>,
}

/// The routes of one worker.
#[derive(Debug, Default)]
pub(super) struct Routes {
    by_address: HashMap<Key, usize>,
    by_ufrag: HashMap<String, usize>,
    by_transaction: HashMap<TransactionId, usize>,
    of_slot: HashMap<usize, Leads>,
}

impl Routes {
    /// Makes a call known by its local user name fragment.
    pub(super) fn add(&mut self, slot: usize, ufrag: String) {
        self.of_slot.insert(slot, Leads::default());
        self.rename(slot, [ufrag.as_str()]);
    }

    /// Makes a call known by these names alone: all that its agent answers to. After an ICE restart
    /// that is the one from before it, too, for as long as it is of use.
    pub(super) fn rename<'n>(&mut self, slot: usize, ufrags: impl IntoIterator<Item = &'n str>) {
        let Some(leads) = self.of_slot.get_mut(&slot) else {
            return;
        };
        for old in leads.ufrags.drain(..) {
            remove_if(&mut self.by_ufrag, &old, slot);
        }
        for ufrag in ufrags {
            self.by_ufrag.insert(ufrag.to_owned(), slot);
            leads.ufrags.push(ufrag.to_owned());
        }
    }

    /// Forgets a call.
    pub(super) fn remove(&mut self, slot: usize) {
        let Some(leads) = self.of_slot.remove(&slot) else {
            return;
        };
        for ufrag in leads.ufrags {
            remove_if(&mut self.by_ufrag, &ufrag, slot);
        }
        for key in leads.addresses {
            remove_if(&mut self.by_address, &key, slot);
        }
        for id in leads.transactions {
            remove_if(&mut self.by_transaction, &id, slot);
        }
    }

    /// The call of a STUN request, by its user name.
    pub(super) fn by_ufrag(&self, ufrag: &str) -> Option<usize> {
        self.by_ufrag.get(ufrag).copied()
    }

    /// The call of a STUN response, by its transaction.
    pub(super) fn by_transaction(&self, id: TransactionId) -> Option<usize> {
        self.by_transaction.get(&id).copied()
    }

    /// The call of anything else, by where it came from.
    pub(super) fn by_address(&self, path: &Path) -> Option<usize> {
        self.by_address.get(&(path.local, path.remote)).copied()
    }

    /// A call has sent a request.
    pub(super) fn expect(&mut self, id: TransactionId, slot: usize) {
        let Some(leads) = self.of_slot.get_mut(&slot) else {
            return;
        };
        if self.by_transaction.insert(id, slot).is_some() {
            return; // sent again
        }
        leads.transactions.push_back(id);
        if leads.transactions.len() > TRANSACTIONS
            && let Some(old) = leads.transactions.pop_front()
        {
            remove_if(&mut self.by_transaction, &old, slot);
        }
    }

    /// The request of a call was answered, and is not expected to be answered again.
    pub(super) fn answered(&mut self, id: TransactionId, slot: usize) {
        remove_if(&mut self.by_transaction, &id, slot);
        if let Some(leads) = self.of_slot.get_mut(&slot) {
            leads.transactions.retain(|expected| *expected != id);
        }
    }

    /// The browser of a call has answered on a path. Whoever was there before has left.
    pub(super) fn prove(&mut self, path: &Path, slot: usize) {
        let key = (path.local, path.remote);
        if self.by_address.get(&key) == Some(&slot) {
            return;
        }
        let Some(leads) = self.of_slot.get_mut(&slot) else {
            return;
        };
        self.by_address.insert(key, slot);
        leads.addresses.retain(|known| *known != key);
        leads.addresses.push_back(key);
        if leads.addresses.len() > ADDRESSES
            && let Some(old) = leads.addresses.pop_front()
        {
            remove_if(&mut self.by_address, &old, slot);
        }
    }
}

/// What has gone to another call since is left alone.
fn remove_if<K: std::hash::Hash + Eq>(map: &mut HashMap<K, usize>, key: &K, slot: usize) {
    if map.get(key) == Some(&slot) {
        map.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use ice_agent::{SocketId, Transport};

    use super::*;

    fn path(remote_port: u16) -> Path {
        Path {
            id: SocketId(0),
            local: ([192, 0, 2, 1], 16384).into(),
            remote: ([198, 51, 100, 7], remote_port).into(),
            transport: Transport::Udp,
        }
    }

    fn id(n: u16) -> TransactionId {
        let mut bytes = [0; 12];
        bytes[..2].copy_from_slice(&n.to_be_bytes());
        TransactionId(bytes)
    }

    fn two_calls() -> Routes {
        let mut routes = Routes::default();
        routes.add(1, "alice".into());
        routes.add(2, "bob".into());
        routes
    }

    #[test]
    fn calls_are_found_until_they_end() {
        let mut routes = two_calls();
        routes.prove(&path(5), 1);
        routes.expect(id(9), 1);
        assert_eq!(routes.by_ufrag("alice"), Some(1));
        assert_eq!(routes.by_address(&path(5)), Some(1));
        assert_eq!(routes.by_transaction(id(9)), Some(1));
        assert_eq!(routes.by_address(&path(6)), None);
        routes.remove(1);
        assert_eq!(routes.by_ufrag("alice"), None);
        assert_eq!(routes.by_address(&path(5)), None);
        assert_eq!(routes.by_transaction(id(9)), None);
        assert_eq!(routes.by_ufrag("bob"), Some(2));
    }

    #[test]
    fn a_call_is_known_by_its_present_names() {
        let mut routes = two_calls();
        routes.rename(1, ["alicia", "alice"]);
        assert_eq!(routes.by_ufrag("alice"), Some(1));
        routes.rename(1, ["alison", "alice"]);
        let found = ["alice", "alicia", "alison", "bob"].map(|name| routes.by_ufrag(name));
        assert_eq!(found, [Some(1), None, Some(1), Some(2)]);
        routes.remove(1);
        assert_eq!(routes.by_ufrag.len(), 1, "only that of the other call");
        routes.rename(1, ["alice"]);
        assert_eq!(routes.by_ufrag("alice"), None, "no call, no name");
    }

    #[test]
    fn an_address_goes_to_who_answered_there_last() {
        let mut routes = two_calls();
        routes.prove(&path(5), 1);
        routes.prove(&path(5), 2);
        assert_eq!(routes.by_address(&path(5)), Some(2));
        routes.prove(&path(5), 1);
        assert_eq!(routes.of_slot[&1].addresses.len(), 1);
        routes.prove(&path(5), 2);
        routes.remove(1);
        assert_eq!(
            routes.by_address(&path(5)),
            Some(2),
            "the past owner takes nothing with him"
        );
    }

    #[test]
    fn an_answered_request_is_forgotten() {
        let mut routes = two_calls();
        routes.expect(id(1), 1);
        routes.expect(id(2), 1);
        routes.answered(id(1), 2);
        assert_eq!(routes.by_transaction(id(1)), Some(1), "not by another call");
        routes.answered(id(1), 1);
        assert_eq!(routes.by_transaction(id(1)), None);
        assert_eq!(routes.by_transaction(id(2)), Some(1));
        assert_eq!(routes.of_slot[&1].transactions, [id(2)]);
    }

    #[test]
    fn one_call_cannot_fill_the_tables() {
        let mut routes = two_calls();
        for n in 1..1000 {
            routes.prove(&path(n), 2);
            routes.expect(id(n), 2);
            routes.expect(id(n), 2);
        }
        assert_eq!(routes.by_address.len(), ADDRESSES);
        assert_eq!(routes.by_transaction.len(), TRANSACTIONS);
        assert_eq!(
            routes.by_address(&path(999)),
            Some(2),
            "the newest are kept"
        );
        assert_eq!(routes.by_transaction(id(999)), Some(2));
    }
}
