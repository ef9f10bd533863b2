//! Kamailio: a SIP proxy between the gateway and a phone, which asks for a password.

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::process::Command;
use tokio::time::{sleep, timeout};

use crate::support::process::{PATIENCE, Process, Scratch, free_port};

/// The password that the proxy knows, for whatever user.
pub(crate) const PASSWORD: &str = "correct horse";

/// A running proxy.
pub(crate) struct Kamailio {
    /// Its address.
    pub(crate) sip: SocketAddr,
    _process: Process,
    _folder: Scratch,
}

impl Kamailio {
    /// Starts a proxy in front of a phone. It asks for a digest of this algorithm.
    ///
    /// Its port was free a moment before; when it is taken, the proxy is started once more.
    pub(crate) async fn before(phone: SocketAddr, algorithm: &str) -> Self {
        match Self::try_start(phone, algorithm).await {
            Ok(proxy) => proxy,
            Err(first) => {
                let again = Self::try_start(phone, algorithm).await;
                again.unwrap_or_else(|second| panic!("{first}\n{second}"))
            }
        }
    }

    async fn try_start(phone: SocketAddr, algorithm: &str) -> Result<Self, String> {
        let folder = Scratch::new("kamailio");
        let sip = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let config = include_str!("kamailio.cfg")
            .replace("@PORT@", &sip.port().to_string())
            .replace("@PHONE@", &phone.port().to_string())
            .replace("@ALGORITHM@", algorithm)
            .replace("@PASSWORD@", PASSWORD);
        let file = folder.join("kamailio.cfg");
        std::fs::write(&file, config).unwrap();
        let mut process = Process::start(
            "kamailio",
            Command::new("kamailio")
                .arg("-f")
                .arg(&file)
                .args(["-DD", "-E", "-m", "16", "-M", "4", "-Y"])
                .arg(&folder.0)
                .stdin(Stdio::null()),
        );
        let listens = async {
            while UdpSocket::bind(sip).await.is_ok() && !process.has_ended() {
                sleep(Duration::from_millis(20)).await;
            }
        };
        let ready = timeout(PATIENCE, listens).await;
        if ready.is_err() || process.has_ended() {
            return Err(format!("kamailio does not listen:\n{}", process.output()));
        }
        Ok(Self {
            sip,
            _process: process,
            _folder: folder,
        })
    }
}
