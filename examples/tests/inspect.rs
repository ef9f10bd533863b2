//! The program `inspect`: what it shows, what it hides, and what it says of malformed input.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // helpers of tests fail like tests

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use proptest::prelude::*;
use serde_json::{Value, json};

const PASSWORD: &str = "0123456789abcdefSECRET";
const KEY: &str = "inline:SECRETd0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj";

fn offer() -> String {
    format!(
        "v=0\r\no=alice 1 2 IN IP4 192.0.2.1\r\ns=call\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
         m=audio 49170 RTP/SAVP 0 101\r\na=rtpmap:0 PCMU/8000\r\n\
         a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n\
         a=crypto:1 AES_CM_128_HMAC_SHA1_80 {KEY}\r\na=ice-ufrag:abcd\r\na=ice-pwd:{PASSWORD}\r\n\
         a=sendonly\r\n"
    )
}

/// The objects that the program writes, and its status.
fn inspect(arguments: &[&str], input: &[u8]) -> (Vec<Value>, i32) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_inspect"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    // A program that read no further than its first complaint closes the pipe.
    let _ = writer.join().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let objects = text.lines().map(|line| serde_json::from_str(line).unwrap());
    (objects.collect(), output.status.code().unwrap())
}

#[test]
fn a_description_is_one_object_without_its_secrets() {
    let (shown, status) = inspect(&["sdp", "-", "--strict"], offer().as_bytes());
    assert_eq!((shown.len(), status), (1, 0), "{shown:?}");
    let audio = &shown[0]["media"][0];
    assert_eq!(audio["kind"], "audio");
    assert_eq!(audio["port"], 49170);
    assert_eq!(audio["address"], "192.0.2.1");
    assert_eq!(audio["direction"], "sendonly");
    assert_eq!(
        audio["codecs"],
        json!([
            { "payload_type": 0, "name": "PCMU", "clock_rate": 8000 },
            { "payload_type": 101, "name": "telephone-event", "clock_rate": 8000, "parameters": "0-15" },
        ])
    );
    let attributes = audio["attributes"].as_array().unwrap();
    for name in ["crypto", "ice-pwd"] {
        let mut named = attributes
            .iter()
            .filter(|attribute| attribute["name"] == name);
        assert_eq!(named.next().unwrap()["value"], "<redacted>", "{name}");
    }
    assert!(!shown[0].to_string().contains("SECRET"));
    let (shown, _) = inspect(&["sdp", "-", "--show-secrets"], offer().as_bytes());
    let shown = shown[0].to_string();
    assert!(shown.contains(PASSWORD) && shown.contains(KEY));
}

#[test]
fn attributes_are_shown_as_their_types() {
    let (shown, _) = inspect(&["sdp", "-"], offer().as_bytes());
    let attributes = shown[0]["media"][0]["attributes"].as_array().unwrap();
    let typed = |name: &str| {
        let mut named = attributes
            .iter()
            .filter(|attribute| attribute["name"] == name);
        named.next().unwrap()["typed"].clone()
    };
    let channels = json!(null);
    assert_eq!(
        typed("rtpmap"),
        json!({ "payload_type": 0, "encoding": "PCMU", "clock_rate": 8000, "channels": channels })
    );
    assert_eq!(
        typed("sendonly"),
        json!({ "sends": true, "receives": false })
    );
    assert_eq!(typed("ice-pwd"), json!({ "pwd": "<redacted>" }));
    assert_eq!(typed("crypto")["keys"], "<redacted>");
}

#[test]
fn what_strict_reading_refuses_lenient_reading_tells() {
    let no_name = offer().replace("s=call\r\n", "");
    let (shown, status) = inspect(&["sdp", "-", "--strict"], no_name.as_bytes());
    assert_eq!(status, 1);
    assert_eq!(
        (&shown[0]["line"], &shown[0]["column"]),
        (&json!(5), &json!(1))
    );
    let error = shown[0]["error"].as_str().unwrap();
    assert!(error.contains("expected an s= line"), "{error}");
    for arguments in [&["sdp", "-", "--lenient"][..], &["sdp", "-"]] {
        let (shown, status) = inspect(arguments, no_name.as_bytes());
        assert_eq!((status, &shown[0]["mode"]), (0, &json!("lenient")));
        assert_eq!(shown[0]["forgiven"]["error"], error);
        assert_eq!(shown[0]["media"][0]["port"], 49170);
    }
    let (_, status) = inspect(&["sdp", "-", "--strict", "--lenient"], b"");
    assert_eq!(status, 2, "one or the other");
}

