//! The messages an agent writes. The only file that knows how they are laid out.

use std::net::SocketAddr;

use bytes::BytesMut;
use stun_codec::attribute::{
    ErrorCode, IceControlled, IceControlling, Nomination, Priority, UseCandidate, Username,
    XorMappedAddress,
};
use stun_codec::{
    Algorithm, AttributeType, Builder, Class, EncodeError, IntegrityKey, Message, Method,
    RawAttribute, TransactionId, Verified,
};

use crate::config::Role;

/// What a connectivity check says (RFC 8445 §7.1).
#[derive(Debug, Clone, Copy)]
pub(crate) struct CheckRequest<'a> {
    pub(crate) username: &'a str,
    pub(crate) priority: u32,
    pub(crate) role: Role,
    pub(crate) tie_breaker: u64,
    pub(crate) nominate: bool,
    /// The number of the nomination, for a peer that follows numbers.
    pub(crate) nomination: Option<u32>,
}

/// Appends a connectivity check. Nothing is appended when it cannot be written.
pub(crate) fn write_check(
    out: &mut BytesMut,
    id: TransactionId,
    check: &CheckRequest<'_>,
    key: &IntegrityKey,
) -> Result<(), EncodeError> {
    let mut request = Builder::request(out, Method::BINDING, id)
        .attribute(&Username(check.username))
        .attribute(&Priority(check.priority));
    request = match check.role {
        Role::Controlling => request.attribute(&IceControlling(check.tie_breaker)),
        Role::Controlled => request.attribute(&IceControlled(check.tie_breaker)),
    };
    if check.nominate {
        request = request.attribute(&UseCandidate);
        if let Some(number) = check.nomination {
            request = request.attribute(&Nomination(number));
        }
    }
    request.integrity(key).fingerprint().map(drop)
}

/// Appends a request to a STUN server.
pub(crate) fn write_server_request(
    out: &mut BytesMut,
    id: TransactionId,
) -> Result<(), EncodeError> {
    Builder::request(out, Method::BINDING, id)
        .fingerprint()
        .map(drop)
}

/// An answer to a request. It is written only when it is drained.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Answer {
    /// Granted: the peer's address as we see it.
    Success(SocketAddr, Algorithm),
    /// Both sides claim one role.
    RoleConflict(Algorithm),
    /// There are attributes we had to understand.
    UnknownAttributes(UnknownList, Algorithm),
    /// The sender is not known; the answer cannot be protected (RFC 8489 §9.1.3).
    Refused(Refused),
}

/// Why a request without proof is refused.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Refused {
    BadRequest,
    Unauthenticated,
}

/// Appends an answer.
pub(crate) fn write_answer(
    out: &mut BytesMut,
    id: TransactionId,
    answer: &Answer,
    key: &IntegrityKey,
) -> Result<(), EncodeError> {
    let class = match answer {
        Answer::Success(..) => Class::Success,
        _ => Class::Error,
    };
    let blank = Builder::new(out, class, Method::BINDING, id);
    let (filled, algorithm) = match answer {
        Answer::Success(mapped, algorithm) => {
            (blank.attribute(&XorMappedAddress(*mapped)), algorithm)
        }
        Answer::RoleConflict(algorithm) => (blank.attribute(&ErrorCode::ROLE_CONFLICT), algorithm),
        Answer::UnknownAttributes(unknown, algorithm) => {
            let list = RawAttribute {
                attribute_type: AttributeType::UNKNOWN_ATTRIBUTES,
                value: unknown.as_bytes(),
            };
            (
                blank
                    .attribute(&ErrorCode::UNKNOWN_ATTRIBUTE)
                    .attribute(&list),
                algorithm,
            )
        }
        Answer::Refused(refused) => {
            let code = match refused {
                Refused::BadRequest => ErrorCode::BAD_REQUEST,
                Refused::Unauthenticated => ErrorCode::UNAUTHENTICATED,
            };
            return blank.attribute(&code).fingerprint().map(drop);
        }
    };
    // The answer is protected as its request was (RFC 8489 §9.1.3).
    let sealed = match algorithm {
        Algorithm::HmacSha256 => filled.integrity_sha256(key),
        _ => filled.integrity(key),
    };
    sealed.fingerprint().map(drop)
}

/// The first attribute types of a request that were not understood, as they go on the wire.
#[derive(Debug, Clone, Copy)]
pub(crate) struct UnknownList {
    len: usize,
    bytes: [u8; 16],
}

impl UnknownList {
    /// The list for `request`, or `None` when everything in it is understood.
    pub(crate) fn of(request: &Message<'_>) -> Option<Self> {
        let mut list = Self {
            len: 0,
            bytes: [0; 16],
        };
        let unknown = request.unknown_required(AttributeType::is_for_binding);
        let (slots, _) = list.bytes.as_chunks_mut::<2>();
        for (slot, attribute) in slots.iter_mut().zip(unknown) {
            *slot = attribute.0.to_be_bytes();
            list.len += 2;
        }
        (list.len > 0).then_some(list)
    }

    fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

/// What a request of the peer says (RFC 8445 §7.1).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked {
    pub(crate) id: TransactionId,
    pub(crate) algorithm: Algorithm,
    pub(crate) priority: Option<u32>,
    /// The role that the peer takes, with its tie-breaker.
    pub(crate) role: Option<(Role, u64)>,
    pub(crate) nominate: bool,
    pub(crate) nomination: Option<u32>,
}

impl Asked {
    pub(crate) fn read(request: &Verified<'_>) -> Self {
        let controlling = request.attribute::<IceControlling>().ok().flatten();
        let controlled = request.attribute::<IceControlled>().ok().flatten();
        Self {
            id: request.transaction_id(),
            algorithm: request.algorithm(),
            priority: request.attribute::<Priority>().ok().flatten().map(|p| p.0),
            role: controlling
                .map(|a| (Role::Controlling, a.0))
                .or(controlled.map(|a| (Role::Controlled, a.0))),
            nominate: request.contains(AttributeType::USE_CANDIDATE),
            nomination: request
                .attribute::<Nomination>()
                .ok()
                .flatten()
                .map(|nomination| nomination.0),
        }
    }
}

/// The local ufrag that a datagram is meant for: the first part of USERNAME in a Binding request
/// (RFC 8445 §7.2.2). `None` for everything else.
///
/// Nothing is verified. Use it to find the agent behind a shared port, then let the agent judge.
#[must_use]
pub fn local_ufrag(datagram: &[u8]) -> Option<&str> {
    if !stun_codec::is_stun(datagram) {
        return None;
    }
    let message = Message::parse(datagram).ok()?;
    if (message.class(), message.method()) != (Class::Request, Method::BINDING) {
        return None;
    }
    let Username(name) = message.attribute().ok()??;
    name.split_once(':').map(|(local, _)| local)
}
