//! The offer/answer engine on captured offers of browsers and phones.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)] // a test fails by panicking

mod shared;

use std::net::SocketAddr;
use std::time::Duration;

use sdp::attribute::{Direction, EndOfCandidates, Group, Mid, RtcpMux, Rtpmap, Setup};
use sdp::negotiate::{
    Addresses, Codec, Destination, DtlsRole, PayloadTypes, Refusal, TelephoneEvent,
};
use sdp::{Description, Protocol};
use shared::{accept, answer, offer, phone, sdp_files, text, webrtc, with};

/// An audio offer as Chromium writes it, shortened.
const BROWSER: &str = "v=0\r\no=- 8160689358404223748 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n\
    a=group:BUNDLE 0\r\na=extmap-allow-mixed\r\n\
    m=audio 44351 UDP/TLS/RTP/SAVPF 111 9 0 8 110 126\r\nc=IN IP4 10.77.0.1\r\n\
    a=rtcp:9 IN IP4 0.0.0.0\r\n\
    a=candidate:2875798359 1 udp 2122260223 10.77.0.1 44351 typ host generation 0\r\n\
    a=ice-ufrag:pn58\r\na=ice-pwd:UQnh+i2iJxvaOwoiSLJc64HY\r\na=ice-options:trickle\r\n\
    a=fingerprint:sha-256 43:92:4C:19:E1:AD:F7:61:F0:96:D4:D2:22:8F:DE:85:67:6F:BC:36:FB:20:26:4D:57:9E:CB:16:DC:6E:AF:71\r\n\
    a=setup:actpass\r\na=mid:0\r\na=sendrecv\r\na=rtcp-mux\r\n\
    a=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10;useinbandfec=1\r\n\
    a=rtpmap:9 G722/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n\
    a=rtpmap:110 telephone-event/48000\r\na=rtpmap:126 telephone-event/8000\r\n\
    a=ssrc:1792108783 cname:bkUxYMzUR1WFOFIr\r\n";

fn refusal(text: &str) -> Refusal {
    let offer = Description::parse(text).unwrap();
    answer(&offer, &webrtc(vec![Codec::PCMU])).unwrap_err()
}

#[test]
fn a_browser_gets_one_codec_with_its_keypad() {
    let offer = Description::parse(BROWSER).unwrap();
    for (codec, number, event) in [(Codec::PCMU, 0, 126), (Codec::OPUS, 111, 110)] {
        let answer = answer(&offer, &webrtc(vec![codec.clone()])).unwrap();
        let formats = answer.formats();
        assert_eq!(formats.codec.codec, codec);
        assert_eq!(
            formats.codec.payload_types,
            PayloadTypes {
                send: number,
                receive: number
            }
        );
        assert_eq!(
            formats.telephone_event,
            Some(TelephoneEvent {
                payload_types: PayloadTypes {
                    send: event,
                    receive: event
                },
                clock_rate: codec.clock_rate,
            })
        );

        let read = Description::parse_strict(&answer.text).unwrap();
        let [media] = read.media() else {
            panic!("one section")
        };
        assert_eq!(media.format_list(), format!("{number} {event}"));
        assert_eq!(media.protocol(), &Protocol::UdpTlsRtpSavpf);
        assert_eq!(media.find::<Mid>().unwrap().tag, "0");
        assert_eq!(
            read.session().find::<Group>().unwrap().to_string(),
            "group:BUNDLE 0"
        );
        assert_eq!(media.find::<Setup>(), Some(Setup::Passive));
        assert!(media.has::<RtcpMux>() && media.has::<EndOfCandidates>());
        assert_eq!(media.find::<Direction>(), Some(Direction::Sendrecv));
        assert_eq!(media.all::<Rtpmap>().count(), 2);
    }
}

#[test]
fn the_facts_of_the_peer_come_along() {
    let offer = Description::parse(BROWSER).unwrap();
    let answer = answer(&offer, &webrtc(vec![Codec::PCMU])).unwrap();
    let agreed = answer.agreed;
    assert_eq!((agreed.section, agreed.mid.as_deref()), (0, Some("0")));
    assert_eq!(agreed.direction, Direction::Sendrecv);
    assert_eq!(agreed.destination, Destination::Ice);
    assert_eq!(agreed.ssrcs, [1_792_108_783]);
    let dtls = agreed.keys.dtls().unwrap();
    assert_eq!(dtls.role, DtlsRole::Server);
    assert!(dtls.fingerprints[0].starts_with("sha-256 43:92:4C:"));
    let remote = agreed.ice.unwrap();
    assert_eq!(remote.credentials.ufrag, "pn58");
    assert_eq!(remote.credentials.pwd, "UQnh+i2iJxvaOwoiSLJc64HY");
    assert!(remote.candidates[0].starts_with("candidate:2875798359 1 udp "));
    assert!(!remote.end_of_candidates && !remote.lite);
}

