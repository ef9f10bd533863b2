//! Shows what a message says: session descriptions, STUN, RTP and SRTP, one JSON object a line; and
//! what a CORS policy says of requests.
//!
//! [`sdp`] reads descriptions; [`stun`], [`rtp`] and [`srtp`] read datagrams as hexadecimal text, one
//! a line, as many tools write them: spaces, colons and commas between the digits, and `0x` before
//! them, are passed over. Empty lines and those that begin with `#` are skipped. What cannot be read is a
//! line with `error` and where it is, and the next one is read all the same; at the end
//! [`Verdict`] says whether there was any such.
//!
//! What is shown may be passed on: passwords, keys and tokens are [`REDACTED`], and payloads,
//! which may carry DTMF digits, are left out, until [`Secrets::Shown`] is asked for. [`srtp`] shows
//! whole packets, for which it is given the key, and the key never.

mod attribute;
mod channel_data;
mod cors;
mod hex;
mod rtp;
mod sdp;
mod srtp;
mod stun;

use std::io::{self, Write};

use serde::Serialize;

pub use self::cors::{cors, cors_policy};
pub use self::rtp::{RtpOptions, rtp};
pub use self::sdp::{SdpOptions, sdp};
pub use self::srtp::{KeyFileError, KeyProblem, SrtpKeys, SrtpOptions, srtp};
pub use self::stun::stun;

/// What stands in place of a secret.
pub const REDACTED: &str = "<redacted>";

/// Whether secrets are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Secrets {
    /// They are replaced by [`REDACTED`], or left out.
    #[default]
    Hidden,
    /// They are shown.
    Shown,
}

impl Secrets {
    fn are_shown(self) -> bool {
        self == Self::Shown
    }

    /// The text, or what stands in its place.
    fn show(self, text: impl Into<String>) -> String {
        match self {
            Self::Shown => text.into(),
            Self::Hidden => REDACTED.to_owned(),
        }
    }
}

/// Whether everything could be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Everything was well formed.
    Fine,
    /// Something was not; its line says what.
    Malformed,
}

impl Verdict {
    fn and(self, other: Self) -> Self {
        match self {
            Self::Fine => other,
            Self::Malformed => self,
        }
    }
}

/// A datagram that could not be read.
#[derive(Serialize)]
struct Fault {
    /// The line of the input, from 1.
    line: usize,
    error: String,
    /// The column of the line, from 1, where the line is no hexadecimal text.
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<usize>,
    /// The byte of the datagram, from 0, where the datagram is no such message.
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<usize>,
}

/// The bytes of hexadecimal text, as it is read in every datagram.
///
/// # Errors
/// What is wrong with it, and in which column.
pub fn bytes(text: &str) -> Result<Vec<u8>, String> {
    hex::decode(text.as_bytes()).map_err(|(column, problem)| format!("column {column}: {problem}"))
}

/// Writes one object as one line.
fn write_line(out: &mut impl Write, object: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, object)?;
    out.write_all(b"\n")
}

/// Reads every datagram of `input` with `read`, which answers an object, or what was wrong.
fn datagrams<T: Serialize>(
    input: impl io::BufRead,
    out: &mut impl Write,
    mut read: impl FnMut(usize, &[u8]) -> Result<(T, Verdict), Fault>,
) -> io::Result<Verdict> {
    let mut verdict = Verdict::Fine;
    for (line, bytes) in hex::Lines::new(input) {
        let object = match bytes {
            Err(hex::Fault::Input(error)) => return Err(error),
            Err(hex::Fault::Text { column, problem }) => Err(Fault {
                line,
                error: problem.to_owned(),
                column: Some(column),
                offset: None,
            }),
            Ok(bytes) => read(line, &bytes),
        };
        let found = match object {
            Ok((object, found)) => {
                write_line(out, &object)?;
                found
            }
            Err(fault) => {
                write_line(out, &fault)?;
                Verdict::Malformed
            }
        };
        verdict = verdict.and(found);
    }
    Ok(verdict)
}
