//! Whose requests are believed.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use stun_codec::IntegrityKey;
use stun_codec::attribute::Userhash;
use stun_codec::credentials::{
    Authenticated, Claim, KeyDerivation, PrepareError, Seal, Server, User, prepare,
};
use zeroize::Zeroizing;

use super::event::LoginError;
use super::operator::Revoked;
use super::secrets::{SharedSecrets, Timed, WallClock};

/// What proves a user: a password, or a key made of one.
#[derive(Clone)]
pub struct Secret(Kind);

#[derive(Clone)]
enum Kind {
    Password(Zeroizing<String>),
    Key(Zeroizing<Vec<u8>>),
}

impl Secret {
    /// A password, of which keys are made as they are asked for.
    ///
    /// # Errors
    /// The password has characters that none can have.
    pub fn password(password: &str) -> Result<Self, PrepareError> {
        let prepared = prepare(password)?.into_owned();
        Ok(Self(Kind::Password(Zeroizing::new(prepared))))
    }

    /// A key as a store keeps it instead of the password: MD5 or SHA-256 of `user:realm:password`, 16 or
    /// 32 bytes. `None` if it is neither.
    #[must_use]
    pub fn key(key: &[u8]) -> Option<Self> {
        let is_key = matches!(key.len(), 16 | 32);
        is_key.then(|| Self(Kind::Key(Zeroizing::new(key.to_vec()))))
    }

    /// The key of a request; `None` where there is none of this kind.
    pub(super) fn key_for(
        &self,
        user: &str,
        realm: &str,
        derivation: KeyDerivation,
    ) -> Option<IntegrityKey> {
        match &self.0 {
            Kind::Password(password) => Some(derivation.key(user, realm, password)),
            Kind::Key(key) => {
                let length = match derivation {
                    KeyDerivation::Md5 => 16,
                    KeyDerivation::Sha256 => 32,
                    _ => return None,
                };
                (key.len() == length).then(|| IntegrityKey::from_bytes(key))
            }
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Where users come from. They are asked for in this order: names that are set here, names that carry
/// their expiry where there are shared secrets, and last the program's own store.
#[derive(Debug, Clone, Default)]
pub struct Credentials {
    users: BTreeMap<Arc<str>, Secret>,
    pub(super) secrets: Option<SharedSecrets>,
    has_store: bool,
}

impl Credentials {
    /// Nobody.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A user and his password.
    ///
    /// # Errors
    /// Name or password have characters that none can have.
    pub fn with_user(self, name: &str, password: &str) -> Result<Self, PrepareError> {
        self.with_secret(name, Secret::password(password)?)
    }

    /// A user, and what proves him.
    ///
    /// # Errors
    /// The name has characters that none can have.
    pub fn with_secret(mut self, name: &str, secret: Secret) -> Result<Self, PrepareError> {
        let name = prepare(name)?;
        self.users.insert(Arc::from(&*name), secret);
        Ok(self)
    }

    /// Users whose names and passwords are made with a shared secret.
    #[must_use]
    pub fn with_shared_secrets(mut self, secrets: SharedSecrets) -> Self {
        self.secrets = Some(secrets);
        self
    }

    /// Users that the program looks up: [`Event::Lookup`](super::Event::Lookup).
    #[must_use]
    pub const fn with_store(mut self) -> Self {
        self.has_store = true;
        self
    }

    /// A server that announces what these can verify, or the algorithms that were chosen.
    pub(super) fn announced_by(&self, plain: &Server, chosen: Option<&[KeyDerivation]>) -> Server {
        let algorithms = chosen.unwrap_or_else(|| self.algorithms());
        let server = plain.clone().with_algorithms(algorithms);
        match self.finds_hashes() {
            true => server.with_userhash(),
            false => server,
        }
    }

    /// The algorithms that there are keys of for everybody, the best first.
    fn algorithms(&self) -> &'static [KeyDerivation] {
        let is_password = |secret: &Secret| matches!(secret.0, Kind::Password(_));
        match !self.has_store && self.users.values().all(is_password) {
            true => &[KeyDerivation::Sha256, KeyDerivation::Md5],
            false => &[KeyDerivation::Md5],
        }
    }

    /// Whether everybody can be found by the hash of his name.
    const fn finds_hashes(&self) -> bool {
        !self.has_store && self.secrets.is_none()
    }

    /// The users' hashes (RFC 8489 §14.4).
    pub(super) fn hashes(&self, realm: &str) -> BTreeMap<[u8; 32], Arc<str>> {
        let names = self.users.keys();
        names
            .map(|name| (Userhash::new(name, realm).0, name.clone()))
            .collect()
    }
}

/// Somebody whose request was believed.
#[derive(Debug, Clone)]
pub(super) struct Identity {
    /// The user name, as it stands in requests.
    pub(super) user: Arc<str>,
    /// Whom quotas count: the name without its expiry.
    pub(super) account: Arc<str>,
    /// When the credential expires.
    pub(super) expires: Option<Instant>,
}

impl Identity {
    pub(super) fn of(user: &str) -> Self {
        let user: Arc<str> = user.into();
        Self {
            account: user.clone(),
            user,
            expires: None,
        }
    }
}

/// Who has sent a request.
pub(super) enum Verdict<'a> {
    Proved(Box<(Authenticated<'a>, Identity)>),
    Wrong(LoginError),
    /// The program must be asked.
    Unknown(&'a str),
}

/// What requests are checked with.
#[derive(Debug)]
pub(super) struct Directory {
    pub(super) credentials: Arc<Credentials>,
    pub(super) hashes: BTreeMap<[u8; 32], Arc<str>>,
    pub(super) realm: Arc<str>,
    pub(super) clock: Option<WallClock>,
    pub(super) revoked: Revoked,
}

impl Directory {
    pub(super) fn judge<'a>(&self, now: Instant, claim: &Claim<'a>) -> Verdict<'a> {
        let name = match claim.user() {
            User::Name(name) => name,
            User::Hash(hash) => {
                return match self.hashes.get(&hash.0) {
                    Some(name) => self.judge_static(claim, name),
                    None => Verdict::Wrong(LoginError::UnknownUser),
                };
            }
        };
        if self.credentials.users.contains_key(name) {
            return self.judge_static(claim, name);
        }
        let secrets = self.credentials.secrets.as_ref();
        match secrets.zip(Timed::read(name)) {
            Some((secrets, timed)) => self.judge_timed(now, claim, name, secrets, &timed),
            None if self.credentials.has_store => Verdict::Unknown(name),
            None => Verdict::Wrong(LoginError::UnknownUser),
        }
    }

    fn judge_static<'a>(&self, claim: &Claim<'a>, name: &str) -> Verdict<'a> {
        let secret = self.credentials.users.get(name);
        judge_with(claim, name, &self.realm, secret)
    }

