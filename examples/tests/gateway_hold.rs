//! A phone that changes the session during a call: hold, resume, another address, another order.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)] // checks fail loudly

mod client;

use std::time::Duration;

use client::browser::Browser;
use client::events::Events;
use client::phone::{Message, Phone, media_of};
use client::rtp::{packet, read, sound};
use client::{Call, Server};
use examples::config::Settings;
use sdp::Description;
use sdp::attribute::Direction;
use serde_json::json;

/// A call that a phone has picked up.
struct Talk {
    server: Server,
    phone: Phone,
    invite: Message,
    call: Call,
    events: Events,
    browser: Browser,
    requests: u32,
}

impl Talk {
    async fn new(media_timeout: i64) -> Self {
        let phone = Phone::new().await;
        let server = Server::with(Settings {
            sip_server: Some(phone.server()),
            media_timeout: Some(media_timeout),
            ..Settings::default()
        })
        .await;
        let sdp = phone.sdp(96);
        let ((call, mut events, browser), invite) =
            tokio::join!(server.dial("alice"), phone.pick_up(&sdp));
        events.until("answered").await;
        Self {
            server,
            phone,
            invite,
            call,
            events,
            browser,
            requests: 0,
        }
    }

    /// The phone offers something new, by UPDATE and by re-INVITE in turn.
    async fn offer(&mut self, sdp: &str) -> Message {
        self.requests += 1;
        let number = self.requests;
        if number.is_multiple_of(2) {
            return self.phone.ask(&self.invite, "UPDATE", number, sdp).await;
        }
        let answer = self.phone.ask(&self.invite, "INVITE", number, sdp).await;
        self.phone.acknowledge(&self.invite, number, "").await;
        answer
    }

    /// Packets that were dropped because the phone did not want to hear us.
    async fn unwanted(&self) -> u64 {
        let stats = self.server.stats(&self.call).await;
        stats["to_phone"]["drops"]["not_wanted"].as_u64().unwrap()
    }

    /// Speaks until the phone hears it.
    async fn gets_through(&mut self, number: u16) {
        let payload = sound(4, number.into());
        let mut buffer = [0; 2048];
        for _ in 0..100 {
            let (codec, sequence) = (self.browser.agreed.codec, self.browser.next_sequence());
            self.browser.send(packet(codec, sequence, &payload));
            let heard = self.phone.rtp.recv_from(&mut buffer);
            if let Ok(heard) = tokio::time::timeout(Duration::from_millis(50), heard).await
                && read(&buffer[..heard.unwrap().0]).1 == payload
            {
                return;
            }
        }
        panic!("the phone hears nothing");
    }

    /// Whether sound passes, both ways.
    async fn passes(&mut self, number: u16) {
        let payload = sound(4, number.into());
        let (codec, sequence) = (self.browser.agreed.codec, self.browser.next_sequence());
        self.browser.send(packet(codec, sequence, &payload));
        assert_eq!(read(&self.phone.hear().await.0).1, payload, "to the phone");
        let media = media_of(&self.invite);
        let sent = packet(0, number, &payload);
        self.phone.rtp.send_to(&sent, media).await.unwrap();
        let heard = self.browser.hear().await;
        assert_eq!(read(&heard).1, payload, "to the browser");
    }
}

/// Our direction and the version of our description.
fn ours(answer: &Message) -> (Direction, u64) {
    let sdp = Description::parse(answer.body()).unwrap();
    let direction = sdp.media()[0].find::<Direction>().unwrap();
    let version = sdp.origin().unwrap().session_version.parse();
    (direction, version.unwrap())
}

