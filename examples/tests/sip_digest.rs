//! The SIP server asks who calls: digest with MD5 and SHA-256, and everything that goes wrong.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)] // checks fail loudly

mod peer;

use examples::sip::{CallEvent, Credentials, OutgoingCall, UserAgent};
use md5::Digest;
use peer::{ANSWER, Message, Peer, agent_with, last, next};

const USER: &str = "alice";
const PASSWORD: &str = "correct horse";

async fn agent() -> UserAgent {
    agent_with(|config| config.credentials = Some(Credentials::new(USER, PASSWORD).unwrap())).await
}

fn hash(algorithm: &str, text: &str) -> String {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    match algorithm {
        "MD5" => hex(&md5::Md5::digest(text)),
        "SHA-256" => hex(&sha2::Sha256::digest(text)),
        other => panic!("{other}"),
    }
}

/// A parameter of a credentials header.
fn parameter(value: &str, name: &str) -> Option<String> {
    let mut all = value.strip_prefix("Digest ").unwrap().split(", ");
    let found = all.find_map(|pair| pair.strip_prefix(&format!("{name}=")));
    found.map(|text| text.trim_matches('"').to_owned())
}

/// What a server would do: whether the request proves the password, and the count of its nonce.
fn verify(request: &Message, header: &str, nonce: &str) -> (bool, u32) {
    let value = request.value(header);
    let of = |name| parameter(&value, name).unwrap_or_default();
    assert_eq!(
        (of("username"), of("nonce")),
        (USER.to_owned(), nonce.to_owned())
    );
    let mut line = request.0.split(' ');
    let (method, uri) = (line.next().unwrap(), line.next().unwrap());
    assert_eq!(of("uri"), uri, "the one of the request line");
    let algorithm = of("algorithm");
    let who = hash(&algorithm, &format!("{USER}:{}:{PASSWORD}", of("realm")));
    let what = hash(&algorithm, &format!("{method}:{uri}"));
    let count = of("nc");
    let expected = match count.is_empty() {
        true => hash(&algorithm, &format!("{who}:{nonce}:{what}")),
        false => {
            assert!(
                value.contains(", qop=auth, ") && count.len() == 8,
                "{value}"
            );
            let salt = of("cnonce");
            hash(
                &algorithm,
                &format!("{who}:{nonce}:{count}:{salt}:auth:{what}"),
            )
        }
    };
    let count = u32::from_str_radix(&count, 16).unwrap_or(0);
    (of("response") == expected, count)
}

/// A challenge of one algorithm, as a header.
fn challenge(header: &str, algorithm: &str, nonce: &str) -> String {
    format!("{header}: Digest realm=\"pbx\", nonce=\"{nonce}\", qop=\"auth\"{algorithm}\r\n")
}

/// Has a call challenged once; answers the request that follows.
async fn challenged(peer: &Peer, status: &str, headers: &str) -> Message {
    let bare = peer.hear("INVITE").await;
    assert!(!bare.0.contains("Authorization"), "{}", bare.0);
    peer.answer(&bare, status, headers, "").await;
    peer.hear("ACK").await;
    let again = peer.hear("INVITE").await;
    assert_eq!(again.value("Call-ID"), bare.value("Call-ID"));
    assert_eq!(again.value("From"), bare.value("From"));
    assert_ne!(again.value("Via"), bare.value("Via"), "another transaction");
    assert_ne!(again.value("CSeq"), bare.value("CSeq"));
    again
}

async fn hang_up(peer: &Peer, call: &OutgoingCall) -> Message {
    let phone = async {
        let bye = peer.hear("BYE").await;
        peer.answer(&bye, "200 OK", "", "").await;
        bye
    };
    tokio::join!(phone, call.hang_up()).0
}

#[tokio::test]
async fn every_kind_of_challenge() {
    const WWW: (&str, &str, &str) = ("401 Unauthorized", "WWW-Authenticate", "Authorization");
    const PROXY: (&str, &str, &str) = (
        "407 Proxy Authentication Required",
        "Proxy-Authenticate",
        "Proxy-Authorization",
    );
    let agent = agent().await;
    for (status, asks, answers) in [WWW, PROXY] {
        let of = |algorithm| challenge(asks, algorithm, "n1");
        let (md5, sha) = (of(", algorithm=MD5"), of(", algorithm=SHA-256"));
        for (headers, algorithm) in [
            (of(""), "MD5"),
            (md5.clone(), "MD5"),
            (sha.clone(), "SHA-256"),
            (format!("{sha}{md5}"), "SHA-256"),
            (format!("{md5}{sha}"), "SHA-256"),
            (of("").replace(", qop=\"auth\"", ""), "MD5"),
            (
                of("").replace("\"auth\"", "\"auth,auth-int\", opaque=\"o\""),
                "MD5",
            ),
        ] {
            let peer = Peer::new(&agent).await;
            let mut call = peer.call(&agent).await;
            let invite = challenged(&peer, status, &headers).await;
            let counted = u32::from(headers.contains("qop"));
            assert_eq!(verify(&invite, answers, "n1"), (true, counted));
            let value = invite.value(answers);
            assert_eq!(parameter(&value, "algorithm").unwrap(), algorithm);
            let opaque = parameter(&value, "opaque");
            assert_eq!(opaque.is_some(), headers.contains("opaque"));
            peer.pick_up(&invite).await;
            while !matches!(next(&mut call).await, CallEvent::Answered { .. }) {}
            let ack = peer.hear("ACK").await;
            assert_eq!(ack.value(answers), value, "as in the INVITE");
            let bye = hang_up(&peer, &call).await;
            assert_eq!(verify(&bye, answers, "n1"), (true, 2 * counted));
            assert!(last(&mut call).await.is_final());
        }
    }
    assert_eq!(agent.alive(), (0, 0));
}

