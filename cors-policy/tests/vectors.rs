//! The shared vectors, every case of every file.
//!
//! They stand beside the workspace, in `../shared/vectors/cors`. When they are absent the test
//! says so and passes: the crate must build without them. `VECTORS=DIR` names another folder, whose
//! files stand in `DIR/cors` or in `DIR` itself: a file missing there is skipped with a line, no case
//! at all is a failure.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod reference;

use std::io::Write as _;
use std::path::PathBuf;

use cors_policy::{Decision, OriginOrNull, Policy, PolicyError, PrivateNetwork, Request};
use serde_json::Value;

type Check = fn(&Value);

#[test]
fn vectors() {
    let files: &[(&str, Check)] = &[
        ("origin_header.json", origin_header),
        #[cfg(feature = "idna")]
        ("origin_serialization.json", origin_serialization),
        #[cfg(feature = "idna")]
        ("same_origin.json", same_origin),
        ("cors_check.json", cors_check_of_the_reference),
        ("preflight_needed.json", preflight_needed_of_the_reference),
        ("server_decisions.json", server_decisions),
    ];
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/vectors");
    // As written in the workspace's root: the harness runs in the crate's folder.
    let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let asked = std::env::var_os("VECTORS").map(|dir| root.join(dir));
    let dir = asked.clone().unwrap_or_else(|| beside.into());
    let mut checked = 0;
    for (file, check) in files {
        let places = [dir.join("cors").join(file), dir.join(file)];
        let Some(json) = places
            .iter()
            .find_map(|it| std::fs::read_to_string(it).ok())
        else {
            say(&format!("{file}: not found in {}, skipped", dir.display()));
            continue;
        };
        let json: Value = serde_json::from_str(&json).unwrap();
        let cases = json["cases"].as_array().unwrap();
        cases.iter().for_each(check);
        say(&format!("{file}: {} cases", cases.len()));
        checked += cases.len();
    }
    say(&format!("{checked} cases checked"));
    assert!(
        checked > 0 || (asked.is_none() && !dir.exists()),
        "no case in {}",
        dir.display()
    );
}

/// Also when the test passes, whose `println!` the harness keeps to itself.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key]
        .as_str()
        .unwrap_or_else(|| panic!("no {key} in {value}"))
}

fn strings(value: &Value) -> Vec<String> {
    let items = value.as_array().unwrap();
    items
        .iter()
        .map(|item| item.as_str().unwrap().to_owned())
        .collect()
}

fn origin_header(case: &Value) {
    let id = text(case, "id");
    let value = match case["value"].as_str() {
        Some(value) => value.to_owned(),
        None => {
            assert_eq!(
                text(case, "value_recipe"),
                "\"http://\" + \"a\" repeated 100000 + \".example\"",
                "{id}: unknown recipe"
            );
            format!("http://{}.example", "a".repeat(100_000))
        }
    };
    let valid = OriginOrNull::parse(&value).is_ok();
    let also = case["also_acceptable"]
        .as_array()
        .is_some_and(|a| a.contains(&valid.into()));
    assert!(case["valid"] == valid || also, "{id}: {valid}");
    // The reference follows the ABNF alone, which knows no length and no largest port.
    assert_eq!(
        case["valid"],
        reference::is_origin_or_null(&value),
        "reference, {id}"
    );
}

#[cfg(feature = "idna")]
fn origin_serialization(case: &Value) {
    let origin = cors_policy::Origin::of_url(text(case, "url")).unwrap();
    let ascii = origin
        .as_ref()
        .map_or("null".to_owned(), cors_policy::Origin::to_string);
    assert_eq!(ascii, text(case, "ascii_origin"), "{}", text(case, "id"));
    if let Some(unicode) = case["unicode_origin"].as_str() {
        assert_eq!(origin.unwrap().to_unicode(), unicode);
    }
}

#[cfg(feature = "idna")]
fn same_origin(case: &Value) {
    let a = cors_policy::Origin::of_url(text(case, "a")).unwrap();
    let b = cors_policy::Origin::of_url(text(case, "b")).unwrap();
    // Two opaque origins are never the same (RFC 6454 §5).
    let same = a.is_some() && a == b;
    assert_eq!(case["same"], same, "{}", text(case, "id"));
}

fn cors_check_of_the_reference(case: &Value) {
    let mut answer = reference::Fields::new();
    for name in [
        "Access-Control-Allow-Origin",
        "Access-Control-Allow-Credentials",
    ] {
        if let Some(value) = case[name].as_str() {
            answer.push((name.to_owned(), value.to_owned()));
        }
    }
    let include = text(case, "credentials_mode") == "include";
    let shared = reference::cors_check(text(case, "request_origin"), include, &answer);
    assert_eq!(case["shared"], shared, "{}", text(case, "id"));
}

fn preflight_needed_of_the_reference(case: &Value) {
    let headers = pairs(&case["headers"]);
    let needed = !reference::is_safelisted_method(text(case, "method"))
        || !reference::unsafe_header_names(&headers).is_empty();
    assert_eq!(case["needs_preflight"], needed, "{}", text(case, "id"));
}

