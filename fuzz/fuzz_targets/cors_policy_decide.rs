//! A policy from arbitrary entries against an arbitrary request: no panic, no control character
//! in the answer, and a refusal carries nothing but `Vary`.
//!
//! Input: lines. The first holds the policy's entries, separated by spaces; each other line is a
//! byte that picks the field, then its value.
#![no_main]

use cors_policy::{Decision, Policy, Request};
use libfuzzer_sys::fuzz_target;

const FIELDS: [&str; 4] = [
    "Origin",
    "Access-Control-Request-Method",
    "Access-Control-Request-Headers",
    "Access-Control-Request-Private-Network",
];

fuzz_target!(|data: &[u8]| {
    let mut lines = data.split(|b| *b == b'\n');
    let entries = String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
    let builder = Policy::allow(entries.split(' ').filter(|entry| !entry.is_empty()))
        .credentials_even_for_every_origin()
        .any_header()
        .any_method()
        .private_network();
    let Ok(policy) = builder.build() else {
        return;
    };
    let mut request = Request::new("OPTIONS").own_host("https", "gateway.example");
    for line in lines {
        let Some((pick, value)) = line.split_first() else {
            continue;
        };
        request = request.header(FIELDS[usize::from(*pick) % FIELDS.len()], value);
    }
    let decision = policy.decide(&request);
    for (_, value) in decision.headers().iter() {
        assert!(value.bytes().all(|b| matches!(b, b' '..=b'~' | b'\t')));
    }
    if let Decision::Refused(refused) = &decision {
        assert_eq!(decision.headers().len(), 1);
        assert!(refused.to_string().is_ascii());
    }
});