#[tokio::test]
async fn a_stale_nonce_is_replaced_and_a_repetition_is_the_same() {
    let agent = agent().await;
    let peer = Peer::new(&agent).await;
    let mut call = peer.call(&agent).await;
    let of = |nonce, more| challenge("WWW-Authenticate", more, nonce);
    let first = challenged(&peer, "401 Unauthorized", &of("n1", "")).await;
    let repeated = peer.hear("INVITE").await;
    assert_eq!(repeated.0, first.0, "the same request, the same count");
    let stale = of("n2", ", stale=true");
    peer.answer(&first, "401 Unauthorized", &stale, "").await;
    let second = loop {
        let invite = peer.hear("INVITE").await;
        if invite.value("CSeq") != first.value("CSeq") {
            break invite;
        }
    };
    assert_eq!(verify(&second, "Authorization", "n2"), (true, 1));
    peer.pick_up(&second).await;
    while !matches!(next(&mut call).await, CallEvent::Answered { .. }) {}
    // The BYE's nonce is old by now.
    let phone = async {
        let bye = peer.hear("BYE").await;
        assert_eq!(verify(&bye, "Authorization", "n2"), (true, 2));
        let stale = of("n3", ", stale=true");
        peer.answer(&bye, "401 Unauthorized", &stale, "").await;
        let bye = peer.hear("BYE").await;
        assert_eq!(verify(&bye, "Authorization", "n3"), (true, 1));
        peer.answer(&bye, "200 OK", "", "").await;
    };
    tokio::join!(phone, call.hang_up());
    assert!(last(&mut call).await.is_final());
}

/// Two dialogs of one call are challenged at the same time.
#[tokio::test]
async fn each_phone_that_picks_up_is_hung_up_with_credentials_of_its_own() {
    let agent = agent().await;
    let peer = Peer::new(&agent).await;
    let mut call = peer.call(&agent).await;
    let of = |nonce, more| challenge("WWW-Authenticate", more, nonce);
    let invite = challenged(&peer, "401 Unauthorized", &of("n1", "")).await;
    let at = |tag: &str| peer.contact().replace("sip:x", &format!("sip:{tag}"));
    for tag in ["a", "b"] {
        let headers = at(tag) + "Content-Type: application/sdp\r\n";
        peer.answer_as(tag, &invite, "200 OK", &headers, ANSWER)
            .await;
        if tag == "a" {
            while !matches!(next(&mut call).await, CallEvent::Answered { .. }) {}
        }
    }
    let second = peer.hear("BYE sip:b@").await;
    assert!(verify(&second, "Authorization", "n1").0);
    let phones = async {
        let first = peer.hear("BYE sip:a@").await;
        assert!(verify(&first, "Authorization", "n1").0);
        // The nonce is old by now, and the older request hears of it last.
        for (bye, tag, nonce) in [(first, "a", "n2"), (second, "b", "n3")] {
            let stale = of(nonce, ", stale=true");
            peer.answer(&bye, "401 Unauthorized", &stale, "").await;
            let again = loop {
                let again = peer.hear(&format!("BYE sip:{tag}@")).await;
                if again.value("CSeq") != bye.value("CSeq") {
                    break again;
                }
            };
            assert!(verify(&again, "Authorization", nonce).0);
            peer.answer(&again, "200 OK", "", "").await;
        }
    };
    tokio::join!(phones, call.hang_up());
    assert!(last(&mut call).await.is_final());
}

