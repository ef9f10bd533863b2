//! Each handshake message from arbitrary bytes, and certificates: no panic.
//!
//! Input: a byte for the handshake type, then the body.
#![no_main]

use dtls_handshake::testing;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Some((kind, body)) = data.split_first() {
        let _ = testing::read_message(*kind, body);
        let _ = testing::read_message_13(*kind, body);
        let _ = testing::read_ack(body);
        let _ = testing::read_certificate(body);
    }
});
