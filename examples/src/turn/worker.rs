//! The loop: one thread, its sockets and its allocations. Nothing here is shared or locked.
//!
//! ```text
//!      ┌───────────────────────────────────────────────┐
//!      ▼                                               │
//!    rest ──▶ wait ──▶ serve what arrived ──▶ flush ───┴─ nothing more has arrived
//!              ▲                                │
//!              └──────── more has arrived ──────┘
//! ```
//!
//! With 50 calls there are 5000 packets a second; served one by one each would cost a wake-up of its own.
//! So the thread rests after each turn until [`gather`](super::Options::gather), a little less than 1 ms,
//! has gone by since the turn began. What arrives meanwhile costs one wake-up together, and clients'
//! datagrams, which arrive at one socket, come and go many with one call. Only if nothing has arrived does
//! the thread wait for it, and then it serves it at once.
//!
//! Epoll tells by level: of each relay socket one datagram is taken with one call, and whether there is
//! another one is learned from epoll's next answer, for all sockets at once, and not from a read that fails.

use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::Timespec;
use rustix::event::epoll::{self, Event, EventData, EventFlags};
use rustls::ServerConfig;
use turn_relay::{Framing, Path, SocketId, Transport};

use super::connection::{Connection, End};
use super::hub::Hub;
use super::listeners::Streams;
use super::mailbox::{Adopted, Command, Inbox};
use super::names::{Source, source};
use crate::media::Batch;

/// Sockets of which one wait can learn that something arrived; others are told by the next.
pub(super) const READY_AT_ONCE: usize = 1024;

/// Connections that are accepted before others have their turn.
const ACCEPTS: usize = 64;

/// Batches that are taken from one listener before others have their turn.
const BATCHES: usize = 32;

/// Bytes of a connection that are read at once.
const READ: usize = 65_536;

/// A worker, before its thread runs.
pub(super) struct Worker {
    pub(super) hub: Hub,
    pub(super) streams: Vec<Streams>,
    pub(super) tls: Option<Arc<ServerConfig>>,
    pub(super) inbox: Inbox,
    /// The least time from turn to turn.
    pub(super) gather: Duration,
}

/// What the loop reads into.
struct Rooms {
    batch: Batch,
    stream: Box<[u8]>,
}

impl Worker {
    /// Runs until it is told to stop.
    ///
    /// # Errors
    /// When epoll fails, which leaves nothing to go on with.
    pub(super) fn run(mut self) -> io::Result<()> {
        let none = Event {
            flags: EventFlags::empty(),
            data: EventData::new_u64(0),
        };
        let mut ready = vec![none; READY_AT_ONCE].into_boxed_slice();
        let mut rooms = Rooms {
            batch: Batch::new(),
            stream: vec![0; READ].into_boxed_slice(),
        };
        let mut began = now();
        loop {
            rest(self.gather.saturating_sub(now() - began));
            let mut wait = self.hub.timeout();
            began = now();
            self.hub.work.turns += 1;
            loop {
                let time = wait.map(|at| at.saturating_duration_since(began));
                let count = self.wait(&mut ready, time)?;
                let now = now();
                for event in ready.iter().take(count) {
                    let id = SocketId(event.data.u64());
                    if !self.serve(now, id, event.flags, &mut rooms) {
                        return Ok(());
                    }
                }
                self.hub.on_time(now);
                self.hub.drain(now);
                self.hub.flush(now);
                if count == 0 {
                    break;
                }
                wait = Some(began);
            }
        }
    }

    /// Learns what has arrived; waits for it as long as nothing has.
    fn wait(&mut self, ready: &mut [Event], time: Option<Duration>) -> io::Result<usize> {
        self.hub.work.waits += 1;
        let time = time.and_then(|time| Timespec::try_from(time).ok());
        match epoll::wait(&*self.hub.epoll, ready, time.as_ref()) {
            // A signal: the wait was cut short, and is taken up again.
            Err(rustix::io::Errno::INTR) => Ok(0),
            waited => Ok(waited?),
        }
    }

    /// Serves one socket. Answers whether to go on.
    fn serve(&mut self, now: Instant, id: SocketId, flags: EventFlags, rooms: &mut Rooms) -> bool {
        match source(id) {
            Source::Relay(id) => self.hub.on_peer(now, id),
            Source::Datagrams(index) => self.datagrams(now, id, index, &mut rooms.batch),
            Source::Connection(_) => self.connection(now, id, flags, &mut rooms.stream),
            Source::Streams(index) => self.accept(now, index),
            Source::Mailbox => return self.commands(now),
        }
        true
    }

    /// Takes what clients have sent, until the socket is empty.
    fn datagrams(&mut self, now: Instant, id: SocketId, index: usize, batch: &mut Batch) {
        for _ in 0..BATCHES {
            let Some(listener) = self.hub.datagrams.get(index) else {
                return;
            };
            let local = listener.local;
            let Ok(filled) = batch.fill(&listener.state, (&listener.socket).into(), Batch::SIZE)
            else {
                return;
            };
            self.hub.work.client_reads += 1;
            batch.each(filled, |remote, buf, frame| {
                self.hub.work.from_clients += 1;
                let path = Path {
                    id,
                    local,
                    remote,
                    transport: Transport::Udp,
                };
                let _ = self.hub.on_client(now, path, buf, frame);
            });
            self.hub.drain(now);
            if filled < Batch::SIZE {
                return;
            }
        }
    }

