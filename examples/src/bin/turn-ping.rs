//! Checks each transport of a TURN server: `turn-ping turn.example.org --username alice`. `--help`
//! explains.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use examples::driver::Trust;
use examples::turn_ping::{Credentials, Report, check};
use turn_relay::Transport;

const EXAMPLES: &str = "\
Examples:
  TURN_PASSWORD=secret turn-ping turn.example.org --username alice
  turn-ping 192.0.2.1 --transport tls --server-name turn.example.org --ca ca.pem --json

Each transport gets a relayed address, sends a datagram through it to itself, and gives it back. The
exit status is 0 if all of them did, 1 if one did not, 2 for settings that cannot be.

With --json one object a line. Its 'problem' is one of: certificate-expired,
certificate-for-another-name, certificate-untrusted, connection-refused, connection-lost, unreachable,
timed-out, wrong-password, realm-mismatch, credentials-wanted, quota, refused, no-data, stale-nonces,
allocation-mismatch, redirect-loop, password-algorithm, bad-answer, bad-settings, expired, unsupported.";

/// Checks each transport of a TURN server.
#[derive(Debug, Parser)]
#[command(name = "turn-ping", version, after_help = EXAMPLES)]
struct Arguments {
    /// The server: a name or an address
    server: String,
    /// Its port for UDP and TCP
    #[arg(long, default_value_t = 3478)]
    port: u16,
    /// Its port for TLS
    #[arg(long, default_value_t = 5349)]
    tls_port: u16,
    /// What to check
    #[arg(long, value_delimiter = ',', default_values = ["udp", "tcp", "tls"])]
    transport: Vec<Kind>,
    /// The user
    #[arg(long)]
    username: Option<String>,
    /// His password; by default the environment's TURN_PASSWORD, which other users do not see
    #[arg(long)]
    password: Option<String>,
    /// The name that the certificate must have, where it is not that of the server
    #[arg(long)]
    server_name: Option<String>,
    /// Trust the certificates of this PEM file, and nobody else
    #[arg(long)]
    ca: Option<PathBuf>,
    /// Seconds that one transport may take
    #[arg(long, default_value_t = 10)]
    timeout: u64,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    Udp,
    Tcp,
    Tls,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("turn-ping: {error}");
            ExitCode::from(2)
        }
    }
}

async fn run(arguments: Arguments) -> Result<bool, Box<dyn std::error::Error>> {
    let trust = match &arguments.ca {
        Some(file) => Some(Trust::from_file(file)?),
        // Only TLS needs it, which says so where nobody is trusted.
        None => Trust::of_the_system().ok(),
    };
    let who = Credentials {
        username: arguments.username,
        password: arguments
            .password
            .or_else(|| std::env::var("TURN_PASSWORD").ok())
            .unwrap_or_default(),
        trust,
        server_name: arguments
            .server_name
            .unwrap_or_else(|| arguments.server.clone()),
        patience: Duration::from_secs(arguments.timeout),
    };
    let mut all = true;
    for kind in arguments.transport {
        let (transport, port) = match kind {
            Kind::Udp => (Transport::Udp, arguments.port),
            Kind::Tcp => (Transport::Tcp, arguments.port),
            Kind::Tls => (Transport::Tls, arguments.tls_port),
        };
        let server = resolve(&arguments.server, port).await?;
        let report = check(server, transport, &who).await;
        all &= report.ok;
        match arguments.json {
            true => println!("{}", serde_json::to_string(&report)?),
            false => println!("{}", in_words(&report)),
        }
    }
    Ok(all)
}

async fn resolve(server: &str, port: u16) -> Result<SocketAddr, Box<dyn std::error::Error>> {
    let mut found = tokio::net::lookup_host((server, port)).await?;
    found
        .next()
        .ok_or_else(|| format!("{server} has no address").into())
}

fn in_words(report: &Report) -> String {
    let Report {
        transport, server, ..
    } = report;
    let transport = transport.to_uppercase();
    match (
        report.relayed,
        report.allocate_ms,
        report.round_trip_ms,
        &report.message,
    ) {
        (Some(relayed), Some(allocate), Some(round_trip), None) => format!(
            "{transport} {server}: ok, {relayed} in {allocate} ms, a datagram through it in {round_trip} ms"
        ),
        (_, _, _, message) => format!(
            "{transport} {server}: {}: {}",
            report.problem.unwrap_or("failed"),
            message.as_deref().unwrap_or_default()
        ),
    }
}
