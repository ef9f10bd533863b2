//! The addresses that the server lets in (RFC 8656 §9).

use std::net::IpAddr;
use std::time::Instant;

use super::lease::{Grant, Lease, PERMISSION};

/// Most permissions of one allocation.
pub(super) const MAX: usize = 128;

#[derive(Debug, Clone, Copy)]
struct Permission {
    peer: IpAddr,
    grant: Grant,
}

#[derive(Debug, Default)]
pub(super) struct Permissions(Vec<Permission>);

impl Permissions {
    /// Wants one. False where there are too many.
    pub(super) fn want(&mut self, peer: IpAddr) -> bool {
        if self.find(peer).is_some() {
            return true;
        }
        let room = self.0.len() < MAX;
        if room {
            let grant = Grant::Wanted;
            self.0.push(Permission { peer, grant });
        }
        room
    }

    pub(super) fn forget(&mut self, peer: IpAddr) {
        self.0.retain(|permission| permission.peer != peer);
    }

    /// Notes that the server lets an address in. True if it did not before.
    pub(super) fn granted(&mut self, now: Instant, peer: IpAddr) -> bool {
        let lease = Grant::Granted(Lease::new(now, PERMISSION));
        match self.0.iter_mut().find(|permission| permission.peer == peer) {
            Some(permission) => {
                let was = std::mem::replace(&mut permission.grant, lease);
                !matches!(was, Grant::Granted(_))
            }
            None => false,
        }
    }

    /// The way of a request is gone.
    pub(super) fn ask_anew(&mut self, now: Instant, peer: IpAddr) {
        let found = self.0.iter_mut().find(|permission| permission.peer == peer);
        if let Some(permission) = found {
            permission.grant.ask_anew(now);
        }
    }

    /// Nobody has answered to a renewal: again, as long as there is time.
    pub(super) fn renew_again(&mut self, now: Instant, peer: IpAddr, at: Instant) -> bool {
        let found = self.0.iter_mut().find(|permission| permission.peer == peer);
        found.is_some_and(|permission| permission.grant.renew_again(now, at))
    }

    /// Whether an address is let in now.
    pub(super) fn is_granted(&self, now: Instant, peer: IpAddr) -> bool {
        self.find(peer)
            .is_some_and(|permission| permission.grant.is_valid(now))
    }

    /// An address that is to be asked for now.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<IpAddr> {
        self.0
            .iter_mut()
            .find_map(|permission| permission.grant.take_due(now).then_some(permission.peer))
    }

    pub(super) fn timeout(&self) -> Option<Instant> {
        self.0
            .iter()
            .filter_map(|permission| permission.grant.renewal())
            .min()
    }

    fn find(&self, peer: IpAddr) -> Option<&Permission> {
        self.0.iter().find(|permission| permission.peer == peer)
    }
}
