//! Session against session over a simulated link: no socket, no clock.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)] // a test's panic is its verdict

#[path = "support/link.rs"]
mod link;

use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime};

use dtls_handshake::Identity;
use examples::session::{DtlsRole, Event, Session, SessionConfig};
use ice_agent::{Agent, Candidate, Config, Role, SocketId};
use link::{Link, Side, Weather};

#[allow(clippy::disallowed_methods)] // origins for virtual time
fn origins() -> (Instant, SystemTime) {
    (Instant::now(), SystemTime::now())
}

fn address(side: u8) -> SocketAddr {
    ([192, 0, 2, side], 4000).into()
}

fn seed(run: u64, part: u8) -> [u8; 32] {
    let mut seed = [part; 32];
    seed[..8].copy_from_slice(&run.to_le_bytes());
    seed
}

/// Two sessions that know each other's credentials, candidates and fingerprints, as after an
/// exchange of SDP.
fn pair(now: Instant, identities: &[Identity; 2], run: u64, weather: Weather) -> Link {
    let agent = |role, side: u8| {
        let config = Config {
            role,
            ..Config::default()
        };
        let mut agent = Agent::new(config, seed(run, side)).unwrap();
        agent.add_host(now, SocketId(0), address(side)).unwrap();
        agent
    };
    let mut agents = [agent(Role::Controlling, 1), agent(Role::Controlled, 2)];
    let credentials = [
        agents[0].local_credentials().clone(),
        agents[1].local_credentials().clone(),
    ];
    let candidates: Vec<Vec<Candidate>> = agents.iter_mut().map(candidates_of).collect();
    for side in 0..2 {
        agents[side]
            .set_remote_credentials(now, credentials[1 - side].clone())
            .unwrap();
        for candidate in &candidates[1 - side] {
            agents[side]
                .add_remote_candidate(now, candidate.clone())
                .unwrap();
        }
    }
    let [first, second] = agents;
    let session = |ice, side: usize, role| {
        let config = SessionConfig {
            ice,
            dtls: dtls_handshake::Config::new(identities[side].clone())
                .with_srtp_profiles(&[0x0007, 0x0001]),
            role,
            fingerprints: vec![identities[1 - side].fingerprint()],
            seed: seed(run, 10 + side as u8).into(),
        };
        Side::new(Session::new(config, now), address(side as u8 + 1))
    };
    let sides = [
        session(first, 0, DtlsRole::Server),
        session(second, 1, DtlsRole::Client),
    ];
    Link::new(now, sides, weather, run)
}

fn candidates_of(agent: &mut Agent) -> Vec<Candidate> {
    let events = std::iter::from_fn(|| agent.poll_event());
    let candidates = events.filter_map(|event| match event {
        ice_agent::Event::LocalCandidate(candidate) => Some(candidate),
        _ => None,
    });
    candidates.collect()
}

fn rtp(sequence: u16) -> Vec<u8> {
    let mut packet = vec![0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7];
    packet[2..4].copy_from_slice(&sequence.to_be_bytes());
    packet.extend([sequence as u8; 160]);
    packet
}

#[test]
fn two_sessions_connect_and_hear_each_other() {
    let (now, date) = origins();
    let identities = [
        Identity::generate(date).unwrap(),
        Identity::generate(date).unwrap(),
    ];
    let weather = Weather {
        delay: 20,
        ..Weather::default()
    };
    let mut link = pair(now, &identities, 1, weather);
    assert!(
        !link.send_rtp(0, &rtp(0)),
        "nothing is sent before there are keys"
    );
    let connected = link.run(Duration::from_secs(5), |sides| {
        sides.iter().all(Side::is_connected)
    });
    assert!(
        connected,
        "{:?} {:?}",
        link.sides[0].events, link.sides[1].events
    );
    for sequence in 1..=50 {
        assert!(link.send_rtp(0, &rtp(sequence)) && link.send_rtp(1, &rtp(sequence)));
        link.run(Duration::from_millis(20), |_| false);
    }
    link.run(Duration::from_millis(100), |_| false);
    let all: Vec<_> = (1..=50).map(rtp).collect();
    assert_eq!(link.sides[0].heard, all);
    assert_eq!(link.sides[1].heard, all);
    link.sides[0].session.close(link.now);
    link.run(Duration::from_secs(1), |sides| sides[1].has_failed());
    assert!(
        matches!(link.sides[1].events.last(), Some(Event::Failed(_))),
        "close_notify arrives"
    );
}

