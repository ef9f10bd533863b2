//! Why a request about a call was refused.

use crate::sip::InvalidUser;

/// Why a request about a call was refused. HTTP statuses stand beside the HTTP routes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// `to` is not the name of a user.
    #[error("{to:?} is not a name that can be dialled: {problem}")]
    BadTarget {
        /// What was asked for.
        to: String,
        /// What is wrong with it.
        problem: InvalidUser,
    },
    /// No route leads to `to`.
    #[error("no route to {to:?}: no SIP server is configured")]
    NoRoute {
        /// What was asked for.
        to: String,
    },
    /// The body is no session description.
    #[error("line {line}, column {column}: {problem}")]
    MalformedSdp {
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// What was expected and found.
        problem: String,
    },
    /// The offer is well formed, but cannot be answered.
    #[error("{reason}")]
    Unacceptable {
        /// Why not.
        reason: String,
    },
    /// No such call, or not the caller's.
    #[error("no such call")]
    Unknown,
    /// `If-Match` names another ICE session.
    #[error("the call's ICE session has another entity tag")]
    StaleETag,
    /// The gateway carries as many calls as it may.
    #[error("the gateway is at its limit of {limit} calls")]
    TooManyCalls {
        /// The configured limit.
        limit: usize,
    },
    /// The bearer of a token has as many calls as one may.
    #[error("the token has as many calls as it may: {limit}")]
    TooManyForToken {
        /// The configured limit.
        limit: usize,
    },
    /// The gateway lacks something it needs for another call.
    #[error("no resources for another call: {what}")]
    Exhausted {
        /// What is missing.
        what: String,
    },
    /// The gateway is going down.
    #[error("the gateway is shutting down")]
    ShuttingDown,
}

impl CallError {
    pub(super) fn exhausted(what: &dyn std::fmt::Display) -> Self {
        Self::Exhausted {
            what: what.to_string(),
        }
    }
}
