//! One call from its creation to its end: a task that joins SIP and media.

use std::sync::Arc;
use std::time::Duration;

use dtls_handshake::CloseCause;
use ice_agent::{FailureCause, RestartError};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::exchange::Permit;
use super::ice::{Asked, IceSession};
use super::log::EventLog;
use super::phone::PhoneSession;
use super::renegotiation::Before;
use super::setup::{self, SetUp};
use super::{CallError, CallEvent, CallId, Created, EndedBy, NewCall, Resources, Trickled};
use crate::bridge::{self, PhoneMedia, Stats};
use crate::media::Placed;
use crate::metrics::Outcome;
use crate::session::{self, Failure, SecureFailure, Secured};
use crate::sip::{self, OutgoingCall};
use crate::turn::embedded::Lease;

/// How long an ended call is remembered, for those who ask how it ended.
const REMEMBERED: Duration = Duration::from_secs(60);

type Reply<T> = oneshot::Sender<Result<T, CallError>>;

/// What a call is asked to do.
pub(super) enum Request {
    Trickle {
        if_match: String,
        fragment: String,
        reply: Reply<Trickled>,
    },
    HangUp(Reply<()>),
    Follow(Reply<mpsc::Receiver<CallEvent>>),
    Stats(Reply<Stats>),
}

impl Request {
    pub(super) fn refuse(self, error: CallError) {
        match self {
            Self::Trickle { reply, .. } => drop(reply.send(Err(error))),
            Self::HangUp(reply) => drop(reply.send(Err(error))),
            Self::Follow(reply) => drop(reply.send(Err(error))),
            Self::Stats(reply) => drop(reply.send(Err(error))),
        }
    }
}

/// What a call begins with.
pub(super) struct Begin {
    pub(super) id: CallId,
    pub(super) new: NewCall,
    pub(super) reply: Reply<Created>,
    pub(super) permit: Permit,
    /// Room to be remembered.
    pub(super) memory: Arc<Semaphore>,
    pub(super) requests: mpsc::Receiver<Request>,
}

/// Runs a call, and remembers it for a while.
pub(super) async fn run(
    resources: Arc<Resources>,
    begin: Begin,
    stop: CancellationToken,
) -> CallId {
    let Begin {
        id,
        new:
            NewCall {
                owner,
                to,
                offer,
                grant,
            },
        reply,
        permit,
        memory,
        mut requests,
    } = begin;
    let SetUp {
        answer,
        ice,
        media,
        mut media_events,
        mut outgoing,
        phone,
        turn,
    } = match setup::set_up(&resources, &owner, &to, &offer, grant.as_deref()).await {
        Ok(set_up) => set_up,
        Err(error) => {
            tracing::info!(call = ?id, to, %error, "call refused");
            resources.metrics.call_over(Outcome::Refused);
            let _ = reply.send(Err(error));
            return id;
        }
    };
    drop(offer);
    let lent = turn.as_ref().map(Lease::grant);
    tracing::info!(call = ?id, to, grant = ?lent, "call begun");
    let created = Created {
        id,
        etag: ice.etag().clone(),
        answer,
        grant: lent.cloned(),
    };
    let active = resources.metrics.active_call();
    let abandoned = reply.send(Ok(created)).is_err();
    let phase = Phase::Dialling;
    let log = EventLog::default();
    let mut call = Call {
        resources: &resources,
        id,
        ice,
        media,
        phone,
        told: None,
        before: None,
        phase,
        log,
        invited: Instant::now(),
        stats: None,
    };
    let last = match abandoned {
        true => call.over(EndedBy::Browser, "the caller went away before the answer"),
        false => loop {
            let over = tokio::select! {
                Some(request) = requests.recv() => call.on_request(request).await,
                event = media_events.recv() => call.on_media(event),
                event = outgoing.next() => call.on_sip(event, &outgoing).await,
                () = stop.cancelled() => {
                    Some(call.over(EndedBy::Gateway, "the gateway is shutting down"))
                }
            };
            if let Some(last) = over {
                break last;
            }
        },
    };
    call.end(last, &outgoing).await;
    drop((outgoing, turn, permit, active));
    if let Ok(_room) = memory.try_acquire() {
        tokio::select! {
            () = call.remember(&mut requests) => {}
            () = tokio::time::sleep(REMEMBERED) => {}
            () = stop.cancelled() => {}
        }
    }
    id
}

