//! No allocation per packet, counted by the allocator itself.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]
#![allow(unsafe_code, reason = "a counting allocator is unsafe to implement")]

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use bytes::BytesMut;
use srtp::{BatchPacket, Config, HeaderExtensions, Profile, Receiver, Sender};

use common::{key, rtcp, rtp, with_room};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
        // SAFETY: as the caller's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: as the caller's.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations() -> u64 {
    ALLOCATIONS.with(Cell::get)
}

#[test]
fn packets_of_known_streams_allocate_nothing() {
    for profile in Profile::ALL {
        steady_state(Sender::new(key(profile, 1)), Receiver::new(key(profile, 1)));
        let with_mki = |number| key(profile, number).with_mki(&[0, 0, 0, number]).unwrap();
        let mut receiver = Receiver::new(with_mki(2));
        receiver.add_key(with_mki(1)).unwrap();
        steady_state(Sender::new(with_mki(1)), receiver);
        for hide in hidden(profile) {
            let mut config = Config::default();
            config.header_extensions = hide;
            let sender = Sender::with_config(key(profile, 1), config).unwrap();
            let receiver = Receiver::with_config(key(profile, 1), config).unwrap();
            steady_state(sender, receiver);
        }
    }
}

#[test]
fn batches_and_bytes_allocate_nothing() {
    for profile in Profile::ALL {
        let (mut sender, mut receiver) =
            (Sender::new(key(profile, 1)), Receiver::new(key(profile, 1)));
        let packet = |ssrc, number| rtp(ssrc, number, &[5; 160]);
        for ssrc in 0..3 {
            let (mut buf, len) = roomy(&packet(ssrc, 1));
            let sealed = sender.protect_rtp(&mut buf, len).unwrap();
            receiver.unprotect_rtp(&mut buf[..sealed]).unwrap();
        }
        let mut bufs: Vec<_> = (0..60u16)
            .map(|at| roomy(&packet(u32::from(at % 3), 2 + at)))
            .collect();
        let mut batch: Vec<_> = bufs
            .iter_mut()
            .map(|(buf, len)| BatchPacket::new(buf, *len))
            .collect();
        let before = allocations();
        assert_eq!(sender.protect_rtp_batch(&mut batch), 60);
        assert_eq!(allocations(), before);
        let mut batch: Vec<_> = batch
            .into_iter()
            .map(|it| BatchPacket::new(it.buf, it.len.unwrap()))
            .collect();
        let before = allocations();
        assert_eq!(receiver.unprotect_batch(&mut batch), 60);
        assert_eq!(allocations(), before);

        let mut bytes = BytesMut::with_capacity(200);
        bytes.extend_from_slice(&packet(1, 100));
        let before = allocations();
        sender.protect_rtp_bytes(&mut bytes).unwrap();
        receiver.unprotect_rtp_bytes(&mut bytes).unwrap();
        assert_eq!((sender.poll_event(), receiver.poll_event()), (None, None));
        assert_eq!(allocations(), before);
    }
}

/// What a profile can hide of header extensions.
fn hidden(profile: Profile) -> Vec<HeaderExtensions> {
    let ids = [1, 3].into_iter().collect();
    match profile.encrypts() {
        true => vec![HeaderExtensions::Cryptex, HeaderExtensions::Encrypted(ids)],
        false => vec![],
    }
}

/// An RTP packet with a CSRC list, every second one with a header extension.
fn packet(at: u16) -> Vec<u8> {
    let mut packet = rtp(u32::from(at % 3), at.wrapping_sub(1000), &[]);
    packet[0] |= 2;
    packet.extend([7; 8]);
    if at.is_multiple_of(2) {
        packet[0] |= 0x10;
        packet.extend([0xbe, 0xde, 0, 2, 0x11, 5, 5, 0x20, 6, 0x30, 7, 0]);
    }
    packet.extend([5; 160]);
    packet
}

fn steady_state(mut sender: Sender, mut receiver: Receiver) {
    let packets: Vec<_> = (0..2000u16).map(|at| roomy(&packet(at))).collect();
    let reports: Vec<_> = (0..300).map(|at| roomy(&rtcp(at % 3, 100))).collect();
    let mut counts = Vec::with_capacity(4000);
    for (mut buf, len) in packets {
        let before = allocations();
        let sealed = sender.protect_rtp(&mut buf, len).unwrap();
        receiver.unprotect_rtp(&mut buf[..sealed]).unwrap();
        assert!(receiver.unprotect_rtp(&mut [0x80; 60]).is_err());
        counts.push(allocations() - before);
    }
    for (mut buf, len) in reports {
        let before = allocations();
        let sealed = sender.protect_rtcp(&mut buf, len).unwrap();
        receiver.unprotect_rtcp(&mut buf[..sealed]).unwrap();
        counts.push(allocations() - before);
    }
    assert_ne!(
        counts[0], 0,
        "the allocator counts: a stream begins with the first packet"
    );
    let steady = counts[3..2000].iter().chain(&counts[2003..]).sum::<u64>();
    assert_eq!(steady, 0, "{sender:?}");
}

/// The packet with room for a trailer and an MKI.
fn roomy(packet: &[u8]) -> (Vec<u8>, usize) {
    let (mut buf, len) = with_room(packet);
    buf.resize(buf.len() + 4, 0);
    (buf, len)
}