#[tokio::test]
async fn a_cancel_carries_the_credentials_of_its_invite() {
    let agent = agent().await;
    let peer = Peer::new(&agent).await;
    let mut call = peer.call(&agent).await;
    let asked = challenge("WWW-Authenticate", "", "n1");
    let invite = challenged(&peer, "401 Unauthorized", &asked).await;
    peer.answer(&invite, "180 Ringing", "", "").await;
    while !matches!(next(&mut call).await, CallEvent::Ringing { .. }) {}
    let phone = async {
        let cancel = peer.hear("CANCEL").await;
        assert_eq!(cancel.lines("Authorization"), invite.lines("Authorization"));
        assert_eq!(cancel.lines("Via"), invite.lines("Via"));
        peer.answer(&cancel, "200 OK", "", "").await;
        peer.answer(&invite, "487 Request Terminated", "", "").await;
    };
    tokio::join!(phone, call.hang_up());
    assert_eq!(last(&mut call).await, CallEvent::Cancelled);
}

/// How a call ends whose every INVITE is answered with this, and how often it was tried.
async fn refused(agent: &UserAgent, challenge: impl Fn(u32) -> String) -> (CallEvent, u32) {
    let peer = Peer::new(agent).await;
    let mut call = peer.call(agent).await;
    let mut tries = 0;
    let server = async {
        loop {
            let invite = peer.hear("INVITE").await;
            tries += 1;
            let headers = challenge(tries);
            peer.answer(&invite, "401 Unauthorized", &headers, "").await;
        }
    };
    let event = tokio::select! {
        event = last(&mut call) => event,
        () = server => unreachable!(),
    };
    (event, tries)
}

#[tokio::test]
async fn what_is_not_accepted_ends_the_call_with_a_reason() {
    const REJECTED: &str =
        "the SIP server does not accept the user and password (sip-user, sip-password)";
    let agent = agent().await;
    let fresh = |more: &'static str| move |n| challenge("WWW-Authenticate", more, &format!("n{n}"));
    let wrong = CallEvent::Refused {
        status: 401,
        reason: REJECTED.to_owned(),
    };
    assert_eq!(refused(&agent, fresh("")).await, (wrong.clone(), 2));
    assert_eq!(refused(&agent, fresh(", stale=true")).await, (wrong, 4));
    for strange in [
        "WWW-Authenticate: Basic realm=\"pbx\"\r\n",
        "WWW-Authenticate: Digest realm=\"pbx\", nonce=\"n\", algorithm=SHA-512-256\r\n",
        "WWW-Authenticate: Digest realm=\"pbx\", nonce=\"n\", qop=\"auth-int\"\r\n",
        "",
    ] {
        let (event, tries) = refused(&agent, |_| strange.to_owned()).await;
        let reason = "the SIP server asks for a kind of authentication that is not supported";
        assert_eq!(
            (event, tries),
            (
                CallEvent::Failed {
                    reason: reason.to_owned()
                },
                1
            )
        );
    }
    let other = |n| fresh("")(n).replace("pbx", &format!("pbx{n}"));
    let reason = "a second server asks for a password, and there is only one (sip-password)";
    let (status, reason) = (401, reason.to_owned());
    assert_eq!(
        refused(&agent, other).await,
        (CallEvent::Refused { status, reason }, 2)
    );
    assert_eq!(agent.alive(), (0, 0));

    let without = agent_with(|_| {}).await;
    let reason = "the SIP server asks for a password, and none is configured \
                  (sip-user, sip-password)";
    let (status, reason) = (401, reason.to_owned());
    assert_eq!(
        refused(&without, fresh("")).await,
        (CallEvent::Refused { status, reason }, 1)
    );
}

/// A phone that challenges our BYE would get a hash of the password to guess at.
#[tokio::test]
async fn a_phone_does_not_get_what_is_the_servers() {
    let agent = agent().await;
    for server_asks in [true, false] {
        let peer = Peer::new(&agent).await;
        let mut call = peer.call(&agent).await;
        let asked = challenge("WWW-Authenticate", "", "n1");
        let invite = match server_asks {
            true => challenged(&peer, "401 Unauthorized", &asked).await,
            false => peer.hear("INVITE").await,
        };
        peer.answer(
            &invite,
            "200 OK",
            &format!("{}Content-Type: application/sdp\r\n", peer.contact()),
            ANSWER,
        )
        .await;
        while !matches!(next(&mut call).await, CallEvent::Answered { .. }) {}
        let phone = async {
            let bye = peer.hear("BYE").await;
            let own = asked
                .replace("\"pbx\"", "\"phone\"")
                .replace("WWW", "Proxy");
            peer.answer(&bye, "407 Proxy Authentication Required", &own, "")
                .await;
        };
        tokio::join!(phone, call.hang_up());
        assert!(last(&mut call).await.is_final());
        let mut buffer = [0; 4096];
        let more = std::time::Duration::from_millis(300);
        let more = tokio::time::timeout(more, peer.socket.recv(&mut buffer)).await;
        assert!(more.is_err(), "nothing more is sent");
    }
}
