//! Digest access authentication towards the SIP server (RFC 3261 §22, RFC 7616, RFC 8760).
//!
//! The SIP library repeats a challenged request, but knows MD5 alone under the names of today, and
//! counts no nonces. So it does the mechanics only: it is given an empty password, and every message
//! passes a [`Keeper`], which reads the challenges, keeps them by call, and writes the credentials.
//! The password never leaves this module.
//!
//! - [`challenge`]: what a server asks; SHA-256 is preferred to MD5.
//! - [`answer`]: the computation.
//! - [`keeper`]: what is remembered of a call, and the passage of messages.
//!
//! Only the realm that challenged the INVITE is answered in a call. A phone behind the server that
//! challenges, say, our BYE for a realm of its own would get a hash of the password to guess at.

mod answer;
mod challenge;
mod keeper;

use std::fmt;

use zeroize::Zeroizing;

pub(super) use keeper::{Keeper, Problem, Ticket};

/// A user and password for the SIP server. `Debug` hides the password.
#[derive(Clone)]
pub struct Credentials {
    user: String,
    password: Zeroizing<String>,
}

impl Credentials {
    /// Checks a user and a password. Empty is allowed for the password alone.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn new(user: &str, password: &str) -> Result<Self, &'static str> {
        // Both stand in quoted strings or are hashed as they are (RFC 7616 §3.4).
        let quotable = |c: char| !c.is_control() && c != '"' && c != '\\';
        if user.is_empty() || !user.chars().all(quotable) {
            return Err("the user is empty, or has quotes, backslashes or control characters");
        }
        if user.contains(':') {
            return Err("the user has a colon");
        }
        if password.chars().any(char::is_control) {
            return Err("the password has control characters");
        }
        Ok(Self {
            user: user.to_owned(),
            password: Zeroizing::new(password.to_owned()),
        })
    }

    /// The user.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_sent_is_refused_and_the_password_is_not_shown() {
        for (user, password) in [("", "x"), ("a\"", "x"), ("a:b", "x"), ("a", "x\n")] {
            assert!(Credentials::new(user, password).is_err(), "{user}");
        }
        let shown = format!("{:?}", Credentials::new("alice", "hunter2").unwrap());
        assert!(shown.contains("alice") && !shown.contains("hunter2"));
    }
}