#[test]
fn setup_and_direction_are_answered() {
    let role = |setup: &str| {
        let text = BROWSER.replace("a=setup:actpass", setup);
        let offer = Description::parse(&text).unwrap();
        answer(&offer, &webrtc(vec![Codec::PCMU]))
            .map(|answer| answer.agreed.keys.dtls().unwrap().role)
    };
    assert_eq!(role("a=setup:active"), Ok(DtlsRole::Server));
    assert_eq!(role("a=setup:passive"), Ok(DtlsRole::Client));
    assert_eq!(role("a=x-none"), Ok(DtlsRole::Server));
    assert_eq!(role("a=setup:holdconn"), Err(Refusal::NoSetupRole));

    let text = BROWSER.replace("a=sendrecv", "a=sendonly");
    let offer = Description::parse(&text).unwrap();
    let answer = answer(&offer, &webrtc(vec![Codec::PCMU])).unwrap();
    assert_eq!(answer.agreed.direction, Direction::Recvonly);
    assert!(answer.text.contains("a=recvonly\r\n"));
}

#[test]
fn refusals_say_what_is_missing() {
    let without = |line: &str| {
        assert!(BROWSER.contains(line), "{line}");
        refusal(&BROWSER.replace(line, "a=x"))
    };
    assert_eq!(without("a=rtcp-mux"), Refusal::NoRtcpMux);
    assert_eq!(without("a=ice-ufrag:pn58"), Refusal::NoIceCredentials);
    assert_eq!(
        without("a=ice-pwd:UQnh+i2iJxvaOwoiSLJc64HY"),
        Refusal::NoIceCredentials
    );
    assert_eq!(
        refusal(&BROWSER.replace("sha-256", "sha3-256")),
        Refusal::NoFingerprint
    );
    assert_eq!(
        refusal(&BROWSER.replace("m=audio", "m=video")),
        Refusal::NoneOffered(vec!["audio".to_owned()])
    );
    assert_eq!(
        refusal(&BROWSER.replace("m=audio 44351", "m=audio 0")),
        Refusal::Rejected
    );
    // RFC 9429 §5.1.2: the profile does not matter where there is a fingerprint.
    let bare = BROWSER
        .replace("UDP/TLS/RTP/SAVPF", "RTP/AVP")
        .replace("a=fingerprint", "a=x");
    let plain = refusal(&bare);
    assert_eq!(plain, Refusal::UnsupportedProtocol("RTP/AVP".to_owned()));
    let Refusal::NoCommonCodec { offered, ours } = refusal(&BROWSER.replace("PCMU", "PCMX")) else {
        panic!("no common codec");
    };
    assert!(offered.contains(&"opus/48000/2".to_owned()), "{offered:?}");
    assert_eq!(ours, ["PCMU/8000"]);
}

#[test]
fn payload_types_that_look_like_rtcp_are_not_used() {
    let text = BROWSER
        .replace(" 0 8 ", " 72 8 ")
        .replace("a=rtpmap:0 PCMU", "a=rtpmap:72 PCMU");
    assert!(matches!(refusal(&text), Refusal::NoCommonCodec { .. }));
}

#[test]
fn captured_browser_offers_are_answered() {
    let Some(files) = sdp_files() else { return };
    let mut answered = 0;
    for (name, text) in files
        .iter()
        .filter(|(name, _)| name.contains("offer") && !name.contains("answer"))
    {
        let offer = Description::parse(text).unwrap();
        let browser = name.starts_with("chrom") || name.starts_with("firefox");
        let Some(audio) = offer
            .media()
            .iter()
            .position(|media| media.kind() == "audio")
        else {
            let refusal = answer(&offer, &webrtc(vec![Codec::PCMU])).unwrap_err();
            assert_eq!(
                refusal,
                Refusal::NoneOffered(vec!["audio".to_owned()]),
                "{name}"
            );
            continue;
        };
        if !browser {
            continue;
        }
        for codec in [Codec::PCMU, Codec::PCMA, Codec::OPUS] {
            if codec == Codec::OPUS && name.contains("g711") {
                continue;
            }
            let ours = webrtc(vec![codec.clone()]);
            let answer = answer(&offer, &ours).unwrap_or_else(|e| panic!("{name}: {e}"));
            assert_eq!(answer.agreed.section, audio, "{name}");
            assert_eq!(answer.formats().codec.codec, codec, "{name}");
            check_answer(name, &offer, &answer.text, audio);
            answered += 1;
        }
    }
    assert!(answered > 60, "{answered} offers answered");
}

