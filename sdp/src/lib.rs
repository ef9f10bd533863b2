//! Session descriptions (RFC 8866), lossless, with typed attributes and offer/answer.
#![forbid(unsafe_code)]

pub mod attribute;
mod check;
mod description;
mod error;
pub mod field;
mod fragment;
mod grammar;
mod line;
mod lines;
mod media;
pub mod negotiate;
mod options;
mod parse;
mod protocol;
mod section;

pub use description::Description;
pub use error::{Found, ParseError};
pub use fragment::{Fragment, FragmentSection};
pub use grammar::Invalid;
pub use line::{Line, LineEnd};
pub use media::Media;
pub use options::{Leniency, Limits, Mode, Options};
pub use protocol::{Protocol, Security};
pub use section::Section;
