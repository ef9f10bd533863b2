//! Two networks, and what is in them.

use std::net::SocketAddr;

use ice_agent::{Config, Kind as CandidateKind, Role, TurnServer};
use virtual_network::{Firewall, NatId, NatKind, Weather};

use crate::net::{World, addr, login};

/// What stands between a host and the public network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Nothing.
    Public,
    Nat(NatKind),
    Behind(Firewalled),
}

/// What a firewall lets through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Firewalled {
    /// TCP alone.
    NoUdp,
    /// TCP to port 443.
    Https,
    /// Nothing.
    Closed,
}

/// Who has TURN servers: over UDP and TCP at port 3478, over TLS at port 443.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    Nobody,
    Both,
    /// This side.
    One(usize),
}

impl Turn {
    pub(crate) const ALL: [Self; 4] = [Self::Nobody, Self::Both, Self::One(0), Self::One(1)];

    pub(crate) fn has(self, side: usize) -> bool {
        match self {
            Self::Nobody => false,
            Self::Both => true,
            Self::One(one) => one == side,
        }
    }
}

const STUN: [&str; 2] = ["192.0.2.78:3478", "192.0.2.77:3478"];
const TURN: &str = "192.0.2.99:3478";
const TURNS: &str = "192.0.2.98:443";

#[derive(Debug, Clone, Copy)]
pub(crate) struct Case {
    /// Of the controlling and the controlled side.
    pub(crate) kinds: [Kind; 2],
    pub(crate) turn: Turn,
}

impl Case {
    pub(crate) fn world(&self, seed: u64, weather: Weather) -> World {
        let mut world = internet(seed, weather);
        for (side, kind) in self.kinds.into_iter().enumerate() {
            let nat = match kind {
                Kind::Nat(nat) => Some(world.add_nat(&format!("203.0.113.{}", 1 + side), nat)),
                Kind::Public | Kind::Behind(_) => None,
            };
            let range = if nat.is_some() { "10.0" } else { "198.51" };
            add(
                &mut world,
                side,
                self.turn,
                &format!("{range}.{side}.1:5000"),
                nat,
            );
            if let Kind::Behind(firewall) = kind {
                let host = world.nodes[side].host;
                world.network.set_firewall(host, firewall.rules());
            }
        }
        world
    }

    /// Whether both sides have learned of servers what the table takes for known.
    pub(crate) fn is_known(&self, world: &World) -> bool {
        let knows = |side: usize, kind| {
            let mut candidates = world.nodes[side].candidates.iter();
            candidates.any(|candidate| candidate.kind == kind)
        };
        (0..2).all(|side| {
            let reflexive = matches!(self.kinds[side], Kind::Nat(_));
            (!reflexive || knows(side, CandidateKind::ServerReflexive))
                && (!self.turn.has(side) || knows(side, CandidateKind::Relayed))
        })
    }
}

impl Firewalled {
    fn rules(self) -> Firewall {
        match self {
            Self::NoUdp => Firewall::NO_UDP,
            Self::Https => Firewall::HTTPS_ONLY,
            Self::Closed => Firewall::CLOSED,
        }
    }
}

/// Two hosts behind one NAT that do not reach one another inside.
pub(crate) fn behind_one_nat(kind: NatKind, turn: Turn) -> World {
    let mut world = internet(1, crate::net::quiet());
    let nat = world.add_nat("203.0.113.1", kind);
    for side in 0..2 {
        add(
            &mut world,
            side,
            turn,
            &format!("10.0.{side}.1:5000"),
            Some(nat),
        );
    }
    let is_inner = |address: SocketAddr| address.ip().to_string().starts_with("10.");
    world
        .network
        .block(move |datagram| is_inner(datagram.from) && is_inner(datagram.to));
    world
}

/// The public network with its servers.
fn internet(seed: u64, weather: Weather) -> World {
    let mut world = World::new(seed, weather);
    for server in STUN {
        world.add_server(addr(server));
    }
    world.add_relay(TURN);
    world.add_relay(TURNS);
    world
}

fn add(world: &mut World, side: usize, turn: Turn, host: &str, nat: Option<NatId>) {
    let servers = [
        TurnServer::udp(addr(TURN)),
        TurnServer::tcp(addr(TURN)),
        TurnServer::tls(addr(TURNS), "turn.example"),
    ];
    let config = Config {
        role: [Role::Controlling, Role::Controlled][side],
        stun_servers: STUN.map(addr).to_vec(),
        turn_servers: match turn.has(side) {
            true => servers.map(login).to_vec(),
            false => Vec::new(),
        },
        ..Config::default()
    };
    world.add(config, &[host], nat);
}
