//! Against aioice, the ICE of aiortc, in both roles, over the sockets of this machine.
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)] // a test

mod real;

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use ice_agent::{Config, Credentials, Role, State};
use real::{Node, own_address, run};
use serde_json::{Value, json};

struct Peer {
    child: Child,
    out: BufReader<ChildStdout>,
}

impl Peer {
    fn start(role: Role) -> Self {
        let program = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/real/aioice_peer.py");
        let role = match role {
            Role::Controlling => "controlling",
            Role::Controlled => "controlled",
        };
        // The system's Python has the package.
        let mut child = Command::new("/usr/bin/python3")
            .args([program, role])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 with python3-aioice");
        let out = BufReader::new(child.stdout.take().expect("piped"));
        Self { child, out }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.out.read_line(&mut line).expect("a line");
        line
    }

    fn tell(&mut self, value: &Value) {
        let stdin = self.child.stdin.as_mut().expect("piped");
        writeln!(stdin, "{value}").expect("written");
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn connects(ours: Role, theirs: Role) {
    let mut peer = Peer::start(theirs);
    let told: Value = serde_json::from_str(&peer.line()).expect("JSON");
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let config = Config {
        role: ours,
        ..Config::default()
    };
    let mut node = Node::new(config, own_address());
    let lines = node.candidates.iter().map(ToString::to_string);
    let lines = lines.map(|line| line.trim_start_matches("candidate:").to_owned());
    let local = node.agent.local_credentials();
    peer.tell(&json!({
        "ufrag": local.ufrag(),
        "password": local.password(),
        "candidates": lines.collect::<Vec<_>>(),
    }));
    let credentials = Credentials::new(text(&told["ufrag"]), text(&told["password"]));
    let credentials = credentials.expect("credentials");
    let set = node
        .agent
        .set_remote_credentials(Instant::now(), credentials);
    set.expect("first");
    for line in told["candidates"].as_array().expect("a list") {
        node.add_remote(&text(line));
    }
    node.agent.end_of_remote_candidates(Instant::now());
    let time = run(&mut [&mut node], |nodes| {
        nodes[0].agent.state() == State::Completed
    });
    println!("{ours:?} against {theirs:?}: completed after {time:?}");
    let role = node.agent.role();
    assert!(ours != theirs || role == ours || node.agent.stats().role_conflicts > 0);

    // It sends back what it hears, once it is connected, too.
    let start = Instant::now();
    while !node.received.contains(&b"hello".to_vec()) {
        assert!(start.elapsed() < Duration::from_secs(10));
        node.send(b"hello");
        for _ in 0..20 {
            node.turn();
        }
    }
    assert_eq!(peer.line(), "connected\n");
    node.send(b"bye");
    run(&mut [&mut node], |nodes| {
        nodes[0].received.contains(&b"bye".to_vec())
    });
}

#[test]
fn real_aioice_connects_when_it_leads_and_when_it_follows() {
    connects(Role::Controlled, Role::Controlling);
    connects(Role::Controlling, Role::Controlled);
}

#[test]
fn real_aioice_and_we_resolve_a_conflict_of_roles() {
    connects(Role::Controlling, Role::Controlling);
    connects(Role::Controlled, Role::Controlled);
}
