//! Our sockets and the candidates on them.

use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use stun_codec::{Close, Local, Open, OpenError, SocketId, Transport, Wanted};

use super::Agent;
use crate::event::Event;
use crate::failure::SocketReport;
use crate::locals::{Base, BaseId, Behind, MAX_BASES};
use crate::transactions::Purpose;

/// A host address was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddHostError {
    /// `0.0.0.0`, `::`, a multicast address or port 0: nobody could reach it.
    #[error("{0} is not an address a peer could send to")]
    Unusable(SocketAddr),
    /// It is of none of the networks that [`Policy::networks`](crate::Policy::networks) allows.
    #[error("{0} is of no network that may be used")]
    NotAllowed(IpAddr),
    /// It was added before.
    #[error("{0} was added before")]
    Duplicate(SocketAddr),
    /// There are 16 already.
    #[error("there are {MAX_BASES} host addresses already")]
    TooMany,
    /// [`end_of_local_candidates`](Agent::end_of_local_candidates) was called before. A
    /// [`restart`](Agent::restart) begins gathering anew.
    #[error("the end of local candidates was announced before; a restart begins anew")]
    GatheringEnded,
    /// The agent has failed or was closed.
    #[error("the agent has ended")]
    Finished,
}

impl Agent {
    /// Adds a host candidate on a UDP socket of the driver, whose address is `local` as datagrams
    /// report it (never `0.0.0.0`). STUN servers are asked from it.
    ///
    /// # Errors
    /// When nobody could reach the address, the policy forbids it, it is there already, there are 16,
    /// the end of local candidates was announced, or the agent has ended.
    pub fn add_host(
        &mut self,
        now: Instant,
        id: SocketId,
        local: SocketAddr,
    ) -> Result<(), AddHostError> {
        self.may_gather()?;
        self.add_base(now, id, local)?;
        self.begin_relays(now);
        self.advance(now);
        Ok(())
    }

    /// Asks the driver by [`Event::Open`] for a UDP socket, to be a host candidate: on this address,
    /// or on one of this family that the driver chooses. The agent owns the socket and tells
    /// [`Event::Close`] when it has no more use for it. Until the driver answers, at most for
    /// [`Config::gathering_deadline`](crate::Config::gathering_deadline), gathering goes on.
    ///
    /// # Errors
    /// When the address is none that a peer could send to, the policy forbids it, there are 16
    /// sockets, the end of local candidates was announced, or the agent has ended.
    pub fn gather(&mut self, now: Instant, local: Local) -> Result<SocketId, AddHostError> {
        self.may_gather_on(local)?;
        let until = now + self.config.gathering_deadline;
        let id = self.names.next();
        self.gatherer.open(id, local, until);
        self.begin_relays(now);
        let port = self.config.policy.port();
        let what = Wanted::Udp { local, port };
        self.events
            .push(Event::Open(Open { id, what }), &mut self.stats);
        self.advance(now);
        Ok(id)
    }

    /// The driver has opened a socket that it was asked for; `local` is its address as datagrams
    /// report it (never `0.0.0.0`). One that is of no use any more is closed by [`Event::Close`].
    pub fn handle_opened(&mut self, now: Instant, id: SocketId, local: SocketAddr) {
        if let Some(transport) = self.relays.opened(now, id, local) {
            if transport != Transport::Udp {
                self.servers.stream_opened();
            }
            return self.advance(now);
        }
        if self.connection_opened(id, local) {
            return self.advance(now);
        }
        if self.gatherer.take_listener(id) {
            match self.gatherer.opened(id) {
                Some(_) if self.is_usable(local) => self.add_listener(now, id, local),
                _ => self.close_socket(id),
            }
            return self.advance(now);
        }
        if let Some(wanted) = self.gatherer.opened(id)
            && let Err(error) = self.add_base(now, id, local)
        {
            let error = OpenError::Other(error.to_string());
            let local = wanted;
            self.lose(SocketReport::NotOpened { local, error });
        }
        if !self.current.locals.has_socket(id) {
            self.close_socket(id);
        }
        self.advance(now);
    }

    /// The driver could not open a socket that it was asked for. The agent goes on without it.
    pub fn handle_open_failed(&mut self, now: Instant, id: SocketId, error: OpenError) {
        if self.relays.open_failed(now, id, &error)
            || self.connection_lost(now, id, Some(error.clone()))
        {
            return self.advance(now);
        }
        if self.gatherer.take_listener(id)
            && let Some(Local::Ip(ip)) = self.gatherer.opened(id)
        {
            self.add_dialer(now, SocketAddr::new(ip, 0));
            return self.advance(now);
        }
        if let Some(local) = self.gatherer.opened(id) {
            self.lose(SocketReport::NotOpened { local, error });
        }
        self.advance(now);
    }

    /// A socket is closed, of whichever side it was. Its candidates and pairs are gone, also those
    /// that wait to be told; another pair takes over, or is looked for until the deadline.
    pub fn handle_closed(&mut self, now: Instant, id: SocketId) {
        if self.relays.closed(now, id) || self.connection_lost(now, id, None) {
            return self.advance(now);
        }
        if let Some(local) = self.gatherer.opened(id) {
            let error = OpenError::Other("it was closed at once".to_owned());
            self.lose(SocketReport::NotOpened { local, error });
        }
        while let Some(local) = self.close_bases(id) {
            self.lose(SocketReport::Closed { local });
        }
        self.socket_is_gone(now, id);
        self.advance(now);
    }

