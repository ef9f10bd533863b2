//! The server beside a model of it that is written down literally: lists, searched from end to end, and
//! peers whose permission is stated one by one. Whatever clients, peers and time do, each packet leaves
//! exactly when the model says so, to whom it says; each request is answered with the code it says.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // helpers of tests

mod model;
mod site;

use std::net::SocketAddr;
use std::time::Duration;

use bytes::BytesMut;
use model::{Allocation, PEERS, policy};
use site::{Out, Site, User, addr, config, secs};
use stun_codec::attribute::{
    AdditionalAddressFamily, ChannelNumber, Data, Lifetime, MobilityTicket, RequestedTransport,
    XorPeerAddress, XorRelayedAddress,
};
use stun_codec::{AttributeType, Builder, Decode, Encode, Family, Message, Method, TransactionId};
use virtual_network::Dice;

const PORTS: u64 = 5;
const USERS: [(&str, &str); 2] = [("alice", "secret"), ("bob", "terces")];

struct World {
    site: Site,
    dice: Dice,
    /// A request writer for each port and user: their nonces are their own.
    users: Vec<Vec<User>>,
    model: Vec<Option<Allocation>>,
    sent: u64,
    received: u64,
}

impl World {
    fn new(seed: u64) -> Self {
        let user = |port: u64, (name, password): (&str, &str)| {
            User::new(&format!("198.51.100.1:{}", 5000 + port), name, password)
        };
        let config = config()
            .with_policy(policy())
            .with_nonce_lifetime(Duration::from_secs(900));
        Self {
            site: Site::new(config),
            dice: Dice::new(seed),
            users: (0..PORTS)
                .map(|port| USERS.map(|one| user(port, one)).into())
                .collect(),
            model: (0..PORTS).map(|_| None).collect(),
            sent: 0,
            received: 0,
        }
    }

    fn pick(&mut self, bound: usize) -> usize {
        self.dice.below(bound as u64) as usize
    }

    fn expire(&mut self) {
        let now = self.site.now;
        for one in &mut self.model {
            if one.as_ref().is_some_and(|one| now >= one.expires) {
                *one = None;
            }
        }
    }

    fn step(&mut self) {
        match self.dice.below(16) {
            0 | 1 => self.allocate(),
            2 => self.refresh(),
            3 | 4 => self.create_permission(),
            5 | 6 => self.bind_channel(),
            7 | 8 => self.send(),
            9 | 10 => self.channel_data(),
            11..=13 => self.peer_speaks(),
            14 => self.move_away(),
            _ => self.wait(),
        }
        let live = self.model.iter().flatten().count();
        assert_eq!(self.site.relay.allocations(), live);
    }

    fn wait(&mut self) {
        let time = match self.dice.below(4) {
            0 => secs(self.dice.below(400)),
            1 => secs(299),
            _ => secs(self.dice.below(40)),
        };
        let out = self.site.pass(time);
        assert_eq!(out, []);
        self.expire();
    }

    /// The user whose allocation it is in most cases, and now and then the other one.
    fn speaker(&mut self, port: usize) -> usize {
        let owner = self.model[port].as_ref().map_or(0, |one| one.user);
        if self.dice.chance(10.0) {
            1 - owner
        } else {
            owner
        }
    }

    fn allocate(&mut self) {
        let (port, user) = (self.pick(PORTS as usize), self.pick(2));
        let expected = self.model[port].is_some().then_some(437);
        let mut wishes: Vec<&dyn Encode> = vec![&RequestedTransport::UDP];
        if self.dice.chance(40.0) {
            wishes.push(&AdditionalAddressFamily(Family::V6));
        }
        let is_mobile = self.dice.chance(50.0);
        if is_mobile {
            wishes.push(&MobilityTicket(b""));
        }
        let answer = self.users[port][user].ask(&mut self.site, Method::ALLOCATE, &wishes);
        assert_eq!(answer.code, expected);
        if expected.is_none() {
            let message = answer.message();
            let relayed = message
                .attributes()
                .filter(|raw| raw.attribute_type == AttributeType::XOR_RELAYED_ADDRESS)
                .map(|raw| XorRelayedAddress::decode(raw.value, message.transaction_id()))
                .map(|relayed| relayed.unwrap().0);
            let ticket = answer.get::<MobilityTicket<'_>>();
            self.model[port] = Some(Allocation {
                user,
                expires: self.site.now + secs(600),
                relayed: relayed.collect(),
                permissions: Vec::new(),
                channels: Vec::new(),
                ticket: ticket.map(|ticket| ticket.0.to_vec()),
            });
        }
    }

