//! `ice-pair`: two copies on one machine connect, by pasting and through a folder, and say why where
//! they cannot.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)] // a test

mod support;

use std::process::Stdio;

use support::process::{PATIENCE, Scratch};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};

fn copy(options: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_ice-pair"))
        .args(["--address=127.0.0.1"])
        .args(options)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

/// What it said on its standard error, and its status.
async fn outcome(child: Child) -> (String, i32) {
    let done = tokio::time::timeout(PATIENCE, child.wait_with_output());
    let done = done.await.expect("it ends").unwrap();
    let said = String::from_utf8(done.stderr).unwrap();
    (said, done.status.code().unwrap())
}

#[tokio::test]
async fn two_copies_connect_by_pasting() {
    let mut copies = [copy(&["--ports=21000-31999"]), copy(&[])];
    let mut printed = Vec::new();
    for child in &mut copies {
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut text = String::new();
        while let Some(line) = lines.next_line().await.unwrap() {
            text += &(line.clone() + "\n");
            if line == "a=end-of-candidates" {
                break;
            }
        }
        printed.push(text);
    }
    let port = printed[0].split(" 127.0.0.1 ").nth(1).unwrap();
    let port: u16 = port.split(' ').next().unwrap().parse().unwrap();
    assert!((21000..32000).contains(&port));
    for (child, text) in copies.iter_mut().zip(printed.iter().rev()) {
        let stdin = child.stdin.as_mut().unwrap();
        stdin.write_all(text.as_bytes()).await.unwrap();
    }
    for child in copies {
        let (said, status) = outcome(child).await;
        assert_eq!(status, 0, "{said}");
        assert!(said.contains("pair over udp: host 127.0.0.1:"), "{said}");
        assert!(said.contains("heard: hello from "), "{said}");
    }
}

#[tokio::test]
async fn two_copies_connect_through_a_folder() {
    let folder = Scratch::new("ice-pair");
    let through = format!("--through={}", folder.join("").display());
    let copies = [copy(&[&through]), copy(&[&through])];
    for child in copies {
        let (said, status) = outcome(child).await;
        assert_eq!(status, 0, "{said}");
    }
}

#[tokio::test]
async fn two_copies_connect_over_tcp() {
    let folder = Scratch::new("ice-pair");
    let through = format!("--through={}", folder.join("").display());
    let options = [&*through, "--tcp-only", "--ports=32000-32700"];
    let copies = [copy(&options), copy(&options)];
    for child in copies {
        let (said, status) = outcome(child).await;
        assert_eq!(status, 0, "{said}");
        assert!(said.contains("pair over tcp: "), "{said}");
    }
}

#[tokio::test]
async fn a_copy_that_cannot_connect_says_why() {
    let mut child = copy(&["--timeout=2"]);
    // Nobody has this port, and nobody else would have the password.
    let other = "a=ice-ufrag:abcd\na=ice-pwd:abcdefghijklmnopqrstuv\n\
                 a=candidate:h0 1 udp 2130706431 127.0.0.1 9 typ host\na=end-of-candidates\n";
    let mut stdout = child.stdout.take().unwrap();
    let stdin = child.stdin.as_mut().unwrap();
    stdin.write_all(other.as_bytes()).await.unwrap();
    let (said, status) = outcome(child).await;
    assert_eq!(status, 1, "{said}");
    assert!(said.contains("ice-pair: no answer to"), "{said}");
    assert!(said.contains("127.0.0.1:9"), "{said}");
    let mut printed = String::new();
    stdout.read_to_string(&mut printed).await.unwrap();
    assert!(printed.starts_with("a=ice-ufrag:"));
}

#[tokio::test]
async fn wrong_settings_are_refused() {
    for wrong in ["--server=http:a", "--ports=5-1", "--timeout=soon"] {
        let (said, status) = outcome(copy(&[wrong])).await;
        assert_eq!(status, 2, "{said}");
    }
}
