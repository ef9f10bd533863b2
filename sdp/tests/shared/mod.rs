//! What the tests share: data that several projects use, beside the workspace, and capabilities.
//! Where the data is absent the tests say so and pass.

#![allow(dead_code)] // each test file uses its part

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::time::Duration;

use sdp::Description;
use sdp::negotiate::{
    Agreed, Capabilities, Codec, Content, Credentials, DataChannel, DtlsRole, Encryption, Formats,
    LocalDtls, LocalIce, LocalKey, LocalOrigin, LocalTransport, Refusal, Rtp, Selection, Session,
    Source, Stream,
};
use serde_json::Value;

fn root() -> Option<PathBuf> {
    let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared"));
    if !root.is_dir() {
        println!(
            "no shared test data at {}: nothing was tested here",
            root.display()
        );
        return None;
    }
    Some(root)
}

/// One file of vectors.
pub(crate) fn json(path: &str) -> Option<Value> {
    let text = std::fs::read_to_string(root()?.join(path)).unwrap();
    Some(serde_json::from_str(&text).unwrap())
}

/// The captured descriptions, with the bodies of the captured SIP messages: name and text.
pub(crate) fn sdp_files() -> Option<Vec<(String, String)>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(root()?.join("captures/sdp")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        if name.ends_with(".sdp") {
            files.push((name, text));
        } else if let Some((_, body)) = text.split_once("\r\n\r\n") {
            files.push((name, body.to_owned()));
        }
    }
    files.sort();
    Some(files)
}

/// Bytes out of hexadecimal digits.
pub(crate) fn hex(digits: &str) -> Vec<u8> {
    let pairs = digits.as_bytes().chunks(2);
    pairs
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// Our side of ICE and DTLS.
pub(crate) fn webrtc_transport() -> LocalTransport {
    let ice = LocalIce {
        credentials: Credentials {
            ufrag: "w0Kx".to_owned(),
            pwd: "8SzDn7sSvvGDnUKJzcVpPa0x".to_owned(),
        },
        candidates: vec!["candidate:1 1 udp 2130706431 192.0.2.1 16384 typ host".to_owned()],
        end_of_candidates: true,
        lite: false,
    };
    LocalTransport::webrtc(ice, dtls())
}

/// Our side of DTLS.
pub(crate) fn dtls() -> LocalDtls {
    LocalDtls {
        fingerprints: vec![format!("sha-256 {}", ["AB"; 32].join(":"))],
        role: DtlsRole::Server,
        tls_id: None,
    }
}

/// Audio as a gateway has it.
pub(crate) fn audio(codecs: Vec<Codec>) -> Rtp {
    let mut audio = Rtp::audio(codecs);
    audio.packet_time = Some(Duration::from_millis(20));
    audio
}

/// Capabilities of a gateway with these codecs, towards a browser.
pub(crate) fn webrtc(codecs: Vec<Codec>) -> Capabilities {
    let mut audio = audio(codecs);
    audio.feedback = true;
    audio.source = Some(Source {
        stream: "gateway".to_owned(),
        track: "audio".to_owned(),
        ssrc: 0x1234_5678,
        cname: "c1".to_owned(),
    });
    Capabilities::bundled(vec![Stream::rtp(audio, webrtc_transport())])
}

/// An `o=` line of ours.
pub(crate) fn origin() -> LocalOrigin {
    let address = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    LocalOrigin {
        session_id: 4_611_686_018_427_387_904,
        session_version: 1,
        address,
    }
}

/// Where we receive without ICE.
pub(crate) fn plain_transport() -> LocalTransport {
    LocalTransport::plain(([192, 0, 2, 1], 20_000).into())
}

/// Capabilities of a gateway with these codecs, towards a phone.
pub(crate) fn phone(codecs: Vec<Codec>) -> Capabilities {
    Capabilities::one(Stream::rtp(audio(codecs), plain_transport()))
}

/// The same capabilities with a change to the first stream.
pub(crate) fn with(mut ours: Capabilities, change: impl FnOnce(&mut Stream)) -> Capabilities {
    change(&mut ours.streams[0]);
    ours
}

/// The RTP of a stream.
pub(crate) fn rtp(stream: &mut Stream) -> &mut Rtp {
    match &mut stream.content {
        Content::Rtp(rtp) => rtp,
        other => panic!("{other:?}"),
    }
}

/// A session that has begun with the answer to an offer.
pub(crate) fn answer(offer: &Description<'_>, ours: &Capabilities) -> Result<Answered, Refusal> {
    let mut session = Session::new(origin());
    session.answer(offer, ours)?;
    Ok(Answered::of(session))
}

/// A session that has begun with our offer.
pub(crate) fn offer(ours: &Capabilities) -> Session {
    let mut session = Session::new(origin());
    session.offer(ours).unwrap();
    session
}

/// What the first accepted section of an answer to our offer is.
pub(crate) fn accept(offer: &Session, answer: &str) -> Result<Agreed, Refusal> {
    let answer = Description::parse(answer).unwrap();
    let agreement = offer.clone().accept(&answer)?.clone();
    Ok(agreement.accepted().next().unwrap().clone())
}

/// What we say, as text.
pub(crate) fn text(session: &Session) -> String {
    session.description().unwrap().to_string()
}

/// A session after an answer: what we said, and the first accepted section.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) session: Session,
    pub(crate) text: String,
    pub(crate) agreed: Agreed,
}

impl Answered {
    fn of(session: Session) -> Self {
        let agreed = session.agreement().unwrap().accepted().next().cloned();
        Self {
            text: text(&session),
            agreed: agreed.unwrap(),
            session,
        }
    }

    pub(crate) fn formats(&self) -> &Formats {
        self.agreed.formats().unwrap()
    }
}

/// The answer of a gateway with Opus and PCMU to a browser.
pub(crate) fn answer_as_browser(offer: &Description<'_>) -> Result<Answered, Refusal> {
    answer(offer, &webrtc(vec![Codec::OPUS, Codec::PCMU]))
}

/// Audio, video and data channels over ICE or without, protected in any way that the peer can.
pub(crate) fn everything(codecs: Vec<Codec>) -> Capabilities {
    let mut transport = plain_transport();
    transport.ice = webrtc_transport().ice;
    transport.keying.encryption = Encryption::BestEffort;
    transport.keying.dtls = Some(dtls());
    transport.keying.sdes = vec![key("AES_CM_128_HMAC_SHA1_80"), key("AEAD_AES_256_GCM")];
    let video = Rtp::video(vec![
        Codec::new("VP8", 90_000, 100),
        Codec::new("H261", 90_000, 31),
    ]);
    let data = DataChannel {
        port: 5000,
        max_message_size: 262_144,
    };
    let mut audio = audio(codecs);
    audio.selection = Selection::All;
    Capabilities::apart(vec![
        Stream::rtp(audio, transport.clone()),
        Stream::rtp(video, transport.clone()),
        Stream::data(data, transport),
    ])
}

/// A key of ours for SDES.
pub(crate) fn key(suite: &str) -> LocalKey {
    LocalKey {
        suite: suite.to_owned(),
        key_params: "inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz".to_owned(),
    }
}