#[test]
fn no_error_tells_a_secret() {
    let offer = offer();
    for (line, broken) in [
        (10, offer.replace(" AES_CM", "  AES_CM")),
        (10, offer.replace("a=crypto:1 ", "a=crypto:x ")),
        (12, offer.replace("a=ice-pwd:", "b=ice-pwd:")),
        (
            12,
            offer.replace("a=ice-pwd:0123456789abcdef", "a=ice-pwd:short\u{e9}"),
        ),
        (1, offer.replace("v=0", &format!("a=ice-pwd:{PASSWORD}"))),
        (
            1,
            offer.replace("v=0\r\no=", &format!("k=clear:{PASSWORD}\r\nv=0\r\no=")),
        ),
        (
            10,
            offer.replace("a=crypto:1 AES_CM_128_HMAC_SHA1_80 ", "crypto="),
        ),
    ] {
        let (shown, status) = inspect(&["sdp", "-", "--strict"], broken.as_bytes());
        assert_eq!((status, &shown[0]["line"]), (1, &json!(line)), "{shown:?}");
        let (lenient, _) = inspect(&["sdp", "-"], broken.as_bytes());
        for shown in [&shown[0], &lenient[0]] {
            assert!(!shown.to_string().contains("SECRET"), "{shown}");
        }
    }
    let (shown, status) = inspect(&["sdp", "-"], b"v=0\r\ns=\xff\r\n");
    assert_eq!(
        (status, &shown[0]["line"], &shown[0]["column"]),
        (1, &json!(2), &json!(3))
    );
}

#[test]
fn a_check_is_shown_and_the_rest_is_read_after_a_fault() {
    // RFC 5769 §2.1: a Binding request with its user name, PRIORITY and FINGERPRINT.
    let request = "000100582112a442b7e7a701bc34d686fa87dfae802200105354554e207465737420636c69656e74\
                   002400046e0001ff80290008932ff9b151263b36000600096576746a3a68367659202020\
                   000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a280280004e57a3bcf";
    let cut = &request[..request.len() - 8];
    let wrong = request.replace("002400046e0001ff", "002400046e0001fe");
    let input = format!("# checks\n{request}\n{cut}\n\nxyz\n{wrong}\n00\n{request}\n");
    let (shown, status) = inspect(&["stun"], input.as_bytes());
    assert_eq!((shown.len(), status), (6, 1));
    assert_eq!(
        (&shown[0]["line"], &shown[0]["class"]),
        (&json!(2), &json!("request"))
    );
    assert_eq!(shown[0]["transaction_id"], "b7e7a701bc34d686fa87dfae");
    assert_eq!(shown[0]["fingerprint"], true);
    let value = |name: &str| {
        let attributes = shown[0]["attributes"].as_array().unwrap();
        let found = attributes
            .iter()
            .find(|attribute| attribute["type"] == name);
        found.unwrap()["value"].clone()
    };
    assert_eq!(value("USERNAME"), "evtj:h6vY");
    assert_eq!(value("PRIORITY"), 0x6e00_01ff);
    assert_eq!(value("SOFTWARE"), "STUN test client");
    assert_eq!(
        (&shown[1]["line"], &shown[1]["offset"]),
        (&json!(3), &json!(2))
    );
    assert_eq!(
        (&shown[2]["line"], &shown[2]["column"]),
        (&json!(5), &json!(1))
    );
    // What a wrong FINGERPRINT covers is shown all the same.
    assert_eq!(shown[3]["fingerprint"], false);
    let attributes = shown[3]["attributes"].as_array().unwrap();
    assert_eq!(attributes[1]["value"], 0x6e00_01fe);
    let wrong = attributes.last().unwrap();
    assert_eq!(
        (&wrong["type"], &wrong["offset"]),
        (&json!("FINGERPRINT"), &json!(100))
    );
    let error = wrong["error"].as_str().unwrap();
    let says = "FINGERPRINT at offset 100 says 0xe57a3bcf, computed 0x";
    assert!(
        error.starts_with(says) && wrong.get("value").is_none(),
        "{wrong}"
    );
    assert_eq!(shown[4]["error"], "1 bytes, and a header has 20");
    assert_eq!(
        (&shown[5]["line"], &shown[5]["method"]),
        (&json!(8), &json!("Binding"))
    );
}

