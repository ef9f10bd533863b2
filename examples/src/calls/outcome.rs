//! How a call's last event is counted.

use super::{CallEvent, EndedBy};
use crate::metrics::Outcome;

impl Outcome {
    /// The outcome that a call's last event tells. What is not final tells no better.
    pub(super) fn of(last: &CallEvent) -> Self {
        match last {
            CallEvent::Ended { by, .. } => match by {
                EndedBy::Browser => Self::Browser,
                EndedBy::Phone => Self::Phone,
                EndedBy::Gateway => Self::Gateway,
            },
            _ => Self::Failed,
        }
    }
}
