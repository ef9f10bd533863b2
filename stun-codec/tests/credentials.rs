//! The long-term mechanism: client and server together, and each against a liar.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)] // checks fail loudly
#![cfg(feature = "std")]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use stun_codec::attribute::{
    ErrorCode, Nonce, PasswordAlgorithm, PasswordAlgorithms, Priority, Realm, Userhash, Username,
};
use stun_codec::credentials::{
    Authenticated, Cause, Challenge, Client, KeyDerivation, SecurityFeatures, Server, Unacceptable,
    User, Verdict,
};
use stun_codec::{
    Algorithm, AttributeType, Builder, Class, IntegrityKey, Message, Method, RawAttribute,
    TransactionId, VerifyError,
};

const USER: &str = "user";
const PASSWORD: &str = "pass";
const REALM: &str = "example.org";

#[allow(clippy::disallowed_methods)] // an origin for virtual time
fn origin() -> Instant {
    Instant::now()
}

fn here() -> SocketAddr {
    "192.0.2.1:4000".parse().unwrap()
}

fn client() -> Client {
    Client::new(USER, PASSWORD).unwrap()
}

/// A store with passwords.
fn lookup(realm: &str) -> impl Fn(User<'_>, KeyDerivation) -> Option<IntegrityKey> {
    move |user, derivation| {
        let is_known = match user {
            User::Name(name) => name == USER,
            User::Hash(hash) => hash == Userhash::new(USER, realm),
        };
        is_known.then(|| derivation.key(USER, realm, PASSWORD))
    }
}

fn seal(client: &Client, id: u8) -> Vec<u8> {
    let mut out = BytesMut::new();
    let id = TransactionId([id; 12]);
    let request = Builder::request(&mut out, Method::ALLOCATE, id).attribute(&Priority(7));
    client.seal(request).fingerprint().unwrap();
    out.to_vec()
}

/// What a server answers: a success that says nothing, or its refusal.
fn answer(server: &Server, request: &[u8], now: Instant) -> Vec<u8> {
    let request = Message::parse(request).unwrap();
    let mut out = BytesMut::new();
    match server.check(&request, here(), now, lookup(server.realm())) {
        Ok(authenticated) => {
            let response = Builder::success(&mut out, &request);
            authenticated.seal(response).fingerprint().unwrap();
        }
        Err(challenge) => {
            challenge.write(&request, &mut out).unwrap();
        }
    }
    out.to_vec()
}

/// Asks until it is granted or hopeless; the number of requests.
fn ask(client: &mut Client, mut server: impl FnMut(&[u8]) -> Vec<u8>) -> Result<u8, Cause> {
    for id in 1..20 {
        let response = server(&seal(client, id));
        let response = Message::parse(&response).unwrap();
        let response = client.check(&response).expect("it counts");
        if response.class() == Class::Success {
            return Ok(id);
        }
        match client.handle_error(&response) {
            Verdict::Retry => {}
            Verdict::Final(cause) => return Err(cause),
        }
    }
    panic!("no end");
}

#[test]
fn every_kind_of_server_lets_the_right_user_in() {
    let now = origin();
    let plain = Server::new(now, [1; 32], REALM).unwrap();
    let both = [KeyDerivation::Sha256, KeyDerivation::Md5];
    for (server, derivation) in [
        (plain.clone(), KeyDerivation::Md5),
        (plain.clone().with_userhash(), KeyDerivation::Md5),
        (plain.clone().with_algorithms(&both), KeyDerivation::Sha256),
        (
            plain.clone().with_algorithms(&[KeyDerivation::Sha256]),
            KeyDerivation::Sha256,
        ),
        (
            plain.with_algorithms(&both).with_userhash(),
            KeyDerivation::Sha256,
        ),
    ] {
        let mut client = client();
        assert_eq!(ask(&mut client, |it| answer(&server, it, now)), Ok(2));
        assert_eq!(client.key_derivation(), Some(derivation));
        assert_eq!(client.realm(), Some(REALM));
        // The next goes straight through, and protected as was agreed.
        assert_eq!(ask(&mut client, |it| answer(&server, it, now)), Ok(1));
        let request = seal(&client, 9);
        let request = Message::parse(&request).unwrap();
        let key = derivation.key(USER, REALM, PASSWORD);
        let algorithm = request.verify(&key).unwrap().algorithm();
        let is_sha256 = derivation == KeyDerivation::Sha256;
        assert_eq!(algorithm == Algorithm::HmacSha256, is_sha256);
        let hides = format!("{server:?}").contains("SecurityFeatures(4194304)")
            || format!("{server:?}").contains("SecurityFeatures(12582912)");
        assert_eq!(request.contains(AttributeType::USERHASH), hides);
        assert_ne!(request.contains(AttributeType::USERNAME), hides);
    }
}

