//! What the server's workers tell: who logs in, which is answered out of the grants, and what comes and
//! goes, which is logged. No password is.

use std::sync::{Arc, Weak};

use tokio::sync::mpsc;
use turn_relay::server::{Event, Lookup, Secret};

use super::grants::shown;
use super::{Embedded, now};
use crate::turn::Report;

/// Reports that may wait. A login that is not answered in time is asked for again by its client.
pub(super) const REPORTS: usize = 4096;

/// Takes what the workers tell until the server ends.
pub(super) async fn answer(server: Weak<Embedded>, mut reports: mpsc::Receiver<Report>) {
    while let Some(report) = reports.recv().await {
        let Some(server) = server.upgrade() else {
            return;
        };
        match report.event {
            Event::Lookup(lookup) => server.look_up(report.worker, &lookup),
            event => log(&event),
        }
    }
}

impl Embedded {
    fn look_up(self: &Arc<Self>, worker: usize, lookup: &Lookup) {
        // Under the lock: whoever ends this login now does it behind the answer.
        let grants = self.grants();
        let password = grants.password(now(), &lookup.user);
        let secret = password.and_then(|password| Secret::password(password.reveal()).ok());
        self.server.answer(worker, lookup.id, secret);
    }
}

fn log(event: &Event) {
    match event {
        Event::Allocated(new) => tracing::info!(
            allocation = %new.id,
            grant = shown(&new.user),
            client = %new.client.remote,
            transport = %new.client.transport,
            relayed = %new.relayed,
            "TURN allocation made"
        ),
        Event::Ended(old) => tracing::info!(
            allocation = %old.id,
            grant = shown(&old.user),
            cause = %old.cause,
            lasted = ?old.lasted,
            traffic = ?old.traffic,
            "TURN allocation over"
        ),
        Event::Refused(refused) => tracing::warn!(
            client = %refused.client.remote,
            transport = %refused.client.transport,
            cause = %refused.cause,
            "TURN login refused"
        ),
        other => tracing::debug!(event = ?other, "TURN"),
    }
}