#[tokio::test]
async fn hold_and_resume_in_every_way() {
    let mut talk = Talk::new(30).await;
    let sdp = talk.phone.sdp(96);
    let nowhere = sdp.replace("c=IN IP4 127.0.0.1", "c=IN IP4 0.0.0.0");
    let id = |message: &Message| {
        let sdp = Description::parse(message.body()).unwrap();
        sdp.origin().unwrap().session_id.to_owned()
    };
    let mut number = 0;
    for (held, mirrored) in [
        (format!("{sdp}a=sendonly\r\n"), Direction::Recvonly),
        (format!("{sdp}a=inactive\r\n"), Direction::Inactive),
        (nowhere, Direction::Recvonly),
    ] {
        talk.passes(number).await;
        let answer = talk.offer(&held).await;
        assert_eq!(id(&answer), id(&talk.invite), "the same session");
        number += 1;
        assert_eq!(ours(&answer), (mirrored, 1 + u64::from(number)));
        assert_eq!(talk.events.next().await, Some(json!({"state": "held"})));
        // Nobody is sent anything; music may come.
        let sequence = talk.browser.next_sequence();
        let lost = packet(talk.browser.agreed.codec, sequence, b"to nobody");
        talk.browser.send(lost);
        let unwanted = 1 + u64::from(number / 2);
        while talk.unwanted().await != unwanted {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let music = packet(0, 500 + number, b"music");
        let media = media_of(&talk.invite);
        talk.phone.rtp.send_to(&music, media).await.unwrap();
        assert_eq!(read(&talk.browser.hear().await).1, b"music");

        let answer = talk.offer(&sdp).await;
        number += 1;
        assert_eq!(ours(&answer), (Direction::Sendrecv, 1 + u64::from(number)));
        assert_eq!(talk.events.next().await, Some(json!({"state": "resumed"})));
    }
    talk.passes(99).await;
    // A late follower hears where the call stands.
    let mut late = talk.server.follow(&talk.call).await;
    assert_eq!(late.until("resumed").await, json!({"state": "resumed"}));
}

#[tokio::test]
async fn a_phone_on_hold_owes_no_media_and_one_that_is_back_does() {
    let mut talk = Talk::new(1).await;
    let sdp = talk.phone.sdp(96);
    talk.offer(&format!("{sdp}a=sendonly\r\n")).await;
    assert_eq!(talk.events.next().await, Some(json!({"state": "held"})));
    let silent = tokio::time::timeout(Duration::from_secs(3), talk.events.next()).await;
    assert!(silent.is_err(), "{silent:?}");
    talk.offer(&sdp).await;
    assert_eq!(talk.events.next().await, Some(json!({"state": "resumed"})));
    let last = talk.events.last().await;
    assert_eq!(last["reason"], "the phone has sent no media for 1 s");
}

#[tokio::test]
async fn a_phone_that_moves_is_followed_and_its_old_place_is_not() {
    let mut talk = Talk::new(30).await;
    talk.passes(1).await;
    let sdp = talk.phone.sdp(96);
    let before = ours(&talk.offer(&sdp).await);
    let old = std::mem::replace(&mut talk.phone.rtp, Phone::new().await.rtp);
    let moved = talk.phone.sdp(96);
    let answer = talk.offer(&moved).await;
    assert_eq!(ours(&answer), before, "on our side nothing changed");
    let media = media_of(&talk.invite);
    old.send_to(&packet(0, 7, b"from the old place"), media)
        .await
        .unwrap();
    talk.passes(2).await;
    // The phone would like another codec first: we go on with ours, under its number.
    let other = moved.replace("RTP/AVP 0 96", "RTP/AVP 8 0 96");
    talk.offer(&other).await;
    talk.passes(3).await;
}

#[tokio::test]
async fn a_refresh_changes_nothing_and_neither_does_what_cannot_be() {
    let mut talk = Talk::new(30).await;
    let sdp = talk.phone.sdp(96);
    let refreshed = talk.offer(&sdp).await;
    let again = talk.offer(&sdp).await;
    assert_eq!(refreshed.body(), again.body());
    for bad in [
        sdp.replace("RTP/AVP 0 96", "RTP/AVP 8 96"),
        sdp.replace("c=IN IP4 127.0.0.1", "c=IN IP6 ::1"),
        "v=0\r\nhello\r\n".to_owned(),
    ] {
        talk.requests += 1;
        let number = talk.requests;
        let answer = talk.phone.ask(&talk.invite, "UPDATE", number, &bad).await;
        assert_eq!(answer.status(), 488);
        assert!(answer.value("Warning").starts_with("399 crosspoint "));
    }
    talk.passes(1).await;
    talk.phone.hang_up_as(&talk.invite, 99).await;
    assert_eq!(talk.events.next().await.unwrap()["state"], "ended");
}

/// An offer that is taken back at once: whoever is told 487 is where he was before.
#[tokio::test]
async fn a_hold_that_is_taken_back_is_none() {
    let mut talk = Talk::new(30).await;
    let sdp = talk.phone.sdp(96);
    for round in 1..=10_u16 {
        let number = u32::from(round) * 2;
        talk.phone
            .start(
                &talk.invite,
                "INVITE",
                number,
                &format!("{sdp}a=sendonly\r\n"),
            )
            .await;
        talk.phone.cancel(&talk.invite, number).await;
        let answer = talk.phone.outcome("INVITE", number).await;
        talk.phone.acknowledge(&talk.invite, number, "").await;
        if answer.status() == 200 {
            let resumed = talk.phone.ask(&talk.invite, "UPDATE", number + 1, &sdp);
            assert_eq!(resumed.await.status(), 200);
        }
        talk.gets_through(round).await;
    }
}

/// A re-INVITE without a description: our offer stands in the 200, the answer in the ACK.
#[tokio::test]
async fn the_phone_asks_for_our_offer() {
    let mut talk = Talk::new(30).await;
    let sdp = talk.phone.sdp(96);
    talk.offer(&format!("{sdp}a=sendonly\r\n")).await;
    assert_eq!(talk.events.next().await, Some(json!({"state": "held"})));
    let offer = talk.phone.ask(&talk.invite, "INVITE", 2, "").await;
    assert_eq!(ours(&offer), (Direction::Sendrecv, 3));
    talk.phone.acknowledge(&talk.invite, 2, &sdp).await;
    assert_eq!(talk.events.next().await, Some(json!({"state": "resumed"})));
    talk.passes(1).await;
    // An answer that cannot be used leaves two different sessions: the call ends.
    talk.phone.ask(&talk.invite, "INVITE", 3, "").await;
    talk.phone.acknowledge(&talk.invite, 3, "hello").await;
    talk.phone.request("BYE").await;
    let last = talk.events.last().await;
    let reason = last["reason"].as_str().unwrap();
    assert!(reason.starts_with("the phone's answer cannot be used"));
}
