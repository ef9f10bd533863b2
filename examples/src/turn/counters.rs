//! What one worker has counted, for whoever watches.

use turn_relay::server::Stats;

/// What a worker has counted since it was started, and has now.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct WorkerStats {
    /// Which one.
    pub worker: usize,
    /// What the machine has counted.
    pub relay: Stats,
    /// Allocations that there are.
    pub allocations: usize,
    /// Relay sockets that are open.
    pub sockets: usize,
    /// TCP and TLS connections that there are.
    pub connections: usize,
    /// TCP and TLS connections accepted.
    pub accepted: u64,
    /// Connections turned away because there were too many.
    pub turned_away: u64,
    /// Connections ended because they failed, or carried something else than TURN or TLS.
    pub failed_connections: u64,
    /// Connections ended because their client did not read the answers.
    pub overflowed_connections: u64,
    /// Media dropped because it had become stale while a client's connection took none.
    pub stale: u64,
    /// Datagrams that the kernel did not take.
    pub unsent: u64,
    /// Frames that are neither STUN nor ChannelData.
    pub foreign: u64,
    /// Relay sockets that could not be opened.
    pub open_failures: u64,
    /// Reports that nobody took in time.
    pub lost_reports: u64,
    /// Frames that came to the wrong worker and were handed on.
    pub handed_on: u64,
    /// How the loop runs.
    pub work: Work,
}

/// How a worker's loop runs.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct Work {
    /// Turns, each after a rest.
    pub turns: u64,
    /// Times that the kernel was asked what has arrived.
    pub waits: u64,
    /// Datagrams of clients.
    pub from_clients: u64,
    /// Calls that took them.
    pub client_reads: u64,
    /// Datagrams of peers; each is a call of its own.
    pub from_peers: u64,
    /// Calls that sent datagrams to clients.
    pub client_writes: u64,
}
