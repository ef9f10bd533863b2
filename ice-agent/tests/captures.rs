//! Captured calls, replayed: what browsers and phones sent reaches our agent with all its attributes in
//! their order, their names and proofs made for our credentials. Checks of ours are answered as theirs
//! were. `../shared/captures/packets/stun` has the packets; without it nothing is tested.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)] // a test

use std::fs;
use std::net::SocketAddr;
use std::path::{Path as File, PathBuf};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use ice_agent::{
    Agent, Config, Credentials, Handled, Path, Received, Role, SocketId, State, Transport,
};
use stun_codec::attribute::{Username, XorMappedAddress};
use stun_codec::{AttributeType, Builder, Class, IntegrityKey, Message, RawAttribute};

/// A datagram as it was seen.
struct Packet {
    from: SocketAddr,
    to: SocketAddr,
    data: Vec<u8>,
}

fn calls() -> Vec<(String, Vec<Packet>)> {
    let folder = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../shared/captures/packets/stun"
    );
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .map(|entry| entry.expect("readable").path())
        .filter(|path| path.extension().is_some_and(|it| it == "hex"))
        .collect();
    files.sort();
    files
        .iter()
        .map(|path| (name(path), packets(path)))
        .collect()
}

fn name(path: &File) -> String {
    path.file_stem().unwrap().to_string_lossy().into_owned()
}

fn packets(path: &File) -> Vec<Packet> {
    let data = fs::read_to_string(path).expect("readable");
    let ways = fs::read_to_string(path.with_extension("flow")).expect("readable");
    let packet = |(data, way): (&str, &str)| {
        let mut ends = way.split(' ').map(|end| end.parse().expect("an address"));
        Packet {
            from: ends.next().unwrap(),
            to: ends.next().unwrap(),
            data: hex::decode(data).expect("hex"),
        }
    };
    data.lines().zip(ways.lines()).map(packet).collect()
}

/// What depends on the credentials or on the addresses, and is made anew.
const OURS: [AttributeType; 5] = [
    AttributeType::USERNAME,
    AttributeType::XOR_MAPPED_ADDRESS,
    AttributeType::MESSAGE_INTEGRITY,
    AttributeType::MESSAGE_INTEGRITY_SHA256,
    AttributeType::FINGERPRINT,
];

/// The message with other names and proofs.
fn made_for(
    message: &Message<'_>,
    id: stun_codec::TransactionId,
    username: &str,
    mapped: Option<SocketAddr>,
    password: &str,
) -> BytesMut {
    let mut out = BytesMut::new();
    let mut copy = Builder::new(&mut out, message.class(), message.method(), id);
    for attribute in message.attributes() {
        let attribute_type = attribute.attribute_type;
        copy = match attribute_type {
            AttributeType::USERNAME => copy.attribute(&Username(username)),
            AttributeType::XOR_MAPPED_ADDRESS => copy.attribute(&XorMappedAddress(mapped.unwrap())),
            _ if OURS.contains(&attribute_type) => copy,
            _ => copy.attribute(&RawAttribute {
                attribute_type,
                value: attribute.value,
            }),
        };
    }
    copy.integrity(&IntegrityKey::short_term(password))
        .fingerprint()
        .expect("written");
    out
}

/// Our agent in the place of one side, which was at `ours`.
struct Replay<'a> {
    call: &'a [Packet],
    agent: Agent,
    theirs: Credentials,
    now: Instant,
    answered: usize,
}

