//! The sockets of relayed addresses: one an allocation, never connected, since peers come and go.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::ops::RangeInclusive;

use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::fd::{AsFd, BorrowedFd};
use rustix::net::{RecvFlags, SendFlags, recvfrom, sendto};
use turn_relay::{OpenError, Port, SocketId};

use super::ports::Ports;

/// Low bits of a machine's socket number: an index as small as can be ([`Event::Open`]).
///
/// [`Event::Open`]: turn_relay::server::Event::Open
const INDEX: u64 = (1 << 22) - 1;

#[derive(Debug)]
struct Relay {
    id: SocketId,
    socket: UdpSocket,
    local: SocketAddr,
}

/// All relay sockets of one worker.
#[derive(Debug)]
pub(super) struct Relays {
    /// The worker's part of the ports at each address.
    ports: HashMap<IpAddr, Ports>,
    range: RangeInclusive<u16>,
    worker: (usize, usize),
    sockets: Vec<Option<Relay>>,
    open: usize,
}

impl Relays {
    /// For worker `index` of `of`.
    pub(super) fn new(range: RangeInclusive<u16>, index: usize, of: usize) -> Self {
        Self {
            ports: HashMap::new(),
            range,
            worker: (index, of),
            sockets: Vec::new(),
            open: 0,
        }
    }

    /// How many are open.
    pub(super) fn len(&self) -> usize {
        self.open
    }

    /// Opens a socket, and says where it is bound.
    pub(super) fn open(
        &mut self,
        epoll: BorrowedFd<'_>,
        id: SocketId,
        ip: IpAddr,
        port: Port,
    ) -> io::Result<SocketAddr> {
        let (index, of) = self.worker;
        let ports = self.ports.entry(ip);
        let ports = ports.or_insert_with(|| Ports::part(&self.range, index, of));
        let socket = ports.open(ip, port)?;
        let local = socket.local_addr()?;
        let data = EventData::new_u64(id.0);
        epoll::add(epoll, &socket, data, EventFlags::IN)?;
        self.put(Relay { id, socket, local });
        Ok(local)
    }

    fn put(&mut self, relay: Relay) {
        let at = index(relay.id);
        if at >= self.sockets.len() {
            self.sockets.resize_with(at + 1, || None);
        }
        if let Some(slot) = self.sockets.get_mut(at) {
            *slot = Some(relay);
            self.open += 1;
        }
    }

    /// Closes a socket; epoll forgets it by that.
    pub(super) fn close(&mut self, id: SocketId) {
        let Some(slot) = self.sockets.get_mut(index(id)) else {
            return;
        };
        if let Some(relay) = slot.take_if(|relay| relay.id == id) {
            self.open -= 1;
            if let Some(ports) = self.ports.get_mut(&relay.local.ip()) {
                ports.close(relay.local.port());
            }
        }
    }

    fn get(&self, id: SocketId) -> Option<&Relay> {
        let found = self.sockets.get(index(id))?.as_ref();
        found.filter(|relay| relay.id == id)
    }

    /// Takes one datagram of a peer. Says how long it is, from whom, and at which address it arrived;
    /// `None` if there is none, or no such socket.
    pub(super) fn receive(
        &self,
        id: SocketId,
        room: &mut [u8],
    ) -> Option<(usize, SocketAddr, SocketAddr)> {
        let relay = self.get(id)?;
        // An ICMP error of an earlier datagram is none of this one's; epoll tells again.
        let (length, _, from) = recvfrom(&relay.socket, room, RecvFlags::DONTWAIT).ok()?;
        let from = SocketAddr::try_from(from?).ok()?;
        Some((length, from, relay.local))
    }

    /// Sends one datagram to a peer. What the kernel does not take is lost, as on any network.
    pub(super) fn send(&self, id: SocketId, peer: SocketAddr, datagram: &[u8]) -> io::Result<()> {
        let relay = self.get(id).ok_or(io::ErrorKind::NotFound)?;
        let socket = relay.socket.as_fd();
        match peer {
            SocketAddr::V4(peer) => sendto(socket, datagram, SendFlags::DONTWAIT, &peer)?,
            SocketAddr::V6(peer) => sendto(socket, datagram, SendFlags::DONTWAIT, &peer)?,
        };
        Ok(())
    }
}

fn index(id: SocketId) -> usize {
    usize::try_from(id.0 & INDEX).unwrap_or(usize::MAX)
}

/// What the machine is told of it.
pub(super) fn told(error: &io::Error) -> OpenError {
    match error.kind() {
        io::ErrorKind::AddrInUse => OpenError::NoPort,
        io::ErrorKind::AddrNotAvailable => OpenError::Unreachable,
        _ => OpenError::Other(error.to_string()),
    }
}
