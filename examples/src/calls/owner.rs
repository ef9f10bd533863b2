//! Whose a call is.

use std::sync::Arc;

/// Who began a call, and so who alone may change, end or follow it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Owner {
    /// Nobody in particular: the gateway takes calls without a token. All such callers are one
    /// owner; what keeps them apart is that call ids cannot be guessed.
    Anonymous,
    /// The bearer of the token of this name.
    Token(Arc<str>),
}
