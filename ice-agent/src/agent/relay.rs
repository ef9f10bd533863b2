//! Relays in the agent: their sockets, their candidates, and who is let in.
//!
//! Economy: the server is asked to let a peer's address in when the first check over the relay to
//! that address comes up, not before, and a channel is bound only for the pair that carries data.
//! Once a nominated pair has held for a while, relays that it does not use are given back.

use std::net::IpAddr;
use std::time::Instant;

use bytes::BytesMut;
use stun_codec::{
    Close, HEADROOM, Handled, Open, Path, Port, Received, SocketId, Transmit, Transport, Wanted,
};
use turn_relay::client::{Allocated, Cause, Event as RelayEvent, TAILROOM};

use super::Agent;
use super::phase::Progress;
use super::restart::Previous;
use crate::checklist::{PairId, PairState};
use crate::event::Event;
use crate::failure::Refusal;
use crate::locals::Behind;
use crate::relays::{Relay, Unwrapped, was_answered};
use crate::servers::{ServerKind, ServerOutcome};

impl Agent {
    /// Asks the TURN servers, once gathering has begun.
    pub(super) fn begin_relays(&mut self, now: Instant) {
        if !self.config.policy.kinds.relayed || self.is_lite() {
            return;
        }
        let streams_at = now + self.config.stream_patience;
        let until = now + self.config.gathering_deadline;
        let Self {
            relays,
            names,
            random,
            ..
        } = self;
        relays.begin(streams_at, until, names, random);
    }

    /// Goes on with what is due at relays, and hears what they tell.
    pub(super) fn run_relays(&mut self, now: Instant) {
        let until = now + self.config.gathering_deadline;
        let needed = !self
            .phase
            .progress()
            .is_some_and(|progress| progress.is_completed());
        let Self {
            relays,
            names,
            random,
            ..
        } = self;
        relays.follow_plan(now, until, needed, names, random);
        while let Some(late) = self.relays.handle_timeout(now) {
            self.note_relay(late, ServerOutcome::TooLate);
            self.relays.release(now, late);
        }
        self.release_relays(now);
        while let Some((name, event)) = self.relays.poll_event() {
            self.hear_relay(now, name, event);
        }
    }

    fn hear_relay(&mut self, now: Instant, name: SocketId, event: RelayEvent) {
        match event {
            RelayEvent::Open(open) => self.open_for_relay(now, name, open),
            RelayEvent::Close(Close { id }) => {
                let relay = self.relays.get_mut(name);
                if let Some(id) = relay.and_then(|relay| relay.forget_socket(id)) {
                    self.events
                        .push(Event::Close(Close { id }), &mut self.stats);
                }
            }
            RelayEvent::Allocated(allocated) => self.relay_is_there(now, name, &allocated),
            RelayEvent::Permitted(peer) => self.relay_admits(name, peer),
            RelayEvent::PermissionRefused { peer, cause } => {
                self.relay_refuses(now, name, peer, &cause);
            }
            RelayEvent::Ended(cause) => self.relay_has_ended(now, name, cause),
            // Channels save bytes only, and nobody vouches for an ICMP message.
            _ => {}
        }
    }

    fn open_for_relay(&mut self, now: Instant, name: SocketId, open: Open) {
        let id = self.names.next();
        let Some(relay) = self.relays.get_mut(name) else {
            return;
        };
        relay.name_socket(open.id, id);
        let (server, transport) = (relay.server, relay.transport);
        self.servers.asked(now, ServerKind::Turn, server, transport);
        let what = match open.what {
            Wanted::Udp {
                local,
                port: Port::Any,
            } => Wanted::Udp {
                local,
                port: self.config.policy.port(),
            },
            what => what,
        };
        self.events
            .push(Event::Open(Open { id, what }), &mut self.stats);
    }

    fn relay_is_there(&mut self, now: Instant, name: SocketId, allocated: &Allocated) {
        let Some(relay) = self
            .relays
            .get_mut(name)
            .filter(|relay| !relay.is_leaving())
        else {
            return;
        };
        relay.live(allocated.relayed, allocated.additional);
        let behind = Behind::Relay {
            transport: relay.transport,
            mapped: allocated.mapped,
        };
        self.note_relay(name, ServerOutcome::Relaying(allocated.relayed));
        for relayed in [Some(allocated.relayed), allocated.additional]
            .into_iter()
            .flatten()
        {
            let base = self.current.locals.add(name, relayed, behind);
            self.announce(now, base);
            for remote in self.current.remotes.ids() {
                self.pair_up(base, remote);
            }
        }
    }

    /// The server lets an address in: checks of pairs that waited for it follow.
    fn relay_admits(&mut self, name: SocketId, peer: IpAddr) {
        let goes_on = self.does_ordinary_checks();
        for pair in self.waiting_for(name, peer) {
            if let Some(found) = self.current.checks.get_mut(pair) {
                found.state = PairState::Waiting;
            }
            if goes_on {
                self.current.checks.trigger(pair);
            }
        }
    }

    fn relay_refuses(&mut self, now: Instant, name: SocketId, peer: IpAddr, cause: &Cause) {
        let code = match cause {
            Cause::Refused { code, .. } => *code,
            _ => 0,
        };
        for pair in self.waiting_for(name, peer) {
            if let Some(found) = self.current.checks.get_mut(pair) {
                found.tally.refuse(Refusal::Relay(code));
            }
            self.fail_pair(now, pair);
        }
    }

    fn waiting_for(&self, name: SocketId, peer: IpAddr) -> Vec<PairId> {
        let waits = |path: &Path, state: &PairState| {
            path.id == name && path.remote.ip() == peer && matches!(state, PairState::Permitting)
        };
        let pairs = self.current.checks.iter();
        pairs
            .filter(|(_, pair)| waits(&pair.path, &pair.state))
            .map(|(id, _)| id)
            .collect()
    }

