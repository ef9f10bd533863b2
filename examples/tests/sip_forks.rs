//! Several phones answer one INVITE: early dialogs, and the 2xx that decides.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)] // checks fail loudly

mod peer;

use examples::sip::CallEvent;
use peer::{ANSWER, Message, Peer, agent, last, next};

const SDP: &str = "Content-Type: application/sdp\r\n";

/// The media of a phone, told apart by its port.
fn media(port: u16) -> String {
    ANSWER.replace("40002", &port.to_string())
}

fn ringing(port: u16) -> CallEvent {
    CallEvent::Ringing {
        sdp: Some(media(port)),
    }
}

fn answered(port: u16) -> CallEvent {
    CallEvent::Answered { sdp: media(port) }
}

#[tokio::test]
async fn the_phone_that_picks_up_is_heard_whoever_rang_before() {
    let agent = agent().await;
    let peer = Peer::new(&agent).await;
    let mut call = peer.call(&agent).await;
    let invite = peer.hear("INVITE").await;
    let say = async |tag: &str, status: &str, body: &str| {
        let headers = peer.contact() + if body.is_empty() { "" } else { SDP };
        peer.answer_as(tag, &invite, status, &headers, body).await;
    };
    assert_eq!(next(&mut call).await, CallEvent::Trying);
    say("a", "183 Session Progress", &media(4000)).await;
    assert_eq!(next(&mut call).await, ringing(4000));
    say("b", "180 Ringing", "").await;
    say("b", "183 Session Progress", &media(5000)).await;
    assert_eq!(next(&mut call).await, ringing(5000), "the newest one");
    say("a", "183 Session Progress", &media(4000)).await; // repeats itself
    say("b", "200 OK", &media(6000)).await;
    assert_eq!(next(&mut call).await, answered(6000), "the 2xx decides");
    let ack = peer.hear("ACK").await;
    assert!(ack.value("To").ends_with("tag=b"));
    // The call is b's alone.
    let as_a = Message(invite.0.replace("peer", "a"));
    peer.ask(&as_a, "BYE", 1, "").await;
    peer.hear("SIP/2.0 481").await;
    let phone = async {
        let bye = peer.hear("BYE").await;
        assert!(bye.value("To").ends_with("tag=b"), "{}", bye.0);
        peer.answer(&bye, "200 OK", "", "").await;
    };
    tokio::join!(phone, call.hang_up());
}

#[tokio::test]
async fn an_answer_without_description_means_what_its_own_dialog_said() {
    let agent = agent().await;
    for (tag, expected) in [("a", Some(4000)), ("b", Some(5000)), ("c", None)] {
        let peer = Peer::new(&agent).await;
        let mut call = peer.call(&agent).await;
        let invite = peer.hear("INVITE").await;
        for (tag, port) in [("a", 4000), ("b", 5000)] {
            let status = "183 Session Progress";
            peer.answer_as(tag, &invite, status, SDP, &media(port))
                .await;
        }
        peer.answer_as(tag, &invite, "200 OK", &peer.contact(), "")
            .await;
        assert_eq!(next(&mut call).await, CallEvent::Trying);
        assert_eq!(next(&mut call).await, ringing(4000));
        assert_eq!(next(&mut call).await, ringing(5000));
        if let Some(port) = expected {
            assert_eq!(next(&mut call).await, answered(port));
            continue;
        }
        peer.hear("ACK").await;
        let bye = peer.hear("BYE").await;
        peer.answer(&bye, "200 OK", "", "").await;
        assert!(
            bye.value("Reason")
                .contains("without a session description")
        );
        let reason = "the phone answered without a session description".to_owned();
        assert_eq!(last(&mut call).await, CallEvent::Failed { reason });
    }
}

/// A reliable provisional response (RFC 3262) is acknowledged, and its answer holds.
#[tokio::test]
async fn a_reliable_provisional_response_is_acknowledged() {
    let agent = agent().await;
    let peer = Peer::new(&agent).await;
    let mut call = peer.call(&agent).await;
    let invite = peer.hear("INVITE").await;
    let headers = format!("{}{SDP}Require: 100rel\r\nRSeq: 7\r\n", peer.contact());
    peer.answer(&invite, "183 Session Progress", &headers, &media(4000))
        .await;
    let prack = peer.hear("PRACK").await;
    assert!(prack.value("RAck").starts_with("7 "));
    peer.answer(&prack, "200 OK", "", "").await;
    peer.answer(&invite, "200 OK", &peer.contact(), "").await;
    while next(&mut call).await != answered(4000) {}
}

#[tokio::test]
async fn a_second_phone_that_picks_up_is_hung_up() {
    let agent = agent().await;
    let peer = Peer::new(&agent).await;
    let mut call = peer.call(&agent).await;
    let invite = peer.hear("INVITE").await;
    let headers = peer.contact() + SDP;
    peer.answer_as("a", &invite, "200 OK", &headers, &media(4000))
        .await;
    while next(&mut call).await != answered(4000) {}
    peer.hear("ACK").await;
    peer.answer_as("b", &invite, "200 OK", &headers, &media(5000))
        .await;
    let ack = peer.hear("ACK").await;
    assert!(ack.value("To").ends_with("tag=b"), "{}", ack.0);
    let bye = peer.hear("BYE").await;
    assert!(bye.value("To").ends_with("tag=b"), "{}", bye.0);
    peer.answer(&bye, "200 OK", "", "").await;
    // Its ACK got lost: acknowledged again.
    peer.answer_as("b", &invite, "200 OK", &headers, &media(5000))
        .await;
    let ack = peer.hear("ACK").await;
    assert!(ack.value("To").ends_with("tag=b"), "{}", ack.0);
    assert_eq!(agent.alive(), (1, 1), "the first phone's call goes on");
}
