//! What the tests share: data that several projects use, beside the workspace, and capabilities.
//! Where the data is absent the tests say so and pass.

#![allow(dead_code)] // each test file uses its part

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::time::Duration;

use sdp::attribute::Direction;
use sdp::negotiate::browser::{Capabilities, DtlsRole, LocalStream, LocalTransport};
use sdp::negotiate::phone::Endpoint;
use sdp::negotiate::{Codec, Credentials, LocalOrigin};
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

/// Capabilities of a gateway with these codecs.
pub(crate) fn capabilities(codecs: Vec<Codec>) -> Capabilities {
    Capabilities {
        codecs,
        telephone_event: true,
        comfort_noise: false,
        direction: Direction::Sendrecv,
        packet_time: Some(Duration::from_millis(20)),
        origin: origin(),
        transport: LocalTransport {
            credentials: Credentials {
                ufrag: "w0Kx".to_owned(),
                pwd: "8SzDn7sSvvGDnUKJzcVpPa0x".to_owned(),
            },
            candidates: vec!["candidate:1 1 udp 2130706431 192.0.2.1 16384 typ host".to_owned()],
            end_of_candidates: true,
            fingerprints: vec![format!("sha-256 {}", ["AB"; 32].join(":"))],
            role: DtlsRole::Server,
        },
        stream: LocalStream {
            stream: "gateway".to_owned(),
            track: "audio".to_owned(),
            ssrc: 0x1234_5678,
            cname: "c1".to_owned(),
        },
    }
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

/// An end of plain RTP.
pub(crate) fn endpoint(codecs: Vec<Codec>) -> Endpoint {
    Endpoint {
        origin: origin(),
        address: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
        rtp_port: 20_000,
        rtcp_port: 20_001,
        codecs,
        telephone_event: true,
        comfort_noise: false,
        direction: Direction::Sendrecv,
        packet_time: Some(Duration::from_millis(20)),
    }
}

/// The answer of a gateway with Opus and PCMU to a browser.
pub(crate) fn answer_as_browser(
    offer: &sdp::Description<'_>,
) -> Result<sdp::Description<'static>, String> {
    let ours = capabilities(vec![Codec::OPUS, Codec::PCMU]);
    let answer = sdp::negotiate::browser::answer(offer, &ours);
    answer
        .map(|answer| answer.description)
        .map_err(|refusal| refusal.to_string())
}
