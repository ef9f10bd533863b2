//! Media: worker threads that own sockets and calls.
//!
//! [`Pool::start`] binds each worker's shared browser port, one per address, and starts the
//! threads. A call is placed on the worker with the fewest ([`Pool::place`]) and lives there
//! until it is removed. Phone legs have ports of their own ([`Pool::open_phone`]).
//!
//! | file | subject |
//! | --- | --- |
//! | `worker` | the loop |
//! | `hub` | the calls of a worker |
//! | `routes` | which call a datagram belongs to |
//! | `ports`, `sockets`, `batch` | sockets: owned, bound, read |
//! | `timers` | when which call wants to be woken |
//! | `totals` | what passed a worker since it started |

mod batch;
mod hub;
mod pool;
mod ports;
mod routes;
mod sockets;
mod timers;
mod totals;
mod worker;

use std::fmt;

use ice_agent::{Candidate, RestartError};
use tokio::sync::{mpsc, oneshot};

use crate::bridge::{self, Bridge, PhoneMedia, Stats};
use crate::session::{LocalIce, RemoteIce};
pub(crate) use batch::Batch;
pub use pool::{GATHER, MediaConfig, MediaError, Placed, Pool, Seat};
pub use sockets::{NoPort, PortPair, local_ip_towards};
pub use totals::{Totals, Work};

/// A call, as media names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CallKey(u64);

impl fmt::Display for CallKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A call on its way to a worker.
struct NewCall {
    key: CallKey,
    ufrag: String,
    bridge: Bridge,
    phone: PortPair,
    events: mpsc::Sender<bridge::Event>,
}

/// What a worker is asked to do.
enum Command {
    Add(Box<NewCall>),
    Phone {
        key: CallKey,
        media: PhoneMedia,
        known: oneshot::Sender<()>,
    },
    Candidates {
        key: CallKey,
        candidates: Vec<Candidate>,
        end: bool,
    },
    Stats {
        key: CallKey,
        stats: oneshot::Sender<Option<Stats>>,
    },
    Totals(oneshot::Sender<Totals>),
    Restart {
        key: CallKey,
        remote: RemoteIce,
        local: oneshot::Sender<Result<LocalIce, RestartError>>,
    },
    Remove {
        key: CallKey,
        stats: oneshot::Sender<Stats>,
    },
}
