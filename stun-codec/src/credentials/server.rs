//! The server's side of the long-term mechanism (RFC 8489 §9.2.4).

use core::fmt;
use core::net::{IpAddr, SocketAddr};
use core::ops::Range;
use std::time::{Duration, Instant};

use alloc::string::String;
use alloc::vec::Vec;

use bytes::BytesMut;
use zeroize::Zeroizing;

use super::claim::{Authenticated, Claim, User};
use super::features::PREFIX;
use super::{KeyDerivation, PrepareError, SecurityFeatures, prepare};
use crate::attribute::{
    ErrorCode, Nonce, PasswordAlgorithm, PasswordAlgorithms, Realm, Userhash, Username,
};
use crate::crypto;
use crate::{AttributeType, Builder, DecodeError, IntegrityKey, Message};

/// Time and proof, in hexadecimal digits.
const TIME: usize = 8;
const PROOF: usize = 32;
const NONCE: usize = PREFIX + TIME + PROOF;

/// RFC 8656 §5: a nonce should not serve for longer.
const LIFETIME: Duration = Duration::from_secs(3600);

/// Checks requests. It keeps nothing of any client, so one may be copied to each worker.
///
/// What it announces is what the caller's store of credentials can verify: MD5 keys alone unless
/// [`with_algorithms`](Self::with_algorithms) says more, names alone unless
/// [`with_userhash`](Self::with_userhash) says that hashes can be looked up.
#[derive(Clone)]
pub struct Server {
    realm: String,
    algorithms: Vec<KeyDerivation>,
    /// The list as it stands in the attribute; empty where there is none.
    list: Vec<PasswordAlgorithm<'static>>,
    features: SecurityFeatures,
    lifetime: Duration,
    seed: Zeroizing<[u8; 32]>,
    origin: Instant,
}

/// Why a request is refused, and what its client is to be told.
#[derive(Clone)]
pub struct Challenge<'s> {
    error: ErrorCode<'static>,
    /// For all but a bad request.
    invitation: Option<Invitation<'s>>,
}

#[derive(Clone)]
struct Invitation<'s> {
    server: &'s Server,
    nonce: [u8; NONCE],
}

impl Challenge<'_> {
    const BAD_REQUEST: Self = Self {
        error: ErrorCode::BAD_REQUEST,
        invitation: None,
    };

    /// 400, 401 or 438.
    #[must_use]
    pub const fn error(&self) -> ErrorCode<'static> {
        self.error
    }

    /// Appends the error response, and says where it stands; `None` where the realm is so long that
    /// none can be written.
    #[must_use]
    pub fn write(&self, request: &Message<'_>, out: &mut BytesMut) -> Option<Range<usize>> {
        let mut response = Builder::error(out, request).attribute(&self.error);
        if let Some(Invitation { server, nonce }) = &self.invitation {
            response = response
                .attribute(&Realm(&server.realm))
                .attribute(&Nonce(nonce));
            if !server.list.is_empty() {
                response = response.attribute(&PasswordAlgorithms::from(&server.list[..]));
            }
        }
        let written = if request.has_fingerprint() {
            response.fingerprint()
        } else {
            response.finish()
        };
        written.ok()
    }
}

impl fmt::Debug for Challenge<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Challenge({})", self.error)
    }
}

impl Server {
    /// A server for users of this realm. Nonces count their time from `now`; the seed must be random
    /// and secret. Workers that must take each other's nonces get copies.
    ///
    /// # Errors
    ///
    /// The realm cannot be prepared.
    pub fn new(now: Instant, seed: [u8; 32], realm: &str) -> Result<Self, PrepareError> {
        Ok(Self {
            realm: prepare(realm)?.into_owned(),
            algorithms: [KeyDerivation::Md5].into(),
            list: Vec::new(),
            features: SecurityFeatures::NONE,
            lifetime: LIFETIME,
            seed: Zeroizing::new(seed),
            origin: now,
        })
    }

