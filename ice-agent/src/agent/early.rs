//! DTLS that comes before the pair that it comes over is valid.
//!
//! A peer may send data as soon as its own check was answered, which can be half a round trip before
//! ours is (RFC 8445 §12.1). The first flight of a handshake would be lost then, and repeated after a
//! second. It is held instead, a little of it, and told once our check was answered; what comes over a
//! pair that never works is never told. Media is not held: it is too old then.

use stun_codec::Path;

use super::Agent;
use crate::event::Event;

/// Most datagrams that are held: a flight with certificates.
const MAX_DATAGRAMS: usize = 8;

/// The longest one that is held, in bytes.
const MAX_LENGTH: usize = 2048;

impl Agent {
    /// Holds a datagram if it is DTLS (RFC 7983 §7) and there is room. False when it is lost.
    pub(super) fn hold(&mut self, path: &Path, data: &[u8]) -> bool {
        let is_dtls = matches!(data.first(), Some(20..=63));
        let room = self.early.len() < MAX_DATAGRAMS && data.len() <= MAX_LENGTH;
        let holds = is_dtls && room && self.knows(path);
        if holds {
            self.early.push((*path, data.to_vec()));
            self.stats.data_held += 1;
        }
        holds
    }

    /// Tells what was held for a pair that has become valid.
    pub(super) fn tell_held(&mut self, path: &Path) {
        let of_pair = |(held, _): &mut (Path, Vec<u8>)| held == path;
        let held: Vec<_> = self.early.extract_if(.., of_pair).collect();
        for (path, data) in held {
            let from = path.remote;
            self.stats.data_received += 1;
            self.events
                .push(Event::HeldData { from, data }, &mut self.stats);
        }
    }
}
