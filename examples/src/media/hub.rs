//! The calls of one worker: finds the call of each datagram, sends what the call says.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::ops::Range;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use ice_agent::{Path, Received, RestartError};
use mio::Token;
use slab::Slab;
use stun_codec::{Class, Message, TransactionId};
use tokio::sync::mpsc;

use super::ports::{Port, Ports, Purpose};
use super::routes::Routes;
use super::timers::Timers;
use super::{CallKey, Command, NewCall, Totals, Work};
use crate::bridge::{self, Bridge, FromBrowser, PhonePort, Stats, ToPhone};
use crate::session::{self, LocalIce, RemoteIce};

/// One call and what belongs to it.
struct Call {
    key: CallKey,
    bridge: Bridge,
    rtp: Token,
    rtcp: Token,
    /// To the call's task; gone once it does not listen any more.
    events: Option<mpsc::Sender<bridge::Event>>,
}

/// Where a datagram of a browser leads.
struct Lead {
    /// The call.
    slot: usize,
    /// Which of the call's requests it answers, if it says so.
    answers: Option<TransactionId>,
}

/// All calls of one worker.
#[derive(Default)]
pub(super) struct Hub {
    calls: Slab<Call>,
    slots: HashMap<CallKey, usize>,
    routes: Routes,
    timers: Timers,
    out: BytesMut,
    /// Calls whose task is gone.
    orphans: Vec<CallKey>,
    /// What passed, without the calls that still run.
    past: Totals,
    /// What the loop did.
    pub(super) work: Work,
    /// What was told last.
    told: Totals,
}

impl Hub {
    /// How long until the next call wants to be woken; `None` for as long as it takes.
    pub(super) fn timeout(&mut self, now: Instant) -> Option<Duration> {
        let next = self.timers.next();
        next.map(|at| at.saturating_duration_since(now))
    }

    /// Takes a datagram that arrived at `port`.
    pub(super) fn on_datagram(
        &mut self,
        now: Instant,
        port: &Port,
        ports: &Ports,
        from: SocketAddr,
        buf: &mut [u8],
        datagram: Range<usize>,
    ) {
        match port.purpose {
            Purpose::Browsers => {
                if let Some(data) = buf.get_mut(datagram) {
                    self.on_browser(now, port.path_from(from), ports, data);
                }
            }
            Purpose::Rtp(slot) => {
                let Some(call) = self.calls.get_mut(slot) else {
                    return;
                };
                if let Some(transmit) = call.bridge.handle_phone(now, from, buf, datagram) {
                    send(ports, &transmit.path, buf.get(transmit.range));
                }
            }
            Purpose::Rtcp(slot) => {
                if let (Some(call), Some(data)) = (self.calls.get_mut(slot), buf.get(datagram)) {
                    call.bridge.handle_phone_rtcp(now, from, data);
                }
            }
        }
    }

    fn on_browser(&mut self, now: Instant, path: Path, ports: &Ports, data: &mut [u8]) {
        let Some(Lead { slot, answers }) = self.lead_of(&path, data) else {
            self.past.unroutable += 1;
            return;
        };
        let Some(call) = self.calls.get_mut(slot) else {
            return;
        };
        let rx = Received {
            path,
            data: &mut *data,
        };
        match call.bridge.handle_browser(now, rx) {
            FromBrowser::NotMine => self.past.unroutable += 1,
            FromBrowser::ToPhone { remote, range } => {
                if let (Some(port), Some(packet)) = (ports.port(call.rtp), data.get(range)) {
                    port.send(remote, packet);
                }
            }
            FromBrowser::Consumed => {
                // A response that was taken is genuine, and shows who is at the address now. Whoever
                // was there before can still forge it as the source of his requests.
                if let Some(id) = answers {
                    self.routes.answered(id, slot);
                    if call.bridge.is_proven(&path) {
                        self.routes.prove(&path, slot);
                    }
                }
                self.drain(slot, ports);
            }
            FromBrowser::Dropped => self.drain(slot, ports),
        }
    }

