//! Answers to requests that come from outside.

use std::time::Duration;

use rsipstack::sip::{Header, HeadersExt, Method, Request, StatusCode};
use rsipstack::transaction::Transaction;
use tokio::time::timeout;

/// What may be asked of us (RFC 3261 §20.5).
const ALLOW: &str = "INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, INFO";

/// A peer that does not read its connection gets no more patience than this.
const PATIENCE: Duration = Duration::from_secs(5);

/// The extensions that a request requires (RFC 3261 §8.2.2.3): we have none. A call can be ended
/// whatever else is asked for.
pub(super) fn unsupported(transaction: &Transaction) -> Option<Header> {
    let required: Vec<_> = transaction
        .original
        .headers
        .iter()
        .filter_map(|header| match header {
            Header::Require(options) => Some(options.value()),
            _ => None,
        })
        .collect();
    let asked = !required.is_empty() && transaction.original.method != Method::Bye;
    asked.then(|| Header::Unsupported(required.join(", ").into()))
}

/// Answers a request within a call that neither ends nor changes it.
pub(super) fn answer_within(transaction: Transaction) {
    match transaction.original.method {
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

/// Whether a body is, or may be, a session description.
pub(super) fn is_sdp(request: &Request) -> bool {
    let kind = request.headers.iter().find_map(|header| match header {
        Header::ContentType(kind) => Some(kind.value()),
        _ => None,
    });
    kind.is_none_or(|kind| {
        let kind = kind.split(';').next().unwrap_or(kind).trim();
        kind.eq_ignore_ascii_case("application/sdp")
    })
}

fn offered_services() -> Vec<Header> {
    vec![allow(), accept()]
}

/// The only kind of body that is understood.
pub(super) fn accept() -> Header {
    Header::Accept("application/sdp".into())
}

fn allow() -> Header {
    Header::Allow(ALLOW.into())
}

/// What was wrong, for the person at the other end (RFC 3261 §20.43).
pub(super) fn warning(text: &str) -> Header {
    Header::Warning(format!("399 crosspoint {}", quoted(text)).into())
}

/// Why a BYE is sent (RFC 3326): the session cannot be what was asked for.
pub(super) fn reason(text: &str) -> Header {
    Header::Reason(format!("SIP;cause=488;text={}", quoted(text)).into())
}

/// The longest text in a header, in characters: a reason may name all that the phone has offered,
/// and a response may have to fit into a datagram.
const LONGEST_TEXT: usize = 300;

fn quoted(text: &str) -> String {
    let plain = |c: char| {
        if c.is_control() || matches!(c, '"' | '\\') {
            '\''
        } else {
            c
        }
    };
    let text: String = text.chars().map(plain).take(LONGEST_TEXT).collect();
    format!("\"{text}\"")
}

/// Replies without a body, in the background.
pub(super) fn reply(mut transaction: Transaction, status: StatusCode, headers: Vec<Header>) {
    tokio::spawn(async move {
        let method = transaction.original.method;
        match timeout(PATIENCE, transaction.reply_with(status, headers, None)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return tracing::debug!(%error, %method, "no reply was sent"),
            Err(_) => return tracing::debug!(%method, "the peer does not read its connection"),
        }
        // The reply to an INVITE is repeated until its ACK (RFC 3261 §17.2.1).
        if method == Method::Invite {
            while transaction.receive().await.is_some() {}
        }
    });
}
