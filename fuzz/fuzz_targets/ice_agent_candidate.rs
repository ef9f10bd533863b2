//! Candidate lines: what is read prints to something that reads the same.
#![no_main]

use ice_agent::Candidate;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(candidate) = text.parse::<Candidate>() {
        let printed = candidate.to_string();
        assert_eq!(
            printed.parse::<Candidate>().as_ref(),
            Ok(&candidate),
            "{printed}"
        );
    }
});
