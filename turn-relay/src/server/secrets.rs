//! Credentials that a web service makes and the server checks, with a secret that both know.
//!
//! The user name is the time when it expires, in seconds since 1970, and mostly a colon and a name; the
//! password is the base64 of HMAC-SHA1 of the user name with the secret. It is what coturn calls
//! `use-auth-secret`.

use std::fmt;
use std::time::{Duration, Instant, SystemTime};

use stun_codec::IntegrityKey;
use stun_codec::credentials::KeyDerivation;
use zeroize::Zeroizing;

use super::crypto;

/// One or two secrets shared with whoever hands out credentials. The second one serves while the first
/// is being replaced.
#[derive(Clone)]
pub struct SharedSecrets {
    first: Zeroizing<Vec<u8>>,
    second: Option<Zeroizing<Vec<u8>>>,
}

/// What the owner of a secret hands to a client.
#[derive(Clone)]
pub struct Issued {
    /// When it expires, and for whom it is.
    pub username: String,
    /// The password.
    pub password: Zeroizing<String>,
}

impl fmt::Debug for Issued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Issued({:?})", self.username)
    }
}

impl SharedSecrets {
    /// With one secret.
    #[must_use]
    pub fn new(secret: &[u8]) -> Self {
        Self {
            first: Zeroizing::new(secret.to_vec()),
            second: None,
        }
    }

    /// Another one that is taken as well.
    #[must_use]
    pub fn with_second(mut self, secret: &[u8]) -> Self {
        self.second = Some(Zeroizing::new(secret.to_vec()));
        self
    }

    /// Makes a credential that lasts until `expires`, with the first secret.
    #[must_use]
    pub fn issue(&self, name: &str, expires: SystemTime) -> Issued {
        let seconds = expires.duration_since(SystemTime::UNIX_EPOCH);
        let username = format!("{}:{name}", seconds.unwrap_or_default().as_secs());
        let password = crypto::hmac_sha1_base64(&self.first, &username);
        Issued { username, password }
    }

    /// The keys that a request of this user may be made with.
    pub(super) fn keys(
        &self,
        username: &str,
        realm: &str,
        derivation: KeyDerivation,
    ) -> impl Iterator<Item = IntegrityKey> {
        let secrets = [Some(&self.first), self.second.as_ref()];
        secrets.into_iter().flatten().map(move |secret| {
            let password = crypto::hmac_sha1_base64(secret, username);
            derivation.key(username, realm, &password)
        })
    }
}

impl fmt::Debug for SharedSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = 1 + usize::from(self.second.is_some());
        write!(f, "SharedSecrets({count})")
    }
}

/// A user name that says when it expires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Timed<'a> {
    /// Since 1970.
    pub(super) expires: Duration,
    /// What stands behind the colon, or the whole where there is none.
    pub(super) name: &'a str,
}

impl<'a> Timed<'a> {
    pub(super) fn read(username: &'a str) -> Option<Self> {
        let (digits, name) = match username.split_once(':') {
            Some((digits, "")) => (digits, username),
            Some((digits, name)) => (digits, name),
            None => (username, username),
        };
        let is_number = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
        let seconds = digits.parse().ok().filter(|_| is_number)?;
        let expires = Duration::from_secs(seconds);
        Some(Self { expires, name })
    }
}

/// The time of the day, as told once beside an [`Instant`].
#[derive(Debug, Clone, Copy)]
pub(super) struct WallClock {
    /// Since 1970, at `origin`.
    time: Duration,
    origin: Instant,
}

impl WallClock {
    pub(super) fn new(now: Instant, time: SystemTime) -> Self {
        let time = time.duration_since(SystemTime::UNIX_EPOCH);
        Self {
            time: time.unwrap_or_default(),
            origin: now,
        }
    }

    /// When that time of the day is; `None` if it is over.
    pub(super) fn instant_of(&self, now: Instant, time: Duration) -> Option<Instant> {
        let present = self.time + now.saturating_duration_since(self.origin);
        let left = time.checked_sub(present).filter(|left| !left.is_zero())?;
        // So far away that it cannot be said is never.
        Some(now.checked_add(left).unwrap_or(now + FAR))
    }
}

/// A century.
const FAR: Duration = Duration::from_secs(100 * 365 * 86_400);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_and_without_a_colon() {
        let timed = |expires, name| {
            let expires = Duration::from_secs(expires);
            Some(Timed { expires, name })
        };
        assert_eq!(
            Timed::read("1433895918:alice"),
            timed(1_433_895_918, "alice")
        );
        assert_eq!(Timed::read("12:a:b"), timed(12, "a:b"));
        assert_eq!(
            Timed::read("1433895918"),
            timed(1_433_895_918, "1433895918")
        );
        assert_eq!(Timed::read("12:"), timed(12, "12:"));
        for name in ["alice", ":alice", "", "+12:alice", "99999999999999999999:a"] {
            assert_eq!(Timed::read(name), None, "{name}");
        }
    }

    #[test]
    fn the_password_is_that_of_everybody_else() {
        // openssl dgst -sha1 -hmac north -binary | base64
        let until = SystemTime::UNIX_EPOCH + Duration::from_secs(1_433_895_918);
        let issued = SharedSecrets::new(b"north").issue("alice", until);
        assert_eq!(issued.username, "1433895918:alice");
        assert_eq!(*issued.password, PASSWORD);
    }

    const PASSWORD: &str = "RqMvcGPYTJMGThVLSi4amT4zFtI=";
}
