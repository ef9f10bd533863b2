//! Our offers and answers before those who must understand them: browsers take our answers to offers
//! of every captured shape, and answer our offers; a phone answers our offers with and without keys.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)] // a test's panic is its verdict

mod support;

use std::net::SocketAddr;
use std::time::Duration;

use sdp::Description;
use sdp::attribute::Direction;
use sdp::negotiate::{
    Capabilities, Codec, Credentials, DataChannel, DtlsRole, Encryption, Keys, LocalDtls, LocalIce,
    LocalKey, LocalOrigin, LocalTransport, Rtp, Session, Source, Stream,
};
use serde_json::{Value, json};
use support::browser::Browser;
use support::browser::Make::{self, Chromium, Firefox};
use support::desk::{Desk, PHONE_TONE};
use support::phone::{Answer, Phone};
use support::process::PATIENCE;
use tokio::net::UdpSocket;
use tokio::time::timeout;

/// Kind and direction of the sections of an offer.
type Shape = Vec<(String, Direction)>;

/// The shapes of what browsers were seen to offer, each once; some, where no captures are there.
fn shapes() -> Vec<Shape> {
    let mut shapes: Vec<Shape> = vec![
        vec![("audio".to_owned(), Direction::Sendrecv)],
        vec![("application".to_owned(), Direction::Sendrecv)],
        vec![
            ("audio".to_owned(), Direction::Sendonly),
            ("video".to_owned(), Direction::Recvonly),
        ],
    ];
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/captures/sdp");
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let is_browser = name.starts_with("chrom") || name.starts_with("firefox");
        if !is_browser || !name.contains("offer") || name.contains("answer") {
            continue;
        }
        let text = std::fs::read_to_string(path).unwrap();
        let offer = Description::parse(&text).unwrap();
        let sections = offer.media().iter().map(|media| {
            let direction = offer.find_for::<Direction>(media).unwrap_or_default();
            (media.kind().to_owned(), direction)
        });
        let shape: Shape = sections.collect();
        if !shapes.contains(&shape) {
            shapes.push(shape);
        }
    }
    shapes
}

fn webrtc() -> LocalTransport {
    let ice = LocalIce {
        credentials: Credentials {
            ufrag: "w0Kx".into(),
            pwd: "8SzDn7sSvvGDnUKJzcVpPa0x".into(),
        },
        candidates: vec!["candidate:1 1 udp 2130706431 127.0.0.1 9 typ host".into()],
        end_of_candidates: true,
        lite: false,
    };
    LocalTransport::webrtc(ice, dtls())
}

fn dtls() -> LocalDtls {
    LocalDtls {
        fingerprints: vec![format!("sha-256 {}", ["AB"; 32].join(":"))],
        role: DtlsRole::Server,
        tls_id: None,
    }
}

/// A stream for each section, over one transport.
fn streams(shape: &Shape) -> Capabilities {
    let stream = |(index, (kind, _)): (usize, &(String, Direction))| {
        let source = Source {
            stream: "crosspoint".into(),
            track: format!("track{index}"),
            ssrc: 1000 + u32::try_from(index).unwrap(),
            cname: "cname".into(),
        };
        let mut rtp = match kind.as_str() {
            "audio" => Rtp::audio(vec![Codec::OPUS, Codec::PCMU]),
            "video" => Rtp::video(vec![Codec::new("VP8", 90_000, 96)]),
            _ => {
                let data = DataChannel {
                    port: 5000,
                    max_message_size: 262_144,
                };
                return Stream::data(data, webrtc());
            }
        };
        (rtp.feedback, rtp.source) = (true, Some(source));
        Stream::rtp(rtp, webrtc())
    };
    Capabilities::bundled(shape.iter().enumerate().map(stream).collect())
}

fn session(address: [u8; 4]) -> Session {
    Session::new(LocalOrigin {
        session_id: 4711,
        session_version: 1,
        address: address.into(),
    })
}

