//! New offers within a call: re-INVITE (RFC 3261 §14.2) and UPDATE (RFC 3311 §5.2) of the phone.
//!
//! One offer at a time waits for an answer. Until then it is `Pending`; the request's transaction
//! runs in a task of its own, which repeats what was replied and tells of CANCEL and ACK. A re-INVITE
//! that was accepted stays in `accepted` until its ACK; if that never comes, the call is over
//! (RFC 3261 §14.2).
//!
//! A re-INVITE without a description asks for an offer of ours: it goes out in the 200, and the
//! ACK brings the phone's answer. As long as that is open, every other offer is a glare and gets
//! 491.

use std::time::Duration;

use rsipstack::dialog::dialog::Dialog;
use rsipstack::dialog::invite_dialog::InviteDialog;
use rsipstack::sip::{Header, HeadersExt, Method, Request, SipMessage, StatusCode, Uri};
use rsipstack::transaction::endpoint::EndpointInnerRef;
use rsipstack::transaction::transaction::{Transaction, TransactionEvent, TransactionEventSender};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::request::{accept, is_sdp, reply, warning};
use super::{CallEvent, OfferId};

/// How long an offer may wait for its answer until it is refused with 500.
const PATIENCE: Duration = Duration::from_secs(4);

/// Accepted re-INVITEs whose ACK is missing, at most. Their transactions live for 32 s.
const UNACKNOWLEDGED: usize = 4;

/// After so many offers in a row that nobody answered, or that were taken back first, no more are
/// raised until an answer shows that somebody is there.
const IGNORED: u8 = 3;

/// The state of offer and answer in a call that is up.
pub(super) struct Negotiation {
    dialog: InviteDialog,
    /// Where the phone reaches us within the dialog.
    contact: Uri,
    pending: Option<Pending>,
    accepted: Vec<Accepted>,
    tell: mpsc::Sender<Told>,
    told: mpsc::Receiver<Told>,
    latest: u64,
    ignored: u8,
}

/// An offer that waits for its answer.
struct Pending {
    id: OfferId,
    /// Whether the phone has made the offer, or wants one from us.
    theirs: bool,
    request: Request,
    endpoint: EndpointInnerRef,
    transaction: TransactionEventSender,
    deadline: Instant,
}

/// A re-INVITE that we have accepted, without its ACK yet.
struct Accepted {
    id: OfferId,
    /// Whether the ACK brings the answer to an offer of ours.
    ours: bool,
}

/// What the task of a transaction tells.
enum Told {
    Cancelled(OfferId),
    Acknowledged { id: OfferId, body: Vec<u8> },
    Over(OfferId),
}

/// What became of the negotiation.
pub(super) enum Step {
    /// To be told to whoever owns the call.
    Event(CallEvent),
    /// The phone never acknowledged what it had asked for.
    NeverAcknowledged,
}

impl Negotiation {
    pub(super) fn new(dialog: InviteDialog, contact: Uri) -> Self {
        let (tell, told) = mpsc::channel(16);
        Self {
            dialog,
            contact,
            pending: None,
            accepted: Vec::new(),
            tell,
            told,
            latest: 0,
            ignored: 0,
        }
    }

    /// Takes a re-INVITE or UPDATE of this dialog.
    pub(super) fn take(&mut self, transaction: Transaction) -> Option<CallEvent> {
        let request = &transaction.original;
        let theirs = !request.body.is_empty();
        if request.method == Method::Update && !theirs {
            // A sign of life (RFC 3311 §5.1), and perhaps a new target.
            self.follow_target(request);
            reply(transaction, StatusCode::OK, vec![self.contact()]);
            return None;
        }
        if theirs && !is_sdp(request) {
            reply(
                transaction,
                StatusCode::UnsupportedMediaType,
                vec![accept()],
            );
            return None;
        }
        if self.accepted.iter().any(|accepted| accepted.ours) {
            reply(transaction, StatusCode::RequestPending, vec![]);
            return None;
        }
        let crowded = self.pending.is_some() || self.accepted.len() >= UNACKNOWLEDGED;
        if crowded || self.ignored >= IGNORED {
            reply(transaction, StatusCode::ServerInternalError, vec![later()]);
            return None;
        }
        let Ok(sdp) = String::from_utf8(request.body.clone()) else {
            reply(transaction, StatusCode::NotAcceptableHere, vec![]);
            return None;
        };
        self.latest += 1;
        let id = OfferId(self.latest);
        self.pending = Some(Pending {
            id,
            theirs,
            request: request.clone(),
            endpoint: transaction.endpoint_inner.clone(),
            transaction: transaction.tu_sender.clone(),
            deadline: Instant::now() + PATIENCE,
        });
        tokio::spawn(run(transaction, id, self.tell.clone()));
        let sdp = theirs.then_some(sdp);
        Some(CallEvent::Offered { offer: id, sdp })
    }

