//! Whom a server believes, how much it gives, and what its operator does to it while it runs.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // helpers of tests

mod site;

use std::time::{Duration, SystemTime};

use site::{CLIENT, PEER, Site, User, addr, config, ip, origin, secs, users};
use stun_codec::Method;
use stun_codec::attribute::{AlternateServer, Lifetime, Nonce, RequestedTransport, XorPeerAddress};
use stun_codec::credentials::KeyDerivation;
use turn_relay::server::{
    Config, Credentials, EndCause, Event, LoginError, Lookup, Secret, SharedSecrets,
};

const EPOCH: Duration = Duration::from_secs(1_800_000_000);

fn time() -> SystemTime {
    SystemTime::UNIX_EPOCH + EPOCH
}

fn with_credentials(credentials: Credentials) -> Config {
    let now = origin();
    Config::new("example.org", credentials)
        .with_relay_address(ip("192.0.2.1"))
        .with_policy(turn_relay::server::PeerPolicy::internet().allow(
            ip("203.0.113.0"),
            24,
            0..=65535,
        ))
        .with_wall_clock(now, time())
}

fn ended(site: &Site) -> Vec<EndCause> {
    let causes = site.events.iter().filter_map(|event| match event {
        Event::Ended(ended) => Some(ended.cause),
        _ => None,
    });
    causes.collect()
}

fn refused(site: &Site) -> Vec<LoginError> {
    let causes = site.events.iter().filter_map(|event| match event {
        Event::Refused(refused) => Some(refused.cause),
        _ => None,
    });
    causes.collect()
}

fn issued(secrets: &SharedSecrets, name: &str, seconds: u64) -> User {
    let issued = secrets.issue(name, time() + secs(seconds));
    User::new(CLIENT, &issued.username, &issued.password)
}

#[test]
fn either_of_two_shared_secrets_makes_credentials_until_they_expire() {
    let (old, new) = (SharedSecrets::new(b"old"), SharedSecrets::new(b"new"));
    let both = new.clone().with_second(b"old");
    let mut site = Site::new(with_credentials(
        Credentials::new().with_shared_secrets(both),
    ));
    for secrets in [&old, &new] {
        let mut user = issued(secrets, "alice", 3600);
        user.allocate(&mut site);
        user.refresh(&mut site, 0).granted();
    }
    let mut eve = issued(&SharedSecrets::new(b"guess"), "alice", 3600);
    eve.try_allocate(&mut site, &[]).refused(401);
    let mut late = issued(&new, "alice", 600);
    site.pass(secs(600));
    late.try_allocate(&mut site, &[]).refused(401);
    // Nor does somebody choose another time.
    let mut longer = issued(&new, "alice", 600);
    longer.name = format!("{}:alice", EPOCH.as_secs() + 86_400);
    longer.try_allocate(&mut site, &[]).refused(401);
    let wrong = LoginError::WrongPassword;
    assert_eq!(refused(&site), [wrong, LoginError::Expired, wrong]);
}

#[test]
fn expiry_refuses_new_allocations_and_ends_old_ones_only_where_it_is_strict() {
    let secrets = SharedSecrets::new(b"new");
    let config = with_credentials(Credentials::new().with_shared_secrets(secrets.clone()));
    let mut site = Site::new(config.clone());
    let mut alice = issued(&secrets, "alice", 700);
    alice.allocate(&mut site);
    site.pass(secs(500));
    alice.refresh(&mut site, 600).granted();
    site.pass(secs(500));
    alice.refresh(&mut site, 600).granted();
    assert_eq!(site.relay.allocations(), 1);

    let mut site = Site::new(config.with_strict_expiry());
    let mut alice = issued(&secrets, "alice", 700);
    alice.allocate(&mut site);
    site.pass(secs(500));
    let answer = alice.refresh(&mut site, 600).granted();
    let left = answer.get::<Lifetime>().unwrap().0;
    assert!((199..=200).contains(&left), "{left}");
    site.pass(secs(200));
    assert_eq!(ended(&site), [EndCause::CredentialExpired]);
    alice.refresh(&mut site, 600).refused(401);
}

