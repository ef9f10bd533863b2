//! New offers of the phone within a call: re-INVITE and UPDATE, glare, silence, cancellation.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)] // checks fail loudly

mod peer;

use std::time::Duration;

use examples::sip::{CallEvent, Side};
use peer::{ANSWER, Message, OFFER, Peer, agent, last, next, offered, until_answered};
use tokio::time::Instant;

fn status(answer: &Message) -> &str {
    &answer.0["SIP/2.0 ".len()..][..3]
}

fn body(message: &Message) -> &str {
    message.0.split_once("\r\n\r\n").unwrap().1
}

#[tokio::test]
async fn both_methods_offer_and_are_answered() {
    let agent = agent().await;
    let peer = Peer::new(&agent).await;
    let mut call = peer.call(&agent).await;
    let invite = until_answered(&peer, &mut call).await;
    let held = ANSWER.replace("o=- 2 1", "o=- 2 2") + "a=sendonly\r\n";
    for (number, method) in [(1, "INVITE"), (2, "UPDATE"), (3, "INVITE")] {
        peer.ask(&invite, method, number, &held).await;
        let (offer, sdp) = offered(&mut call).await;
        assert_eq!(sdp.as_deref(), Some(&*held));
        let ours = OFFER.replace("o=- 1 1", &format!("o=- 1 {number}"));
        call.answer(offer, Ok(ours.clone()));
        let answer = peer.hear("SIP/2.0").await;
        assert_eq!(status(&answer), "200");
        assert_eq!(body(&answer), ours);
        assert_eq!(answer.value("Content-Type"), "application/sdp");
        assert_eq!(answer.target(), invite.target());
        if method == "INVITE" {
            peer.ask(&invite, "ACK", number, "").await;
        }
        // An answer that comes twice goes nowhere.
        call.answer(offer, Ok(ours));
    }
    peer.ask(&invite, "BYE", 4, "").await;
    assert!(matches!(
        last(&mut call).await,
        CallEvent::Ended {
            by: Side::Phone,
            ..
        }
    ));
}

#[tokio::test]
async fn a_refused_offer_is_told_why() {
    let agent = agent().await;
    let peer = Peer::new(&agent).await;
    let mut call = peer.call(&agent).await;
    let invite = until_answered(&peer, &mut call).await;
    for (number, method) in [(1, "INVITE"), (2, "UPDATE")] {
        peer.ask(&invite, method, number, ANSWER).await;
        let (offer, _) = offered(&mut call).await;
        call.answer(offer, Err("no \"common\" codec".to_owned()));
        let answer = peer.hear("SIP/2.0").await;
        assert_eq!(status(&answer), "488");
        assert_eq!(
            answer.value("Warning"),
            "399 crosspoint \"no 'common' codec\""
        );
    }
    peer.ask(&invite, "UPDATE", 3, ANSWER).await;
    let (offer, _) = offered(&mut call).await;
    call.answer(offer, Err("no codec, ".repeat(10_000)));
    let answer = loop {
        let answer = peer.hear("SIP/2.0").await;
        if answer.value("CSeq") == "3 UPDATE" {
            break answer;
        }
    };
    assert!(answer.value("Warning").len() < 400, "however long it is");
    assert_eq!(agent.alive(), (1, 1), "the call goes on");
}

#[tokio::test]
async fn an_offer_that_the_phone_asks_for() {
    let agent = agent().await;
    let peer = Peer::new(&agent).await;
    let mut call = peer.call(&agent).await;
    let invite = until_answered(&peer, &mut call).await;
    peer.ask(&invite, "INVITE", 1, "").await;
    let (offer, sdp) = offered(&mut call).await;
    assert_eq!(sdp, None);
    call.answer(offer, Ok(OFFER.to_owned()));
    let answer = peer.hear("SIP/2.0 200").await;
    assert_eq!(body(&answer), OFFER);
    // Our offer is open: what the phone offers meanwhile is a glare.
    for (number, method) in [(2, "INVITE"), (3, "UPDATE")] {
        peer.ask(&invite, method, number, ANSWER).await;
        let name = format!("{number} {method}");
        loop {
            let answer = peer.hear("SIP/2.0").await;
            if answer.value("CSeq") == name {
                assert_eq!(status(&answer), "491");
                break;
            }
        }
    }
    peer.ask(&invite, "ACK", 1, ANSWER).await;
    let sdp = ANSWER.to_owned();
    assert_eq!(next(&mut call).await, CallEvent::Agreed { offer, sdp });
    // And closed: offers are heard again.
    peer.ask(&invite, "UPDATE", 4, ANSWER).await;
    let (offer, _) = offered(&mut call).await;
    call.answer(offer, Ok(OFFER.to_owned()));
    peer.hear("SIP/2.0 200").await;
}

