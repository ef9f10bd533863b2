//! Answers to requests that come from outside.

use std::time::Duration;

use rsipstack::sip::{Header, HeadersExt, Method, StatusCode, Uri};
use rsipstack::transaction::Transaction;
use tokio::time::timeout;

/// What may be asked of us (RFC 3261 §20.5).
const ALLOW: &str = "INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, INFO";

/// A peer that does not read its connection gets no more patience than this.
const PATIENCE: Duration = Duration::from_secs(5);

/// Both descriptions of a session, as far as a request within its dialog needs them.
pub(super) struct Session {
    /// Ours, word for word.
    pub(super) ours: String,
    /// The `o=` line of the peer's: unchanged means the same description (RFC 3264 §8).
    pub(super) their_origin: Option<String>,
    /// Where the peer reaches us within the dialog.
    pub(super) contact: Uri,
}

impl Session {
    pub(super) fn new(ours: String, theirs: &str, contact: Uri) -> Self {
        Self {
            ours,
            their_origin: origin(theirs),
            contact,
        }
    }

    /// Answers a request within the dialog; BYE is the caller's.
    ///
    /// A new offer is refused with 488, which leaves the session as it is (RFC 3261 §14.2). One
    /// that repeats the session, as refreshes do, is answered with the session.
    pub(super) fn answer(&self, transaction: Transaction) {
        match transaction.original.method {
            Method::Invite | Method::Update => self.answer_offer(transaction),
            Method::Options => reply(transaction, StatusCode::OK, offered_services()),
            // Legacy key presses and pictures: only an empty one, a sign of life, is understood.
            Method::Info if transaction.original.body.is_empty() => {
                reply(transaction, StatusCode::OK, vec![]);
            }
            Method::Info => reply(transaction, StatusCode::UnsupportedMediaType, vec![]),
            Method::Notify => reply(transaction, StatusCode::BadEvent, vec![]),
            _ => reply(transaction, StatusCode::MethodNotAllowed, vec![allow()]),
        }
    }

    fn answer_offer(&self, transaction: Transaction) {
        let body = String::from_utf8_lossy(&transaction.original.body);
        let contact = Header::Contact(format!("<{}>", self.contact).into());
        if body.is_empty() && transaction.original.method == Method::Update {
            return reply(transaction, StatusCode::OK, vec![contact]);
        }
        let offered = origin(&body);
        if offered.is_some() && offered == self.their_origin {
            let headers = vec![contact, Header::ContentType("application/sdp".into())];
            return reply_with(
                transaction,
                StatusCode::OK,
                headers,
                Some(self.ours.clone()),
            );
        }
        reply(transaction, StatusCode::NotAcceptableHere, vec![]);
    }
}

/// The value of the `o=` line.
fn origin(sdp: &str) -> Option<String> {
    sdp.lines()
        .find_map(|line| line.strip_prefix("o="))
        .map(|value| value.trim_end().to_owned())
}

/// Answers a request that belongs to no call.
pub(super) fn answer_stray(transaction: Transaction) {
    let within_dialog = transaction
        .original
        .to_header()
        .and_then(|to| to.tag())
        .is_ok_and(|tag| tag.is_some());
    match transaction.original.method {
        Method::Ack => {}
        _ if within_dialog => reply(transaction, StatusCode::CallTransactionDoesNotExist, vec![]),
        Method::Options => reply(transaction, StatusCode::OK, offered_services()),
        Method::Invite => reply(transaction, StatusCode::Forbidden, vec![]),
        _ => reply(transaction, StatusCode::MethodNotAllowed, vec![allow()]),
    }
}

fn offered_services() -> Vec<Header> {
    vec![allow(), Header::Accept("application/sdp".into())]
}

fn allow() -> Header {
    Header::Allow(ALLOW.into())
}

/// What was wrong, for the person at the other end (RFC 3261 §20.43).
pub(super) fn warning(text: &str) -> Header {
    let plain = |c: char| {
        if c.is_control() || matches!(c, '"' | '\\') {
            '\''
        } else {
            c
        }
    };
    let text: String = text.chars().map(plain).collect();
    Header::Warning(format!("399 crosspoint \"{text}\"").into())
}

/// Replies without a body, in the background.
pub(super) fn reply(transaction: Transaction, status: StatusCode, headers: Vec<Header>) {
    reply_with(transaction, status, headers, None);
}

fn reply_with(
    mut transaction: Transaction,
    status: StatusCode,
    headers: Vec<Header>,
    body: Option<String>,
) {
    tokio::spawn(async move {
        let method = transaction.original.method;
        let body = body.map(String::into_bytes);
        match timeout(PATIENCE, transaction.reply_with(status, headers, body)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return tracing::debug!(%error, %method, "no reply was sent"),
            Err(_) => return tracing::debug!(%method, "the peer does not read its connection"),
        }
        // The reply to an INVITE is repeated until its ACK (RFC 3261 §13.3.1.4, §17.2.1).
        if method == Method::Invite {
            while transaction.receive().await.is_some() {}
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_origin_is_the_value_of_its_line() {
        let sdp = "v=0\r\no=- 1 2 IN IP4 10.0.0.1\r\ns=o=x\r\n";
        assert_eq!(origin(sdp).as_deref(), Some("- 1 2 IN IP4 10.0.0.1"));
        assert_eq!(origin("v=0\r\n"), None);
    }
}
