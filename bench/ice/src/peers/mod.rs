//! The peers.

mod rice;
mod rtc;
mod str0m;

use bench_harness::Item;

use crate::contender::{self, Hosts, Links, Operation};

pub(crate) fn add(item: &mut Item, operation: Operation) {
    // They are told the time so often that ten thousand of them take minutes.
    if !matches!(operation, Operation::Idle(_)) {
        contender::add::<str0m::Str0m>(item, "str0m's is", operation);
        contender::add::<rtc::Rtc>(item, "rtc-ice", operation);
    }
    // It keeps no consent, and takes minutes of its time where most ways are dead.
    if let Operation::Connect(Hosts {
        links: Links::All, ..
    }) = operation
    {
        contender::add::<rice::Rice>(item, "rice-proto", operation);
    }
}
