//! Making pairs and starting connectivity checks (RFC 8445 §6.1.2, §7.2).

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use stun_codec::{Path, Transport};

use super::Agent;
use super::phase::{Took, Turn};
use crate::candidate::{Candidate, Kind};
use crate::checklist::{Aim, PairId, PairState, Side};
use crate::config::{Mode, Role};
use crate::failure::Refusal;
use crate::locals::{BaseId, Behind};
use crate::outbox::Frame;
use crate::priority::pair_priority;
use crate::remotes::RemoteId;
use crate::servers::ServerKind;
use crate::transactions::{Check, Purpose};

/// The retransmission timer is never shorter (RFC 8445 §14.3).
const LEAST_RTO: Duration = Duration::from_millis(500);

impl Agent {
    /// Makes all pairs of what is known.
    pub(super) fn pair_all(&mut self) {
        for remote in self.current.remotes.ids() {
            self.pair_remote(remote);
        }
    }

    /// Makes the pairs of a remote candidate.
    pub(super) fn pair_remote(&mut self, remote: RemoteId) {
        for base in self.current.locals.ids() {
            self.pair_up(base, remote);
        }
    }

    /// Makes a pair if the two fit and checks have begun.
    pub(super) fn pair_up(&mut self, base: BaseId, remote: RemoteId) -> Option<PairId> {
        self.phase.running()?;
        let local = self.current.locals.base(base)?;
        let candidate = self.current.remotes.get(remote)?;
        if !local.checks(&candidate.protocol) {
            return None;
        }
        let address = on_link_of(local.address, checkable(candidate)?);
        let address = match local.is_relayed() {
            true => address,
            false if self.config.policy.allows(address.ip()) => {
                self.config.policy.route(local.address, address)
            }
            false => return None,
        };
        if !local.reaches(address) {
            return None;
        }
        let mut path = local.path_to(address);
        if local.behind == Behind::Dialer {
            // Each pair has a connection of its own.
            path.id = self.names.next();
            path.transport = Transport::Tcp;
        }
        self.pair_on(base, remote, path)
    }

    /// Makes a pair that goes this way.
    pub(super) fn pair_on(&mut self, base: BaseId, remote: RemoteId, path: Path) -> Option<PairId> {
        self.phase.running()?;
        let candidate = self.current.remotes.get(remote)?;
        let host = self.current.locals.host_of(base)?;
        let near = Side {
            id: base,
            foundation: host.foundation,
            priority: host.priority,
        };
        let far = Side {
            id: remote,
            foundation: candidate.foundation,
            priority: candidate.priority,
        };
        let pair = self.current.checks.add(near, far, path, self.role);
        if pair.is_none() {
            self.stats.over_bound += 1;
        }
        pair
    }

    /// Computes the priorities of all pairs again: the role or a candidate's priority changed.
    pub(super) fn reprioritise(&mut self) {
        let (locals, remotes, role) = (&self.current.locals, &self.current.remotes, self.role);
        self.current.checks.reprioritise(|pair| {
            let local = locals.host_of(pair.base)?;
            let remote = remotes.get(pair.remote)?;
            Some(pair_priority(role, local.priority, remote.priority))
        });
    }

    /// Takes the other role (RFC 8445 §7.3.1.1).
    pub(super) fn switch_role(&mut self, role: Role) {
        self.role = role;
        self.reprioritise();
        self.forget_nominations();
    }

    /// Starts the next transaction when the pace allows it (RFC 8445 §6.1.4.2, §14.2).
    pub(super) fn pace(&mut self, now: Instant) {
        if !self.pacer.is_free(now) {
            return;
        }
        if self.pacer.owes_others() && self.start_other(now) {
            self.pacer.take(now, Took::Other);
        } else if self.start_triggered(now) {
            self.pacer.take(now, Took::Triggered);
        } else if self.start_other(now) {
            self.pacer.take(now, Took::Other);
        }
    }

    /// Servers and ordinary checks take turns: neither may hold up the other.
    fn start_other(&mut self, now: Instant) -> bool {
        match self.pacer.turn() {
            Turn::Server => self.ask_servers(now) || self.start_ordinary(now),
            Turn::Check => self.start_ordinary(now) || self.ask_servers(now),
        }
    }

    /// Whether something waits for the pace.
    pub(super) fn has_work(&self) -> bool {
        self.current.checks.has_triggered()
            || self.gatherer.has_questions()
            || (self.does_ordinary_checks() && self.current.checks.next_ordinary().is_some())
    }