#[tokio::test]
async fn an_acknowledgement_without_the_answer_changes_nothing() {
    let agent = agent().await;
    let peer = Peer::new(&agent).await;
    let mut call = peer.call(&agent).await;
    let invite = until_answered(&peer, &mut call).await;
    peer.ask(&invite, "INVITE", 1, "").await;
    let (offer, _) = offered(&mut call).await;
    call.answer(offer, Ok(OFFER.to_owned()));
    peer.hear("SIP/2.0 200").await;
    peer.ask(&invite, "ACK", 1, "").await;
    peer.ask(&invite, "BYE", 2, "").await;
    assert!(matches!(
        next(&mut call).await,
        CallEvent::Ended {
            by: Side::Phone,
            ..
        }
    ));
}

#[tokio::test]
async fn one_offer_at_a_time_and_none_waits_for_ever() {
    let agent = agent().await;
    let peer = Peer::new(&agent).await;
    let mut call = peer.call(&agent).await;
    let invite = until_answered(&peer, &mut call).await;
    let start = Instant::now();
    peer.ask(&invite, "INVITE", 1, ANSWER).await;
    let (offer, _) = offered(&mut call).await;
    peer.ask(&invite, "UPDATE", 2, ANSWER).await;
    let second = peer.hear("SIP/2.0").await;
    assert_eq!(
        (status(&second), &*second.value("CSeq")),
        ("500", "2 UPDATE")
    );
    assert_eq!(second.value("Retry-After"), "4");
    let first = peer.hear("SIP/2.0").await;
    assert_eq!((status(&first), &*first.value("CSeq")), ("500", "1 INVITE"));
    let waited = start.elapsed();
    assert!((3..8).contains(&waited.as_secs()), "{waited:?}");
    assert_eq!(next(&mut call).await, CallEvent::Withdrawn { offer });
    call.answer(offer, Ok(OFFER.to_owned())); // too late
    peer.ask(&invite, "BYE", 3, "").await;
    assert!(matches!(
        last(&mut call).await,
        CallEvent::Ended {
            by: Side::Phone,
            ..
        }
    ));
}

#[tokio::test]
async fn an_offer_that_waits_when_the_call_ends_is_refused() {
    let agent = agent().await;
    for phone_hangs_up in [true, false] {
        let peer = Peer::new(&agent).await;
        let mut call = peer.call(&agent).await;
        let invite = until_answered(&peer, &mut call).await;
        peer.ask(&invite, "INVITE", 1, ANSWER).await;
        offered(&mut call).await;
        let (ended, ()) = tokio::join!(
            async {
                match phone_hangs_up {
                    true => peer.ask(&invite, "BYE", 2, "").await,
                    false => call.hang_up().await,
                }
            },
            async {
                let refused = peer.hear("SIP/2.0 487").await;
                assert_eq!(refused.value("CSeq"), "1 INVITE");
            }
        );
        let () = ended;
        assert!(last(&mut call).await.is_final());
    }
}

#[tokio::test]
async fn a_cancelled_offer_is_forgotten() {
    let agent = agent().await;
    let peer = Peer::new(&agent).await;
    let mut call = peer.call(&agent).await;
    let invite = until_answered(&peer, &mut call).await;
    peer.ask(&invite, "INVITE", 1, ANSWER).await;
    let (offer, _) = offered(&mut call).await;
    let cancel = invite.0.clone();
    peer.cancel(&Message(cancel), 1).await;
    let refused = peer.hear("SIP/2.0 487").await;
    assert_eq!(refused.value("CSeq"), "1 INVITE");
    assert_eq!(next(&mut call).await, CallEvent::Withdrawn { offer });
    call.answer(offer, Ok(OFFER.to_owned())); // too late
    peer.ask(&invite, "UPDATE", 2, ANSWER).await;
    let (offer, _) = offered(&mut call).await;
    call.answer(offer, Ok(OFFER.to_owned()));
    let answer = peer.hear("SIP/2.0 200").await;
    assert_eq!(answer.value("CSeq"), "2 UPDATE");
}

/// Offers that are raised wait until somebody reads them: there is an end to it.
#[tokio::test]
async fn offers_that_are_taken_back_do_not_pile_up() {
    let agent = agent().await;
    let peer = Peer::new(&agent).await;
    let mut call = peer.call(&agent).await;
    let invite = until_answered(&peer, &mut call).await;
    let outcome = async |number: u32| {
        peer.ask(&invite, "INVITE", number, ANSWER).await;
        peer.cancel(&invite, number).await;
        let name = format!("{number} INVITE");
        loop {
            let answer = peer.hear("SIP/2.0").await;
            if answer.value("CSeq") == name && status(&answer) >= "200" {
                peer.ask(&invite, "ACK", number, "").await;
                return status(&answer).to_owned();
            }
        }
    };
    for number in 1..=3 {
        assert_eq!(outcome(number).await, "487");
    }
    assert_eq!(outcome(4).await, "500");
    // Whoever answers is there, however late.
    let (offer, _) = offered(&mut call).await;
    call.answer(offer, Ok(OFFER.to_owned()));
    let mut number = 5;
    while outcome(number).await == "500" {
        number += 1;
        assert!(number < 20, "offers are heard again");
    }
}

