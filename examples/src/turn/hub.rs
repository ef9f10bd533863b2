//! Everything one worker has, but its loop: the machine, and where what it says goes.

use std::io;
use std::net::IpAddr;
use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use bytes::BytesMut;
use rustix::fd::{AsFd, OwnedFd};
use tokio::sync::mpsc;
use turn_relay::server::{Event, Relay, Relayed};
use turn_relay::{Close, HEADROOM, Local, Open, OpenError, Path, SocketId, Transport, Wanted};

use super::complaints::Complaints;
use super::connection::End;
use super::connections::Connections;
use super::counters::{Work, WorkerStats};
use super::listeners::Datagrams;
use super::mailbox::{Adopted, Command};
use super::names::{Source, source};
use super::outbox::{FRAME, Outbox};
use super::queue::Kind;
use super::relays::{self, Relays};
use super::{Report, handover::Handover};

/// Everything one worker has.
pub(super) struct Hub {
    pub(super) relay: Relay,
    pub(super) epoll: Arc<OwnedFd>,
    pub(super) datagrams: Vec<Datagrams>,
    pub(super) relays: Relays,
    pub(super) connections: Connections,
    pub(super) outbox: Outbox,
    pub(super) handover: Handover,
    pub(super) reports: mpsc::Sender<Report>,
    pub(super) worker: usize,
    /// What the machine says is written here.
    pub(super) out: BytesMut,
    pub(super) counts: Counts,
    pub(super) complaints: Complaints,
    pub(super) work: Work,
}

/// What is counted here.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counts {
    unsent: u64,
    foreign: u64,
    open_failures: u64,
    lost_reports: u64,
}

impl Hub {
    /// A frame of a client. Answers to which worker its connection must be given, if it must: datagrams
    /// are given away here.
    pub(super) fn on_client(
        &mut self,
        now: Instant,
        path: Path,
        buf: &mut [u8],
        frame: Range<usize>,
    ) -> Option<u8> {
        match self.relay.handle_packet(now, path, buf, frame.clone()) {
            Relayed::To(transmit) | Relayed::ToWhole(transmit) => {
                if let Some(frame) = buf.get(transmit.range) {
                    self.send(now, &transmit.path, frame);
                }
            }
            Relayed::Consumed | Relayed::Dropped => {}
            Relayed::NotMine => {
                self.counts.foreign += 1;
                if path.transport != Transport::Udp {
                    self.end(now, path.id, &End::Failed);
                }
            }
            Relayed::Elsewhere(worker) => match path.transport {
                Transport::Udp => {
                    let frame = buf.get(frame).unwrap_or_default();
                    self.handover.datagram(worker, path, frame);
                }
                _ => return Some(worker),
            },
        }
        None
    }

    /// Gives a connection to another worker.
    pub(super) fn give_away(
        &mut self,
        now: Instant,
        id: SocketId,
        worker: u8,
        frame: Box<[u8]>,
        rest: &[u8],
    ) {
        if let Some(connection) = self.connections.remove(id) {
            self.relay.handle_closed(now, id);
            let adopted = Adopted {
                connection,
                frame,
                rest: rest.into(),
            };
            self.handover.connection(worker, adopted);
        }
    }

    /// A datagram of a peer. It goes on from where it was put.
    pub(super) fn on_peer(&mut self, now: Instant, id: SocketId) {
        let room = self.outbox.room();
        let received = match room.get_mut(FRAME) {
            Some(frame) => self.relays.receive(id, frame),
            None => None,
        };
        let Some((length, remote, local)) = received else {
            return;
        };
        self.work.from_peers += 1;
        let path = Path {
            id,
            local,
            remote,
            transport: Transport::Udp,
        };
        let frame = HEADROOM..HEADROOM + length;
        let (Relayed::To(transmit) | Relayed::ToWhole(transmit)) =
            self.relay.handle_packet(now, path, room, frame)
        else {
            return;
        };
        let client = transmit.path;
        match source(client.id) {
            Source::Datagrams(listener) => {
                let all = &self.datagrams;
                self.outbox
                    .push(all, listener, client.remote, transmit.range);
            }
            Source::Connection(_) => {
                let frame = room.get(transmit.range).unwrap_or_default();
                let pushed = self.connections.push(now, client.id, Kind::Media, frame);
                if let Err(end) = pushed {
                    self.end(now, client.id, &end);
                }
            }
            _ => {}
        }
    }

    /// Sends a frame on its way.
    fn send(&mut self, now: Instant, path: &Path, frame: &[u8]) {
        match source(path.id) {
            Source::Relay(id) => {
                if self.relays.send(id, path.remote, frame).is_err() {
                    self.counts.unsent += 1;
                }
            }
            Source::Datagrams(listener) => {
                self.outbox
                    .copy(&self.datagrams, listener, path.remote, frame);
            }
            Source::Connection(_) => {
                if let Err(end) = self.connections.push(now, path.id, kind(frame), frame) {
                    self.end(now, path.id, &end);
                }
            }
            Source::Mailbox | Source::Streams(_) => {}
        }
    }