    /// The code that a request of this user at this port meets before what it asks for is looked at.
    fn stranger(&self, port: usize, user: usize) -> Option<u16> {
        match &self.model[port] {
            None => Some(437),
            Some(one) if one.user != user => Some(441),
            Some(_) => None,
        }
    }

    fn refresh(&mut self) {
        let port = self.pick(PORTS as usize);
        let user = self.speaker(port);
        let seconds = if self.dice.chance(20.0) {
            0
        } else {
            self.dice.below(4000) as u32
        };
        let expected = self.stranger(port, user);
        let answer = self.users[port][user].refresh(&mut self.site, seconds);
        assert_eq!(answer.code, expected);
        if expected.is_some() {
            return;
        }
        if seconds == 0 {
            self.model[port] = None;
        } else if let Some(one) = &mut self.model[port] {
            one.expires = self.site.now + secs(u64::from(seconds).clamp(600, 3600));
        }
    }

    fn create_permission(&mut self) {
        let port = self.pick(PORTS as usize);
        let user = self.speaker(port);
        let count = 1 + self.pick(2);
        let chosen: Vec<usize> = (0..count).map(|_| self.pick(PEERS.len())).collect();
        let mut expected = self.stranger(port, user);
        for &at in &chosen {
            let one = self.model[port].as_ref();
            let has_family = one.is_none_or(|one| one.has_family(addr(PEERS[at].at)));
            let code = match PEERS[at].is_permittable {
                _ if !has_family => Some(443),
                false => Some(403),
                true => None,
            };
            expected = expected.or(code);
        }
        let peers: Vec<_> = chosen
            .iter()
            .map(|at| XorPeerAddress(addr(PEERS[*at].at)))
            .collect();
        let attributes: Vec<&dyn Encode> = peers.iter().map(|peer| peer as _).collect();
        let answer =
            self.users[port][user].ask(&mut self.site, Method::CREATE_PERMISSION, &attributes);
        assert_eq!(answer.code, expected);
        if let (None, Some(one)) = (expected, &mut self.model[port]) {
            for peer in peers {
                one.permit(self.site.now, peer.0.ip());
            }
        }
    }

    fn bind_channel(&mut self) {
        let port = self.pick(PORTS as usize);
        let user = self.speaker(port);
        let number = 0x3fff + self.pick(6) as u16;
        let at = self.pick(PEERS.len());
        let peer = addr(PEERS[at].at);
        let now = self.site.now;
        let expected = self.stranger(port, user).or_else(|| {
            let one = self.model[port].as_ref().unwrap();
            let other_peer = one.peer_of(now, number).is_some_and(|known| known != peer);
            let other_number = one
                .channel_to(now, peer)
                .is_some_and(|known| known != number);
            if number == 0x3fff {
                Some(400)
            } else if !one.has_family(peer) {
                Some(443)
            } else if !PEERS[at].is_reachable {
                Some(403)
            } else {
                (other_peer || other_number).then_some(400)
            }
        });
        let attributes: [&dyn Encode; 2] = [&ChannelNumber(number), &XorPeerAddress(peer)];
        let answer = self.users[port][user].ask(&mut self.site, Method::CHANNEL_BIND, &attributes);
        assert_eq!(answer.code, expected);
        if let (None, Some(one)) = (expected, &mut self.model[port]) {
            one.channels
                .retain(|(known, _, until)| *known != number && now < *until);
            one.channels.push((number, peer, now + secs(600)));
            one.permit(now, peer.ip());
        }
    }

    /// What must leave the server towards a peer, and nothing else.
    fn expect(&mut self, out: &[Out], expected: Option<(SocketAddr, SocketAddr)>, payload: &[u8]) {
        match (out, expected) {
            ([], None) => {}
            ([one], Some((local, remote))) => {
                assert_eq!((one.path.local, one.path.remote), (local, remote));
                assert_eq!(one.data, payload);
                self.sent += 1;
            }
            (out, expected) => panic!("{out:?} instead of {expected:?}"),
        }
    }

    /// The way from an allocation to a peer.
    fn way(one: &Allocation, peer: SocketAddr) -> (SocketAddr, SocketAddr) {
        let relayed = one
            .relayed
            .iter()
            .find(|one| one.is_ipv4() == peer.is_ipv4());
        (*relayed.unwrap(), peer)
    }

    /// Any peer, and in most cases one whose address was permitted before.
    fn pick_peer(&mut self, port: usize) -> usize {
        let any = self.pick(PEERS.len());
        let is_known = |at: &usize| {
            let known = self.model[port].iter().flat_map(|one| &one.permissions);
            let ip = addr(PEERS[*at].at).ip();
            known.into_iter().any(|(known, _)| *known == ip)
        };
        let known: Vec<usize> = (0..PEERS.len()).filter(is_known).collect();
        if known.is_empty() || self.dice.chance(30.0) {
            return any;
        }
        known[self.pick(known.len())]
    }

