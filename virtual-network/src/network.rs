//! Hosts, and what is under way between them.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use crate::dice::Dice;
use crate::nat::{Nat, NatKind};
use crate::weather::Weather;

/// A host of one network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostId(usize);

/// A NAT of one network, and the private network behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NatId(usize);

/// A datagram, with the addresses that whoever looks at it sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Datagram {
    /// Whom it comes from.
    pub from: SocketAddr,
    /// Whom it goes to.
    pub to: SocketAddr,
    /// The payload of UDP.
    pub data: Vec<u8>,
}

/// What became of the datagrams so far. `sent` and `duplicated` together are as many as all that
/// follow and those under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Counts {
    /// Given to [`Network::send`].
    pub sent: u64,
    /// Second copies.
    pub duplicated: u64,
    /// Arrived at a host.
    pub delivered: u64,
    /// Lost by the weather.
    pub lost: u64,
    /// Dropped by the rule of [`Network::block`].
    pub blocked: u64,
    /// Not let in by a NAT, or out where it has no port left.
    pub filtered: u64,
    /// Sent from or to an address that no host has, or not any more.
    pub unreachable: u64,
    /// Taken out by [`Network::take_under_way`].
    pub taken: u64,
}

/// Who can be reached directly: everybody on the public network, or all behind one NAT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Realm {
    Public,
    Behind(NatId),
}

#[derive(Debug)]
struct Host {
    realm: Realm,
    addresses: Vec<SocketAddr>,
    /// The end of the last outage of what it sends.
    outage: Option<Instant>,
}

#[derive(Debug)]
struct Flight {
    realm: Realm,
    datagram: Datagram,
}

type Rule = Box<dyn FnMut(&Datagram) -> bool>;

/// Hosts and NATs, and the datagrams between them.
///
/// [`send`](Self::send) puts a datagram on its way, [`next_arrival`](Self::next_arrival) says when
/// something happens next, [`advance`](Self::advance) lets time go by, and
/// [`receive`](Self::receive) hands out what has arrived. A NAT translates what goes out when it
/// is sent and what comes in when it arrives, so that a move loses what is under way.
pub struct Network {
    now: Instant,
    weather: Weather,
    dice: Dice,
    hosts: Vec<Host>,
    nats: Vec<Nat>,
    rule: Option<Rule>,
    under_way: BTreeMap<(Instant, u64), Flight>,
    serial: u64,
    counts: Counts,
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network")
            .field("weather", &self.weather)
            .field("hosts", &self.hosts)
            .field("nats", &self.nats)
            .field("under_way", &self.under_way.len())
            .field("counts", &self.counts)
            .finish_non_exhaustive()
    }
}

impl Network {
    /// A network without hosts. The same seed and the same calls give the same arrivals.
    #[must_use]
    pub fn new(now: Instant, seed: u64, weather: Weather) -> Self {
        Self {
            now,
            weather,
            dice: Dice::new(seed),
            hosts: Vec::new(),
            nats: Vec::new(),
            rule: None,
            under_way: BTreeMap::new(),
            serial: 0,
            counts: Counts::default(),
        }
    }

    /// Adds a host on the public network.
    pub fn add_host(&mut self, addresses: &[SocketAddr]) -> HostId {
        self.add(Realm::Public, addresses)
    }

    /// Adds a NAT with its address on the public network.
    pub fn add_nat(&mut self, public: IpAddr, kind: NatKind) -> NatId {
        self.nats.push(Nat::new(public, kind));
        NatId(self.nats.len() - 1)
    }

    /// Adds a host on the private network behind a NAT. Networks behind two NATs may use the same
    /// addresses.
    pub fn add_host_behind(&mut self, nat: NatId, addresses: &[SocketAddr]) -> HostId {
        self.add(Realm::Behind(nat), addresses)
    }

    fn add(&mut self, realm: Realm, addresses: &[SocketAddr]) -> HostId {
        self.hosts.push(Host {
            realm,
            addresses: addresses.to_vec(),
            outage: None,
        });
        HostId(self.hosts.len() - 1)
    }

    /// A host gives up one address and has another instead. What is under way to the old one is
    /// lost.
    pub fn move_address(&mut self, host: HostId, old: SocketAddr, new: SocketAddr) {
        let addresses = self.hosts.get_mut(host.0).map(|host| &mut host.addresses);
        for address in addresses.into_iter().flatten() {
            if *address == old {
                *address = new;
            }
        }
    }

    /// A NAT forgets its mappings, as after a restart: those behind it are seen from other ports
    /// from now on, and what is under way to the old ones is lost.
    pub fn rebind(&mut self, nat: NatId) {
        if let Some(nat) = self.nats.get_mut(nat.0) {
            nat.forget();
        }
    }

    /// A NAT gets another public address, and forgets its mappings.
    pub fn move_nat(&mut self, nat: NatId, public: IpAddr) {
        if let Some(nat) = self.nats.get_mut(nat.0) {
            nat.forget();
            nat.public = public;
        }
    }

    /// Changes what happens to the datagrams that are sent from now on. Outages are over.
    pub fn set_weather(&mut self, weather: Weather) {
        self.weather = weather;
        for host in &mut self.hosts {
            host.outage = None;
        }
    }