    /// A relay is gone, with all that went over it.
    fn relay_has_ended(&mut self, now: Instant, name: SocketId, cause: Cause) {
        let Some(relay) = self.relays.get(name) else {
            return;
        };
        if relay.transport == Transport::Udp && was_answered(&cause) {
            self.servers.heard_udp();
        }
        if cause != Cause::Released {
            self.note_relay(name, ServerOutcome::Ended(cause));
        }
        let sockets: Vec<_> = self
            .relays
            .remove(name)
            .iter()
            .flat_map(Relay::sockets)
            .collect();
        for id in sockets {
            self.events
                .push(Event::Close(Close { id }), &mut self.stats);
        }
        self.socket_is_gone(now, name);
    }

    fn note_relay(&mut self, name: SocketId, outcome: ServerOutcome) {
        if let Some(relay) = self.relays.get(name) {
            self.servers
                .note(ServerKind::Turn, relay.server, relay.transport, outcome);
        }
    }

    /// When relays that the nominated pair does not use are given back.
    pub(super) fn release_timeout(&self) -> Option<Instant> {
        let Some(Progress::Completed { since, .. }) = self.phase.progress() else {
            return None;
        };
        let at = since + self.config.relay_release?;
        self.idle_relays().next().map(|_| at)
    }

    fn release_relays(&mut self, now: Instant) {
        if self.release_timeout().is_none_or(|at| now < at) {
            return;
        }
        let idle: Vec<_> = self.idle_relays().collect();
        for name in idle {
            self.relays.release(now, name);
            self.socket_is_gone(now, name);
        }
    }

    /// Relays that carry no data, by the current or an earlier pair.
    fn idle_relays(&self) -> impl Iterator<Item = SocketId> {
        let carrier = self.carrying_pair().map(|pair| pair.path.id);
        let before = self.previous.as_ref().and_then(Previous::carrier);
        let before = before.and_then(|(generation, pair)| generation.checks.get(pair));
        let before = before.map(|pair| pair.path.id);
        self.relays
            .iter()
            .filter(|relay| !relay.is_leaving())
            .map(|relay| relay.name)
            .filter(move |name| Some(*name) != carrier && Some(*name) != before)
    }

    /// Asks for a channel for the pair that carries data, where it goes over a relay.
    pub(super) fn bind_carrier(&mut self, now: Instant) {
        let Some(path) = self.carrying_pair().map(|pair| pair.path) else {
            return;
        };
        if let Some(relay) = self.relays.get_mut(path.id) {
            // Without a channel data goes in Send indications.
            let _ = relay.allocation.bind_channel(now, path.remote);
        }
    }

    /// Takes a frame that a TURN server sent. `None` when it came to no socket of a relay.
    pub(super) fn handle_relayed(
        &mut self,
        now: Instant,
        rx: &mut Received<'_>,
    ) -> Option<Handled> {
        let Received { path, data } = rx;
        let frame = Received { path: *path, data };
        let unwrapped = self.relays.unwrap(now, frame)?;
        if path.transport == Transport::Udp {
            self.servers.heard_udp();
        }
        let (way, range) = match unwrapped {
            Unwrapped::Payload(way, range) => (way, range),
            Unwrapped::Other(Handled::Consumed) => {
                self.advance(now);
                return Some(Handled::Consumed);
            }
            Unwrapped::Other(_) => {
                self.stats.relay_dropped += 1;
                return Some(Handled::Dropped);
            }
        };
        let payload = rx.data.get(range.clone()).unwrap_or_default();
        if !stun_codec::is_stun(payload) {
            return Some(self.handle_data(now, &way, payload, range));
        }
        Some(match self.handle_stun(now, &way, payload) {
            // Nobody else has to do with this relay.
            Handled::NotMine => {
                self.stats.relay_dropped += 1;
                Handled::Dropped
            }
            handled => {
                self.advance(now);
                handled
            }
        })
    }

    /// Puts the frame at the end of `out`, which is for a peer, into one for the relay, where the way
    /// is over one. `None` when the relay does not take it; nothing is left of it then.
    pub(super) fn wrap(
        &mut self,
        now: Instant,
        path: Path,
        start: usize,
        out: &mut BytesMut,
    ) -> Option<Transmit> {
        let end = out.len();
        if self.relays.get(path.id).is_none() {
            return Some(Transmit {
                path,
                range: start..end,
            });
        }
        out.resize(end + HEADROOM + TAILROOM, 0);
        out.copy_within(start..end, start + HEADROOM);
        let payload = start + HEADROOM..end + HEADROOM;
        match self.relays.send(now, &path, out, payload) {
            Some(Ok(transmit)) => {
                out.truncate(transmit.range.end);
                Some(transmit)
            }
            Some(Err(_)) | None => {
                out.truncate(start);
                self.stats.relay_refused += 1;
                None
            }
        }
    }

    /// At the end: gives the relays back by one message each, which
    /// [`poll_transmit`](Self::poll_transmit) still hands out, and closes their sockets.
    pub(super) fn leave_relays(&mut self, now: Instant) {
        let mut relays = self.relays.take();
        for relay in &mut relays {
            relay.allocation.release(now);
            let mut out = BytesMut::new();
            while let Some(transmit) = relay.poll_transmit(&mut out) {
                let frame = out.get(transmit.range).unwrap_or_default().to_vec();
                self.farewells.push((transmit.path, frame));
            }
            let sockets: Vec<_> = relay.sockets().collect();
            for id in sockets {
                self.events
                    .push(Event::Close(Close { id }), &mut self.stats);
            }
        }
    }
}