#[test]
fn channel_data_is_named() {
    // With padding and without; cut; too short for its header.
    let input = "40000003 aabbcc 00\n0x4fff0001aa\n40000003aabb\n4000\n40000001 aabbccddee\n";
    let (shown, status) = inspect(&["stun"], input.as_bytes());
    assert_eq!((shown.len(), status), (5, 1));
    let first = json!({ "line": 1, "kind": "ChannelData", "bytes": 8, "channel": "0x4000", "data_bytes": 3 });
    assert_eq!(shown[0], first);
    assert_eq!(shown[1]["channel"], "0x4fff");
    assert_eq!(
        shown[2]["error"],
        "ChannelData: the length field says 3 bytes, 2 follow"
    );
    assert_eq!(
        (&shown[2]["offset"], &shown[3]["offset"]),
        (&json!(2), &json!(2))
    );
    assert_eq!(shown[4]["offset"], 2);
    let (shown, _) = inspect(&["stun", "-", "--show-secrets"], input.as_bytes());
    assert_eq!(shown[0]["data"], "aabbcc");
}

#[test]
fn a_candidate_that_ice_cannot_read_is_a_fault_of_strict_reading() {
    let good = "a=candidate:1 1 udp 2113937151 192.0.2.1 5000 typ host generation 0\r\n";
    let description = offer() + good;
    assert_eq!(inspect(&["sdp", "--strict"], description.as_bytes()).1, 0);
    let description = description + "a=candidate:foo\r\n";
    let (shown, status) = inspect(&["sdp", "--strict"], description.as_bytes());
    assert_eq!(
        (status, &shown[0]["line"], &shown[0]["column"]),
        (1, &json!(15), &json!(16))
    );
    let error = "line 15, column 16: expected a candidate's component (1 to 256)";
    assert_eq!(shown[0]["error"], error);
    let (shown, status) = inspect(&["sdp"], description.as_bytes());
    assert_eq!((status, &shown[0]["forgiven"]["error"]), (0, &json!(error)));
}

#[test]
fn a_malformed_attribute_and_a_token_of_a_message() {
    // A success response: an address of family 9, and a reservation token.
    let response = "010100182112a442b7e7a701bc34d686fa87dfae\
                    0020000800090000112233440022000800aabbccddeeff11";
    let (shown, status) = inspect(&["stun"], response.as_bytes());
    let attributes = &shown[0]["attributes"];
    assert_eq!((status, &attributes[0]["offset"]), (1, &json!(20)));
    assert_eq!(
        attributes[0]["error"],
        "XOR-MAPPED-ADDRESS has address family 9"
    );
    assert_eq!(attributes[1]["value"], "<redacted>");
    let (shown, _) = inspect(&["stun", "--show-secrets"], response.as_bytes());
    assert_eq!(shown[0]["attributes"][1]["value"], "00aabbccddeeff11");
}

