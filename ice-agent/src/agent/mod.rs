//! The agent: its inputs and what can be asked of it.
//!
//! What arrives is handled in `inbound`, `request` and `response`, the clock in `clock`, checks
//! in `checks`, the choice of a pair in `nomination`, restarts in `restart`, media in `media`, output
//! in `output`.

mod checks;
mod clock;
mod inbound;
mod media;
mod nomination;
mod output;
mod phase;
mod report;
mod request;
mod response;
mod restart;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use stun_codec::{IntegrityKey, SocketId};

use self::phase::{Pacer, Peer, Phase, Progress, Running, Waiting};
use self::restart::Previous;
use crate::candidate::{Address, Candidate};
use crate::checklist::PairId;
use crate::config::{Config, ConfigError, Role};
use crate::credentials::Credentials;
use crate::event::{Event, Events, PairInfo, State};
use crate::gather::Gatherer;
use crate::generation::{Generation, GenerationId};
use crate::locals::{BaseId, MAX_BASES};
use crate::outbox::Outbox;
use crate::random::Random;
use crate::remotes::{Added, RemoteId, is_of_generation};
use crate::stats::Stats;
use crate::transactions::Transactions;

pub use media::SendError;
pub use restart::RestartError;

/// A full ICE agent (RFC 8445) for one component over UDP.
///
/// It opens no socket and reads no clock. The owner tells it the time with each input, hands in
/// datagrams, and after any input drains in this order: [`poll_transmit`](Self::poll_transmit)
/// until `None`, [`poll_event`](Self::poll_event) until `None`, then
/// [`poll_timeout`](Self::poll_timeout) for when to call
/// [`handle_timeout`](Self::handle_timeout). Any other order is legal: what is not drained waits,
/// bounded.
///
/// The usual course:
///
/// 1. [`new`](Self::new), then [`add_host`](Self::add_host) for each socket and
///    [`end_of_local_candidates`](Self::end_of_local_candidates). Candidates come as
///    [`Event::LocalCandidate`]; send them to the peer with
///    [`local_credentials`](Self::local_credentials).
/// 2. [`set_remote_credentials`](Self::set_remote_credentials) and
///    [`add_remote_candidate`](Self::add_remote_candidate), in any order and at any time.
/// 3. [`send`](Self::send) once [`can_send`](Self::can_send). Data of the peer comes out of
///    [`handle_datagram`](Self::handle_datagram).
///
/// It ends with [`Event::Failed`], which says why, or with [`close`](Self::close). Afterwards it
/// sends nothing, answers nothing and has no timeout.
#[derive(Debug)]
pub struct Agent {
    config: Config,
    random: Random,
    role: Role,
    tie_breaker: u64,
    gatherer: Gatherer,
    /// Requests of the current generation.
    transactions: Transactions,
    pacer: Pacer,
    current: Generation,
    /// How far the current generation is.
    phase: Phase,
    /// The generation before a restart, as long as it is of use.
    previous: Option<Previous>,
    told: Told,
    outbox: Outbox,
    events: Events,
    stats: Stats,
}

/// What the owner was told last.
#[derive(Debug)]
struct Told {
    state: State,
    carrier: Option<(GenerationId, PairId)>,
}

/// A host address was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddHostError {
    /// `0.0.0.0`, `::`, a multicast address or port 0: nobody could reach it.
    #[error("{0} is not an address a peer could send to")]
    Unusable(SocketAddr),
    /// It was added before.
    #[error("{0} was added before")]
    Duplicate(SocketAddr),
    /// There are 16 already.
    #[error("there are {MAX_BASES} host addresses already")]
    TooMany,
    /// The end of local candidates was announced before.
    #[error("the end of local candidates was announced before")]
    Ended,
    /// The agent has failed or was closed.
    #[error("the agent has ended")]
    Finished,
}

/// Something of the peer was not taken. The agent goes on without it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RemoteError {
    /// There are as many remote candidates as [`Config::max_remote_candidates`].
    #[error("there are too many remote candidates")]
    TooMany,
    /// It is for another component.
    #[error("component {0} is not of this agent")]
    OtherComponent(u16),
    /// Its `ufrag` extension names other credentials than the current ones.
    #[error("the candidate belongs to other credentials")]
    OtherGeneration,
    /// Other credentials were set before: [`Agent::restart`] comes first.
    #[error("other remote credentials were set before")]
    CredentialsChanged,
    /// They are those from before the restart. The peer must choose others (RFC 8445 §9).
    #[error("the peer has not changed its credentials for the restart")]
    SameCredentials,
    /// The agent has failed or was closed.
    #[error("the agent has ended")]
    Finished,
}

