//! One outgoing call: a task that drives it, and the handle to follow and end it.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rsipstack::dialog::authenticate::Credential;
use rsipstack::dialog::dialog::DialogStateReceiver;
use rsipstack::dialog::invitation::{InviteAsyncResult, InviteOption};
use rsipstack::dialog::invite_dialog::InviteDialog;
use rsipstack::sip::{Method, StatusCode, Uri};
use rsipstack::transaction::Transaction;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::agent::Place;
use super::digest::Ticket;
use super::request::{reason, reply};
use super::route::{Route, own_uri, uri_at};
use super::stack::Stack;
use super::{CallEvent, OfferId, Server, User};

/// How long a CANCEL or BYE may stay unanswered until the call counts as over. The library goes on
/// repeating it in the background, up to 32 s (RFC 3261 §17.1.2.2, Timer F).
pub(super) const GRACE: Duration = Duration::from_secs(1);

/// Answers that wait for the call's task. One offer at a time can be answered.
const ANSWERS: usize = 4;

/// An answer of ours to an offer: a description, or why there is none.
pub(super) type Answer = (OfferId, Result<String, String>);

/// A call that was started. Dropped, it is hung up.
pub struct OutgoingCall {
    events: mpsc::UnboundedReceiver<CallEvent>,
    answers: mpsc::Sender<Answer>,
    over: CancellationToken,
    hang_up: CancellationToken,
    _hang_up_on_drop: DropGuard,
}

impl OutgoingCall {
    /// The next step of the call; `None` after the final one. Cancel-safe.
    ///
    /// What waits unread is bounded: a step that repeats (more ringing) is not reported again, and
    /// new offers stop coming when nobody answers them.
    pub async fn next(&mut self) -> Option<CallEvent> {
        self.events.recv().await
    }

    /// Answers an offer with our description, or refuses it with 488 and the reason why. An answer
    /// that comes too late is dropped.
    pub fn answer(&self, offer: OfferId, answer: Result<String, String>) {
        // Answers that nobody reads any more are none.
        let _ = self.answers.try_send((offer, answer));
    }

    /// Hangs up: CANCEL before the phone was picked up, BYE after. A phone that is picked up at
    /// that very moment is told BYE.
    ///
    /// Returns when the phone side has confirmed it, after about a second at most. Then the final
    /// event waits in [`next`](Self::next). A call that is over already is no error.
    pub async fn hang_up(&self) {
        self.hang_up.cancel();
        self.over.cancelled().await;
    }
}

impl fmt::Debug for OutgoingCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let over = self.over.is_cancelled();
        f.debug_struct("OutgoingCall")
            .field("over", &over)
            .finish_non_exhaustive()
    }
}

/// What a call is about.
pub(super) struct Plan {
    pub(super) server: Server,
    pub(super) user: User,
    pub(super) caller: User,
    /// Present when there is a password for the SIP server.
    pub(super) ticket: Option<Ticket>,
    pub(super) offer: String,
    pub(super) ring_timeout: Duration,
    pub(super) response_timeout: Duration,
}

/// Starts the task of a call.
pub(super) fn start(
    stack: Arc<Stack>,
    plan: Plan,
    place: Place,
    requests: mpsc::Receiver<Transaction>,
    hang_up: CancellationToken,
) -> OutgoingCall {
    let (events, received) = mpsc::unbounded_channel();
    let (answers, answered) = mpsc::channel(ANSWERS);
    let over = CancellationToken::new();
    let driver = Driver {
        stack,
        plan,
        requests,
        waiting: VecDeque::new(),
        answers: answered,
        events,
        hang_up: hang_up.clone(),
    };
    tokio::spawn({
        let over = over.clone().drop_guard();
        async move {
            driver.run(&place).await;
            // First out of the list of calls, then over.
            drop(place);
            drop(over);
        }
    });
    let _hang_up_on_drop = hang_up.clone().drop_guard();
    OutgoingCall {
        events: received,
        answers,
        over,
        hang_up,
        _hang_up_on_drop,
    }
}

/// The task of a call: `ring` leads from the INVITE to its final response, `talk` to the end.
pub(super) struct Driver {
    pub(super) stack: Arc<Stack>,
    pub(super) plan: Plan,
    pub(super) requests: mpsc::Receiver<Transaction>,
    /// Requests that overtook the news of the answer.
    pub(super) waiting: VecDeque<Transaction>,
    pub(super) answers: mpsc::Receiver<Answer>,
    events: mpsc::UnboundedSender<CallEvent>,
    pub(super) hang_up: CancellationToken,
}