    /// Does what the machine asks for, until it asks for nothing more.
    pub(super) fn drain(&mut self, now: Instant) {
        loop {
            let mut out = std::mem::take(&mut self.out);
            while let Some(transmit) = self.relay.poll_transmit(&mut out) {
                if let Some(frame) = out.get(transmit.range) {
                    self.send(now, &transmit.path, frame);
                }
                out.clear();
            }
            self.out = out;
            let Some(event) = self.relay.poll_event() else {
                return;
            };
            self.on_event(now, event);
        }
    }

    /// Does what the worker is asked for.
    pub(super) fn on_command(&mut self, now: Instant, command: Command) {
        match command {
            Command::Credentials { id, secret } => {
                self.relay.handle_credentials(now, id, secret);
            }
            Command::Revoke(user) => {
                self.relay.revoke(now, &user);
            }
            Command::Drain { until, alternate } => self.relay.drain(now, until, alternate),
            Command::SetCredentials(credentials) => self.relay.set_credentials(*credentials),
            Command::Stats(asker) => {
                let _ = asker.send(self.stats());
            }
            // Served where connections are read.
            Command::Frame { .. } | Command::Adopt(_) | Command::Stop => {}
        }
    }

    fn on_event(&mut self, now: Instant, event: Event) {
        match &event {
            Event::Open(open) => return self.open(now, open),
            Event::Close(Close { id }) => return self.close(*id),
            _ => {}
        }
        let report = Report {
            worker: self.worker,
            event,
        };
        if self.reports.try_send(report).is_err() {
            self.counts.lost_reports += 1;
        }
    }

    fn open(&mut self, now: Instant, open: &Open) {
        let opened = match open.what {
            Wanted::Udp {
                local: Local::Ip(ip),
                port,
            } => {
                let opened = self.relays.open(self.epoll.as_fd(), open.id, ip, port);
                opened.map_err(|error| self.complain(now, ip, &error))
            }
            _ => Err(OpenError::Unsupported),
        };
        match opened {
            Ok(local) => self.relay.handle_opened(now, open.id, local),
            Err(error) => {
                self.counts.open_failures += 1;
                self.relay.handle_open_failed(now, open.id, error);
            }
        }
    }

    fn complain(&mut self, now: Instant, ip: IpAddr, error: &io::Error) -> OpenError {
        if self.complaints.may_tell(now, error.kind()) {
            tracing::warn!(worker = self.worker, %ip, %error, "no socket for an allocation");
        }
        relays::told(error)
    }

    fn close(&mut self, id: SocketId) {
        match source(id) {
            Source::Relay(id) => self.relays.close(id),
            Source::Connection(_) => {
                self.connections.remove(id);
            }
            _ => {}
        }
    }

    /// A connection has ended, or has to.
    pub(super) fn end(&mut self, now: Instant, id: SocketId, end: &End) {
        if self.connections.remove(id).is_some() {
            self.connections.count(end);
            self.relay.handle_closed(now, id);
        }
    }

    /// Tells the machine the time, if it is waiting for it.
    pub(super) fn on_time(&mut self, now: Instant) {
        if self.relay.poll_timeout().is_some_and(|at| at <= now) {
            self.relay.handle_timeout(now);
        }
    }

    /// When to come back without anything having arrived.
    pub(super) fn timeout(&self) -> Option<Instant> {
        self.relay.poll_timeout()
    }

    /// Sends what waits.
    pub(super) fn flush(&mut self, now: Instant) {
        self.outbox.flush(&self.datagrams);
        let mut ended = Vec::new();
        self.connections.write(now, |id, end| ended.push((id, end)));
        for (id, end) in ended {
            self.end(now, id, &end);
            self.drain(now);
        }
    }

    /// What was counted.
    pub(super) fn stats(&self) -> WorkerStats {
        let connections = &self.connections.counts;
        WorkerStats {
            worker: self.worker,
            relay: *self.relay.stats(),
            allocations: self.relay.allocations(),
            sockets: self.relays.len(),
            connections: self.connections.len(),
            accepted: connections.accepted,
            turned_away: connections.turned_away,
            failed_connections: connections.failed,
            overflowed_connections: connections.overflowed,
            stale: connections.stale,
            unsent: self.counts.unsent + self.outbox.unsent,
            foreign: self.counts.foreign,
            open_failures: self.counts.open_failures,
            lost_reports: self.counts.lost_reports,
            handed_on: self.handover.count,
            work: Work {
                client_writes: self.outbox.calls,
                ..self.work
            },
        }
    }
}

/// Data of a peer is of no use when it is late; everything else is an answer.
fn kind(frame: &[u8]) -> Kind {
    match frame {
        // ChannelData, and the Data indication (RFC 8656 §17).
        [0x40..=0x7f, ..] | [0x00, 0x17, ..] => Kind::Media,
        _ => Kind::Control,
    }
}
