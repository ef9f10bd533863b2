//! One call to the echo phone.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rsipstack::dialog::dialog::{DialogState, DialogStateReceiver};
use rsipstack::dialog::invite_dialog::InviteDialog;
use rsipstack::sip::{Header, StatusCode};
use rsipstack::transaction::Transaction;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::super::request::{reply, warning};
use super::super::route::own_uri;
use super::super::stack::Stack;
use super::super::{Transport, User};
use super::media::{Echo, Port};
use super::sdp::{self, Unanswerable};
use super::{EchoConfig, Extension};

/// How long the caller's ACK may take (RFC 3261 §13.3.1.4, 64*T1).
const ACK_TIMEOUT: Duration = Duration::from_secs(32);

pub(super) struct Call {
    pub(super) stack: Arc<Stack>,
    pub(super) config: EchoConfig,
    pub(super) stop: CancellationToken,
    pub(super) extension: Extension,
}

impl Call {
    pub(super) async fn run(self, transaction: Transaction) {
        let local = self.stack.local_towards(&transaction);
        let port = match Port::bind(local.ip()).await {
            Ok(port) => port,
            Err(error) => {
                tracing::warn!(%error, "no RTP port for the echo phone");
                return reply(transaction, StatusCode::ServiceUnavailable, vec![]);
            }
        };
        let offer = String::from_utf8_lossy(&transaction.original.body);
        let answer = match sdp::answer(&offer, port.local()) {
            Ok(answer) => answer,
            Err(problem) => {
                let status = match problem {
                    Unanswerable::Malformed(_) => StatusCode::BadRequest,
                    Unanswerable::Refused(_) => StatusCode::NotAcceptableHere,
                };
                return reply(transaction, status, vec![warning(&problem.to_string())]);
            }
        };
        if let Some((dialog, states)) = self.open(local, transaction) {
            let echo = port.echo(answer.caller, answer.payload_types);
            self.hold(&dialog, states, answer.text, echo).await;
            self.stack.dialogs.remove_dialog(&dialog.id());
        }
    }

    /// Makes the dialog and starts the task that runs its INVITE transaction.
    fn open(
        &self,
        local: SocketAddr,
        mut transaction: Transaction,
    ) -> Option<(InviteDialog, DialogStateReceiver)> {
        let (sender, states) = self.stack.dialogs.new_dialog_state_channel();
        let over_tcp = transaction
            .connection
            .as_ref()
            .is_some_and(|c| c.is_reliable());
        let transport = if over_tcp {
            Transport::Tcp
        } else {
            Transport::Udp
        };
        let contact = User::try_from("echo")
            .ok()
            .map(|user| own_uri(local, &user, transport));
        let made =
            self.stack
                .dialogs
                .get_or_create_server_invite(&transaction, sender, None, contact);
        match made {
            Ok(dialog) => {
                let mut handler = dialog.clone();
                tokio::spawn(async move {
                    if let Err(error) = handler.handle(&mut transaction).await {
                        tracing::debug!(%error, "the INVITE of a call to the echo phone");
                    }
                });
                Some((dialog, states))
            }
            Err(error) => {
                tracing::debug!(%error, "an INVITE that opens no dialog");
                reply(transaction, StatusCode::BadRequest, vec![]);
                None
            }
        }
    }

    async fn hold(
        &self,
        dialog: &InviteDialog,
        mut states: DialogStateReceiver,
        answer: String,
        echo: Echo,
    ) {
        if let Err(error) = dialog.ringing(None, None) {
            tracing::debug!(%error, "180");
        }
        let ring_for = match self.extension {
            Extension::Echo | Extension::Brief => self.config.ring_for,
            Extension::Ring => Duration::MAX,
        };
        tokio::select! {
            () = ended(&mut states) => return,
            () = sleep(ring_for) => {}
            () = self.stop.cancelled() => {
                let _ = dialog.reject(Some(StatusCode::TemporarilyUnavailable), None);
                return;
            }
        }
        let headers = vec![Header::ContentType("application/sdp".into())];
        if let Err(error) = dialog.accept(Some(headers), Some(answer.into_bytes())) {
            return tracing::debug!(%error, "200");
        }
        // The library repeats the 200 until the ACK, and ends the dialog without one.
        if timeout(ACK_TIMEOUT, confirmed(&mut states)).await != Ok(true) {
            return;
        }
        let brief_for = match self.extension {
            Extension::Brief => self.config.brief_for,
            Extension::Echo | Extension::Ring => Duration::MAX,
        };
        tokio::select! {
            () = ended(&mut states) => return,
            () = echo.run(self.config.media_timeout) => {}
            () = sleep(brief_for) => {}
            () = self.stop.cancelled() => {}
        }
        if let Err(error) = dialog.bye().await {
            tracing::debug!(%error, "BYE");
        }
    }
}

/// Resolves when the dialog is over.
async fn ended(states: &mut DialogStateReceiver) {
    while let Some(state) = states.recv().await {
        if state.is_terminated() {
            return;
        }
    }
}

/// Resolves with `true` at the caller's ACK, with `false` when the dialog ends before.
async fn confirmed(states: &mut DialogStateReceiver) -> bool {
    while let Some(state) = states.recv().await {
        match state {
            DialogState::Confirmed(..) => return true,
            DialogState::Terminated(..) => return false,
            _ => {}
        }
    }
    false
}
