//! The others: one file each.

mod dimpl;
mod openssl;
mod rtc;

use bench_harness::Item;
use dtls_handshake::{Group, Version};

use super::Kind;

/// Adds every peer that can do it to an item.
pub(crate) fn add(item: &mut Item, kind: Kind) {
    if kind.group != Group::X25519MlKem768 {
        dimpl::add(item, kind);
    }
    if kind.version == Version::Dtls12 {
        openssl::add(item, kind);
    }
    // Its groups cannot be chosen; left alone it takes X25519.
    if kind == Kind::new(Version::Dtls12, Group::X25519) {
        rtc::add(item);
    }
}
