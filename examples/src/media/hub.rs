//! The calls of one worker: finds the call of each datagram, sends what the call says.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::ops::Range;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use ice_agent::{Path, Received};
use mio::Token;
use slab::Slab;
use tokio::sync::mpsc;

use super::ports::{Port, Ports, Purpose};
use super::routes::Routes;
use super::timers::Timers;
use super::{CallKey, Command, NewCall};
use crate::bridge::{self, Bridge, FromBrowser, Stats};

/// One call and what belongs to it.
struct Call {
    key: CallKey,
    bridge: Bridge,
    rtp: Token,
    rtcp: Token,
    events: mpsc::Sender<bridge::Event>,
}

/// All calls of one worker.
#[derive(Default)]
pub(super) struct Hub {
    calls: Slab<Call>,
    slots: HashMap<CallKey, usize>,
    routes: Routes,
    timers: Timers,
    out: BytesMut,
    /// Datagrams at a browser port that belong to no call.
    unroutable: u64,
}

impl Hub {
    /// How long until the next call wants to be woken; `None` for as long as it takes.
    pub(super) fn timeout(&self, now: Instant) -> Option<Duration> {
        self.timers
            .next()
            .map(|at| at.saturating_duration_since(now))
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
                if let Some(call) = self.calls.get_mut(slot) {
                    call.bridge.handle_phone_rtcp(from);
                }
            }
        }
    }

    fn on_browser(&mut self, now: Instant, path: Path, ports: &Ports, data: &mut [u8]) {
        let named = ice_agent::local_ufrag(data).map(|ufrag| self.routes.by_ufrag(ufrag));
        let Some(slot) = named.unwrap_or_else(|| self.routes.by_address(&path)) else {
            self.unroutable += 1;
            return;
        };
        let Some(call) = self.calls.get_mut(slot) else {
            return;
        };
        let proofs = call.bridge.proofs();
        let rx = Received {
            path,
            data: &mut *data,
        };
        match call.bridge.handle_browser(now, rx) {
            FromBrowser::NotMine => self.unroutable += 1,
            FromBrowser::Dropped => {}
            FromBrowser::ToPhone { remote, range } => {
                if let (Some(port), Some(packet)) = (ports.port(call.rtp), data.get(range)) {
                    port.send(remote, packet);
                }
            }
            FromBrowser::Consumed => {
                if call.bridge.proofs() > proofs {
                    self.routes.prove(&path, slot);
                }
                self.drain(slot, ports);
            }
        }
    }

    /// Does what the calls' owner asks.
    pub(super) fn on_command(&mut self, now: Instant, command: Command, ports: &mut Ports) {
        match command {
            Command::Add(new) => self.add(now, *new, ports),
            Command::Phone {
                key,
                remote,
                formats,
            } => {
                self.with(key, ports, |bridge| bridge.set_phone(now, remote, formats));
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
            Command::Remove { key, stats } => {
                let _ = stats.send(self.remove(now, key, ports));
            }
            Command::Stop => self.stop(now, ports),
        }
    }

    /// Ends every call.
    pub(super) fn stop(&mut self, now: Instant, ports: &mut Ports) {
        let keys: Vec<CallKey> = self.slots.keys().copied().collect();
        for key in keys {
            self.remove(now, key, ports);
        }
        tracing::info!(unroutable = self.unroutable, "media worker stopped");
    }

    /// Wakes every call whose time has come.
    pub(super) fn on_time(&mut self, now: Instant, ports: &Ports) {
        while let Some(slot) = self.timers.pop_due(now) {
            if let Some(call) = self.calls.get_mut(slot) {
                call.bridge.handle_timeout(now);
                self.drain(slot, ports);
            }
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
                [rtp, rtcp]
                    .into_iter()
                    .flatten()
                    .for_each(|token| ports.remove(token));
                return;
            }
        };
        let slot = self.calls.insert(Call {
            key,
            bridge,
            rtp,
            rtcp,
            events,
        });
        self.slots.insert(key, slot);
        self.routes.add(slot, &ufrag);
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
        call.bridge.stats()
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
            self.routes.claim(&transmit.path, slot);
            send(ports, &transmit.path, self.out.get(transmit.range));
        }
        while let Some(event) = call.bridge.poll_event() {
            if let Err(lost) = call.events.try_send(event) {
                tracing::warn!(call = %call.key, "event lost: {lost}");
            }
        }
        self.timers.set(slot, call.bridge.poll_timeout());
    }
}

fn send(ports: &Ports, path: &Path, datagram: Option<&[u8]>) {
    if let (Some(port), Some(datagram)) = (ports.of_path(path), datagram) {
        port.send(path.remote, datagram);
    }
}
