//! Any datagram as an RTCP compound: no panic, and each report block that is read reads the same
//! again once it was written.
#![no_main]

// The gateway's module without the gateway.
#[allow(dead_code, unused_imports)]
#[path = "../../examples/src/bridge/rtcp/mod.rs"]
mod rtcp;

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use rtcp::Packet;

fuzz_target!(|data: &[u8]| {
    for packet in rtcp::read(data).into_iter().flatten() {
        let blocks = match packet {
            Packet::SenderReport { blocks, .. } | Packet::ReceiverReport { blocks, .. } => blocks,
            Packet::Bye(sources) => {
                assert!(sources.count() <= 31);
                continue;
            }
            Packet::Other(_) => continue,
        };
        for block in blocks {
            let mut out = BytesMut::new();
            rtcp::receiver_report(&mut out, 1, Some(block));
            let again = rtcp::read(&out).and_then(|mut packets| packets.next());
            let Some(Packet::ReceiverReport { mut blocks, .. }) = again else {
                panic!("{again:?}");
            };
            assert_eq!(blocks.next(), Some(block));
        }
    }
});
