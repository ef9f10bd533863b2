//! Frames that come from the server.

use std::time::Instant;

use stun_codec::attribute::{ConnectionId, Data, ErrorCode, Icmp as IcmpAttribute, XorPeerAddress};
use stun_codec::{Class, Handled, Message, Method, Path, Received};

use super::allocation::Allocation;
use super::answer::read;
use super::event::Event;
use crate::icmp::Icmp;
use crate::indication::{CHANNEL_HEADER, range_within};

impl Allocation {
    /// Takes one frame. Data of peers is a range of the caller's own buffer.
    pub fn handle_datagram(&mut self, now: Instant, rx: Received<'_>) -> Handled {
        if let Some(from) = self.streams.open_peer(&rx.path) {
            self.stats.data_received += 1;
            return Handled::Data {
                from,
                range: 0..rx.data.len(),
            };
        }
        if !self.knows(&rx.path) && !self.streams.is_attaching(&rx.path) {
            return Handled::NotMine;
        }
        // The two are told apart by their first bits (RFC 8656 §12).
        match rx.data.first() {
            Some(0x40..=0x4f) => self.on_channel_data(now, rx.data),
            _ => match Message::parse(rx.data) {
                Ok(message) => self.on_message(now, &rx.path, &message, rx.data),
                Err(_) => self.dropped(|stats| &mut stats.malformed),
            },
        }
    }

    fn dropped(&mut self, counter: impl FnOnce(&mut super::Stats) -> &mut u64) -> Handled {
        *counter(&mut self.stats) += 1;
        Handled::Dropped
    }

    /// RFC 8656 §12.6. Over UDP there may be padding behind it.
    fn on_channel_data(&mut self, now: Instant, frame: &[u8]) -> Handled {
        let Some(([n0, n1, l0, l1], rest)) = frame.split_first_chunk::<CHANNEL_HEADER>() else {
            return self.dropped(|stats| &mut stats.malformed);
        };
        let length = usize::from(u16::from_be_bytes([*l0, *l1]));
        if length > rest.len() {
            return self.dropped(|stats| &mut stats.malformed);
        }
        let number = u16::from_be_bytes([*n0, *n1]);
        match self.channels.bound_peer(now, number) {
            None => self.dropped(|stats| &mut stats.unknown_channel),
            Some(from) => {
                self.stats.data_received += 1;
                let range = CHANNEL_HEADER..CHANNEL_HEADER + length;
                Handled::Data { from, range }
            }
        }
    }

    fn on_message(
        &mut self,
        now: Instant,
        path: &Path,
        message: &Message<'_>,
        frame: &[u8],
    ) -> Handled {
        match (message.class(), message.method()) {
            (Class::Indication, Method::DATA) => self.on_data(now, message, frame),
            (Class::Indication, Method::CONNECTION_ATTEMPT) => self.on_attempt(now, message),
            (Class::Success | Class::Error, _) => self.on_response(now, path, message),
            _ => self.dropped(|stats| &mut stats.unexpected_message),
        }
    }

    /// RFC 8656 §11.4, §11.6.
    fn on_data(&mut self, now: Instant, message: &Message<'_>, frame: &[u8]) -> Handled {
        let Some(XorPeerAddress(peer)) = read(message) else {
            return self.dropped(|stats| &mut stats.malformed);
        };
        if !self.permissions.is_granted(now, peer.ip()) {
            return self.dropped(|stats| &mut stats.unpermitted_peer);
        }
        if let Some(Data(payload)) = read(message) {
            let Some(range) = range_within(frame, payload) else {
                return self.dropped(|stats| &mut stats.malformed);
            };
            self.stats.data_received += 1;
            return Handled::Data { from: peer, range };
        }
        match read::<IcmpAttribute>(message) {
            None => self.dropped(|stats| &mut stats.malformed),
            Some(IcmpAttribute { kind, code, data }) => {
                let icmp = Icmp { kind, code, data };
                self.tell(Event::PeerUnreachable { peer, icmp });
                Handled::Consumed
            }
        }
    }

    /// RFC 6062 §4.4.
    fn on_attempt(&mut self, now: Instant, message: &Message<'_>) -> Handled {
        let peer = read::<XorPeerAddress>(message).map(|peer| peer.0);
        let connection = read::<ConnectionId>(message).map(|connection| connection.0);
        let Some((peer, connection)) = peer.zip(connection) else {
            return self.dropped(|stats| &mut stats.malformed);
        };
        let permitted = self.permissions.is_granted(now, peer.ip());
        if !permitted || !self.streams.offered(now, peer, connection) {
            return self.dropped(|stats| &mut stats.unpermitted_peer);
        }
        self.tell(Event::ConnectionAttempt { peer, connection });
        Handled::Consumed
    }

    fn on_response(&mut self, now: Instant, path: &Path, answer: &Message<'_>) -> Handled {
        let Some(pending) = self.requests.find(answer.transaction_id()) else {
            return self.dropped(|stats| &mut stats.unexpected_response);
        };
        // RFC 8489 §9.2.5: what does not prove to know the password was never seen.
        if let Some(login) = &mut self.login
            && login.check(answer).is_err()
        {
            let error = read::<ErrorCode<'_>>(answer);
            pending.unproved = error.map(|error| error.code).or(pending.unproved);
            return self.dropped(|stats| &mut stats.unproved_response);
        }
        let Some(pending) = self.requests.take_answered(now, path, answer) else {
            return self.dropped(|stats| &mut stats.unexpected_response);
        };
        match answer.class() {
            Class::Success => self.on_success(now, &pending, answer),
            _ => self.on_error(now, &pending, answer),
        }
        Handled::Consumed
    }
}