fn pairs(value: &Value) -> Vec<(String, String)> {
    let lines = value.as_array().unwrap().iter().map(strings);
    lines
        .map(|line| (line[0].clone(), line[1].clone()))
        .collect()
}

/// The policy of a case, by the file's `policy_model`.
fn policy(model: &Value) -> Result<Policy, PolicyError> {
    let known = [
        "allow",
        "public",
        "credentials",
        "methods",
        "headers",
        "expose",
        "max_age",
        "private_network",
    ];
    for key in model.as_object().unwrap().keys() {
        assert!(known.contains(&key.as_str()), "unknown policy key {key}");
    }
    let mut builder = match model["public"].as_bool() {
        Some(true) => Policy::public(),
        _ => Policy::allow(strings(&model["allow"])),
    };
    if model["credentials"] == true {
        builder = builder.credentials();
    }
    builder = match &model["methods"] {
        Value::Null => builder,
        Value::String(_) => builder.any_method(),
        list => builder.methods(strings(list)),
    };
    builder = match &model["headers"] {
        Value::Null => builder,
        Value::String(_) => builder.any_header(),
        list => builder.headers(strings(list)),
    };
    if !model["expose"].is_null() {
        builder = builder.expose(strings(&model["expose"]));
    }
    if let Some(seconds) = model["max_age"].as_u64() {
        builder = builder.max_age(seconds.try_into().unwrap());
    }
    if model["private_network"] == true {
        builder = builder.private_network();
    }
    builder.build()
}

fn verdict(decision: &Decision<'_>) -> &'static str {
    match decision {
        Decision::NotCors(_) => "not-cors",
        Decision::SameOrigin(_) => "same-origin",
        Decision::Allowed(_) => "allow",
        Decision::Preflight {
            private_network: PrivateNetwork::Withheld,
            ..
        } => "deny-private-network",
        Decision::Preflight { .. } => "allow-preflight",
        Decision::Refused(_) => "deny",
    }
}

/// A field value as a sorted list of lower-case items: order and case of names do not matter.
fn items(value: &str) -> Vec<String> {
    let mut items: Vec<_> = value
        .split(',')
        .map(|item| item.trim().to_ascii_lowercase())
        .collect();
    items.sort();
    items
}

fn server_decisions(case: &Value) {
    let id = text(case, "id");
    let expect = &case["expect"];
    let built = policy(&case["policy"]);
    let policy = match built {
        Ok(policy) => policy,
        Err(error) => {
            let also = case["also_acceptable"].to_string();
            assert!(also.contains("configuration-error"), "{id}: {error}");
            // The insisting form gives the literal result of the rule.
            Policy::allow(strings(&case["policy"]["allow"]))
                .credentials_even_for_every_origin()
                .build()
                .unwrap()
        }
    };
    let lines = pairs(&case["request"]["headers"]);
    let mut request = Request::new(text(&case["request"], "method"));
    for (name, value) in &lines {
        request = request.header(name, value.as_bytes());
    }
    let decision = policy.decide(&request);
    assert_eq!(verdict(&decision), text(expect, "decision"), "{id}");
    if let (Some(want), Some(got)) = (expect["status"].as_u64(), decision.status()) {
        assert_eq!(u64::from(got), want, "{id}");
    }
    check_headers(id, expect, &decision);
}

fn check_headers(id: &str, expect: &Value, decision: &Decision<'_>) {
    let got: reference::Fields = decision
        .headers()
        .iter()
        .map(|(n, v)| (n.to_owned(), v.to_owned()))
        .collect();
    let want = expect["headers"].as_object().unwrap();
    for (name, value) in want {
        let got = reference::get(&got, name).unwrap_or_else(|| panic!("{id}: no {name}"));
        let value = value.as_str().unwrap();
        if name == "Access-Control-Allow-Origin" {
            assert_eq!(got, value, "{id}");
        } else {
            assert_eq!(items(&got), items(value), "{id}: {name}");
        }
    }
    for (name, _) in &got {
        let wanted = want.keys().any(|key| key.eq_ignore_ascii_case(name));
        assert!(wanted || name == "vary", "{id}: unexpected {name}");
    }
    let vary = reference::get(&got, "vary")
        .map(|v| items(&v))
        .unwrap_or_default();
    let wanted = expect["vary"]
        .as_array()
        .map(|_| strings(&expect["vary"]))
        .unwrap_or_default();
    for field in &wanted {
        assert!(
            vary.contains(&field.to_ascii_lowercase()),
            "{id}: Vary lacks {field}"
        );
    }
    assert!(
        !wanted.is_empty() || vary.is_empty(),
        "{id}: needless Vary {vary:?}"
    );
    for name in strings(&expect["absent"]) {
        assert!(
            reference::get(&got, &name).is_none(),
            "{id}: {name} must be absent"
        );
    }
}
