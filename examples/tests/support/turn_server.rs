//! The program `turn-server`, and clients of it.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use examples::driver::{Connections, Relayed, RelayedNews, Trust};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};
use tokio::process::Command;
use turn_relay::client::{Allocation, Config, Event};

use super::process::{PATIENCE, Process, Scratch, free_port};

/// A running `turn-server` that relays to loopback.
pub(crate) struct TurnServer {
    pub(crate) process: Process,
    pub(crate) port: u16,
    pub(crate) tls_port: u16,
    pub(crate) admin: SocketAddr,
    pub(crate) folder: Scratch,
}

impl TurnServer {
    pub(crate) const REALM: &str = "north.gov";

    /// Starts one with further settings; with TLS where the folder has a certificate.
    pub(crate) async fn start(folder: Scratch, settings: &str) -> Self {
        let [port, tls_port, admin] = [free_port(), free_port(), free_port()];
        let at = |name: &str| folder.join(name).display().to_string();
        let mut text = format!(
            "realm = '{}'\nlisten-udp = ['127.0.0.1:{port}', '[::1]:{port}']\n\
             listen-tcp = ['127.0.0.1:{port}']\nrelay-address = ['127.0.0.1']\n\
             allow-peers = ['127.0.0.1']\nadmin-listen = '127.0.0.1:{admin}'\n\
             workers = 2\n{settings}\n",
            Self::REALM,
        );
        if folder.join("certificate.pem").exists() {
            text += &format!(
                "listen-tls = ['127.0.0.1:{tls_port}']\ntls-cert = '{}'\ntls-key = '{}'\n",
                at("certificate.pem"),
                at("key.pem"),
            );
        }
        std::fs::write(folder.join("turn.toml"), text).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_turn-server"));
        command.arg("--config").arg(folder.join("turn.toml"));
        let mut process = Process::start("turn-server", &mut command);
        process.line_with("Metrics: ").await;
        Self {
            process,
            port,
            tls_port,
            admin: (Ipv4Addr::LOCALHOST, admin).into(),
            folder,
        }
    }

    pub(crate) fn udp(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    pub(crate) fn certificate(&self) -> PathBuf {
        self.folder.join("certificate.pem")
    }

    /// What an admin path answers.
    pub(crate) async fn ask(&self, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.admin).await.unwrap();
        let host = self.admin;
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, body.to_owned())
    }

    /// A sample of the metrics, by its name and labels.
    pub(crate) async fn metric(&self, sample: &str) -> f64 {
        let (_, text) = self.ask("/metrics").await;
        let found = text.lines().find_map(|line| {
            let (name, value) = line.rsplit_once(' ')?;
            (name == format!("crosspoint_turn_{sample}")).then_some(value)
        });
        let found = found.unwrap_or_else(|| panic!("{sample} is missing:\n{text}"));
        found.parse().unwrap()
    }

    /// Waits until a sample has a value.
    pub(crate) async fn metric_is(&self, sample: &str, value: f64) {
        let begin = now();
        loop {
            let is = self.metric(sample).await;
            if is == value {
                return;
            }
            assert!(begin.elapsed() < PATIENCE, "{sample} is {is}, not {value}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// A client with an allocation and a peer that says everything back.
pub(crate) struct Client {
    pub(crate) relayed: Relayed,
    peer: SocketAddr,
}

impl Client {
    /// Over UDP.
    pub(crate) async fn over_udp(server: &TurnServer, user: &str, password: &str) -> Self {
        Self::try_over_udp(server, user, password, PATIENCE)
            .await
            .expect("an allocation")
    }

    /// Over UDP, or nothing within a time.
    pub(crate) async fn try_over_udp(
        server: &TurnServer,
        user: &str,
        password: &str,
        within: Duration,
    ) -> Option<Self> {
        let config = Config::udp(server.udp()).with_credentials(user, password);
        Self::start(config, Connections::default(), within).await
    }

    /// Over TLS, trusting the certificate that the server's file has now.
    pub(crate) async fn over_tls(server: &TurnServer, user: &str, password: &str) -> Self {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, server.tls_port));
        let config = Config::tls(address, "turn.test").with_credentials(user, password);
        let trust = Trust::from_file(&server.certificate()).unwrap();
        Self::start(config, Connections::trusting(trust), PATIENCE)
            .await
            .expect("an allocation")
    }

    async fn start(config: Config, connections: Connections, within: Duration) -> Option<Self> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).unwrap();
        let config = config.with_local(Ipv4Addr::LOCALHOST.into());
        let allocation = Allocation::new(config, seed).unwrap();
        let relayed = Relayed::new(allocation, connections);
        let peer = echoing().await;
        let mut client = Self { relayed, peer };
        client
            .event(within, |event| matches!(event, Event::Allocated(_)))
            .await?;
        client
            .relayed
            .allocation()
            .permit(now(), peer.ip())
            .unwrap();
        client
            .relayed
            .allocation()
            .bind_channel(now(), peer)
            .unwrap();
        client
            .event(within, |event| *event == Event::ChannelBound(peer))
            .await?;
        Some(client)
    }

    async fn event(&mut self, within: Duration, wanted: impl Fn(&Event) -> bool) -> Option<()> {
        let coming = async {
            loop {
                match self.relayed.next().await {
                    RelayedNews::Event(event) if wanted(&event) => return Some(()),
                    RelayedNews::Event(Event::Ended(_)) => return None,
                    _ => {}
                }
            }
        };
        tokio::time::timeout(within, coming).await.ok().flatten()
    }

    /// Sends to the peer. What cannot be sent is lost.
    pub(crate) fn send(&mut self, payload: &[u8]) {
        let _ = self.relayed.send(payload, self.peer);
    }

    /// Waits for the next thing that happens; answers whether it was data.
    pub(crate) async fn data(&mut self) -> bool {
        matches!(self.relayed.next().await, RelayedNews::Data { .. })
    }

    /// Waits until nothing has come for a second.
    pub(crate) async fn quiet(&mut self) {
        let second = Duration::from_secs(1);
        while tokio::time::timeout(second, self.relayed.next())
            .await
            .is_ok()
        {}
    }

    /// Whether the peer's echo comes back within a time.
    pub(crate) async fn echoes(&mut self, text: &[u8], within: Duration) -> bool {
        if self.relayed.send(text, self.peer).is_err() {
            return false;
        }
        let coming = async {
            loop {
                match self.relayed.next().await {
                    RelayedNews::Data { payload, .. } if payload == text => return true,
                    RelayedNews::Event(Event::Ended(_)) => return false,
                    _ => {}
                }
            }
        };
        tokio::time::timeout(within, coming).await.unwrap_or(false)
    }
}

#[allow(clippy::disallowed_methods)] // clients have a clock of their own
pub(crate) fn now() -> Instant {
    Instant::now()
}

async fn echoing() -> SocketAddr {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut datagram = [0; 1500];
        while let Ok((length, from)) = socket.recv_from(&mut datagram).await {
            let _ = socket.send_to(&datagram[..length], from).await;
        }
    });
    address
}
