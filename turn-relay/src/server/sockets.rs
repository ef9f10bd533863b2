//! Sockets to relay at: asked for, opened, failed, lost; and ports that are kept for somebody.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use stun_codec::attribute::ReservationToken;
use stun_codec::{Family, Local, Open, OpenError, Port, SocketId, Wanted};

use super::allocation::{Allocation, Door, DoorState, Live, PortWish};
use super::config::{Config, RelayAddress};
use super::event::{EndCause, Event};
use super::five_tuple::FiveTuple;
use super::quota::Admission;
use super::relay::{Relay, Use};
use super::slots::Key;
use super::timers::Due;

/// RFC 8656 §7.2 wants at least 30 s, in which the client may come for the port.
const RESERVED: Duration = Duration::from_secs(30);

/// How often a pair of ports is tried before there is none.
const PAIR_TRIES: u8 = 16;

/// A port that is kept for whoever has its token.
#[derive(Debug)]
pub(super) struct Reserved {
    pub(super) door: Door,
    until: Instant,
    /// Of the allocation that it was made with, once that is over. It is kept for what its end does.
    admission: Option<Admission>,
}

impl Config {
    pub(super) fn relays_at(&self, family: Family) -> bool {
        self.relay_addresses(family).next().is_some()
    }

    fn relay_addresses(&self, family: Family) -> impl Iterator<Item = &RelayAddress> {
        let relays = self.relays.iter();
        relays.filter(move |one| Family::of(one.local) == family)
    }
}

impl Relay {
    /// A socket that was asked for is there. `local` is where it is bound.
    pub fn handle_opened(&mut self, now: Instant, id: SocketId, local: SocketAddr) {
        self.on_door(now, id, DoorState::Open(local));
    }

    /// A socket that was asked for could not be opened.
    pub fn handle_open_failed(&mut self, now: Instant, id: SocketId, _: OpenError) {
        self.on_door(now, id, DoorState::Failed);
    }

    fn on_door(&mut self, now: Instant, id: SocketId, state: DoorState) {
        let Some(socket) = Key::of_socket(id) else {
            return;
        };
        let key = match self.sockets.get(socket) {
            Some(&Use::Allocation(key)) => key,
            Some(&Use::Stream(name)) => {
                if matches!(state, DoorState::Failed) {
                    self.sockets.remove(socket);
                    return self.stream_ended(name);
                }
                return self.stream_opened(now, name);
            }
            _ => return,
        };
        let Some(Allocation::Opening(opening)) = self.allocations.get_mut(key) else {
            return;
        };
        let mut doors = opening.doors_mut();
        if let Some(door) = doors.find(|door| door.socket == socket) {
            door.state = state;
        }
        drop(doors);
        // What was never open is not to be closed.
        if matches!(state, DoorState::Failed) {
            self.sockets.remove(socket);
        }
        self.go_on(now, key);
    }

    /// A socket has ended by itself: a client's connection, or one that was relayed at.
    pub fn handle_closed(&mut self, now: Instant, id: SocketId) {
        let Some(socket) = Key::of_socket(id) else {
            self.connections.remove(id);
            self.joined_closed(id);
            if let Some(key) = self.clients.get(&FiveTuple::Stream(id)).copied() {
                self.end(now, key, EndCause::ConnectionLost);
            }
            return;
        };
        // It is closed already.
        match self.sockets.remove(socket) {
            None => {}
            Some(Use::Allocation(key)) => match self.allocations.get_mut(key) {
                Some(Allocation::Live(_)) => self.end(now, key, EndCause::SocketLost),
                Some(Allocation::Opening(opening)) => {
                    let mut doors = opening.doors_mut();
                    if let Some(door) = doors.find(|door| door.socket == socket) {
                        door.state = DoorState::Failed;
                    }
                    drop(doors);
                    self.go_on(now, key);
                }
                None => {}
            },
            Some(Use::Stream(name)) => self.stream_ended(name),
            Some(Use::Reserved) => self.reserved.retain(|_, kept| kept.door.socket != socket),
        }
    }

    /// Asks the driver for a socket. Several addresses of a family take turns.
    pub(super) fn ask_for_door(
        &mut self,
        family: Family,
        port: PortWish,
        is_stream: bool,
    ) -> Option<Door> {
        let count = self.config.relay_addresses(family).count();
        let at = self.turn.checked_rem(count)?;
        let address = self.config.relay_addresses(family).nth(at).copied()?;
        self.turn = self.turn.wrapping_add(1);
        let local = Local::Ip(address.local);
        let port = match port {
            PortWish::Any => Port::Any,
            PortWish::Even | PortWish::Pair => Port::Even,
        };
        let what = match is_stream {
            true => Wanted::TcpListener { local },
            false => Wanted::Udp { local, port },
        };
        self.ask_for(address, what)
    }

