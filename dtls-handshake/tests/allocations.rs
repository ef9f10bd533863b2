//! What a handshake of two sides with mutual certificates and an export allocates, counted and
//! printed.
//!
//! Alone in its file, so that no other test allocates beside it.
#![allow(unsafe_code)] // A counting allocator is an `unsafe` trait.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // tests

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::BytesMut;
use common::{LABEL, configs_of, fingerprint, origin};
use dtls_handshake::{Config, Connection, Event, Group, Version};

struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);
static ALLOCATED: AtomicUsize = AtomicUsize::new(0);
static HELD: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        ALLOCATED.fetch_add(layout.size(), Ordering::Relaxed);
        HELD.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: `pointer` came from `alloc` above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Counts since the last call: allocations and bytes.
fn counted() -> [usize; 2] {
    [&ALLOCATIONS, &ALLOCATED].map(|counter| counter.swap(0, Ordering::SeqCst))
}

/// Both sides, connected, over a link that takes no time.
fn handshake(configs: &[Arc<Config>; 2], buffer: &mut BytesMut) -> [Connection; 2] {
    let now = origin();
    let mut ends = [
        Connection::client(configs[0].clone(), [1; 32], now),
        Connection::server(configs[1].clone(), [2; 32], now),
    ];
    for (side, end) in ends.iter_mut().enumerate() {
        end.set_peer_fingerprints(now, vec![fingerprint(1 - side)]);
    }
    loop {
        let mut sent = false;
        for side in 0..2 {
            buffer.clear();
            while let Some(range) = ends[side].poll_transmit(buffer) {
                sent = true;
                let _ = ends[1 - side].handle_datagram(now, &mut buffer[range]);
            }
        }
        if !sent {
            break;
        }
    }
    for end in &mut ends {
        let Some(Event::Connected(connected)) = end.poll_event() else {
            panic!("not connected: {end:?}");
        };
        let mut keys = [0; 56];
        end.export_keying_material(&connected.peer, LABEL, None, &mut keys)
            .unwrap();
    }
    ends
}

#[test]
fn a_handshake_allocates_little() {
    // P-256 is there for the certificates of DTLS 1.2.
    let groups = [Group::X25519, Group::Secp256r1];
    // With room for what the test harness allocates meanwhile.
    for (version, most) in [(Version::Dtls12, 75), (Version::Dtls13, 120)] {
        let configs = configs_of(&[version]).map(|config| Arc::new(config.with_groups(&groups)));
        let mut buffer = BytesMut::with_capacity(16 * 1024);
        drop(handshake(&configs, &mut buffer));
        let before = HELD.load(Ordering::SeqCst);
        counted();
        let ends = handshake(&configs, &mut buffer);
        let [allocations, bytes] = counted();
        let held = (HELD.load(Ordering::SeqCst) - before) / 2 + size_of::<Connection>();
        println!(
            "{version:?}: {allocations} allocations, {bytes} bytes for both sides; a connected \
             side holds {held} bytes"
        );
        assert!(allocations <= most, "{allocations}");
        assert!(bytes <= 24 * 1024, "{bytes}");
        assert!(held <= 5 * 1024, "{held}");
        drop(ends);
    }
}
