//! The user agent and phones that are slow, rude or broken: hand-written peers over UDP.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)] // checks fail loudly

mod peer;

use std::time::Duration;

use examples::sip::{CallEvent, Side};
use peer::{ANSWER, Message, OFFER, Peer, agent, last, next, until_answered};
use tokio::time::Instant;

#[tokio::test]
async fn the_invite_says_who_calls_whom() {
    let agent = agent().await;
    let peer = Peer::new(&agent).await;
    let _call = peer.call(&agent).await;
    let invite = peer.hear("INVITE").await;
    let server = peer.server();
    assert!(
        invite.is(&format!("INVITE sip:x@{server} SIP/2.0\r\n")),
        "{}",
        invite.0
    );
    assert_eq!(
        invite.target(),
        format!("sip:gateway@{}", agent.local_addr())
    );
    assert!(
        invite
            .value("From")
            .contains("<sip:gateway@127.0.0.1>;tag=")
    );
    assert_eq!(invite.value("Content-Type"), "application/sdp");
    assert_eq!(invite.value("Max-Forwards"), "70");
    assert!(invite.0.ends_with(&format!("\r\n\r\n{OFFER}")));
}

#[tokio::test]
async fn an_answer_that_crosses_the_cancel_is_ended_by_a_bye() {
    let agent = agent().await;
    let peer = Peer::new(&agent).await;
    let mut call = peer.call(&agent).await;
    let invite = peer.hear("INVITE").await;
    peer.answer(&invite, "180 Ringing", "", "").await;
    while !matches!(next(&mut call).await, CallEvent::Ringing { .. }) {}
    let phone = async {
        let cancel = peer.hear("CANCEL").await;
        peer.pick_up(&invite).await;
        peer.answer(&cancel, "200 OK", "", "").await;
        peer.hear("ACK").await;
        let bye = peer.hear("BYE").await;
        peer.answer(&bye, "200 OK", "", "").await;
        bye
    };
    let (bye, ()) = tokio::join!(phone, call.hang_up());
    assert!(bye.value("To").contains("tag=peer"));
    assert_eq!(last(&mut call).await, CallEvent::Cancelled);
    assert_eq!(agent.alive(), (0, 0));
}

#[tokio::test]
async fn a_cancel_waits_for_the_first_response() {
    let agent = agent().await;
    let peer = Peer::new(&agent).await;
    let mut call = peer.call(&agent).await;
    let invite = peer.hear("INVITE").await;
    let start = Instant::now();
    call.hang_up().await;
    assert!(start.elapsed() < Duration::from_secs(2));
    assert_eq!(last(&mut call).await, CallEvent::Cancelled);
    // Long after the caller has forgotten the call.
    peer.answer(&invite, "100 Trying", "", "").await;
    let cancel = peer.hear("CANCEL").await;
    assert_eq!(
        cancel.value("CSeq"),
        invite.value("CSeq").replace("INVITE", "CANCEL")
    );
    peer.answer(&cancel, "200 OK", "", "").await;
    peer.answer(&invite, "487 Request Terminated", "", "").await;
    peer.hear("ACK").await;
    assert_eq!(agent.alive(), (0, 0));
}

#[tokio::test]
async fn an_answer_long_after_hanging_up_is_ended() {
    let agent = agent().await;
    let peer = Peer::new(&agent).await;
    let call = peer.call(&agent).await;
    let invite = peer.hear("INVITE").await;
    call.hang_up().await;
    peer.pick_up(&invite).await;
    peer.hear("ACK").await;
    let bye = peer.hear("BYE").await;
    peer.answer(&bye, "200 OK", "", "").await;
    assert_eq!(agent.alive(), (0, 0));
}