/// Runs what waits for something on the page, and answers what it came to.
async fn run(browser: &Browser, body: String) -> Value {
    let script = format!(
        "window.said = undefined;
         (async () => {{ {body} }})().then(
             said => window.said = said, problem => window.said = 'problem: ' + problem);
         return true;"
    );
    browser.script(&script).await;
    let said = browser.until("return window.said", PATIENCE).await;
    said.unwrap_or_else(|| panic!("no end of {body}"))
}

async fn takes_our_answers(browser: &Browser, shape: &Shape) {
    let sections = shape
        .iter()
        .map(|(kind, way)| json!([kind, way.to_string()]));
    let sections = Value::from_iter(sections);
    let offer = run(
        browser,
        format!(
            "const pc = window.pc = new RTCPeerConnection();
             for (const [kind, direction] of {sections}) {{
                 if (kind === 'application') pc.createDataChannel('data');
                 else pc.addTransceiver(kind, {{ direction }});
             }}
             await pc.setLocalDescription(await pc.createOffer());
             return pc.localDescription.sdp;"
        ),
    );
    let offer = offer.await.as_str().unwrap().to_owned();
    let read = Description::parse_strict(&offer).unwrap_or_else(|e| panic!("{e}\n{offer}"));
    let mut ours = session([0, 0, 0, 0]);
    let agreement = ours.answer(&read, &streams(shape));
    let agreement = agreement.unwrap_or_else(|e| panic!("{e}\n{offer}")).clone();
    assert_eq!(agreement.accepted().count(), shape.len(), "{offer}");
    let answer = Value::from(ours.description().unwrap().to_string());
    let taken = run(
        browser,
        format!(
            "const pc = window.pc;
             await pc.setRemoteDescription({{ type: 'answer', sdp: {answer} }});
             const ways = pc.getTransceivers().map(one => one.currentDirection);
             const said = [pc.signalingState, ...ways];
             pc.close();
             return said;"
        ),
    );
    let media = agreement
        .accepted()
        .filter(|agreed| agreed.formats().is_some());
    let ways = media.map(|agreed| Value::from(agreed.direction.reversed().to_string()));
    let expected: Vec<Value> = [Value::from("stable")].into_iter().chain(ways).collect();
    assert_eq!(taken.await, Value::from(expected), "{answer}");
}

async fn answers_our_offers(browser: &Browser, shape: &Shape) {
    let mut ours = session([0, 0, 0, 0]);
    let offer = Value::from(ours.offer(&streams(shape)).unwrap().to_string());
    let answer = run(
        browser,
        format!(
            "const pc = new RTCPeerConnection();
             await pc.setRemoteDescription({{ type: 'offer', sdp: {offer} }});
             await pc.setLocalDescription(await pc.createAnswer());
             const said = pc.localDescription.sdp;
             pc.close();
             return said;"
        ),
    );
    let answer = answer.await.as_str().unwrap().to_owned();
    let read =
        Description::parse_strict(&answer).unwrap_or_else(|e| panic!("{e}\n{answer}\n{offer}"));
    let agreement = ours
        .accept(&read)
        .unwrap_or_else(|e| panic!("{e}\n{answer}"));
    assert_eq!(agreement.accepted().count(), shape.len(), "{answer}");
    assert!(
        agreement.accepted().all(|agreed| agreed.transport == 0),
        "{answer}"
    );
}

async fn understands_us(make: Make) {
    let desk = Desk::new(make, "").await;
    for shape in shapes() {
        println!("{make:?}: {shape:?}");
        takes_our_answers(&desk.browser, &shape).await;
        answers_our_offers(&desk.browser, &shape).await;
    }
    desk.close().await;
}

#[tokio::test]
async fn real_chromium_takes_our_answers_and_answers_our_offers() {
    understands_us(Chromium).await;
}

#[tokio::test]
async fn real_firefox_takes_our_answers_and_answers_our_offers() {
    understands_us(Firefox).await;
}

