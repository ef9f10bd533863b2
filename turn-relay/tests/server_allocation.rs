//! Data through the server costs no allocation, in neither direction; strangers cost no memory at all.
#![allow(unsafe_code)] // a counting allocator is an unsafe trait
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // helpers of tests

mod site;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::BytesMut;
use site::{LISTENER, PEER, SERVER, Site, User, addr, config, secs};
use stun_codec::attribute::{ChannelNumber, Data, RequestedTransport, XorPeerAddress};
use stun_codec::{Builder, Encode, Method, TransactionId};
use turn_relay::server::{Relayed, TAILROOM};
use turn_relay::{HEADROOM, Path, Transport};

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
    static LIVE: Cell<i64> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: all work is done by the system's allocator; counting touches only thread-local cells that
// need no allocation of their own.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.with(|count| count.set(count.get() + 1));
        LIVE.with(|live| live.set(live.get() + layout.size() as i64));
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.with(|live| live.set(live.get() - layout.size() as i64));
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations(work: impl FnOnce()) -> u64 {
    let before = COUNT.with(Cell::get);
    work();
    COUNT.with(Cell::get) - before
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| drop(Box::new(7))), 1);
}

fn udp(remote: SocketAddr) -> Path {
    Path {
        id: LISTENER,
        local: addr(SERVER),
        remote,
        transport: Transport::Udp,
    }
}

#[test]
fn data_both_ways_allocates_nothing() {
    let mut site = Site::new(config());
    let mut alice = User::alice();
    let relayed = alice.allocate(&mut site);
    let attributes: [&dyn Encode; 2] = [&ChannelNumber(0x4000), &XorPeerAddress(addr(PEER))];
    alice
        .ask(&mut site, Method::CHANNEL_BIND, &attributes)
        .granted();
    let other = addr("203.0.113.7:9");
    let mut indication = BytesMut::new();
    Builder::indication(&mut indication, Method::SEND, TransactionId([3; 12]))
        .attribute(&XorPeerAddress(other))
        .attribute(&Data(&[7; 172]))
        .finish()
        .unwrap();
    let channel = [&b"\x40\0\0\xac"[..], &[7; 172]].concat();
    let client = udp(alice.at);
    let id = *site.bound.keys().next().unwrap();
    let from_peer = |remote| Path {
        id,
        local: relayed,
        remote,
        transport: Transport::Udp,
    };
    let (now, relay) = (site.now, &mut site.relay);
    let mut buf = [0; HEADROOM + 300 + TAILROOM];
    let mut pass = |path: Path, data: &[u8], to: SocketAddr| {
        buf[HEADROOM..HEADROOM + data.len()].copy_from_slice(data);
        match relay.handle_packet(now, path, &mut buf, HEADROOM..HEADROOM + data.len()) {
            Relayed::To(sent) => assert_eq!(sent.path.remote, to),
            what => panic!("{what:?}"),
        }
    };
    let counted = allocations(|| {
        for _ in 0..1000 {
            pass(client, &channel, addr(PEER));
            pass(client, &indication, other);
            pass(from_peer(addr(PEER)), &[7; 172], client.remote);
            pass(from_peer(other), &[7; 171], client.remote);
        }
    });
    assert_eq!(counted, 0);
    assert_eq!(site.relay.stats().traffic.sent_packets, 2000);
    assert_eq!(site.relay.stats().traffic.received_packets, 2000);
}

#[test]
fn an_allocation_costs_little_memory() {
    let mut site = Site::new(config());
    let mut user = |number: u16| {
        let at = format!("198.{}.{}.1:9", number / 250, number % 250);
        let mut user = User::new(&at, "alice", "secret");
        site.now += Duration::from_millis(10);
        user.allocate(&mut site);
        let attributes: [&dyn Encode; 2] = [&ChannelNumber(0x4000), &XorPeerAddress(addr(PEER))];
        user.ask(&mut site, Method::CHANNEL_BIND, &attributes)
            .granted();
        site.events.clear();
    };
    (1..=100).for_each(&mut user);
    let before = LIVE.with(Cell::get);
    (101..=1100).for_each(&mut user);
    let each = (LIVE.with(Cell::get) - before) / 1000;
    // The driver of these tests takes a few bytes of it.
    assert!(each < 2500, "{each} bytes");
}

