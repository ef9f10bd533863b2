//! SRTP and SRTCP: ours, the peers, and the floor, on the same packets.
//!
//! `bench/run` builds it, runs it and makes a table of what it prints.

mod contender;
mod floor;
mod items;
mod ours;
mod packets;
#[cfg(feature = "peers")]
mod peers;

fn main() {
    bench_harness::measure(items::items());
}

/// What can be said without a clock.
#[cfg(test)]
mod tests {
    use bench_harness::{FLOOR, OURS, Settings};

    use crate::contender::Contender;
    use crate::floor::Floor;
    use crate::items::items;
    use crate::ours::Ours;
    use crate::packets::{Packets, Profile, Shape};

    #[test]
    fn ours_and_the_floor_allocate_nothing() {
        for mut item in items() {
            for it in item.run(Settings::ONCE) {
                if it.who == OURS || it.who == FLOOR {
                    assert!(it.allocations == 0.0, "{}: {it:?}", item.name());
                }
            }
        }
    }

    #[test]
    fn what_was_protected_opens() {
        for profile in Profile::ALL {
            for (_, shape) in Shape::ALL {
                round_trip::<Ours>(profile, shape);
                round_trip::<Floor>(profile, shape);
            }
        }
    }

    fn round_trip<C: Contender>(profile: Profile, shape: Shape) {
        let mut it = C::new(profile);
        for mut packet in Packets::new(shape).batch() {
            let plain = packet.bytes().to_vec();
            if shape.is_rtcp() {
                it.protect_rtcp(&mut packet);
                assert_ne!(&packet.bytes()[8..plain.len()], &plain[8..]);
                it.unprotect_rtcp(&mut packet);
            } else {
                it.protect_rtp(&mut packet);
                assert_ne!(&packet.bytes()[24..plain.len()], &plain[24..]);
                it.unprotect_rtp(&mut packet);
            }
            assert_eq!(packet.bytes(), plain);
        }
    }
}
