//! sipp as a phone that sends back what it hears.

use std::net::SocketAddr;
use std::process::Stdio;

use tokio::process::Command;

use super::process::{Process, Scratch, free_port};

/// A running sipp that answers a number of calls and ends.
pub(crate) struct Sipp {
    /// Its SIP address.
    pub(crate) sip: SocketAddr,
    process: Process,
    _folder: Scratch,
}

impl Sipp {
    /// Starts sipp. Every call rings, is picked up, and hears its own media as PCMU.
    ///
    /// Its ports were free a moment before; when one of them is taken, it is started once more.
    pub(crate) async fn echo(calls: u32) -> Self {
        match Self::try_echo(calls).await {
            Ok(sipp) => sipp,
            Err(first) => {
                let again = Self::try_echo(calls).await;
                again.unwrap_or_else(|second| panic!("{first}\n{second}"))
            }
        }
    }

    async fn try_echo(calls: u32) -> Result<Self, String> {
        let folder = Scratch::new("sipp");
        let sip = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let (port, media) = (sip.port().to_string(), free_port().to_string());
        let mut process = Process::start(
            "sipp",
            Command::new("sipp")
                .args(["-sn", "uas", "-rtp_echo", "-nostdin"])
                .args(["-i", "127.0.0.1", "-p", &port, "-mp", &media])
                .args(["-m", &calls.to_string()])
                .current_dir(&folder.0) // where it writes its logs
                .env("TERM", "dumb")
                .stdin(Stdio::null()),
        );
        process.listens_on(sip.port()).await?;
        Ok(Self {
            sip,
            process,
            _folder: folder,
        })
    }

    /// Waits for its end, and makes sure that all calls went as they should.
    pub(crate) async fn finish(self) {
        let status = self.process.finish().await;
        assert!(status.success(), "sipp ended with {status}");
    }
}
