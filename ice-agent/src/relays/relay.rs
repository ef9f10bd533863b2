//! One relay: its allocation, its sockets, and how far it is.

use std::net::SocketAddr;
use std::time::Instant;

use bytes::BytesMut;
use stun_codec::{Family, Path, SocketId, Transmit, Transport};
use turn_relay::client::Allocation;

/// One allocation.
#[derive(Debug)]
pub(crate) struct Relay {
    pub(crate) server: SocketAddr,
    pub(crate) transport: Transport,
    /// Stands for the socket in the paths of its pairs.
    pub(crate) name: SocketId,
    pub(crate) allocation: Allocation,
    /// Its sockets: the allocation's id, and the agent's.
    pub(super) sockets: Vec<(SocketId, SocketId)>,
    pub(super) stage: Stage,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Stage {
    Gathering {
        until: Instant,
    },
    Live {
        relayed: SocketAddr,
        additional: Option<SocketAddr>,
    },
    /// Given back; the server has not confirmed it.
    Leaving,
}

impl Relay {
    /// The way to a peer through the relay, as pairs know it.
    pub(super) fn path_to(&self, peer: SocketAddr) -> Option<Path> {
        let Stage::Live {
            relayed,
            additional,
        } = self.stage
        else {
            return None;
        };
        let alike = |address: &SocketAddr| Family::of(address.ip()) == Family::of(peer.ip());
        let local = [Some(relayed), additional]
            .into_iter()
            .flatten()
            .find(alike)?;
        Some(Path {
            id: self.name,
            local,
            remote: peer,
            transport: Transport::Udp,
        })
    }

    /// Notes a socket that the allocation asks for.
    pub(crate) fn name_socket(&mut self, inner: SocketId, outer: SocketId) {
        self.sockets.push((inner, outer));
    }

    /// Forgets a socket: the agent's id of it.
    pub(crate) fn forget_socket(&mut self, inner: SocketId) -> Option<SocketId> {
        let at = self.sockets.iter().position(|(own, _)| *own == inner)?;
        Some(self.sockets.swap_remove(at).1)
    }

    pub(super) fn inner(&self, outer: SocketId) -> Option<SocketId> {
        let mut known = self.sockets.iter();
        known
            .find(|(_, agent)| *agent == outer)
            .map(|(own, _)| *own)
    }

    pub(super) fn outer(&self, inner: SocketId) -> Option<SocketId> {
        let mut known = self.sockets.iter();
        known
            .find(|(own, _)| *own == inner)
            .map(|(_, agent)| *agent)
    }

    /// The agent's ids of its sockets.
    pub(crate) fn sockets(&self) -> impl Iterator<Item = SocketId> {
        self.sockets.iter().map(|(_, agent)| *agent)
    }

    /// The next request to the server, on the agent's socket.
    pub(crate) fn poll_transmit(&mut self, out: &mut BytesMut) -> Option<Transmit> {
        loop {
            let mut transmit = self.allocation.poll_transmit(out)?;
            // One for a socket that is gone meanwhile is of no use.
            if let Some(outer) = self.outer(transmit.path.id) {
                transmit.path.id = outer;
                return Some(transmit);
            }
            out.truncate(transmit.range.start);
        }
    }

    pub(crate) fn live(&mut self, relayed: SocketAddr, additional: Option<SocketAddr>) {
        self.stage = Stage::Live {
            relayed,
            additional,
        };
    }

    pub(crate) fn is_leaving(&self) -> bool {
        matches!(self.stage, Stage::Leaving)
    }

    pub(super) fn is_gathering(&self) -> bool {
        matches!(self.stage, Stage::Gathering { .. })
    }

    pub(super) fn is_live(&self) -> bool {
        matches!(self.stage, Stage::Live { .. })
    }
}
