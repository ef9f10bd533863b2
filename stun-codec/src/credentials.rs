//! The long-term mechanism (RFC 8489 §9.2), on both sides.
//!
//! A server refuses the first request with 401, which names its realm and carries a nonce; the client
//! sends it again with its name, both of these and an HMAC whose key is made of name, realm and
//! password. A nonce grows old: 438 brings a new one.
//!
//! - [`Client`] closes each request as far as the server is known, says which responses count, and
//!   answers 401 and 438: try again, or why there is no use in it.
//! - `Server` (feature `std`) checks requests and writes the refusals. It keeps nothing of a client: a
//!   nonce carries its own time and is bound to the address that it was sent to.
//! - [`prepare`] makes one text of what people type in several ways (SASLprep). Both sides must, or
//!   their keys differ.
//! - [`KeyDerivation`] is how a key is made of a password; [`SecurityFeatures`] are what a nonce says
//!   about its server.
//!
//! Nobody on the way can make the two use MD5 where both know SHA-256, without being found out: the
//! nonce, which both protect, says whether there was a list of algorithms, and the list comes back
//! (RFC 8489 §9.2.1).

#[cfg(feature = "std")]
mod claim;
mod client;
mod features;
mod key_derivation;
mod prepare;
#[cfg(feature = "std")]
mod server;

#[cfg(feature = "std")]
pub use claim::{Authenticated, Claim, Seal, User};
pub use client::{Cause, Client, Unacceptable, Verdict};
pub use features::SecurityFeatures;
pub use key_derivation::KeyDerivation;
pub use prepare::{PrepareError, prepare};
#[cfg(feature = "std")]
pub use server::{Challenge, Server};
