//! Media costs no allocation, in neither direction.
#![allow(unsafe_code)] // a counting allocator is an unsafe trait

mod net;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use net::{PEER, World, addr, config, ip, quiet, secs};
use turn_relay::client::{Event, TAILROOM};
use turn_relay::{HEADROOM, Handled, Path, Received, Transport};

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: all work is done by the system's allocator; counting touches only a thread-local cell
// that needs no allocation of its own.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
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

#[test]
fn data_in_and_out_allocates_nothing() {
    let mut world = World::new(1, quiet(), config());
    let other = addr("203.0.113.8:8000");
    let now = world.now();
    world.client.bind_channel(now, addr(PEER)).unwrap();
    world.client.permit(now, other.ip()).unwrap();
    world.run(secs(2), |world| {
        world.has(&Event::ChannelBound(addr(PEER))) && world.has(&Event::Permitted(other.ip()))
    });
    assert!(world.client.is_permitted(world.now(), ip(PEER)));
    let now = world.now();
    let client = &mut world.client;
    let path = client.path().unwrap();
    assert_eq!(
        path,
        Path {
            transport: Transport::Udp,
            ..path
        }
    );
    let mut buf = [0x80; HEADROOM + 173 + TAILROOM];
    let mut channel = *b"\x40\x00\x00\x03abc\0";
    // A Data indication of the other peer: XOR-PEER-ADDRESS, DATA.
    let mut indication = [
        &b"\x00\x17\x00\x14\x21\x12\xa4\x42"[..],
        &[9; 12],
        b"\x00\x12\x00\x08\x00\x01\x3e\x52\xea\x12\xd5\x4a",
        b"\x00\x13\x00\x03abc\0",
    ]
    .concat();
    let counted = allocations(|| {
        for _ in 0..1000 {
            let payload = HEADROOM..HEADROOM + 173;
            let sent = client
                .send(now, &mut buf, payload.clone(), addr(PEER))
                .unwrap();
            assert_eq!(sent.range, HEADROOM - 4..HEADROOM + 173);
            let sent = client.send(now, &mut buf, payload, other).unwrap();
            assert_eq!(sent.range, HEADROOM - 36..HEADROOM + 176);
            let data = &mut channel;
            let heard = client.handle_datagram(now, Received { path, data });
            assert_eq!(
                heard,
                Handled::Data {
                    from: addr(PEER),
                    range: 4..7
                }
            );
            let data = &mut indication;
            let heard = client.handle_datagram(now, Received { path, data });
            assert_eq!(
                heard,
                Handled::Data {
                    from: other,
                    range: 36..39
                }
            );
        }
    });
    assert_eq!(counted, 0);
    assert_eq!(client.stats().data_sent, 2000);
    assert_eq!(client.stats().data_received, 2000);
}
