//! Fingerprints: what is read prints to something that reads the same.
#![no_main]

use dtls_handshake::Fingerprint;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(fingerprint) = text.parse::<Fingerprint>() {
        assert_eq!(fingerprint.to_string().parse(), Ok(fingerprint), "{text:?}");
    }
});
