//! Why an agent failed, and what it saw.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use stun_codec::{Local, OpenError, Transport};

use crate::candidate::Candidate;
use crate::servers::ServerReport;

/// The end of an agent: the cause and, pair by pair, the evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Why.
    pub cause: FailureCause,
    /// ICE restarts before it. The cause concerns what came after the last of them.
    pub restarts: u32,
    /// Sockets that could not be opened or were closed, the last of them.
    pub sockets: Vec<SocketReport>,
    /// What the STUN and TURN servers said.
    pub servers: Vec<ServerReport>,
    /// What was tried, best pair first.
    pub pairs: Vec<PairReport>,
}

/// A socket that failed us.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SocketReport {
    /// It could not be opened.
    NotOpened {
        /// Where it was wanted.
        local: Local,
        /// Why not.
        error: OpenError,
    },
    /// It was closed.
    Closed {
        /// Its address.
        local: SocketAddr,
    },
}

impl fmt::Display for SocketReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotOpened { local, error } => write!(f, "no socket on {local}: {error}"),
            Self::Closed { local } => write!(f, "the socket {local} was closed"),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.restarts {
            0 => self.cause.fmt(f),
            count => write!(f, "after {}: {}", Counted(count, "ICE restart"), self.cause),
        }?;
        match self.sockets.last() {
            Some(socket) => write!(f, "; {socket}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Failure {}

/// Why an agent failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FailureCause {
    /// The peer's credentials did not come in time.
    #[error("no remote credentials came within {}", Seconds(*.waited))]
    NoRemoteCredentials {
        /// How long the agent waited.
        waited: Duration,
    },
    /// No local candidate was added.
    #[error("there is no local candidate")]
    NoLocalCandidates,
    /// The peer gave no candidate, and nothing was heard from it.
    #[error("the peer gave no candidate{}", if *.ended { " and said that none will come" } else { "" })]
    NoRemoteCandidates {
        /// Whether the peer said that no more would come.
        ended: bool,
    },
    /// There are candidates on both sides, and no two fit: another address family, transport or
    /// an unresolved name.
    #[error("none of {local} local and {remote} remote candidates fit together")]
    NoPairs {
        /// Number of local candidates.
        local: usize,
        /// Number of remote candidates.
        remote: usize,
    },
    /// Nothing answered.
    #[error(
        "no answer to {} on {}; {} of the peer {} heard",
        Counted(*.checks, "check"), Counted(*.pairs, "pair"),
        Counted(*.requests_heard, "check"), if *.requests_heard == 1 { "was" } else { "were" }
    )]
    NoAnswer {
        /// Checks sent, retransmissions included.
        checks: u32,
        /// Pairs on which they were sent.
        pairs: usize,
        /// Authentic checks of the peer that arrived: with more than zero, the peer reaches us
        /// and we do not reach it.
        requests_heard: u32,
    },
    /// There were answers and all were refusals or not authentic. The message says the likely
    /// reason, most often that the credentials do not belong together.
    #[error(
        "{} on {}, no grant among them: {refusal}; {}",
        Counted(*.refusals, "answer"), Counted(*.pairs, "pair"), refusal.likely_reason()
    )]
    AllRefused {
        /// Answers counted.
        refusals: u32,
        /// Pairs on which checks were sent.
        pairs: usize,
        /// The last one.
        refusal: Refusal,
    },
    /// No pair worked, no relay was given, and the TURN server refuses us: the user or the password
    /// is wrong, expired, or missing.
    #[error("the TURN server {server} over {transport} refuses us: {cause}")]
    TurnUnauthorised {
        /// The server.
        server: SocketAddr,
        /// How it was reached.
        transport: Transport,
        /// What it said.
        cause: turn_relay::client::Cause,
    },
    /// No pair worked, no relay was given, and the certificate of the TURN server is not accepted.
    #[error("the TURN server {server}: {cause}")]
    TurnCertificate {
        /// The server.
        server: SocketAddr,
        /// What is wrong with the certificate.
        cause: turn_relay::client::Cause,
    },
    /// No pair worked, and no TURN server gave a relay; of the last one this is known.
    #[error("no pair works without a relay, and the TURN server {server} over {transport} gave none{}", Because(cause.as_ref()))]
    TurnUnreachable {
        /// The server.
        server: SocketAddr,
        /// How it was to be reached.
        transport: Transport,
        /// Why; `None` where it just did not answer in time.
        cause: Option<turn_relay::client::Cause>,
    },
    /// No pair worked, and none of the STUN and TURN servers answered over UDP: a firewall seems to
    /// block it.
    #[error(
        "UDP seems to be blocked: none of {} answered over UDP{}", Counted(*.asked, "server"),
        if *.streams { ", while TCP gets through" } else { "" }
    )]
    UdpBlocked {
        /// Servers asked over UDP.
        asked: usize,
        /// Whether a server was reached over TCP or TLS.
        streams: bool,
    },
    /// The peer stopped answering consent checks (RFC 7675 §5.1).
    #[error("the peer at {remote} answered no consent check for {}", Seconds(*.silence))]
    ConsentLost {
        /// The peer's address.
        remote: SocketAddr,
        /// How long nothing was heard.
        silence: Duration,
    },
}

