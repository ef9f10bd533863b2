//! `inspect cors`: what a policy file says of requests, and what is said of either when malformed.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // helpers of tests fail like tests

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

/// A policy in a file of its own.
fn policy(name: &str, text: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("cors-{name}.json"));
    std::fs::write(&path, text).unwrap();
    path
}

fn inspect(policy: &PathBuf, requests: &str) -> (Output, Vec<Value>) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_inspect"))
        .args(["cors", "--policy"])
        .arg(policy)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that refuses the policy reads no requests.
    let _ = child.stdin.take().unwrap().write_all(requests.as_bytes());
    let output = child.wait_with_output().unwrap();
    let lines = String::from_utf8(output.stdout.clone()).unwrap();
    let lines = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    let lines = lines.collect();
    (output, lines)
}

/// The example of the README.
#[test]
fn each_request_gets_a_decision() {
    let file = policy(
        "listed",
        r#"{ "allow": ["https://app.example"], "headers": ["Authorization"], "max_age": 600 }"#,
    );
    let requests = r##"
# A comment, and an empty line before.
{"method":"POST","headers":[["Origin","https://evil.example"]]}
{"method":"OPTIONS","headers":[["Origin","https://app.example"],["Access-Control-Request-Method","POST"]]}
{"method":"POST","headers":[["Origin","https://gw.example"]],"own_origin":"https://gw.example"}
{"method":"GET"}
"##;
    let (output, said) = inspect(&file, requests);
    assert!(output.status.success());
    let vary = json!([["vary", "Origin"]]);
    let preflight = json!([
        ["access-control-allow-origin", "https://app.example"],
        ["access-control-allow-methods", "GET, HEAD, POST"],
        ["access-control-max-age", "600"],
        [
            "vary",
            "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"
        ],
    ]);
    let reason = "origin https://evil.example is not allowed";
    assert_eq!(
        said,
        [
            json!({ "line": 3, "decision": "deny", "status": 403, "reason": reason, "headers": vary }),
            json!({ "line": 4, "decision": "allow-preflight", "status": 204, "headers": preflight }),
            json!({ "line": 5, "decision": "same-origin", "headers": vary }),
            json!({ "line": 6, "decision": "not-cors", "headers": vary }),
        ]
    );
}

#[test]
fn every_key_of_a_policy_counts() {
    let file = policy(
        "keys",
        r#"{ "allow": [], "methods": "*", "headers": "*", "expose": ["ETag"], "private_network": true }"#,
    );
    let requests = r#"{"method":"OPTIONS","headers":[["origin","https://x.example"],["access-control-request-method","PUT"],["access-control-request-headers","x-a"],["access-control-request-private-network","true"]]}
{"method":"PUT","headers":[["origin","https://x.example"]]}"#;
    let (_, said) = inspect(&file, requests);
    let lines = |at: usize| {
        said.get(at)
            .and_then(|one| one["headers"].as_array())
            .unwrap()
    };
    for line in [
        json!(["access-control-allow-methods", "*"]),
        json!(["access-control-allow-headers", "*"]),
        json!(["access-control-allow-private-network", "true"]),
    ] {
        assert!(lines(0).contains(&line), "{line}: {said:?}");
    }
    assert!(lines(1).contains(&json!(["access-control-expose-headers", "ETag"])));
    let public = policy("public", r#"{ "public": true }"#);
    let (_, said) = inspect(&public, r#"{"method":"GET","headers":[["origin","null"]]}"#);
    let expected = json!([["access-control-allow-origin", "*"]]);
    assert_eq!(
        said,
        [json!({ "line": 1, "decision": "allow", "headers": expected })]
    );
}

#[test]
fn what_is_malformed_is_told_and_the_rest_decided() {
    let file = policy("own", "{}");
    let requests = "{\"method\":\"GET\"}\n{\"method\":1}\nGET /\n\
        {\"method\":\"GET\",\"own_origin\":\"https://a/\"}\n{\"method\":\"GET\"}";
    let (output, said) = inspect(&file, requests);
    assert_eq!(output.status.code(), Some(1));
    let faults: Vec<_> = said
        .iter()
        .map(|line| line.get("error").is_some())
        .collect();
    assert_eq!(faults, [false, true, true, true, false]);
    assert!(
        said.get(3).unwrap().to_string().contains("own_origin: "),
        "{said:?}"
    );

    for (name, text, problem) in [
        (
            "entry",
            r#"{ "allow": ["https://a.example/"] }"#,
            "https://a.example/",
        ),
        ("key", r#"{ "origins": [] }"#, "unknown field `origins`"),
        (
            "both",
            r#"{ "allow": [], "public": true }"#,
            "exclude each other",
        ),
        (
            "trust",
            r#"{ "allow": [], "credentials": true }"#,
            "trust every web site",
        ),
    ] {
        let (output, said) = inspect(&policy(name, text), "{\"method\":\"GET\"}");
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), said.len()), (Some(1), 0), "{told}");
        assert!(told.contains(problem), "{told}");
    }
}
