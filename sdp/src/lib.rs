//! Session descriptions (RFC 8866): read without loss, attributes as types, offer and answer.
//!
//! [`Description`] is a text taken apart and put together again byte for byte. It borrows from the
//! text; [`Description::into_owned`] lets go of it. Attributes are asked for by their type:
//!
//! ```
//! use sdp::Description;
//! use sdp::attribute::{Direction, Rtpmap};
//!
//! let text = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\na=sendonly\r\n\
//!             m=audio 49170 RTP/AVP 96\r\na=rtpmap:96 opus/48000/2\r\n";
//! let description = Description::parse(text)?;
//! for media in description.media() {
//!     assert_eq!(media.find::<Rtpmap>().map(|codec| codec.clock_rate), Some(48_000));
//!     // The session level is the default for its sections.
//!     assert_eq!(description.find_for::<Direction>(media), Some(Direction::Sendonly));
//! }
//! assert_eq!(description.to_string(), text);
//! # Ok::<(), sdp::ParseError>(())
//! ```
//!
//! [`Description::parse`] forgives what [`Leniency`] lists, [`Description::parse_strict`] nothing.
//! A [`ParseError`] has line and column, what was expected and what was found.
//!
//! [`negotiate`] is the offer/answer engine: a session takes descriptions of the peer and our
//! capabilities, and gives ours and the facts that were agreed, or a
//! [`Refusal`](negotiate::Refusal). [`Fragment`] carries ICE candidates that come later.
//!
//! `a=candidate` and the keys of `a=crypto` stay text: the crates for ICE and SRTP read them.
//!
#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod attribute;
mod charset;
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
mod work;

pub use description::Description;
pub use error::{Found, ParseError};
pub use fragment::{Fragment, FragmentSection};
pub use grammar::Invalid;
pub use line::{Line, LineEnd};
pub use media::Media;
pub use options::{Leniency, Limits, Mode, Options};
pub use protocol::{Protocol, Security};
pub use section::Section;
