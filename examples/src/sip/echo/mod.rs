//! The echo phone: a real SIP phone inside the program, to hear oneself without any other.
//!
//! | dial    | what happens |
//! |---------|--------------|
//! | `echo`  | rings, is picked up, sends back what it hears |
//! | `brief` | the same, but hangs up after a while |
//! | `ring`  | rings and is never picked up |
//! | `busy`  | is busy (486) |
//!
//! Every other name is unknown (404). It speaks PCMU, PCMA and telephone-event over RTP/AVP. A call
//! whose caller sends nothing for a while is ended.

mod call;
mod media;
mod sdp;

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rsipstack::dialog::dialog::Dialog;
use rsipstack::sip::{HeadersExt, Method, StatusCode};
use rsipstack::transaction::{Transaction, TransactionReceiver};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::request::{answer_stray, reply};
use super::stack::{Stack, StartError};
use super::{Server, Transport};

/// How an [`EchoPhone`] behaves.
#[derive(Debug, Clone)]
pub struct EchoConfig {
    /// The address it listens at. It is meant for loopback.
    pub bind: SocketAddr,
    /// How long it rings before it is picked up.
    pub ring_for: Duration,
    /// How long a call to `brief` lasts.
    pub brief_for: Duration,
    /// How long the caller may be silent until the phone hangs up.
    pub media_timeout: Duration,
    /// How many calls it takes at once; one more is told it is busy.
    pub max_calls: usize,
}

impl EchoConfig {
    /// The defaults: half a second of ringing, 3 s for `brief`, 30 s of silence, 64 calls.
    #[must_use]
    pub fn new(bind: SocketAddr) -> Self {
        Self {
            bind,
            ring_for: Duration::from_millis(500),
            brief_for: Duration::from_secs(3),
            media_timeout: Duration::from_secs(30),
            max_calls: 64,
        }
    }
}

/// A running echo phone. Dropped, it hangs up and stops.
pub struct EchoPhone {
    inner: Arc<Inner>,
}

struct Inner {
    stack: Arc<Stack>,
    config: EchoConfig,
    lines: Arc<Semaphore>,
    stop: CancellationToken,
}

impl EchoPhone {
    /// Starts a phone at a free port.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn start(bind: IpAddr) -> Result<Self, StartError> {
        Self::with(EchoConfig::new(SocketAddr::new(bind, 0))).await
    }

    /// Starts a phone that behaves as `config` says.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn with(config: EchoConfig) -> Result<Self, StartError> {
        let (stack, incoming) = Stack::start(config.bind, None, None).await?;
        let inner = Arc::new(Inner {
            stack: Arc::new(stack),
            lines: Arc::new(Semaphore::new(config.max_calls)),
            config,
            stop: CancellationToken::new(),
        });
        tokio::spawn(serve(incoming, Arc::downgrade(&inner)));
        Ok(Self { inner })
    }

    /// Where it listens, over UDP and TCP.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.inner.stack.local()
    }

    /// The phone as a server to call users at.
    #[must_use]
    pub fn server(&self, transport: Transport) -> Server {
        Server::at(self.addr(), transport)
    }

    /// How many calls are up or ringing.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.inner
            .config
            .max_calls
            .saturating_sub(self.inner.lines.available_permits())
    }

    /// The library's dialogs that are alive, for tests of leaks.
    #[doc(hidden)]
    #[must_use]
    pub fn dialogs(&self) -> usize {
        self.inner.stack.dialogs.len()
    }
}

impl Drop for EchoPhone {
    fn drop(&mut self) {
        self.inner.stop.cancel();
    }
}

impl fmt::Debug for EchoPhone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EchoPhone")
            .field("addr", &self.addr())
            .finish_non_exhaustive()
    }
}

async fn serve(mut incoming: TransactionReceiver, phone: std::sync::Weak<Inner>) {
    while let Some(transaction) = incoming.recv().await {
        let Some(phone) = phone.upgrade() else { return };
        phone.take(transaction);
    }
}

/// Who was dialled.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Extension {
    Echo,
    Brief,
    Ring,
}

impl Inner {
    fn take(self: Arc<Self>, transaction: Transaction) {
        match self.stack.dialogs.match_dialog(&transaction) {
            Some(dialog) => within(dialog, transaction),
            None if is_new_call(&transaction) => self.pick(transaction),
            None => answer_stray(transaction),
        }
    }

    fn pick(self: Arc<Self>, transaction: Transaction) {
        let extension = match transaction.original.uri.user() {
            Some("echo") => Extension::Echo,
            Some("brief") => Extension::Brief,
            Some("ring") => Extension::Ring,
            Some("busy") => return reply(transaction, StatusCode::BusyHere, vec![]),
            _ => return reply(transaction, StatusCode::NotFound, vec![]),
        };
        match self.lines.clone().try_acquire_owned() {
            Ok(line) => {
                let call = call::Call {
                    stack: self.stack.clone(),
                    config: self.config.clone(),
                    stop: self.stop.clone(),
                    extension,
                };
                tokio::spawn(async move {
                    call.run(transaction).await;
                    drop(line);
                });
            }
            Err(_) => reply(transaction, StatusCode::BusyHere, vec![]),
        }
    }
}

fn is_new_call(transaction: &Transaction) -> bool {
    transaction.original.method == Method::Invite
        && transaction
            .original
            .to_header()
            .and_then(|to| to.tag())
            .is_ok_and(|tag| tag.is_none())
}

/// A request within a call. Another description than the first is not for this phone.
fn within(mut dialog: Dialog, mut transaction: Transaction) {
    match transaction.original.method {
        Method::Bye => {
            tokio::spawn(async move {
                if let Err(error) = dialog.handle(&mut transaction).await {
                    tracing::debug!(%error, "the answer to a BYE");
                }
            });
        }
        Method::Invite | Method::Update => {
            reply(transaction, StatusCode::NotAcceptableHere, vec![]);
        }
        Method::Options | Method::Info => reply(transaction, StatusCode::OK, vec![]),
        Method::Ack => {}
        _ => reply(transaction, StatusCode::MethodNotAllowed, vec![]),
    }
}
