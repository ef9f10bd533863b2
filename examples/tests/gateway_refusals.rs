//! What a whole gateway refuses, and how it says so: names, descriptions, candidates, limits.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)] // checks fail loudly

mod client;

use client::browser::Caller;
use client::{Server, problem};
use examples::config::{Secret, Settings, TokenEntry};
use reqwest::StatusCode;
use serde_json::json;

const ALICE: &str = "alice-0123456789";
const BOB: &str = "bob-0123456789ab";

fn without(offer: &str, start: &str) -> String {
    let lines = offer.split_inclusive("\r\n");
    let kept: String = lines.filter(|line| !line.starts_with(start)).collect();
    assert_ne!(kept, offer, "the offer has {start}");
    kept
}

#[tokio::test]
async fn candidates_may_come_late() {
    let server = Server::start().await;
    let mut caller = Caller::new().await;
    let candidates = std::mem::take(&mut caller.candidates);
    let fragment = caller.fragment(&candidates);
    let call = server.call("echo", caller.offer()).await;
    let mut events = server.follow(&call).await;
    // This browser does not learn where the gateway is: only the gateway's checks can join them.
    let answer = without(&without(&call.answer, "a=candidate"), "a=end-of-candidates");
    let mut browser = caller.join(&answer);

    let missing = server.patch(&call, fragment.clone()).send().await.unwrap();
    problem(missing, 428).await;
    let wrong = server
        .patch(&call, fragment.clone())
        .header("if-match", "\"0123456789abcdef\"");
    problem(wrong.send().await.unwrap(), 412).await;
    let trickle = async |fragment: &str| {
        let patch = server.patch(&call, fragment.to_owned());
        patch.header("if-match", &call.etag).send().await.unwrap()
    };
    let malformed = problem(trickle("a=ice-ufrag\r\n").await, 400).await;
    assert_eq!(malformed["line"], 1, "{malformed}");
    let restart = fragment.replace("a=ice-ufrag:", "a=ice-ufrag:new");
    let restart = problem(trickle(&restart).await, 422).await;
    assert!(restart["detail"].as_str().unwrap().contains("restart"));
    // A name that only the browser's own network resolves helps nobody, and is no mistake.
    let unresolvable = "candidate:1 1 udp 2113937151 f2ce.local 56042 typ host".to_owned();
    let fragment_with_name =
        fragment.replace("a=end-of-candidates\r\n", &format!("a={unresolvable}\r\n"));
    assert!(browser.has_heard_nothing_more());
    assert_eq!(
        trickle(&fragment_with_name).await.status(),
        StatusCode::NO_CONTENT
    );
    browser.connected().await;
    assert_eq!(trickle(&fragment).await.status(), StatusCode::NO_CONTENT);
    events.until("answered").await;
    server.hang_up(&call).await;
    events.last().await;
    // Candidates may cross with the end of the call; a restart may not.
    assert_eq!(trickle(&fragment).await.status(), StatusCode::NO_CONTENT);
    let restart = fragment.replace("a=ice-ufrag:", "a=ice-ufrag:new");
    let restart = server.patch(&call, restart).header("if-match", "*");
    problem(restart.send().await.unwrap(), 404).await;
}

