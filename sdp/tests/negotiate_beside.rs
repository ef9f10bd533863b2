//! What stands beside the codec: keys, comfort noise, packet time.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)] // a test fails by panicking

mod shared;

use sdp::Description;
use sdp::negotiate::{Capabilities, Codec, Formats, PayloadTypes, TelephoneEvent};
use shared::{accept, answer, offer, phone, rtp, sdp_files, text, webrtc, with};

/// A browser's offer of Opus and PCMU with these formats beside them.
fn browser_offer(numbers: &str, lines: &str) -> String {
    let fingerprint = ["AB"; 32].join(":");
    format!(
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n\
         m=audio 9 UDP/TLS/RTP/SAVPF 111 0 {numbers}\r\nc=IN IP4 0.0.0.0\r\n\
         a=ice-ufrag:pn58\r\na=ice-pwd:UQnh+i2iJxvaOwoiSLJc64HY\r\n\
         a=fingerprint:sha-256 {fingerprint}\r\na=setup:actpass\r\na=mid:0\r\na=rtcp-mux\r\n\
         a=rtpmap:111 opus/48000/2\r\n{lines}"
    )
}

fn answered(offer: &str, ours: &Capabilities) -> (Formats, String) {
    let answer = answer(&Description::parse(offer).unwrap(), ours).unwrap();
    Description::parse_strict(&answer.text).unwrap();
    (answer.formats().clone(), answer.text)
}

fn phone_answer(numbers: &str, lines: &str) -> String {
    format!(
        "v=0\r\no=- 1 1 IN IP4 10.0.0.2\r\ns=-\r\nc=IN IP4 10.0.0.2\r\nt=0 0\r\n\
         m=audio 4000 RTP/AVP {numbers}\r\n{lines}"
    )
}

fn event(send: u8, receive: u8, clock_rate: u32) -> Option<TelephoneEvent> {
    let payload_types = PayloadTypes { send, receive };
    Some(TelephoneEvent {
        payload_types,
        clock_rate,
    })
}

#[test]
fn a_browser_that_has_only_the_keys_of_telephones_keeps_them_beside_opus() {
    let both = "a=rtpmap:126 telephone-event/8000\r\na=rtpmap:110 telephone-event/48000\r\n";
    let (only, _) = both.split_at(both.find("a=rtpmap:110").unwrap());
    let ours = webrtc(vec![Codec::OPUS]);
    let (answer, _) = answered(&browser_offer("126 110", both), &ours);
    assert_eq!(answer.telephone_event, event(110, 110, 48_000));
    let (answer, text) = answered(&browser_offer("126", only), &ours);
    assert_eq!(answer.telephone_event, event(126, 126, 8000));
    assert!(text.contains("a=rtpmap:126 telephone-event/8000\r\na=fmtp:126 0-15\r\n"));
    let wide = "a=rtpmap:110 telephone-event/48000\r\n";
    let (answer, _) = answered(&browser_offer("110", wide), &webrtc(vec![Codec::PCMU]));
    assert_eq!(answer.telephone_event, None, "no clock that PCMU has");
}

#[test]
fn a_phone_is_offered_its_own_keys_beside_opus() {
    let offer = offer(&phone(vec![Codec::OPUS]));
    let text = text(&offer);
    assert!(text.contains(" RTP/AVP 111 101 102\r\n"), "{text}");
    assert!(text.contains("a=rtpmap:102 telephone-event/8000\r\n"));
    let accept = |lines: &str| {
        let answer = phone_answer("96 97", &format!("a=rtpmap:96 opus/48000/2\r\n{lines}"));
        accept(&offer, &answer)
            .unwrap()
            .formats()
            .unwrap()
            .telephone_event
    };
    let narrow = accept("a=rtpmap:97 telephone-event/8000\r\n");
    assert_eq!(narrow, event(97, 102, 8000));
    let wide = accept("a=rtpmap:97 telephone-event/48000\r\n");
    assert_eq!(wide, event(97, 101, 48_000));
    assert_eq!(accept("a=rtpmap:97 telephone-event/16000\r\n"), None);
}