    /// The call that a datagram of a browser belongs to.
    fn lead_of(&self, path: &Path, data: &[u8]) -> Option<Lead> {
        let leads_to = |slot, answers| Some(Lead { slot, answers });
        if !stun_codec::is_stun(data) {
            return leads_to(self.routes.by_address(path)?, None);
        }
        if let Some(ufrag) = ice_agent::local_ufrag(data) {
            return leads_to(self.routes.by_ufrag(ufrag)?, None);
        }
        let message = Message::parse(data).ok()?;
        match message.class() {
            Class::Success | Class::Error => {
                let id = message.transaction_id();
                leads_to(self.routes.by_transaction(id)?, Some(id))
            }
            Class::Request | Class::Indication => leads_to(self.routes.by_address(path)?, None),
        }
    }

    /// Does what the calls' owner asks.
    pub(super) fn on_command(&mut self, now: Instant, command: Command, ports: &mut Ports) {
        match command {
            Command::Add(new) => self.add(now, *new, ports),
            Command::Phone { key, media, known } => {
                self.with(key, ports, |bridge| bridge.set_phone(now, media));
                let _ = known.send(());
            }
            Command::Candidates {
                key,
                candidates,
                end,
            } => self.with(key, ports, |bridge| {
                for candidate in candidates {
                    bridge.add_remote_candidate(now, candidate);
                }
                if end {
                    bridge.end_of_remote_candidates(now);
                }
            }),
            Command::Stats { key, stats } => {
                let slot = self.slots.get(&key).copied();
                let call = slot.and_then(|slot| self.calls.get(slot));
                let _ = stats.send(call.map(|call| call.bridge.stats()));
            }
            Command::Totals(totals) => {
                let _ = totals.send(self.totals(ports));
            }
            Command::Restart { key, remote, local } => {
                let _ = local.send(self.restart(now, key, remote, ports));
            }
            Command::Remove { key, stats } => {
                let _ = stats.send(self.remove(now, key, ports));
            }
        }
    }

    /// Ends every call.
    pub(super) fn stop(&mut self, now: Instant, ports: &mut Ports) {
        let keys: Vec<CallKey> = self.slots.keys().copied().collect();
        for key in keys {
            self.remove(now, key, ports);
        }
        let totals = self.totals(ports);
        match totals.calls {
            0 => tracing::debug!(?totals, "media worker stopped"),
            _ => tracing::info!(?totals, "media worker stopped"),
        }
    }

    /// Wakes every call whose time has come, and ends those whose task is gone.
    pub(super) fn on_time(&mut self, now: Instant, ports: &mut Ports) {
        while let Some(slot) = self.timers.pop_due(now) {
            if let Some(call) = self.calls.get_mut(slot) {
                call.bridge.handle_timeout(now);
                self.drain(slot, ports);
            }
        }
        while let Some(key) = self.orphans.pop() {
            self.remove(now, key, ports);
        }
    }

    fn add(&mut self, now: Instant, new: NewCall, ports: &mut Ports) {
        let NewCall {
            key,
            ufrag,
            bridge,
            phone,
            events,
        } = new;
        let slot = self.calls.vacant_key();
        let rtp = ports.add(phone.rtp, Purpose::Rtp(slot));
        let rtcp = ports.add(phone.rtcp, Purpose::Rtcp(slot));
        let (rtp, rtcp) = match (rtp, rtcp) {
            (Ok(rtp), Ok(rtcp)) => (rtp, rtcp),
            // The owner learns it by its events' end: the sender is dropped here.
            (rtp, rtcp) => {
                let opened = [rtp, rtcp].into_iter().flatten();
                opened.for_each(|token| ports.remove(token));
                return;
            }
        };
        let slot = self.calls.insert(Call {
            key,
            bridge,
            rtp,
            rtcp,
            events: Some(events),
        });
        self.slots.insert(key, slot);
        self.routes.add(slot, ufrag);
        if let Some(call) = self.calls.get_mut(slot) {
            call.bridge.handle_timeout(now);
        }
        self.drain(slot, ports);
    }

    fn remove(&mut self, now: Instant, key: CallKey, ports: &mut Ports) -> Stats {
        let Some(slot) = self.slots.remove(&key) else {
            return Stats::default();
        };
        if let Some(call) = self.calls.get_mut(slot) {
            call.bridge.close(now);
        }
        self.drain(slot, ports);
        self.timers.set(slot, None);
        self.routes.remove(slot);
        let Some(call) = self.calls.try_remove(slot) else {
            return Stats::default();
        };
        ports.remove(call.rtp);
        ports.remove(call.rtcp);
        let stats = call.bridge.stats();
        self.past.add_call(&stats);
        stats
    }

