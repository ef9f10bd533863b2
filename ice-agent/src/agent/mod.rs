//! The agent: its inputs and what can be asked of it.
//!
//! Sockets and our candidates are in `local`, the peer's in `remote`. What arrives is handled in
//! `inbound`, `request` and `response`, the clock in `clock`, checks
//! in `checks`, relays in `relay`, connections to the peer in `tcp`, the choice of a pair in `nomination`, its death in `liveness`, restarts in `restart`, media
//! in `media`, output in `output`.

mod checks;
mod clock;
mod early;
mod inbound;
mod liveness;
mod local;
mod media;
mod nomination;
mod output;
mod phase;
mod relay;
mod remote;
mod report;
mod request;
mod response;
mod restart;
mod tcp;

use std::time::{Duration, Instant};

use stun_codec::Path;

use self::phase::{Pacer, Phase, Waiting};
use self::restart::Previous;
use crate::checklist::PairId;
use crate::config::{Config, ConfigError, Role};
use crate::credentials::Credentials;
use crate::event::{Event, Events, PairInfo, State};
use crate::failure::SocketReport;
use crate::gather::Gatherer;
use crate::generation::{Generation, GenerationId};
use crate::outbox::Outbox;
use crate::random::Random;
use crate::relays::{Names, Relays};
use crate::servers::{ServerReport, Servers};
use crate::stats::Stats;
use crate::transactions::Transactions;

pub use local::AddHostError;
pub use media::SendError;
pub use remote::RemoteError;
pub use restart::RestartError;

/// An ICE agent (RFC 8445) for one component.
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
/// 1. [`new`](Self::new), then [`add_host`](Self::add_host) for each socket that is there, or
///    [`gather`](Self::gather) for each that is to be opened, and
///    [`end_of_local_candidates`](Self::end_of_local_candidates). Candidates come as
///    [`Event::LocalCandidate`]; send them to the peer with
///    [`local_credentials`](Self::local_credentials).
/// 2. [`set_remote_credentials`](Self::set_remote_credentials) and
///    [`add_remote_candidate`](Self::add_remote_candidate), in any order and at any time.
/// 3. [`send`](Self::send) once [`can_send`](Self::can_send). Data of the peer comes out of
///    [`handle_datagram`](Self::handle_datagram).
///
/// It ends with [`Event::Failed`], which says why, or with [`close`](Self::close). Afterwards it
/// sends nothing but one farewell to each TURN server that relays for it, answers nothing and has no
/// timeout.
#[derive(Debug)]
pub struct Agent {
    config: Config,
    random: Random,
    role: Role,
    tie_breaker: u64,
    /// The number of our last nomination, where the peer follows numbers.
    nomination: Option<u32>,
    gatherer: Gatherer,
    names: Names,
    relays: Relays,
    /// What the servers said.
    servers: Servers,
    /// Connections to the peer, made and accepted.
    connections: Vec<tcp::Connection>,
    /// DTLS over pairs that are not valid yet.
    early: Vec<(Path, Vec<u8>)>,
    /// What relays are left with, at the end.
    farewells: Vec<(Path, Vec<u8>)>,
    /// The last time that was told: what is written needs it, and draining tells none.
    told_time: Option<Instant>,
    /// Requests of the current generation.
    transactions: Transactions,
    pacer: Pacer,
    current: Generation,
    /// How far the current generation is.
    phase: Phase,
    /// The generation before a restart, as long as it is of use.
    previous: Option<Previous>,
    /// Sockets that failed us.
    lost: Vec<SocketReport>,
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

impl Agent {
    /// A new agent. All its randomness comes from `seed`, which must be unpredictable.
    ///
    /// # Errors
    /// When a setting is out of range.
    pub fn new(config: Config, seed: [u8; 32]) -> Result<Self, ConfigError> {
        config.check()?;
        let mut random = Random::new(seed);
        let credentials = Credentials::generate(&config.ufrag_prefix, &mut random);
        Ok(Self::with(config, random, credentials))
    }

    /// A new agent with credentials of ours that another agent has chosen: the components of one
    /// stream have the same ones (RFC 8445 §5.3). The seed must be another.
    ///
    /// # Errors
    /// When a setting is out of range.
    pub fn with_credentials(
        config: Config,
        seed: [u8; 32],
        credentials: Credentials,
    ) -> Result<Self, ConfigError> {
        config.check()?;
        Ok(Self::with(config, Random::new(seed), credentials))
    }

    fn with(config: Config, mut random: Random, credentials: Credentials) -> Self {
        Self {
            role: config.role,
            current: Generation::first(&config, credentials),
            tie_breaker: random.u64(),
            nomination: None,
            gatherer: Gatherer::new(config.stun_servers.clone()),
            names: Names::default(),
            relays: Relays::new(config.turn_servers.clone()),
            servers: Servers::new(config.gathering_deadline),
            connections: Vec::new(),
            early: Vec::new(),
            farewells: Vec::new(),
            told_time: None,
            transactions: Transactions::default(),
            pacer: Pacer::new(config.pace),
            phase: Phase::New(Waiting::default()),
            previous: None,
            lost: Vec::new(),
            told: Told {
                state: State::New,
                carrier: None,
            },
            outbox: Outbox::default(),
            events: Events::default(),
            stats: Stats::default(),
            random,
            config,
        }
    }

    /// Our ufrag and password, to be sent to the peer. A [`restart`](Self::restart) changes them.
    #[must_use]
    pub fn local_credentials(&self) -> &Credentials {
        &self.current.credentials
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

    /// What the STUN and TURN servers have said so far.
    #[must_use]
    pub fn servers(&self) -> &[ServerReport] {
        self.servers.reports()
    }

    /// Ends the agent. Nothing is sent any more; what waited to be sent is dropped. Relays are given
    /// back by one message each.
    pub fn close(&mut self, now: Instant) {
        self.told_time = Some(now);
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
        self.servers.stop();
        self.previous = None;
        self.early = Vec::new();
        self.current.checks.clear();
        if let Some(now) = self.told_time {
            self.leave_relays(now);
        }
        self.close_connections();
        self.close_own_sockets();
    }

    fn tell_state(&mut self) {
        let state = self.state();
        if state != self.told.state {
            self.told.state = state;
            self.events
                .push(Event::StateChanged(state), &mut self.stats);
        }
    }

    fn tell_carrier(&mut self, now: Instant) {
        let carrier = self.carrier();
        let carrier = carrier.map(|(generation, pair)| (generation.id, pair));
        if carrier == self.told.carrier {
            return;
        }
        self.told.carrier = carrier;
        self.bind_carrier(now);
        if let Some(info) = self.selected_pair() {
            self.events
                .push(Event::SelectedPair(Box::new(info)), &mut self.stats);
        }
    }
}
