//! Hosts, and what is under way between them.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use crate::dice::Dice;
use crate::firewall::Firewall;
use crate::nat::NatKind;
use crate::stream::Streams;
use crate::topology::{HostId, NatId, Realm, Topology};
use crate::weather::Weather;

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
    /// Not let in or out by a NAT or a firewall.
    pub filtered: u64,
    /// Sent from or to an address that no host has, or not any more.
    pub unreachable: u64,
    /// Taken out by [`Network::take_under_way`].
    pub taken: u64,
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
    pub(crate) weather: Weather,
    pub(crate) dice: Dice,
    pub(crate) topology: Topology,
    pub(crate) streams: Streams,
    rule: Option<Rule>,
    under_way: BTreeMap<(Instant, u64), Flight>,
    serial: u64,
    counts: Counts,
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network")
            .field("weather", &self.weather)
            .field("topology", &self.topology)
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
            topology: Topology::default(),
            streams: Streams::default(),
            rule: None,
            under_way: BTreeMap::new(),
            serial: 0,
            counts: Counts::default(),
        }
    }

    /// Adds a host on the public network.
    pub fn add_host(&mut self, addresses: &[SocketAddr]) -> HostId {
        self.topology.add_host(Realm::Public, addresses)
    }

    /// Adds a NAT with its address on the public network.
    pub fn add_nat(&mut self, public: IpAddr, kind: NatKind) -> NatId {
        self.topology.add_nat(public, kind)
    }

    /// Adds a host on the private network behind a NAT. Networks behind two NATs may use the same
    /// addresses.
    pub fn add_host_behind(&mut self, nat: NatId, addresses: &[SocketAddr]) -> HostId {
        self.topology.add_host(Realm::Behind(nat), addresses)
    }

    /// Puts a firewall in front of a host, in the place of the one before.
    pub fn set_firewall(&mut self, host: HostId, firewall: Firewall) {
        if let Some(host) = self.topology.host_mut(host) {
            host.firewall = firewall;
        }
    }

    /// A host gives up one address and has another instead. What is under way to the old one is
    /// lost, and the connections from it end.
    pub fn move_address(&mut self, host: HostId, old: SocketAddr, new: SocketAddr) {
        let found = self.topology.host_mut(host);
        for address in found.into_iter().flat_map(|host| &mut host.addresses) {
            if *address == old {
                *address = new;
            }
        }
        self.streams.cut_address(self.now, host, old);
    }

    /// A NAT forgets its mappings, as after a restart: those behind it are seen from other ports
    /// from now on, and what is under way to the old ones is lost.
    pub fn rebind(&mut self, nat: NatId) {
        if let Some(found) = self.topology.nat_mut(nat) {
            found.forget();
        }
        self.streams.cut_nat(self.now, nat);
    }

    /// A NAT gets another public address, and forgets its mappings.
    pub fn move_nat(&mut self, nat: NatId, public: IpAddr) {
        self.rebind(nat);
        if let Some(found) = self.topology.nat_mut(nat) {
            found.public = public;
        }
    }

    /// Changes what happens to the datagrams that are sent from now on. Outages are over.
    pub fn set_weather(&mut self, weather: Weather) {
        self.weather = weather;
        for host in &mut self.topology.hosts {
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

    /// When the next datagram under way arrives, even if nobody is there any more, or a connection
    /// has something to tell.
    #[must_use]
    pub fn next_arrival(&self) -> Option<Instant> {
        let datagram = self.under_way.keys().next().map(|(at, _)| *at);
        datagram
            .into_iter()
            .chain(self.streams.next_arrival())
            .min()
    }

    /// Sends a datagram from an address of a host.
    pub fn send(&mut self, host: HostId, from: SocketAddr, to: SocketAddr, data: &[u8]) {
        self.counts.sent += 1;
        let sender = self.topology.host(host);
        let Some(sender) = sender.filter(|host| host.addresses.contains(&from)) else {
            self.counts.unreachable += 1;
            return;
        };
        if !sender.firewall.udp {
            self.counts.filtered += 1;
            return;
        }
        let data = data.to_vec();
        let mut datagram = Datagram { from, to, data };
        if self.rule.as_mut().is_some_and(|rule| rule(&datagram)) {
            self.counts.blocked += 1;
            return;
        }
        let Some(way) = self.topology.datagram_out(host, from, to) else {
            self.counts.filtered += 1;
            return;
        };
        datagram.from = way.from;
        let realm = way.realm;
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
        let Some(host) = self.topology.host_mut(host) else {
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

    fn deliver(&mut self, realm: Realm, mut datagram: Datagram) -> Option<(HostId, Datagram)> {
        let inner = (self.topology).datagram_in(realm, datagram.from, datagram.to);
        let Some((realm, to)) = inner else {
            self.counts.filtered += 1;
            return None;
        };
        datagram.to = to;
        let Some(host) = self.topology.host_at(realm, to) else {
            self.counts.unreachable += 1;
            return None;
        };
        if !self.topology.host(host)?.firewall.udp {
            self.counts.filtered += 1;
            return None;
        }
        Some((host, datagram))
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
