//! Requests that were granted.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use stun_codec::attribute::{
    AddressErrorCode, ConnectionId, Lifetime, MobilityTicket, ReservationToken, XorMappedAddress,
    XorRelayedAddress,
};
use stun_codec::{Decode, Message, Path, SocketId};

use super::allocation::Allocation;
use super::event::{Allocated, Cause, Event, Missing};
use super::lease::{Lease, Term};
use super::phase::{Live, Phase, Way};
use super::requests::{Pending, Purpose};

/// The longest ticket that is taken, in bytes.
const TICKET_MAX: usize = 1024;

impl Allocation {
    pub(super) fn on_success(&mut self, now: Instant, pending: &Pending, answer: &Message<'_>) {
        match pending.purpose {
            Purpose::Allocate => self.on_allocated(now, pending.path, answer),
            Purpose::Refresh => match read_lease(now, answer) {
                Some(lease) => self.refreshed(lease),
                None => self.conclude(now, pending.purpose, Cause::BadAnswer("Refresh")),
            },
            Purpose::Release => {
                self.close(pending.path.id);
                self.link_ended(Cause::Released);
            }
            Purpose::Move => {
                if let Some(lease) = read_lease(now, answer) {
                    self.refreshed(lease);
                }
                self.moved(now, read_ticket(answer));
            }
            Purpose::Permission(peer) => self.on_permitted(now, peer),
            Purpose::Channel(number, peer) => {
                if self.channels.granted(now, number) {
                    self.tell(Event::ChannelBound(peer));
                }
                // RFC 8656 §12: a channel lets its peer's address in.
                self.on_permitted(now, peer.ip());
            }
            Purpose::Connect(peer) => match read::<ConnectionId>(answer) {
                Some(ConnectionId(connection)) => self.open_stream(peer, connection),
                None => self.conclude(now, pending.purpose, Cause::BadAnswer("Connect")),
            },
            Purpose::Attach(socket) => self.on_attached(socket),
        }
    }

    fn on_permitted(&mut self, now: Instant, peer: IpAddr) {
        if self.permissions.granted(now, peer) {
            self.tell(Event::Permitted(peer));
        }
    }

    fn on_attached(&mut self, socket: SocketId) {
        if let Some(peer) = self.streams.attached(socket) {
            self.tell(Event::Connected { peer, socket });
        }
    }

    fn on_allocated(&mut self, now: Instant, path: Path, answer: &Message<'_>) {
        if matches!(self.phase, Phase::Allocating { unwanted: true, .. }) {
            self.give_back(now, path);
            return;
        }
        let Some((live, allocated)) = self.read_allocated(now, path, answer) else {
            self.close(path.id);
            self.link_ended(Cause::BadAnswer("Allocate"));
            return;
        };
        self.phase = Phase::Live(Box::new(live));
        self.tell(Event::Allocated(Box::new(allocated)));
        self.ask_for_peers(now);
    }

    /// RFC 8656 §7.3.
    fn read_allocated(
        &self,
        now: Instant,
        path: Path,
        answer: &Message<'_>,
    ) -> Option<(Live, Allocated)> {
        let mut addresses = answer
            .attributes()
            .filter(|raw| raw.attribute_type == XorRelayedAddress::TYPE)
            .map(|raw| XorRelayedAddress::decode(raw.value, answer.transaction_id()));
        let XorRelayedAddress(relayed) = addresses.next()?.ok()?;
        let additional = addresses
            .find_map(Result::ok)
            .map(|XorRelayedAddress(other)| other);
        let XorMappedAddress(mapped) = read(answer)?;
        let Lifetime(seconds) = read(answer)?;
        let ticket = read_ticket(answer).filter(|_| self.config.mobility);
        let missing = read::<AddressErrorCode<'_>>(answer).map(|missing| Missing {
            family: missing.family,
            code: missing.error.code,
            reason: missing.error.reason.to_owned(),
        });
        let allocated = Allocated {
            relayed,
            additional,
            missing,
            mapped,
            lifetime: Duration::from_secs(seconds.into()),
            reservation: read(answer).map(|ReservationToken(token)| token),
            dont_fragment: self.config.dont_fragment,
            mobile: ticket.is_some(),
        };
        let live = Live {
            link: Way::Open(path),
            lease: Lease::new(now, Term::of_allocation(seconds)),
            relayed,
            additional,
            dont_fragment: self.config.dont_fragment,
            ticket,
            moving: None,
        };
        Some((live, allocated))
    }
}

fn read_lease(now: Instant, answer: &Message<'_>) -> Option<Lease> {
    let Lifetime(seconds) = read(answer)?;
    Some(Lease::new(now, Term::of_allocation(seconds)))
}

fn read_ticket(answer: &Message<'_>) -> Option<Vec<u8>> {
    let MobilityTicket(ticket) = read(answer)?;
    (1..=TICKET_MAX)
        .contains(&ticket.len())
        .then(|| ticket.to_vec())
}

/// An attribute that is there and right.
pub(super) fn read<'a, A: Decode<'a>>(message: &Message<'a>) -> Option<A> {
    message.attribute().ok().flatten()
}
