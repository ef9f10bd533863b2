//! What `turn-ping` does: asks a TURN server for an address over one transport, sends a datagram
//! through it to itself, and says how long that took or what is wrong.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde::Serialize;
use turn_relay::client::{Allocated, Allocation, Cause, Config, Event};
use turn_relay::{OpenError, Transport};

use crate::driver::{Connections, Relayed, RelayedNews, Trust, now};

/// Sent through the relay.
const PAYLOAD: &[u8] = b"crosspoint turn-ping";

/// How long one datagram is waited for. It may be lost.
const ECHO: Duration = Duration::from_millis(500);

/// Who we are to the server, and whom we trust.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The user, if the server asks for one.
    pub username: Option<String>,
    /// His password.
    pub password: String,
    /// Whose certificates are trusted over TLS.
    pub trust: Option<Trust>,
    /// The name that the server's certificate must have.
    pub server_name: String,
    /// How long one check may take in all.
    pub patience: Duration,
}

/// How a check went. Times are in milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// `udp`, `tcp` or `tls`.
    pub transport: &'static str,
    /// The server's address.
    pub server: SocketAddr,
    /// Whether a datagram came back through the relay.
    pub ok: bool,
    /// Until there was a relayed address, the connection included.
    pub allocate_ms: Option<f64>,
    /// From us through the relay to itself and back.
    pub round_trip_ms: Option<f64>,
    /// The relayed address.
    pub relayed: Option<SocketAddr>,
    /// Our address as the server sees it.
    pub mapped: Option<SocketAddr>,
    /// Seconds that the server keeps an allocation.
    pub lifetime: Option<u64>,
    /// What is wrong, as one word for programs.
    pub problem: Option<&'static str>,
    /// What is wrong, in words.
    pub message: Option<String>,
}

/// Checks a server over one transport.
pub async fn check(server: SocketAddr, transport: Transport, who: &Credentials) -> Report {
    let started = now();
    let mut report = Report {
        transport: name(transport),
        server,
        ok: false,
        allocate_ms: None,
        round_trip_ms: None,
        relayed: None,
        mapped: None,
        lifetime: None,
        problem: None,
        message: None,
    };
    let tried = tokio::time::timeout(who.patience, relay(server, transport, who, &mut report));
    let failure = match tried.await {
        Ok(Ok(())) => None,
        Ok(Err(failure)) => Some(failure),
        Err(_) => Some(Failure::out_of_time(started, &report)),
    };
    report.ok = failure.is_none();
    if let Some(Failure { problem, message }) = failure {
        report.problem = Some(problem);
        report.message = Some(message);
    }
    report
}

struct Failure {
    problem: &'static str,
    message: String,
}

impl Failure {
    fn out_of_time(started: Instant, report: &Report) -> Self {
        let waited = now().saturating_duration_since(started).as_millis();
        let (problem, what) = match report.relayed {
            None => ("timed-out", "no relayed address"),
            Some(_) => ("no-data", "no datagram came back through the relay"),
        };
        Self {
            problem,
            message: format!("{what} in {waited} ms"),
        }
    }
}

impl From<Cause> for Failure {
    fn from(cause: Cause) -> Self {
        Self {
            problem: problem(&cause),
            message: cause.to_string(),
        }
    }
}

/// The one word for each cause.
fn problem(cause: &Cause) -> &'static str {
    match cause {
        Cause::Certificate { error, .. } => match error {
            OpenError::CertificateExpired => "certificate-expired",
            OpenError::CertificateName => "certificate-for-another-name",
            _ => "certificate-untrusted",
        },
        Cause::Unreachable { error, .. } => match error {
            OpenError::Refused => "connection-refused",
            OpenError::TimedOut => "timed-out",
            OpenError::Unsupported => "unsupported",
            _ => "unreachable",
        },
        Cause::ConnectionLost => "connection-lost",
        Cause::TimedOut { .. } => "timed-out",
        Cause::WrongPassword { .. } => "wrong-password",
        Cause::RealmMismatch { .. } => "realm-mismatch",
        Cause::CredentialsWanted => "credentials-wanted",
        Cause::Quota => "quota",
        Cause::StaleNonceLoop => "stale-nonces",
        Cause::AllocationMismatch => "allocation-mismatch",
        Cause::RedirectLoop(_) => "redirect-loop",
        Cause::BidDown | Cause::NoCommonAlgorithm => "password-algorithm",
        Cause::BadAnswer(_) => "bad-answer",
        Cause::Expired => "expired",
        _ => "refused",
    }
}

