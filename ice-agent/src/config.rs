//! What an agent is told at construction.

use std::net::SocketAddr;
use std::time::Duration;

use turn_relay::client::{Allocation, Config as TurnServer};

use crate::credentials::{MAX_PREFIX, is_ice_char};
use crate::policy::Policy;

/// Which side decides (RFC 8445 §6.1.1). The side that sent the offer is usually controlling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// It nominates the pair.
    Controlling,
    /// It follows.
    Controlled,
}

impl Role {
    /// The other role.
    #[must_use]
    pub fn opposite(self) -> Self {
        match self {
            Self::Controlling => Self::Controlled,
            Self::Controlled => Self::Controlling,
        }
    }
}

/// How much of ICE an agent does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Mode {
    /// All of it.
    #[default]
    Full,
    /// It has host candidates only, on addresses that everybody reaches, answers checks and sends none,
    /// no consent checks either (RFC 8445 §2.5, RFC 7675 §4). The peer has to be full and controls. Its
    /// description says `a=ice-lite`.
    Lite,
}

/// Settings of an agent.
#[derive(Debug, Clone)]
pub struct Config {
    /// The role at the start: [`Role::Controlled`] by default. A conflict with the peer may change
    /// it (RFC 8445 §7.3.1.1).
    pub role: Role,
    /// Full by default.
    pub mode: Mode,
    /// The peer has said `a=ice-options:renomination`: nominations are numbered, the greatest number
    /// counts, and a controlling agent moves to a better pair that comes to work after the first was
    /// nominated. Numbered nominations of the peer are followed in any case. False by default.
    pub renomination: bool,
    /// The component, 1 to 256 (RFC 8445 §4). 1 by default.
    pub component: u16,
    /// How the local ufrag begins: at most 24 letters, digits, `+` and `/`. Empty by default. A
    /// program with several workers on one port puts the worker's index here; see
    /// [`local_ufrag`](crate::local_ufrag).
    pub ufrag_prefix: String,
    /// STUN servers, asked in parallel from each host address. At most 8 are used.
    pub stun_servers: Vec<SocketAddr>,
    /// TURN servers, each with its transport and our credentials. At most 8 are used, all in parallel:
    /// first those over UDP, then, if none has given an address by
    /// [`stream_patience`](Self::stream_patience), those over TCP and TLS.
    pub turn_servers: Vec<TurnServer>,
    /// How long servers over UDP are waited for before those over TCP and TLS are asked, too. 1 s by
    /// default.
    pub stream_patience: Duration,
    /// How long a nominated pair has to have carried data before the relays that it does not use are
    /// given back; `None` keeps them. 30 s by default. Without relays a direct pair that dies later
    /// leaves nothing to fall back on, and takes a restart.
    pub relay_release: Option<Duration>,
    /// What may be used, and what is preferred.
    pub policy: Policy,
    /// From the remote credentials to [`Failed`](crate::State::Failed) when no pair works. 39.5 s
    /// by default (RFC 8863 §4): a peer whose candidates are all unreachable may still reach us.
    pub deadline: Duration,
    /// From the first input to [`Failed`](crate::State::Failed) when no remote credentials come.
    /// 3 minutes by default.
    pub credentials_deadline: Duration,
    /// How long a STUN or TURN server may take to answer before gathering ends without it. 5 s by
    /// default.
    pub gathering_deadline: Duration,
    /// How long a controlling agent waits for a better pair once one works. 200 ms by default, and at
    /// least 2 s where relays are preferred ([`Preference::Relayed`](crate::Preference)).
    pub nomination_patience: Duration,
    /// How long the nominated pair may be silent, 1 to 30 s, before another one that answers takes its
    /// place or, where none does, the agent is [`Disconnected`](crate::State::Disconnected). 10 s by
    /// default. Below 9 s it is checked more often than consent asks for.
    pub disconnected_after: Duration,
    /// Ta: the time between two new transactions (RFC 8445 §14.2), at least 5 ms. 50 ms by
    /// default.
    pub pace: Duration,
    /// Most candidate pairs, 1 to 1000 (RFC 8445 §6.1.2.5). 100 by default.
    pub max_pairs: usize,
    /// Most remote candidates, peer-reflexive ones included, 1 to 1000. 64 by default.
    pub max_remote_candidates: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            role: Role::Controlled,
            mode: Mode::Full,
            renomination: false,
            component: 1,
            ufrag_prefix: String::new(),
            stun_servers: Vec::new(),
            turn_servers: Vec::new(),
            stream_patience: Duration::from_secs(1),
            relay_release: Some(Duration::from_secs(30)),
            policy: Policy::default(),
            deadline: Duration::from_millis(39_500),
            credentials_deadline: Duration::from_secs(180),
            gathering_deadline: Duration::from_secs(5),
            nomination_patience: Duration::from_millis(200),
            disconnected_after: Duration::from_secs(10),
            pace: Duration::from_millis(50),
            max_pairs: 100,
            max_remote_candidates: 64,
        }
    }
}

