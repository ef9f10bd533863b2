//! Our crate.

use std::hint::black_box;

use bench_harness::{Item, OURS};
use sdp::Description;
use sdp::negotiate::{
    Capabilities, Codec, Credentials, DtlsRole, LocalDtls, LocalIce, LocalOrigin, LocalTransport,
    Rtp, Session, Source, Stream,
};

use crate::{Offer, each};

/// Reads a text; every known attribute is read as its type.
pub(crate) fn parse(item: &mut Item, offer: Offer) {
    each(item, OURS, move || {
        Description::parse(black_box(offer.text)).map(drop)
    });
}

/// Writes what was read.
pub(crate) fn serialize(item: &mut Item, offer: Offer) {
    let read = Description::parse(offer.text).unwrap();
    each(item, OURS, move || black_box(&read).to_string());
}

/// What no peer does by itself.
pub(crate) fn alone(offer: Offer) -> [Item; 2] {
    let mut types = Item::new(format!("look at every attribute of {}", offer.name));
    let read = Description::parse(offer.text).unwrap();
    each(&mut types, OURS, move || {
        let sections = black_box(&read).media().iter().map(|media| media.section());
        let sections = sections.chain([read.session()]);
        sections
            .map(|section| section.attributes().map(drop).count())
            .sum::<usize>()
    });

    let mut answer = Item::new(format!("answer {}", offer.name));
    let (read, ours) = (Description::parse(offer.text).unwrap(), capabilities());
    each(&mut answer, OURS, move || {
        let mut session = Session::new(LocalOrigin {
            session_id: 1,
            session_version: 1,
            address: [0, 0, 0, 0].into(),
        });
        session.answer(black_box(&read), &ours).map(drop).unwrap();
        session.description().map(ToString::to_string)
    });
    [types, answer]
}

/// A gateway's: one codec, two candidates.
fn capabilities() -> Capabilities {
    let candidate = |port| format!("candidate:1 1 udp 2130706431 192.0.2.1 {port} typ host");
    let ice = LocalIce {
        credentials: Credentials {
            ufrag: "w0Kx".into(),
            pwd: "8SzDn7sSvvGDnUKJzcVpPa0x".into(),
        },
        candidates: vec![candidate(16_384), candidate(16_385)],
        end_of_candidates: true,
        lite: false,
    };
    let dtls = LocalDtls {
        fingerprints: vec![format!("sha-256 {}", ["AB"; 32].join(":"))],
        role: DtlsRole::Server,
        tls_id: None,
    };
    let mut audio = Rtp::audio(vec![Codec::OPUS, Codec::PCMU]);
    audio.source = Some(Source {
        stream: "gateway".into(),
        track: "audio".into(),
        ssrc: 1,
        cname: "gateway".into(),
    });
    Capabilities::bundled(vec![Stream::rtp(audio, LocalTransport::webrtc(ice, dtls))])
}