#[test]
fn a_revoked_credential_loses_its_allocations_and_makes_no_more() {
    let secrets = SharedSecrets::new(b"new");
    let credentials = users().with_shared_secrets(secrets.clone());
    let mut site = Site::new(with_credentials(credentials));
    let mut call = issued(&secrets, "call-7", 3600);
    let relayed = call.allocate(&mut site);
    let peer = XorPeerAddress(addr(PEER));
    call.ask(&mut site, Method::CREATE_PERMISSION, &[&peer])
        .granted();
    let mut other = User::new("198.51.100.2:1", "alice", "secret");
    other.allocate(&mut site);

    assert_eq!(site.relay.revoke(site.now, &call.name), 1);
    site.drain();
    assert_eq!(ended(&site), [EndCause::Revoked]);
    assert_eq!(site.peer_says(addr(PEER), relayed, b"late"), []);
    call.try_allocate(&mut site, &[]).refused(401);
    assert_eq!(refused(&site), [LoginError::Revoked]);
    // A name ends what is live; the same name may get another credential.
    let mut next = issued(&secrets, "call-7", 7200);
    next.allocate(&mut site);
    assert_eq!(site.relay.revoke(site.now, "call-7"), 1);
    assert_eq!(site.relay.revoke(site.now, "call-7"), 0);
    next.allocate(&mut site);
    // A user of whom there is only a key: nothing that needs his password is announced any more.
    let key = Secret::key(&[7; 16]).unwrap();
    let keys = users().with_secret("dave", key).unwrap();
    let challenge = |site: &mut Site| {
        let mut user = User::new("198.51.100.9:1", "dave", "");
        let request = user.request(Method::ALLOCATE, &[&RequestedTransport::UDP]);
        let answer = user.hand(site, &request).unwrap();
        answer
            .message()
            .contains(stun_codec::AttributeType::PASSWORD_ALGORITHMS)
    };
    assert!(challenge(&mut site));
    site.relay.set_credentials(keys);
    assert!(!challenge(&mut site));
    // Users who are set are taken away by setting others.
    site.relay.set_credentials(Credentials::new());
    assert_eq!(site.relay.revoke(site.now, "alice"), 1);
    site.drain();
    other.try_allocate(&mut site, &[]).refused(401);
}

fn lookups(site: &mut Site) -> Vec<Lookup> {
    site.drain();
    let events = std::mem::take(&mut site.events);
    let lookups = events.into_iter().filter_map(|event| match event {
        Event::Lookup(lookup) => Some(lookup),
        _ => None,
    });
    lookups.collect()
}

#[test]
fn users_of_a_store_wait_for_its_answer() {
    let mut site = Site::new(with_credentials(Credentials::new().with_store()));
    let mut carol = User::new(CLIENT, "carol", "secret");
    let request = carol.request(Method::ALLOCATE, &[&RequestedTransport::UDP]);
    carol.hand(&mut site, &request).unwrap().refused(401);
    assert_eq!(lookups(&mut site), []);
    let request = carol.request(Method::ALLOCATE, &[&RequestedTransport::UDP]);
    assert!(carol.hand(&mut site, &request).is_none());
    // A retransmission asks nothing again.
    assert!(carol.hand(&mut site, &request).is_none());
    let asked = lookups(&mut site);
    let [lookup] = &asked[..] else {
        panic!("{asked:?}")
    };
    assert_eq!((&*lookup.user, &*lookup.realm), ("carol", "example.org"));
    assert_eq!(lookup.derivation, KeyDerivation::Md5);
    let secret = Secret::password("secret").unwrap();
    site.relay
        .handle_credentials(site.now, lookup.id, Some(secret.clone()));
    assert_eq!(site.drain().len(), 1);
    assert_eq!(site.relay.allocations(), 1);
    // What belongs to the allocation needs no store.
    carol.refresh(&mut site, 600).granted();
    assert_eq!(lookups(&mut site), []);
    site.relay
        .handle_credentials(site.now, lookup.id, Some(secret));
    assert_eq!(site.drain(), []);

    // A store that has keys, one that has not the user, and one that does not answer.
    let key: [u8; 16] = *b"\xb2\x6c\xc8\x4c\x05\xd9\x23\x1e\x17\xa4\xb8\x9b\x84\xa6\xd3\x6c";
    for (at, answer) in [Some(Secret::key(&key).unwrap()), None]
        .into_iter()
        .enumerate()
    {
        let mut user = User::new(&format!("198.51.100.2:{}", at + 1), "dave", "wrong");
        let request = user.request(Method::ALLOCATE, &[&RequestedTransport::UDP]);
        user.hand(&mut site, &request).unwrap().refused(401);
        let request = user.request(Method::ALLOCATE, &[&RequestedTransport::UDP]);
        assert!(user.hand(&mut site, &request).is_none());
        let asked = lookups(&mut site);
        site.relay.handle_credentials(site.now, asked[0].id, answer);
        site.drain();
    }
    assert_eq!(refused(&site), [LoginError::UnknownUser]);
    let request = carol.request(Method::ALLOCATE, &[&RequestedTransport::UDP]);
    carol.at = addr("198.51.100.3:1");
    assert!(carol.hand(&mut site, &request).unwrap().code == Some(438));
    let request = carol.request(Method::ALLOCATE, &[&RequestedTransport::UDP]);
    assert!(carol.hand(&mut site, &request).is_none());
    let asked = lookups(&mut site);
    site.pass(secs(5));
    site.relay.handle_credentials(site.now, asked[0].id, None);
    assert_eq!(site.drain(), []);
}