    fn ask_for(&mut self, address: RelayAddress, what: Wanted) -> Option<Door> {
        let socket = self.sockets.insert(Use::Reserved)?;
        let id = SocketId::asked(socket.number());
        self.desk.tell(Event::Open(Open { id, what }));
        Some(Door {
            socket,
            public: address.public,
            state: DoorState::Asked,
        })
    }

    /// Peers that send to this socket are this allocation's.
    pub(super) fn assign(&mut self, socket: Key, allocation: Key) {
        if let Some(place) = self.sockets.get_mut(socket) {
            *place = Use::Allocation(allocation);
        }
    }

    /// The even port is there: is the next one, too? Otherwise another pair is tried, and at last there
    /// is none (RFC 8656 §7.2: 508).
    pub(super) fn has_pair(&mut self, now: Instant, key: Key) -> bool {
        let Some(Allocation::Opening(opening)) = self.allocations.get_mut(key) else {
            return false;
        };
        let Some(local) = opening.first.local() else {
            return false;
        };
        let address = RelayAddress {
            local: local.ip(),
            public: opening.first.public,
        };
        let family = opening.wish.family;
        let (first, next) = (opening.first, opening.next);
        match next {
            Some(next) if next.local().is_some() => return true,
            // The even one again, and this time another.
            Some(_) if opening.tries < PAIR_TRIES => {
                opening.tries += 1;
                opening.next = None;
                let another = self.ask_for_door(family, PortWish::Pair, false);
                self.close(first.socket);
                if let Some(door) = another {
                    self.replace_door(key, door, false);
                    return false;
                }
            }
            Some(_) => {}
            None => {
                let number = local.port().wrapping_add(1);
                let port = Port::Within {
                    least: number,
                    most: number,
                };
                let local = Local::Ip(address.local);
                if let Some(door) = self.ask_for(address, Wanted::Udp { local, port }) {
                    self.replace_door(key, door, true);
                    return false;
                }
            }
        }
        if let Some(Allocation::Opening(opening)) = self.allocations.get(key) {
            let code = stun_codec::attribute::ErrorCode::INSUFFICIENT_CAPACITY.into();
            let _ = self.desk.refuse(&opening.asked, &code);
        }
        self.end(now, key, EndCause::SocketLost);
        false
    }

    fn replace_door(&mut self, key: Key, door: Door, is_next: bool) {
        self.assign(door.socket, key);
        if let Some(Allocation::Opening(opening)) = self.allocations.get_mut(key) {
            match is_next {
                true => opening.next = Some(door),
                false => opening.first = door,
            }
        }
    }

    /// Keeps a port for whoever brings the token.
    pub(super) fn reserve(&mut self, now: Instant, door: Door) -> ReservationToken {
        let token = loop {
            let token = self.sealer.token(self.random.bytes());
            if !self.reserved.contains_key(&token.0) {
                break token;
            }
        };
        if let Some(place) = self.sockets.get_mut(door.socket) {
            *place = Use::Reserved;
        }
        let until = now + RESERVED;
        let kept = Reserved {
            door,
            until,
            admission: None,
        };
        self.reserved.insert(token.0, kept);
        self.timers.push(until, Due::Reservation(token.0));
        token
    }

    /// A port that nobody has come for is kept to its time (RFC 8656 §7.2), though the allocation that it
    /// was made with is over. It counts for quotas in its place: whoever comes and goes has no more ports
    /// than whoever stays.
    pub(super) fn leave_reservation(&mut self, live: Live) {
        let token = live.token.map(|token| token.0);
        if let Some(kept) = token.and_then(|token| self.reserved.get_mut(&token)) {
            kept.admission = Some(live.admission);
        }
    }

    /// Nobody has come for the port.
    pub(super) fn expire_reservation(&mut self, now: Instant, token: [u8; 8]) {
        let is_over = |kept: &Reserved| now >= kept.until;
        if self.reserved.get(&token).is_some_and(is_over)
            && let Some(kept) = self.reserved.remove(&token)
        {
            self.close(kept.door.socket);
        }
    }
}
