//! The others: one file each.

mod rtc;
mod str0m;
mod stun_codec;
mod stun_rs;
mod stun_types;
mod webrtc;

use bench_harness::Item;

use crate::contender::{self, Operation};

/// Adds every peer.
pub(crate) fn add(item: &mut Item, operation: Operation) {
    contender::add::<str0m::Str0m>(item, "str0m's is", operation);
    contender::add::<stun_types::StunTypes>(item, "stun-types", operation);
    contender::add::<rtc::Rtc>(item, "rtc-stun", operation);
    contender::add::<webrtc::Webrtc>(item, "webrtc's stun", operation);
    contender::add::<stun_rs::StunRs>(item, "stun-rs", operation);
    contender::add::<stun_codec::StunCodec>(item, "stun_codec 0.4", operation);
}