    fn close_bases(&mut self, id: SocketId) -> Option<SocketAddr> {
        let (base, local) = self.current.locals.close(id)?;
        self.gatherer.close(base);
        self.current.checks.close_base(base);
        let locals = &self.current.locals;
        self.events
            .forget_candidates(|candidate| locals.is_of(base, candidate));
        Some(local)
    }

    /// A socket, or the relay of this name, is gone, and all that went over it.
    pub(super) fn socket_is_gone(&mut self, now: Instant, id: SocketId) {
        while self.close_bases(id).is_some() {}
        let checks = &self.current.checks;
        let locals = &self.current.locals;
        self.transactions.retain(|purpose| match purpose {
            Purpose::Server(base) => locals.base(*base).is_some(),
            Purpose::Check(check) => checks.has_path(check.pair),
        });
        self.previous_socket_closed(now, id);
        self.fall_back(now);
    }

    /// Whether peers could connect to a listening socket here.
    fn is_usable(&self, local: SocketAddr) -> bool {
        let ip = local.ip();
        let told = !ip.is_unspecified() && !ip.is_multicast() && local.port() != 0;
        told && self.config.policy.allows(ip) && self.config.policy.kinds.host
    }

    /// Whether another socket may be asked for here.
    pub(super) fn may_gather_on(&self, local: Local) -> Result<(), AddHostError> {
        self.may_gather()?;
        if let Local::Ip(ip) = local
            && (ip.is_unspecified() || ip.is_multicast())
        {
            return Err(AddHostError::Unusable(SocketAddr::new(ip, 0)));
        }
        if let Local::Ip(ip) = local
            && !self.config.policy.allows(ip)
        {
            return Err(AddHostError::NotAllowed(ip));
        }
        if !self.current.locals.has_room(self.gatherer.opening()) {
            return Err(AddHostError::TooMany);
        }
        Ok(())
    }

    fn may_gather(&self) -> Result<(), AddHostError> {
        if self.state().is_finished() {
            return Err(AddHostError::Finished);
        }
        if self.gatherer.has_ended() {
            return Err(AddHostError::GatheringEnded);
        }
        Ok(())
    }

    fn add_base(
        &mut self,
        now: Instant,
        id: SocketId,
        local: SocketAddr,
    ) -> Result<(), AddHostError> {
        if local.ip().is_unspecified() || local.ip().is_multicast() || local.port() == 0 {
            return Err(AddHostError::Unusable(local));
        }
        if !self.config.policy.allows(local.ip()) {
            return Err(AddHostError::NotAllowed(local.ip()));
        }
        let is_known = |(_, base): (_, &Base)| base.address == local;
        if self.current.locals.bases().any(is_known) {
            return Err(AddHostError::Duplicate(local));
        }
        if !self.current.locals.has_room(0) {
            return Err(AddHostError::TooMany);
        }
        let kinds = self.config.policy.kinds;
        if !kinds.host && !kinds.server_reflexive {
            return Ok(());
        }
        let outer = self.config.policy.outer(local.ip());
        let behind = Behind::Socket { outer };
        let base = self.current.locals.add(id, local, behind);
        self.announce(now, base);
        for remote in self.current.remotes.ids() {
            self.pair_up(base, remote);
        }
        Ok(())
    }

    /// Remembers for the report on a failure. The last ones say most.
    fn lose(&mut self, report: SocketReport) {
        if self.lost.len() >= MAX_BASES {
            self.lost.remove(0);
        }
        self.lost.push(report);
    }

    /// Sockets that were not opened in time count as failed; when one comes late it is closed.
    pub(super) fn give_up_opening(&mut self, now: Instant) {
        while let Some(local) = self.gatherer.opening_overdue(now) {
            let error = OpenError::TimedOut;
            self.lose(SocketReport::NotOpened { local, error });
        }
    }

    pub(super) fn close_socket(&mut self, id: SocketId) {
        self.events
            .push(Event::Close(Close { id }), &mut self.stats);
    }

    /// At the end: the sockets that the agent has asked for. Others may have other uses.
    pub(super) fn close_own_sockets(&mut self) {
        let bases = self.current.locals.bases();
        let sockets = bases.filter(|(_, base)| base.has_socket());
        let ids: Vec<_> = sockets.map(|(_, base)| base.socket).collect();
        for id in ids.into_iter().filter(|id| id.is_asked()) {
            self.close_socket(id);
        }
    }

    /// Signals a host or relayed candidate, and has the STUN servers asked about a host's.
    pub(super) fn announce(&mut self, now: Instant, base: BaseId) {
        let Some(found) = self.current.locals.base(base) else {
            return;
        };
        let kinds = self.config.policy.kinds;
        if (found.is_relayed() || kinds.host)
            && let Some(candidate) = self.current.locals.host_of(base)
        {
            self.events
                .push(Event::LocalCandidate(candidate.clone()), &mut self.stats);
        }
        if found.is_socket() && kinds.server_reflexive && !self.is_lite() {
            let until = now + self.config.gathering_deadline;
            let policy = &self.config.policy;
            self.gatherer.ask(base, until, |server| {
                found.reaches(policy.route(found.address, server))
            });
        }
    }

    /// Says that no further host address will come. [`Event::GatheringComplete`] follows when the
    /// STUN servers have answered or their time is over.
    pub fn end_of_local_candidates(&mut self, now: Instant) {
        self.gatherer.announce_end();
        self.begin_relays(now);
        self.advance(now);
    }
}