    /// The algorithms that the store of credentials has keys of, the best first. A store with passwords
    /// has all: SHA-256, then MD5 for old clients.
    #[must_use]
    pub fn with_algorithms(mut self, algorithms: &[KeyDerivation]) -> Self {
        self.algorithms = algorithms.to_vec();
        self.list = match algorithms {
            // All that those know who send no list.
            [KeyDerivation::Md5] => Vec::new(),
            list => list.iter().map(|known| known.attribute()).collect(),
        };
        if !self.list.is_empty() {
            self.features = self.features | SecurityFeatures::PASSWORD_ALGORITHMS;
        }
        self
    }

    /// The store of credentials finds users by the hash of their name, too.
    #[must_use]
    pub fn with_userhash(mut self) -> Self {
        self.features = self.features | SecurityFeatures::USERNAME_ANONYMITY;
        self
    }

    /// How long a nonce serves; an hour by default.
    #[must_use]
    pub const fn with_nonce_lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// The realm, prepared: what keys and hashes are made with.
    #[must_use]
    pub fn realm(&self) -> &str {
        &self.realm
    }

    /// Checks a request that came from `from` (RFC 8489 §9.2.4). `lookup` hands over a user's key, if it
    /// has one that is made in the way asked for.
    ///
    /// # Errors
    ///
    /// What to answer instead.
    pub fn check<'a>(
        &self,
        request: &Message<'a>,
        from: SocketAddr,
        now: Instant,
        lookup: impl FnOnce(User<'a>, KeyDerivation) -> Option<IntegrityKey>,
    ) -> Result<Authenticated<'a>, Challenge<'_>> {
        let claim = self.claim(request, from, now)?;
        let key = lookup(claim.user, claim.derivation);
        let proved = key.and_then(|key| claim.prove(key).ok());
        let Some(authenticated) = proved else {
            return Err(self.invite(ErrorCode::UNAUTHENTICATED, from, now));
        };
        if !claim.is_fresh {
            return Err(self.invite(ErrorCode::STALE_NONCE, from, now));
        }
        Ok(authenticated)
    }

