//! Our credentials at one server, for requests that are under way side by side.
//!
//! The engine of `stun-codec` knows one request at a time. Here several may be refused with the same
//! stale nonce: only the first of them brings news.

use stun_codec::credentials::{self, Client, PrepareError, Unacceptable, Verdict};
use stun_codec::{Builder, EncodeError, Message, Sealed};

use super::config::Credentials;
use super::event::Cause;

#[derive(Debug)]
pub(super) struct Login {
    client: Client,
    /// Counts what the server has told about itself.
    edition: u32,
    /// The realm in which the server has proved to know the password.
    proved: Option<String>,
}

impl Login {
    pub(super) fn new(credentials: &Credentials) -> Result<Self, PrepareError> {
        Ok(Self {
            client: Client::new(&credentials.username, &credentials.password)?,
            edition: 0,
            proved: None,
        })
    }

    /// What requests are sealed with now; to be told with their answer.
    pub(super) fn edition(&self) -> u32 {
        self.edition
    }

    pub(super) fn seal<'b>(&self, request: Builder<'b>) -> Sealed<'b> {
        self.client.seal(request)
    }

    /// Whether a response counts (RFC 8489 §9.2.5).
    pub(super) fn check(&mut self, response: &Message<'_>) -> Result<(), Unacceptable> {
        self.client.check(response)?;
        if self.proved.is_none() && response.class() == stun_codec::Class::Success {
            self.proved = self.client.realm().map(str::to_owned);
        }
        Ok(())
    }

    /// Whether a request sealed with `edition` and refused by 401 or 438 is tried again.
    pub(super) fn try_again(&mut self, edition: u32, refusal: &Message<'_>) -> Result<(), Cause> {
        if edition != self.edition {
            return Ok(());
        }
        match self.client.handle_error(refusal) {
            Verdict::Retry => {
                self.edition = self.edition.wrapping_add(1);
                Ok(())
            }
            Verdict::Final(cause) => Err(self.cause(cause)),
        }
    }

    fn cause(&self, cause: credentials::Cause) -> Cause {
        use credentials::Cause as C;
        match cause {
            C::Refused { code, reason } => Cause::Refused { code, reason },
            C::WrongCredentials { realm } => match &self.proved {
                Some(proved) if *proved != realm => Cause::RealmMismatch {
                    expected: proved.clone(),
                    found: realm,
                },
                _ => Cause::WrongPassword { realm },
            },
            C::RealmChanged { before, now } => Cause::RealmMismatch {
                expected: before,
                found: now,
            },
            C::StaleNonces(_) => Cause::StaleNonceLoop,
            C::BidDown => Cause::BidDown,
            C::NoCommonAlgorithm => Cause::NoCommonAlgorithm,
            _ => Cause::BadAnswer("a request without credentials"),
        }
    }
}

/// Closes a request, with credentials where there are any.
pub(super) fn close(login: Option<&Login>, request: Builder<'_>) -> Result<(), EncodeError> {
    match login {
        Some(login) => login.seal(request).finish(),
        None => request.finish(),
    }
    .map(drop)
}
