//! What arrives.

use std::time::Instant;

use stun_codec::{Class, Handled, Message, Method, Path, Received, Transport};

use super::Agent;

impl Agent {
    /// Takes a frame. [`Handled::Data`] is payload of the peer on a pair that works;
    /// [`Handled::NotMine`] is anything that does not concern this agent, so that an owner of
    /// several on one port can ask the next.
    ///
    /// Payload costs no allocation.
    pub fn handle_datagram(&mut self, now: Instant, mut rx: Received<'_>) -> Handled {
        if self.state().is_finished() {
            return Handled::NotMine;
        }
        // The sockets of relays are the agent's own.
        if rx.path.id.is_asked()
            && let Some(handled) = self.handle_relayed(now, &mut rx)
        {
            return handled;
        }
        if !stun_codec::is_stun(rx.data) {
            return self.handle_data(now, &rx.path, rx.data, 0..rx.data.len());
        }
        let handled = self.handle_stun(now, &rx.path, rx.data);
        if handled != Handled::NotMine {
            if rx.path.transport == Transport::Udp {
                self.servers.heard_udp();
            }
            self.advance(now);
        }
        handled
    }

    pub(super) fn handle_stun(&mut self, now: Instant, path: &Path, data: &[u8]) -> Handled {
        let Ok(message) = Message::parse(data) else {
            return self.if_known_path(path, |stats| &mut stats.malformed);
        };
        match (message.class(), message.method()) {
            (Class::Request, Method::BINDING) => self.handle_request(now, path, &message),
            (Class::Success | Class::Error, Method::BINDING) => {
                self.handle_response(now, path, &message)
            }
            // A keepalive (RFC 8445 §11): there is nothing to do.
            (Class::Indication, Method::BINDING) if self.knows(path) => Handled::Consumed,
            _ => Handled::NotMine,
        }
    }

    /// What cannot be read is counted where it came on the way of a pair; elsewhere it may be for
    /// somebody else.
    pub(super) fn if_known_path(
        &mut self,
        path: &Path,
        counter: impl Fn(&mut crate::Stats) -> &mut u64,
    ) -> Handled {
        if !self.knows(path) {
            return Handled::NotMine;
        }
        *counter(&mut self.stats) += 1;
        Handled::Dropped
    }
}