#[tokio::test]
async fn a_call_is_unknown_to_everybody_but_its_owner() {
    let entry = |name: &str, token| TokenEntry {
        name: name.to_owned(),
        token: Secret::new(token),
    };
    let server = Server::with(Settings {
        tokens: Some(vec![entry("alice", ALICE), entry("bob", BOB)]),
        ..Settings::default()
    })
    .await;
    let caller = Caller::new().await;
    let nobody = server.post("echo", caller.offer()).send().await.unwrap();
    problem(nobody, 401).await;
    let alices = server.post("echo", caller.offer()).bearer_auth(ALICE);
    let alices = alices.send().await.unwrap();
    assert_eq!(alices.status(), StatusCode::CREATED);
    let call = server.url(alices.headers()["location"].to_str().unwrap());
    let etag = alices.headers()["etag"].to_str().unwrap().to_owned();

    let unknown = server.url(&format!("/v1/calls/{}", "0".repeat(32)));
    for (url, token) in [(&call, BOB), (&unknown, ALICE)] {
        let events = server.client.get(format!("{url}/events"));
        let patch = server.client.patch(url).header("if-match", &etag);
        let patch = patch
            .header("content-type", "application/trickle-ice-sdpfrag")
            .body(caller.fragment(&[]));
        for request in [events, patch, server.client.delete(url)] {
            let response = request.bearer_auth(token).send().await.unwrap();
            let unknown = problem(response, 404).await;
            assert_eq!(unknown["detail"], "no such call");
        }
    }
    let hang_up = server.client.delete(&call);
    assert_eq!(
        hang_up.bearer_auth(ALICE).send().await.unwrap().status(),
        StatusCode::OK
    );
}

#[tokio::test]
async fn only_names_can_be_dialled() {
    let server = Server::start().await;
    let offer = Caller::new().await.offer();
    for bad in [
        "",
        " ",
        "e cho",
        "echo@elsewhere.example",
        "sip:echo",
        "echo:5060",
        "echo;transport=tcp",
        "echo?Route=%3Csip:elsewhere%3E",
        "echo\r\nRoute: <sip:elsewhere.example>",
        "echo\0",
        "<sip:echo>",
        "\"echo\"",
        "echo%40elsewhere",
        "écho",
        "++49",
        &"9".repeat(65),
    ] {
        let response = server.post(bad, offer.clone()).send().await.unwrap();
        let refused = problem(response, 400).await;
        assert!(
            refused["detail"].as_str().unwrap().contains("dialled"),
            "{bad:?}: {refused}"
        );
    }
    for query in ["", "?to=echo&to=busy", "?to=%ff", "?name=echo"] {
        let url = server.url(&format!("/v1/calls{query}"));
        let request = server
            .client
            .post(url)
            .header("content-type", "application/sdp");
        problem(request.body(offer.clone()).send().await.unwrap(), 400).await;
    }
    let nobody = server.post("alice", offer).send().await.unwrap();
    let nobody = problem(nobody, 404).await;
    assert_eq!(
        nobody["detail"],
        "no route to \"alice\": no SIP server is configured"
    );
}

#[tokio::test]
async fn a_bad_description_is_refused_with_the_place_or_the_reason() {
    let server = Server::start().await;
    let offer = Caller::new().await.offer();
    for (text, line) in [
        (String::new(), 1),
        ("hello".to_owned(), 1),
        (offer.replace("v=0", "v=1"), 1),
        (offer.replace("t=0 0", "t=zero"), 4),
        (offer.replace("m=audio 9 ", "m=audio 99999 "), 8),
        (offer.replace("a=mid:0", "a=mid:"), 18),
    ] {
        let response = server.post("echo", text.clone()).send().await.unwrap();
        let malformed = problem(response, 400).await;
        assert_eq!(malformed["line"], line, "{malformed}\n{text}");
        assert!(malformed["column"].as_u64().unwrap() >= 1);
        let detail = malformed["detail"].as_str().unwrap();
        assert!(
            detail.contains("expected") && detail.contains("found"),
            "{detail}"
        );
    }
    let no_audio = offer.replace("m=audio", "m=video");
    let only_g722 = offer.replace(" 111 63 9 0 8 13 110 126", " 9");
    for (text, reason) in [
        (no_audio, "no audio section"),
        (
            offer[..offer.find("m=audio").unwrap()].to_owned(),
            "no audio section",
        ),
        (without(&offer, "a=fingerprint"), "no fingerprint"),
        (
            offer.replace("sha-256", "sha-9"),
            "no fingerprint has a hash function",
        ),
        (
            only_g722,
            "no common codec: offered G722/8000, supported PCMU/8000, PCMA/8000, opus/48000/2",
        ),
        (without(&offer, "a=ice-ufrag"), "no ICE credentials"),
        (without(&offer, "a=ice-pwd"), "no ICE credentials"),
        (without(&offer, "a=rtcp-mux"), "rtcp-mux"),
        (offer.replace("actpass", "holdconn"), "holdconn"),
        (
            without(&offer, "a=fingerprint").replace("UDP/TLS/RTP/SAVPF", "RTP/AVP"),
            "\"RTP/AVP\"",
        ),
    ] {
        let response = server.post("echo", text).send().await.unwrap();
        let refused = problem(response, 422).await;
        assert!(
            refused["detail"].as_str().unwrap().contains(reason),
            "{reason}: {refused}"
        );
        assert!(refused.get("line").is_none());
    }
}