/// A client of RFC 5389 knows no list.
#[test]
fn old_clients_are_let_in_with_md5() {
    let now = origin();
    let server = Server::new(now, [1; 32], REALM)
        .unwrap()
        .with_algorithms(&[KeyDerivation::Sha256, KeyDerivation::Md5]);
    let refusal = answer(&server, &seal(&client(), 1), now);
    let nonce = Message::parse(&refusal).unwrap().attribute::<Nonce<'_>>();
    let mut out = BytesMut::new();
    let key = IntegrityKey::long_term(USER, REALM, PASSWORD);
    Builder::request(&mut out, Method::ALLOCATE, TransactionId([2; 12]))
        .attribute(&Username(USER))
        .attribute(&Realm(REALM))
        .attribute(&nonce.unwrap().unwrap())
        .integrity(&key)
        .finish()
        .unwrap();
    let response = answer(&server, &out, now);
    let response = Message::parse(&response).unwrap();
    assert_eq!(response.class(), Class::Success);
    let verified = response.verify(&key).unwrap();
    assert_eq!(verified.algorithm(), Algorithm::HmacSha1);
}

#[test]
fn wrong_passwords_and_names_end_it() {
    let now = origin();
    let server = Server::new(now, [1; 32], REALM).unwrap();
    for (user, password) in [(USER, "wrong"), ("nobody", PASSWORD)] {
        let mut client = Client::new(user, password).unwrap();
        let cause = ask(&mut client, |it| answer(&server, it, now)).unwrap_err();
        let realm = REALM.to_string();
        assert_eq!(cause, Cause::WrongCredentials { realm });
    }
}

#[test]
fn nonces_grow_old_and_are_renewed() {
    let mut now = origin();
    let server = Server::new(now, [1; 32], REALM)
        .unwrap()
        .with_nonce_lifetime(Duration::from_secs(60));
    let mut client = client();
    assert_eq!(ask(&mut client, |it| answer(&server, it, now)), Ok(2));
    for _ in 0..20 {
        now += Duration::from_secs(60);
        assert_eq!(ask(&mut client, |it| answer(&server, it, now)), Ok(1));
        now += Duration::from_secs(1);
        assert_eq!(ask(&mut client, |it| answer(&server, it, now)), Ok(2));
    }
    // A server that calls all of them stale is given up.
    let stale = server.with_nonce_lifetime(Duration::ZERO);
    let mut later = now;
    let cause = ask(&mut client, |it| {
        later += Duration::from_secs(2);
        answer(&stale, it, later)
    });
    assert_eq!(cause, Err(Cause::StaleNonces(3)));
}

/// RFC 8489 §9.2.4: a nonce serves the address that it was sent to.
#[test]
fn nonces_are_bound_to_their_address_and_server() {
    let now = origin();
    let server = Server::new(now, [1; 32], REALM).unwrap();
    let mut client = client();
    assert_eq!(ask(&mut client, |it| answer(&server, it, now)), Ok(2));
    let request = seal(&client, 3);
    let request = Message::parse(&request).unwrap();
    let code = |server: &Server, from: &str, now| {
        let from = from.parse().unwrap();
        match server.check(&request, from, now, lookup(REALM)) {
            Ok(_) => 0,
            Err(challenge) => challenge.error().code,
        }
    };
    assert_eq!(code(&server, "192.0.2.1:4000", now), 0);
    assert_eq!(code(&server, "[::ffff:192.0.2.1]:4000", now), 0);
    assert_eq!(code(&server, "192.0.2.1:4001", now), 438);
    assert_eq!(code(&server, "192.0.2.2:4000", now), 438);
    let other = Server::new(now, [2; 32], REALM).unwrap();
    assert_eq!(code(&other, "192.0.2.1:4000", now), 438);
    let more = server.clone().with_userhash();
    assert_eq!(code(&more, "192.0.2.1:4000", now), 438);
    // One that was made before its time.
    let younger = Server::new(now + Duration::from_secs(60), [1; 32], REALM).unwrap();
    assert_eq!(code(&younger, "192.0.2.1:4000", now), 0);
}