/// The body of the phone's 200 to an INVITE with this offer. The call ends at once.
async fn invite(phone: SocketAddr, offer: &str) -> String {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let us = socket.local_addr().unwrap();
    let request = |method: &str, number: u32, to: &str, body: &str| {
        let length = body.len();
        format!(
            "{method} sip:phone@{phone} SIP/2.0\r\nVia: SIP/2.0/UDP {us};branch=z9hG4bK{number}{method}\r\n\
             Max-Forwards: 70\r\nFrom: <sip:test@{us}>;tag=us\r\nTo: {to}\r\n\
             Call-ID: {us}\r\nCSeq: {number} {method}\r\nContact: <sip:test@{us}>\r\n\
             Content-Type: application/sdp\r\nContent-Length: {length}\r\n\r\n{body}"
        )
    };
    let to = format!("<sip:phone@{phone}>");
    let sent = request("INVITE", 1, &to, offer);
    socket.send_to(sent.as_bytes(), phone).await.unwrap();
    let mut buffer = vec![0; 8192];
    let final_response = async {
        loop {
            let (length, _) = socket.recv_from(&mut buffer).await.unwrap();
            let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
            if !text.starts_with("SIP/2.0 1") {
                return text;
            }
        }
    };
    let response = timeout(PATIENCE, final_response).await.expect("no answer");
    assert!(response.starts_with("SIP/2.0 200"), "{response}\n{offer}");
    let line = response
        .lines()
        .find(|line| line.to_lowercase().starts_with("to:"));
    let to = line.unwrap().split_once(':').unwrap().1.trim().to_owned();
    for (method, number) in [("ACK", 1), ("BYE", 2)] {
        let sent = request(method, number, &to, "");
        socket.send_to(sent.as_bytes(), phone).await.unwrap();
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    response.split_once("\r\n\r\n").unwrap().1.to_owned()
}

#[tokio::test]
async fn real_baresip_answers_our_offers() {
    let key = |suite: &str| LocalKey {
        suite: suite.to_owned(),
        key_params: "inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz".to_owned(),
    };
    // What the phone does, what we want, and what comes of it.
    let cases = [
        ("", Encryption::Off, "plain"),
        ("", Encryption::BestEffort, "plain"),
        (";mediaenc=srtp", Encryption::BestEffort, "sdes"),
        (";mediaenc=srtp-mand", Encryption::Required, "sdes"),
        (";mediaenc=dtls_srtp", Encryption::Required, "dtls"),
    ];
    for (account, encryption, expected) in cases {
        let phone = Phone::start_with(PHONE_TONE, Answer::Auto, account).await;
        let mut transport = LocalTransport::plain(([127, 0, 0, 1], 19_000).into());
        transport.keying.encryption = encryption;
        transport.keying.sdes = vec![key("AES_CM_128_HMAC_SHA1_80")];
        transport.keying.dtls = (expected == "dtls").then(dtls);
        let codecs = vec![Codec::PCMU, Codec::PCMA, Codec::OPUS];
        let ours = Capabilities::one(Stream::audio(codecs, transport));
        let mut session = session([127, 0, 0, 1]);
        let offer = session.offer(&ours).unwrap().to_string();
        let answer = invite(phone.sip, &offer).await;
        let read = Description::parse(&answer).unwrap_or_else(|e| panic!("{e}\n{answer}"));
        let agreement = session
            .accept(&read)
            .unwrap_or_else(|e| panic!("{e}\n{offer}\n{answer}"));
        let agreed = agreement.stream(0).unwrap();
        let keys = match &agreed.keys {
            Keys::Plain => "plain",
            Keys::Sdes(_) => "sdes",
            Keys::Dtls(_) => "dtls",
            other => panic!("{other:?}"),
        };
        assert_eq!(keys, expected, "{account}\n{offer}\n{answer}");
        assert!(
            agreed.formats().unwrap().telephone_event.is_some(),
            "{answer}"
        );
        assert!(agreed.destination.addresses().is_some());
    }
}
