//! Handshake messages as they travel: fragments in, flights out, and the transcript of both.

mod context;
mod flight;
mod fragment;
mod inbox;
mod ranges;
mod transcript;

pub(crate) use context::Context;
pub(crate) use flight::Flight;
pub(crate) use fragment::{Fragment, HANDSHAKE_HEADER_LENGTH, whole_message};
pub(crate) use inbox::{Inbox, Inserted, Message};
pub(crate) use transcript::{RunningTranscript, Transcript};
