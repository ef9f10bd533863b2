//! The same disturbed handshake of DTLS 1.2, held with our crate and with OpenSSL: do both accept it, or
//! both refuse it?
//!
//! A peer that keeps to the protocol (ours, in virtual time) speaks to whoever is being judged. Everything
//! the peer sends passes somebody in between, who delays, repeats, cuts, forges and inserts records as the
//! seed says. What he does depends on where things stand and not on what they say, so that both judges
//! meet the same. Nothing that the judges send is disturbed: OpenSSL's clock is not ours to turn.

mod between;
mod judge;
#[cfg(feature = "openssl")]
mod openssl_judge;
mod our_judge;
mod record;
mod trial;

pub use between::{Disturbance, Plan};
pub use judge::{Judge, Role, State};
#[cfg(feature = "openssl")]
pub use openssl_judge::OpenSsl;
pub use our_judge::{Ours, identity};
pub use trial::{Verdict, hold};
