//! Two sessions that know each other, as after an exchange of SDP.

use std::net::SocketAddr;
use std::time::Instant;

use dtls_handshake::Identity;
use examples::session::{DtlsRole, Session, SessionConfig};
use ice_agent::{Agent, Candidate, Config, Credentials, Event, Role, SocketId};
use virtual_network::Dice;

/// What two sessions are made from, each of two for the first and the second.
#[derive(Debug, Clone)]
pub(crate) struct Pair<'a> {
    /// Their certificates.
    pub(crate) identities: &'a [Identity; 2],
    /// The sockets of each, which are its host candidates.
    pub(crate) sockets: [Vec<(SocketId, SocketAddr)>; 2],
    /// Who leads in ICE. In DTLS the second is the client.
    pub(crate) roles: [Role; 2],
    /// The SRTP profiles of both.
    pub(crate) profiles: &'a [u16],
    /// What all their randomness is drawn from, except that of the elliptic curves.
    pub(crate) seed: u64,
}

impl Pair<'_> {
    /// Makes them.
    pub(crate) fn sessions(&self, now: Instant) -> [Session; 2] {
        let mut dice = Dice::new(self.seed);
        let mut agents = [0, 1].map(|side| {
            let config = Config {
                role: self.roles[side],
                ..Config::default()
            };
            let mut agent = Agent::new(config, dice.seed()).unwrap();
            for (id, local) in &self.sockets[side] {
                agent.add_host(now, *id, *local).unwrap();
            }
            agent.end_of_local_candidates(now);
            agent
        });
        let told = agents.each_mut().map(description);
        let mut side = 0;
        agents.map(|mut ice| {
            let (credentials, candidates) = &told[1 - side];
            ice.set_remote_credentials(now, credentials.clone())
                .unwrap();
            for candidate in candidates {
                ice.add_remote_candidate(now, candidate.clone()).unwrap();
            }
            let identity = self.identities[side].clone();
            let config = SessionConfig {
                ice,
                dtls: dtls_handshake::Config::new(identity).with_srtp_profiles(self.profiles),
                role: [DtlsRole::Server, DtlsRole::Client][side],
                fingerprints: vec![self.identities[1 - side].fingerprint()],
                seed: dice.seed().into(),
            };
            side += 1;
            Session::new(config, now)
        })
    }
}

/// The sockets of a side that has one.
pub(crate) fn one_socket(local: SocketAddr) -> Vec<(SocketId, SocketAddr)> {
    vec![(SocketId(0), local)]
}

/// What ICE tells the other side.
fn description(agent: &mut Agent) -> (Credentials, Vec<Candidate>) {
    let events = std::iter::from_fn(|| agent.poll_event());
    let candidates = events.filter_map(|event| match event {
        Event::LocalCandidate(candidate) => Some(candidate),
        _ => None,
    });
    let candidates = candidates.collect();
    (agent.local_credentials().clone(), candidates)
}
