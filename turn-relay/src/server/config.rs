//! What the server is to be, checked once.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use stun_codec::Family;
use stun_codec::credentials::{KeyDerivation, PrepareError};

use super::credentials::Credentials;
use super::policy::PeerPolicy;
use super::quota::Quota;
use super::secrets::WallClock;

/// RFC 8656 §3.2: the lifetime of an allocation that is not refreshed.
const LIFETIME: Duration = Duration::from_secs(600);

/// RFC 8656 §7.2 suggests an hour as the longest.
const MAX_LIFETIME: Duration = Duration::from_secs(3600);

/// An hour: RFC 8656 §5 wants no more.
const NONCE_LIFETIME: Duration = Duration::from_secs(3600);

/// What a server is to be. It is built once; each worker gets a copy with a number of its own.
///
/// ```
/// use turn_relay::server::{Config, Credentials};
///
/// let users = Credentials::new().with_user("alice", "secret")?;
/// let config = Config::new("example.org", users)
///     .with_listener("192.0.2.1:3478".parse()?)
///     .with_relay_address("192.0.2.1".parse()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Config {
    pub(super) realm: String,
    pub(super) credentials: Arc<Credentials>,
    pub(super) listeners: Vec<SocketAddr>,
    pub(super) relays: Vec<RelayAddress>,
    pub(super) policy: PeerPolicy,
    pub(super) quota: Quota,
    pub(super) lifetime: Duration,
    pub(super) max_lifetime: Duration,
    pub(super) nonce_lifetime: Duration,
    pub(super) algorithms: Option<Vec<KeyDerivation>>,
    pub(super) max_peers: usize,
    pub(super) bandwidth: Option<u64>,
    pub(super) total_bandwidth: Option<u64>,
    pub(super) mobility: bool,
    pub(super) dont_fragment: bool,
    pub(super) tcp: bool,
    pub(super) strict_expiry: bool,
    pub(super) clock: Option<WallClock>,
    pub(super) alternate: Option<SocketAddr>,
    pub(super) worker: u8,
    pub(super) workers: u8,
}

/// An address to relay at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RelayAddress {
    /// Where sockets are bound.
    pub(super) local: IpAddr,
    /// Where peers reach it.
    pub(super) public: IpAddr,
}

/// A configuration that contradicts itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The realm is empty, or longer than an attribute can be.
    #[error("a realm has 1 to 763 bytes, and this one has {0}")]
    RealmLength(usize),
    /// The realm has characters that none can have.
    #[error("the realm cannot be used: {0}")]
    Realm(#[from] PrepareError),
    /// There is no address to relay at.
    #[error("there is no address to relay at")]
    NoRelayAddress,
    /// An address to relay at must be one that peers can send to.
    #[error("{0} is no address that peers can reach")]
    RelayAddress(IpAddr),
    /// One address is of IPv4, the other of IPv6.
    #[error("{local} and {public} are of different families")]
    Families {
        /// Where sockets would be bound.
        local: IpAddr,
        /// Where peers would send to.
        public: IpAddr,
    },
    /// The worker is none of so many.
    #[error("worker {index} of {of}")]
    Worker {
        /// Which one.
        index: u8,
        /// How many there are.
        of: u8,
    },
    /// Names that say when they expire are of no use without the time.
    #[error("shared secrets need the time of the day")]
    NoWallClock,
    /// The longest lifetime is shorter than the usual one.
    #[error("a lifetime of {} s at most, and {} s for everybody", max.as_secs(), usual.as_secs())]
    Lifetime {
        /// What everybody gets.
        usual: Duration,
        /// The most anybody gets.
        max: Duration,
    },
}

impl Config {
    /// A server for users of a realm. It wants an address to relay at.
    #[must_use]
    pub fn new(realm: &str, credentials: Credentials) -> Self {
        Self {
            realm: realm.into(),
            credentials: Arc::new(credentials),
            listeners: Vec::new(),
            relays: Vec::new(),
            policy: PeerPolicy::default(),
            quota: Quota::default(),
            lifetime: LIFETIME,
            max_lifetime: MAX_LIFETIME,
            nonce_lifetime: NONCE_LIFETIME,
            algorithms: None,
            max_peers: 256,
            bandwidth: None,
            total_bandwidth: None,
            mobility: true,
            dont_fragment: false,
            tcp: false,
            strict_expiry: false,
            clock: None,
            alternate: None,
            worker: 0,
            workers: 1,
        }
    }

    /// An address that clients reach the server at. Nobody is relayed to it, at any port. Where sockets
    /// are bound to `0.0.0.0` or `::`, tell every address that the machine has.
    #[must_use]
    pub fn with_listener(mut self, address: SocketAddr) -> Self {
        self.listeners.push(address);
        self
    }

    /// An address to relay at. Allocations take turns at several of one family: tell those that every
    /// client's peers can reach.
    #[must_use]
    pub fn with_relay_address(self, ip: IpAddr) -> Self {
        self.with_translated_relay_address(ip, ip)
    }

    /// An address to relay at that peers reach as another, because a NAT stands in between that keeps
    /// ports as they are.
    #[must_use]
    pub fn with_translated_relay_address(mut self, local: IpAddr, public: IpAddr) -> Self {
        self.relays.push(RelayAddress { local, public });
        self
    }