    /// What passed since the worker started.
    fn totals(&mut self, ports: &Ports) -> Totals {
        let mut totals = Totals {
            unsent: ports.unsent(),
            work: self.work,
            ..self.past
        };
        for (_, call) in &self.calls {
            totals.add_call(&call.bridge.stats());
        }
        self.told = totals.grown_from(&self.told);
        self.told
    }

    /// Restarts ICE: the browser knows the call by another user name from now on. It is found by
    /// the old one as long as that path carries media.
    fn restart(
        &mut self,
        now: Instant,
        key: CallKey,
        remote: RemoteIce,
        ports: &Ports,
    ) -> Result<LocalIce, RestartError> {
        let RemoteIce {
            credentials,
            candidates,
            complete,
        } = remote;
        let slot = self.slots.get(&key).copied();
        let call = slot.and_then(|slot| Some((slot, self.calls.get_mut(slot)?)));
        let (slot, Call { bridge, .. }) = call.ok_or(RestartError::Finished)?;
        let local = bridge.restart_ice(now, credentials)?;
        self.routes.rename(slot, bridge.local_ufrags());
        for candidate in candidates {
            bridge.add_remote_candidate(now, candidate);
        }
        if complete {
            bridge.end_of_remote_candidates(now);
        }
        self.drain(slot, ports);
        Ok(local)
    }

    fn with(&mut self, key: CallKey, ports: &Ports, act: impl FnOnce(&mut Bridge)) {
        let Some(slot) = self.slots.get(&key).copied() else {
            return;
        };
        if let Some(call) = self.calls.get_mut(slot) {
            act(&mut call.bridge);
            self.drain(slot, ports);
        }
    }

    /// Sends what the call wants sent, tells what it tells, sets its timer.
    fn drain(&mut self, slot: usize, ports: &Ports) {
        let Some(call) = self.calls.get_mut(slot) else {
            return;
        };
        loop {
            self.out.clear();
            let Some(transmit) = call.bridge.poll_transmit(&mut self.out) else {
                break;
            };
            let frame = self.out.get(transmit.range);
            if let Some(request) = frame.and_then(request_in) {
                self.routes.expect(request, slot);
            }
            send(ports, &transmit.path, frame);
        }
        loop {
            self.out.clear();
            let Some(ToPhone {
                port,
                remote,
                range,
            }) = call.bridge.poll_phone(&mut self.out)
            else {
                break;
            };
            let token = match port {
                PhonePort::Rtp => call.rtp,
                PhonePort::Rtcp => call.rtcp,
            };
            if let (Some(port), Some(datagram)) = (ports.port(token), self.out.get(range)) {
                port.send(remote, datagram);
            }
        }
        while let Some(event) = call.bridge.poll_event() {
            if let bridge::Event::Session(session::Event::Path { local, remote }) = event {
                tracing::debug!(call = %call.key, local, remote, "path");
            } else if !tell(&mut call.events, event) {
                self.orphans.push(call.key);
            }
        }
        self.timers.set(slot, call.bridge.poll_timeout());
    }
}

/// The id of the transaction that a frame begins, if it is a STUN request.
fn request_in(frame: &[u8]) -> Option<TransactionId> {
    if !stun_codec::is_stun(frame) {
        return None;
    }
    let message = Message::parse(frame).ok()?;
    (message.class() == Class::Request).then(|| message.transaction_id())
}

/// Tells an event. One that cannot be told ends the channel, so that the task is sure to notice.
fn tell(events: &mut Option<mpsc::Sender<bridge::Event>>, event: bridge::Event) -> bool {
    let told = events
        .as_ref()
        .is_some_and(|events| events.try_send(event).is_ok());
    if !told {
        *events = None;
    }
    told
}

fn send(ports: &Ports, path: &Path, datagram: Option<&[u8]>) {
    if let (Some(port), Some(datagram)) = (ports.of_path(path), datagram) {
        port.send(path.remote, datagram);
    }
}