#[test]
fn comfort_noise_is_agreed_where_both_want_it() {
    let offer = browser_offer("13", "");
    let with = |codec: Codec, comfort_noise: bool| {
        let ours = with(webrtc(vec![codec]), |audio| {
            rtp(audio).comfort_noise = comfort_noise;
        });
        let (answer, text) = answered(&offer, &ours);
        (answer.comfort_noise, text.contains("CN/8000"))
    };
    let same = PayloadTypes {
        send: 13,
        receive: 13,
    };
    assert_eq!(with(Codec::PCMU, true), (Some(same), true));
    assert_eq!(with(Codec::PCMU, false), (None, false));
    assert_eq!(with(Codec::OPUS, true), (None, false), "of another clock");
}

#[test]
fn a_phone_may_take_or_leave_comfort_noise() {
    let noisy = |codec| with(phone(vec![codec]), |audio| rtp(audio).comfort_noise = true);
    let ours = noisy(Codec::PCMU);
    let offer = offer(&ours);
    let text = text(&offer);
    assert!(text.contains(" RTP/AVP 0 101 13\r\n"), "{text}");
    assert!(text.contains("a=rtpmap:13 CN/8000\r\n"), "{text}");
    let accept = |numbers: &str, lines: &str| {
        let answer = phone_answer(numbers, lines);
        accept(&offer, &answer)
            .unwrap()
            .formats()
            .unwrap()
            .comfort_noise
    };
    let types = |send| Some(PayloadTypes { send, receive: 13 });
    assert_eq!(accept("0 13", ""), types(13));
    assert_eq!(accept("0 99", "a=rtpmap:99 CN/8000\r\n"), types(99));
    assert_eq!(accept("0", ""), None);

    let offered = phone_answer("0 13", "");
    let (formats, said) = answered(&offered, &ours);
    assert_eq!(formats.comfort_noise, types(13));
    assert!(said.contains(" RTP/AVP 0 13\r\n"));
    let (silent, _) = answered(&offered, &phone(vec![Codec::PCMU]));
    assert_eq!(silent.comfort_noise, None);
    assert!(!shared::text(&shared::offer(&noisy(Codec::OPUS))).contains("CN/8000"));
}

#[test]
fn the_packet_time_is_ours_unless_the_browser_asks_for_another() {
    let agreed = |lines: &str| {
        let (answer, text) = answered(&browser_offer("126", lines), &webrtc(vec![Codec::PCMU]));
        let time = answer.packet_time.unwrap();
        assert!(text.contains(&format!("a=ptime:{}\r\n", time.as_millis())));
        time.as_millis()
    };
    assert_eq!(agreed(""), 20);
    assert_eq!(agreed("a=ptime:40\r\n"), 40);
    assert_eq!(agreed("a=maxptime:10\r\n"), 10);
    assert_eq!(agreed("a=ptime:60\r\na=maxptime:30\r\n"), 30);
    assert_eq!(agreed("a=maxptime:120\r\n"), 20);
    let silent = with(webrtc(vec![Codec::PCMU]), |audio| {
        rtp(audio).packet_time = None
    });
    let (answer, text) = answered(&browser_offer("126", ""), &silent);
    assert_eq!(answer.packet_time, None);
    assert!(!text.contains("a=ptime"));
}

#[test]
fn firefox_keeps_its_keys_beside_opus() {
    let Some(files) = sdp_files() else { return };
    let mut found = 0;
    for (name, text) in &files {
        let is_offer = name.contains("offer") && !name.contains("answer");
        let has_both = ["telephone-event/8000", "opus/48000"].map(|codec| text.contains(codec));
        if !name.starts_with("firefox") || !is_offer || has_both != [true; 2] {
            continue;
        }
        let (answer, _) = answered(text, &webrtc(vec![Codec::OPUS]));
        let event = answer.telephone_event;
        assert_eq!(event.unwrap().clock_rate, 8000, "{name}");
        found += 1;
    }
    assert!(found > 5, "{found} offers");
}
