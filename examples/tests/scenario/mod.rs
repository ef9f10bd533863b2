//! sipp with a scenario of our own that goes on when the test says so.
#![allow(dead_code)] // each test uses a part of it

use std::net::SocketAddr;
use std::process::Stdio;

use tokio::net::UdpSocket;
use tokio::process::Command;

use crate::support::process::{Process, Scratch, free_port};

/// A running sipp that plays one call of `hold.xml`.
pub(crate) struct Scenario {
    /// Its SIP address.
    pub(crate) sip: SocketAddr,
    process: Process,
    folder: Scratch,
    steps: u32,
}

impl Scenario {
    /// Starts sipp, which sends back what it hears.
    pub(crate) async fn echo() -> Self {
        Self::start(None).await
    }

    /// Starts sipp as a phone whose media is elsewhere on this machine.
    pub(crate) async fn with_media(port: u16) -> Self {
        Self::start(Some(port)).await
    }

    /// The ports were free a moment before; when one of them is taken, sipp is started once more.
    async fn start(media: Option<u16>) -> Self {
        match Self::try_start(media).await {
            Ok(scenario) => scenario,
            Err(first) => {
                let again = Self::try_start(media).await;
                again.unwrap_or_else(|second| panic!("{first}\n{second}"))
            }
        }
    }

    async fn try_start(media: Option<u16>) -> Result<Self, String> {
        let folder = Scratch::new("scenario");
        std::fs::write(folder.join("hold.xml"), include_str!("hold.xml")).unwrap();
        let sip = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let (port, own) = (sip.port().to_string(), free_port().to_string());
        let rtp = media.map_or(own.clone(), |port| port.to_string());
        let mut process = Process::start(
            "sipp",
            Command::new("sipp")
                .args(["-sf", "hold.xml", "-m", "1", "-rtp_echo", "-nostdin"])
                .args([
                    "-i",
                    "127.0.0.1",
                    "-p",
                    &port,
                    "-mp",
                    &own,
                    "-key",
                    "rtp",
                    &rtp,
                ])
                .current_dir(&folder.0) // where it writes its logs
                .env("TERM", "dumb")
                .stdin(Stdio::null()),
        );
        process.listens_on(sip.port()).await?;
        Ok(Self {
            sip,
            process,
            folder,
            steps: 0,
        })
    }

    /// Lets the scenario take its next step. It must have got as far as to wait for that.
    pub(crate) async fn go_on(&mut self) {
        self.steps += 1;
        let (sip, number) = (self.sip, self.steps);
        let file = self.folder.join("call-id");
        let id = std::fs::read_to_string(file).expect("the call has come to sipp");
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let local = socket.local_addr().unwrap();
        let info = format!(
            "INFO sip:{sip} SIP/2.0\r\nVia: SIP/2.0/UDP {local};branch=z9hG4bKgo{number}\r\n\
             From: <sip:test@{local}>;tag=test\r\nTo: <sip:{sip}>\r\nCall-ID: {}\r\n\
             CSeq: {number} INFO\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
            id.trim()
        );
        socket.send_to(info.as_bytes(), sip).await.unwrap();
    }

    /// Waits for its end, and makes sure that all went as the scenario says.
    pub(crate) async fn finish(self) {
        let status = self.process.finish().await;
        assert!(status.success(), "sipp ended with {status}");
    }
}
