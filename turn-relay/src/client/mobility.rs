//! Moving an allocation to another address of ours (RFC 8016).

use std::net::IpAddr;
use std::time::Instant;

use stun_codec::stream::Framing;
use stun_codec::{Family, Local, Open, Path, SocketId};

use super::allocation::Allocation;
use super::event::{Cause, Event};
use super::peers::PeerError;
use super::phase::{Moving, Way};
use super::requests::Purpose;

impl Allocation {
    /// Moves the allocation to a new socket, on `local` if it is told, as after a change of
    /// networks. Data goes the old way until [`Event::Moved`]; a socket that is lost is replaced
    /// by itself in the same manner.
    ///
    /// # Errors
    /// When nothing is allocated, the server gave no ticket
    /// ([`Config::with_mobility`](super::Config::with_mobility)), or a move is under way.
    pub fn move_to(&mut self, local: Option<IpAddr>) -> Result<(), PeerError> {
        let live = self.phase.live().ok_or(PeerError::NotAllocated)?;
        if live.ticket.is_none() || live.moving.is_some() {
            return Err(PeerError::NotMobile);
        }
        self.config.local = local;
        self.open_new_way();
        Ok(())
    }

    fn open_new_way(&mut self) {
        let id = self.next_socket();
        let family = Local::Family(Family::of(self.server.address.ip()));
        let local = self.config.local.map_or(family, Local::Ip);
        let what = self.wanted(local, Framing::Turn);
        if let Some(live) = self.phase.live_mut() {
            live.moving = Some(Moving::Opening(id));
        }
        self.tell(Event::Open(Open { id, what }));
    }

    /// The new way, while the server is told of it.
    pub(super) fn telling(&self) -> Option<Path> {
        match self.phase.live()?.moving? {
            Moving::Telling(path) => Some(path),
            Moving::Opening(_) => None,
        }
    }

    /// The socket to the server of a live allocation is gone.
    pub(super) fn link_lost(&mut self, now: Instant) {
        let Some(live) = self.phase.live_mut() else {
            return;
        };
        live.link = Way::Lost;
        match (&live.ticket, live.moving) {
            // The socket is gone: it is not told to close.
            (None, _) => self.end(Cause::ConnectionLost),
            (Some(_), Some(_)) => self.abandon_other_ways(now, None),
            (Some(_), None) => {
                self.abandon_other_ways(now, None);
                // It may be the address that is gone.
                self.config.local = None;
                self.open_new_way();
            }
        }
    }

    /// Answers to what went another way would not come, and repetitions would go nowhere.
    fn abandon_other_ways(&mut self, now: Instant, way: Option<Path>) {
        let telling = self.telling();
        let lost = |path| Some(path) != way && Some(path) != telling;
        for pending in self.requests.take(|pending| lost(pending.path)) {
            match pending.purpose {
                Purpose::Permission(peer) => self.permissions.ask_anew(now, peer),
                Purpose::Channel(number, _) => self.channels.ask_anew(now, number),
                // Moving refreshes, too. Connections do not move.
                _ => {}
            }
        }
    }

    /// The server knows the new way: everything goes there.
    pub(super) fn moved(&mut self, now: Instant, ticket: Option<Vec<u8>>) {
        let Some(live) = self.phase.live_mut() else {
            return;
        };
        let Some(Moving::Telling(path)) = live.moving.take() else {
            return;
        };
        let old = std::mem::replace(&mut live.link, Way::Open(path));
        live.ticket = ticket.or(live.ticket.take());
        if let Way::Open(old) = old {
            self.close(old.id);
        }
        self.abandon_other_ways(now, Some(path));
        self.tell(Event::Moved { local: path.local });
        self.ask_for_peers(now);
    }

    /// The allocation stays where it was, if it still can.
    pub(super) fn move_failed(&mut self, cause: Cause, socket: Option<SocketId>) {
        if let Some(id) = socket {
            self.close(id);
        }
        let Some(live) = self.phase.live_mut() else {
            return;
        };
        live.moving = None;
        match live.link {
            Way::Open(_) => self.tell(Event::MoveFailed { cause }),
            Way::Lost => self.end(cause),
        }
    }
}
