//! What gathering waits for: sockets of the driver, and STUN servers that say how they see each
//! base (RFC 8445 §5.1.1.2).

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Instant;

use stun_codec::{Local, SocketId};

use crate::locals::BaseId;

/// Most servers that are asked.
const MAX_SERVERS: usize = 8;

#[derive(Debug)]
pub(crate) struct Gatherer {
    servers: Vec<SocketAddr>,
    /// Bases whose servers were not asked yet; one leaves at each tick of the pace.
    unasked: VecDeque<BaseId>,
    /// Sockets that the driver was asked for, where, and until when its answer is awaited.
    opening: Vec<(SocketId, Local, Instant)>,
    /// Which of them are to listen.
    listeners: Vec<SocketId>,
    /// Bases without an answer, and until when one is awaited.
    open: Vec<(BaseId, Instant)>,
    end: End,
}

/// Whether further host addresses may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    NotYet,
    /// The owner has added all; answers are awaited.
    Announced,
    /// The end was told.
    Told,
}

impl Gatherer {
    pub(crate) fn new(mut servers: Vec<SocketAddr>) -> Self {
        servers.truncate(MAX_SERVERS);
        Self {
            servers,
            unasked: VecDeque::new(),
            opening: Vec::new(),
            listeners: Vec::new(),
            open: Vec::new(),
            end: End::NotYet,
        }
    }

    /// Has the servers asked from this base, if it reaches any.
    pub(crate) fn ask(
        &mut self,
        base: BaseId,
        until: Instant,
        reaches: impl Fn(SocketAddr) -> bool,
    ) {
        if self.servers.iter().any(|server| reaches(*server)) {
            self.unasked.push_back(base);
            self.open.push((base, until));
        }
    }

    /// A socket was asked for.
    pub(crate) fn open(&mut self, id: SocketId, local: Local, until: Instant) {
        self.opening.push((id, local, until));
    }

    /// A listening socket was asked for.
    pub(crate) fn open_listener(&mut self, id: SocketId, local: Local, until: Instant) {
        self.open(id, local, until);
        self.listeners.push(id);
    }

    /// Whether this is a listening socket; asked once.
    pub(crate) fn take_listener(&mut self, id: SocketId) -> bool {
        let at = self.listeners.iter().position(|known| *known == id);
        at.map(|at| self.listeners.swap_remove(at)).is_some()
    }

    /// How many sockets are awaited.
    pub(crate) fn opening(&self) -> usize {
        self.opening.len()
    }

    /// The driver has answered about this socket: where it was wanted, if it was awaited.
    pub(crate) fn opened(&mut self, id: SocketId) -> Option<Local> {
        let at = self.opening.iter().position(|(of, ..)| *of == id)?;
        let (_, local, _) = self.opening.remove(at);
        Some(local)
    }

    /// A socket that did not come in time, and is not awaited any more.
    pub(crate) fn opening_overdue(&mut self, now: Instant) -> Option<Local> {
        let overdue = self.opening.iter().find(|(.., until)| *until <= now);
        let id = overdue.map(|(id, ..)| *id)?;
        self.opened(id)
    }

    /// Gathers anew: every base is to be asked about again, and further ones may come.
    pub(crate) fn restart(&mut self) {
        self.unasked = VecDeque::new();
        self.open = Vec::new();
        self.end = End::NotYet;
    }

    pub(crate) fn has_questions(&self) -> bool {
        !self.unasked.is_empty()
    }

    /// The next base, and the servers. All of them are asked in one tick: the pace bounds how fast
    /// NATs have to make bindings (RFC 8445 §14.2), and the servers of one base mostly share one.
    pub(crate) fn next_question(&mut self) -> Option<(BaseId, &[SocketAddr])> {
        self.unasked
            .pop_front()
            .map(|base| (base, self.servers.as_slice()))
    }

    /// A server has answered for this base: the others need not.
    pub(crate) fn close(&mut self, base: BaseId) {
        self.unasked.retain(|of| *of != base);
        self.open.retain(|(of, _)| *of != base);
    }

    /// A base whose servers did not answer in time.
    pub(crate) fn overdue(&self, now: Instant) -> Option<BaseId> {
        self.open
            .iter()
            .find(|(_, until)| *until <= now)
            .map(|(base, _)| *base)
    }

    pub(crate) fn announce_end(&mut self) {
        if self.end == End::NotYet {
            self.end = End::Announced;
        }
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.end != End::NotYet
    }

    /// Whether the end was told.
    pub(crate) fn is_complete(&self) -> bool {
        self.end == End::Told
    }

    /// True once, when all is gathered.
    pub(crate) fn take_completion(&mut self) -> bool {
        let awaits = !self.open.is_empty() || !self.opening.is_empty();
        let complete = self.end == End::Announced && !awaits;
        if complete {
            self.end = End::Told;
        }
        complete
    }

    pub(crate) fn timeout(&self) -> Option<Instant> {
        let sockets = self.opening.iter().map(|(.., until)| *until);
        let answers = self.open.iter().map(|(_, until)| *until);
        sockets.chain(answers).min()
    }

    pub(crate) fn clear(&mut self) {
        self.unasked = VecDeque::new();
        self.open = Vec::new();
        self.opening = Vec::new();
    }
}
