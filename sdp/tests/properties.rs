//! Properties: any text is survived, what is written reads back, limits hold, columns point at
//! the fault.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)] // a test fails by panicking

use proptest::collection::vec;
use proptest::prelude::*;
use sdp::attribute::{
    Attribute, Candidate, Crypto, Direction, Fmtp, Mid, Msid, Ptime, Rtcp, Rtpmap, Setup, Ssrc,
};
use sdp::field::{Bandwidth, Connection, Origin, Timing};
use sdp::negotiate::{Codec, Session};
use sdp::{Description, Fragment, FragmentSection, Limits, Media, Mode, Options, Protocol};

mod shared;

const BASE: &str = "v=0\r\no=- 4962303333179871722 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n\
    a=group:BUNDLE a1\r\na=ice-options:trickle ice2\r\nm=audio 9 UDP/TLS/RTP/SAVPF 96 0\r\n\
    c=IN IP4 0.0.0.0\r\na=mid:a1\r\na=sendrecv\r\na=rtpmap:96 opus/48000/2\r\n\
    a=rtpmap:0 PCMU/8000\r\na=fmtp:96 minptime=10;useinbandfec=1\r\n\
    a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid\r\na=ice-ufrag:ETEn\r\n\
    a=ice-pwd:OtSK0WpNtpUjkY4+86js7ZQl\r\na=fingerprint:sha-1 4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB\r\n\
    a=setup:actpass\r\na=rtcp-mux\r\na=rtcp-rsize\r\na=ptime:20\r\n\
    a=candidate:1 1 udp 2113929471 203.0.113.100 10100 typ host\r\n";

/// Everything that can be done with a text, so that none of it panics.
fn exercise(text: &str) {
    for mode in [Mode::Strict, Mode::Lenient] {
        let options = Options {
            mode,
            ..Options::default()
        };
        let Ok(description) = Description::parse_with(text, options) else {
            continue;
        };
        assert_eq!(description.to_string(), text);
        let mut again = description.clone().into_owned();
        assert_eq!(again, description);
        for section in description
            .media()
            .iter()
            .map(Media::section)
            .chain([description.session()])
        {
            let known: Vec<Attribute<'_>> = section.attributes().collect();
            assert_eq!(known.len(), section.raw_attributes().count());
            let _ = (section.connection(), section.bandwidths().count());
        }
        let _ = (
            description.origin(),
            description.timing(),
            format!("{description:?}"),
        );
        for ours in [
            shared::webrtc(vec![Codec::OPUS, Codec::PCMU]),
            shared::phone(vec![Codec::PCMU]),
            shared::everything(vec![Codec::PCMU, Codec::OPUS]),
        ] {
            let mut session = Session::new(shared::origin());
            if session.answer(&description, &ours).is_ok() {
                let text = shared::text(&session);
                let said = Description::parse_strict(&text).unwrap();
                assert_eq!(said.to_string(), text);
                assert_eq!(said.media().len(), description.media().len());
                session.answer(&description, &ours).unwrap();
                assert_eq!(
                    shared::text(&session),
                    text,
                    "the same offer, the same answer"
                );
            }
            let _ = shared::offer(&ours).accept(&description);
        }
        again.session_mut().push(&Direction::Inactive);
        let _ = again.to_string();
    }
    if let Ok(fragment) = Fragment::parse(text) {
        assert_eq!(
            Fragment::parse(&fragment.to_string()).as_ref(),
            Ok(&fragment)
        );
    }
}

fn token() -> impl Strategy<Value = String> {
    "[!#$%&'*+.0-9A-Z^_`a-z{|}~-]{1,12}"
}

fn ice_text() -> impl Strategy<Value = String> {
    "[A-Za-z0-9+/]{4,20}"
}

/// A value that stands in an attribute.
fn free_text() -> impl Strategy<Value = String> {
    "[^\0\r\n]{1,30}"
}

