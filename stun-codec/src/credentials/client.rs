//! The client's side of the long-term mechanism (RFC 8489 §9.2.3, §9.2.5).

use core::fmt;

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use zeroize::Zeroizing;

use super::{KeyDerivation, PrepareError, SecurityFeatures, prepare};
use crate::attribute::{ErrorCode, Nonce, PasswordAlgorithms, Realm, Userhash, Username};
use crate::builder::Sealed;
use crate::{
    Algorithm, AttributeType, Builder, Class, DecodeError, IntegrityKey, Message, RawAttribute,
    VerifyError,
};

/// How many times in a row a server may call a nonce stale.
const STALE_IN_A_ROW: u8 = 3;

/// The most bytes a USERNAME may have (RFC 8489 §14.3).
const USERNAME_LIMIT: usize = 508;

/// A user's credentials for one server, and what that server has said about itself.
///
/// For each request: [`seal`](Self::seal) it. For each response: [`check`](Self::check) it, before the
/// transaction is told. For each error response that counts: [`handle_error`](Self::handle_error); where
/// it says [`Verdict::Retry`], seal the request again under a new transaction id.
///
/// ```
/// # use bytes::BytesMut;
/// # use stun_codec::credentials::{Client, Verdict};
/// # use stun_codec::{Builder, Class, Message, Method, TransactionId};
/// # fn ask(_: &[u8]) -> Vec<u8> { vec![] }
/// # fn random() -> TransactionId { TransactionId([7; 12]) }
/// fn allocate(client: &mut Client) -> Option<()> {
///     loop {
///         let mut out = BytesMut::new();
///         let request = Builder::request(&mut out, Method::ALLOCATE, random());
///         let request = client.seal(request).fingerprint().ok()?;
///         let answer = ask(&out[request]);
///         let answer = client.check(&Message::parse(&answer).ok()?).ok()?;
///         if answer.class() == Class::Success {
///             return Some(());
///         }
///         match client.handle_error(&answer) {
///             Verdict::Retry => {}
///             Verdict::Final(cause) => {
///                 eprintln!("{cause}");
///                 return None;
///             }
///         }
///     }
/// }
/// ```
pub struct Client {
    username: String,
    password: Zeroizing<String>,
    /// Nothing yet: the first request goes without credentials (RFC 8489 §9.2.3.1).
    server: Option<Known>,
    /// How many times in a row a nonce was called stale.
    stale: u8,
    /// Whether the realm has changed since the last request that was granted.
    realm_changed: bool,
}

/// What a server has said about itself.
struct Known {
    realm: String,
    nonce: Vec<u8>,
    /// The value of its PASSWORD-ALGORITHMS, and what was chosen from them.
    algorithms: Option<(Vec<u8>, KeyDerivation)>,
    /// In place of the name, where the server takes it.
    userhash: Option<Userhash>,
    key: IntegrityKey,
}

/// What to do about an error response.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// Seal the request again, with a new transaction id, and send it.
    Retry,
    /// It will not be granted.
    Final(Cause),
}