/// RFC 3264 §6: as many sections as offered, in their order, each with the same kind; all but one
/// rejected.
fn check_answer(name: &str, offer: &Description<'_>, text: &str, audio: usize) {
    let answer = Description::parse_strict(text).unwrap_or_else(|e| panic!("{name}: {e}\n{text}"));
    assert_eq!(answer.media().len(), offer.media().len(), "{name}");
    for (index, (ours, theirs)) in answer.media().iter().zip(offer.media()).enumerate() {
        assert_eq!(ours.kind(), theirs.kind(), "{name}");
        assert_eq!(ours.protocol(), theirs.protocol(), "{name}");
        assert_eq!(ours.find::<Mid>(), theirs.find::<Mid>(), "{name}");
        assert_eq!(ours.port() != 0, index == audio, "{name}");
        let offered: Vec<_> = theirs.formats().collect();
        assert!(
            ours.formats().all(|format| offered.contains(&format)),
            "{name}"
        );
    }
}

#[test]
fn a_phone_gets_an_offer_and_its_answer_is_read() {
    let offer = offer(&phone(vec![Codec::PCMU, Codec::OPUS]));
    let text = text(&offer);
    let expected = "m=audio 20000 RTP/AVP 0 111 101 102\r\nc=IN IP4 192.0.2.1\r\n";
    assert!(text.contains(expected), "{text}");
    assert!(
        text.contains("a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n"),
        "{text}"
    );
    Description::parse_strict(&text).unwrap();

    let answer = "v=0\r\no=- 1 1 IN IP4 10.77.0.2\r\ns=-\r\nc=IN IP4 10.77.0.2\r\nt=0 0\r\n\
        m=audio 20064 RTP/AVP 0 97\r\na=rtpmap:97 telephone-event/8000\r\na=ptime:30\r\n";
    Description::parse_strict(answer).unwrap();
    let agreed = accept(&offer, answer).unwrap();
    let formats = agreed.formats().unwrap();
    assert_eq!(formats.codec.codec, Codec::PCMU);
    assert_eq!(
        formats.codec.payload_types,
        PayloadTypes {
            send: 0,
            receive: 0
        }
    );
    assert_eq!(
        formats.telephone_event,
        Some(TelephoneEvent {
            payload_types: PayloadTypes {
                send: 97,
                receive: 101
            },
            clock_rate: 8000,
        })
    );
    assert_eq!(formats.packet_time, Some(Duration::from_millis(30)));
    let at = |port| SocketAddr::from(([10, 77, 0, 2], port));
    let to = |rtcp| {
        let rtp = at(20_064);
        Destination::Address(Addresses {
            rtp,
            rtcp: at(rtcp),
        })
    };
    let destination = to(20_065);
    assert_eq!(agreed.destination, destination);

    let with = |line: &str| {
        let text = format!("{answer}{line}\r\n");
        accept(&offer, &text).unwrap().destination
    };
    assert_eq!(with("a=rtcp:53020"), to(53_020));
    // We did not offer to multiplex.
    assert_eq!(with("a=rtcp-mux"), destination);
    // Where no datagram of ours gets to, nothing was told.
    for nowhere in [
        "9 IN IP4 0.0.0.0",
        "0",
        "9 IN IP6 2001:db8::1",
        "9 IN IP4 host.example",
    ] {
        assert_eq!(with(&format!("a=rtcp:{nowhere}")), destination, "{nowhere}");
    }
}

