//! Records and fragments from arbitrary datagrams: no panic, and what is put together is within
//! the limits.
//!
//! Input: datagrams, each behind its length in two bytes.
#![no_main]

use dtls_handshake::testing;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut datagrams = Vec::new();
    let mut rest = data;
    while let Some((length, after)) = rest.split_first_chunk() {
        let length = usize::from(u16::from_be_bytes(*length)).min(after.len());
        let (datagram, after) = after.split_at(length);
        datagrams.push(datagram.to_vec());
        rest = after;
    }
    let secret = testing::TrafficSecret::new(0x1301, &[7; 32]).expect("a secret");
    for datagram in &mut datagrams {
        let epoch = testing::FIRST_DATA_EPOCH;
        assert!(secret.open(epoch, 0, &mut datagram.clone()).is_empty());
        let _ = testing::records(&mut datagram.clone());
    }
    for (_, body) in testing::reassemble(datagrams.iter_mut().map(Vec::as_mut_slice)) {
        assert!(body.len() <= 32 * 1024);
    }
});