/// `a=` text of attributes that a media section may hold.
fn attribute() -> impl Strategy<Value = String> {
    prop_oneof![
        (
            0..128u8,
            token(),
            1..u32::MAX,
            proptest::option::of(1..=u8::MAX)
        )
            .prop_map(|(payload_type, encoding, clock_rate, channels)| {
                Rtpmap {
                    payload_type,
                    encoding: &encoding,
                    clock_rate,
                    channels,
                }
                .to_string()
            }),
        (token(), free_text()).prop_map(|(format, parameters)| {
            Fmtp {
                format: &format,
                parameters: &parameters,
            }
            .to_string()
        }),
        (1..100_000u64).prop_map(|tenths| {
            let duration = std::time::Duration::from_micros(tenths * 100);
            Ptime { duration }.to_string()
        }),
        (token(), proptest::option::of(token())).prop_map(|(stream, track)| {
            Msid {
                stream: &stream,
                track: track.as_deref(),
            }
            .to_string()
        }),
        (any::<u32>(), token(), proptest::option::of(free_text())).prop_map(
            |(ssrc, attribute, value)| {
                Ssrc {
                    ssrc,
                    attribute: &attribute,
                    value: value.as_deref(),
                }
                .to_string()
            }
        ),
        any::<u16>().prop_map(|port| Rtcp {
            port,
            connection: None
        }
        .to_string()),
        free_text().prop_map(|text| Candidate { text: &text }.to_string()),
        (
            0..1_000_000_000u32,
            token(),
            "inline:[A-Za-z0-9+/=|^:]{1,40}"
        )
            .prop_map(|(tag, suite, keys)| {
                let session_params = Some("KDR=1");
                Crypto {
                    tag,
                    suite: &suite,
                    key_params: &keys,
                    session_params,
                }
                .to_string()
            }),
        Just(Direction::Sendonly.to_string()),
        Just(Setup::Actpass.to_string()),
        (token(), free_text()).prop_map(|(name, value)| format!("x-{name}:{value}")),
        token().prop_map(|name| format!("x-{name}")),
    ]
}