#[test]
fn a_phone_may_refuse_hold_or_go_wrong() {
    let offer = offer(&phone(vec![Codec::PCMU]));
    let answer = |media: &str| {
        let text = format!("v=0\r\no=- 1 1 IN IP4 10.0.0.2\r\ns=-\r\nt=0 0\r\n{media}");
        accept(&offer, &text)
    };
    let error = |media: &str| answer(media).unwrap_err();
    assert_eq!(
        error("m=audio 0 RTP/AVP 0\r\nc=IN IP4 10.0.0.2\r\n"),
        Refusal::Rejected
    );
    assert_eq!(
        error(""),
        Refusal::SectionsDiffer {
            offered: 1,
            answered: 0
        }
    );
    let name = error("m=audio 9 RTP/AVP 0\r\nc=IN IP4 phone.example.com\r\n");
    assert_eq!(
        name,
        Refusal::AddressIsAName("phone.example.com".to_owned())
    );
    let codec = error("m=audio 9 RTP/AVP 18\r\nc=IN IP4 10.0.0.2\r\n");
    assert_eq!(
        codec.to_string(),
        "no common codec: offered G729/8000, supported PCMU/8000"
    );
    let secure = error("m=audio 9 RTP/SAVP 0\r\nc=IN IP4 10.0.0.2\r\n");
    assert_eq!(secure, Refusal::UnsupportedProtocol("RTP/SAVP".to_owned()));

    let held = answer("m=audio 9 RTP/AVP 0\r\nc=IN IP4 0.0.0.0\r\n").unwrap();
    assert_eq!(held.destination, Destination::Held(None));
    assert_eq!(held.direction, Direction::Recvonly);
    let held = answer("m=audio 9 RTP/AVP 0\r\nc=IN IP4 10.0.0.2\r\na=sendonly\r\n").unwrap();
    assert_eq!(held.direction, Direction::Recvonly);
}

#[test]
fn captured_phones_agree() {
    let Some(files) = sdp_files() else { return };
    let mut plain = 0;
    for (name, text) in &files {
        let description = Description::parse(text).unwrap();
        let Some(media) = description.media().first() else {
            continue;
        };
        if *media.protocol() != Protocol::RtpAvp {
            continue;
        }
        plain += 1;
        let ours = phone(vec![Codec::PCMU, Codec::PCMA]);
        let answer = answer(&description, &ours).unwrap_or_else(|e| panic!("{name}: {e}"));
        let destination = answer.agreed.destination;
        assert!(matches!(destination, Destination::Address(_)), "{name}");
        let read = Description::parse_strict(&answer.text);
        let read = read.unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(read.media().len(), 1, "{name}");

        // Our own answer, read by the one who offered.
        let theirs = accept(&offer(&ours), &answer.text).unwrap_or_else(|e| panic!("{name}: {e}"));
        let theirs = &theirs.formats().unwrap().codec.codec;
        assert_eq!(*theirs, answer.formats().codec.codec, "{name}");
    }
    assert!(plain >= 12, "{plain} descriptions with plain RTP");
}

#[test]
fn an_offer_of_many_sections_gets_one() {
    let text = "v=0\r\no=- 1 1 IN IP4 10.0.0.2\r\ns=-\r\nc=IN IP4 10.0.0.2\r\nt=0 0\r\n\
        m=video 4000 RTP/AVP 31\r\nm=audio 4002 RTP/SAVP 0\r\n\
        a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj\r\n\
        m=audio 4004 RTP/AVP 8 0 96\r\na=rtpmap:96 telephone-event/8000\r\na=inactive\r\n";
    let offer = Description::parse_strict(text).unwrap();
    let answer = answer(&offer, &phone(vec![Codec::PCMU])).unwrap();
    let ports: Vec<_> = answer
        .session
        .description()
        .unwrap()
        .media()
        .iter()
        .map(|media| media.port())
        .collect();
    assert_eq!(ports, [0, 0, 20_000]);
    assert_eq!(answer.agreed.direction, Direction::Inactive);
    assert!(answer.text.contains("m=audio 20000 RTP/AVP 0 96\r\n"));
}

#[test]
fn a_phone_may_answer_with_its_own_numbers() {
    // RFC 3264 §6.1: each side sends with the number of the other; RFC 4317 §2.3 does so.
    let offer = offer(&phone(vec![Codec::OPUS]));
    let answer = "v=0\r\no=- 1 1 IN IP4 10.0.0.2\r\ns=-\r\nc=IN IP4 10.0.0.2\r\nt=0 0\r\n\
        m=audio 4000 RTP/AVP 96\r\na=rtpmap:96 OPUS/48000/2\r\na=fmtp:96 stereo=1\r\n";
    let agreed = accept(&offer, answer).unwrap();
    let formats = agreed.formats().unwrap();
    assert_eq!(
        formats.codec.payload_types,
        PayloadTypes {
            send: 96,
            receive: 111
        }
    );
    assert_eq!(formats.codec.remote_parameters.as_deref(), Some("stereo=1"));
    assert_eq!(formats.telephone_event, None);
}

