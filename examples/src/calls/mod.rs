//! Calls: the control plane between HTTP, SIP and media.
//!
//! [`Calls`] is the handle that the HTTP side holds. It sends [`Command`]s to the one task that
//! owns every call, so there is no lock and no call can be seen half changed.

mod command;
mod error;
mod event;
mod id;
mod owner;

pub use command::{Calls, Command, Created, IceServer, NewCall};
pub use error::CallError;
pub use event::{CallEvent, EndedBy};
pub use id::{CallId, ETag};
pub use owner::Owner;
