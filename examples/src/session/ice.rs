//! The ICE side of a session: what is signalled, and restarts.

use std::net::SocketAddr;
use std::time::Instant;

use ice_agent::{
    AddHostError, Agent, Candidate, Credentials, Local, OpenError, Path, RemoteError, RestartError,
    SocketId,
};

use super::{Event, Failure, Secure, Session};

/// What the far side is told of our ICE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalIce {
    /// Our user name fragment and password.
    pub credentials: Credentials,
    /// The candidates so far.
    pub candidates: Vec<Candidate>,
    /// No more candidates will follow.
    pub complete: bool,
}

/// What the far side has told of its ICE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteIce {
    /// Its user name fragment and password.
    pub credentials: Credentials,
    /// Its candidates so far.
    pub candidates: Vec<Candidate>,
    /// No more candidates will follow.
    pub complete: bool,
}

impl LocalIce {
    /// What an agent has gathered so far, taken out of its events. `other` gets the rest of them.
    pub fn take(agent: &mut Agent, mut other: impl FnMut(ice_agent::Event)) -> Self {
        let mut local = Self {
            credentials: agent.local_credentials().clone(),
            candidates: Vec::new(),
            complete: false,
        };
        while let Some(event) = agent.poll_event() {
            match event {
                ice_agent::Event::LocalCandidate(candidate) => local.candidates.push(candidate),
                ice_agent::Event::GatheringComplete => local.complete = true,
                event => other(event),
            }
        }
        local
    }
}

impl Session {
    /// Adds a candidate of the browser. A superfluous one is ignored.
    pub fn add_remote_candidate(&mut self, now: Instant, candidate: Candidate) {
        self.told = now;
        let _ = self.ice.add_remote_candidate(now, candidate);
        self.advance(now);
    }

    /// The browser has no more candidates.
    pub fn end_of_remote_candidates(&mut self, now: Instant) {
        self.told = now;
        self.ice.end_of_remote_candidates(now);
        self.advance(now);
    }

    /// Restarts ICE over the same sockets ([`Agent::restart`]): with the far side's new
    /// credentials, or ahead of them. Media goes on meanwhile. Answers what the far side is to be
    /// told.
    ///
    /// # Errors
    /// When the credentials are not new, or ICE has ended. Nothing has changed then.
    pub fn restart_ice(
        &mut self,
        now: Instant,
        remote: Option<Credentials>,
    ) -> Result<LocalIce, RestartError> {
        self.told = now;
        self.ice.restart(now, remote)?;
        self.ice.end_of_local_candidates(now);
        let mut others = Vec::new();
        let local = LocalIce::take(&mut self.ice, |event| others.push(event));
        others.into_iter().for_each(|event| self.on_ice(event));
        self.advance(now);
        Ok(local)
    }

    /// Tells the far side's credentials, after a restart from our side.
    ///
    /// # Errors
    /// When they are not new, others were told before, or ICE has ended.
    pub fn set_remote_credentials(
        &mut self,
        now: Instant,
        remote: Credentials,
    ) -> Result<(), RemoteError> {
        self.told = now;
        self.ice.set_remote_credentials(now, remote)?;
        self.advance(now);
        Ok(())
    }

    /// Has a socket opened for a host candidate ([`Agent::gather`]); the driver hears of it by
    /// [`Event::Open`].
    ///
    /// # Errors
    /// When the address is of no use, there are too many, or it is too late.
    pub fn gather(&mut self, now: Instant, local: Local) -> Result<SocketId, AddHostError> {
        self.told = now;
        let id = self.ice.gather(now, local)?;
        self.advance(now);
        Ok(id)
    }

    /// No further socket of ours will come; [`Event::GatheringComplete`] follows.
    pub fn end_of_local_candidates(&mut self, now: Instant) {
        self.told = now;
        self.ice.end_of_local_candidates(now);
        self.advance(now);
    }

    /// The driver has opened a socket that it was asked for.
    pub fn handle_opened(&mut self, now: Instant, id: SocketId, local: SocketAddr) {
        self.told = now;
        self.ice.handle_opened(now, id, local);
        self.advance(now);
    }

    /// The driver could not open a socket that it was asked for.
    pub fn handle_open_failed(&mut self, now: Instant, id: SocketId, error: OpenError) {
        self.told = now;
        self.ice.handle_open_failed(now, id, error);
        self.advance(now);
    }

    /// A socket is gone.
    pub fn handle_closed(&mut self, now: Instant, id: SocketId) {
        self.told = now;
        self.ice.handle_closed(now, id);
        self.advance(now);
    }

    /// A connection was accepted at a listening socket.
    pub fn handle_accepted(&mut self, now: Instant, path: Path) {
        self.told = now;
        self.ice.handle_accepted(now, path);
        self.advance(now);
    }

    pub(super) fn on_ice(&mut self, event: ice_agent::Event) {
        match event {
            // The driver's sockets outlive what was agreed over them.
            ice_agent::Event::Open(open) => self.events.push_back(Event::Open(open)),
            ice_agent::Event::Close(close) => self.events.push_back(Event::Close(close)),
            _ if self.secure.is_closed() => {}
            ice_agent::Event::SelectedPair(pair) => {
                let (local, remote) = (
                    without_extensions(&pair.local),
                    without_extensions(&pair.remote),
                );
                // A peer may nominate as often as it likes; only the newest waits.
                self.events
                    .retain(|event| !matches!(event, Event::Path { .. }));
                self.events.push_back(Event::Path { local, remote });
            }
            ice_agent::Event::Failed(failure) => {
                // Without a path there is nobody to send an alert to.
                self.secure = Secure::Closed(None);
                self.events.push_back(Event::Failed(Failure::Ice(failure)));
            }
            ice_agent::Event::HeldData { mut data, .. } => {
                self.secure.start(self.told, self.ice.rtt());
                if let Some(dtls) = self.secure.dtls() {
                    let _ = dtls.handle_datagram(self.told, &mut data);
                }
            }
            ice_agent::Event::LocalCandidate(candidate) => {
                self.events.push_back(Event::LocalCandidate(candidate));
            }
            ice_agent::Event::GatheringComplete => self.events.push_back(Event::GatheringComplete),
            // Names are not resolved.
            _ => {}
        }
    }
}

/// A candidate as one end of a path: its extensions are for signalling.
fn without_extensions(candidate: &Candidate) -> String {
    let mut candidate = candidate.clone();
    candidate.extensions.clear();
    candidate.to_string()
}
