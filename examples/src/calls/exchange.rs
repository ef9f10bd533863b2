//! The task that owns all calls. Each call runs in a task of its own; this one knows where.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use super::call::{self, Request};
use super::{CallError, CallId, Command, Owner, Resources};
use crate::metrics::Outcome;

/// How long calls may take to say goodbye when the gateway goes down.
const GOODBYE: Duration = Duration::from_millis(1300);

/// Ended calls that are remembered at once. Of more, nobody can ask how they ended.
const REMEMBERED: usize = 1000;

/// Requests that may wait for one call.
const REQUESTS: usize = 16;

/// A call, as the exchange knows it.
struct Entry {
    owner: Owner,
    requests: mpsc::Sender<Request>,
}

struct Exchange {
    resources: Arc<Resources>,
    /// One permit for each call that may run.
    room: Arc<Semaphore>,
    /// The same for each token that has called: as many entries as there are tokens, at most.
    room_of: HashMap<Owner, Arc<Semaphore>>,
    entries: HashMap<CallId, Entry>,
    tasks: JoinSet<CallId>,
    /// One permit for each ended call that may be remembered.
    memory: Arc<Semaphore>,
    stop: CancellationToken,
}

/// Carries out commands until `stop`, then ends every call.
pub async fn run(
    resources: Arc<Resources>,
    mut commands: mpsc::Receiver<Command>,
    stop: CancellationToken,
) {
    let mut exchange = Exchange {
        room: room_for(resources.max_calls),
        room_of: HashMap::new(),
        memory: Arc::new(Semaphore::new(REMEMBERED)),
        resources,
        entries: HashMap::new(),
        tasks: JoinSet::new(),
        stop,
    };
    loop {
        tokio::select! {
            () = exchange.stop.cancelled() => break,
            Some(ended) = exchange.tasks.join_next() => exchange.forget(ended),
            command = commands.recv() => match command {
                Some(command) => exchange.on_command(command),
                None => break,
            },
        }
    }
    exchange.stop.cancel();
    let all_ended = async { while exchange.tasks.join_next().await.is_some() {} };
    if tokio::time::timeout(GOODBYE, all_ended).await.is_err() {
        tracing::warn!("some calls did not end in time");
    }
}

/// Leave for one call to run, held by it.
pub(super) struct Permit {
    _of_all: OwnedSemaphorePermit,
    _of_token: Option<OwnedSemaphorePermit>,
}

fn room_for(calls: usize) -> Arc<Semaphore> {
    Arc::new(Semaphore::new(calls.min(Semaphore::MAX_PERMITS)))
}

impl Exchange {
    fn forget(&mut self, ended: Result<CallId, JoinError>) {
        match ended {
            Ok(id) => drop(self.entries.remove(&id)),
            Err(error) => {
                tracing::error!(%error, "the task of a call");
                self.entries.retain(|_, entry| !entry.requests.is_closed());
            }
        }
    }

    fn on_command(&mut self, command: Command) {
        match command {
            Command::Create(new, reply) => match self.admit(&new.owner) {
                Ok((id, permit)) => {
                    let (requests, receiver) = mpsc::channel(REQUESTS);
                    self.entries.insert(
                        id,
                        Entry {
                            owner: new.owner.clone(),
                            requests,
                        },
                    );
                    let resources = self.resources.clone();
                    let begin = call::Begin {
                        id,
                        new,
                        reply,
                        permit,
                        memory: self.memory.clone(),
                        requests: receiver,
                    };
                    self.tasks
                        .spawn(call::run(resources, begin, self.stop.clone()));
                }
                Err(error) => {
                    self.resources.metrics.call_over(Outcome::Refused);
                    let _ = reply.send(Err(error));
                }
            },
            Command::Trickle {
                id,
                owner,
                if_match,
                fragment,
                reply,
            } => match self.find(id, &owner) {
                Some(call) => forward(
                    call,
                    Request::Trickle {
                        if_match,
                        fragment,
                        reply,
                    },
                ),
                None => drop(reply.send(Err(CallError::Unknown))),
            },
            Command::HangUp(id, owner, reply) => match self.find(id, &owner) {
                Some(call) => forward(call, Request::HangUp(reply)),
                None => drop(reply.send(Err(CallError::Unknown))),
            },
            Command::Stats(id, owner, reply) => match self.find(id, &owner) {
                Some(call) => forward(call, Request::Stats(reply)),
                None => drop(reply.send(Err(CallError::Unknown))),
            },
            Command::Follow(id, owner, reply) => match self.find(id, &owner) {
                Some(call) => forward(call, Request::Follow(reply)),
                None => drop(reply.send(Err(CallError::Unknown))),
            },
        }
    }

    fn admit(&mut self, owner: &Owner) -> Result<(CallId, Permit), CallError> {
        let Resources {
            max_calls,
            max_calls_per_token,
            ..
        } = *self.resources;
        let of_token = match owner {
            // What all anonymous callers may have together is no less than everything.
            Owner::Anonymous => None,
            Owner::Token(_) => {
                let room = self.room_of.entry(owner.clone());
                let room = room.or_insert_with(|| room_for(max_calls_per_token));
                let full = |_| CallError::TooManyForToken {
                    limit: max_calls_per_token,
                };
                Some(room.clone().try_acquire_owned().map_err(full)?)
            }
        };
        let full = |_| CallError::TooManyCalls { limit: max_calls };
        let permit = Permit {
            _of_all: self.room.clone().try_acquire_owned().map_err(full)?,
            _of_token: of_token,
        };
        let id = CallId::random().map_err(|error| CallError::Exhausted {
            what: error.to_string(),
        })?;
        Ok((id, permit))
    }

    /// A call is unknown to everybody but its owner.
    fn find(&self, id: CallId, owner: &Owner) -> Option<&mpsc::Sender<Request>> {
        let entry = self.entries.get(&id)?;
        (entry.owner == *owner).then_some(&entry.requests)
    }
}

/// A request that finds no room, or no call, is refused.
fn forward(call: &mpsc::Sender<Request>, request: Request) {
    match call.try_send(request) {
        Ok(()) => {}
        Err(TrySendError::Closed(request)) => request.refuse(CallError::Unknown),
        Err(TrySendError::Full(request)) => request.refuse(CallError::Exhausted {
            what: "too many requests for one call wait".into(),
        }),
    }
}
