//! The gateway under test: the real binary.

use tokio::process::Command;

use super::process::{Process, Scratch};

/// A running gateway.
pub(crate) struct Gateway {
    /// The process.
    pub(crate) process: Process,
    /// `https://…/`, the address of the page.
    pub(crate) page: String,
    _state: Scratch,
}

impl Gateway {
    /// Starts the gateway on a free loopback port; media stays on loopback.
    pub(crate) async fn start(args: &[&str]) -> Self {
        let state = Scratch::new("gateway");
        let mut process = Process::start(
            "the gateway",
            Command::new(env!("CARGO_BIN_EXE_gateway"))
                .args(["--listen", "127.0.0.1:0", "--media-address", "127.0.0.1"])
                .arg("--state-dir")
                .arg(&state.0)
                .args(args),
        );
        let line = process.line_with("https://").await;
        let start = line.find("https://").unwrap();
        let page = line[start..].split_whitespace().next().unwrap().to_owned();
        Self {
            process,
            page,
            _state: state,
        }
    }
}
