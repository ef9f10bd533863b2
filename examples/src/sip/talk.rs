//! From the answer to the end of a call.

use std::collections::VecDeque;

use rsipstack::dialog::DialogId;
use rsipstack::dialog::invite_dialog::InviteDialog;
use rsipstack::sip::{HeadersExt, Method, StatusCode};
use rsipstack::transaction::Transaction;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::negotiation::{Negotiation, Step};
use super::outgoing::{Driver, GRACE, Invitation};
use super::request::{answer_within, reply, unsupported};
use super::{CallEvent, Side};

impl Driver {
    /// From the answer to the end.
    pub(super) async fn talk(&mut self, invitation: Invitation) -> CallEvent {
        let Invitation {
            dialog, contact, ..
        } = invitation;
        let mut negotiation = Negotiation::new(dialog.clone(), contact);
        let last = self.converse(&dialog, &mut negotiation).await;
        negotiation.close();
        last
    }

    async fn converse(
        &mut self,
        dialog: &InviteDialog,
        negotiation: &mut Negotiation,
    ) -> CallEvent {
        let mut order = Order::default();
        loop {
            let transaction = tokio::select! {
                biased;
                () = self.hang_up.cancelled() => {
                    self.bye(dialog, None).await;
                    return CallEvent::Ended { by: Side::Us, reason: "hung up".to_owned() };
                }
                Some((id, answer)) = self.answers.recv() => {
                    negotiation.answer(id, answer);
                    continue;
                }
                step = negotiation.next() => match step {
                    Step::Event(event) => {
                        self.emit(event);
                        continue;
                    }
                    Step::NeverAcknowledged => {
                        let reason = "the phone never acknowledged its new offer".to_owned();
                        self.bye(dialog, Some(&reason)).await;
                        return CallEvent::Ended { by: Side::Us, reason };
                    }
                },
                Some(transaction) = next(&mut self.waiting, &mut self.requests) => transaction,
            };
            if !belongs(dialog, &transaction) {
                reply(transaction, StatusCode::CallTransactionDoesNotExist, vec![]);
                continue;
            }
            if !order.admits(&transaction) {
                reply(transaction, StatusCode::ServerInternalError, vec![]);
                continue;
            }
            if let Some(unsupported) = unsupported(&transaction) {
                reply(transaction, StatusCode::BadExtension, vec![unsupported]);
                continue;
            }
            match transaction.original.method {
                Method::Bye => {
                    accept_bye(dialog, transaction).await;
                    return by_phone();
                }
                Method::Invite | Method::Update => {
                    if let Some(event) = negotiation.take(transaction) {
                        self.emit(event);
                    }
                }
                _ => answer_within(transaction),
            }
        }
    }
}

/// The next request; what waits comes first. Cancel-safe.
async fn next(
    waiting: &mut VecDeque<Transaction>,
    requests: &mut mpsc::Receiver<Transaction>,
) -> Option<Transaction> {
    match waiting.pop_front() {
        Some(transaction) => Some(transaction),
        None => requests.recv().await,
    }
}

/// The number of the newest request of a dialog.
#[derive(Default)]
struct Order {
    newest: u32,
}

impl Order {
    /// Whether a request comes in its order (RFC 3261 §12.2.2).
    fn admits(&mut self, transaction: &Transaction) -> bool {
        let number = transaction.original.cseq_header().and_then(|c| c.seq());
        let number = number.unwrap_or(0);
        let admitted = number >= self.newest;
        self.newest = self.newest.max(number);
        admitted
    }
}

fn by_phone() -> CallEvent {
    CallEvent::Ended {
        by: Side::Phone,
        reason: "the phone hung up".to_owned(),
    }
}

fn belongs(dialog: &InviteDialog, transaction: &Transaction) -> bool {
    DialogId::try_from(transaction).is_ok_and(|id| id == dialog.id())
}

/// Answers the dialog's BYE.
async fn accept_bye(dialog: &InviteDialog, mut transaction: Transaction) {
    match timeout(GRACE, dialog.clone().handle(&mut transaction)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "the answer to a BYE"),
        Err(_) => tracing::debug!("the phone does not read its connection"),
    }
}
