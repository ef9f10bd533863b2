//! Offer and answer (RFC 3264), without any IO: descriptions and capabilities in, a description and
//! the facts that were agreed out, or the reason why not.
//!
//! A [`Session`] is one side. [`Capabilities`] say what we can do now: streams with their codecs, a
//! transport each or one for all (BUNDLE, RFC 9143), and how it is protected. The same types
//! describe a WebRTC peer ([`LocalTransport::webrtc`]) and a SIP phone ([`LocalTransport::plain`],
//! SDES or DTLS by [`Keying`]); an [`Agreement`] tells what became of each section.
//!
//! | state | call | next |
//! | --- | --- | --- |
//! | nothing said, or agreed | [`Session::offer`] | offered |
//! | offered | [`Session::accept`] | agreed; more answers to the same offer may follow |
//! | any | [`Session::answer`] | agreed; an offer of ours is void |

mod agree;
mod agreement;
mod answer;
mod bundle;
mod capability;
mod codec;
mod formats;
mod keying;
mod local;
mod offer;
mod own;
mod peer;
mod refusal;
mod session;
mod transport;
mod trickle;
mod write;

pub use agreement::{
    Addresses, Agreed, AgreedCodec, AgreedContent, AgreedDtls, Agreement, Destination, Formats,
    Keys, PayloadTypes, RemoteIce, SdesKeys, TelephoneEvent,
};
pub use capability::{Capabilities, Content, DataChannel, Rtp, Selection, Source, Stream};
pub use codec::Codec;
pub use local::{Credentials, LocalOrigin};
pub use refusal::Refusal;
pub use session::Session;
pub use transport::{DtlsRole, Encryption, Keying, LocalDtls, LocalIce, LocalKey, LocalTransport};
pub use trickle::Trickle;
