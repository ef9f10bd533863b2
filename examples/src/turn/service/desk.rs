//! What is done with what the workers tell.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{mpsc, watch};
use turn_relay::server::{Event, LoginError, Refused};

use super::{Asker, Shared, log};
use crate::turn::Report;

/// Logins that were refused, by cause.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) unknown_user: AtomicU64,
    pub(super) wrong_password: AtomicU64,
    pub(super) expired: AtomicU64,
    pub(super) revoked: AtomicU64,
}

impl Counts {
    fn refused(&self, cause: LoginError) {
        let count = match cause {
            LoginError::UnknownUser => &self.unknown_user,
            LoginError::WrongPassword => &self.wrong_password,
            LoginError::Expired => &self.expired,
            LoginError::Revoked => &self.revoked,
            _ => return,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }
}

/// Takes the reports.
pub(super) struct Desk {
    shared: Arc<Shared>,
    drained: watch::Sender<usize>,
}

impl Desk {
    /// Beside it how many workers have no allocation left after a drain.
    pub(super) fn new(shared: Arc<Shared>) -> (Self, watch::Receiver<usize>) {
        let (drained, seen) = watch::channel(0);
        (Self { shared, drained }, seen)
    }

    pub(super) async fn run(self, mut reports: mpsc::Receiver<Report>) {
        while let Some(Report { worker, event }) = reports.recv().await {
            self.take(worker, event);
        }
    }

    fn take(&self, worker: usize, event: Event) {
        let store = self.shared.store.as_ref();
        match event {
            Event::Lookup(lookup) => match store {
                Some(store) => {
                    let id = lookup.id;
                    store.lookup(Asker { worker, id }, lookup.user);
                }
                None => self.shared.server.answer(worker, lookup.id, None),
            },
            Event::Allocated(allocated) => {
                log::allocated(&allocated);
                if let Some(store) = store {
                    store.allocated(allocated.user.clone());
                }
            }
            Event::Ended(ended) => {
                log::ended(&ended);
                if let Some(store) = store {
                    store.ended(ended.user.clone());
                }
            }
            Event::Refused(refused) => self.refused(&refused),
            Event::Denied(denied) => log::denied(&denied),
            Event::Moved { id, client } => {
                tracing::debug!(%id, client = %client.remote, "moved");
            }
            Event::Drained => self.drained.send_modify(|drained| *drained += 1),
            // Sockets are the worker's own business.
            _ => {}
        }
    }

    fn refused(&self, refused: &Refused) {
        self.shared.counts.refused(refused.cause);
        log::refused(refused);
    }
}