#[tokio::test]
async fn a_bye_without_an_answer_ends_the_call_all_the_same() {
    let agent = agent().await;
    let peer = Peer::new(&agent).await;
    let mut call = peer.call(&agent).await;
    until_answered(&peer, &mut call).await;
    let start = Instant::now();
    call.hang_up().await;
    assert!(
        start.elapsed() < Duration::from_secs(2),
        "{:?}",
        start.elapsed()
    );
    assert!(matches!(
        last(&mut call).await,
        CallEvent::Ended { by: Side::Us, .. }
    ));
    assert_eq!(agent.alive(), (0, 0));
    // It was sent, repeated, and is repeated still.
    for _ in 0..3 {
        peer.hear("BYE").await;
    }
}

#[tokio::test]
async fn both_hang_up_at_once() {
    let agent = agent().await;
    let peer = Peer::new(&agent).await;
    let mut call = peer.call(&agent).await;
    let invite = until_answered(&peer, &mut call).await;
    let phone = async {
        let bye = peer.hear("BYE").await;
        peer.ask(&invite, "BYE", 1, "").await;
        let answer = peer.hear("SIP/2.0").await;
        assert!(answer.is("SIP/2.0 200"), "{}", answer.0);
        peer.answer(&bye, "200 OK", "", "").await;
    };
    tokio::join!(phone, call.hang_up());
    assert!(matches!(
        last(&mut call).await,
        CallEvent::Ended { by: Side::Us, .. }
    ));
}

#[tokio::test]
async fn a_bye_right_behind_the_answer_is_not_lost() {
    let agent = agent().await;
    for _ in 0..50 {
        let peer = Peer::new(&agent).await;
        let mut call = peer.call(&agent).await;
        let invite = peer.hear("INVITE").await;
        peer.pick_up(&invite).await;
        peer.ask(&invite, "BYE", 1, "").await;
        assert!(matches!(
            last(&mut call).await,
            CallEvent::Ended {
                by: Side::Phone,
                ..
            }
        ));
        peer.hear("SIP/2.0 200").await;
    }
    assert_eq!(agent.alive(), (0, 0));
}

#[tokio::test]
async fn early_media_and_repeated_ringing() {
    let agent = agent().await;
    let peer = Peer::new(&agent).await;
    let mut call = peer.call(&agent).await;
    let invite = peer.hear("INVITE").await;
    for _ in 0..5 {
        peer.answer(&invite, "180 Ringing", "", "").await;
    }
    let headers = "Content-Type: application/sdp\r\n";
    for _ in 0..5 {
        peer.answer(&invite, "183 Session Progress", headers, ANSWER)
            .await;
    }
    peer.answer(&invite, "499 Not \u{7}Tonight", "", "").await;
    assert_eq!(next(&mut call).await, CallEvent::Trying);
    assert_eq!(next(&mut call).await, CallEvent::Ringing { sdp: None });
    assert_eq!(
        next(&mut call).await,
        CallEvent::Ringing {
            sdp: Some(ANSWER.to_owned())
        }
    );
    let reason = "the call was refused: Not Tonight".to_owned();
    assert_eq!(
        next(&mut call).await,
        CallEvent::Refused {
            status: 499,
            reason
        }
    );
    peer.hear("ACK").await;
}

#[tokio::test]
async fn an_answer_without_description_is_hung_up_on() {
    let agent = agent().await;
    let peer = Peer::new(&agent).await;
    let mut call = peer.call(&agent).await;
    let invite = peer.hear("INVITE").await;
    peer.answer(&invite, "200 OK", &peer.contact(), "").await;
    let bye = peer.hear("BYE").await;
    peer.answer(&bye, "200 OK", "", "").await;
    let reason = "the phone answered without a session description".to_owned();
    assert_eq!(last(&mut call).await, CallEvent::Failed { reason });
    assert_eq!(agent.alive(), (0, 0));
}

#[tokio::test]
async fn an_answer_without_contact_fails() {
    let agent = agent().await;
    let peer = Peer::new(&agent).await;
    let mut call = peer.call(&agent).await;
    let invite = peer.hear("INVITE").await;
    peer.answer(&invite, "200 OK", "", ANSWER).await;
    assert!(matches!(last(&mut call).await, CallEvent::Failed { .. }));
    assert_eq!(agent.alive(), (0, 0));
}