/// An INVITE on its way.
pub(super) struct Invitation {
    pub(super) dialog: InviteDialog,
    pub(super) states: DialogStateReceiver,
    pub(super) task: JoinHandle<InviteAsyncResult>,
    pub(super) route: Route,
    pub(super) contact: Uri,
}

/// What became of an INVITE.
pub(super) enum Outcome {
    Answered { sdp: String },
    Not(CallEvent),
}

impl Driver {
    async fn run(mut self, place: &Place) {
        self.emit(CallEvent::Trying);
        let found = tokio::select! {
            biased;
            () = self.hang_up.cancelled() => return self.emit(CallEvent::Cancelled),
            found = Route::find(&self.stack, &self.plan.server) => found,
        };
        let invited = found
            .map_err(|error| error.to_string())
            .and_then(|route| self.invite(route, place.call_id()));
        let mut invitation = match invited {
            Ok(invitation) => invitation,
            Err(reason) => return self.emit(CallEvent::Failed { reason }),
        };
        let dialog = invitation.dialog.clone();
        let last = match self.ring(&mut invitation).await {
            Outcome::Answered { sdp } => {
                self.emit(CallEvent::Answered { sdp });
                self.talk(invitation).await
            }
            Outcome::Not(event) => event,
        };
        self.stack.dialogs.remove_dialog(&dialog.id());
        for transaction in self.waiting.drain(..) {
            reply(transaction, StatusCode::CallTransactionDoesNotExist, vec![]);
        }
        self.emit(last);
    }

    /// The caller may have dropped the call: nobody needs the event then.
    pub(super) fn emit(&self, event: CallEvent) {
        tracing::debug!(server = %self.plan.server, ?event, "call");
        let _ = self.events.send(event);
    }

    fn invite(&self, route: Route, call_id: &str) -> Result<Invitation, String> {
        let plan = &self.plan;
        let contact = own_uri(route.local, &plan.caller, plan.server.transport());
        let mut caller = contact.clone();
        caller.host_with_port.port = None;
        caller.params.clear();
        let options = InviteOption {
            caller,
            callee: uri_at(&plan.server, &plan.user),
            destination: Some(route.destination.clone()),
            offer: Some(plan.offer.clone().into_bytes()),
            contact: contact.clone(),
            call_id: Some(call_id.to_owned()),
            credential: plan.ticket.as_ref().map(|_| repeat_when_challenged()),
            ..Default::default()
        };
        let (sender, states) = self.stack.dialogs.new_dialog_state_channel();
        let (dialog, task) = self
            .stack
            .dialogs
            .do_invite_async(options, sender)
            .map_err(|error| format!("the call could not be put into SIP: {error}"))?;
        Ok(Invitation {
            dialog,
            states,
            task,
            route,
            contact,
        })
    }

    /// Sends BYE and waits a little for its answer; meanwhile the phone may hang up too.
    ///
    /// `why` is told to the phone, unless somebody just hung up.
    pub(super) async fn bye(&mut self, dialog: &InviteDialog, why: Option<&str>) {
        let headers = why.map(|text| vec![reason(text)]);
        let mut bye = tokio::spawn({
            let (dialog, stack) = (dialog.clone(), self.stack.clone());
            async move {
                if let Err(error) = dialog.bye_with_headers(headers).await {
                    tracing::debug!(%error, "BYE");
                }
                drop(stack); // The endpoint lives until its last BYE was answered.
            }
        });
        let patience = sleep(GRACE);
        tokio::pin!(patience);
        loop {
            tokio::select! {
                _ = &mut bye => return,
                () = &mut patience => return,
                Some(transaction) = self.requests.recv() => {
                    let status = match transaction.original.method {
                        Method::Bye => StatusCode::OK,
                        _ => StatusCode::CallTransactionDoesNotExist,
                    };
                    reply(transaction, status, vec![]);
                }
            }
        }
    }
}

/// The library repeats a challenged request when it has a password. This is none: the credentials
/// are written by `digest`.
fn repeat_when_challenged() -> Credential {
    Credential {
        username: "-".to_owned(),
        ..Credential::default()
    }
}