    fn judge_timed<'a>(
        &self,
        now: Instant,
        claim: &Claim<'a>,
        name: &str,
        secrets: &SharedSecrets,
        timed: &Timed<'_>,
    ) -> Verdict<'a> {
        let mut keys = secrets.keys(name, &self.realm, claim.derivation());
        let Some(proved) = keys.find_map(|key| claim.prove(key).ok()) else {
            return Verdict::Wrong(LoginError::WrongPassword);
        };
        if self.revoked.contains(now, name) {
            return Verdict::Wrong(LoginError::Revoked);
        }
        let clock = self.clock.as_ref();
        match clock.and_then(|clock| clock.instant_of(now, timed.expires)) {
            None => Verdict::Wrong(LoginError::Expired),
            expires => {
                let identity = Identity {
                    user: name.into(),
                    account: timed.name.into(),
                    expires,
                };
                Verdict::Proved(Box::new((proved, identity)))
            }
        }
    }
}

/// Checks a request with what its user is known to have, if he is known.
pub(super) fn judge_with<'a>(
    claim: &Claim<'a>,
    name: &str,
    realm: &str,
    secret: Option<&Secret>,
) -> Verdict<'a> {
    let Some(secret) = secret else {
        return Verdict::Wrong(LoginError::UnknownUser);
    };
    let key = secret.key_for(name, realm, claim.derivation());
    match key.and_then(|key| claim.prove(key).ok()) {
        Some(proved) => Verdict::Proved(Box::new((proved, Identity::of(name)))),
        None => Verdict::Wrong(LoginError::WrongPassword),
    }
}

/// Whose an allocation is, and the key that proved it.
#[derive(Debug)]
pub(super) struct Owner {
    pub(super) identity: Identity,
    pub(super) seal: Seal,
    pub(super) derivation: KeyDerivation,
}

impl Owner {
    /// Checks a later request with the key that served before.
    pub(super) fn prove<'a>(&self, claim: &Claim<'a>) -> Option<Authenticated<'a>> {
        let is_same = matches!(claim.user(), User::Name(name) if *name == *self.identity.user);
        if !is_same || claim.derivation() != self.derivation {
            return None;
        }
        claim.prove(self.seal.key().clone()).ok()
    }
}
