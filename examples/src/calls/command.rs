//! The handle to the calls, and the commands it sends.

use std::fmt;

use serde::Serialize;
use tokio::sync::{mpsc, oneshot};

use super::{CallError, CallEvent, CallId, ETag, Owner};
use crate::bridge::Stats;
use crate::turn::embedded::Grant;

/// A request for a call.
#[derive(Debug, Clone)]
pub struct NewCall {
    /// Who calls.
    pub owner: Owner,
    /// Who is to be called, as the browser gave it.
    pub to: String,
    /// The browser's SDP offer.
    pub offer: String,
    /// The name of the login of the embedded TURN server that the browser has.
    pub grant: Option<String>,
}

/// A call that has begun.
#[derive(Debug, Clone)]
pub struct Created {
    /// Its name.
    pub id: CallId,
    /// The entity tag of its ICE session.
    pub etag: ETag,
    /// The SDP answer.
    pub answer: String,
    /// The call's login of the embedded TURN server, if there is one.
    pub grant: Option<Grant>,
}

/// What became of a trickle fragment.
#[derive(Debug, Clone)]
pub enum Trickled {
    /// Its candidates were taken.
    Taken,
    /// ICE was restarted.
    Restarted {
        /// The entity tag of the new ICE session.
        etag: ETag,
        /// Our side of it, as a fragment.
        fragment: String,
    },
}

/// A STUN or TURN server, in the shape of the browsers' `RTCIceServer`.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct IceServer {
    /// `stun:` and `turn:` URLs.
    pub urls: Vec<String>,
    /// The user name for TURN.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The password for TURN.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
}

impl fmt::Debug for IceServer {
    /// Without the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IceServer")
            .field("urls", &self.urls)
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

type Reply<T> = oneshot::Sender<Result<T, CallError>>;

/// What the task that owns the calls is asked to do.
///
/// A call is [`CallError::Unknown`] to everybody but its [`Owner`]. When a reply finds no receiver
/// any more, the request was given up: a call that was just created for it must end.
#[derive(Debug)]
#[non_exhaustive]
pub enum Command {
    /// Begin a call.
    Create(NewCall, Reply<Created>),
    /// Apply a trickle fragment (RFC 8840) under `If-Match`: with the entity tag it brings
    /// candidates, with `*` new credentials, which restart ICE (RFC 9725 §4.3).
    Trickle {
        /// The call.
        id: CallId,
        /// Who asks.
        owner: Owner,
        /// The value of `If-Match`, with its quotes.
        if_match: String,
        /// The fragment.
        fragment: String,
        /// The answer.
        reply: Reply<Trickled>,
    },
    /// End a call because its browser asks.
    HangUp(CallId, Owner, Reply<()>),
    /// Follow a call: all its events so far, then each as it comes; closed after the last.
    Follow(CallId, Owner, Reply<mpsc::Receiver<CallEvent>>),
    /// Tell what has passed a call so far, or passed it if it is over.
    Stats(CallId, Owner, Reply<Stats>),
}

/// The handle to all calls. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Calls {
    commands: mpsc::Sender<Command>,
}

impl Calls {
    /// A handle, and the end where its commands arrive.
    #[must_use]
    pub fn channel() -> (Self, mpsc::Receiver<Command>) {
        let (commands, receiver) = mpsc::channel(64);
        (Self { commands }, receiver)
    }

    /// Begins a call: answers the offer at once and invites the phone.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn create(&self, call: NewCall) -> Result<Created, CallError> {
        self.ask(|reply| Command::Create(call, reply)).await
    }

    /// Adds the browser's late candidates, or restarts ICE with its new credentials.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn trickle(
        &self,
        id: CallId,
        owner: Owner,
        if_match: String,
        fragment: String,
    ) -> Result<Trickled, CallError> {
        self.ask(|reply| Command::Trickle {
            id,
            owner,
            if_match,
            fragment,
            reply,
        })
        .await
    }

    /// Ends a call. A call that is over but still remembered is no error.
    ///
    /// # Errors
    /// [`CallError::Unknown`] if the owner has none of that id.
    pub async fn hang_up(&self, id: CallId, owner: Owner) -> Result<(), CallError> {
        self.ask(|reply| Command::HangUp(id, owner, reply)).await
    }

    /// Follows a call: its past events, then each new one; the channel closes after the last.
    ///
    /// # Errors
    /// [`CallError::Unknown`] if the owner has none of that id.
    pub async fn follow(
        &self,
        id: CallId,
        owner: Owner,
    ) -> Result<mpsc::Receiver<CallEvent>, CallError> {
        self.ask(|reply| Command::Follow(id, owner, reply)).await
    }

    /// What has passed a call.
    ///
    /// # Errors
    /// [`CallError::Unknown`] if the owner has none of that id.
    pub async fn stats(&self, id: CallId, owner: Owner) -> Result<Stats, CallError> {
        self.ask(|reply| Command::Stats(id, owner, reply)).await
    }

    async fn ask<T>(&self, command: impl FnOnce(Reply<T>) -> Command) -> Result<T, CallError> {
        let (reply, answer) = oneshot::channel();
        if self.commands.send(command(reply)).await.is_err() {
            return Err(CallError::ShuttingDown);
        }
        // Whoever had the command is gone: its call is over and forgotten.
        answer.await.unwrap_or(Err(CallError::Unknown))
    }
}