    /// Answers the offer that waits; an answer that comes too late is dropped.
    pub(super) fn answer(&mut self, id: OfferId, answer: Result<String, String>) {
        self.ignored = 0;
        let Some(pending) = self.pending.take_if(|pending| pending.id == id) else {
            return;
        };
        let sdp = match answer {
            Ok(sdp) => sdp,
            // The session stays as it is (RFC 3261 §14.2).
            Err(reason) => {
                let why = vec![warning(&reason)];
                return pending.respond(StatusCode::NotAcceptableHere, why, None);
            }
        };
        self.follow_target(&pending.request);
        if pending.request.method == Method::Invite {
            let ours = !pending.theirs;
            self.accepted.push(Accepted { id, ours });
        }
        let content = Header::ContentType("application/sdp".into());
        let headers = vec![self.contact(), content];
        pending.respond(StatusCode::OK, headers, Some(sdp));
    }

    /// The next step. Cancel-safe.
    pub(super) async fn next(&mut self) -> Step {
        loop {
            let overdue = async {
                match &self.pending {
                    Some(pending) => sleep_until(pending.deadline).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                Some(told) = self.told.recv() => {
                    if let Some(step) = self.hear(told) {
                        return step;
                    }
                }
                () = overdue => {
                    if let Some(offer) = self.refuse_pending(StatusCode::ServerInternalError) {
                        return Step::Event(CallEvent::Withdrawn { offer });
                    }
                }
            }
        }
    }

    fn hear(&mut self, told: Told) -> Option<Step> {
        match told {
            Told::Cancelled(id) => {
                self.pending.as_ref().filter(|pending| pending.id == id)?;
                let offer = self.refuse_pending(StatusCode::RequestTerminated)?;
                Some(Step::Event(CallEvent::Withdrawn { offer }))
            }
            Told::Acknowledged { id, body } => {
                let accepted = self.remove(id)?;
                // Without an answer our offer is void, and the session stays as it is.
                let sdp = String::from_utf8(body).ok().filter(|sdp| !sdp.is_empty())?;
                let agreed = CallEvent::Agreed { offer: id, sdp };
                accepted.ours.then_some(Step::Event(agreed))
            }
            Told::Over(id) => self.remove(id).map(|_| Step::NeverAcknowledged),
        }
    }

    fn remove(&mut self, id: OfferId) -> Option<Accepted> {
        let position = self
            .accepted
            .iter()
            .position(|accepted| accepted.id == id)?;
        Some(self.accepted.remove(position))
    }

    /// The call is over: whoever waits is told so (RFC 3261 §15.1.2).
    pub(super) fn close(mut self) {
        self.refuse_pending(StatusCode::RequestTerminated);
    }

    fn refuse_pending(&mut self, status: StatusCode) -> Option<OfferId> {
        let pending = self.pending.take()?;
        let id = pending.id;
        self.ignored = self.ignored.saturating_add(1);
        pending.respond(status, vec![], None);
        Some(id)
    }

    fn contact(&self) -> Header {
        Header::Contact(format!("<{}>", self.contact).into())
    }

    /// Both methods refresh the dialog's target (RFC 3261 §12.2.2, RFC 3311 §5.2).
    fn follow_target(&self, request: &Request) {
        let contact = request.contact_header().ok();
        let contacts = request.typed_contact_headers().unwrap_or_default();
        if let (Some(contact), Some(target)) = (contact, contacts.into_iter().next()) {
            let dialog = Dialog::Invite(self.dialog.clone());
            dialog.set_remote_target(target.uri, Some(contact.clone()));
        }
    }
}

impl Pending {
    fn respond(self, status: StatusCode, headers: Vec<Header>, body: Option<String>) {
        let body = body.map(String::into_bytes);
        let mut response = self.endpoint.make_response(&self.request, status, body);
        response.headers.extend(headers);
        // A transaction that has ended needs no response.
        let _ = self.transaction.send(TransactionEvent::Respond(response));
    }
}

/// Runs a transaction to its end.
async fn run(mut transaction: Transaction, id: OfferId, tell: mpsc::Sender<Told>) {
    while let Some(message) = transaction.receive().await {
        let told = match message {
            SipMessage::Request(request) if request.method == Method::Cancel => Told::Cancelled(id),
            SipMessage::Request(request) if request.method == Method::Ack => Told::Acknowledged {
                id,
                body: request.body,
            },
            _ => continue,
        };
        let _ = tell.send(told).await;
    }
    let _ = tell.send(Told::Over(id)).await;
}

/// RFC 3261 §14.2 asks for a random time up to ten seconds; ours is known: an offer waits no
/// longer than [`PATIENCE`].
fn later() -> Header {
    Header::RetryAfter(PATIENCE.as_secs().to_string().into())
}