impl Agent {
    /// A new agent. All its randomness comes from `seed`, which must be unpredictable.
    ///
    /// # Errors
    /// When a setting is out of range.
    pub fn new(config: Config, seed: [u8; 32]) -> Result<Self, ConfigError> {
        config.check()?;
        let mut random = Random::new(seed);
        Ok(Self {
            role: config.role,
            current: Generation::first(&config, &mut random),
            tie_breaker: random.u64(),
            gatherer: Gatherer::new(config.stun_servers.clone()),
            transactions: Transactions::default(),
            pacer: Pacer::new(config.pace),
            phase: Phase::New(Waiting::default()),
            previous: None,
            told: Told {
                state: State::New,
                carrier: None,
            },
            outbox: Outbox::default(),
            events: Events::default(),
            stats: Stats::default(),
            random,
            config,
        })
    }

    /// Our ufrag and password, to be sent to the peer. A [`restart`](Self::restart) changes them.
    #[must_use]
    pub fn local_credentials(&self) -> &Credentials {
        &self.current.credentials
    }

    /// Adds a host candidate on a UDP socket of the driver, whose address is `local` as datagrams
    /// report it (never `0.0.0.0`). STUN servers are asked from it.
    ///
    /// # Errors
    /// When nobody could reach the address, it is there already, there are 16, or it is too late.
    pub fn add_host(
        &mut self,
        now: Instant,
        id: SocketId,
        local: SocketAddr,
    ) -> Result<(), AddHostError> {
        if self.state().is_finished() {
            return Err(AddHostError::Finished);
        }
        if self.gatherer.has_ended() {
            return Err(AddHostError::Ended);
        }
        if local.ip().is_unspecified() || local.ip().is_multicast() || local.port() == 0 {
            return Err(AddHostError::Unusable(local));
        }
        if self
            .current
            .locals
            .bases()
            .any(|(_, base)| base.address == local)
        {
            return Err(AddHostError::Duplicate(local));
        }
        if self.current.locals.base_count() >= MAX_BASES {
            return Err(AddHostError::TooMany);
        }
        let base = self.current.locals.add_host(id, local);
        self.announce(now, base);
        for remote in self.current.remotes.ids() {
            self.pair_up(base, remote);
        }
        self.advance(now);
        Ok(())
    }

    /// Signals a host candidate, and has the STUN servers asked about it.
    fn announce(&mut self, now: Instant, base: BaseId) {
        if let Some(candidate) = self.current.locals.host_of(base) {
            self.events
                .push(Event::LocalCandidate(candidate.clone()), &mut self.stats);
        }
        if let Some(found) = self.current.locals.base(base) {
            let until = now + self.config.gathering_deadline;
            self.gatherer
                .ask(base, until, |server| found.reaches(server));
        }
    }

    /// Says that no further host address will come. [`Event::GatheringComplete`] follows when the
    /// STUN servers have answered or their time is over.
    pub fn end_of_local_candidates(&mut self, now: Instant) {
        self.gatherer.announce_end();
        self.advance(now);
    }

    /// Tells the peer's ufrag and password; checks begin. Telling the same again changes nothing.
    /// Others need a [`restart`](Self::restart) first.
    ///
    /// # Errors
    /// When others were told before, they are those from before a restart, or the agent has ended.
    pub fn set_remote_credentials(
        &mut self,
        now: Instant,
        remote: Credentials,
    ) -> Result<(), RemoteError> {
        let waiting = match &mut self.phase {
            Phase::New(waiting) if waiting.refuses(&remote) => {
                return Err(RemoteError::SameCredentials);
            }
            Phase::New(waiting) => std::mem::take(waiting),
            Phase::Running(running) if running.peer.credentials == remote => return Ok(()),
            Phase::Running(_) => return Err(RemoteError::CredentialsChanged),
            Phase::Failed | Phase::Closed => return Err(RemoteError::Finished),
        };
        self.begin_checks(now, remote, waiting);
        self.advance(now);
        Ok(())
    }

    /// The remote credentials are known.
    fn begin_checks(&mut self, now: Instant, remote: Credentials, waiting: Waiting) {
        self.current.remotes.keep_generation(remote.ufrag());
        let peer = Peer {
            key: IntegrityKey::short_term(remote.password()),
            username: format!("{}:{}", remote.ufrag(), self.current.credentials.ufrag()),
            credentials: remote,
            nominations: phase::Nominations::new(),
        };
        let progress = Progress::Checking {
            deadline: now + self.config.deadline,
        };
        self.phase = Phase::Running(Box::new(Running { peer, progress }));
        self.tell_state();
        self.pair_all();
        for early in waiting.into_early() {
            self.learn_from_early(now, early);
        }
    }

