//! The SIP side of the gateway: a user agent that calls phones, and an echo phone to try it with.
//!
//! [`UserAgent`] calls a [`User`] at a [`Server`]; what becomes of the call arrives as
//! [`CallEvent`]s from its [`OutgoingCall`]: early media of the phone that rings, the answer of the
//! one that is picked up, its new offers, the end. A server that asks who calls is answered from
//! the configured [`Credentials`]. Session descriptions pass through as text: media is
//! the business of others. Transactions, retransmission and dialogs are the work of the SIP
//! library, which no type here shows.
//!
//! Every call ends in bounded time and its last event says why. A dropped [`OutgoingCall`] is hung
//! up. It takes no calls itself: an INVITE from outside is refused with 403.

mod agent;
mod digest;
pub mod echo;
mod event;
mod forks;
mod negotiation;
mod outgoing;
mod reason;
mod request;
mod ring;
mod route;
mod server;
mod stack;
mod talk;
mod user;

pub use agent::{InviteError, UserAgent, UserAgentConfig};
pub use digest::Credentials;
pub use event::{CallEvent, OfferId, Side};
pub use outgoing::OutgoingCall;
pub use reason::reason_of;
pub use server::{InvalidServer, Server, Transport};
pub use stack::StartError;
pub use user::{InvalidUser, User};