    /// Once a pair is selected only triggered checks go out (RFC 8445 §8.1.2).
    pub(super) fn does_ordinary_checks(&self) -> bool {
        let progress = self.phase.progress();
        progress.is_some_and(|progress| !progress.is_completed()) && !self.is_lite()
    }

    /// Whether checks are only answered.
    pub(super) fn is_lite(&self) -> bool {
        self.config.mode == Mode::Lite
    }

    fn start_triggered(&mut self, now: Instant) -> bool {
        while let Some((id, aim)) = self.current.checks.pop_triggered() {
            let works = self
                .current
                .checks
                .get(id)
                .is_some_and(|pair| pair.may_send(now));
            let applies = match aim {
                Aim::Check => !works,
                // One that is under way goes on.
                Aim::Probe => !self.transactions.has_check_of(id),
                Aim::Nominate => works,
            };
            if applies {
                self.start_check(now, id, aim == Aim::Nominate);
                return true;
            }
        }
        false
    }

    fn start_ordinary(&mut self, now: Instant) -> bool {
        if !self.does_ordinary_checks() {
            return false;
        }
        let next = self.current.checks.next_ordinary();
        if let Some(id) = next {
            self.start_check(now, id, false);
        }
        next.is_some()
    }

    fn start_check(&mut self, now: Instant, pair: PairId, nominate: bool) {
        // N counts the pair itself, which is Waiting or will be InProgress.
        let rto = LEAST_RTO.max(self.pacer.gap() * self.current.checks.active());
        let Some(found) = self.current.checks.get_mut(pair) else {
            return;
        };
        let Some(base) = self.current.locals.base(found.base) else {
            return;
        };
        let (name, remote) = (found.path.id, found.path.remote.ip());
        let priority = base.reflexive_priority;
        if base.is_relayed() && !self.relays.admits(now, &found.path) {
            // RFC 8656 §9: without a permission neither the check nor its answer would pass.
            found.state = PairState::Permitting;
            if !self.relays.permit(now, name, remote) {
                found.tally.refuse(Refusal::Relay(0));
                self.fail_pair(now, pair);
            }
            return;
        }
        if self.waits_for_connection(pair) {
            return;
        }
        let Some(found) = self.current.checks.get_mut(pair) else {
            return;
        };
        let id = self.random.transaction_id();
        if found.valid().is_none() {
            found.state = PairState::InProgress;
        }
        let check = Check {
            pair,
            role: self.role,
            tie_breaker: self.tie_breaker,
            priority,
            nominate,
        };
        self.transactions
            .start(now, id, found.path, Purpose::Check(check), rto);
        self.push(Frame::Request(id));
    }

    fn ask_servers(&mut self, now: Instant) -> bool {
        let Some((base, servers)) = self.gatherer.next_question() else {
            return false;
        };
        let Some(found) = self.current.locals.base(base) else {
            return false;
        };
        for server in servers {
            let server = self.config.policy.route(found.address, *server);
            if !found.reaches(server) {
                continue;
            }
            let id = self.random.transaction_id();
            self.servers
                .asked(now, ServerKind::Stun, server, Transport::Udp);
            let path = found.path_to(server);
            self.transactions
                .start(now, id, path, Purpose::Server(base), LEAST_RTO);
            if !self.outbox.push(Frame::Request(id)) {
                self.stats.output_overflow += 1;
            }
        }
        true
    }

    pub(super) fn push(&mut self, frame: Frame) {
        if !self.outbox.push(frame) {
            self.stats.output_overflow += 1;
        }
    }
}

/// The address to check, for candidates that can be checked.
fn checkable(candidate: &Candidate) -> Option<SocketAddr> {
    if matches!(candidate.kind, Kind::Other(_)) {
        return None;
    }
    let addr = candidate.socket_addr()?;
    let ip = addr.ip();
    (addr.port() != 0 && !ip.is_unspecified() && !ip.is_multicast()).then_some(addr)
}

/// A link-local address is meant on the link of the socket it is sent from. Candidates carry no
/// zone (RFC 8839 §5.1).
fn on_link_of(local: SocketAddr, remote: SocketAddr) -> SocketAddr {
    match (local, remote) {
        (SocketAddr::V6(local), SocketAddr::V6(mut remote))
            if remote.ip().is_unicast_link_local() =>
        {
            remote.set_scope_id(local.scope_id());
            SocketAddr::V6(remote)
        }
        _ => remote,
    }
}
