//! The user agent that places calls.

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rsipstack::sip::HeadersExt;
use rsipstack::transaction::{Transaction, TransactionReceiver};
use tokio::sync::{Notify, mpsc};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::digest::{Credentials, Keeper};
use super::outgoing::{self, OutgoingCall, Plan};
use super::request::answer_stray;
use super::stack::{Stack, StartError};
use super::{Server, User};

/// How a [`UserAgent`] presents itself and how patient it is.
#[derive(Debug, Clone)]
pub struct UserAgentConfig {
    /// The address to listen at, for UDP and TCP alike. Port 0: any free one.
    pub local: SocketAddr,
    /// The name under which it calls.
    pub caller: User,
    /// How long a phone may ring.
    pub ring_timeout: Duration,
    /// How long the SIP server may be silent after the INVITE; at most 30 s count, when the SIP
    /// transaction itself gives up (RFC 3261 §17.1.1.2, Timer B).
    pub response_timeout: Duration,
    /// The certificates, in PEM, that SIP servers over TLS are checked against. Without them no
    /// call over TLS succeeds.
    pub tls_roots: Option<Vec<u8>>,
    /// What the SIP server is answered when it asks who calls.
    pub credentials: Option<Credentials>,
}

impl UserAgentConfig {
    /// The defaults: 60 s of ringing, 10 s for the server's first response.
    #[must_use]
    pub fn new(local: SocketAddr, caller: User) -> Self {
        Self {
            local,
            caller,
            ring_timeout: Duration::from_secs(60),
            response_timeout: Duration::from_secs(10),
            tls_roots: None,
            credentials: None,
        }
    }
}

/// Why a call was not even started.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InviteError {
    /// The user agent is going down.
    #[error("the SIP user agent is shutting down")]
    ShuttingDown,
    /// The system gives no randomness for the call's identity.
    #[error("the system gives no randomness")]
    NoRandomness,
}

/// How long [`UserAgent::shutdown`] waits for calls to end.
const SHUTDOWN: Duration = Duration::from_millis(1800);

/// Places calls over SIP. Clones are the same agent; when the last is dropped, its calls end.
#[derive(Clone)]
pub struct UserAgent {
    inner: Arc<Inner>,
}

struct Inner {
    stack: Arc<Stack>,
    calls: Arc<Calls>,
    keeper: Option<Keeper>,
    config: UserAgentConfig,
    hang_up_all: CancellationToken,
}

impl UserAgent {
    /// Binds and starts.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn start(config: UserAgentConfig) -> Result<Self, StartError> {
        let keeper = config.credentials.clone().map(Keeper::new);
        let (stack, incoming) =
            Stack::start(config.local, config.tls_roots.clone(), keeper.clone()).await?;
        let calls = Arc::new(Calls::default());
        tokio::spawn(dispatch(incoming, calls.clone()));
        let hang_up_all = CancellationToken::new();
        Ok(Self {
            inner: Arc::new(Inner {
                stack: Arc::new(stack),
                calls,
                keeper,
                config,
                hang_up_all,
            }),
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.inner.stack.local()
    }

    /// Starts a call with an offer. All that can go wrong on the way arrives as an event.
    ///
    /// # Errors
    /// See [`InviteError`].
    pub async fn invite(
        &self,
        server: &Server,
        user: &User,
        offer_sdp: String,
    ) -> Result<OutgoingCall, InviteError> {
        let inner = &self.inner;
        if inner.hang_up_all.is_cancelled() {
            return Err(InviteError::ShuttingDown);
        }
        let (inbox, requests) = mpsc::channel(INBOX);
        let place = inner.calls.clone().enter(inbox)?;
        let plan = Plan {
            server: server.clone(),
            user: user.clone(),
            caller: inner.config.caller.clone(),
            ticket: inner.keeper.as_ref().map(|k| k.enter(place.call_id())),
            offer: offer_sdp,
            ring_timeout: inner.config.ring_timeout,
            response_timeout: inner.config.response_timeout,
        };
        let hang_up = inner.hang_up_all.child_token();
        Ok(outgoing::start(
            inner.stack.clone(),
            plan,
            place,
            requests,
            hang_up,
        ))
    }

    /// Hangs up every call and waits until that is done, at most two seconds. Later invitations
    /// are refused.
    pub async fn shutdown(&self) {
        self.inner.hang_up_all.cancel();
        if timeout(SHUTDOWN, self.inner.calls.none_left())
            .await
            .is_err()
        {
            tracing::warn!("some calls did not end in time");
        }
    }

    /// The calls and the library's dialogs that are alive, for tests of leaks.
    #[doc(hidden)]
    #[must_use]
    pub fn alive(&self) -> (usize, usize) {
        (self.inner.calls.len(), self.inner.stack.dialogs.len())
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.hang_up_all.cancel();
    }
}

impl fmt::Debug for UserAgent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserAgent")
            .field("local", &self.local_addr())
            .finish_non_exhaustive()
    }
}

/// Requests of one call that wait for its task; more are dropped, and repeated by the peer.
const INBOX: usize = 16;

/// The inboxes of the calls by Call-ID.
#[derive(Default)]
pub(super) struct Calls {
    inboxes: Mutex<HashMap<String, mpsc::Sender<Transaction>>>,
    left: Notify,
}

impl Calls {
    fn with<T>(&self, f: impl FnOnce(&mut HashMap<String, mpsc::Sender<Transaction>>) -> T) -> T {
        f(&mut self.inboxes.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn enter(self: Arc<Self>, inbox: mpsc::Sender<Transaction>) -> Result<Place, InviteError> {
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|_| InviteError::NoRandomness)?;
        let call_id = format!("{:032x}", u128::from_be_bytes(random));
        self.with(|inboxes| inboxes.insert(call_id.clone(), inbox));
        Ok(Place {
            calls: self,
            call_id,
        })
    }

    fn len(&self) -> usize {
        self.with(|inboxes| inboxes.len())
    }

    async fn none_left(&self) {
        loop {
            let left = self.left.notified();
            if self.len() == 0 {
                return;
            }
            left.await;
        }
    }

    /// Gives a request to its call, or back if it has none.
    fn deliver(&self, transaction: Transaction) -> Option<Transaction> {
        let call_id = match transaction.original.call_id_header() {
            Ok(header) => header.value().trim().to_owned(),
            Err(_) => return Some(transaction),
        };
        match self.with(|inboxes| inboxes.get(&call_id).cloned()) {
            Some(inbox) => match inbox.try_send(transaction) {
                Ok(()) | Err(mpsc::error::TrySendError::Full(_)) => None,
                Err(mpsc::error::TrySendError::Closed(transaction)) => Some(transaction),
            },
            None => Some(transaction),
        }
    }
}

/// A call's entry; it leaves when dropped.
pub(super) struct Place {
    calls: Arc<Calls>,
    call_id: String,
}

impl Place {
    pub(super) fn call_id(&self) -> &str {
        &self.call_id
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.calls.with(|inboxes| inboxes.remove(&self.call_id));
        self.calls.left.notify_waiters();
    }
}

async fn dispatch(mut incoming: TransactionReceiver, calls: Arc<Calls>) {
    while let Some(transaction) = incoming.recv().await {
        if let Some(stray) = calls.deliver(transaction) {
            answer_stray(stray);
        }
    }
}
