//! The log: one line for each event, whatever stands in the names that clients send.
//!
//! A refused login has one fixed form, which `docs/fail2ban` reads: the address, which is proved, in
//! front of everything that a client can choose, and the user's name last, in quotes and escaped.

use std::fmt::Display;
use std::io::{self, IsTerminal as _, Write};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use turn_relay::server::{Allocated, Denied, Ended, LoginError, Refused};

/// Logs to standard error what a filter lets through; refused logins in any case.
///
/// # Errors
/// When the filter is none, or somebody logs already.
pub fn start(filter: &str) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let filter = match filter.contains("turn::refused") {
        true => filter.to_owned(),
        false => format!("{filter},turn::refused=warn"),
    };
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_new(filter)?)
        // Escape codes are for people at a terminal, not for a journal.
        .with_ansi(io::stderr().is_terminal())
        .with_writer(OneLine(io::stderr))
        .try_init()
}

/// The line of a refused login.
pub(super) fn refused(refused: &Refused) {
    let Refused { cause, .. } = refused;
    match cause {
        LoginError::UnknownUser | LoginError::WrongPassword => {
            tracing::warn!(target: "turn::refused", "{}", refusal(refused));
        }
        // Its owner knows the password: nobody guesses.
        _ => tracing::info!(client = %refused.client.remote, user = ?refused.user, "{cause}"),
    }
}

fn refusal(refused: &Refused) -> impl Display {
    let from = refused.client.remote;
    format!(
        "refused login from {} port {} over {}: {}: user \"{}\"",
        from.ip().to_canonical(),
        from.port(),
        refused.client.transport,
        refused.cause,
        refused.user.escape_default(),
    )
}

pub(super) fn allocated(allocated: &Allocated) {
    let Allocated {
        id,
        user,
        client,
        relayed,
        ..
    } = allocated;
    tracing::info!(
        %id, ?user, client = %client.remote, transport = %client.transport, %relayed,
        "allocated"
    );
}

pub(super) fn ended(ended: &Ended) {
    let Ended {
        id,
        user,
        client,
        cause,
        lasted,
        traffic,
        ..
    } = ended;
    tracing::info!(
        %id, ?user, client = %client.remote, seconds = lasted.as_secs(),
        sent = traffic.sent_bytes, received = traffic.received_bytes,
        "{cause}"
    );
}

/// Usual traffic, too: ICE asks for every address of its peer.
pub(super) fn denied(denied: &Denied) {
    let Denied {
        id,
        user,
        client,
        peer,
        port,
        ..
    } = denied;
    tracing::debug!(%id, ?user, client = %client.remote, %peer, port, "refused a peer (403)");
}

/// Writers of which each gets one event, and makes one line of it.
struct OneLine<F>(F);

struct Line<W>(W);

impl<'a, W: Write, F: Fn() -> W + 'a> MakeWriter<'a> for OneLine<F> {
    type Writer = Line<W>;

    fn make_writer(&'a self) -> Line<W> {
        Line(self.0())
    }
}

impl<W: Write> Write for Line<W> {
    /// An event comes in one piece, with the end of its line.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let (inside, end) = match event.split_last() {
            Some((b'\n', inside)) => (inside, &b"\n"[..]),
            _ => (event, &b""[..]),
        };
        // ESC begins the colours of a terminal; what a client has sent is escaped before.
        let breaks = |byte: &u8| byte.is_ascii_control() && !matches!(byte, b'\t' | 0x1b);
        match inside.iter().any(breaks) {
            false => self.0.write_all(event)?,
            true => {
                let mut line = Vec::with_capacity(inside.len() + 16);
                for byte in inside {
                    match breaks(byte) {
                        true => write!(line, "\\x{byte:02x}")?,
                        false => line.push(*byte),
                    }
                }
                line.extend_from_slice(end);
                self.0.write_all(&line)?;
            }
        }
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line() {
        let mut out = Vec::new();
        Line(&mut out).write_all(b"a\nb\r\tc\x00\n").unwrap();
        Line(&mut out).write_all(b"d\n").unwrap();
        assert_eq!(out, b"a\\x0ab\\x0d\tc\\x00\nd\n");
    }
}