proptest! {
    #[test]
    fn any_text_is_survived(text in "\\PC*", lines in "([a-z]=[^\0]{0,20}\r?\n){0,20}") {
        exercise(&text);
        exercise(&lines);
    }

    #[test]
    fn changed_descriptions_are_survived(
        changes in vec((any::<prop::sample::Index>(), any::<char>(), any::<bool>()), 1..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut text: Vec<char> = BASE.chars().collect();
        for (at, character, insert) in changes {
            let at = at.index(text.len());
            if insert { text.insert(at, character) } else { text[at] = character }
        }
        exercise(&text.iter().collect::<String>());
        exercise(&text[..cut.index(text.len())].iter().collect::<String>());
    }

    #[test]
    fn built_descriptions_read_back(
        username in "[!-~]{1,10}",
        id in "[0-9]{1,20}",
        name in "[^\r\n\0]{1,20}",
        sections in vec((token(), any::<u16>(), token(), vec(attribute(), 0..8)), 0..5),
    ) {
        let origin = Origin {
            username: &username,
            session_id: &id,
            session_version: "1",
            net_type: "IN",
            addr_type: "IP6",
            address: "2001:db8::1",
        };
        let mut built = Description::new(&origin);
        built.set_name(&name);
        built.set_timing(&Timing { start: 4_294_967_296, stop: 0 });
        for (index, (kind, port, protocol, attributes)) in sections.iter().enumerate() {
            let protocol = Protocol::Other(protocol.into());
            let mut media = Media::new(kind, *port, &protocol, "0 1 a").unwrap();
            media.push(&Mid { tag: &index.to_string() });
            for attribute in attributes {
                let (name, value) = match attribute.split_once(':') {
                    Some((name, value)) => (name, Some(value)),
                    None => (attribute.as_str(), None),
                };
                media.push_raw(name, value).unwrap();
            }
            // They go where they belong, above the attributes.
            media.push_bandwidth(&Bandwidth { kind: "AS", value: 64 });
            media.set_connection(&Connection {
                net_type: "IN",
                addr_type: "IP4",
                address: "192.0.2.1",
                ttl: None,
                count: None,
            });
            built.push_media(media);
        }
        let text = built.to_string();
        let read = Description::parse(&text).unwrap();
        prop_assert_eq!(&read, &built);
        prop_assert_eq!(read.to_string(), text.clone());
        prop_assert_eq!(read.name(), Some(name.as_str()));
        prop_assert_eq!(read.origin(), Some(origin));
        for (media, (kind, port, _, attributes)) in read.media().iter().zip(&sections) {
            prop_assert_eq!((media.kind(), media.port()), (kind.as_str(), *port));
            let typed: Vec<_> = media.attributes().skip(1).map(|a| a.to_string()).collect();
            prop_assert_eq!(&typed, attributes);
        }
    }

    #[test]
    fn fragments_read_back(
        ufrag in ice_text(),
        pwd in "[A-Za-z0-9+/]{22,40}",
        end in any::<bool>(),
        sections in vec((token(), vec(free_text(), 0..4), any::<bool>()), 0..4),
    ) {
        let credentials = Some(sdp::negotiate::Credentials { ufrag, pwd });
        let sections = sections.into_iter().map(|(mid, candidates, end)| FragmentSection {
            kind: "audio".to_owned(),
            mid,
            credentials: None,
            candidates: candidates.iter().map(|text| format!("candidate:{text}")).collect(),
            end_of_candidates: end,
        });
        let fragment =
            Fragment { credentials, sections: sections.collect(), end_of_candidates: end };
        prop_assert_eq!(Fragment::parse(&fragment.to_string()), Ok(fragment));
    }

    #[test]
    fn columns_point_at_the_fault(before in "[a-zé漢]{0,10}", line in 0..5usize) {
        // A NUL is a fault wherever it stands; the line and column are known.
        let mut lines = vec!["v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=-", "t=0 0", "a=x", "a=y"];
        let bad = format!("a=x:{before}\0z");
        lines.insert(line + 1, &bad);
        let text = lines.join("\n");
        let error = Description::parse(&text).unwrap_err();
        prop_assert_eq!(error.line, line + 2);
        prop_assert_eq!(error.column, "a=x:".len() + before.chars().count() + 1);
    }
}

#[test]
fn every_truncation_is_survived() {
    for end in 0..BASE.len() {
        exercise(&BASE[..end]);
    }
    exercise(BASE);
}

#[test]
fn limits_hold() {
    let error = |text: &str, limits: Limits| {
        let options = Options {
            limits,
            ..Options::default()
        };
        Description::parse_with(text, options)
            .unwrap_err()
            .to_string()
    };
    let large = format!("{BASE}{}", "a=x:1\r\n".repeat(10_000));
    assert!(error(&large, Limits::default()).contains("expected at most 65536 bytes, found 70"));
    let mut wide = Limits::default();
    wide.bytes = usize::MAX;
    assert_eq!(
        error(&large, wide),
        "line 4097, column 1: expected at most 4096 lines, found 4097"
    );
    let section = "m=audio 0 RTP/AVP 0\r\nc=IN IP4 0.0.0.0\r\n";
    let many = format!(
        "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n{}",
        section.repeat(129)
    );
    assert_eq!(
        error(&many, Limits::default()),
        "line 261, column 1: expected at most 128 media sections, found 129"
    );
}

#[test]
fn errors_read_as_a_sentence() {
    let error = |from: &str, to: &str| {
        assert!(BASE.contains(from));
        Description::parse_strict(&BASE.replace(from, to))
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        error("m=audio 9 ", "m=audio abc "),
        "line 7, column 9: expected a port number (0 to 65535), found \"abc\""
    );
    assert_eq!(
        error("96 opus/48000/2", "96 opus/fast"),
        "line 11, column 18: expected a clock rate above zero, found \"fast\""
    );
    assert_eq!(
        error("BUNDLE a1", "BUNDLE a1 zz"),
        "line 5, column 19: expected the mid of a media section, found \"zz\""
    );
    assert_eq!(
        error("a=ice-pwd:OtSK0WpNtpUjkY4+86js7ZQl", "a=ice-pwd:secret"),
        "line 16, column 11: expected 22 to 256 of A-Z a-z 0-9 + /, found a secret that does not fit"
    );
    assert_eq!(
        error("v=0\r\n", "a=ice-pwd:OtSK0WpNtpUjkY4+86js7ZQl\r\n"),
        "line 1, column 1: expected v=0, found a secret that does not fit"
    );
    assert_eq!(
        error("t=0 0\r\n", ""),
        "line 6, column 1: expected a t= line, found \"m=audio\""
    );
    assert_eq!(
        error("SAVPF 96 0", "SAVPF 96 0 96"),
        "line 7, column 34: expected each payload type once, found \"96\""
    );
    assert_eq!(
        error(BASE, ""),
        "line 1, column 1: expected v=0, found the end of the description"
    );
}