/// One request of each kind from each of so many addresses. Says what came in, and what goes out.
fn flood(
    site: &mut Site,
    requests: &[Vec<u8>],
    count: u32,
    address: impl Fn(u32) -> [u8; 4],
) -> (usize, usize) {
    let (mut bytes_in, mut bytes_out) = (0, 0);
    let mut buf = vec![0; HEADROOM + 1500 + TAILROOM];
    let mut out = BytesMut::with_capacity(2000);
    for number in 0..count {
        let request = &requests[number as usize % requests.len()];
        let port = 1024 + (number % 60_000) as u16;
        let path = udp((address(number), port).into());
        buf[HEADROOM..HEADROOM + request.len()].copy_from_slice(request);
        bytes_in += request.len();
        let _ =
            site.relay
                .handle_packet(site.now, path, &mut buf, HEADROOM..HEADROOM + request.len());
        out.clear();
        while let Some(sent) = site.relay.poll_transmit(&mut out) {
            bytes_out += sent.range.len();
        }
        assert!(site.relay.poll_event().is_none(), "nothing for strangers");
        site.now += Duration::from_micros(10);
    }
    (bytes_in, bytes_out)
}

/// What somebody without credentials may send: first requests, and some that claim to be more.
fn requests() -> Vec<Vec<u8>> {
    let mut user = User::new("198.51.100.1:1", "alice", "secret");
    let mut requests = vec![
        user.request(Method::ALLOCATE, &[&RequestedTransport::UDP]),
        user.request(Method::BINDING, &[]),
        user.request(Method::REFRESH, &[]),
    ];
    user.nonce = b"obMatJos2AAAA0123456789012345678901234567890123456789".to_vec();
    requests.push(user.request(Method::ALLOCATE, &[&RequestedTransport::UDP]));
    requests.push(user.request(Method::CREATE_PERMISSION, &[]));
    requests.push(b"\x40\0\0\x04data".to_vec());
    requests
}

#[test]
fn a_flood_from_everywhere_costs_no_memory() {
    let mut site = Site::new(config());
    let requests = requests();
    let spread = |number: u32| number.wrapping_mul(0x9e37_79b9).to_be_bytes();
    flood(&mut site, &requests, 10_000, spread);
    let before = LIVE.with(Cell::get);
    let counted = allocations(|| {
        flood(&mut site, &requests, 200_000, spread);
    });
    let grown = LIVE.with(Cell::get) - before;
    // The buffers of this test, which are gone again; nothing of the server's.
    assert!(counted < 200, "{counted} allocations");
    assert_eq!(grown, 0, "bytes");
    assert_eq!(site.relay.allocations(), 0);
    assert_eq!(site.relay.poll_timeout(), None);
    // A client gets through meanwhile.
    User::new("8.7.6.5:4321", "alice", "secret").allocate(&mut site);
}

#[test]
fn no_prefix_gets_more_bytes_than_it_has_sent_beyond_the_burst() {
    for last in [1, 256] {
        let mut site = Site::new(config());
        let from = |number: u32| [198, 51, 100, (number % last) as u8];
        let (bytes_in, bytes_out) = flood(&mut site, &requests(), 100_000, from);
        assert!(bytes_out <= bytes_in + 4096, "{bytes_out} for {bytes_in}");
        assert!(site.relay.stats().rationed > 10_000);
        // Somebody who is really there gets through, by repeating himself as everybody does.
        let mut alice = User::new("198.51.100.1:7777", "alice", "secret");
        let request = alice.request(Method::ALLOCATE, &[&RequestedTransport::UDP]);
        let mut tries = 0;
        while alice.hand(&mut site, &request).is_none() {
            tries += 1;
            site.now += Duration::from_millis(500);
        }
        assert!(tries < 7, "{tries}");
        alice.allocate(&mut site);
    }
}

#[test]
fn many_clients_begin_at_once_behind_one_nat() {
    let mut site = Site::new(config());
    for port in 10_000..10_500 {
        let mut alice = User::new(&format!("198.51.100.1:{port}"), "alice", "secret");
        alice.allocate(&mut site);
    }
    assert_eq!(site.relay.stats().rationed, 0);
    assert_eq!(site.relay.allocations(), 500);
}

#[test]
fn a_prefix_that_was_quiet_gets_its_burst_back() {
    let mut site = Site::new(config());
    flood(&mut site, &requests(), 10_000, |_| [198, 51, 100, 1]);
    let first = &requests()[0];
    let at = |port| ([198, 51, 100, 2], port).into();
    assert_eq!(site.client_says(at(1), first), []);
    site.pass(secs(60));
    for port in 1..=30 {
        assert_eq!(site.client_says(at(port), first).len(), 1, "{port}");
    }
}

#[test]
fn one_answer_is_at_most_so_much_larger_than_its_request() {
    let mut site = Site::new(config());
    for request in requests().iter().take(5) {
        site.pass(secs(60));
        let out = site.client_says(addr("198.51.100.1:9"), request);
        let factor = out[0].data.len() as f64 / request.len() as f64;
        assert!(factor < 7.0, "{factor} for {} bytes", request.len());
    }
}