/// Why a request will not be granted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Cause {
    /// An error that has nothing to do with credentials.
    #[error("refused: {code} {reason}")]
    Refused {
        /// 300 to 699.
        code: u16,
        /// For people only.
        reason: String,
    },
    /// The server does not know this name with this password.
    #[error("wrong username or password for realm {realm:?}")]
    WrongCredentials {
        /// The server's realm.
        realm: String,
    },
    /// The server changes its realm with each answer.
    #[error("the realm was {before:?} and is {now:?}")]
    RealmChanged {
        /// The realm of the request.
        before: String,
        /// The realm of the answer.
        now: String,
    },
    /// The server calls each nonce stale, those that it has just sent too.
    #[error("the server called {0} nonces in a row stale")]
    StaleNonces(u8),
    /// Somebody on the way has taken the list of algorithms out (RFC 8489 §9.2.1, §9.2.5).
    #[error("the list of password algorithms is missing: somebody may have removed it")]
    BidDown,
    /// The server takes none of the algorithms that are known here.
    #[error("no password algorithm in common")]
    NoCommonAlgorithm,
    /// A 401 or 438 without realm or nonce, or an error without a code.
    #[error("the error response has no {0}")]
    Missing(AttributeType),
    /// A value in the error response that is not what its type says.
    #[error(transparent)]
    Malformed(#[from] DecodeError),
    /// The realm has characters that none can have.
    #[error("the realm: {0}")]
    Realm(#[source] PrepareError),
}

/// Why a response must be as if it had never come (RFC 8489 §9.2.5). Over a stream the transaction ends,
/// for there is nobody else who could answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unacceptable {
    /// It is not protected, or not with this password.
    #[error(transparent)]
    Unproved(#[from] VerifyError),
    /// It is protected with HMAC-SHA1 where SHA-256 was agreed.
    #[error("protected with HMAC-SHA1, and HMAC-SHA256 was agreed")]
    Weaker,
    /// Its nonce announces a list of algorithms, and there is none.
    #[error("the list of password algorithms is missing")]
    BidDown,
}

impl Client {
    /// Credentials as the user typed them; they are prepared here.
    ///
    /// # Errors
    ///
    /// They cannot be prepared, or the name is too long.
    pub fn new(username: &str, password: &str) -> Result<Self, PrepareError> {
        let username = prepare(username)?.into_owned();
        if username.len() > USERNAME_LIMIT {
            return Err(PrepareError::TooLong {
                length: username.len(),
                limit: USERNAME_LIMIT,
            });
        }
        Ok(Self {
            username,
            password: Zeroizing::new(prepare(password)?.into_owned()),
            server: None,
            stale: 0,
            realm_changed: false,
        })
    }

    /// The name, prepared.
    #[must_use]
    pub fn username(&self) -> &str {
        &self.username
    }

    /// The server's realm, once it has told it.
    #[must_use]
    pub fn realm(&self) -> Option<&str> {
        self.server.as_ref().map(|known| known.realm.as_str())
    }

    /// What the key is made with, once the server has said what it takes.
    #[must_use]
    pub fn key_derivation(&self) -> Option<KeyDerivation> {
        self.server.as_ref().map(Known::derivation)
    }

    /// Adds what the server must see of the credentials, and the integrity attribute
    /// (RFC 8489 §9.2.3.2). Nothing as long as the server has not asked for it.
    pub fn seal<'b>(&self, request: Builder<'b>) -> Sealed<'b> {
        let Some(known) = &self.server else {
            return Sealed::without_integrity(request);
        };
        let request = match &known.userhash {
            Some(userhash) => request.attribute(userhash),
            None => request.attribute(&Username(&self.username)),
        };
        let request = request
            .attribute(&Realm(&known.realm))
            .attribute(&Nonce(&known.nonce));
        match &known.algorithms {
            None => request.integrity(&known.key),
            Some((list, chosen)) => request
                .attribute(&RawAttribute {
                    attribute_type: AttributeType::PASSWORD_ALGORITHMS,
                    value: list,
                })
                .attribute(&chosen.attribute())
                .integrity_sha256(&known.key),
        }
    }

    /// Whether a response counts. What does not must not end its transaction.
    ///
    /// # Errors
    ///
    /// Why it must be as if it had never come.
    pub fn check<'a>(&mut self, response: &Message<'a>) -> Result<Message<'a>, Unacceptable> {
        let code = response.attribute::<ErrorCode<'_>>().ok().flatten();
        let code = code.map(|error| error.code);
        if matches!(
            code,
            Some(UNAUTHENTICATED | STALE_NONCE) if response.class() == Class::Error
        ) {
            // The server may be unable to protect these; `handle_error` looks at them closely.
            return Ok(*response);
        }
        if announces_algorithms(response) && !response.contains(AttributeType::PASSWORD_ALGORITHMS)
        {
            return Err(Unacceptable::BidDown);
        }
        let Some(known) = &self.server else {
            return Ok(*response);
        };
        let verified = response.verify(&known.key)?;
        if known.algorithms.is_some() && verified.algorithm() != Algorithm::HmacSha256 {
            return Err(Unacceptable::Weaker);
        }
        if response.class() == Class::Success {
            self.stale = 0;
            self.realm_changed = false;
        }
        Ok(verified.message())
    }

    /// What to do about an error response that counts.
    pub fn handle_error(&mut self, response: &Message<'_>) -> Verdict {
        match self.try_handle_error(response) {
            Ok(()) => Verdict::Retry,
            Err(cause) => Verdict::Final(cause),
        }
    }

    fn try_handle_error(&mut self, response: &Message<'_>) -> Result<(), Cause> {
        let error = response
            .attribute::<ErrorCode<'_>>()?
            .ok_or(Cause::Missing(AttributeType::ERROR_CODE))?;
        if !matches!(error.code, UNAUTHENTICATED | STALE_NONCE) {
            return Err(Cause::Refused {
                code: error.code,
                reason: error.reason.to_owned(),
            });
        }
        let answered = self.read_challenge(response, error.code)?;
        if let Some(known) = &self.server {
            self.allow_retry(known, &answered, error.code)?;
            self.realm_changed |= known.realm != answered.realm;
        }
        if error.code == STALE_NONCE {
            self.stale += 1;
        }
        self.server = Some(answered);
        Ok(())
    }

    /// Whether a request that had credentials may be tried once more.
    fn allow_retry(&self, known: &Known, answered: &Known, code: u16) -> Result<(), Cause> {
        // Once there was a list there always is one (RFC 8489 §9.2.5, last paragraph).
        if known.algorithms.is_some() && answered.algorithms.is_none() {
            return Err(Cause::BidDown);
        }
        if known.realm != answered.realm && self.realm_changed {
            return Err(Cause::RealmChanged {
                before: known.realm.clone(),
                now: answered.realm.clone(),
            });
        }
        // RFC 8489 §9.2.5: not again with the same name, realm and password.
        if code == UNAUTHENTICATED && known.realm == answered.realm {
            return Err(Cause::WrongCredentials {
                realm: known.realm.clone(),
            });
        }
        if code == STALE_NONCE && self.stale >= STALE_IN_A_ROW {
            return Err(Cause::StaleNonces(self.stale));
        }
        Ok(())
    }

    /// What a 401 or 438 says about its server.
    fn read_challenge(&self, response: &Message<'_>, code: u16) -> Result<Known, Cause> {
        let nonce = response
            .attribute::<Nonce<'_>>()?
            .ok_or(Cause::Missing(AttributeType::NONCE))?;
        let features = SecurityFeatures::of_nonce(nonce.0).unwrap_or_default();
        let realm = match (response.attribute::<Realm<'_>>()?, &self.server) {
            (Some(realm), _) => realm.0.to_owned(),
            // Old servers leave it out where it is known.
            (None, Some(known)) if code == STALE_NONCE => known.realm.clone(),
            (None, _) => return Err(Cause::Missing(AttributeType::REALM)),
        };
        let list = response.attribute::<PasswordAlgorithms<'_>>()?;
        let chosen = match list {
            None if features.contains(SecurityFeatures::PASSWORD_ALGORITHMS) => {
                return Err(Cause::BidDown);
            }
            None => None,
            Some(list) => Some(
                list.iter()
                    .find_map(KeyDerivation::of)
                    .ok_or(Cause::NoCommonAlgorithm)?,
            ),
        };
        let prepared = prepare(&realm).map_err(Cause::Realm)?;
        let derivation = chosen.unwrap_or(KeyDerivation::Md5);
        let key = derivation.key(&self.username, &prepared, &self.password);
        let userhash = features
            .contains(SecurityFeatures::USERNAME_ANONYMITY)
            .then(|| Userhash::new(&self.username, &prepared));
        let value = response
            .attributes()
            .find(|raw| raw.attribute_type == AttributeType::PASSWORD_ALGORITHMS);
        Ok(Known {
            nonce: nonce.0.to_vec(),
            algorithms: chosen
                .zip(value)
                .map(|(chosen, raw)| (raw.value.to_vec(), chosen)),
            userhash,
            key,
            realm,
        })
    }
}

impl Known {
    fn derivation(&self) -> KeyDerivation {
        self.algorithms
            .as_ref()
            .map_or(KeyDerivation::Md5, |(_, chosen)| *chosen)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("username", &self.username)
            .field("realm", &self.realm())
            .finish_non_exhaustive()
    }
}

const UNAUTHENTICATED: u16 = ErrorCode::UNAUTHENTICATED.code;
const STALE_NONCE: u16 = ErrorCode::STALE_NONCE.code;

/// Whether the nonce of a message says that there is a list of algorithms.
fn announces_algorithms(message: &Message<'_>) -> bool {
    message
        .attribute::<Nonce<'_>>()
        .ok()
        .flatten()
        .and_then(|nonce| SecurityFeatures::of_nonce(nonce.0))
        .is_some_and(|features| features.contains(SecurityFeatures::PASSWORD_ALGORITHMS))
}
