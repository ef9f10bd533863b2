//! ClientHellos that come in parts.
//!
//! A ClientHello with a hybrid share does not fit into one datagram. Its parts wait here, in a
//! number of places that is fixed for the whole listener and not for each client: a new one takes
//! the place that was taken longest ago. Under a flood of parts a client may lose its place before
//! its second datagram comes; it repeats both.

use core::net::SocketAddr;

use crate::handshake::{Fragment, Inbox, Inserted, Message};
use crate::record::PLAIN;
use crate::stats::DropReason;

/// How many hellos may be incomplete at a time.
const PLACES: usize = 64;
/// The longest ClientHello, in bytes: two hybrid shares and all extensions that are known. It is
/// what each place may cost.
pub(super) const HELLO_LIMIT: usize = 4096;

/// The parts that wait.
#[derive(Debug, Default)]
pub(super) struct Hellos {
    places: Vec<Place>,
    /// The one that is given away next.
    oldest: usize,
}

#[derive(Debug)]
struct Place {
    remote: SocketAddr,
    message_seq: u16,
    inbox: Inbox,
}

impl Hellos {
    /// Takes a part of a ClientHello, and returns the whole when it was the last.
    pub(super) fn insert(
        &mut self,
        remote: SocketAddr,
        fragment: &Fragment<'_>,
    ) -> Result<Option<Message>, DropReason> {
        let message_seq = fragment.message_seq;
        let found = self
            .places
            .iter()
            .position(|place| place.remote == remote && place.message_seq == message_seq);
        let index = found.unwrap_or_else(|| self.give(remote, message_seq));
        let Some(place) = self.places.get_mut(index) else {
            return Err(DropReason::BufferFull);
        };
        match place.inbox.insert(PLAIN, fragment) {
            Inserted::Kept => {}
            Inserted::Dropped(reason) => return Err(reason),
            Inserted::Answered => return Err(DropReason::Repeated),
            // Somebody else speaks from there as well, or the client begins anew: so do we.
            Inserted::Conflict => {
                place.inbox = Inbox::starting_at(message_seq);
                place.inbox.insert(PLAIN, fragment);
            }
        }
        let message = place.inbox.pop();
        if message.is_some() {
            // Free for the next, in whatever place it stands.
            place.inbox = Inbox::starting_at(message_seq);
        }
        Ok(message)
    }

    fn give(&mut self, remote: SocketAddr, message_seq: u16) -> usize {
        let place = Place {
            remote,
            message_seq,
            inbox: Inbox::starting_at(message_seq),
        };
        let index = self.oldest;
        self.oldest = (index + 1) % PLACES;
        match self.places.get_mut(index) {
            Some(taken) => *taken = place,
            None => self.places.push(place),
        }
        index
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::HandshakeType;

    fn part(message_seq: u16, offset: usize, bytes: &[u8]) -> Fragment<'_> {
        Fragment {
            kind: HandshakeType::ClientHello,
            length: 6,
            message_seq,
            offset,
            bytes,
        }
    }

    fn remote(port: u16) -> SocketAddr {
        ([192, 0, 2, 1], port).into()
    }

    #[test]
    fn parts_of_several_clients_do_not_mix() {
        let mut hellos = Hellos::default();
        let mut insert = |port, seq, offset, bytes| {
            let message = hellos.insert(remote(port), &part(seq, offset, bytes));
            message.unwrap().map(|message| message.body().to_vec())
        };
        assert_eq!(insert(1, 0, 0, b"abc"), None);
        assert_eq!(insert(2, 0, 3, b"DEF"), None);
        assert_eq!(insert(1, 1, 0, b"123"), None);
        assert_eq!(insert(2, 0, 0, b"ABC"), Some(b"ABCDEF".to_vec()));
        assert_eq!(insert(1, 0, 3, b"def"), Some(b"abcdef".to_vec()));
        assert_eq!(insert(1, 1, 3, b"456"), Some(b"123456".to_vec()));
        // What contradicts the part before takes its place.
        assert_eq!(insert(3, 0, 0, b"abc"), None);
        assert_eq!(insert(3, 0, 0, b"xyz"), None);
        assert_eq!(insert(3, 0, 3, b"def"), Some(b"xyzdef".to_vec()));
    }

    #[test]
    fn there_are_no_more_places_than_these() {
        let mut hellos = Hellos::default();
        for port in 0..10_000 {
            assert!(
                hellos
                    .insert(remote(port), &part(0, 0, b"a"))
                    .unwrap()
                    .is_none()
            );
        }
        assert_eq!(hellos.places.len(), PLACES);
        let mut rest = |port| hellos.insert(remote(port), &part(0, 1, b"bcdef")).unwrap();
        assert!(rest(9_999).is_some());
        assert!(rest(9_999 - PLACES as u16).is_none());
    }
}
