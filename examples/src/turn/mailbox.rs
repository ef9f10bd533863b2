//! What a worker is told from outside: it looks there when epoll says so.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::Instant;

use rustix::event::{EventfdFlags, eventfd};
use rustix::fd::OwnedFd;
use tokio::sync::oneshot;
use turn_relay::Path;
use turn_relay::server::{Credentials, LookupId, Secret};

use super::connection::Connection;
use super::counters::WorkerStats;

/// Commands that wait for a worker; whoever sends more of them waits.
const CAPACITY: usize = 4096;

/// What a worker is asked to do.
pub(super) enum Command {
    /// What the program's store says about a user.
    Credentials {
        id: LookupId,
        secret: Option<Secret>,
    },
    /// A user is none any more.
    Revoke(Arc<str>),
    /// No new allocations; the old ones end at a time.
    Drain {
        until: Instant,
        alternate: Option<SocketAddr>,
    },
    /// Other users from now on.
    SetCredentials(Box<Credentials>),
    Stats(oneshot::Sender<WorkerStats>),
    /// A datagram that came to the wrong worker.
    Frame {
        path: Path,
        frame: Box<[u8]>,
    },
    /// A connection that came to the wrong worker.
    Adopt(Box<Adopted>),
    Stop,
}

/// A connection that came to the wrong worker.
pub(super) struct Adopted {
    pub(super) connection: Connection,
    /// The frame that said so.
    pub(super) frame: Box<[u8]>,
    /// What has been read behind what the connection's deframer has.
    pub(super) rest: Box<[u8]>,
}

/// The end that others hold.
#[derive(Clone)]
pub(super) struct Mailbox {
    commands: SyncSender<Command>,
    bell: Arc<OwnedFd>,
}

/// The end of the worker.
pub(super) struct Inbox {
    pub(super) commands: Receiver<Command>,
    pub(super) bell: Arc<OwnedFd>,
}

pub(super) fn mailbox() -> io::Result<(Mailbox, Inbox)> {
    let bell = eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)?;
    let bell = Arc::new(bell);
    let (sender, commands) = sync_channel(CAPACITY);
    let mailbox = Mailbox {
        commands: sender,
        bell: Arc::clone(&bell),
    };
    Ok((mailbox, Inbox { commands, bell }))
}

impl Mailbox {
    /// Leaves a command. It is lost if the worker has ended.
    pub(super) fn put(&self, command: Command) {
        if self.commands.send(command).is_ok() {
            self.ring();
        }
    }

    /// Leaves a command if there is room, as one worker does for another. Gives it back if not.
    pub(super) fn offer(&self, command: Command) -> Result<(), Command> {
        match self.commands.try_send(command) {
            Ok(()) => {
                self.ring();
                Ok(())
            }
            Err(TrySendError::Full(command) | TrySendError::Disconnected(command)) => Err(command),
        }
    }

    fn ring(&self) {
        // It fails only when the counter is full, and then the bell rings already.
        let _ = rustix::io::write(&*self.bell, &1_u64.to_ne_bytes());
    }
}

impl Inbox {
    /// Stops the bell, before the commands are taken.
    pub(super) fn hush(&self) {
        let _ = rustix::io::read(&*self.bell, &mut [0; 8]);
    }
}