#[test]
fn nothing_follows_the_end_on_either_side() {
    let (now, date) = origins();
    let identities = [
        Identity::generate(date).unwrap(),
        Identity::generate(date).unwrap(),
    ];
    let mut link = pair(now, &identities, 3, Weather::default());
    let connected = link.run(Duration::from_secs(5), |sides| {
        sides.iter().all(Side::is_connected)
    });
    assert!(connected);
    let told = link.sides[0].events.len();
    link.sides[0].session.close(link.now);
    link.run(Duration::from_secs(300), |_| false);
    let failures = |side: &Side| {
        let failed = |event: &&Event| matches!(event, Event::Failed(_));
        side.events.iter().filter(failed).count()
    };
    assert_eq!(link.sides[0].events.len(), told, "it ended itself");
    assert_eq!(failures(&link.sides[1]), 1, "{:?}", link.sides[1].events);
    assert!(matches!(
        link.sides[1].events.last(),
        Some(Event::Failed(_))
    ));
    for side in &link.sides {
        assert_eq!(side.session.poll_timeout(), None);
    }
}

#[test]
fn every_run_on_a_bad_link_ends_connected_or_failed() {
    let (now, date) = origins();
    let identities = [
        Identity::generate(date).unwrap(),
        Identity::generate(date).unwrap(),
    ];
    let mut connected = 0;
    let runs = 150;
    for run in 0..runs {
        let weather = Weather {
            loss: run % 4 * 10,
            duplication: run % 3 * 10,
            delay: run % 7 * 20,
            jitter: run % 5 * 30,
        };
        let mut link = pair(now, &identities, run, weather);
        let settled = |sides: &[Side; 2]| {
            sides
                .iter()
                .all(|side| side.is_connected() || side.has_failed())
        };
        assert!(
            link.run(Duration::from_secs(120), settled),
            "run {run} hangs in {weather:?}"
        );
        connected += u64::from(link.sides.iter().all(Side::is_connected));
    }
    assert!(
        connected * 100 >= runs * 95,
        "only {connected} of {runs} runs connected"
    );
}

#[test]
fn a_wrong_fingerprint_fails_both_sides_and_no_media_flows() {
    let (now, date) = origins();
    let identities = [
        Identity::generate(date).unwrap(),
        Identity::generate(date).unwrap(),
    ];
    let stranger = Identity::generate(date).unwrap();
    let mut link = pair(now, &identities, 5, Weather::default());
    let other = pair(
        now,
        &[identities[0].clone(), stranger],
        5,
        Weather::default(),
    );
    let [_, impostor] = other.sides;
    link.sides[1] = impostor;
    let failed = link.run(Duration::from_secs(60), |sides| {
        sides.iter().all(Side::has_failed)
    });
    assert!(
        failed,
        "{:?} {:?}",
        link.sides[0].events, link.sides[1].events
    );
    assert!(!link.sides.iter().any(Side::is_connected));
    assert!(!link.send_rtp(0, &rtp(1)));
}

#[test]
fn a_peer_that_is_not_there_is_a_failure_in_bounded_time() {
    let (now, date) = origins();
    let identities = [
        Identity::generate(date).unwrap(),
        Identity::generate(date).unwrap(),
    ];
    let weather = Weather {
        loss: 100,
        ..Weather::default()
    };
    let mut link = pair(now, &identities, 9, weather);
    assert!(link.run(Duration::from_secs(60), |sides| {
        sides.iter().all(Side::has_failed)
    }));
    let more = link.run(Duration::from_secs(600), |_| false);
    assert!(
        !more
            && link
                .sides
                .iter()
                .all(|side| side.session.poll_timeout().is_none())
    );
}
