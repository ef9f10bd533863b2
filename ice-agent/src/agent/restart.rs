//! Restarts (RFC 8445 §9): new credentials and new pairs, while data goes over the old one.
//!
//! A restart begins another [`Generation`]. The one before goes on as [`Previous`] if a pair of it
//! worked: first it carries data still, then, once the new generation has selected a pair,
//! it only listens for a little while. A generation in which no pair worked is gone at once.

use std::time::{Duration, Instant};

use stun_codec::{Path, SocketId, TransactionId};

use super::Agent;
use super::phase::{Peer, Phase, Waiting};
use crate::checklist::PairId;
use crate::config::Role;
use crate::credentials::Credentials;
use crate::failure::FailureCause;
use crate::generation::{Generation, GenerationId};
use crate::outbox::Frame;
use crate::random::Random;

/// How long the pairs of before are listened to once another pair is selected. The peer selects
/// it a little later than we do (RFC 8445 §8.3).
const LINGER: Duration = Duration::from_secs(3);

/// Why an agent was not restarted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RestartError {
    /// The peer comes with its old ufrag or password. Both must change (RFC 8445 §9).
    #[error("the peer has not changed its credentials for the restart")]
    SameCredentials,
    /// The agent has failed or was closed.
    #[error("the agent has ended")]
    Finished,
}

/// The generation before a restart.
#[derive(Debug)]
pub(super) struct Previous {
    pub(super) generation: Generation,
    pub(super) peer: Peer,
    duty: Duty,
}

/// What a previous generation is still there for. Checks of the peer are answered, and data taken
/// on pairs that worked, in both cases.
#[derive(Debug, Clone, Copy)]
enum Duty {
    /// Data goes over this pair, and consent is asked for on it.
    Carry(PairId),
    /// Nothing is sent any more.
    Listen { until: Instant },
}

/// What a previous generation has to do now.
enum Due {
    Nothing,
    Consent(PairId, TransactionId),
    /// The peer does not consent any more.
    Lost(FailureCause),
    End,
}

impl Previous {
    /// The pair that carries data.
    pub(super) fn carrier(&self) -> Option<(&Generation, PairId)> {
        match self.duty {
            Duty::Carry(pair) => Some((&self.generation, pair)),
            Duty::Listen { .. } => None,
        }
    }

    pub(super) fn timeout(&self) -> Option<Instant> {
        match self.duty {
            Duty::Carry(pair) => Some(self.generation.checks.get(pair)?.valid()?.consent.timeout()),
            Duty::Listen { until } => Some(until),
        }
    }

    fn poll(&mut self, now: Instant, role: Role, random: &mut Random) -> Due {
        let pair = match self.duty {
            Duty::Listen { until } if until <= now => return Due::End,
            Duty::Listen { .. } => return Due::Nothing,
            Duty::Carry(pair) => pair,
        };
        let Some(found) = self.generation.checks.get_mut(pair) else {
            return Due::End;
        };
        let remote = found.path.remote;
        match found.valid_mut() {
            Some(valid) if valid.consent.is_live(now) => valid
                .consent
                .poll(now, role, random)
                .map_or(Due::Nothing, |id| Due::Consent(pair, id)),
            Some(valid) => {
                let silence = valid.consent.silence(now);
                Due::Lost(FailureCause::ConsentLost { remote, silence })
            }
            None => Due::End,
        }
    }
}

impl Agent {
    /// Restarts ICE (RFC 8445 §9): because the network has changed, or because the peer asks for it
    /// with new credentials, which are `remote` then. The role and the sockets stay. Of a socket that
    /// is lost tell [`handle_closed`](Self::handle_closed) before, so that its address is not told
    /// again, and add the new one after.
    ///
    /// It is a new beginning: [`local_credentials`](Self::local_credentials) are new, the host
    /// candidates come once more as [`Event::LocalCandidate`](crate::Event::LocalCandidate) and
    /// further ones may be added, and
    /// [`end_of_local_candidates`](Self::end_of_local_candidates) ends gathering again. Where they
    /// are not known yet, the peer's new credentials are told by
    /// [`set_remote_credentials`](Self::set_remote_credentials); its candidates as ever.
    ///
    /// Meanwhile data goes over the pair that carried it, as long as the peer consents, until one
    /// of the new pairs is nominated. The checks of the peer with the old credentials are answered
    /// until then and a little longer. A restart that comes to nothing, because the new pairs fail
    /// or new credentials of the peer do not come in time, ends nothing that works: the agent fails
    /// only once the peer's consent on the old pair is gone, too (RFC 9725 §4.3.3).
    ///
    /// # Errors
    /// When the peer comes with its old credentials, or the agent has ended. Nothing has changed
    /// then.
    pub fn restart(
        &mut self,
        now: Instant,
        remote: Option<Credentials>,
    ) -> Result<(), RestartError> {
        let local = Credentials::generate(&self.config.ufrag_prefix, &mut self.random);
        self.restart_with(now, local, remote)
    }

