//! What the STUN and TURN servers have said, and whether UDP gets through at all.
//!
//! ```text
//!            asked over UDP          anything heard over UDP
//!  Unasked ───────────────► Asked ────────────────────────────► Heard
//!                             │ nothing for the gathering deadline
//!                             └────────────────────────────────► Silent ──► Heard, if late
//! ```

use std::fmt;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use stun_codec::Transport;
use turn_relay::client::Cause;

/// What a server is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ServerKind {
    /// How it sees us.
    Stun,
    /// A relayed address.
    Turn,
}

impl fmt::Display for ServerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stun => "STUN",
            Self::Turn => "TURN",
        })
    }
}

/// What came of asking a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerReport {
    /// What it was asked for.
    pub kind: ServerKind,
    /// Its address.
    pub server: SocketAddr,
    /// How it was reached.
    pub transport: Transport,
    /// What it said last.
    pub outcome: ServerOutcome,
}

/// What a server said.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServerOutcome {
    /// Nothing so far.
    Silent,
    /// It answered from a STUN server's side: an address of ours, or an error.
    Answered,
    /// It relays at this address.
    Relaying(SocketAddr),
    /// There is no relay, or no longer: why.
    Ended(Cause),
    /// It did not give an address before gathering was over.
    TooLate,
}

impl fmt::Display for ServerReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            kind,
            server,
            transport,
            outcome,
        } = self;
        write!(f, "{kind} server {server} over {transport}: ")?;
        match outcome {
            ServerOutcome::Silent => f.write_str("no answer"),
            ServerOutcome::Answered => f.write_str("answered"),
            ServerOutcome::Relaying(relayed) => write!(f, "relays at {relayed}"),
            ServerOutcome::Ended(cause) => cause.fmt(f),
            ServerOutcome::TooLate => f.write_str("no relayed address in time"),
        }
    }
}

/// Whether datagrams come in.
#[derive(Debug, Clone, Copy)]
enum Udp {
    Unasked,
    Asked { since: Instant },
    Heard,
    Silent,
}

#[derive(Debug)]
pub(crate) struct Servers {
    reports: Vec<ServerReport>,
    udp: Udp,
    /// A connection to a server was made.
    streams: bool,
    patience: Duration,
}

impl Servers {
    pub(crate) fn new(patience: Duration) -> Self {
        Self {
            reports: Vec::new(),
            udp: Udp::Unasked,
            streams: false,
            patience,
        }
    }

    /// A server is asked.
    pub(crate) fn asked(
        &mut self,
        now: Instant,
        kind: ServerKind,
        server: SocketAddr,
        transport: Transport,
    ) {
        if self.find(kind, server, transport).is_none() {
            self.reports.push(ServerReport {
                kind,
                server,
                transport,
                outcome: ServerOutcome::Silent,
            });
        }
        if transport == Transport::Udp && matches!(self.udp, Udp::Unasked) {
            self.udp = Udp::Asked { since: now };
        }
    }

    /// A server has said something, or it is over with it.
    pub(crate) fn note(
        &mut self,
        kind: ServerKind,
        server: SocketAddr,
        transport: Transport,
        outcome: ServerOutcome,
    ) {
        if let Some(report) = self.find(kind, server, transport) {
            report.outcome = outcome;
        }
    }

    fn find(
        &mut self,
        kind: ServerKind,
        server: SocketAddr,
        transport: Transport,
    ) -> Option<&mut ServerReport> {
        self.reports.iter_mut().find(|report| {
            (report.kind, report.server, report.transport) == (kind, server, transport)
        })
    }

    /// A datagram came that was meant for us.
    pub(crate) fn heard_udp(&mut self) {
        self.udp = Udp::Heard;
    }

    /// True once, when nothing has come over UDP for as long as that may take.
    pub(crate) fn take_silence(&mut self, now: Instant) -> bool {
        match self.udp {
            Udp::Asked { since } if since + self.patience <= now => {
                self.udp = Udp::Silent;
                true
            }
            _ => false,
        }
    }

    /// Whether UDP seems to be blocked.
    pub(crate) fn udp_is_silent(&self) -> bool {
        matches!(self.udp, Udp::Silent)
    }

    /// A connection to a server was made.
    pub(crate) fn stream_opened(&mut self) {
        self.streams = true;
    }

    pub(crate) fn streams_get_through(&self) -> bool {
        self.streams
    }

    pub(crate) fn timeout(&self) -> Option<Instant> {
        match self.udp {
            Udp::Asked { since } => Some(since + self.patience),
            _ => None,
        }
    }

    /// The network may be another one: servers are asked again.
    pub(crate) fn restart(&mut self) {
        self.reports
            .retain(|report| matches!(report.outcome, ServerOutcome::Relaying(_)));
        self.udp = Udp::Unasked;
    }

    /// Nothing is awaited any more. What was said stays, to be reported.
    pub(crate) fn stop(&mut self) {
        if matches!(self.udp, Udp::Asked { .. }) {
            self.udp = Udp::Unasked;
        }
    }

    pub(crate) fn reports(&self) -> &[ServerReport] {
        &self.reports
    }
}
