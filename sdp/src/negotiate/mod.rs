//! Offer and answer (RFC 3264), as pure functions: descriptions and capabilities in, a description
//! and the facts that were agreed out, or the reason why not.
//!
//! [`browser`] answers the audio offer of a WebRTC peer by the rules of JSEP (RFC 9429) that need
//! no browser. [`phone`] offers and answers plain RTP towards a SIP peer.

pub mod browser;
mod codec;
mod local;
mod own;
pub mod phone;
mod refusal;

pub use codec::{Audio, Codec, PayloadTypes, TelephoneEvent};
pub use local::{Credentials, LocalOrigin};
pub use refusal::Refusal;