    /// The same with credentials of ours that another agent has chosen: the components of one stream
    /// have the same ones (RFC 8445 §5.3), also after a restart.
    ///
    /// # Errors
    /// As of [`restart`](Self::restart).
    pub fn restart_with(
        &mut self,
        now: Instant,
        local: Credentials,
        remote: Option<Credentials>,
    ) -> Result<(), RestartError> {
        if self.state().is_finished() {
            return Err(RestartError::Finished);
        }
        let old = self.phase.peer_credentials();
        if let (Some(old), Some(new)) = (old, &remote)
            && old.has_part_of(new)
        {
            return Err(RestartError::SameCredentials);
        }
        let replaced = old.cloned();
        let next = self.current.successor(&self.config, local);
        let before = std::mem::replace(&mut self.current, next);
        let phase = std::mem::replace(&mut self.phase, Phase::Closed);
        if let Phase::Running(running) = phase
            && let Some(pair) = running.progress.carrier()
        {
            self.previous = Some(Previous {
                generation: before,
                peer: running.peer,
                duty: Duty::Carry(pair),
            });
        }
        self.phase = Phase::New(Waiting::instead_of(replaced));
        self.transactions.clear();
        self.gatherer.restart();
        self.relays.restart();
        self.stop_dialing();
        self.servers.restart();
        self.events.forget_gathering();
        let bases: Vec<_> = self.current.locals.bases().map(|(id, _)| id).collect();
        for base in bases {
            self.announce(now, base);
        }
        self.begin_relays(now);
        self.stats.restarts += 1;
        self.tell_state();
        self.tell_carrier(now);
        if let Some(remote) = remote {
            self.begin_checks(now, remote, Waiting::default());
        }
        self.advance(now);
        Ok(())
    }

    /// The ufrags that the peer's checks are answered under: ours, and during a restart the one from
    /// before it. Whoever shares a port among agents finds them by these.
    pub fn local_ufrags(&self) -> impl Iterator<Item = &str> {
        self.generations()
            .map(|generation| generation.credentials.ufrag())
    }

    /// A pair of the current generation was selected: the one before has no more to carry.
    pub(super) fn retire_previous(&mut self, now: Instant) {
        if let Some(previous) = &mut self.previous
            && matches!(previous.duty, Duty::Carry(_))
        {
            let until = now + LINGER;
            previous.duty = Duty::Listen { until };
        }
    }

    /// Whether a pair from before the last restart carries data.
    pub(super) fn lives_on_previous(&self) -> bool {
        self.previous.as_ref().and_then(Previous::carrier).is_some()
    }

    /// Keeps the consent of the generation before, or lets go of it.
    pub(super) fn run_previous(&mut self, now: Instant) {
        let Some(previous) = &mut self.previous else {
            return;
        };
        match previous.poll(now, self.role, &mut self.random) {
            Due::Nothing => {}
            Due::Consent(pair, id) => {
                let generation = previous.generation.id;
                self.push(Frame::Consent(generation, pair, id));
            }
            Due::Lost(cause) if self.is_overdue(now) => self.fail(cause),
            Due::Lost(_) | Due::End => {
                self.previous = None;
                self.tell_state();
                self.tell_carrier(now);
            }
        }
    }

    /// A socket is gone: so are the pairs of before on it, and all of before if data went there. A
    /// restart whose time went by meanwhile has it again.
    pub(super) fn previous_socket_closed(&mut self, now: Instant, id: SocketId) {
        let Some(Previous {
            generation, duty, ..
        }) = &mut self.previous
        else {
            return;
        };
        while let Some((base, _)) = generation.locals.close(id) {
            generation.checks.close_base(base);
        }
        if let Duty::Carry(pair) = duty
            && !generation.checks.has_path(*pair)
        {
            self.previous = None;
            if self.is_overdue(now) {
                self.allow_more_time(now);
            }
        }
    }

    /// The generations that are of use, the current one first.
    pub(super) fn generations(&self) -> impl Iterator<Item = &Generation> {
        let previous = self.previous.as_ref();
        std::iter::once(&self.current).chain(previous.map(|previous| &previous.generation))
    }

    pub(super) fn generation(&self, id: GenerationId) -> Option<&Generation> {
        self.generations().find(|generation| generation.id == id)
    }

    pub(super) fn generation_mut(&mut self, id: GenerationId) -> Option<&mut Generation> {
        if self.current.id == id {
            return Some(&mut self.current);
        }
        let previous = self.previous.as_mut()?;
        (previous.generation.id == id).then_some(&mut previous.generation)
    }

    /// A generation, with the peer that it talks to.
    pub(super) fn link(&self, id: GenerationId) -> Option<(&Generation, &Peer)> {
        if self.current.id == id {
            return Some((&self.current, &self.phase.running()?.peer));
        }
        let previous = self.previous.as_ref()?;
        (previous.generation.id == id).then_some((&previous.generation, &previous.peer))
    }

    /// The pair that carries data: the selected one; while a restart has none, the one of before;
    /// else the best that works.
    pub(super) fn carrier(&self) -> Option<(&Generation, PairId)> {
        let progress = self.phase.progress();
        let own = progress.and_then(|progress| progress.carrier());
        let own = own.map(|pair| (&self.current, pair));
        if progress.is_some_and(|progress| progress.is_completed()) {
            return own;
        }
        let before = self.previous.as_ref().and_then(Previous::carrier);
        before.or(own)
    }

    /// Whether a pair goes this way.
    pub(super) fn knows(&self, path: &Path) -> bool {
        self.generations()
            .any(|generation| generation.checks.find(path).is_some())
    }
}
