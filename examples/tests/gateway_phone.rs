//! Calls through a whole gateway to a phone that is watched: what reaches it, and what it may do.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)] // checks fail loudly

mod client;

use client::Server;
use client::browser::{Browser, Caller};
use client::events::Events;
use client::phone::{Message, Phone, keys_of, media_of};
use client::rtp::{key, laden_packet, packet, read, sound};
use examples::config::Settings;
use serde_json::json;
use tokio::net::UdpSocket;

async fn server_for(phone: &Phone) -> Server {
    Server::with(Settings {
        sip_server: Some(phone.server()),
        ..Settings::default()
    })
    .await
}

/// A call that the phone has picked up, with telephone-event as 96.
async fn talk(server: &Server, phone: &Phone) -> (client::Call, Events, Browser, Message) {
    let sdp = phone.sdp(96);
    let ((call, mut events, browser), invite) =
        tokio::join!(server.dial("alice"), phone.pick_up(&sdp));
    events.until("answered").await;
    (call, events, browser, invite)
}

#[tokio::test]
async fn the_phone_gets_plain_packets_of_one_source() {
    let phone = Phone::new().await;
    let server = server_for(&phone).await;
    let (call, mut events, mut browser, invite) = talk(&server, &phone).await;
    let (codec, keys) = (browser.agreed.codec, browser.agreed.telephone_event);
    let mut last = None;
    for number in 0..100 {
        let sequence = browser.next_sequence();
        let (sent, payload, expected) = match number % 3 {
            0 => (
                laden_packet(codec, sequence, &sound(1, number)),
                sound(1, number),
                0,
            ),
            1 => (
                packet(codec, sequence, &sound(1, number)),
                sound(1, number),
                0,
            ),
            _ => (
                packet(keys, sequence, &key(9, 160, false)),
                key(9, 160, false),
                96,
            ),
        };
        browser.send(sent);
        let (heard, from) = phone.hear().await;
        assert_eq!(from, media_of(&invite), "from the port of the offer");
        let (header, plain) = read(&heard);
        assert_eq!(plain, payload);
        assert_eq!(header.payload_type, expected, "the phone's own numbers");
        assert_eq!(header.marker, number == 0, "a stream begins with a marker");
        if let Some((ssrc, sequence)) = last {
            assert_eq!((header.ssrc, header.sequence_number), (ssrc, sequence));
        }
        last = Some((header.ssrc, header.sequence_number.wrapping_add(1)));
    }
    server.hang_up(&call).await;
    let bye = phone.request("BYE").await;
    phone.answer(&bye, "200 OK", "").await;
    assert_eq!(events.last().await["by"], "browser");
}

#[tokio::test]
async fn the_browser_gets_plain_packets_of_one_source() {
    let phone = Phone::new().await;
    let server = server_for(&phone).await;
    let (_call, mut events, mut browser, invite) = talk(&server, &phone).await;
    let media = media_of(&invite);
    let stranger = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let (codec, keys) = (browser.agreed.codec, browser.agreed.telephone_event);
    let mut next = None;
    for number in 0..60_u16 {
        let payload = sound(2, number.into());
        // What is no packet of this phone, or none that was agreed on, does not pass.
        stranger
            .send_to(&packet(0, number, &payload), media)
            .await
            .unwrap();
        for noise in [
            &b"noise"[..],
            &[],
            &packet(13, number, &payload),
            &packet(126, number, &payload),
        ] {
            phone.rtp.send_to(noise, media).await.unwrap();
        }
        // From the 40th on, the phone is another one, as after a transfer behind its server. It
        // sends under the numbers of the offer (RFC 3264 §6.1).
        let mut sent = match number {
            0..20 => packet(0, 1000 + number, &payload),
            20..40 => laden_packet(0, 1000 + number, &payload),
            _ => packet(keys_of(&invite), 50_000 + number, &payload),
        };
        sent[8] = u8::from(number >= 40);
        phone.rtp.send_to(&sent, media).await.unwrap();
        let heard = browser.hear().await;
        let (header, plain) = read(&heard);
        assert_eq!(plain, payload, "packet {number}");
        assert_eq!(header.payload_type, if number < 40 { codec } else { keys });
        assert_eq!(header.ssrc, browser.agreed.ssrc);
        assert_eq!(header.marker, number == 0 || number == 40);
        if let Some(next) = next {
            assert_eq!(header.sequence_number, next);
        }
        next = Some(header.sequence_number.wrapping_add(1));
    }
    phone.hang_up(&invite).await;
    let last = events.last().await;
    assert_eq!(
        (&last["state"], &last["by"]),
        (&json!("ended"), &json!("phone"))
    );
    browser.failed().await;
}