#[tokio::test]
async fn requests_within_the_call() {
    let agent = agent().await;
    let peer = Peer::new(&agent).await;
    let mut call = peer.call(&agent).await;
    let invite = until_answered(&peer, &mut call).await;
    for (number, method, body, status) in [
        (1, "OPTIONS", "", "200"),
        (2, "UPDATE", "", "200"),
        (5, "INFO", "", "200"),
        (6, "INFO", "Signal=1\r\n", "415"),
        (7, "REFER", "", "405"),
        (6, "OPTIONS", "", "500"), // out of order
        (8, "BYE", "", "200"),
    ] {
        peer.ask(&invite, method, number, body).await;
        let answer = peer.hear("SIP/2.0").await;
        assert!(
            answer.is(&format!("SIP/2.0 {status}")),
            "{method} {number}: {}",
            answer.0
        );
    }
    assert!(matches!(
        last(&mut call).await,
        CallEvent::Ended {
            by: Side::Phone,
            ..
        }
    ));
}

#[tokio::test]
async fn requests_that_belong_to_no_call() {
    let agent = agent().await;
    let peer = Peer::new(&agent).await;
    let mut call = peer.call(&agent).await;
    let invite = until_answered(&peer, &mut call).await;
    let stranger = |method: &str, to_tag: &str| {
        let local = peer.socket.local_addr().unwrap();
        let target = agent.local_addr();
        let branch = to_tag.replace(";tag=", "");
        format!(
            "{method} sip:gateway@{target} SIP/2.0\r\nVia: SIP/2.0/UDP {local};branch=z9hG4bK\
             {method}{branch}\r\nFrom: <sip:x@{local}>;tag=f\r\nTo: <sip:gateway@{target}>{to_tag}\
             \r\nCall-ID: other\r\nCSeq: 1 {method}\r\nContact: <sip:x@{local}>\r\n\
             Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
        )
    };
    for (method, to_tag, status) in [
        ("INVITE", "", "403"),
        ("OPTIONS", "", "200"),
        ("REGISTER", "", "405"),
        ("BYE", ";tag=t", "481"),
        ("INVITE", ";tag=t", "481"),
    ] {
        peer.say(&stranger(method, to_tag)).await;
        let answer = peer.hear(&format!("SIP/2.0 {status}")).await;
        assert!(answer.value("CSeq").ends_with(method));
    }
    // A BYE with our Call-ID, but tags that are not the call's.
    let forged = Message(
        invite
            .0
            .replace("From: <", "From: \"x\" <")
            .replace(";tag=", ";tag=z"),
    );
    peer.ask(&forged, "BYE", 1, "").await;
    peer.hear("SIP/2.0 481").await;
    for garbage in [
        "\r\n\r\n",
        "x",
        "BYE",
        "SIP/2.0 200 OK\r\n\r\n",
        "INVITE sip:a SIP/2.0\r\n\r\n",
    ] {
        peer.say(garbage).await;
    }
    assert_eq!(agent.alive(), (1, 1), "the call is unharmed");
    peer.ask(&invite, "BYE", 2, "").await;
    assert!(matches!(
        last(&mut call).await,
        CallEvent::Ended {
            by: Side::Phone,
            ..
        }
    ));
}

#[tokio::test]
async fn an_invite_is_repeated_until_it_is_answered() {
    let agent = agent().await;
    let peer = Peer::new(&agent).await;
    let _call = peer.call(&agent).await;
    let start = Instant::now();
    for milliseconds in [0, 500, 1500, 3500] {
        peer.hear("INVITE").await;
        let late = start
            .elapsed()
            .saturating_sub(Duration::from_millis(milliseconds));
        assert!(late < Duration::from_millis(400), "{:?}", start.elapsed());
    }
}
