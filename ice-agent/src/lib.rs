//! A sans-IO ICE agent (RFC 8445) with trickle (RFC 8838) and consent (RFC 7675).
//!
//! - [`Agent`] is the state machine: one component, controlling or controlled. It is
//!   told the time, given datagrams, and drained; see its documentation for the order.
//! - [`Candidate`] reads and prints the candidate lines of SDP (RFC 8839).
//! - [`local_ufrag`] finds the agent that a datagram on a shared port is meant for.
//!
//! It opens no socket, reads no clock and draws no randomness of its own. It does not
//! resolve names.
//!
#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod agent;
mod candidate;
mod checklist;
mod config;
mod consent;
mod credentials;
mod event;
mod failure;
mod gather;
mod generation;
mod locals;
mod outbox;
mod pair_stats;
mod policy;
mod priority;
mod random;
mod relays;
mod remotes;
mod servers;
mod stats;
mod transactions;
mod wire;

pub use agent::{AddHostError, Agent, RemoteError, RestartError, SendError};
pub use candidate::{
    Address, Candidate, Extensions, Field, Foundation, InvalidFoundation, Kind,
    ParseCandidateError, Protocol, TcpKind,
};
pub use config::{Config, ConfigError, Mode, Role};
pub use credentials::{Credentials, CredentialsError};
pub use event::{Event, PairInfo, State};
pub use failure::{CheckState, Failure, FailureCause, PairReport, Refusal, SocketReport};
pub use pair_stats::{CandidatePairStats, CandidateStats, Side};
pub use policy::{Kinds, Nat64, Network, OneToOne, Policy, Preference};
pub use priority::{candidate_priority, pair_priority};
pub use servers::{ServerKind, ServerOutcome, ServerReport};
pub use stats::Stats;
pub use stun_codec::{
    Close, Family, HEADROOM, Handled, Local, Open, OpenError, Path, Port, Received, SocketId,
    Transmit, Transport, Wanted,
};
pub use turn_relay::client::{Cause as TurnCause, Config as TurnServer, TAILROOM};
pub use wire::local_ufrag;