/// A browser that has it sends nothing else while nobody speaks, and most phones do not know it.
#[tokio::test]
async fn comfort_noise_is_agreed_on_only_where_it_is_wanted() {
    let phone = Phone::new().await;
    for wanted in [false, true] {
        let server = Server::with(Settings {
            sip_server: Some(phone.server()),
            comfort_noise: Some(wanted),
            ..Settings::default()
        })
        .await;
        let sdp = phone.sdp(96).replace("AVP 0 96", "AVP 0 96 13");
        let ((call, mut events, mut browser), invite) =
            tokio::join!(server.dial("alice"), phone.pick_up(&sdp));
        events.until("answered").await;
        for description in [&call.answer, invite.body()] {
            assert_eq!(description.contains(" CN/8000"), wanted, "{description}");
        }
        browser.say(13, &[40]);
        let spoken = packet(browser.agreed.codec, browser.next_sequence(), &sound(1, 1));
        browser.send(spoken);
        let (heard, _) = phone.hear().await;
        let first = if wanted { 13 } else { 0 };
        assert_eq!(read(&heard).0.payload_type, first);
        if wanted {
            assert_eq!(read(&phone.hear().await.0).1, sound(1, 1));
        }
    }
}

#[tokio::test]
async fn what_the_phone_plays_while_it_rings_is_heard() {
    let phone = Phone::new().await;
    let server = server_for(&phone).await;
    let ((call, mut events, mut browser), invite) =
        tokio::join!(server.dial("alice"), phone.request("INVITE"));
    phone
        .answer(&invite, "183 Session Progress", &phone.sdp(96))
        .await;
    events.until("ringing").await;
    phone
        .rtp
        .send_to(&packet(0, 1, &sound(3, 1)), media_of(&invite))
        .await
        .unwrap();
    assert_eq!(read(&browser.hear().await).1, sound(3, 1));

    server.hang_up(&call).await;
    let cancel = phone.request("CANCEL").await;
    phone.answer(&cancel, "200 OK", "").await;
    phone.answer(&invite, "487 Request Terminated", "").await;
    phone.request("ACK").await;
    let ended = json!({"state": "ended", "by": "browser", "reason": "the browser hung up"});
    assert_eq!(events.last().await, ended);
}

#[tokio::test]
async fn a_refusal_is_told_in_plain_words() {
    let phone = Phone::new().await;
    let server = server_for(&phone).await;
    for (status, code, reason) in [
        (
            "488 Not Acceptable Here",
            488,
            "the phone shares no codec with this call",
        ),
        ("404 Not Found", 404, "nobody is registered under that name"),
        ("603 Decline", 603, "the call was declined"),
    ] {
        let call = server.call("alice", Caller::new().await.offer()).await;
        let invite = phone.request("INVITE").await;
        phone.answer(&invite, status, "").await;
        phone.request("ACK").await;
        let failed = json!({"state": "failed", "reason": reason, "status": code});
        assert_eq!(server.follow(&call).await.last().await, failed);
    }
}

#[tokio::test]
async fn an_answer_that_cannot_be_used_ends_the_call_on_both_sides() {
    let phone = Phone::new().await;
    let server = server_for(&phone).await;
    let good = phone.sdp(96);
    for (bad, reason) in [
        ("hello".to_owned(), "line 1, column 2"),
        (String::new(), "the phone"),
        (good.replace("AVP 0 96", "AVP 8"), "codec"),
        (
            good.replace("m=audio ", "m=audio 0 RTP/AVP 0\r\na=was:"),
            "rejected",
        ),
        (
            good.replace("c=IN IP4 127.0.0.1", "c=IN IP4 0.0.0.0"),
            "0.0.0.0",
        ),
        (
            good.replace("c=IN IP4 127.0.0.1", "c=IN IP4 phone.example"),
            "phone.example",
        ),
    ] {
        let call = server.call("alice", Caller::new().await.offer()).await;
        phone.pick_up(&bad).await;
        let bye = phone.request("BYE").await;
        phone.answer(&bye, "200 OK", "").await;
        let last = server.follow(&call).await.last().await;
        assert_eq!(last["state"], "failed", "{bad}");
        assert!(
            last["reason"].as_str().unwrap().contains(reason),
            "{last}\n{bad}"
        );
    }
}

#[tokio::test]
async fn a_phone_that_falls_silent_is_hung_up() {
    let phone = Phone::new().await;
    let server = Server::with(Settings {
        sip_server: Some(phone.server()),
        media_timeout: Some(1),
        ..Settings::default()
    })
    .await;
    let (_call, mut events, _browser, _invite) = talk(&server, &phone).await;
    let last = events.last().await;
    assert_eq!(last["reason"], "the phone has sent no media for 1 s");
    assert_eq!(
        (&last["state"], &last["by"]),
        (&json!("ended"), &json!("gateway"))
    );
    phone.request("BYE").await;
}
