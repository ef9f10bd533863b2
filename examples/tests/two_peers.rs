//! The example by which people learn to compose the crates: it runs, and the README quotes it.

use std::process::Command;

const SOURCE: &str = include_str!("../src/bin/two-peers.rs");
const README: &str = include_str!("../README.md");

#[test]
fn two_peers_connect_hear_each_other_and_part() {
    let output = Command::new(env!("CARGO_BIN_EXE_two-peers"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let log = String::from_utf8(output.stdout).unwrap();
    for line in [
        "alice  ICE has a path to candidate:",
        "bob    ICE has a path to candidate:",
        "alice  DTLS is connected; SRTP uses AEAD_AES_128_GCM",
        "bob    DTLS is connected; SRTP uses AEAD_AES_128_GCM",
        "alice  has heard 50 RTP packets",
        "bob    has heard 50 RTP packets",
        "bob    is over: closed by the peer",
    ] {
        assert!(log.contains(line), "no {line:?} in\n{log}");
    }
}

#[test]
fn the_readme_quotes_the_example_as_it_is() {
    let blocks = README.split("```rust\n").skip(1);
    let quotes: Vec<_> = blocks
        .map(|block| block.split("```").next().unwrap())
        .collect();
    assert!(!quotes.is_empty());
    let source: Vec<_> = SOURCE.lines().map(str::trim).collect();
    for line in quotes.iter().flat_map(|quote| quote.lines()) {
        assert!(source.contains(&line.trim()), "{line:?} is not in it");
    }
}
