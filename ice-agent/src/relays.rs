//! Relays: allocations at TURN servers, as the agent holds them.
//!
//! ```text
//!             begin                    Allocated                  release, or the end
//!   server ──────────► Gathering(until) ─────────► Live(addresses) ───────────────────► gone
//!                          │ too late, refused, unreachable
//!                          └──────────────────────────────────────► gone, with a report
//! ```
//!
//! Servers over UDP are asked first. Those over TCP and TLS follow after the patience of the
//! configuration, or as soon as no server over UDP is left to wait for, and not at all once a relay
//! is there.
//!
//! An allocation is a machine of its own with sockets of its own. Here its socket ids are translated
//! to the agent's, and each allocation is given a [`SocketId`] that no socket has: the *name* of the
//! relay. A pair over a relay has a path with that name and the relayed address, so that the rest of
//! the agent knows no difference; only what is sent and what arrives goes through here.

mod relay;

use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use bytes::BytesMut;
use stun_codec::{Handled, OpenError, Path, Received, SocketId, Transmit, Transport};
use turn_relay::client::{Allocation, Cause, Config as TurnServer, Event, SendError};

use self::relay::Stage;
use crate::random::Random;

pub(crate) use self::relay::Relay;

/// Most servers that are asked.
const MAX_SERVERS: usize = 8;

/// Gives out the ids of what the agent asks for.
#[derive(Debug, Default)]
pub(crate) struct Names(u32);

impl Names {
    pub(crate) fn next(&mut self) -> SocketId {
        let id = SocketId::asked(self.0);
        self.0 = self.0.wrapping_add(1);
        id
    }
}

/// What a frame from a relay is.
pub(crate) enum Unwrapped {
    /// Payload of a peer: the way it came as pairs know it, and where it stands in the frame.
    Payload(Path, std::ops::Range<usize>),
    /// Something else.
    Other(Handled),
}

/// Which servers were asked.
#[derive(Debug, Clone, Copy)]
enum Plan {
    Idle,
    /// Those over TCP and TLS follow then.
    StreamsAt(Instant),
    Asked,
}

#[derive(Debug)]
pub(crate) struct Relays {
    servers: Vec<TurnServer>,
    relays: Vec<Relay>,
    plan: Plan,
}

impl Relays {
    pub(crate) fn new(mut servers: Vec<TurnServer>) -> Self {
        servers.truncate(MAX_SERVERS);
        Self {
            servers,
            relays: Vec::new(),
            plan: Plan::Idle,
        }
    }

    /// Begins to ask the servers, if that has not begun. `streams_at` is when those over TCP and
    /// TLS may follow.
    pub(crate) fn begin(
        &mut self,
        streams_at: Instant,
        until: Instant,
        names: &mut Names,
        random: &mut Random,
    ) {
        if !matches!(self.plan, Plan::Idle) || self.servers.is_empty() {
            return;
        }
        self.plan = Plan::StreamsAt(streams_at);
        self.ask(until, names, random, |transport| {
            transport == Transport::Udp
        });
    }

    /// Asks the servers over TCP and TLS once it is time. `needed` is false when nobody wants another
    /// relay any more.
    pub(crate) fn follow_plan(
        &mut self,
        now: Instant,
        until: Instant,
        needed: bool,
        names: &mut Names,
        random: &mut Random,
    ) {
        let Plan::StreamsAt(at) = self.plan else {
            return;
        };
        if !needed || self.relays.iter().any(Relay::is_live) {
            self.plan = Plan::Asked;
        } else if at <= now || !self.relays.iter().any(Relay::is_gathering) {
            self.plan = Plan::Asked;
            self.ask(until, names, random, |transport| {
                transport != Transport::Udp
            });
        }
    }

    /// Asks the servers that are reached over these transports and have no relay for us yet.
    fn ask(
        &mut self,
        until: Instant,
        names: &mut Names,
        random: &mut Random,
        over: impl Fn(Transport) -> bool,
    ) {
        for config in self
            .servers
            .iter()
            .filter(|config| over(config.transport()))
        {
            let (server, transport) = (config.server(), config.transport());
            let same = |relay: &Relay| {
                (relay.server, relay.transport) == (server, transport) && !relay.is_leaving()
            };
            if self.relays.iter().any(same) {
                continue;
            }
            // The configuration was checked when the agent was made.
            if let Ok(allocation) = Allocation::new(config.clone(), random.seed()) {
                self.relays.push(Relay {
                    server,
                    transport,
                    name: names.next(),
                    allocation,
                    sockets: Vec::new(),
                    stage: Stage::Gathering { until },
                });
            }
        }
    }

    /// Servers may be asked again.
    pub(crate) fn restart(&mut self) {
        self.plan = Plan::Idle;
    }

    /// Whether an answer is awaited, or a server is still to be asked.
    pub(crate) fn is_gathering(&self) -> bool {
        matches!(self.plan, Plan::StreamsAt(_)) || self.relays.iter().any(Relay::is_gathering)
    }

    /// The relay with this name.
    pub(crate) fn get_mut(&mut self, name: SocketId) -> Option<&mut Relay> {
        self.relays.iter_mut().find(|relay| relay.name == name)
    }