/// How far the phone is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Dialling,
    Talking,
}

pub(super) struct Call<'a> {
    pub(super) resources: &'a Resources,
    pub(super) id: CallId,
    ice: IceSession,
    pub(super) media: Placed,
    pub(super) phone: PhoneSession,
    /// What media knows of the phone.
    pub(super) told: Option<PhoneMedia>,
    /// What was so before the phone's latest offer.
    pub(super) before: Option<Before>,
    phase: Phase,
    pub(super) log: EventLog,
    invited: Instant,
    /// What passed, once media is over.
    stats: Option<Stats>,
}

impl Call<'_> {
    async fn on_request(&mut self, request: Request) -> Option<CallEvent> {
        match request {
            Request::Trickle {
                if_match,
                fragment,
                reply,
            } => {
                let _ = reply.send(self.trickle(&if_match, &fragment).await);
                None
            }
            Request::Follow(reply) => {
                let _ = reply.send(Ok(self.log.follow()));
                None
            }
            Request::Stats(reply) => {
                let stats = match self.stats {
                    Some(stats) => Some(stats),
                    None => self.resources.media.stats(self.media).await,
                };
                let _ = reply.send(stats.ok_or(CallError::Unknown));
                None
            }
            Request::HangUp(reply) => {
                let _ = reply.send(Ok(()));
                Some(self.over(EndedBy::Browser, "the browser hung up"))
            }
        }
    }

    async fn trickle(&mut self, if_match: &str, fragment: &str) -> Result<Trickled, CallError> {
        let media = &self.resources.media;
        let (section, remote) = match self.ice.read(if_match, fragment)? {
            Asked::Candidates {
                candidates,
                complete,
            } => {
                media.add_candidates(self.media, candidates, complete);
                return Ok(Trickled::Taken);
            }
            Asked::Restart { section, remote } => (section, remote),
        };
        let theirs = remote.credentials.clone();
        let local = media.restart(self.media, remote).await;
        let local = local.map_err(|error| match error {
            RestartError::Finished => CallError::Unknown,
            error => CallError::Unacceptable {
                reason: error.to_string(),
            },
        })?;
        tracing::info!(call = ?self.id, "ICE restarted by the browser");
        self.ice.restarted(section, &theirs, &local)
    }

    fn on_media(&mut self, event: Option<bridge::Event>) -> Option<CallEvent> {
        let Some(event) = event else {
            return Some(self.over(EndedBy::Gateway, "the gateway lost the call's media"));
        };
        match event {
            bridge::Event::Session(session::Event::Failed(failure)) => {
                Some(self.on_failure(&failure))
            }
            bridge::Event::PhoneSilent(time) => {
                let reason = format!("the phone has sent no media for {} s", time.as_secs());
                Some(self.over(EndedBy::Gateway, reason))
            }
            bridge::Event::Session(session::Event::Connected(Secured {
                version,
                cipher_suite,
                group,
                profile,
                ..
            })) => {
                tracing::info!(call = ?self.id, %version, %cipher_suite, %group, %profile, "media may flow");
                None
            }
            bridge::Event::Session(event) => {
                tracing::debug!(call = ?self.id, ?event, "media");
                None
            }
        }
    }

    /// The browser's side ended: by its own close, because it went away, or because we could not
    /// reach it.
    fn on_failure(&self, failure: &Failure) -> CallEvent {
        match failure {
            Failure::Secure(SecureFailure::Dtls(cause @ CloseCause::ClosedByPeer)) => self.over(
                EndedBy::Browser,
                format!("the browser closed its connection: {cause}"),
            ),
            Failure::Ice(failure) if matches!(failure.cause, FailureCause::ConsentLost { .. }) => {
                self.over(EndedBy::Browser, format!("the browser is gone: {failure}"))
            }
            _ => self.over(
                EndedBy::Gateway,
                format!("no connection to the browser: {failure}"),
            ),
        }
    }

    async fn on_sip(
        &mut self,
        event: Option<sip::CallEvent>,
        outgoing: &OutgoingCall,
    ) -> Option<CallEvent> {
        let Some(event) = event else {
            return Some(self.over(EndedBy::Gateway, "the gateway lost the call's SIP dialog"));
        };
        match event {
            sip::CallEvent::Trying => self.log.push(CallEvent::Trying),
            sip::CallEvent::Ringing { sdp } => {
                if let Some(sdp) = sdp {
                    // Early media: what cannot be used is ignored, the final answer decides.
                    let _ = self.hear_phone(&sdp, Phase::Dialling).await;
                }
                self.log.push(CallEvent::Ringing);
            }
            sip::CallEvent::Answered { sdp } => match self.hear_phone(&sdp, Phase::Talking).await {
                Ok(()) => {
                    self.phase = Phase::Talking;
                    let metrics = &self.resources.metrics;
                    metrics.phone_answered(self.invited.elapsed());
                    self.log.push(CallEvent::Answered {
                        codec: self.phone.codec().to_owned(),
                    });
                    if self.told.is_some_and(|told| !told.listens) {
                        self.log.push(CallEvent::Held);
                    }
                }
                Err(problem) => return Some(self.unusable(&problem)),
            },
            sip::CallEvent::Offered { offer, sdp } => {
                self.on_offer(offer, sdp.as_deref(), outgoing).await;
            }
            sip::CallEvent::Withdrawn { offer } => self.on_withdrawn(offer).await,
            sip::CallEvent::Agreed { sdp, .. } => return self.on_agreed(&sdp).await,
            sip::CallEvent::Refused { status, reason } => {
                return Some(CallEvent::Failed {
                    reason,
                    status: Some(status),
                });
            }
            sip::CallEvent::Failed { reason } => {
                return Some(self.over(EndedBy::Gateway, reason));
            }
            sip::CallEvent::Ended {
                by: sip::Side::Phone,
                reason,
            } => {
                return Some(self.over(EndedBy::Phone, reason));
            }
            sip::CallEvent::Ended { reason, .. } => {
                return Some(self.over(EndedBy::Gateway, reason));
            }
            sip::CallEvent::Cancelled => {
                return Some(self.over(EndedBy::Gateway, "the call was cancelled"));
            }
        }
        None
    }

    /// The last event: a call that was never up has failed, unless the caller gave it up.
    pub(super) fn over(&self, by: EndedBy, reason: impl Into<String>) -> CallEvent {
        let reason = reason.into();
        match (self.phase, by) {
            (Phase::Talking, _) | (Phase::Dialling, EndedBy::Browser) => {
                CallEvent::Ended { by, reason }
            }
            (Phase::Dialling, _) => CallEvent::Failed {
                reason,
                status: None,
            },
        }
    }

    async fn end(&mut self, last: CallEvent, outgoing: &OutgoingCall) {
        tracing::info!(call = ?self.id, event = ?last, "call over");
        self.resources.metrics.call_over(Outcome::of(&last));
        self.log.push(last);
        let (stats, ()) = tokio::join!(self.resources.media.remove(self.media), outgoing.hang_up());
        if !stats.is_silent() {
            tracing::info!(call = ?self.id, stats = %stats.json(), "media over");
        }
        self.stats = Some(stats);
    }

    /// Candidates that crossed with the end are no mistake, and of no use. There is no restart.
    fn trickle_late(&self, if_match: &str, fragment: &str) -> Result<Trickled, CallError> {
        match self.ice.read(if_match, fragment)? {
            Asked::Candidates { .. } => Ok(Trickled::Taken),
            Asked::Restart { .. } => Err(CallError::Unknown),
        }
    }

    /// Answers those who come late.
    async fn remember(&mut self, requests: &mut mpsc::Receiver<Request>) {
        while let Some(request) = requests.recv().await {
            match request {
                Request::Trickle {
                    if_match,
                    fragment,
                    reply,
                } => {
                    let _ = reply.send(self.trickle_late(&if_match, &fragment));
                }
                Request::HangUp(_) | Request::Follow(_) | Request::Stats(_) => {
                    drop(self.on_request(request).await);
                }
            }
        }
    }
}
