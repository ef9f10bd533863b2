//! From an INVITE to its final response.

use std::time::Duration;

use rsipstack::dialog::dialog::DialogState;
use rsipstack::dialog::invitation::InviteAsyncResult;
use rsipstack::sip::{HeadersExt, Method, Response, StatusCode, StatusCodeKind};
use rsipstack::transaction::Transaction;
use tokio::task::JoinError;
use tokio::time::{Instant, sleep_until, timeout};

use super::CallEvent;
use super::digest::{Problem, Ticket};
use super::forks::{Forks, body_text};
use super::outgoing::{Driver, GRACE, Invitation, Outcome};
use super::reason::reason_for;
use super::request::reply;
use super::route::refused;

/// The longest silence after an INVITE: just before the library's Timer B, whose made-up 408 would
/// look like the server's.
const LONGEST_SILENCE: Duration = Duration::from_secs(30);

/// Requests that wait for the news of the answer, at most.
const WAITING: usize = 4;

impl Driver {
    /// From the INVITE to its final response.
    pub(super) async fn ring(&mut self, invitation: &mut Invitation) -> Outcome {
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
                result = &mut invitation.task => {
                    return self.judge(invitation, result, &progress.forks).await;
                }
                Some(transaction) = self.requests.recv() => {
                    self.postpone(transaction, invitation.dialog.state().is_confirmed());
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

    /// Keeps a request for later that can only follow an answer: it overtook the news of that. An
    /// offer within an early dialog is a glare with ours (RFC 3311 §5.2).
    fn postpone(&mut self, transaction: Transaction, answered: bool) {
        let follows = match transaction.original.method {
            Method::Bye | Method::Invite => true,
            _ => answered,
        };
        if follows && self.waiting.len() < WAITING {
            self.waiting.push_back(transaction);
        } else {
            reply(transaction, StatusCode::RequestPending, vec![]);
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
            self.bye(&dialog.clone(), None).await;
        }
        Outcome::Not(event)
    }

    async fn judge(
        &mut self,
        invitation: &Invitation,
        result: Result<InviteAsyncResult, JoinError>,
        forks: &Forks,
    ) -> Outcome {
        let failed = |reason: String| Outcome::Not(CallEvent::Failed { reason });
        let server = &self.plan.server;
        let response = match result {
            Ok(Ok((_, Some(response)))) => response,
            Ok(Ok((_, None))) => return failed(format!("the SIP server {server} gave no answer")),
            Ok(Err(error)) => {
                if let Some(problem) = self.plan.ticket.as_ref().and_then(Ticket::problem) {
                    return failed(problem.to_string());
                }
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
                    reason: self.reason(&response),
                }),
            };
        }
        match body_text(&response).or_else(|| forks.said(&response)) {
            Some(sdp) => Outcome::Answered { sdp },
            None => {
                let reason = "the phone answered without a session description".to_owned();
                self.bye(&invitation.dialog, Some(&reason)).await;
                failed(reason)
            }
        }
    }

    /// Why a call was refused.
    fn reason(&self, response: &Response) -> String {
        let challenged = matches!(response.status_code.code(), 401 | 407);
        match &self.plan.ticket {
            Some(ticket) if challenged => ticket.problem().unwrap_or(Problem::Rejected).to_string(),
            None if challenged => format!(
                "{}, and none is configured (sip-user, sip-password)",
                reason_for(response)
            ),
            _ => reason_for(response),
        }
    }
}

/// What was heard of the phones before the final response.
#[derive(Default)]
struct Progress {
    heard: bool,
    rang: bool,
    forks: Forks,
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
                let sdp = self.forks.hear(response);
                let ringing = response.status_code == StatusCode::Ringing && !self.rang;
                if sdp.is_none() && !ringing {
                    return None;
                }
                self.rang = true;
                Some(CallEvent::Ringing { sdp })
            }
            _ => None,
        }
    }
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