#[test]
fn packets_are_shown_without_payload_and_digits() {
    let sound = "90 80 1234 00000140 0000002a bede0001 10 7f 00 00 ffeeddccbb";
    let digit = "80e5 1235 00000140 0000002a 05 8a 03 20";
    let report = "81c90007 0000002a 0000002b 00000000 00001234 00000000 00000000 00000000";
    let input = [
        sound,
        digit,
        report,
        "00",
        "c0000000000000000000000000",
        "80e512",
    ]
    .join("\n");
    let (shown, status) = inspect(&["rtp", "--telephone-event", "101"], input.as_bytes());
    assert_eq!((shown.len(), status), (6, 1));
    let first = &shown[0];
    assert_eq!(
        (&first["kind"], &first["ssrc"]),
        (&json!("rtp"), &json!("0x0000002a"))
    );
    assert_eq!(
        (&first["sequence"], &first["timestamp"]),
        (&json!(0x1234), &json!(320))
    );
    assert_eq!(
        (&first["marker"], &first["payload_bytes"]),
        (&json!(true), &json!(5))
    );
    assert_eq!(
        first["extension"],
        json!({ "profile": "0xbede", "bytes": 4 })
    );
    assert_eq!(first.get("payload"), None);
    let event = json!({ "event": "<redacted>", "end": true, "volume": 10, "duration": 800 });
    assert_eq!(shown[1]["telephone_event"], event);
    assert_eq!(
        (&shown[2]["kind"], &shown[2]["name"]),
        (&json!("rtcp"), &json!("RR"))
    );
    assert_eq!(shown[3]["offset"], 1);
    assert_eq!(
        (&shown[4]["offset"], &shown[4]["line"]),
        (&json!(0), &json!(5))
    );
    assert!(shown[5]["error"].is_string());

    let arguments = ["rtp", "--telephone-event", "101", "--show-secrets"];
    let (shown, _) = inspect(&arguments, input.as_bytes());
    assert_eq!(shown[0]["payload"], "ffeeddccbb");
    assert_eq!(shown[1]["telephone_event"]["event"], "5");
}

/// Files under `../shared/captures`, where it exists.
fn captures(folder: &str, ending: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/captures");
    let Ok(entries) = fs::read_dir(root.join(folder)) else {
        println!("../shared/captures is not there: only our own inputs were shown");
        return Vec::new();
    };
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = paths
        .filter(|path| path.to_string_lossy().ends_with(ending))
        .collect();
    paths.sort();
    paths
}

#[test]
fn what_real_programs_sent_is_shown() {
    for path in captures("sdp", ".sdp") {
        let (shown, status) = inspect(&["sdp", path.to_str().unwrap()], b"");
        assert_eq!((shown.len(), status), (1, 0), "{shown:?}");
        let attributes = shown[0]["media"][0]["attributes"].as_array().unwrap();
        for attribute in attributes {
            let is_secret = attribute["name"] == "ice-pwd" || attribute["name"] == "crypto";
            assert!(!is_secret || attribute["value"] == "<redacted>", "{path:?}");
        }
    }
    for (what, folder) in [
        ("stun", "packets/stun"),
        ("stun", "packets/turn"),
        ("rtp", "packets/srtp"),
    ] {
        for path in captures(folder, ".hex") {
            if path.to_string_lossy().ends_with(".segments.hex") {
                continue; // pieces of a TCP stream are no datagrams
            }
            let input = fs::read(&path).unwrap();
            let (shown, _) = inspect(&[what, path.to_str().unwrap()], b"");
            let lines = input.split(|b| *b == b'\n').filter(|line| !line.is_empty());
            assert_eq!(shown.len(), lines.count(), "{path:?}");
            let faults = shown.iter().filter(|object| object.get("error").is_some());
            let faults: Vec<_> = faults.collect();
            assert!(faults.is_empty(), "{path:?}: {faults:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_input_is_read_to_its_end(
        datagrams in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 0..20),
        garbage in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        use examples::inspect::{self, RtpOptions, SdpOptions, Secrets};
        let mut text = garbage.clone();
        for datagram in &datagrams {
            text.push(b'\n');
            text.extend(datagram.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()));
        }
        let options = RtpOptions { telephone_event: Some(101), ..RtpOptions::default() };
        let mut out = Vec::new();
        inspect::stun(&text[..], &mut out, Secrets::Shown).unwrap();
        inspect::rtp(&text[..], &mut out, options).unwrap();
        inspect::sdp("-", &garbage, &mut out, SdpOptions::default()).unwrap();
        for line in String::from_utf8(out).unwrap().lines() {
            prop_assert!(serde_json::from_str::<Value>(line).unwrap().is_object());
        }
    }
}
