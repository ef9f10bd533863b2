//! The others: one file each.

mod libsrtp;
mod rtc;
mod str0m;
mod webrtc;

use bench_harness::Item;

use crate::contender;
use crate::ours::Ours;
use crate::packets::{Profile, Shape};

/// Adds every peer to an item that protects.
pub(crate) fn add_protect(item: &mut Item, profile: Profile, shape: Shape) {
    contender::add_protect::<rtc::Rtc>(item, "rtc-srtp", profile, shape);
    contender::add_protect::<webrtc::Webrtc>(item, "webrtc-srtp", profile, shape);
    contender::add_protect::<libsrtp::Libsrtp>(item, "libsrtp", profile, shape);
    str0m::add_protect(item, profile, shape);
}

/// Adds every peer to an item that opens what our crate has sealed.
pub(crate) fn add_unprotect(item: &mut Item, profile: Profile, shape: Shape) {
    contender::add_unprotect::<rtc::Rtc, Ours>(item, "rtc-srtp", profile, shape);
    contender::add_unprotect::<webrtc::Webrtc, Ours>(item, "webrtc-srtp", profile, shape);
    contender::add_unprotect::<libsrtp::Libsrtp, Ours>(item, "libsrtp", profile, shape);
}
