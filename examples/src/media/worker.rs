//! The hot loop: one thread, its sockets and its calls. Nothing here is shared or locked.

use std::io;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::{Duration, Instant};

use mio::{Events, Poll, Token};
use quinn_udp::BATCH_SIZE;

use super::Command;
use super::batch::Batch;
use super::hub::Hub;
use super::ports::{Ports, WAKER};

/// Batches taken from one port before the next one has its turn.
const BATCHES_PER_TURN: usize = 4;

/// A worker before its thread runs.
pub(super) struct Worker {
    pub(super) poll: Poll,
    pub(super) commands: Receiver<Command>,
    pub(super) ports: Ports,
}

impl Worker {
    /// Runs until its handle is dropped.
    ///
    /// # Errors
    /// When the system's poll fails, which leaves nothing to go on with.
    pub(super) fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(256);
        let mut batch = Batch::new();
        let mut hub = Hub::default();
        // Ports that may hold more datagrams: readiness is told only once, when they arrive.
        let mut ready: Vec<Token> = Vec::new();
        loop {
            let wait = match ready.is_empty() {
                true => hub.timeout(now()),
                false => Some(Duration::ZERO),
            };
            match self.poll.poll(&mut events, wait) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
            for token in events.iter().map(|event| event.token()) {
                if token != WAKER && !ready.contains(&token) {
                    ready.push(token);
                }
            }
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
}

/// Drains a port, up to its turn's share. Answers whether more may wait.
fn serve(token: Token, ports: &Ports, batch: &mut Batch, hub: &mut Hub) -> bool {
    let Some(port) = ports.port(token) else {
        return false;
    };
    for _ in 0..BATCHES_PER_TURN {
        let now = now();
        let received = batch.receive(&port.socket, &port.state, |from, buf, range| {
            hub.on_datagram(now, port, ports, from, buf, range);
        });
        match received {
            Ok(BATCH_SIZE) => {}
            // What comes from here on is told anew.
            Ok(_) => return false,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return false,
            // An ICMP error of an earlier datagram shows here; the port is fine.
            Err(_) => {}
        }
    }
    true
}

/// The one place where media reads the clock.
#[allow(clippy::disallowed_methods)] // a driver
fn now() -> Instant {
    Instant::now()
}