    /// Adds a candidate of the peer, before or after its credentials. One that is known changes
    /// nothing. One with a name in place of an address comes back as [`Event::Unresolved`]. TCP
    /// candidates and unknown kinds are kept and not paired. A check may be due at once: drain
    /// [`poll_transmit`](Self::poll_transmit) after it.
    ///
    /// # Errors
    /// When it is of another component or other credentials, there are too many, or the agent has
    /// ended. None of these harms the agent: go on with the next candidate.
    pub fn add_remote_candidate(
        &mut self,
        now: Instant,
        candidate: Candidate,
    ) -> Result<(), RemoteError> {
        if self.state().is_finished() {
            return Err(RemoteError::Finished);
        }
        if candidate.component != self.config.component {
            return Err(RemoteError::OtherComponent(candidate.component));
        }
        let running = self.phase.running();
        let current = running.map(|running| running.peer.credentials.ufrag());
        if current.is_some_and(|ufrag| !is_of_generation(&candidate, ufrag)) {
            return Err(RemoteError::OtherGeneration);
        }
        match self.current.remotes.add(candidate) {
            Added::New(remote) => {
                self.tell_if_named(remote);
                self.pair_remote(remote);
            }
            Added::Improved(_) => self.reprioritise(),
            Added::Known => {}
            Added::Full => {
                self.stats.over_bound += 1;
                return Err(RemoteError::TooMany);
            }
        }
        self.advance(now);
        Ok(())
    }

    fn tell_if_named(&mut self, remote: RemoteId) {
        let named = |found: &&Candidate| matches!(found.address, Address::Name { .. });
        if let Some(candidate) = self.current.remotes.get(remote).filter(named) {
            self.events
                .push(Event::Unresolved(candidate.clone()), &mut self.stats);
        }
    }

    /// Says that the peer has no further candidates (RFC 8838 §14). The agent does not fail early
    /// because of it: a peer may still reach us from an address nobody knew.
    pub fn end_of_remote_candidates(&mut self, now: Instant) {
        self.current.remotes.end();
        self.advance(now);
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop()
    }

    /// How far the agent is. It goes back with a [`restart`](Self::restart): to
    /// [`State::Connected`] while the pair of before carries data, else to [`State::New`].
    #[must_use]
    pub fn state(&self) -> State {
        match self.phase.state() {
            State::New | State::Checking if self.carrier().is_some() => State::Connected,
            state => state,
        }
    }

    /// The current role. A conflict with the peer may have changed it.
    #[must_use]
    pub fn role(&self) -> Role {
        self.role
    }

    /// The pair that data goes over: the nominated one, during a restart the one from before it,
    /// else the best one that works. `None` before one works and after the end.
    #[must_use]
    pub fn selected_pair(&self) -> Option<PairInfo> {
        let (generation, pair) = self.carrier()?;
        self.pair_info(generation, pair)
    }

    /// The last round-trip time on the pair that data goes over, measured on an unrepeated
    /// request.
    #[must_use]
    pub fn rtt(&self) -> Option<Duration> {
        let (generation, pair) = self.carrier()?;
        generation.checks.get(pair)?.tally.rtt
    }

    /// What was counted.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.stats
    }

    /// Ends the agent. Nothing is sent any more; what waited to be sent is dropped.
    pub fn close(&mut self, now: Instant) {
        // Every input is told the time, so that all are driven alike.
        let _ = now;
        if self.state().is_finished() {
            return;
        }
        self.finish(Phase::Closed);
        self.tell_state();
    }

    /// Drops everything that an agent needs only while it lives.
    fn finish(&mut self, end: Phase) {
        self.phase = end;
        self.outbox.clear();
        self.transactions.clear();
        self.gatherer.clear();
        self.previous = None;
        self.current.checks.clear();
    }

    fn tell_state(&mut self) {
        let state = self.state();
        if state != self.told.state {
            self.told.state = state;
            self.events
                .push(Event::StateChanged(state), &mut self.stats);
        }
    }

    fn tell_carrier(&mut self) {
        let carrier = self.carrier();
        let carrier = carrier.map(|(generation, pair)| (generation.id, pair));
        if carrier == self.told.carrier {
            return;
        }
        self.told.carrier = carrier;
        if let Some(info) = self.selected_pair() {
            self.events
                .push(Event::SelectedPair(Box::new(info)), &mut self.stats);
        }
    }
}
