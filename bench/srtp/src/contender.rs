//! What everybody who is measured can do.

use std::hint::black_box;

use bench_harness::Item;

use crate::packets::{BATCH, Packet, Packets, Profile, Shape};

/// Somebody who protects and opens packets, with the state of both directions.
///
/// Whoever works in place writes to the packet; who returns a new one leaves the packet alone.
pub(crate) trait Contender: 'static {
    fn new(profile: Profile) -> Self;
    fn protect_rtp(&mut self, packet: &mut Packet);
    fn unprotect_rtp(&mut self, packet: &mut Packet);
    fn protect_rtcp(&mut self, packet: &mut Packet);
    fn unprotect_rtcp(&mut self, packet: &mut Packet);
}

/// Adds `C` to an item that protects.
pub(crate) fn add_protect<C: Contender>(
    item: &mut Item,
    who: &'static str,
    profile: Profile,
    shape: Shape,
) {
    let mut it = C::new(profile);
    let mut packets = Packets::new(shape);
    item.add(
        who,
        BATCH,
        move || packets.batch(),
        move |batch| protect(&mut it, batch, shape),
    );
}

/// Adds `C` to an item that opens what `S` has sealed.
pub(crate) fn add_unprotect<C: Contender, S: Contender>(
    item: &mut Item,
    who: &'static str,
    profile: Profile,
    shape: Shape,
) {
    let (mut sealer, mut it) = (S::new(profile), C::new(profile));
    let mut packets = Packets::new(shape);
    let sealed = move || {
        let mut batch = packets.batch();
        protect(&mut sealer, &mut batch, shape);
        batch
    };
    item.add(who, BATCH, sealed, move |batch| {
        for packet in black_box(batch) {
            if shape.is_rtcp() {
                it.unprotect_rtcp(packet);
            } else {
                it.unprotect_rtp(packet);
            }
        }
    });
}

fn protect<C: Contender>(it: &mut C, batch: &mut [Packet], shape: Shape) {
    for packet in black_box(batch) {
        if shape.is_rtcp() {
            it.protect_rtcp(packet);
        } else {
            it.protect_rtp(packet);
        }
    }
}
