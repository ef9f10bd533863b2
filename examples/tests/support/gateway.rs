//! The gateway under test: the real binary.

use tokio::process::Command;

use super::process::{Process, Scratch};

/// A running gateway.
pub(crate) struct Gateway {
    /// The process.
    pub(crate) process: Process,
    /// `https://…/`, the address of the page.
    pub(crate) page: String,
    /// Where it keeps its certificate.
    pub(crate) state: Scratch,
}

impl Gateway {
    /// Starts the gateway on free loopback ports, with a configuration file of this text. Media
    /// stays on loopback.
    pub(crate) async fn start(config: &str, args: &[&str]) -> Self {
        let loopback = ["--listen", "127.0.0.1:0", "--media-address", "127.0.0.1"];
        let turn = ["--turn-listen", "127.0.0.1:0"];
        let program = Command::new(env!("CARGO_BIN_EXE_gateway"));
        Self::start_program(program, config, &[&loopback[..], &turn, args].concat()).await
    }

    /// The same without its TURN server, and with media at this address.
    pub(crate) async fn start_without_turn(media: &str, config: &str) -> Self {
        let args = ["--listen", "127.0.0.1:0", "--media-address", media];
        let program = Command::new(env!("CARGO_BIN_EXE_gateway"));
        Self::start_program(program, &format!("turn = false\n{config}"), &args).await
    }

    /// Starts the gateway in a network namespace, on its address there and the usual ports.
    pub(crate) async fn start_in(namespace: &str, address: &str, config: &str) -> Self {
        let mut program = Command::new("ip");
        program
            .args(["netns", "exec", namespace])
            .arg(env!("CARGO_BIN_EXE_gateway"));
        let listen = format!("{address}:8443");
        let args = ["--listen", &listen, "--media-address", address];
        Self::start_program(program, config, &args).await
    }

    async fn start_program(mut program: Command, config: &str, args: &[&str]) -> Self {
        let state = Scratch::new("gateway");
        let file = state.join("gateway.toml");
        std::fs::write(&file, config).unwrap();
        let mut process = Process::start(
            "the gateway",
            program
                .arg("--config")
                .arg(&file)
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
            state,
        }
    }

    /// Ends it as Ctrl-C does, and makes sure that it found nothing wrong with that.
    pub(crate) async fn close(self) {
        let status = self.process.interrupt().await;
        assert!(status.success(), "the gateway ended with {status}");
    }
}