    pub(crate) fn get(&self, name: SocketId) -> Option<&Relay> {
        self.relays.iter().find(|relay| relay.name == name)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Relay> {
        self.relays.iter()
    }

    pub(crate) fn remove(&mut self, name: SocketId) -> Option<Relay> {
        let at = self.relays.iter().position(|relay| relay.name == name)?;
        Some(self.relays.remove(at))
    }

    /// Takes all of them out.
    pub(crate) fn take(&mut self) -> Vec<Relay> {
        self.plan = Plan::Asked;
        std::mem::take(&mut self.relays)
    }

    /// The relay that a socket of the agent belongs to, and the allocation's id of it.
    fn of_socket(&mut self, outer: SocketId) -> Option<(&mut Relay, SocketId)> {
        self.relays.iter_mut().find_map(|relay| {
            let inner = relay.inner(outer)?;
            Some((relay, inner))
        })
    }

    /// A socket is there: how its server is reached. `None` when it is of no relay.
    pub(crate) fn opened(
        &mut self,
        now: Instant,
        id: SocketId,
        local: SocketAddr,
    ) -> Option<Transport> {
        let (relay, inner) = self.of_socket(id)?;
        relay.allocation.handle_opened(now, inner, local);
        Some(relay.transport)
    }

    /// A socket could not be opened. False when it is of no relay.
    pub(crate) fn open_failed(&mut self, now: Instant, id: SocketId, error: &OpenError) -> bool {
        let Some((relay, inner)) = self.of_socket(id) else {
            return false;
        };
        relay.forget_socket(inner);
        relay
            .allocation
            .handle_open_failed(now, inner, error.clone());
        true
    }

    /// A socket is closed. False when it is of no relay.
    pub(crate) fn closed(&mut self, now: Instant, id: SocketId) -> bool {
        let Some((relay, inner)) = self.of_socket(id) else {
            return false;
        };
        relay.forget_socket(inner);
        relay.allocation.handle_closed(now, inner);
        true
    }

    /// Takes a frame from a server. `None` when it came to no socket of a relay.
    pub(crate) fn unwrap(&mut self, now: Instant, rx: Received<'_>) -> Option<Unwrapped> {
        let (relay, inner) = self.of_socket(rx.path.id)?;
        let path = Path {
            id: inner,
            ..rx.path
        };
        let data = rx.data;
        Some(
            match relay
                .allocation
                .handle_datagram(now, Received { path, data })
            {
                Handled::Data { from, range } => match relay.path_to(from) {
                    Some(path) => Unwrapped::Payload(path, range),
                    None => Unwrapped::Other(Handled::Dropped),
                },
                other => Unwrapped::Other(other),
            },
        )
    }

    /// Sends a payload to a peer. `None` when the path is over no relay.
    pub(crate) fn send(
        &mut self,
        now: Instant,
        path: &Path,
        buf: &mut [u8],
        payload: std::ops::Range<usize>,
    ) -> Option<Result<Transmit, SendError>> {
        let relay = self.get_mut(path.id)?;
        let sent = relay.allocation.send(now, buf, payload, path.remote);
        Some(sent.and_then(|mut transmit| {
            let outer = relay.outer(transmit.path.id);
            transmit.path.id = outer.ok_or(SendError::NotAllocated)?;
            Ok(transmit)
        }))
    }

    /// The next request of an allocation to its server.
    pub(crate) fn poll_transmit(&mut self, out: &mut BytesMut) -> Option<Transmit> {
        let mut relays = self.relays.iter_mut();
        relays.find_map(|relay| relay.poll_transmit(out))
    }

    /// What an allocation tells, and the name of its relay.
    pub(crate) fn poll_event(&mut self) -> Option<(SocketId, Event)> {
        self.relays
            .iter_mut()
            .find_map(|relay| Some((relay.name, relay.allocation.poll_event()?)))
    }

    /// Tells the time to all of them. Answers a relay that did not come in time, which is released.
    pub(crate) fn handle_timeout(&mut self, now: Instant) -> Option<SocketId> {
        for relay in &mut self.relays {
            let due = relay.allocation.poll_timeout().is_some_and(|at| at <= now);
            if due {
                relay.allocation.handle_timeout(now);
            }
        }
        self.relays
            .iter()
            .find(|relay| matches!(relay.stage, Stage::Gathering { until } if until <= now))
            .map(|relay| relay.name)
    }

    /// Gives a relay back.
    pub(crate) fn release(&mut self, now: Instant, name: SocketId) {
        if let Some(relay) = self.get_mut(name) {
            relay.stage = Stage::Leaving;
            relay.allocation.release(now);
        }
    }

    pub(crate) fn timeout(&self) -> Option<Instant> {
        let plan = match self.plan {
            Plan::StreamsAt(at) => Some(at),
            Plan::Idle | Plan::Asked => None,
        };
        let relays = self.relays.iter().flat_map(|relay| {
            let until = match relay.stage {
                Stage::Gathering { until } => Some(until),
                Stage::Live { .. } | Stage::Leaving => None,
            };
            [relay.allocation.poll_timeout(), until]
        });
        relays.chain([plan]).flatten().min()
    }

    /// Whether the peer may be sent to over this path now: always where there is no relay.
    pub(crate) fn admits(&self, now: Instant, path: &Path) -> bool {
        self.get(path.id)
            .is_none_or(|relay| relay.allocation.is_permitted(now, path.remote.ip()))
    }

    /// Has the peer let in; false when that cannot be.
    pub(crate) fn permit(&mut self, now: Instant, name: SocketId, peer: IpAddr) -> bool {
        self.get_mut(name)
            .is_some_and(|relay| relay.allocation.permit(now, peer).is_ok())
    }
}

/// Whether the server has said anything at all.
pub(crate) fn was_answered(cause: &Cause) -> bool {
    !matches!(
        cause,
        Cause::Unreachable { .. }
            | Cause::Certificate { .. }
            | Cause::ConnectionLost
            | Cause::TimedOut { unproved: None, .. }
            | Cause::Released
    )
}
