//! What is remembered of a call's challenges, and the passage of messages.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rsipstack::sip::{Header, HeadersExt, Method, Request, Response, SipMessage, StatusCode};
use rsipstack::transaction::endpoint::MessageInspector;
use rsipstack::transport::SipAddr;
use tokio::time::Instant;

use super::Credentials;
use super::answer::{Asked, authorization};
use super::challenge::Challenge;

/// How long a call is remembered after its end: the library repeats requests for 32 s (RFC 3261
/// §17.1.2.2, Timer F), and may yet have to end a late answer by BYE.
const LINGER: Duration = Duration::from_secs(70);

/// Requests of a call whose credentials and challenges are kept for repetitions: an INVITE and a
/// few behind it.
const KEPT: usize = 6;

/// The passage of all messages of a user agent. Clones are the same.
#[derive(Clone)]
pub(in crate::sip) struct Keeper {
    credentials: Arc<Credentials>,
    calls: Arc<Mutex<HashMap<String, Call>>>,
}

/// A call that may be challenged. When dropped, the call is over.
pub(in crate::sip) struct Ticket {
    keeper: Keeper,
    call_id: String,
}

/// What a call has been asked.
#[derive(Default)]
struct Call {
    challenge: Option<(Challenge, Asker)>,
    /// Requests that have used the challenge's nonce.
    count: u32,
    /// The numbers of the requests that were challenged, the newest last. A call that several
    /// phones have answered ends them at the same time.
    challenged: Vec<u32>,
    /// Credentials by the request's number and method, the newest last.
    written: Vec<(u32, Method, String)>,
    refused: Option<Problem>,
    ended: Option<Instant>,
}

/// Who asks: it decides which headers are used (RFC 3261 §22.2, §22.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asker {
    Server,
    Proxy,
}

/// Why a call was not authenticated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(in crate::sip) enum Problem {
    #[error("the SIP server does not accept the user and password (sip-user, sip-password)")]
    Rejected,
    #[error("the SIP server asks for a kind of authentication that is not supported")]
    Unsupported,
    #[error("a second server asks for a password, and there is only one (sip-password)")]
    OtherRealm,
}

impl Keeper {
    pub(in crate::sip) fn new(credentials: Credentials) -> Self {
        Self {
            credentials: Arc::new(credentials),
            calls: Arc::default(),
        }
    }

    /// Opens a call.
    pub(in crate::sip) fn enter(&self, call_id: &str) -> Ticket {
        let mut calls = self.calls();
        calls.retain(|_, call| call.ended.is_none_or(|ended| ended.elapsed() < LINGER));
        calls.insert(call_id.to_owned(), Call::default());
        Ticket {
            keeper: self.clone(),
            call_id: call_id.to_owned(),
        }
    }

    fn calls(&self) -> MutexGuard<'_, HashMap<String, Call>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Replaces whatever credentials the library wrote by ours.
    fn sign(&self, request: &mut Request) {
        request.headers.retain(|header| {
            !matches!(
                header,
                Header::Authorization(_) | Header::ProxyAuthorization(_)
            )
        });
        let (Ok(call_id), Ok(number)) = (
            request
                .call_id_header()
                .map(|id| id.value().trim().to_owned()),
            request.cseq_header().and_then(|cseq| cseq.seq()),
        ) else {
            return;
        };
        let uri = request.uri.to_string();
        let mut calls = self.calls();
        let Some(call) = calls.get_mut(&call_id) else {
            return;
        };
        let signed = call.sign(&self.credentials, number, request.method, &uri);
        if let Some((value, asker)) = signed {
            request.headers.push(match asker {
                Asker::Server => Header::Authorization(value.into()),
                Asker::Proxy => Header::ProxyAuthorization(value.into()),
            });
        }
    }

