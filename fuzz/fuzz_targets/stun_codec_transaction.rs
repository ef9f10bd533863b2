//! Any order of calls on a client transaction: it ends, once, and goes quiet.
//!
//! Input: a byte each for the RTO, the requests and the final wait, then calls of one byte each.
#![no_main]

use std::time::{Duration, Instant};

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use stun_codec::{
    Builder, Class, Message, Method, Path, SocketId, Timing, Transaction, TransactionId, Transport,
};

fuzz_target!(|data: &[u8]| {
    let Some((&[rto, requests, final_wait], data)) = data.split_first_chunk::<3>() else {
        return;
    };
    #[allow(clippy::disallowed_methods)] // an origin for virtual time
    let mut now = Instant::now();
    let path = Path {
        id: SocketId(1),
        local: "192.0.2.1:4000".parse().expect("an address"),
        remote: "198.51.100.1:3478".parse().expect("an address"),
        transport: Transport::Udp,
    };
    let id = TransactionId([5; 12]);
    let mut request = BytesMut::new();
    Builder::request(&mut request, Method::BINDING, id)
        .finish()
        .expect("a small message");
    let timing = Timing {
        rto: Duration::from_millis(u64::from(rto)),
        requests: u32::from(requests),
        final_wait: u32::from(final_wait),
    };
    let mut transaction = Transaction::new(now, path, request.freeze(), timing).expect("a message");
    let (mut sent, mut outcomes) = (0_u32, 0);
    for step in data {
        match step % 5 {
            0 => now += Duration::from_millis(u64::from(*step)),
            1 => transaction.handle_timeout(now),
            2 => {
                let mut out = BytesMut::new();
                sent += u32::from(transaction.poll_transmit(&mut out).is_some());
            }
            3 => outcomes += u32::from(transaction.poll_event().is_some()),
            _ => {
                let class = if step & 0x80 == 0 {
                    Class::Success
                } else {
                    Class::Request
                };
                let id = TransactionId([if step & 0x40 == 0 { 5 } else { 6 }; 12]);
                let mut response = BytesMut::new();
                Builder::new(&mut response, class, Method::BINDING, id)
                    .finish()
                    .expect("a small message");
                let message = Message::parse(&response).expect("our own message");
                let _ = transaction.handle_response(now, &path, &message);
            }
        }
    }
    while let Some(deadline) = transaction.poll_timeout() {
        now = now.max(deadline);
        transaction.handle_timeout(now);
        let mut out = BytesMut::new();
        sent += u32::from(transaction.poll_transmit(&mut out).is_some());
    }
    outcomes += u32::from(transaction.poll_event().is_some());
    assert_eq!(outcomes, 1);
    assert!(sent <= u32::from(requests).max(1));
    assert!(transaction.poll_event().is_none());
    assert!(transaction.poll_transmit(&mut BytesMut::new()).is_none());
});
