//! The program under test for BoringSSL's protocol test runner: one connection of ours, driven as
//! the runner's flags say, over the runner's loopback socket.
//!
//! `run` beside this file runs it against the runner and checks the result; `config.json` lists
//! the tests that are left out, and why. In the runner's tests there is no clock but the runner's:
//! time stands still here except when the runner says that it passes.
//!
//! It ends with 0 when the connection did what the flags expect, with 89 when a flag speaks of
//! something that this crate does not have, and otherwise with 1, the cause on standard error.

mod check;
mod exchange;
mod flags;
mod transport;

use std::process::ExitCode;

use exchange::Exchange;
use flags::Flags;
use transport::Transport;

/// The runner takes this for "not implemented".
const UNIMPLEMENTED: u8 = 89;

/// Why the program does not end with 0.
#[derive(Debug)]
enum Failure {
    /// A flag speaks of something that is not there; names it.
    Unimplemented(String),
    /// Something went otherwise than expected.
    Failed(String),
}

impl Failure {
    fn failed(what: impl ToString) -> Self {
        Self::Failed(what.to_string())
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Unimplemented(what)) => {
            eprintln!("not implemented: {what}");
            ExitCode::from(UNIMPLEMENTED)
        }
        Err(Failure::Failed(what)) => {
            eprintln!("{what}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Failure> {
    let flags = Flags::parse(std::env::args().skip(1))?;
    if flags.asks_for_handshaker {
        println!("No");
        return Ok(());
    }
    let transport = Transport::connect(flags.ipv6, flags.port, flags.shim_id)?;
    Exchange::new(&flags, transport)?.run()
}
