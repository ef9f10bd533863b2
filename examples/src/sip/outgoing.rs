//! One outgoing call: a task that drives it, and the handle to follow and end it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rsipstack::dialog::DialogId;
use rsipstack::dialog::dialog::{DialogState, DialogStateReceiver};
use rsipstack::dialog::invitation::{InviteAsyncResult, InviteOption};
use rsipstack::dialog::invite_dialog::InviteDialog;
use rsipstack::sip::{HeadersExt, Method, Response, StatusCode, StatusCodeKind, Uri};
use rsipstack::transaction::Transaction;
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinHandle};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::agent::Place;
use super::reason::reason_for;
use super::request::{Session, reply};
use super::route::{Route, own_uri, refused, uri_at};
use super::stack::Stack;
use super::{CallEvent, Server, Side, User};

/// How long a CANCEL or BYE may stay unanswered until the call counts as over. The library goes on
/// repeating it in the background, up to 32 s (RFC 3261 §17.1.2.2, Timer F).
const GRACE: Duration = Duration::from_secs(1);

/// The longest silence after an INVITE: just before the library's Timer B, whose made-up 408 would
/// look like the server's.
const LONGEST_SILENCE: Duration = Duration::from_secs(30);

/// A call that was started. Dropped, it is hung up.
pub struct OutgoingCall {
    events: mpsc::UnboundedReceiver<CallEvent>,
    over: CancellationToken,
    hang_up: CancellationToken,
    _hang_up_on_drop: DropGuard,
}

impl OutgoingCall {
    /// The next step of the call; `None` after the final one. Cancel-safe.
    ///
    /// At most five events wait unread: a step that repeats (more ringing) is not reported again.
    pub async fn next(&mut self) -> Option<CallEvent> {
        self.events.recv().await
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
    let over = CancellationToken::new();
    let driver = Driver {
        stack,
        plan,
        requests,
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
        over,
        hang_up,
        _hang_up_on_drop,
    }
}

struct Driver {
    stack: Arc<Stack>,
    plan: Plan,
    requests: mpsc::Receiver<Transaction>,
    events: mpsc::UnboundedSender<CallEvent>,
    hang_up: CancellationToken,
}

/// An INVITE on its way.
struct Invitation {
    dialog: InviteDialog,
    states: DialogStateReceiver,
    task: JoinHandle<InviteAsyncResult>,
    route: Route,
    contact: Uri,
    /// BYEs that overtook the news of the answer.
    early: Vec<Transaction>,
}

/// What became of an INVITE.
enum Outcome {
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
        let last = match self.ring(&mut invitation).await {
            Outcome::Answered { sdp } => {
                let ours = std::mem::take(&mut self.plan.offer);
                let session = Session::new(ours, &sdp, invitation.contact.clone());
                self.emit(CallEvent::Answered { sdp });
                self.talk(&invitation.dialog, &session, invitation.early)
                    .await
            }
            Outcome::Not(event) => event,
        };
        self.stack.dialogs.remove_dialog(&invitation.dialog.id());
        self.emit(last);
    }

