//! `inspect srtp`: packets decrypted with the keys of a file, which are never shown.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // helpers of tests fail like tests

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use srtp::{Config, CryptoAttribute, HeaderExtensions, MasterKey, Profile, Sender, TRAILER_MAX};

/// RFC 3711 B.3.
const KEY: &str = "e1f97a0d3e018be0d64fa32c06de4139";
const SALT: &str = "0ec675ad498afeebb6960b3aabe6";
const PROFILE: &str = "AES_CM_128_HMAC_SHA1_80";
const RTP: &str = "8060000100000001cafebabe7061796c6f616421";
const SRTP: &str = "8060000100000001cafebabedb0acf04e825ca193b299fd9efbd6d1c6a85";
const RTCP: &str = "80c80006cafebabe0000000000000000000000000000000000000000";
const SRTCP: &str = "80c80006cafebabeda83a8f04f2c121615533bea52dc0e037e44132a\
                     8000000154174bd2e0d687ac0783";

/// A receiver report of SSRC 7.
const REPORT: [u8; 8] = [0x80, 201, 0, 1, 0, 0, 0, 7];

/// What the program wrote to both outputs, and its status.
struct Said {
    out: String,
    error: String,
    status: i32,
}

impl Said {
    fn objects(&self) -> Vec<Value> {
        let lines = self.out.lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

/// A file that is gone when the test is over.
struct KeyFile(PathBuf);

impl KeyFile {
    fn new(name: &str, text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("inspect-{}-{name}", std::process::id()));
        fs::write(&path, text).unwrap();
        Self(path)
    }
}

impl Drop for KeyFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn inspect(profile: &str, key_file: &KeyFile, more: &[&str], input: &str) -> Said {
    let mut child = Command::new(env!("CARGO_BIN_EXE_inspect"))
        .args(["srtp", "--profile", profile, "--key-file"])
        .arg(&key_file.0)
        .args(more)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that stops at its arguments closes the pipe.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    Said {
        out: String::from_utf8(output.stdout).unwrap(),
        error: String::from_utf8(output.stderr).unwrap(),
        status: output.status.code().unwrap(),
    }
}

fn text(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn master_key(profile: Profile, number: u8) -> (MasterKey, String) {
    let key = vec![number; profile.key_len()];
    let salt = vec![number + 1; profile.salt_len()];
    let new = match profile.encrypts() {
        true => MasterKey::new,
        false => MasterKey::new_unencrypted,
    };
    let digits = text(&key) + &text(&salt);
    (new(profile, &key, &salt).unwrap(), digits)
}

/// The packet protected, in hexadecimal digits.
fn sealed(sender: &mut Sender, packet: &[u8]) -> String {
    let mut buf = packet.to_vec();
    buf.resize(packet.len() + TRAILER_MAX + 128, 0);
    let len = match srtp::is_rtcp(packet) {
        true => sender.protect_rtcp(&mut buf, packet.len()).unwrap(),
        false => sender.protect_rtp(&mut buf, packet.len()).unwrap(),
    };
    text(&buf[..len])
}

fn rtp(sequence_number: u16) -> Vec<u8> {
    let [high, low] = sequence_number.to_be_bytes();
    let header = [0x80, 0x60, high, low, 0, 0, 0, 1, 0, 0, 0, 7];
    [&header[..], b"what was said"].concat()
}

#[test]
fn rtp_and_rtcp_are_decrypted_and_told_apart() {
    let file = KeyFile::new("plain", &format!("# a call\n\n{KEY}{SALT}\n"));
    let said = inspect(PROFILE, &file, &[], &format!("{SRTP}\n{SRTCP}\n"));
    assert_eq!((said.status, said.error.as_str()), (0, ""));
    let shown = said.objects();
    assert_eq!(shown.len(), 2);
    assert_eq!(
        (&shown[0]["kind"], &shown[0]["plain"]),
        (&json!("rtp"), &json!(RTP))
    );
    assert_eq!(shown[0]["payload_type"], 96);
    assert_eq!(shown[0]["ssrc"], "0xcafebabe");
    assert_eq!((&shown[0]["roc"], &shown[0]["key"]), (&json!(0), &json!(1)));
    assert_eq!(
        (&shown[1]["kind"], &shown[1]["name"], &shown[1]["plain"]),
        (&json!("rtcp"), &json!("SR"), &json!(RTCP))
    );
    for secret in [KEY, SALT] {
        assert!(!said.out.contains(secret));
    }
}

#[test]
fn the_readme_shows_what_is_shown() {
    let file = KeyFile::new("readme", &format!("{KEY}{SALT}"));
    let said = inspect(PROFILE, &file, &[], &format!("{SRTP}\n{SRTCP}\n{SRTP}\n"));
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    for line in [&format!("{KEY}{SALT}"), SRTP, SRTCP]
        .into_iter()
        .chain(said.out.lines())
    {
        assert!(readme.contains(line), "{line}");
    }
}

#[test]
fn every_profile_is_known_by_its_name() {
    for profile in Profile::ALL {
        let (key, digits) = master_key(profile, 0x21);
        let file = KeyFile::new(&format!("profile-{profile}"), &digits);
        let mut sender = Sender::new(key);
        let input = sealed(&mut sender, &rtp(1)) + "\n" + &sealed(&mut sender, &REPORT);
        let bare = profile.to_string().replace("SRTP_", "");
        for name in [bare.clone(), format!("SRTP_{bare}")] {
            let said = inspect(&name, &file, &[], &input);
            assert_eq!(said.status, 0, "{name}: {}{}", said.out, said.error);
            assert_eq!(said.objects()[0]["plain"], text(&rtp(1)));
        }
    }
    let file = KeyFile::new("registry", &format!("{KEY} {SALT}"));
    let said = inspect("SRTP_AES128_CM_HMAC_SHA1_80", &file, &[], SRTP);
    assert_eq!(said.objects()[0]["plain"], RTP);
    let file = KeyFile::new("no-profile", "00");
    let said = inspect("AES_CM_192", &file, &[], "");
    assert_eq!(said.status, 2);
    assert!(said.error.contains("AES_CM_192"), "{}", said.error);
}

#[test]
fn what_does_not_open_is_told_with_its_reason() {
    let file = KeyFile::new("reasons", &format!("{KEY}{SALT}"));
    let forged = SRTP.replace("db0acf", "db0ace");
    let input = format!(
        "{SRTP}\n{SRTP}\n{forged}\n8060\n{}\nxyz\n{SRTCP}\n",
        &SRTP[..40]
    );
    let said = inspect(PROFILE, &file, &[], &input);
    assert_eq!(said.status, 1);
    let shown = said.objects();
    assert_eq!(shown.len(), 7);
    assert_eq!(shown[0]["plain"], RTP);
    let reasons = [
        (1, "replayed"),
        (3, "packet of 2 bytes, needs at least 12"),
        (4, "packet of 20 bytes, needs at least 22"),
        (5, "not a hexadecimal digit"),
    ];
    for (at, reason) in reasons {
        let error = shown[at]["error"].as_str().unwrap();
        assert!(error.contains(reason), "{error}");
        assert_eq!(shown[at]["line"], at + 1);
        assert_eq!(shown[at].get("plain"), None);
    }
    assert_eq!(shown[6]["plain"], RTCP, "the rest is read all the same");

    let said = inspect(PROFILE, &file, &[], &forged);
    assert_eq!(said.objects()[0]["error"], "wrong authentication tag");
}

#[test]
fn both_directions_of_a_dtls_export_are_opened() {
    let profile = Profile::AeadAes128Gcm;
    let exported: Vec<u8> = (0..profile.export_len() as u8).collect();
    let keys = srtp::keys_from_dtls_export(profile, &exported).unwrap();
    let (mut client, mut server) = (Sender::new(keys.client), Sender::new(keys.server));
    let file = KeyFile::new("export", &text(&exported));
    let input = [
        sealed(&mut client, &rtp(1)),
        sealed(&mut server, &rtp(1)),
        sealed(&mut server, &REPORT),
        sealed(&mut client, &rtp(2)),
    ];
    let said = inspect("AEAD_AES_128_GCM", &file, &[], &input.join("\n"));
    assert_eq!(said.status, 0, "{}", said.out);
    let keys: Vec<_> = said
        .objects()
        .iter()
        .map(|it| it["key"].as_u64().unwrap())
        .collect();
    assert_eq!(keys, [1, 2, 2, 1]);
}

#[test]
fn keys_of_sdes_tell_their_mki() {
    let inline = "inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj|2^20|7:4;\
                  inline:NzB4d1BINUAvLEw6UzF3WSJ+PSdFcGdUJShpX1Zj|2^20|8:4";
    let attribute: CryptoAttribute = format!("1 {PROFILE} {inline}").parse().unwrap();
    let mut keys = attribute.master_keys().unwrap().into_iter();
    let mut sender = Sender::new(keys.next().unwrap());
    let first = sealed(&mut sender, &rtp(1));
    sender.change_key(keys.next().unwrap()).unwrap();
    let input = first + "\n" + &sealed(&mut sender, &rtp(2));
    for form in [
        inline.to_owned(),
        format!("3 {PROFILE} {inline}"),
        format!("a=crypto:3 {PROFILE} {inline}"),
    ] {
        let file = KeyFile::new("sdes", &form);
        let said = inspect(PROFILE, &file, &[], &input);
        assert_eq!(said.status, 0, "{}{}", said.out, said.error);
        assert_eq!(said.objects()[1]["plain"], text(&rtp(2)));
    }
    let file = KeyFile::new("sdes-other", &format!("3 {PROFILE} {inline}"));
    let said = inspect("AES_CM_128_HMAC_SHA1_32", &file, &[], &input);
    assert_eq!(said.status, 1);
    assert!(
        said.error.contains("not for AES_CM_128_HMAC_SHA1_32"),
        "{}",
        said.error
    );
}

#[test]
fn an_mki_and_a_roll_over_counter_are_told() {
    let profile = Profile::AesCm256HmacSha1_80;
    let (key, digits) = master_key(profile, 0x31);
    let mut sender = Sender::new(key.with_mki(&[0xab, 0xcd]).unwrap());
    sender.set_roc(7, 5).unwrap();
    let input = sealed(&mut sender, &rtp(65535)) + "\n" + &sealed(&mut sender, &rtp(0));
    let file = KeyFile::new("mki", &digits);
    let name = profile.to_string();
    let said = inspect(&name, &file, &["--mki", "abcd", "--roc", "5"], &input);
    assert_eq!(said.status, 0, "{}{}", said.out, said.error);
    let counters: Vec<_> = said.objects().iter().map(|it| it["roc"].clone()).collect();
    assert_eq!(counters, [5, 6]);
    let said = inspect(&name, &file, &["--mki", "abce", "--roc", "5"], &input);
    assert_eq!(
        (said.status, &said.objects()[0]["error"]),
        (1, &json!("unknown MKI"))
    );
    let said = inspect(&name, &file, &["--mki", "abcd"], &input);
    assert_eq!(said.objects()[0]["error"], "wrong authentication tag");
}

#[test]
fn hidden_header_extensions_are_shown() {
    let header = [0x91, 0x60, 0, 9, 0, 0, 0, 1, 0, 0, 0, 7];
    let packet = [
        &header[..],
        &[0x0a; 4],
        &[0xbe, 0xde, 0, 1, 0x10, 0xaa, 0x30, 0xbb],
        b"said",
    ];
    let packet = packet.concat();
    let ids = [1, 3].into_iter().collect();
    for (hidden, more) in [
        (HeaderExtensions::Cryptex, &[][..]),
        (
            HeaderExtensions::Encrypted(ids),
            &["--encrypted-extensions", "1,3"],
        ),
    ] {
        let (key, digits) = master_key(Profile::AeadAes256Gcm, 0x51);
        let mut config = Config::default();
        config.header_extensions = hidden;
        let mut sender = Sender::with_config(key, config).unwrap();
        let file = KeyFile::new("extensions", &digits);
        let said = inspect(
            "AEAD_AES_256_GCM",
            &file,
            more,
            &sealed(&mut sender, &packet),
        );
        assert_eq!(said.status, 0, "{}{}", said.out, said.error);
        assert_eq!(said.objects()[0]["plain"], text(&packet), "{hidden:?}");
    }
}

/// RFC 7714 §17 protects such a one: its length says 56 bytes, it has 52.
#[test]
fn an_authentic_packet_that_is_malformed_is_shown_with_its_fault() {
    let (key, digits) = master_key(Profile::AeadAes128Gcm, 0x41);
    let report = [&[0x81, 0xc8, 0, 0x0d], &[0x4d; 48][..]].concat();
    let file = KeyFile::new("odd", &digits);
    let input = sealed(&mut Sender::new(key), &report);
    let said = inspect("AEAD_AES_128_GCM", &file, &[], &input);
    assert_eq!(said.status, 1);
    let shown = &said.objects()[0];
    assert_eq!(shown["plain"], text(&report));
    assert!(
        shown["error"].as_str().unwrap().contains("56 bytes, 52"),
        "{shown}"
    );
}

#[test]
fn a_file_without_a_key_is_refused_and_its_content_not_told() {
    let cut = &KEY[..30];
    for (content, reason) in [
        (String::new(), "no key"),
        (format!("# {KEY}{SALT}"), "no key"),
        (KEY.to_owned(), "takes 30 bytes"),
        (
            format!("{KEY}{SALT}\n").repeat(2000),
            "no more than 65536 bytes",
        ),
        (format!("\n{cut}"), "line 2"),
        (format!("{KEY}{SALT}z"), "column 61"),
        (format!("inline:{KEY}"), "line 1"),
        (
            "inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSo\u{e9}".into(),
            "line 1",
        ),
        (
            "2 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj".into(),
            "line 1",
        ),
    ] {
        let file = KeyFile::new("bad", &content);
        let said = inspect(PROFILE, &file, &[], SRTP);
        assert_eq!((said.status, said.out.as_str()), (1, ""), "{content}");
        assert!(said.error.contains(reason), "{content}: {}", said.error);
        for secret in [cut, "d0Rmdmcm", &SALT[..20]] {
            assert!(!said.error.contains(secret), "{}", said.error);
        }
    }
    let file = KeyFile::new(
        "mki-of-sdes",
        "inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj",
    );
    let said = inspect(PROFILE, &file, &["--mki", "01"], SRTP);
    assert!(
        said.status == 1 && said.error.contains("MKI"),
        "{}",
        said.error
    );
    let gone = KeyFile(PathBuf::from("/nonexistent/key"));
    let said = inspect(PROFILE, &gone, &[], SRTP);
    assert!(
        said.status == 1 && said.error.contains("/nonexistent/key"),
        "{}",
        said.error
    );
}