#[tokio::test]
async fn bodies_have_a_type_and_a_size() {
    let server = Server::start().await;
    let offer = Caller::new().await.offer();
    let json = server.client.post(server.url("/v1/calls?to=echo"));
    let json = json.header("content-type", "application/json").body("{}");
    let refused = problem(json.send().await.unwrap(), 415).await;
    assert!(
        refused["detail"]
            .as_str()
            .unwrap()
            .contains("application/sdp"),
        "{refused}"
    );
    let long = format!("{offer}{}", "a=filler:0123456789\r\n".repeat(4000));
    let refused = problem(server.post("echo", long).send().await.unwrap(), 413).await;
    assert!(
        refused["detail"].as_str().unwrap().contains("65536"),
        "{refused}"
    );
}

#[tokio::test]
async fn a_token_has_its_share_of_the_calls() {
    let entry = |name: &str, token| TokenEntry {
        name: name.to_owned(),
        token: Secret::new(token),
    };
    let server = Server::with(Settings {
        tokens: Some(vec![entry("alice", ALICE), entry("bob", BOB)]),
        max_calls_per_token: Some(1),
        ..Settings::default()
    })
    .await;
    let offer = Caller::new().await.offer();
    let post = async |token| {
        let request = server.post("ring", offer.clone()).bearer_auth(token);
        request.send().await.unwrap()
    };
    let alices = post(ALICE).await;
    assert_eq!(alices.status(), StatusCode::CREATED);
    let refused = post(ALICE).await;
    assert!(refused.headers().contains_key("retry-after"));
    problem(refused, 429).await;
    assert_eq!(post(BOB).await.status(), StatusCode::CREATED);
    let call = server.url(alices.headers()["location"].to_str().unwrap());
    let hang_up = server.client.delete(&call).bearer_auth(ALICE).send().await;
    assert_eq!(hang_up.unwrap().status(), StatusCode::OK);
    // The place is free once the phone has heard of the end.
    let admitted = async { while post(ALICE).await.status() != StatusCode::CREATED {} };
    tokio::time::timeout(client::PATIENCE, admitted)
        .await
        .expect("a place comes back");
}

#[tokio::test]
async fn one_call_too_many_is_told_so_and_a_place_comes_back() {
    let server = Server::with(Settings {
        max_calls: Some(1),
        ..Settings::default()
    })
    .await;
    let (call, mut events, browser) = server.talk("echo").await;
    let offer = Caller::new().await.offer();
    let refused = server.post("echo", offer.clone()).send().await.unwrap();
    assert!(refused.headers().contains_key("retry-after"));
    let refused = problem(refused, 503).await;
    assert_eq!(refused["detail"], "the gateway is at its limit of 1 calls");
    server.hang_up(&call).await;
    assert_eq!(events.last().await["by"], json!("browser"));
    drop(browser);
    // The place is free once the phone has heard of the end.
    let admitted = async {
        while server
            .post("echo", offer.clone())
            .send()
            .await
            .unwrap()
            .status()
            != StatusCode::CREATED
        {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(client::PATIENCE, admitted)
        .await
        .expect("a place comes back");
}