/// A setting is out of range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The component is not from 1 to 256.
    #[error("component {0} is not from 1 to 256")]
    Component(u16),
    /// The prefix of the ufrag is too long or has other characters than letters, digits, `+`
    /// and `/`.
    #[error("a ufrag prefix has at most 24 letters, digits, '+' and '/'")]
    UfragPrefix,
    /// The pace is under 5 ms (RFC 8445 §14.2).
    #[error("a pace of {0:?} is under 5 ms")]
    Pace(Duration),
    /// A lite agent does not control (RFC 8445 §6.1.1).
    #[error("a lite agent cannot control")]
    LiteControls,
    /// The silence after which a pair counts as dead is not from 1 to 30 s.
    #[error("a silence of {0:?} is not from 1 to 30 s")]
    DisconnectedAfter(Duration),
    /// The bound on pairs or candidates is not from 1 to 1000.
    #[error("a bound of {0} is not from 1 to 1000")]
    Bound(usize),
    /// A TURN server cannot be asked like this.
    #[error("the TURN server {server}: {error}")]
    TurnServer {
        /// Its address.
        server: SocketAddr,
        /// What is wrong.
        error: turn_relay::client::ConfigError,
    },
    /// A TURN server is to relay TCP connections (RFC 6062), which carry no candidates.
    #[error("the TURN server {0} is asked for TCP connections, and candidates need datagrams")]
    RelayedStreams(SocketAddr),
}

impl Config {
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        if !(1..=256).contains(&self.component) {
            return Err(ConfigError::Component(self.component));
        }
        if self.ufrag_prefix.len() > MAX_PREFIX || !self.ufrag_prefix.chars().all(is_ice_char) {
            return Err(ConfigError::UfragPrefix);
        }
        if self.pace < Duration::from_millis(5) {
            return Err(ConfigError::Pace(self.pace));
        }
        if (self.mode, self.role) == (Mode::Lite, Role::Controlling) {
            return Err(ConfigError::LiteControls);
        }
        let silences = Duration::from_secs(1)..=Duration::from_secs(30);
        if !silences.contains(&self.disconnected_after) {
            return Err(ConfigError::DisconnectedAfter(self.disconnected_after));
        }
        for bound in [self.max_pairs, self.max_remote_candidates] {
            if !(1..=1000).contains(&bound) {
                return Err(ConfigError::Bound(bound));
            }
        }
        for config in &self.turn_servers {
            let server = config.server();
            if config.relays_streams() {
                return Err(ConfigError::RelayedStreams(server));
            }
            // This one says what is wrong, and is dropped before it asks for anything.
            Allocation::new(config.clone(), [0; 32])
                .map_err(|error| ConfigError::TurnServer { server, error })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_checked() {
        let check = |change: fn(&mut Config)| {
            let mut config = Config::default();
            change(&mut config);
            config.check()
        };
        assert_eq!(check(|_| ()), Ok(()));
        assert_eq!(check(|c| c.component = 0), Err(ConfigError::Component(0)));
        assert_eq!(
            check(|c| c.ufrag_prefix = "a:b".into()),
            Err(ConfigError::UfragPrefix)
        );
        assert_eq!(
            check(|c| c.pace = Duration::ZERO),
            Err(ConfigError::Pace(Duration::ZERO))
        );
        assert_eq!(
            check(|c| c.disconnected_after = Duration::ZERO),
            Err(ConfigError::DisconnectedAfter(Duration::ZERO))
        );
        assert_eq!(check(|c| c.max_pairs = 0), Err(ConfigError::Bound(0)));
    }
}