/// An answer that was not a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// An error response with this code: 401 says that the peer does not know our credentials.
    #[error("error {0}")]
    Code(u16),
    /// The response is not protected with the remote password.
    #[error("wrong integrity")]
    Integrity,
    /// The response came another way than the request went.
    #[error("answered from another address")]
    Asymmetric,
    /// There is no connection to the peer (RFC 6544).
    #[error("no connection")]
    Connection,
    /// The TURN server does not let the peer in: 403 says that its policy forbids the address. 0 where
    /// it did not say.
    #[error("the TURN server does not let the peer in (error {0})")]
    Relay(u16),
}

impl Refusal {
    fn likely_reason(self) -> &'static str {
        match self {
            Self::Code(400 | 401) | Self::Integrity => {
                "most likely the credentials of the two sides do not belong together"
            }
            Self::Code(487) => "most likely both sides keep the same role",
            Self::Code(_) => "the peer says no for a reason of its own",
            Self::Connection => "most likely a firewall, or nobody listens there",
            Self::Relay(_) => "most likely its policy forbids the peer's address",
            Self::Asymmetric => "most likely the peer or a NAT answers from another address",
        }
    }
}

/// A cause, where one is known.
struct Because<'a>(Option<&'a turn_relay::client::Cause>);

impl fmt::Display for Because<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(cause) => write!(f, ": {cause}"),
            None => f.write_str(" in time"),
        }
    }
}

/// A time to the tenth of a second.
struct Seconds(Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} s", self.0.as_secs_f64())
    }
}

/// A number with its noun, in the singular for one.
struct Counted<N>(N, &'static str);

impl<N: fmt::Display + PartialEq + From<u8>> fmt::Display for Counted<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.0 == N::from(1) { "" } else { "s" };
        write!(f, "{} {}{plural}", self.0, self.1)
    }
}

/// What happened on one pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PairReport {
    /// The local candidate; for a pair that answered, the one the answer named.
    pub local: Candidate,
    /// The remote candidate.
    pub remote: Candidate,
    /// How far it came.
    pub state: CheckState,
    /// Whether data goes over it.
    pub selected: bool,
    /// Checks sent, retransmissions included.
    pub checks_sent: u32,
    /// Authentic answers received.
    pub answers: u32,
    /// Authentic checks of the peer received.
    pub requests_heard: u32,
    /// Answers that were not grants.
    pub refusals: u32,
    /// The last of them.
    pub last_refusal: Option<Refusal>,
    /// The last round-trip time measured on an unrepeated request.
    pub rtt: Option<Duration>,
}

/// The state of a pair in the checklist (RFC 8445 §6.1.2.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CheckState {
    /// Not checked yet; it waits for a pair of the same foundation.
    Frozen,
    /// Not checked yet.
    Waiting,
    /// A check is on its way.
    InProgress,
    /// A check was answered.
    Succeeded,
    /// A check was not answered in time, or consent was lost.
    Failed,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_count_and_say_the_likely_reason() {
        let refused = FailureCause::AllRefused {
            refusals: 7,
            pairs: 1,
            refusal: Refusal::Integrity,
        };
        let failure = Failure {
            cause: refused,
            restarts: 0,
            sockets: Vec::new(),
            servers: Vec::new(),
            pairs: Vec::new(),
        };
        let error: &dyn std::error::Error = &failure;
        assert_eq!(
            error.to_string(),
            "7 answers on 1 pair, no grant among them: wrong integrity; \
             most likely the credentials of the two sides do not belong together"
        );
        let restarted = Failure {
            restarts: 1,
            ..failure.clone()
        };
        assert!(
            restarted
                .to_string()
                .starts_with("after 1 ICE restart: 7 answers")
        );
        let silent = FailureCause::NoAnswer {
            checks: 9,
            pairs: 2,
            requests_heard: 1,
        };
        assert_eq!(
            silent.to_string(),
            "no answer to 9 checks on 2 pairs; 1 check of the peer was heard"
        );
        let lost = FailureCause::ConsentLost {
            remote: SocketAddr::from(([192, 0, 2, 1], 5000)),
            silence: Duration::from_nanos(30_000_720_951),
        };
        assert_eq!(
            lost.to_string(),
            "the peer at 192.0.2.1:5000 answered no consent check for 30.0 s"
        );
    }
}
