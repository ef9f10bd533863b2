//! How much a server gives: allocations and bandwidth.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // helpers of tests

mod site;

use std::time::Duration;

use site::{CLIENT, PEER, Site, User, addr, config, secs};
use stun_codec::attribute::{AlternateServer, ChannelNumber, XorPeerAddress};
use stun_codec::{Encode, Method};
use turn_relay::server::{Config, Quota};

#[test]
fn quotas_are_for_each_user_and_in_all() {
    let quota = Quota::new(3).with_per_user(2);
    let other = addr("192.0.2.9:3478");
    let mut site = Site::new(config().with_quota(quota.clone()));
    let at = |name: &str, password: &str, port| {
        User::new(&format!("198.51.100.2:{port}"), name, password)
    };
    let (mut a, mut b) = (at("alice", "secret", 1), at("alice", "secret", 2));
    a.allocate(&mut site);
    b.allocate(&mut site);
    at("alice", "secret", 3)
        .try_allocate(&mut site, &[])
        .refused(486);
    let mut c = at("bob", "terces", 4);
    c.allocate(&mut site);
    at("bob", "terces", 5)
        .try_allocate(&mut site, &[])
        .refused(508);
    assert_eq!(quota.count(), 3);
    b.refresh(&mut site, 0).granted();
    at("bob", "terces", 6).allocate(&mut site);
    // Workers count together, and a full one may know another server.
    let mut second = Site::new(
        config()
            .with_quota(quota.clone())
            .with_alternate_server(other),
    );
    let answer = at("bob", "terces", 7)
        .try_allocate(&mut second, &[])
        .refused(300);
    assert_eq!(answer.get(), Some(AlternateServer(other)));
    site.pass(secs(600));
    assert_eq!(quota.count(), 0);
    // One whose socket cannot be opened counts for nothing.
    second.failing = 1;
    at("bob", "terces", 8)
        .try_allocate(&mut second, &[])
        .refused(508);
    assert_eq!(quota.count(), 0);
}

#[test]
fn bandwidth_is_bounded_for_each_and_for_all() {
    let site = |config: Config| {
        let mut site = Site::new(config);
        let mut alice = User::alice();
        let relayed = alice.allocate(&mut site);
        let attributes: [&dyn Encode; 2] = [&ChannelNumber(0x4000), &XorPeerAddress(addr(PEER))];
        alice
            .ask(&mut site, Method::CHANNEL_BIND, &attributes)
            .granted();
        (site, relayed)
    };
    for config in [
        config().with_bandwidth(10_000),
        config().with_total_bandwidth(10_000),
    ] {
        let (mut site, relayed) = site(config);
        let mut bytes = 0;
        for _ in 0..100 {
            for _ in 0..10 {
                let up = site.client_says(
                    addr(CLIENT),
                    b"\x40\0\0\x64"
                        .iter()
                        .chain(&[7; 100])
                        .copied()
                        .collect::<Vec<_>>()
                        .as_slice(),
                );
                let down = site.peer_says(addr(PEER), relayed, &[7; 100]);
                bytes += 100 * (up.len() + down.len());
            }
            site.now += Duration::from_millis(100);
        }
        // Ten seconds, and the burst of one.
        assert!((100_000..=110_000).contains(&bytes), "{bytes}");
        assert_eq!(site.relay.stats().over_bandwidth, 2000 - bytes as u64 / 100);
    }
}