impl Replay<'_> {
    fn hand(&mut self, local: SocketAddr, remote: SocketAddr, data: &mut [u8]) {
        let path = Path {
            id: SocketId(0),
            local,
            remote,
            transport: Transport::Udp,
        };
        let handled = self
            .agent
            .handle_datagram(self.now, Received { path, data });
        assert_eq!(handled, Handled::Consumed);
    }

    /// Takes out what our agent sends: its answers count, its checks are answered.
    fn settle(&mut self) {
        let mut out = BytesMut::new();
        while let Some(sent) = self.agent.poll_transmit(&mut out) {
            let data = out[sent.range].to_vec();
            let message = Message::parse(&data).expect("ours");
            let key = IntegrityKey::short_term(self.agent.local_credentials().password());
            match message.class() {
                Class::Success => {
                    assert!(message.verify(&key).is_ok());
                    self.answered += 1;
                }
                Class::Request => self.answer(&sent.path, &message),
                other => panic!("we send {other}"),
            }
        }
    }

    /// As the captured side answered such a check, if one of its answers is there.
    fn answer(&mut self, path: &Path, request: &Message<'_>) {
        let answers = self.call.iter().filter(|packet| packet.from == path.remote);
        let mut messages = answers.map(|packet| Message::parse(&packet.data).expect("captured"));
        let Some(model) = messages.find(|message| message.class() == Class::Success) else {
            return;
        };
        let (id, password) = (request.transaction_id(), self.theirs.password().to_owned());
        let mut answer = made_for(&model, id, "", Some(path.local), &password);
        self.hand(path.local, path.remote, &mut answer);
    }
}

/// Replays what came to one side; how many checks there were.
fn replay(name: &str, call: &[Packet], ours: SocketAddr, role: Role) -> usize {
    #[allow(clippy::disallowed_methods)] // an origin for virtual time
    let now = Instant::now();
    let config = Config {
        role,
        ..Config::default()
    };
    let agent = Agent::new(config, [3; 32]).expect("a configuration");
    let theirs = Credentials::new("their", "the password of the captured".replace(' ', "+"));
    let theirs = theirs.expect("credentials");
    let mut replay = Replay {
        call,
        agent,
        theirs: theirs.clone(),
        now,
        answered: 0,
    };
    replay
        .agent
        .add_host(now, SocketId(0), ours)
        .expect("a host");
    replay.agent.end_of_local_candidates(now);
    let told = replay.agent.set_remote_credentials(now, theirs.clone());
    told.expect("credentials");
    let (mut checks, mut nominated) = (0, role == Role::Controlling);
    for packet in call.iter().filter(|packet| packet.to == ours) {
        let message = Message::parse(&packet.data).expect("captured");
        if message.class() != Class::Request {
            continue;
        }
        checks += 1;
        nominated |= message.contains(AttributeType::USE_CANDIDATE);
        let local = replay.agent.local_credentials().clone();
        let username = format!("{}:{}", local.ufrag(), theirs.ufrag());
        let id = message.transaction_id();
        let mut data = made_for(&message, id, &username, None, local.password());
        replay.hand(ours, packet.from, &mut data);
        replay.settle();
        replay.now += Duration::from_millis(50);
        replay.agent.handle_timeout(replay.now);
        replay.settle();
    }
    for _ in 0..40 {
        replay.now += Duration::from_millis(50);
        replay.agent.handle_timeout(replay.now);
        replay.settle();
    }
    assert_eq!(
        replay.answered, checks,
        "{name} at {ours}: each check is answered"
    );
    let expected = if nominated {
        State::Completed
    } else {
        State::Connected
    };
    let state = replay.agent.state();
    assert!(
        checks == 0 || state == expected,
        "{name} at {ours}: {state:?}"
    );
    assert_eq!(replay.agent.stats().bad_request, 0, "{name}");
    checks
}

/// The role that a side has to take: the one that its peer's checks leave.
fn role_against(call: &[Packet], ours: SocketAddr) -> Role {
    let to_us = call.iter().filter(|packet| packet.to == ours);
    let leads = to_us.filter_map(|packet| {
        let message = Message::parse(&packet.data).ok()?;
        (message.class() == Class::Request)
            .then(|| message.contains(AttributeType::ICE_CONTROLLING))
    });
    match leads.into_iter().next() {
        Some(false) => Role::Controlling,
        _ => Role::Controlled,
    }
}

#[test]
fn captured_calls_connect_with_our_agent_in_the_place_of_either_side() {
    let (mut sides, mut checks) = (0, 0);
    for (name, call) in calls() {
        let mut ends: Vec<_> = call
            .iter()
            .flat_map(|packet| [packet.from, packet.to])
            .collect();
        ends.sort();
        ends.dedup();
        for ours in ends {
            checks += replay(&name, &call, ours, role_against(&call, ours));
            sides += 1;
        }
    }
    println!("{checks} checks of {sides} sides");
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/captures");
    assert!(checks > 0 || !File::new(folder).is_dir());
}
