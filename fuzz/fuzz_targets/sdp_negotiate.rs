//! Any description as an offer, as an answer and as a later offer: the engine never panics, its
//! answers have the sections of the offer and can be read strictly, what is refused changes nothing,
//! and the same offer again gets the same answer.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sdp::Description;
use sdp::negotiate::{
    Capabilities, Codec, Credentials, DataChannel, DtlsRole, Encryption, LocalDtls, LocalIce,
    LocalKey, LocalOrigin, LocalTransport, Rtp, Selection, Session, Source, Stream,
};

fn webrtc() -> LocalTransport {
    let ice = LocalIce {
        credentials: Credentials {
            ufrag: "w0Kx".into(),
            pwd: "8SzDn7sSvvGDnUKJzcVpPa0x".into(),
        },
        candidates: vec!["candidate:1 1 udp 2130706431 192.0.2.1 16384 typ host".into()],
        end_of_candidates: true,
        lite: false,
    };
    let dtls = LocalDtls {
        fingerprints: vec![format!("sha-256 {}", ["AB"; 32].join(":"))],
        role: DtlsRole::Server,
        tls_id: None,
    };
    LocalTransport::webrtc(ice, dtls)
}

/// Two audio streams, video and data channels on this transport.
fn streams(transport: LocalTransport, selection: Selection) -> Vec<Stream> {
    let mut audio = Rtp::audio(vec![Codec::PCMU, Codec::PCMA, Codec::OPUS]);
    (audio.comfort_noise, audio.selection) = (true, selection);
    audio.source = Some(Source {
        stream: "s".into(),
        track: "t".into(),
        ssrc: 1,
        cname: "c".into(),
    });
    let video = Rtp::video(vec![Codec::new("VP8", 90_000, 100)]);
    let data = DataChannel {
        port: 5000,
        max_message_size: 0,
    };
    vec![
        Stream::rtp(audio.clone(), transport.clone()),
        Stream::rtp(audio, transport.clone()),
        Stream::rtp(video, transport.clone()),
        Stream::data(data, transport),
    ]
}

fn all() -> [Capabilities; 3] {
    let phone = LocalTransport::plain(([192, 0, 2, 1], 20_000).into());
    let mut any = phone.clone();
    (any.ice, any.keying) = (webrtc().ice, webrtc().keying);
    any.keying.encryption = Encryption::BestEffort;
    any.keying.sdes = vec![LocalKey {
        suite: "AES_CM_128_HMAC_SHA1_80".into(),
        key_params: "inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz".into(),
    }];
    let mut plain = streams(phone, Selection::First);
    // Data channels are inside DTLS, which the phone has not.
    plain.pop();
    [
        Capabilities::bundled(streams(webrtc(), Selection::First)),
        Capabilities::apart(plain),
        Capabilities::apart(streams(any, Selection::All)),
    ]
}

fuzz_target!(|text: &str| {
    let Ok(offer) = Description::parse(text) else {
        return;
    };
    for ours in all() {
        let mut session = Session::new(LocalOrigin {
            session_id: 1,
            session_version: 1,
            address: [0, 0, 0, 0].into(),
        });
        let said = |session: &Session| session.description().map(ToString::to_string);
        if session.answer(&offer, &ours).is_ok() {
            let first = said(&session).expect("an answer");
            let read = Description::parse_strict(&first).expect("our own answer");
            assert_eq!(read.media().len(), offer.media().len());
            assert_eq!(
                session.agreement().map(|all| all.sections.len()),
                Some(read.media().len())
            );
            session.answer(&offer, &ours).expect("the same again");
            assert_eq!(said(&session), Some(first));
        } else {
            assert_eq!(said(&session), None);
        }
        let ours_again = session.offer(&ours).expect("our own offer").to_string();
        Description::parse_strict(&ours_again).expect("our own offer");
        let before = session.agreement().cloned();
        if session.accept(&offer).is_err() {
            assert_eq!(session.agreement(), before.as_ref());
        }
        assert_eq!(said(&session), Some(ours_again));
    }
});
