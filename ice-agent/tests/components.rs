//! Two components of one stream: two agents with one pair of credentials (RFC 8445 §5.3).
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing
)] // a test

use std::time::Instant;

use ice_agent::{Agent, Config, Credentials, Event, RestartError, SocketId};

fn config(component: u16) -> Config {
    Config {
        component,
        ..Config::default()
    }
}

#[test]
fn components_share_credentials_and_a_restart_keeps_it_so() {
    let now = Instant::now();
    let mut rtp = Agent::new(config(1), [1; 32]).expect("a configuration");
    let shared = rtp.local_credentials().clone();
    let rtcp = Agent::with_credentials(config(2), [2; 32], shared.clone());
    let mut rtcp = rtcp.expect("a configuration");
    assert_eq!(rtcp.local_credentials(), &shared);
    let added = rtcp.add_host(
        now,
        SocketId(0),
        "192.0.2.1:5001".parse().expect("an address"),
    );
    assert_eq!(added, Ok(()));
    let Some(Event::LocalCandidate(candidate)) = rtcp.poll_event() else {
        unreachable!("a candidate comes first");
    };
    assert_eq!(candidate.component, 2);
    assert_eq!(candidate.extension("ufrag"), Some(shared.ufrag()));

    assert_eq!(rtp.restart(now, None), Ok(()));
    let new = rtp.local_credentials().clone();
    assert_ne!(new, shared);
    assert_eq!(rtcp.restart_with(now, new.clone(), None), Ok(()));
    assert_eq!(rtcp.local_credentials(), &new);
    rtcp.close(now);
    let peer = Credentials::new("peer", "p".repeat(22)).expect("credentials");
    let refused = rtcp.restart_with(now, new, Some(peer));
    assert_eq!(refused, Err(RestartError::Finished));
    assert!(Agent::with_credentials(config(0), [2; 32], shared).is_err());
}