async fn relay(
    server: SocketAddr,
    transport: Transport,
    who: &Credentials,
    report: &mut Report,
) -> Result<(), Failure> {
    let started = now();
    let mut relayed = open(server, transport, who)?;
    let allocated = allocated(&mut relayed).await?;
    report.allocate_ms = Some(millis(started));
    report.relayed = Some(allocated.relayed);
    report.mapped = Some(allocated.mapped);
    report.lifetime = Some(allocated.lifetime.as_secs());
    let echoed = echo(&mut relayed, allocated.relayed, report).await;
    release(&mut relayed).await;
    echoed
}

fn open(server: SocketAddr, transport: Transport, who: &Credentials) -> Result<Relayed, Failure> {
    let bad = |message: String| Failure {
        problem: "bad-settings",
        message,
    };
    let mut config = match transport {
        Transport::Tcp => Config::tcp(server),
        Transport::Tls => Config::tls(server, &who.server_name),
        _ => Config::udp(server),
    };
    if server.ip().is_loopback() {
        // From elsewhere there is no way to it.
        config = config.with_local(server.ip());
    }
    if let Some(username) = &who.username {
        config = config.with_credentials(username, &who.password);
    }
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|error| bad(error.to_string()))?;
    let allocation = Allocation::new(config, seed).map_err(|error| bad(error.to_string()))?;
    let connections = who.trust.clone().map(Connections::trusting);
    Ok(Relayed::new(allocation, connections.unwrap_or_default()))
}

async fn allocated(relayed: &mut Relayed) -> Result<Allocated, Failure> {
    loop {
        match relayed.next().await {
            RelayedNews::Event(Event::Allocated(allocated)) => return Ok(*allocated),
            RelayedNews::Event(Event::Ended(cause)) => return Err(cause.into()),
            _ => {}
        }
    }
}

/// Sends to the relayed address itself: what is let in from there comes back to us.
async fn echo(relayed: &mut Relayed, peer: SocketAddr, report: &mut Report) -> Result<(), Failure> {
    let refused = |message: String| Failure {
        problem: "refused",
        message,
    };
    let permitted = relayed.allocation().permit(now(), peer.ip());
    permitted.map_err(|error| refused(error.to_string()))?;
    let mut sent = None;
    loop {
        let Ok(news) = tokio::time::timeout(ECHO, relayed.next()).await else {
            if sent.is_some() {
                sent = Some(say(relayed, peer)?);
            }
            continue;
        };
        match news {
            RelayedNews::Event(Event::Permitted(_)) => sent = Some(say(relayed, peer)?),
            RelayedNews::Event(Event::PermissionRefused { cause, .. }) => {
                return Err(refused(format!(
                    "the server relays nothing to itself: {cause}"
                )));
            }
            RelayedNews::Event(Event::Ended(cause)) => return Err(cause.into()),
            RelayedNews::Data { from, payload } if from == peer && payload == PAYLOAD => {
                report.round_trip_ms = sent.map(millis);
                return Ok(());
            }
            _ => {}
        }
    }
}

fn say(relayed: &mut Relayed, peer: SocketAddr) -> Result<Instant, Failure> {
    let sent = now();
    relayed.send(PAYLOAD, peer).map_err(|error| Failure {
        problem: "no-data",
        message: error.to_string(),
    })?;
    Ok(sent)
}

/// Gives the address back; who does not confirm that is not waited for.
async fn release(relayed: &mut Relayed) {
    relayed.allocation().release(now());
    let ended =
        async { while !matches!(relayed.next().await, RelayedNews::Event(Event::Ended(_))) {} };
    let _ = tokio::time::timeout(Duration::from_secs(2), ended).await;
}

fn millis(since: Instant) -> f64 {
    let passed = now().saturating_duration_since(since);
    (passed.as_secs_f64() * 100_000.0).round() / 100.0
}

fn name(transport: Transport) -> &'static str {
    match transport {
        Transport::Tcp => "tcp",
        Transport::Tls => "tls",
        _ => "udp",
    }
}