#[test]
fn the_keypad_takes_no_number_of_a_codec() {
    let opus = Codec {
        payload_type: 101,
        ..Codec::OPUS
    };
    let text = text(&offer(&phone(vec![opus, Codec::PCMU])));
    assert!(
        text.contains("m=audio 20000 RTP/AVP 101 0 102 103\r\n"),
        "{text}"
    );
    assert!(
        text.contains("a=rtpmap:102 telephone-event/48000\r\n"),
        "{text}"
    );
}

#[test]
fn rtcp_is_multiplexed_only_where_both_do() {
    let rtcp_at = |port| {
        with(phone(vec![Codec::PCMU]), |audio| {
            audio.transport.rtcp_port = port
        })
    };
    let ours = rtcp_at(20_000);
    assert!(text(&offer(&ours)).contains("a=rtcp-mux\r\n"));
    let offered = "v=0\r\no=- 1 1 IN IP4 10.0.0.2\r\ns=-\r\nc=IN IP4 10.0.0.2\r\nt=0 0\r\n\
        m=audio 4000 RTP/AVP 0\r\n";
    let answered = |text: &str| {
        let answer = answer(&Description::parse_strict(text).unwrap(), &ours).unwrap();
        let mux = answer.text.contains("a=rtcp-mux\r\n");
        (
            mux,
            answer.agreed.destination.addresses().unwrap().rtcp.port(),
        )
    };
    assert_eq!(answered(offered), (false, 4001));
    assert_eq!(answered(&format!("{offered}a=rtcp-mux\r\n")), (true, 4000));
    assert!(text(&offer(&rtcp_at(30_000))).contains("a=rtcp:30000\r\n"));
}

#[test]
fn a_bundled_section_takes_the_transport_of_its_tag() {
    // The video is the tagged section; the audio has neither port nor transport of its own.
    let (session, audio) = BROWSER.split_at(BROWSER.find("m=audio").unwrap());
    let video = audio
        .replace("m=audio", "m=video")
        .replace("a=mid:0", "a=mid:v")
        .replace("a=ssrc:1792108783", "a=ssrc:7");
    let mine = ["a=ice-", "a=fingerprint", "a=setup", "a=candidate"];
    let bare: Vec<_> = audio
        .split_inclusive("\r\n")
        .filter(|line| mine.iter().all(|start| !line.starts_with(start)))
        .collect();
    let bare = bare.concat().replace("m=audio 44351", "m=audio 0");
    let text = format!("{}{video}{bare}", session.replace("BUNDLE 0", "BUNDLE v 0"));
    let ours = webrtc(vec![Codec::PCMU]);

    let offer = Description::parse(&text).unwrap();
    let rejected = answer(&offer, &ours).unwrap_err();
    assert_eq!(rejected, Refusal::Rejected);
    let text = format!("{text}a=bundle-only\r\n");
    let offer = Description::parse_strict(&text).unwrap();
    let answer = answer(&offer, &ours).unwrap();
    let agreed = answer.agreed;
    assert_eq!((agreed.section, agreed.mid.as_deref()), (1, Some("0")));
    assert_eq!(agreed.ssrcs, [1_792_108_783]);
    let ice = agreed.ice.unwrap();
    assert_eq!((&*ice.credentials.ufrag, ice.candidates.len()), ("pn58", 1));
    assert!(answer.text.contains("a=group:BUNDLE 0\r\n"));
}

#[test]
fn the_reason_is_that_of_the_first_audio() {
    let text = "v=0\r\no=- 1 1 IN IP4 10.0.0.2\r\ns=-\r\nc=IN IP4 10.0.0.2\r\nt=0 0\r\n\
        m=audio 4000 RTP/AVP 18\r\nm=audio 4002 RTP/SAVP 0\r\n";
    let offer = Description::parse(text).unwrap();
    let refusal = answer(&offer, &phone(vec![Codec::PCMU])).unwrap_err();
    assert!(
        matches!(refusal, Refusal::NoCommonCodec { .. }),
        "{refusal}"
    );
}
