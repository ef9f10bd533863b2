//! Calls: the control plane between HTTP, SIP and media.
//!
//! [`Calls`] is the handle that the HTTP side holds. It sends [`Command`]s to the one task that
//! owns every call ([`run`]), so there is no lock and no call can be seen half changed. Each call
//! is a task of its own: it answers the browser's offer, places the media on a worker, invites the
//! phone, and from then on joins what SIP and media tell until the call is over.

mod browser;
mod call;
mod command;
mod error;
mod event;
mod exchange;
mod ice;
mod id;
mod log;
mod outcome;
mod owner;
mod phone;
mod random;
mod renegotiation;
mod resources;
mod setup;

pub use command::{Calls, Command, Created, IceServer, NewCall, Trickled};
pub use error::CallError;
pub use event::{CallEvent, EndedBy};
pub use exchange::run;
pub use id::{CallId, ETag};
pub use owner::Owner;
pub use resources::{Resources, Route, Routes};