    /// The first half of [`check`](Self::check), for a server that must ask elsewhere for the key: who
    /// the request says it is from, and whether its nonce is one that was sent to `from`.
    ///
    /// # Errors
    ///
    /// What to answer instead: it has no credentials, or not all of them.
    pub fn claim<'a>(
        &self,
        request: &Message<'a>,
        from: SocketAddr,
        now: Instant,
    ) -> Result<Claim<'a>, Challenge<'_>> {
        if !request.contains(AttributeType::MESSAGE_INTEGRITY)
            && !request.contains(AttributeType::MESSAGE_INTEGRITY_SHA256)
        {
            return Err(self.invite(ErrorCode::UNAUTHENTICATED, from, now));
        }
        let said = Said::read(request).map_err(|_| Challenge::BAD_REQUEST)?;
        let said = said.ok_or(Challenge::BAD_REQUEST)?;
        let derivation = self.derivation(&said).ok_or(Challenge::BAD_REQUEST)?;
        Ok(Claim {
            request: *request,
            user: said.user,
            derivation,
            is_explicit: said.algorithm.is_some(),
            is_fresh: self.is_fresh(said.nonce, from, now),
        })
    }

    /// 401 with a nonce for this address: nobody with this name and password is known.
    #[must_use]
    pub fn unauthenticated(&self, from: SocketAddr, now: Instant) -> Challenge<'_> {
        self.invite(ErrorCode::UNAUTHENTICATED, from, now)
    }

    /// 438 with a nonce for this address.
    #[must_use]
    pub fn stale(&self, from: SocketAddr, now: Instant) -> Challenge<'_> {
        self.invite(ErrorCode::STALE_NONCE, from, now)
    }

    /// How the key of the request is made: as it says, if it may (RFC 8489 §9.2.4, third item). The
    /// attributes are looked at whatever the nonce says: whoever changed its bits is found out here.
    fn derivation(&self, said: &Said<'_>) -> Option<KeyDerivation> {
        let derivation = match (said.algorithm, said.algorithms) {
            (None, None) => KeyDerivation::Md5,
            (Some(chosen), Some(list)) => {
                let same = list.iter().eq(self.list.iter().copied());
                KeyDerivation::of(chosen).filter(|_| same)?
            }
            _ => return None,
        };
        // A store without MD5 keys has none for an old client: it will not find one.
        let is_known = said.algorithm.is_none() || self.algorithms.contains(&derivation);
        is_known.then_some(derivation)
    }

    fn invite(&self, error: ErrorCode<'static>, from: SocketAddr, now: Instant) -> Challenge<'_> {
        Challenge {
            error,
            invitation: Some(Invitation {
                server: self,
                nonce: self.nonce(from, self.seconds(now)),
            }),
        }
    }

    fn seconds(&self, now: Instant) -> u32 {
        let passed = now.saturating_duration_since(self.origin).as_secs();
        u32::try_from(passed).unwrap_or(u32::MAX)
    }

    /// The nonce for an address at a time: features, time, and the proof that it is ours.
    fn nonce(&self, from: SocketAddr, seconds: u32) -> [u8; NONCE] {
        let prefix = self.features.prefix();
        let time = seconds.to_be_bytes();
        let ip = match from.ip() {
            IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
            IpAddr::V6(ip) => ip.octets(),
        };
        let port = from.port().to_be_bytes();
        // The secret changes with every period in which nonces die.
        let period = u64::from(seconds) / self.lifetime.as_secs().max(1);
        let secret = crypto::hmac_sha256(&*self.seed, &[&period.to_be_bytes()]);
        let proof = crypto::hmac_sha256(&secret, &[&prefix, &time, &ip, &port]);
        let mut nonce = [0; NONCE];
        let digits = time.into_iter().chain(proof).flat_map(hexadecimal);
        nonce
            .iter_mut()
            .zip(prefix.into_iter().chain(digits))
            .for_each(|(place, byte)| *place = byte);
        nonce
    }

    /// Whether a nonce is one of ours for this address, and not too old.
    fn is_fresh(&self, nonce: &[u8], from: SocketAddr, now: Instant) -> bool {
        let time = nonce
            .get(PREFIX..PREFIX + TIME)
            .and_then(|digits| core::str::from_utf8(digits).ok())
            .and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let Some(time) = time else { return false };
        let age = self.seconds(now).checked_sub(time);
        age.is_some_and(|age| Duration::from_secs(age.into()) <= self.lifetime)
            && crypto::equal(&self.nonce(from, time), nonce)
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("realm", &self.realm)
            .field("algorithms", &self.algorithms)
            .field("features", &self.features)
            .field("lifetime", &self.lifetime)
            .finish_non_exhaustive()
    }
}

/// What a request says of its credentials.
struct Said<'a> {
    user: User<'a>,
    nonce: &'a [u8],
    algorithm: Option<PasswordAlgorithm<'a>>,
    algorithms: Option<PasswordAlgorithms<'a>>,
}

impl<'a> Said<'a> {
    /// `None` where something is missing.
    fn read(request: &Message<'a>) -> Result<Option<Self>, DecodeError> {
        let name = request.attribute::<Username<'_>>()?;
        let hash = request.attribute::<Userhash>()?;
        let user = match (name, hash) {
            (Some(name), None) => User::Name(name.0),
            (None, Some(hash)) => User::Hash(hash),
            _ => return Ok(None),
        };
        let realm = request.attribute::<Realm<'_>>()?;
        let nonce = request.attribute::<Nonce<'_>>()?;
        let algorithm = request.attribute()?;
        let algorithms = request.attribute()?;
        Ok(realm.zip(nonce).map(|(_, nonce)| Self {
            user,
            nonce: nonce.0,
            algorithm,
            algorithms,
        }))
    }
}

fn hexadecimal(byte: u8) -> [u8; 2] {
    [byte >> 4, byte & 0xf].map(|digit| match digit {
        0..=9 => b'0' + digit,
        _ => b'a' + digit - 10,
    })
}
