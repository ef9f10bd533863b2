//! The hot loop: one thread, its sockets and its calls. Nothing here is shared or locked.
//!
//! ```text
//!       ┌──────────────────────────────────────────────────────┐
//!       ▼                                                      │
//!     rest ──▶ wait ──▶ commands ──▶ datagrams ──▶ timers ─────┘
//! ```
//!
//! One turn serves all that has come since the last one. With 20 calls there are 2000 packets a
//! second; served one by one each would cost a wake-up of its own. So the thread sleeps after each
//! turn until [`gather`](Worker::gather), a little less than 1 ms, has gone by since the turn
//! began. What arrives meanwhile is gathered: it costs one wake-up together, and what arrives at
//! one socket, such as the port that all browsers share, comes with one read. Only if nothing has
//! arrived does the thread wait for it, and then it serves it at once. So the price is a delay of
//! less than 1 ms, which a jitter buffer does not notice, and none at all where packets are rare.
//! Where a socket holds more than its share of a turn there is no rest.
//!
//! `tests/media_loop.rs` measures what gathering is worth; [`Work`](super::Work) counts turns,
//! reads and datagrams in a running gateway.

use std::io;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::{Duration, Instant};

use mio::{Events, Poll, Token};

use super::Command;
use super::batch::Batch;
use super::hub::Hub;
use super::ports::{Ports, WAKER};

/// Batches taken from one port before the next one has its turn.
const BATCHES_PER_TURN: usize = 4;

/// Sockets of which one wait can learn that something arrived; others are told by the next.
const READY_AT_ONCE: usize = 1024;

/// A worker before its thread runs.
pub(super) struct Worker {
    pub(super) poll: Poll,
    pub(super) commands: Receiver<Command>,
    pub(super) ports: Ports,
    /// The least time from turn to turn; less than 1 ms.
    pub(super) gather: Duration,
}

impl Worker {
    /// Runs until its handle is dropped.
    ///
    /// # Errors
    /// When the system's poll fails, which leaves nothing to go on with.
    pub(super) fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(READY_AT_ONCE);
        let mut batch = Batch::new();
        let mut hub = Hub::default();
        // Ports that hold datagrams: readiness is told only once, when they arrive.
        let mut ready: Vec<Token> = Vec::new();
        let mut began = now();
        loop {
            let wait = match ready.is_empty() {
                true => {
                    rest(self.gather.saturating_sub(now() - began));
                    hub.timeout(now())
                }
                false => Some(Duration::ZERO),
            };
            self.learn(&mut events, wait, &mut ready)?;
            began = now();
            hub.work.turns += 1;
            // Commands first: what they announce must not be overtaken by the datagrams it causes.
            loop {
                match self.commands.try_recv() {
                    Ok(command) => hub.on_command(now(), command, &mut self.ports),
                    Err(TryRecvError::Empty) => break,
                    // The handle is gone: that is how a worker is told to stop.
                    Err(TryRecvError::Disconnected) => {
                        hub.stop(now(), &mut self.ports);
                        return Ok(());
                    }
                }
            }
            ready.retain(|token| serve(*token, &self.ports, &mut batch, &mut hub));
            hub.on_time(now(), &mut self.ports);
        }
    }

    /// Waits until something arrives or `wait` is over, and adds the ports where it did.
    fn learn(
        &mut self,
        events: &mut Events,
        wait: Option<Duration>,
        ready: &mut Vec<Token>,
    ) -> io::Result<()> {
        match self.poll.poll(events, wait) {
            // A signal: the wait was cut short, and is taken up again.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            polled => polled?,
        }
        for token in events.iter().map(|event| event.token()) {
            if token != WAKER && self.ports.mark_ready(token) {
                ready.push(token);
            }
        }
        Ok(())
    }
}

/// Drains a port, up to its turn's share. Answers whether more may wait.
fn serve(token: Token, ports: &Ports, batch: &mut Batch, hub: &mut Hub) -> bool {
    let Some(port) = ports.port(token) else {
        return false;
    };
    for _ in 0..BATCHES_PER_TURN {
        let now = now();
        hub.work.reads += 1;
        let received = batch.fill(&port.state, (&port.socket).into(), port.batch());
        if let Ok(filled) = received {
            batch.each(filled, |from, buf, range| {
                hub.work.datagrams += 1;
                hub.on_datagram(now, port, ports, from, buf, range);
            });
        }
        match received {
            Ok(filled) if filled == port.batch() => {}
            // It is empty; what comes from here on is told anew.
            Ok(_) => {
                port.served();
                return false;
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                port.served();
                return false;
            }
            // An ICMP error of an earlier datagram shows here; the port is fine.
            Err(_) => {}
        }
    }
    true
}

/// Lets datagrams arrive.
#[allow(clippy::disallowed_methods)] // a driver, and the time is what it is about
fn rest(time: Duration) {
    if !time.is_zero() {
        std::thread::sleep(time);
    }
}

/// The one place where media reads the clock.
#[allow(clippy::disallowed_methods)] // a driver
fn now() -> Instant {
    Instant::now()
}