    /// The caller may have dropped the call: nobody needs the event then.
    fn emit(&self, event: CallEvent) {
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
            early: vec![],
        })
    }

    /// From the INVITE to its final response.
    async fn ring(&mut self, invitation: &mut Invitation) -> Outcome {
        let ring_deadline = Instant::now() + self.plan.ring_timeout;
        let silence = self.plan.response_timeout.min(LONGEST_SILENCE);
        let silence_deadline = Instant::now() + silence;
        let datagrams_to = invitation.route.datagrams_to;
        let local = invitation.route.local.ip();
        let nobody_there = async move {
            match datagrams_to {
                Some(remote) => refused(local, remote).await,
                None => std::future::pending().await,
            }
        };
        tokio::pin!(nobody_there);
        let mut progress = Progress::default();
        loop {
            // Our own wishes first, so that a peer that talks without end cannot drown them.
            tokio::select! {
                biased;
                () = self.hang_up.cancelled() => {
                    return self.abandon(invitation, GRACE, CallEvent::Cancelled).await;
                }
                () = sleep_until(ring_deadline) => {
                    let seconds = self.plan.ring_timeout.as_secs_f32();
                    let reason = format!("the phone did not answer within {seconds} s");
                    return self.abandon(invitation, GRACE, CallEvent::Failed { reason }).await;
                }
                Some(state) = invitation.states.recv() => {
                    if let Some(event) = progress.hear(&state) {
                        self.emit(event);
                    }
                }
                result = &mut invitation.task => return self.judge(invitation, result).await,
                Some(transaction) = self.requests.recv() => {
                    match transaction.original.method {
                        Method::Bye => invitation.early.push(transaction),
                        _ => reply(transaction, StatusCode::RequestPending, vec![]),
                    }
                }
                () = sleep_until(silence_deadline), if !progress.heard => {
                    let (server, seconds) = (&self.plan.server, silence.as_secs_f32());
                    let reason = format!("the SIP server {server} did not respond within {seconds} s");
                    return self.abandon(invitation, Duration::ZERO, CallEvent::Failed { reason }).await;
                }
                () = &mut nobody_there, if !progress.heard => {
                    let server = &self.plan.server;
                    let reason = format!("no SIP server listens at {server}");
                    return self.abandon(invitation, Duration::ZERO, CallEvent::Failed { reason }).await;
                }
            }
        }
    }

    /// Ends an INVITE without a final response, and waits a little for one.
    ///
    /// Before any response a CANCEL may not be sent (RFC 3261 §9.1); the library keeps it until
    /// one comes. An answer that crosses the CANCEL is ended by a BYE (§15).
    async fn abandon(
        &mut self,
        invitation: &mut Invitation,
        grace: Duration,
        event: CallEvent,
    ) -> Outcome {
        let Invitation { dialog, task, .. } = invitation;
        let cancelled = async {
            if let Err(error) = dialog.cancel().await {
                tracing::debug!(%error, "CANCEL");
            }
            (&mut *task).await
        };
        if timeout(grace, cancelled).await.is_err() {
            task.abort();
        }
        if dialog.state().is_confirmed() {
            self.bye(&dialog.clone()).await;
        }
        Outcome::Not(event)
    }

    async fn judge(
        &mut self,
        invitation: &Invitation,
        result: Result<InviteAsyncResult, JoinError>,
    ) -> Outcome {
        let failed = |reason: String| Outcome::Not(CallEvent::Failed { reason });
        let server = &self.plan.server;
        let response = match result {
            Ok(Ok((_, Some(response)))) => response,
            Ok(Ok((_, None))) => return failed(format!("the SIP server {server} gave no answer")),
            Ok(Err(error)) => {
                tracing::warn!(%server, %error, "an answer could not be used");
                return failed(format!(
                    "the answer of the SIP server {server} could not be used"
                ));
            }
            Err(error) => {
                tracing::error!(%error, "the task of an INVITE");
                return failed("the call failed inside the gateway".to_owned());
            }
        };
        if response.status_code.kind() != StatusCodeKind::Successful {
            return match is_made_up(&response) {
                true => failed(format!(
                    "the connection to the SIP server {server} was lost"
                )),
                false => Outcome::Not(CallEvent::Refused {
                    status: response.status_code.code(),
                    reason: reason_for(&response),
                }),
            };
        }
        match body_text(&response) {
            Some(sdp) => Outcome::Answered { sdp },
            None => {
                self.bye(&invitation.dialog).await;
                failed("the phone answered without a session description".to_owned())
            }
        }
    }

    /// From the answer to the end.
    async fn talk(
        &mut self,
        dialog: &InviteDialog,
        session: &Session,
        early: Vec<Transaction>,
    ) -> CallEvent {
        let by_phone = || CallEvent::Ended {
            by: Side::Phone,
            reason: "the phone hung up".to_owned(),
        };
        let mut newest = 0;
        for transaction in early {
            if accept_bye(dialog, transaction).await {
                return by_phone();
            }
        }
        loop {
            let transaction = tokio::select! {
                biased;
                () = self.hang_up.cancelled() => {
                    self.bye(dialog).await;
                    return CallEvent::Ended { by: Side::Us, reason: "hung up".to_owned() };
                }
                Some(transaction) = self.requests.recv() => transaction,
            };
            if !belongs(dialog, &transaction) {
                reply(transaction, StatusCode::CallTransactionDoesNotExist, vec![]);
                continue;
            }
            // RFC 3261 §12.2.2: requests come in order.
            let number = transaction
                .original
                .cseq_header()
                .and_then(|c| c.seq())
                .unwrap_or(0);
            if number < newest {
                reply(transaction, StatusCode::ServerInternalError, vec![]);
                continue;
            }
            newest = number;
            if transaction.original.method != Method::Bye {
                session.answer(transaction);
            } else if accept_bye(dialog, transaction).await {
                return by_phone();
            }
        }
    }

    /// Sends BYE and waits a little for its answer; meanwhile the phone may hang up too.
    async fn bye(&mut self, dialog: &InviteDialog) {
        let mut bye = tokio::spawn({
            let (dialog, stack) = (dialog.clone(), self.stack.clone());
            async move {
                if let Err(error) = dialog.bye().await {
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

/// What was heard of the phone before the final response.
#[derive(Default)]
struct Progress {
    heard: bool,
    rang: bool,
    early_media: bool,
}

impl Progress {
    fn hear(&mut self, state: &DialogState) -> Option<CallEvent> {
        match state {
            DialogState::Trying(_) => {
                self.heard = true;
                None
            }
            DialogState::Early(_, response) => {
                self.heard = true;
                let sdp = body_text(response).filter(|_| !self.early_media);
                let ringing = response.status_code == StatusCode::Ringing && !self.rang;
                if sdp.is_none() && !ringing {
                    return None;
                }
                self.rang = true;
                self.early_media |= sdp.is_some();
                Some(CallEvent::Ringing { sdp })
            }
            _ => None,
        }
    }
}

fn body_text(response: &Response) -> Option<String> {
    let text = std::str::from_utf8(&response.body).ok()?;
    (!text.trim().is_empty()).then(|| text.to_owned())
}

/// A final response that no server sent: the library makes one when it gives up, without the `To`
/// tag that every real one has (RFC 3261 §8.2.6.2).
fn is_made_up(response: &Response) -> bool {
    matches!(
        response.status_code,
        StatusCode::RequestTimeout | StatusCode::ServiceUnavailable
    ) && !response
        .to_header()
        .and_then(|to| to.tag())
        .is_ok_and(|tag| tag.is_some())
}

fn belongs(dialog: &InviteDialog, transaction: &Transaction) -> bool {
    DialogId::try_from(transaction).is_ok_and(|id| id == dialog.id())
}

/// Answers a BYE; whether it was this dialog's.
async fn accept_bye(dialog: &InviteDialog, mut transaction: Transaction) -> bool {
    if !belongs(dialog, &transaction) {
        reply(transaction, StatusCode::CallTransactionDoesNotExist, vec![]);
        return false;
    }
    match timeout(GRACE, dialog.clone().handle(&mut transaction)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "the answer to a BYE"),
        Err(_) => tracing::debug!("the phone does not read its connection"),
    }
    true
}