    /// Which peers may be reached; [`PeerPolicy::internet`] by default.
    #[must_use]
    pub fn with_policy(mut self, policy: PeerPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// How many allocations there may be.
    #[must_use]
    pub fn with_quota(mut self, quota: Quota) -> Self {
        self.quota = quota;
        self
    }

    /// How long an allocation lasts without a refresh: what everybody gets who asks for less, and the
    /// most anybody gets. Ten minutes and an hour by default (RFC 8656 §7.2).
    #[must_use]
    pub const fn with_lifetimes(mut self, usual: Duration, max: Duration) -> Self {
        (self.lifetime, self.max_lifetime) = (usual, max);
        self
    }

    /// How long a nonce serves; an hour by default.
    #[must_use]
    pub const fn with_nonce_lifetime(mut self, lifetime: Duration) -> Self {
        self.nonce_lifetime = lifetime;
        self
    }

    /// How keys may be derived from passwords, the best first. By default SHA-256 and MD5 where every
    /// password is known, MD5 alone with a store, which may have no passwords.
    #[must_use]
    pub fn with_algorithms(mut self, algorithms: &[KeyDerivation]) -> Self {
        self.algorithms = Some(algorithms.to_vec());
        self
    }

    /// How many addresses an allocation may permit, and how many channels it may bind; 256 by default.
    #[must_use]
    pub const fn with_max_peers(mut self, limit: usize) -> Self {
        self.max_peers = limit;
        self
    }

    /// How many bytes of data each allocation may carry in a second, both ways together. What is more is
    /// dropped, after a burst of one second's worth.
    #[must_use]
    pub const fn with_bandwidth(mut self, bytes_per_second: u64) -> Self {
        self.bandwidth = Some(bytes_per_second);
        self
    }

    /// The same for all allocations together; each worker has its share.
    #[must_use]
    pub const fn with_total_bandwidth(mut self, bytes_per_second: u64) -> Self {
        self.total_bandwidth = Some(bytes_per_second);
        self
    }

    /// Whether allocations may move to another address of their client (RFC 8016); they may by default.
    #[must_use]
    pub const fn with_mobility(mut self, mobility: bool) -> Self {
        self.mobility = mobility;
        self
    }

    /// The driver can send single datagrams that no router may fragment
    /// ([`Relayed::ToWhole`](super::Relayed::ToWhole)).
    #[must_use]
    pub const fn with_dont_fragment(mut self) -> Self {
        self.dont_fragment = true;
        self
    }

    /// Clients over TCP and TLS may have relayed addresses that peers connect to over TCP, and from which
    /// connections are made (RFC 6062). The driver must know [`Wanted::TcpListener`] and
    /// [`Wanted::TcpFrom`], and join connections ([`Event::Join`](super::Event::Join)).
    ///
    /// [`Wanted::TcpListener`]: crate::Wanted::TcpListener
    /// [`Wanted::TcpFrom`]: crate::Wanted::TcpFrom
    #[must_use]
    pub const fn with_tcp_relay(mut self) -> Self {
        self.tcp = true;
        self
    }

    /// A credential that expires ends its allocations. By default it only makes no new ones.
    #[must_use]
    pub const fn with_strict_expiry(mut self) -> Self {
        self.strict_expiry = true;
        self
    }

    /// The time of the day, which names that say when they expire need.
    #[must_use]
    pub fn with_wall_clock(mut self, now: Instant, time: SystemTime) -> Self {
        self.clock = Some(WallClock::new(now, time));
        self
    }

    /// Where clients are sent (300) when there are as many allocations as may be.
    #[must_use]
    pub const fn with_alternate_server(mut self, server: SocketAddr) -> Self {
        self.alternate = Some(server);
        self
    }

    /// Which worker this is, of how many.
    #[must_use]
    pub const fn with_worker(mut self, index: u8, of: u8) -> Self {
        (self.worker, self.workers) = (index, of);
        self
    }

    pub(super) fn check(&mut self) -> Result<(), ConfigError> {
        if !(1..=763).contains(&self.realm.len()) {
            return Err(ConfigError::RealmLength(self.realm.len()));
        }
        if self.relays.is_empty() {
            return Err(ConfigError::NoRelayAddress);
        }
        for &RelayAddress { local, public } in &self.relays {
            if Family::of(local) != Family::of(public) {
                return Err(ConfigError::Families { local, public });
            }
            if public.is_unspecified() || public.is_multicast() {
                return Err(ConfigError::RelayAddress(public));
            }
        }
        if self.worker >= self.workers {
            return Err(ConfigError::Worker {
                index: self.worker,
                of: self.workers,
            });
        }
        if self.credentials.secrets.is_some() && self.clock.is_none() {
            return Err(ConfigError::NoWallClock);
        }
        if self.max_lifetime < self.lifetime {
            return Err(ConfigError::Lifetime {
                usual: self.lifetime,
                max: self.max_lifetime,
            });
        }
        let relays = self.relays.iter().flat_map(|one| [one.local, one.public]);
        let own = self.listeners.iter().map(SocketAddr::ip).chain(relays);
        own.for_each(|ip| self.policy.add_own(ip));
        Ok(())
    }

    /// How long an allocation is to last for which so much is asked (RFC 8656 §7.2, §8.2).
    pub(super) fn lifetime_for(&self, asked: Option<u32>) -> Duration {
        let asked = Duration::from_secs(asked.unwrap_or(0).into());
        asked.clamp(self.lifetime, self.max_lifetime)
    }
}
