//! A flood of spoofed ClientHellos at a `Listener`: memory stays flat, an answer is never longer
//! than what it answers, and an honest client still gets through. The cost per packet is printed.
//!
//! Alone in its file, so that no other test allocates beside it.
#![allow(unsafe_code)] // A counting allocator is an `unsafe` trait.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // tests
#![allow(clippy::disallowed_methods)] // the cost is time

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use common::{configs_of, origin};
use dtls_handshake::{Admission, Connection, Group, Listener, Version};

struct Counting;

/// What is allocated at present, in bytes.
static HELD: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
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

/// 64 places of 4 KiB, what they are made of, and the output buffer.
const BOUND: usize = 64 * 5000 + 10_000;

fn hello(version: Version, groups: &[Group], mtu: usize) -> Vec<Vec<u8>> {
    let profiles: Vec<u16> = (1..=64).collect();
    let [config, _] = configs_of(&[version]).map(|config| {
        config
            .with_srtp_profiles(&profiles)
            .with_groups(groups)
            .with_mtu(mtu)
    });
    let mut client = Connection::client(config, [1; 32], origin());
    let mut datagrams = Vec::new();
    let mut out = BytesMut::new();
    while let Some(range) = client.poll_transmit(&mut out) {
        datagrams.push(out[range].to_vec());
    }
    datagrams
}

/// Hellos from ever new addresses: how many datagrams, their bytes, and those of the answers.
fn flood(listener: &mut Listener, datagrams: &[Vec<u8>], clients: u32) -> (u32, usize, usize) {
    let (mut sent, mut asked, mut answered) = (0, 0, 0);
    let mut out = BytesMut::with_capacity(2048);
    let mut buffer = Vec::with_capacity(2048);
    for client in 0..clients {
        let [a, b, c, d] = client.to_be_bytes();
        let remote = SocketAddr::from(([10, b, c, d], 1024 + u16::from(a)));
        let now = origin() + Duration::from_micros(client.into());
        for (part, datagram) in datagrams.iter().enumerate() {
            out.clear();
            buffer.clear();
            buffer.extend_from_slice(datagram);
            if part == 0 {
                // In the random: no two are alike.
                buffer[25 + 2..25 + 6].copy_from_slice(&client.to_be_bytes());
            }
            sent += 1;
            asked += buffer.len();
            match listener.handle_datagram(now, remote, &mut buffer, &mut out) {
                Admission::Reply(range) => answered += range.len(),
                Admission::Accepted(_) => panic!("a stranger was believed"),
                _ => {}
            }
        }
    }
    (sent, asked, answered)
}

#[test]
fn a_flood_costs_no_memory_and_little_time() {
    let [_, config] = configs_of(&[Version::Dtls12, Version::Dtls13]);
    let mut listener = Listener::new(config, [7; 32]);
    for version in [Version::Dtls12, Version::Dtls13] {
        let whole = hello(version, &[Group::X25519], 1200);
        let parts = hello(version, &[Group::X25519], 256);
        let hybrid = hello(version, &[Group::X25519MlKem768, Group::X25519], 1200);
        assert!(whole.len() == 1 && parts.len() > 1);
        assert_eq!(hybrid.len() == 2, version == Version::Dtls13);
        for (what, datagrams, clients) in [
            ("whole hellos", &whole[..], 50_000),
            ("hellos as browsers send them", &hybrid, 20_000),
            ("hellos in parts", &parts, 20_000),
            ("first parts alone", &parts[..1], 50_000),
        ] {
            flood(&mut listener, datagrams, 1000);
            let before = HELD.load(Ordering::SeqCst);
            let start = Instant::now();
            let (sent, asked, answered) = flood(&mut listener, datagrams, clients);
            let took = start.elapsed();
            let after = HELD.load(Ordering::SeqCst);
            println!(
                "{version:?}, {what}: {sent} datagrams, {:.2} us each, {asked} bytes in, \
                 {answered} out (x{:.2}), {} bytes more held",
                took.as_secs_f64() * 1e6 / f64::from(sent),
                answered as f64 / asked as f64,
                after as i64 - before as i64,
            );
            assert!(answered <= asked);
            assert!(after <= before + BOUND, "{before} bytes became {after}");
        }
    }
    assert_eq!(listener.stats().accepted, 0);
    // At least the whole ones.
    assert!(listener.stats().replies >= 2 * 51_000);
}