/// Writes a request with these attributes, protected.
fn request(attributes: &[RawAttribute<'_>], sha256: bool) -> Vec<u8> {
    let mut out = BytesMut::new();
    let key = IntegrityKey::long_term_sha256(USER, REALM, PASSWORD);
    let builder = attributes.iter().fold(
        Builder::request(&mut out, Method::ALLOCATE, TransactionId([3; 12])),
        |builder, attribute| builder.attribute(attribute),
    );
    match sha256 {
        true => builder.integrity_sha256(&key).finish(),
        false => builder.integrity(&key).finish(),
    }
    .unwrap();
    out.to_vec()
}

#[test]
fn what_is_missing_or_does_not_fit_is_a_bad_request() {
    let now = origin();
    let server = Server::new(now, [1; 32], REALM)
        .unwrap()
        .with_algorithms(&[KeyDerivation::Sha256, KeyDerivation::Md5]);
    let mut client = client();
    assert_eq!(ask(&mut client, |it| answer(&server, it, now)), Ok(2));
    let whole = seal(&client, 3);
    let whole = Message::parse(&whole).unwrap();
    let all: Vec<_> = (whole.attributes())
        .filter(|raw| {
            !matches!(
                raw.attribute_type,
                AttributeType::MESSAGE_INTEGRITY_SHA256 | AttributeType::FINGERPRINT
            )
        })
        .collect();
    let check = |attributes: &[RawAttribute<'_>]| {
        let wire = request(attributes, true);
        let request = Message::parse(&wire).unwrap();
        match server.check(&request, here(), now, lookup(REALM)) {
            Ok(_) => 0,
            Err(challenge) => {
                let mut out = BytesMut::new();
                challenge.write(&request, &mut out).unwrap();
                let is_bare = Message::parse(&out).unwrap().attributes().count() == 1;
                assert_eq!(is_bare, challenge.error().code == 400);
                challenge.error().code
            }
        }
    };
    assert_eq!(check(&all), 0);
    for missing in [
        AttributeType::USERNAME,
        AttributeType::REALM,
        AttributeType::NONCE,
        AttributeType::PASSWORD_ALGORITHM,
        AttributeType::PASSWORD_ALGORITHMS,
    ] {
        let rest: Vec<_> = (all.iter().copied())
            .filter(|raw| raw.attribute_type != missing)
            .collect();
        assert_eq!(check(&rest), 400, "{missing}");
    }
    // Another list, another choice, two names, a name that is no text.
    for (attribute_type, value) in [
        (AttributeType::PASSWORD_ALGORITHMS, &[0, 1, 0, 0][..]),
        (AttributeType::PASSWORD_ALGORITHM, &[0, 3, 0, 0]),
        (AttributeType::PASSWORD_ALGORITHM, &[0, 2, 0, 1, 0, 0, 0, 0]),
        (AttributeType::USERNAME, &[0xff]),
    ] {
        let changed: Vec<_> = (all.iter().copied())
            .map(|raw| match raw.attribute_type == attribute_type {
                true => RawAttribute { value, ..raw },
                false => raw,
            })
            .collect();
        assert_eq!(check(&changed), 400, "{attribute_type}");
    }
    let mut twice = all.clone();
    twice.push(RawAttribute {
        attribute_type: AttributeType::USERHASH,
        value: &[0; 32],
    });
    assert_eq!(check(&twice), 400);
}

/// What somebody on the way can do to a response that cannot be protected.
struct Forger {
    keeps_list: bool,
    keeps_features: bool,
}

impl Forger {
    fn forge(&self, wire: &[u8]) -> Vec<u8> {
        let message = Message::parse(wire).unwrap();
        if message.class() == Class::Success {
            return wire.to_vec();
        }
        let mut out = BytesMut::new();
        let mut builder = Builder::new(
            &mut out,
            message.class(),
            message.method(),
            message.transaction_id(),
        );
        let mut nonce = Vec::new();
        for raw in message.attributes() {
            builder = match raw.attribute_type {
                AttributeType::FINGERPRINT => builder,
                AttributeType::PASSWORD_ALGORITHMS if !self.keeps_list => builder,
                AttributeType::NONCE if !self.keeps_features => {
                    nonce.extend_from_slice(raw.value);
                    nonce[9..13].copy_from_slice(b"AAAA");
                    builder.attribute(&Nonce(&nonce))
                }
                _ => builder.attribute(&raw),
            };
        }
        builder.fingerprint().unwrap();
        out.to_vec()
    }
}

/// RFC 8489 §9.2.1.
#[test]
fn bidding_down_is_found_out() {
    let now = origin();
    let server = Server::new(now, [1; 32], REALM)
        .unwrap()
        .with_algorithms(&[KeyDerivation::Sha256, KeyDerivation::Md5]);
    let forger = Forger {
        keeps_list: false,
        keeps_features: true,
    };
    let cause = ask(&mut client(), |it| forger.forge(&answer(&server, it, now)));
    assert_eq!(cause, Err(Cause::BidDown));
    // The nonce says nothing now: the server does not know it as its own.
    let forger = Forger {
        keeps_list: false,
        keeps_features: false,
    };
    let cause = ask(&mut client(), |it| forger.forge(&answer(&server, it, now)));
    assert_eq!(cause, Err(Cause::StaleNonces(3)));
    // And whoever has seen the list once does without it no more.
    let mut known = client();
    assert_eq!(ask(&mut known, |it| answer(&server, it, now)), Ok(2));
    let stale = now + Duration::from_secs(4000);
    let cause = ask(&mut known, |it| forger.forge(&answer(&server, it, stale)));
    assert_eq!(cause, Err(Cause::BidDown));
}

#[test]
fn realms_may_change_once() {
    let now = origin();
    let servers = ["one", "two", "three"].map(|it| Server::new(now, [1; 32], it).unwrap());
    let mut client = client();
    assert_eq!(ask(&mut client, |it| answer(&servers[0], it, now)), Ok(2));
    assert_eq!(ask(&mut client, |it| answer(&servers[1], it, now)), Ok(2));
    assert_eq!(client.realm(), Some("two"));
    let mut at = 1;
    let cause = ask(&mut client, |it| {
        at += 1;
        answer(&servers[at % 3], it, now)
    });
    assert!(
        matches!(cause, Err(Cause::RealmChanged { .. })),
        "{cause:?}"
    );
}

fn error(attributes: &[&dyn stun_codec::Encode]) -> Vec<u8> {
    let mut out = BytesMut::new();
    let id = TransactionId([3; 12]);
    attributes
        .iter()
        .fold(
            Builder::new(&mut out, Class::Error, Method::ALLOCATE, id),
            |builder, attribute| builder.attribute(*attribute),
        )
        .finish()
        .unwrap();
    out.to_vec()
}

#[test]
fn broken_refusals_are_named() {
    let unknown = [PasswordAlgorithm {
        algorithm: 7,
        parameters: &[],
    }];
    let unauthenticated = ErrorCode::UNAUTHENTICATED;
    for (wire, expected) in [
        (error(&[]), "the error response has no ERROR-CODE"),
        (
            error(&[&unauthenticated, &Realm(REALM)]),
            "the error response has no NONCE",
        ),
        (
            error(&[&unauthenticated, &Nonce(b"n")]),
            "the error response has no REALM",
        ),
        (
            error(&[
                &unauthenticated,
                &Realm(REALM),
                &Nonce(b"n"),
                &PasswordAlgorithms::from(&unknown[..]),
            ]),
            "no password algorithm in common",
        ),
        (
            error(&[&unauthenticated, &Realm("a\u{7}"), &Nonce(b"n")]),
            "the realm: a character or direction that names and passwords cannot have",
        ),
        (error(&[&ErrorCode::FORBIDDEN]), "refused: 403 Forbidden"),
    ] {
        let verdict = client().handle_error(&Message::parse(&wire).unwrap());
        let Verdict::Final(cause) = verdict else {
            panic!("{expected}");
        };
        assert_eq!(cause.to_string(), expected);
    }
}

/// RFC 8489 §9.2.5: as if they had never come.
#[test]
fn responses_that_prove_nothing_do_not_count() {
    let now = origin();
    let server = Server::new(now, [1; 32], REALM)
        .unwrap()
        .with_algorithms(&[KeyDerivation::Sha256]);
    let mut client = client();
    assert_eq!(ask(&mut client, |it| answer(&server, it, now)), Ok(2));
    let key = KeyDerivation::Sha256.key(USER, REALM, PASSWORD);
    let success = |key: Option<(&IntegrityKey, bool)>| {
        let mut out = BytesMut::new();
        let id = TransactionId([3; 12]);
        let builder = Builder::new(&mut out, Class::Success, Method::ALLOCATE, id);
        match key {
            None => builder.finish(),
            Some((key, true)) => builder.integrity_sha256(key).finish(),
            Some((key, false)) => builder.integrity(key).finish(),
        }
        .unwrap();
        out.to_vec()
    };
    let other = IntegrityKey::short_term("other");
    let cases = [
        (success(Some((&key, true))), Ok(())),
        (success(Some((&key, false))), Err(Unacceptable::Weaker)),
        (
            success(None),
            Err(Unacceptable::Unproved(VerifyError::Missing)),
        ),
        (
            success(Some((&other, true))),
            Err(Unacceptable::Unproved(VerifyError::Mismatch {
                attribute: AttributeType::MESSAGE_INTEGRITY_SHA256,
            })),
        ),
        (
            error(&[&ErrorCode::BAD_REQUEST]),
            Err(Unacceptable::Unproved(VerifyError::Missing)),
        ),
        (
            error(&[&ErrorCode::BAD_REQUEST, &Nonce(b"obMatJos2gAAA")]),
            Err(Unacceptable::BidDown),
        ),
        (error(&[&ErrorCode::STALE_NONCE]), Ok(())),
    ];
    for (wire, expected) in cases {
        let message = Message::parse(&wire).unwrap();
        assert_eq!(client.check(&message).map(|_| ()), expected);
    }
}

#[test]
fn features_stand_in_front_of_nonces() {
    let both = SecurityFeatures::PASSWORD_ALGORITHMS | SecurityFeatures::USERNAME_ANONYMITY;
    for (nonce, features) in [
        ("obMatJos2AAAA", Some(SecurityFeatures::NONE)),
        (
            "obMatJos2gAAAxyz",
            Some(SecurityFeatures::PASSWORD_ALGORITHMS),
        ),
        ("obMatJos2QAAA", Some(SecurityFeatures::USERNAME_ANONYMITY)),
        ("obMatJos2wAAA", Some(both)),
        ("obMatJos2", None),
        ("obMatJos2!!!!xyz", None),
        ("OBMATJOS2AAAA1", None),
    ] {
        assert_eq!(SecurityFeatures::of_nonce(nonce.as_bytes()), features);
    }
}

#[test]
fn nothing_secret_is_shown() {
    let now = origin();
    let server = Server::new(now, [0xab; 32], REALM).unwrap();
    let mut client = Client::new(USER, "hunter2").unwrap();
    let _ = ask(&mut client, |it| answer(&server, it, now));
    let shown = format!("{client:?} {server:?}");
    assert!(
        !shown.contains("hunter2") && !shown.contains("171"),
        "{shown}"
    );
    assert!(shown.contains(REALM));
    let wire = seal(&client, 1);
    let message = Message::parse(&wire).unwrap();
    let refused: Result<Authenticated<'_>, Challenge<'_>> =
        server.check(&message, here(), now, lookup(REALM));
    assert_eq!(
        format!("{refused:?}"),
        "Err(Challenge(401 Unauthenticated))"
    );
}

#[cfg(feature = "saslprep")]
#[test]
fn what_is_typed_is_prepared() {
    use stun_codec::credentials::{PrepareError, prepare};
    // The pair of RFC 5769 §2.4.
    assert_eq!(prepare("The\u{ad}M\u{aa}tr\u{2168}").unwrap(), "TheMatrIX");
    assert_eq!(prepare("a\u{7}"), Err(PrepareError::Prohibited));
    assert_eq!(prepare("\u{627}1"), Err(PrepareError::Prohibited));
    let now = origin();
    let server = Server::new(now, [1; 32], REALM).unwrap();
    let mut client = Client::new(USER, "p\u{aa}ss").unwrap();
    assert_eq!(ask(&mut client, |it| answer(&server, it, now)), Ok(2));
    assert!(Client::new(&"x".repeat(509), PASSWORD).is_err());
}