    /// Reads a challenge, and leaves the library one that it understands.
    fn read(&self, response: &mut Response) {
        let asker = match response.status_code {
            StatusCode::Unauthorized => Asker::Server,
            StatusCode::ProxyAuthenticationRequired => Asker::Proxy,
            _ => return,
        };
        let (Ok(call_id), Ok(cseq)) = (
            response
                .call_id_header()
                .map(|id| id.value().trim().to_owned()),
            response
                .cseq_header()
                .and_then(|cseq| Ok((cseq.seq()?, cseq.method()?))),
        ) else {
            return;
        };
        let best =
            Challenge::best(
                response
                    .headers
                    .iter()
                    .filter_map(|header| match (asker, header) {
                        (Asker::Server, Header::WwwAuthenticate(value)) => Some(value.value()),
                        (Asker::Proxy, Header::ProxyAuthenticate(value)) => Some(value.value()),
                        _ => None,
                    }),
            );
        response.headers.retain(|header| {
            !matches!(
                header,
                Header::WwwAuthenticate(_) | Header::ProxyAuthenticate(_)
            )
        });
        let mut calls = self.calls();
        let Some(call) = calls.get_mut(&call_id) else {
            return;
        };
        // The library repeats the request if the nonce is stale, or was not answered yet.
        let Some(stale) = call.take(best, asker, cseq) else {
            return;
        };
        let value = format!("Digest realm=\"-\", nonce=\"-\", stale={stale}");
        response.headers.push(match asker {
            Asker::Server => Header::WwwAuthenticate(value.into()),
            Asker::Proxy => Header::ProxyAuthenticate(value.into()),
        });
    }
}

impl Call {
    /// The credentials for a request, if the call was challenged. A repetition gets the same
    /// ones, and so do the ACK and the CANCEL of an INVITE (RFC 3261 §22.1, §13.2.2.4).
    fn sign(
        &mut self,
        credentials: &Credentials,
        number: u32,
        method: Method,
        uri: &str,
    ) -> Option<(String, Asker)> {
        let (challenge, asker) = self.challenge.as_ref()?;
        let (asker, origin) = match method {
            Method::Ack | Method::Cancel => (*asker, Method::Invite),
            other => (*asker, other),
        };
        let mut written = self.written.iter();
        if let Some((_, _, value)) = written.find(|(n, m, _)| (*n, *m) == (number, origin)) {
            return Some((value.clone(), asker));
        }
        if origin != method {
            return None;
        }
        let mut salt = [0; 16];
        getrandom::fill(&mut salt).ok()?;
        self.count += 1;
        let asked = Asked {
            method: &method.to_string(),
            uri,
            count: self.count,
            cnonce: &format!("{:032x}", u128::from_be_bytes(salt)),
        };
        let value = authorization(credentials, challenge, asked);
        if self.written.len() >= KEPT {
            self.written.remove(0);
        }
        self.written.push((number, method, value.clone()));
        Some((value, asker))
    }

    /// Takes a challenge of a request: whether the library is to take it as stale, or `None` if it
    /// cannot be answered.
    fn take(
        &mut self,
        best: Option<Challenge>,
        asker: Asker,
        (number, method): (u32, Method),
    ) -> Option<bool> {
        if self.challenged.contains(&number) {
            return None; // A repetition: the request was sent again already.
        }
        let Some(challenge) = best else {
            self.refused = Some(Problem::Unsupported);
            return None;
        };
        let known = self.challenge.as_ref().map(|(known, _)| &known.realm);
        if known.map_or(method != Method::Invite, |realm| *realm != challenge.realm) {
            self.refused = Some(Problem::OtherRealm);
            return None;
        }
        if self.challenged.len() >= KEPT {
            self.challenged.remove(0);
        }
        self.challenged.push(number);
        let answered = self
            .written
            .iter()
            .any(|(n, m, _)| (*n, *m) == (number, method));
        if answered && !challenge.stale {
            self.refused = Some(Problem::Rejected);
        }
        let same_nonce = |(before, _): &(Challenge, Asker)| before.nonce == challenge.nonce;
        if !self.challenge.as_ref().is_some_and(same_nonce) {
            self.count = 0;
        }
        let stale = challenge.stale;
        self.challenge = Some((challenge, asker));
        Some(stale)
    }
}

impl Ticket {
    /// Why the call was not authenticated.
    pub(in crate::sip) fn problem(&self) -> Option<Problem> {
        self.keeper.calls().get(&self.call_id)?.refused
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let Some(call) = self.keeper.calls().get_mut(&self.call_id) {
            call.ended = Some(Instant::now());
        }
    }
}

impl fmt::Debug for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keeper")
            .field("credentials", &self.credentials)
            .finish_non_exhaustive()
    }
}

impl MessageInspector for Keeper {
    fn before_send(&self, mut message: SipMessage, _: Option<&SipAddr>) -> SipMessage {
        if let SipMessage::Request(request) = &mut message {
            self.sign(request);
        }
        message
    }

    fn after_received(&self, mut message: SipMessage, _: Option<&SipAddr>) -> SipMessage {
        if let SipMessage::Response(response) = &mut message {
            self.read(response);
        }
        message
    }
}
