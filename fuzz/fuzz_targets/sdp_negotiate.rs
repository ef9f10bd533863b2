//! Any description as an offer and as an answer: the engine never panics, its answers have the
//! sections of the offer and can be read strictly.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sdp::Description;
use sdp::attribute::Direction;
use sdp::negotiate::browser::{self, Capabilities, DtlsRole, LocalStream, LocalTransport};
use sdp::negotiate::phone::{self, Endpoint};
use sdp::negotiate::{Codec, Credentials, LocalOrigin};

fn capabilities(origin: LocalOrigin) -> Capabilities {
    Capabilities {
        codecs: vec![Codec::PCMU, Codec::PCMA, Codec::OPUS],
        telephone_event: true,
        comfort_noise: true,
        direction: Direction::Sendrecv,
        packet_time: None,
        origin,
        transport: LocalTransport {
            credentials: Credentials {
                ufrag: "w0Kx".into(),
                pwd: "8SzDn7sSvvGDnUKJzcVpPa0x".into(),
            },
            candidates: vec!["candidate:1 1 udp 2130706431 192.0.2.1 16384 typ host".into()],
            end_of_candidates: true,
            fingerprints: vec![format!("sha-256 {}", ["AB"; 32].join(":"))],
            role: DtlsRole::Server,
        },
        stream: LocalStream {
            stream: "s".into(),
            track: "t".into(),
            ssrc: 1,
            cname: "c".into(),
        },
    }
}

fuzz_target!(|text: &str| {
    let Ok(offer) = Description::parse(text) else {
        return;
    };
    let origin = LocalOrigin {
        session_id: 1,
        session_version: 1,
        address: [0, 0, 0, 0].into(),
    };
    let endpoint = Endpoint {
        origin,
        address: [192, 0, 2, 1].into(),
        rtp_port: 20_000,
        rtcp_port: 20_001,
        codecs: vec![Codec::PCMU, Codec::OPUS],
        telephone_event: true,
        comfort_noise: true,
        direction: Direction::Sendrecv,
        packet_time: None,
    };
    let browser = browser::answer(&offer, &capabilities(origin)).map(|answer| answer.description);
    let phone = phone::answer(&offer, &endpoint).map(|answer| answer.description);
    for answer in browser.into_iter().chain(phone) {
        assert_eq!(answer.media().len(), offer.media().len());
        let text = answer.to_string();
        assert_eq!(
            Description::parse(&text)
                .expect("our own answer")
                .to_string(),
            text
        );
    }
    let _ = phone::offer(endpoint).accept(&offer);
});