/// The phone moves: what comes next goes to its new address.
#[tokio::test]
async fn a_new_contact_is_the_new_target() {
    let agent = agent().await;
    let peer = Peer::new(&agent).await;
    let mut call = peer.call(&agent).await;
    let invite = until_answered(&peer, &mut call).await;
    let elsewhere = Peer::new(&agent).await;
    elsewhere.ask(&invite, "UPDATE", 1, "").await;
    assert_eq!(status(&elsewhere.hear("SIP/2.0").await), "200");
    let phone = async {
        let bye = elsewhere.hear("BYE").await;
        elsewhere.answer(&bye, "200 OK", "", "").await;
    };
    tokio::join!(phone, call.hang_up());
    assert!(matches!(
        last(&mut call).await,
        CallEvent::Ended { by: Side::Us, .. }
    ));
}

/// Our own offer is open as long as the phone rings.
#[tokio::test]
async fn an_offer_before_the_answer_is_a_glare() {
    let agent = agent().await;
    let peer = Peer::new(&agent).await;
    let mut call = peer.call(&agent).await;
    let invite = peer.hear("INVITE").await;
    peer.answer(&invite, "180 Ringing", &peer.contact(), "")
        .await;
    assert_eq!(next(&mut call).await, CallEvent::Trying);
    assert_eq!(next(&mut call).await, CallEvent::Ringing { sdp: None });
    peer.ask(&invite, "UPDATE", 1, ANSWER).await;
    assert_eq!(status(&peer.hear("SIP/2.0").await), "491");
    peer.pick_up(&invite).await;
    assert!(matches!(next(&mut call).await, CallEvent::Answered { .. }));
}

/// What the phone asks for is looked at before its offer.
#[tokio::test]
async fn what_is_not_understood_is_said() {
    let agent = agent().await;
    let peer = Peer::new(&agent).await;
    let mut call = peer.call(&agent).await;
    let invite = until_answered(&peer, &mut call).await;
    for (number, headers, refusal, named) in [
        (
            1,
            "Content-Type: application/isup",
            "415",
            ("Accept", "application/sdp"),
        ),
        (
            2,
            "Require: timer, x-y",
            "420",
            ("Unsupported", "timer, x-y"),
        ),
    ] {
        let request = peer.request(&invite, "INVITE", number, ANSWER);
        let with = format!("{headers}\r\nMax-Forwards:");
        peer.say(&request.replace("Max-Forwards:", &with)).await;
        let answer = peer.hear("SIP/2.0").await;
        assert_eq!(
            (status(&answer), &*answer.value(named.0)),
            (refusal, named.1)
        );
        peer.ask(&invite, "ACK", number, "").await;
    }
    let typed = peer.request(&invite, "UPDATE", 3, ANSWER);
    let with = "Content-Type: application/SDP; charset=utf-8\r\nMax-Forwards:";
    peer.say(&typed.replace("Max-Forwards:", with)).await;
    offered(&mut call).await;
}

/// A phone may change the session as soon as it has the ACK, before we have said a word about it.
#[tokio::test]
async fn an_offer_right_behind_the_answer_is_not_lost() {
    let agent = agent().await;
    for _ in 0..50 {
        let peer = Peer::new(&agent).await;
        let mut call = peer.call(&agent).await;
        let invite = peer.hear("INVITE").await;
        peer.pick_up(&invite).await;
        peer.ask(&invite, "INVITE", 1, ANSWER).await;
        while !matches!(next(&mut call).await, CallEvent::Answered { .. }) {}
        let (offer, _) = offered(&mut call).await;
        call.answer(offer, Ok(OFFER.to_owned()));
        assert_eq!(status(&peer.hear("SIP/2.0").await), "200");
    }
}

/// Without the ACK nobody knows whether the phone has heard the answer (RFC 3261 §14.2).
#[tokio::test]
async fn an_answer_that_is_never_acknowledged_ends_the_call() {
    let agent = agent().await;
    let peer = Peer::new(&agent).await;
    let mut call = peer.call(&agent).await;
    let invite = until_answered(&peer, &mut call).await;
    peer.ask(&invite, "INVITE", 1, ANSWER).await;
    let (offer, _) = offered(&mut call).await;
    call.answer(offer, Ok(OFFER.to_owned()));
    let ended = tokio::time::timeout(Duration::from_secs(45), call.next());
    let (ended, bye) = tokio::join!(ended, async {
        let bye = async {
            loop {
                let mut buffer = [0; 4096];
                let (length, _) = peer.socket.recv_from(&mut buffer).await.unwrap();
                let message = Message(String::from_utf8(buffer[..length].to_vec()).unwrap());
                if message.is("BYE") {
                    return message;
                }
            }
        };
        let bye = tokio::time::timeout(Duration::from_secs(45), bye)
            .await
            .unwrap();
        peer.answer(&bye, "200 OK", "", "").await;
        bye
    });
    assert!(bye.value("Reason").starts_with("SIP;cause="), "{}", bye.0);
    assert!(matches!(
        ended,
        Ok(Some(CallEvent::Ended { by: Side::Us, .. }))
    ));
}
