//! What an agent tells its owner.

use std::collections::VecDeque;
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use stun_codec::{Close, Open};

use crate::candidate::Candidate;
use crate::failure::Failure;
use crate::stats::Stats;

/// How far an agent is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// The remote credentials are not known yet.
    New,
    /// Looking for a pair that works.
    Checking,
    /// A pair works and data can flow; none has been nominated yet. During a restart: the pair of
    /// before still carries data.
    Connected,
    /// A nominated pair is selected. A later nomination may still select another one; when its
    /// socket is closed the agent goes back to [`Self::Connected`] or [`Self::Checking`].
    Completed,
    /// The nominated pair has been silent for
    /// [`Config::disconnected_after`](crate::Config::disconnected_after), and no other one answers.
    /// Data still goes over it while the peer's consent lasts. It goes back to [`Self::Completed`] when
    /// the pair answers, to [`Self::Connected`] when another one does, and ends in [`Self::Failed`]
    /// when consent is lost.
    Disconnected,
    /// The end; [`Event::Failed`] says why.
    Failed,
    /// The end, at the owner's wish.
    Closed,
}

impl State {
    /// Whether the agent has ended.
    #[must_use]
    pub fn is_finished(self) -> bool {
        matches!(self, Self::Failed | Self::Closed)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::New => "new",
            Self::Checking => "checking",
            Self::Connected => "connected",
            Self::Completed => "completed",
            Self::Disconnected => "disconnected",
            Self::Failed => "failed",
            Self::Closed => "closed",
        })
    }
}

/// The pair that data goes over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PairInfo {
    /// The local candidate, as the peer sees it.
    pub local: Candidate,
    /// The remote candidate.
    pub remote: Candidate,
    /// The last round-trip time measured on an unrepeated request.
    pub rtt: Option<Duration>,
}

/// What an agent tells its owner.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A local candidate to signal to the peer. After a restart the hosts' come again.
    LocalCandidate(Candidate),
    /// No further local candidate will come: signal the end of candidates (RFC 8838 §13).
    GatheringComplete,
    /// A remote candidate has a name in place of an address. The owner may resolve it and add the
    /// candidate again with the address; otherwise it is ignored.
    Unresolved(Candidate),
    /// A socket is wanted: by [`Agent::gather`](crate::Agent::gather), or towards a TURN server. The
    /// driver answers with
    /// [`handle_opened`](crate::Agent::handle_opened) or
    /// [`handle_open_failed`](crate::Agent::handle_open_failed).
    Open(Open),
    /// A socket is not needed any more.
    Close(Close),
    /// None of the STUN and TURN servers has answered over UDP within
    /// [`Config::gathering_deadline`](crate::Config::gathering_deadline), and nothing else came over
    /// UDP: it seems to be blocked. The agent goes on; [`Agent::servers`](crate::Agent::servers) tells
    /// what is known.
    UdpBlocked,
    /// The state changed.
    StateChanged(State),
    /// Data goes over this pair from now on. It comes once for each change: a nomination of the
    /// pair that carries data already is only a [`StateChanged`](Self::StateChanged).
    SelectedPair(Box<PairInfo>),
    /// DTLS that came before its pair was valid, and was held until now.
    HeldData {
        /// The peer's address.
        from: SocketAddr,
        /// One datagram.
        data: Vec<u8>,
    },
    /// The agent failed. [`Event::StateChanged`] comes just before.
    Failed(Box<Failure>),
}

/// Most events that wait.
const MAX_EVENTS: usize = 256;

/// Events in their order, bounded: the oldest are lost when nobody drains.
#[derive(Debug, Default)]
pub(crate) struct Events(VecDeque<Event>);

impl Events {
    pub(crate) fn push(&mut self, event: Event, stats: &mut Stats) {
        // The end must be heard even by an owner that never drained before.
        if self.0.len() >= MAX_EVENTS {
            self.0.pop_front();
            stats.event_overflow += 1;
        }
        self.0.push_back(event);
    }

    /// Takes out what told of local candidates: a restart gathers anew.
    pub(crate) fn forget_gathering(&mut self) {
        self.0
            .retain(|event| !matches!(event, Event::LocalCandidate(_) | Event::GatheringComplete));
    }

    /// Takes out these local candidates: nobody needs to hear of a socket that is gone.
    pub(crate) fn forget_candidates(&mut self, is_gone: impl Fn(&Candidate) -> bool) {
        self.0.retain(
            |event| !matches!(event, Event::LocalCandidate(candidate) if is_gone(candidate)),
        );
    }

    pub(crate) fn pop(&mut self) -> Option<Event> {
        self.0.pop_front()
    }
}