#[test]
fn questions_to_the_store_are_bounded() {
    let mut site = Site::new(with_credentials(Credentials::new().with_store()));
    for port in 1..=3000_u16 {
        let mut user = User::new(&format!("198.51.100.2:{port}"), "carol", "secret");
        for _ in 0..2 {
            let request = user.request(Method::ALLOCATE, &[&RequestedTransport::UDP]);
            drop(user.hand(&mut site, &request));
            if user.nonce.is_empty() {
                break;
            }
        }
        site.now += Duration::from_secs(1);
    }
    assert!(lookups(&mut site).len() <= 3000);
    assert_eq!(
        site.relay.stats().lookup_overflow + site.relay.stats().lookups,
        3000
    );
    assert!(site.relay.stats().lookup_overflow > 1000);
    site.pass(secs(10));
    assert_eq!(site.relay.poll_timeout(), None);
}

#[test]
fn a_drained_server_keeps_what_there_is_until_its_deadline() {
    let other = addr("192.0.2.9:3478");
    let mut site = Site::new(config());
    let mut alice = User::alice();
    let relayed = alice.allocate(&mut site);
    let deadline = site.now + secs(1000);
    let mut known = User::new("198.51.100.3:1", "bob", "terces");
    known.refresh(&mut site, 600).refused(437);
    site.relay.drain(site.now, deadline, Some(other));
    // Whoever has no nonce yet is sent before he gets one, whoever has one is believed first.
    let mut bob = User::new("198.51.100.2:1", "bob", "terces");
    for user in [&mut bob, &mut known] {
        let answer = user.try_allocate(&mut site, &[]).refused(300);
        assert_eq!(answer.get(), Some(AlternateServer(other)));
        assert_eq!(answer.get::<Nonce<'_>>(), None);
    }
    assert!(bob.nonce.is_empty() && !known.nonce.is_empty());
    // Elsewhere is no place for other requests, nor of the other family.
    bob.refresh(&mut site, 600).refused(437);
    site.relay
        .drain(site.now, deadline, Some(addr("[2001:db8::9]:3478")));
    let mut stranger = User::new("198.51.100.4:1", "bob", "terces");
    let plain = stranger.request(Method::ALLOCATE, &[&RequestedTransport::UDP]);
    stranger.hand(&mut site, &plain).unwrap().refused(401);
    bob.try_allocate(&mut site, &[]).refused(508);
    site.relay.drain(site.now, deadline, None);
    bob.try_allocate(&mut site, &[]).refused(508);
    site.pass(secs(500));
    alice.refresh(&mut site, 600).granted();
    let peer = XorPeerAddress(addr(PEER));
    alice
        .ask(&mut site, Method::CREATE_PERMISSION, &[&peer])
        .granted();
    assert_eq!(site.peer_says(addr(PEER), relayed, b"still").len(), 1);
    assert_eq!(site.told(|event| *event == Event::Drained), 0);
    site.pass(secs(500));
    assert_eq!(ended(&site), [EndCause::Drained]);
    assert_eq!(site.events.last(), Some(&Event::Drained));
    assert!(site.bound.is_empty());
    // One that is empty says so at once.
    let mut site = Site::new(config());
    site.relay.drain(site.now, site.now + secs(9), None);
    site.drain();
    assert_eq!(site.events, [Event::Drained]);
}

#[test]
fn a_configuration_that_contradicts_itself_is_refused() {
    use turn_relay::server::{ConfigError, Relay};
    let check = |config: Config| Relay::new(origin(), config, [7; 32]).map(drop).unwrap_err();
    let bare = Config::new("example.org", users());
    assert_eq!(check(bare.clone()), ConfigError::NoRelayAddress);
    let any = ip("0.0.0.0");
    assert_eq!(
        check(bare.clone().with_relay_address(any)),
        ConfigError::RelayAddress(any)
    );
    let (local, public) = (ip("10.0.0.1"), ip("2001:db8::1"));
    let mixed = bare.clone().with_translated_relay_address(local, public);
    assert_eq!(check(mixed), ConfigError::Families { local, public });
    assert_eq!(
        check(config().with_worker(2, 2)),
        ConfigError::Worker { index: 2, of: 2 }
    );
    let (usual, max) = (secs(600), secs(60));
    assert_eq!(
        check(config().with_lifetimes(usual, max)),
        ConfigError::Lifetime { usual, max }
    );
    let secrets = Credentials::new().with_shared_secrets(SharedSecrets::new(b"s"));
    let timeless = Config::new("example.org", secrets).with_relay_address(local);
    assert_eq!(check(timeless), ConfigError::NoWallClock);
    assert_eq!(check(Config::new("", users())), ConfigError::RealmLength(0));
}

#[test]
fn a_relay_behind_a_nat_tells_its_public_address() {
    let config = Config::new("example.org", users())
        .with_translated_relay_address(ip("10.0.0.5"), ip("192.0.2.55"));
    let mut site = Site::new(config);
    let relayed = User::alice().allocate(&mut site);
    assert_eq!(relayed.ip(), ip("192.0.2.55"));
    let local = *site.bound.values().next().unwrap();
    assert_eq!((local.ip(), local.port()), (ip("10.0.0.5"), relayed.port()));
}
