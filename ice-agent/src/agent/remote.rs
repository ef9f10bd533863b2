//! What the peer has signalled: its credentials and its candidates.

use std::time::Instant;

use stun_codec::IntegrityKey;

use super::Agent;
use super::phase::{Nominations, Peer, Phase, Progress, Running, Waiting};
use crate::candidate::{Address, Candidate};
use crate::credentials::Credentials;
use crate::event::Event;
use crate::remotes::{Added, RemoteId, is_of_generation};

/// Something of the peer was not taken. The agent goes on without it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RemoteError {
    /// There are as many remote candidates as
    /// [`Config::max_remote_candidates`](crate::Config::max_remote_candidates).
    #[error("there are too many remote candidates")]
    TooMany,
    /// It is for another component.
    #[error("component {0} is not of this agent")]
    OtherComponent(u16),
    /// Its `ufrag` extension names other credentials than the current ones.
    #[error("the candidate belongs to other credentials")]
    OtherGeneration,
    /// Other credentials were set before: [`Agent::restart`] comes first.
    #[error("other remote credentials were set before")]
    CredentialsChanged,
    /// They are those from before the restart. The peer must choose others (RFC 8445 §9).
    #[error("the peer has not changed its credentials for the restart")]
    SameCredentials,
    /// The agent has failed or was closed.
    #[error("the agent has ended")]
    Finished,
}

impl Agent {
    /// Tells the peer's ufrag and password; checks begin. Telling the same again changes nothing.
    /// Others need a [`restart`](Self::restart) first.
    ///
    /// # Errors
    /// When others were told before, they are those from before a restart, or the agent has ended.
    pub fn set_remote_credentials(
        &mut self,
        now: Instant,
        remote: Credentials,
    ) -> Result<(), RemoteError> {
        let waiting = match &mut self.phase {
            Phase::New(waiting) if waiting.refuses(&remote) => {
                return Err(RemoteError::SameCredentials);
            }
            Phase::New(waiting) => std::mem::take(waiting),
            Phase::Running(running) if running.peer.credentials == remote => return Ok(()),
            Phase::Running(_) => return Err(RemoteError::CredentialsChanged),
            Phase::Failed | Phase::Closed => return Err(RemoteError::Finished),
        };
        self.begin_checks(now, remote, waiting);
        self.advance(now);
        Ok(())
    }

    /// The remote credentials are known.
    pub(super) fn begin_checks(&mut self, now: Instant, remote: Credentials, waiting: Waiting) {
        self.current.remotes.keep_generation(remote.ufrag());
        let peer = Peer {
            key: IntegrityKey::short_term(remote.password()),
            username: username(&remote, &self.current.credentials),
            credentials: remote,
            nominations: Nominations::new(),
        };
        let progress = Progress::Checking {
            deadline: now + self.config.deadline,
        };
        self.phase = Phase::Running(Box::new(Running { peer, progress }));
        self.tell_state();
        self.pair_all();
        for early in waiting.into_early() {
            self.learn_from_early(now, early);
        }
    }

    /// Adds a candidate of the peer, before or after its credentials. One that is known changes
    /// nothing. One with a name in place of an address comes back as [`Event::Unresolved`].
    /// Unknown kinds are kept and not paired. A check may be due at once: drain
    /// [`poll_transmit`](Self::poll_transmit) after it.
    ///
    /// # Errors
    /// When it is of another component or other credentials, there are too many, or the agent has
    /// ended. None of these harms the agent: go on with the next candidate.
    pub fn add_remote_candidate(
        &mut self,
        now: Instant,
        candidate: Candidate,
    ) -> Result<(), RemoteError> {
        if self.state().is_finished() {
            return Err(RemoteError::Finished);
        }
        if candidate.component != self.config.component {
            return Err(RemoteError::OtherComponent(candidate.component));
        }
        let running = self.phase.running();
        let current = running.map(|running| running.peer.credentials.ufrag());
        if current.is_some_and(|ufrag| !is_of_generation(&candidate, ufrag)) {
            return Err(RemoteError::OtherGeneration);
        }
        match self.current.remotes.add(candidate) {
            Added::New(remote) => {
                self.tell_if_named(remote);
                self.pair_remote(remote);
            }
            Added::Improved(_) => self.reprioritise(),
            Added::Known => {}
            Added::Full => {
                self.stats.over_bound += 1;
                return Err(RemoteError::TooMany);
            }
        }
        self.advance(now);
        Ok(())
    }

    fn tell_if_named(&mut self, remote: RemoteId) {
        let named = |found: &&Candidate| matches!(found.address, Address::Name { .. });
        if let Some(candidate) = self.current.remotes.get(remote).filter(named) {
            self.events
                .push(Event::Unresolved(candidate.clone()), &mut self.stats);
        }
    }

    /// Says that the peer has no further candidates (RFC 8838 §14). The agent does not fail early
    /// because of it: a peer may still reach us from an address nobody knew.
    pub fn end_of_remote_candidates(&mut self, now: Instant) {
        self.current.remotes.end();
        self.advance(now);
    }
}

/// USERNAME of our requests (RFC 8445 §7.2.2).
fn username(theirs: &Credentials, ours: &Credentials) -> String {
    [theirs.ufrag(), ":", ours.ufrag()].concat()
}