    fn accept(&mut self, now: Instant, index: usize) {
        for _ in 0..ACCEPTS {
            let Some(listener) = self.streams.get(index) else {
                return;
            };
            let (stream, remote) = match TcpListener::accept(&listener.socket) {
                Ok(accepted) => accepted,
                Err(error) => return self.rest_after(&error),
            };
            let tls = match listener.transport {
                Transport::Tls => self.tls.as_ref(),
                _ => None,
            };
            // One that has ended already is none.
            let added = self
                .hub
                .connections
                .add(stream, (listener.local, remote), tls);
            if let Ok(Some(path)) = added {
                self.hub.relay.handle_accepted(now, path);
            }
        }
    }

    /// Without files left for another connection epoll would tell of it again and again: a turn's rest
    /// keeps the others served, and the machine free.
    fn rest_after(&self, error: &io::Error) {
        if error.kind() != io::ErrorKind::WouldBlock {
            rest(self.gather);
        }
    }

    /// Reads and writes what a connection is ready for.
    fn connection(&mut self, now: Instant, id: SocketId, flags: EventFlags, room: &mut [u8]) {
        if flags.contains(EventFlags::OUT) {
            self.hub.connections.list(id);
        }
        let read = EventFlags::IN | EventFlags::HUP | EventFlags::ERR;
        if !flags.intersects(read) {
            return;
        }
        let Some(connection) = self.hub.connections.get_mut(id) else {
            return;
        };
        let mut arrived = connection.read(room);
        loop {
            match arrived {
                Ok(0) => break,
                Ok(length) => self.frames(now, id, room.get(..length).unwrap_or_default()),
                Err(end) => return self.hub.end(now, id, &end),
            }
            let Some(connection) = self.hub.connections.get_mut(id) else {
                return;
            };
            arrived = connection.read_held(room);
        }
        let connection = self.hub.connections.get_mut(id);
        if connection.is_some_and(|connection| connection.wants_write()) {
            self.hub.connections.list(id);
        }
    }

    /// Cuts what has arrived into frames.
    fn frames(&mut self, now: Instant, id: SocketId, mut bytes: &[u8]) {
        while let Some(connection) = self.hub.connections.get_mut(id) {
            let path = connection.path;
            let mut deframer = connection.take_deframer();
            let stopped = loop {
                match deframer.next_frame() {
                    Ok(Some(frame)) => {
                        let range = 0..frame.len();
                        if let Some(worker) = self.hub.on_client(now, path, frame, range) {
                            break Some((worker, Box::from(&*frame)));
                        }
                    }
                    Ok(None) => break None,
                    Err(_) => return self.hub.end(now, id, &End::Failed),
                }
            };
            let Some(connection) = self.hub.connections.get_mut(id) else {
                return;
            };
            connection.deframer = deframer;
            if let Some((worker, frame)) = stopped {
                return self.hub.give_away(now, id, worker, frame, bytes);
            }
            if bytes.is_empty() {
                return;
            }
            let taken = connection.deframer.push(bytes);
            bytes = bytes.get(taken..).unwrap_or_default();
        }
    }

    /// Does what the worker is asked for. Answers whether to go on.
    fn commands(&mut self, now: Instant) -> bool {
        self.inbox.hush();
        while let Ok(command) = self.inbox.commands.try_recv() {
            match command {
                Command::Stop => return false,
                Command::Adopt(adopted) => self.adopt(now, *adopted),
                Command::Frame { path, mut frame } => {
                    let range = 0..frame.len();
                    let _ = self.hub.on_client(now, path, &mut frame, range);
                }
                other => self.hub.on_command(now, other),
            }
        }
        true
    }

    /// Goes on with a connection that came to another worker.
    fn adopt(&mut self, now: Instant, adopted: Adopted) {
        let Adopted {
            connection,
            mut frame,
            rest,
        } = adopted;
        if let Ok(path) = self.hub.connections.adopt(connection) {
            self.hub.relay.handle_accepted(now, path);
            let range = 0..frame.len();
            // It is here that it belongs: there is nobody to give it to.
            let _ = self.hub.on_client(now, path, &mut frame, range);
            self.frames(now, path.id, &rest);
            self.hub.connections.list(path.id);
        }
    }
}

/// The deframer of a connection that is being served.
impl Connection {
    fn take_deframer(&mut self) -> stun_codec::stream::Deframer {
        let empty = stun_codec::stream::Deframer::new(Framing::Turn, 0);
        std::mem::replace(&mut self.deframer, empty)
    }
}

/// Lets datagrams arrive.
#[allow(clippy::disallowed_methods)] // a driver, and the time is what it is about
fn rest(time: Duration) {
    if !time.is_zero() {
        std::thread::sleep(time);
    }
}

/// The one place where the server reads the clock.
#[allow(clippy::disallowed_methods)] // a driver
pub(super) fn now() -> Instant {
    Instant::now()
}