    /// Drops what `rule` is true for, with the addresses that its sender gave it.
    pub fn block(&mut self, rule: impl FnMut(&Datagram) -> bool + 'static) {
        self.rule = Some(Box::new(rule));
    }

    /// Ends the rule of [`block`](Self::block).
    pub fn unblock(&mut self) {
        self.rule = None;
    }

    /// What became of the datagrams so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Virtual time.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.now
    }

    /// Lets time go by, until `to`. It never goes back.
    pub fn advance(&mut self, to: Instant) {
        self.now = self.now.max(to);
    }

    /// When the next datagram under way arrives, even if nobody is there any more.
    #[must_use]
    pub fn next_arrival(&self) -> Option<Instant> {
        self.under_way.keys().next().map(|(at, _)| *at)
    }

    /// Sends a datagram from an address of a host.
    pub fn send(&mut self, host: HostId, from: SocketAddr, to: SocketAddr, data: &[u8]) {
        self.counts.sent += 1;
        let sender = self.hosts.get(host.0);
        let Some(sender) = sender.filter(|host| host.addresses.contains(&from)) else {
            self.counts.unreachable += 1;
            return;
        };
        let mut realm = sender.realm;
        let data = data.to_vec();
        let mut datagram = Datagram { from, to, data };
        if self.rule.as_mut().is_some_and(|rule| rule(&datagram)) {
            self.counts.blocked += 1;
            return;
        }
        if let Realm::Behind(nat) = realm
            && self.host_at(realm, to).is_none()
        {
            let nat = self.nats.get_mut(nat.0);
            let Some(outer) = nat.and_then(|nat| nat.outbound(from, to)) else {
                self.counts.filtered += 1;
                return;
            };
            datagram.from = outer;
            realm = Realm::Public;
        }
        if self.dice.chance(self.weather.duplication) {
            self.counts.duplicated += 1;
            self.launch(host, realm, datagram.clone());
        }
        self.launch(host, realm, datagram);
    }

    fn launch(&mut self, host: HostId, realm: Realm, mut datagram: Datagram) {
        if self.is_out(host) || self.dice.chance(self.weather.loss) {
            self.counts.lost += 1;
            return;
        }
        if self.dice.chance(self.weather.corruption) {
            let bit = self.dice.below(datagram.data.len() as u64 * 8);
            if let Some(byte) = datagram.data.get_mut(bit as usize / 8) {
                *byte ^= 1 << (bit % 8);
            }
        }
        let at = self.now + self.weather.delay + self.dice.time(self.weather.jitter);
        self.serial += 1;
        self.under_way
            .insert((at, self.serial), Flight { realm, datagram });
    }

    /// Whether an outage of a sender lasts or begins.
    fn is_out(&mut self, host: HostId) -> bool {
        let begins = self.dice.chance(self.weather.outage);
        let Some(host) = self.hosts.get_mut(host.0) else {
            return false;
        };
        let lasts = host.outage.is_some_and(|end| self.now < end);
        if begins && !lasts {
            host.outage = Some(self.now + self.weather.outage_length);
        }
        begins || lasts
    }

    /// The next datagram that has arrived by now, with its host.
    pub fn receive(&mut self) -> Option<(HostId, Datagram)> {
        while let Some(entry) = self.under_way.first_entry() {
            if entry.key().0 > self.now {
                return None;
            }
            let Flight { realm, datagram } = entry.remove();
            if let Some(arrival) = self.deliver(realm, datagram) {
                self.counts.delivered += 1;
                return Some(arrival);
            }
        }
        None
    }

    fn deliver(&mut self, mut realm: Realm, mut datagram: Datagram) -> Option<(HostId, Datagram)> {
        let public = datagram.to.ip();
        let nat = self.nats.iter().position(|nat| nat.public == public);
        if let (Realm::Public, Some(at)) = (realm, nat) {
            let nat = self.nats.get(at)?;
            let Some(inner) = nat.inbound(datagram.from, datagram.to) else {
                self.counts.filtered += 1;
                return None;
            };
            datagram.to = inner;
            realm = Realm::Behind(NatId(at));
        }
        let host = self.host_at(realm, datagram.to);
        self.counts.unreachable += u64::from(host.is_none());
        Some((host?, datagram))
    }

    fn host_at(&self, realm: Realm, address: SocketAddr) -> Option<HostId> {
        let here = |host: &Host| host.realm == realm && host.addresses.contains(&address);
        self.hosts.iter().position(here).map(HostId)
    }

    /// Lets somebody on the way look at all that is under way, and change its payload, in the
    /// order of arrival.
    pub fn tamper(&mut self, mut change: impl FnMut(&mut Datagram)) {
        for flight in self.under_way.values_mut() {
            change(&mut flight.datagram);
        }
    }

    /// Takes out all that is under way, in the order of arrival.
    pub fn take_under_way(&mut self) -> Vec<Datagram> {
        let flights = std::mem::take(&mut self.under_way).into_values();
        let datagrams: Vec<_> = flights.map(|flight| flight.datagram).collect();
        self.counts.taken += datagrams.len() as u64;
        datagrams
    }
}