    fn send(&mut self) {
        let port = self.pick(PORTS as usize);
        let at = self.pick_peer(port);
        let (peer, now) = (addr(PEERS[at].at), self.site.now);
        let mut out = BytesMut::new();
        Builder::indication(&mut out, Method::SEND, TransactionId([3; 12]))
            .attribute(&XorPeerAddress(peer))
            .attribute(&Data(b"send"))
            .finish()
            .unwrap();
        let expected = self.model[port]
            .as_ref()
            .filter(|one| PEERS[at].is_reachable && one.permits(now, peer.ip()))
            .map(|one| Self::way(one, peer));
        let out = self.site.client_says(self.users[port][0].at, &out);
        self.expect(&out, expected, b"send");
    }

    fn channel_data(&mut self) {
        let (port, any) = (self.pick(PORTS as usize), 0x4000 + self.pick(5) as u16);
        let now = self.site.now;
        let bound = self.model[port]
            .as_ref()
            .and_then(|one| one.channels.last());
        let number = bound.map_or(any, |(number, _, _)| *number);
        let number = if self.dice.chance(30.0) { any } else { number };
        let expected = self.model[port].as_ref().and_then(|one| {
            let peer = one.peer_of(now, number)?;
            one.permits(now, peer.ip()).then(|| Self::way(one, peer))
        });
        let [n0, n1] = number.to_be_bytes();
        let frame = [n0, n1, 0, 7, b'c', b'h', b'a', b'n', b'n', b'e', b'l'];
        let out = self.site.client_says(self.users[port][0].at, &frame);
        self.expect(&out, expected, b"channel");
    }

    fn peer_speaks(&mut self) {
        let port = self.pick(PORTS as usize);
        let at = self.pick_peer(port);
        let (peer, now) = (addr(PEERS[at].at), self.site.now);
        let Some(one) = &self.model[port] else { return };
        let Some(relayed) = one
            .relayed
            .iter()
            .find(|one| one.is_ipv4() == peer.is_ipv4())
        else {
            return;
        };
        let lets_in = PEERS[at].is_reachable && one.permits(now, peer.ip());
        let channel = one.channel_to(now, peer);
        let out = self.site.peer_says(peer, *relayed, b"answer");
        let [sent] = &out[..] else {
            assert!(out.is_empty() && !lets_in, "{out:?}");
            return;
        };
        assert!(lets_in, "{peer} is let in");
        assert_eq!(sent.path.remote, self.users[port][0].at);
        self.received += 1;
        match channel {
            Some(number) => {
                assert_eq!(sent.data[..2], number.to_be_bytes());
                assert_eq!(&sent.data[2..], b"\0\x06answer");
            }
            None => {
                let data = Message::parse(&sent.data).unwrap();
                assert_eq!(data.attribute().unwrap(), Some(XorPeerAddress(peer)));
                assert_eq!(data.attribute().unwrap(), Some(Data(b"answer")));
            }
        }
    }

    /// From one port to another that is free, with the ticket.
    fn move_away(&mut self) {
        let (from, to) = (self.pick(PORTS as usize), self.pick(PORTS as usize));
        let Some(ticket) = self.model[from].as_ref().and_then(|one| one.ticket.clone()) else {
            return;
        };
        if self.model[to].is_some() {
            return;
        }
        let user = self.speaker(from);
        let is_owner = self.model[from].as_ref().unwrap().user == user;
        let wish: [&dyn Encode; 2] = [&Lifetime(600), &MobilityTicket(&ticket)];
        let answer = self.users[to][user].ask(&mut self.site, Method::REFRESH, &wish);
        assert_eq!(answer.code, (!is_owner).then_some(441));
        if is_owner {
            let mut one = self.model[from].take().unwrap();
            one.expires = self.site.now + secs(600);
            one.ticket = answer
                .get::<MobilityTicket<'_>>()
                .map(|ticket| ticket.0.to_vec());
            self.model[to] = Some(one);
        }
    }
}

#[test]
fn no_packet_leaves_that_the_model_does_not_know_and_none_is_missing() {
    let (mut sent, mut received) = (0, 0);
    for seed in 0..300 {
        let mut world = World::new(seed);
        for _ in 0..400 {
            world.step();
        }
        sent += world.sent;
        received += world.received;
        // In the end nothing is left.
        world.site.pass(secs(4000));
        assert_eq!(world.site.relay.allocations(), 0, "{seed}");
        assert!(world.site.bound.is_empty(), "{seed}");
        assert_eq!(world.site.relay.poll_timeout(), None, "{seed}");
    }
    // It is no test if hardly anything gets through.
    assert!(sent > 4000 && received > 2000, "{sent} {received}");
}
