//! Frames that came to the wrong worker. The kernel chooses a worker by the client's address; a client
//! that has moved (RFC 8016), or that has a reservation (RFC 8656 §7.2), may belong to another one.

use turn_relay::Path;

use super::mailbox::{Adopted, Command, Mailbox};

/// The ways to the other workers.
pub(super) struct Handover {
    mailboxes: Vec<Mailbox>,
    /// Frames and connections handed on.
    pub(super) count: u64,
}

impl Handover {
    /// With the mailboxes of all workers.
    pub(super) fn new(mailboxes: Vec<Mailbox>) -> Self {
        Self {
            mailboxes,
            count: 0,
        }
    }

    /// Hands on a datagram. All workers have listeners of the same names, so the path is the same there.
    pub(super) fn datagram(&mut self, worker: u8, path: Path, frame: &[u8]) {
        let frame = frame.into();
        self.post(worker, Command::Frame { path, frame });
    }

    /// Hands on a connection.
    pub(super) fn connection(&mut self, worker: u8, adopted: Adopted) {
        self.post(worker, Command::Adopt(Box::new(adopted)));
    }

    fn post(&mut self, worker: u8, command: Command) {
        self.count += 1;
        if let Some(mailbox) = self.mailboxes.get(usize::from(worker)) {
            // A worker that is behind by so much takes no more from elsewhere either.
            let _ = mailbox.offer(command);
        }
    }
}
