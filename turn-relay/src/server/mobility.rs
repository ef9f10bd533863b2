//! Mobility (RFC 8016 §3.2): a client with a ticket takes its allocation along to another address.

use bytes::BytesMut;
use stun_codec::Encode;
use stun_codec::attribute::{ErrorCode, Lifetime, MobilityTicket};

use super::allocation::{Allocation, Kept};
use super::event::Event;
use super::five_tuple::FiveTuple;
use super::relay::Relay;
use super::relayed::Relayed;
use super::request::Request;
use super::slots::Key;
use super::ticket::{Held, Ticket, Tickets};

impl Relay {
    /// A Refresh from an address that has no allocation, with a ticket.
    pub(super) fn on_move(&mut self, request: &Request<'_>) -> Relayed {
        let client = FiveTuple::from(&request.asked.path);
        let ticket = request.message.attribute::<MobilityTicket<'_>>();
        let ticket = ticket
            .ok()
            .flatten()
            .map(|ticket| self.sealer.open_ticket(ticket.0));
        let outcome = match ticket {
            Some(Held::Elsewhere(worker)) => return self.send_on(request.now, client, worker),
            Some(Held::Mine((key, ticket))) => self.movable(request, key, ticket).map(|()| key),
            Some(Held::Forged) | None => Err(ErrorCode::ALLOCATION_MISMATCH),
        };
        let refreshed = outcome.and_then(|key| Ok((key, self.refresh(request, key)?)));
        match refreshed {
            Ok((key, lifetime)) => self.move_to(request, key, lifetime),
            Err(code) => self.desk.refuse(&request.asked, &code.into()),
        }
    }

    /// Whether the ticket is one of this allocation's, and its user's.
    fn movable(
        &mut self,
        request: &Request<'_>,
        key: Key,
        ticket: Ticket,
    ) -> Result<(), ErrorCode<'static>> {
        let live = self.allocations.get_mut(key).and_then(Allocation::live_mut);
        let live = live.ok_or(ErrorCode::ALLOCATION_MISMATCH)?;
        let tickets = live
            .tickets
            .as_mut()
            .ok_or(ErrorCode::ALLOCATION_MISMATCH)?;
        if tickets.newest != ticket && tickets.before != Some(ticket) {
            return Err(ErrorCode::ALLOCATION_MISMATCH);
        }
        if live.owner.identity.user != request.identity.user {
            return Err(ErrorCode::WRONG_CREDENTIALS);
        }
        Ok(())
    }

    /// From now on the client is where this request came from.
    fn move_to(&mut self, request: &Request<'_>, key: Key, lifetime: Lifetime) -> Relayed {
        let path = request.asked.path;
        let ticket = self.sealer.ticket(key, self.random.bytes());
        let Some(Allocation::Live(live)) = self.allocations.get_mut(key) else {
            // It was given back from the new address.
            return self.desk.grant(&request.asked, &[&lifetime]);
        };
        let old = std::mem::replace(&mut live.path, path);
        live.tickets = live.tickets.map(|tickets| Tickets {
            newest: ticket,
            before: Some(tickets.newest),
        });
        let attributes: [&dyn Encode; 2] = [&lifetime, &MobilityTicket(&ticket.0)];
        let mut bytes = BytesMut::new();
        // These always fit.
        let _ = request.asked.grant(&mut bytes, &attributes);
        live.answer = Kept {
            id: request.asked.id,
            bytes: bytes.to_vec().into(),
        };
        let id = live.id;
        self.clients.remove(&FiveTuple::from(&old));
        self.clients.insert(FiveTuple::from(&path), key);
        self.desk.tell(Event::Moved { id, client: path });
        self.desk.send(path, &bytes)
    }
}
