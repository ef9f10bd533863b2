//! The example by which people learn to compose the crates: it runs, and the README quotes it.

use std::process::Command;

const SOURCE: &str = include_str!("../src/bin/two-peers.rs");
const README: &str = include_str!("../README.md");

#[test]
fn two_peers_say_what_the_readme_shows() {
    let output = Command::new(env!("CARGO_BIN_EXE_two-peers"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let log = String::from_utf8(output.stdout).unwrap();
    let after = README
        .split("$ cargo run --bin two-peers\n")
        .nth(1)
        .unwrap();
    let shown = after.lines().map_while(|line| line.strip_prefix("    "));
    assert!(log.lines().eq(shown), "{log}");
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
