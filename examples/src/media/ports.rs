//! The sockets of one worker.

use std::cell::Cell;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ice_agent::{Path, SocketId, Transport};
use mio::{Interest, Registry, Token};
use quinn_udp::{BATCH_SIZE, UdpSockRef, UdpSocketState};
use slab::Slab;

/// The token under which the worker itself is woken.
pub(super) const WAKER: Token = Token(usize::MAX);

/// Datagrams of one phone that are taken with one read. A turn finds one or two.
const PHONE_BATCH: usize = 4;

/// What arrives at a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Anything from any browser.
    Browsers,
    /// RTP of the phone of the call in this slot.
    Rtp(usize),
    /// RTCP of the phone of the call in this slot.
    Rtcp(usize),
}

/// A socket and what it is for.
pub(super) struct Port {
    pub(super) socket: mio::net::UdpSocket,
    pub(super) state: UdpSocketState,
    pub(super) purpose: Purpose,
    pub(super) id: SocketId,
    pub(super) local: SocketAddr,
    /// Whether it waits to be served.
    is_ready: Cell<bool>,
    unsent: Arc<AtomicU64>,
}

impl Port {
    /// The path of a datagram that arrived here.
    pub(super) fn path_from(&self, remote: SocketAddr) -> Path {
        Path {
            id: self.id,
            local: self.local,
            remote,
            transport: Transport::Udp,
        }
    }

    /// The datagrams taken with one read: many browsers send to one port, one phone to its own.
    pub(super) fn batch(&self) -> usize {
        match self.purpose {
            Purpose::Browsers => BATCH_SIZE,
            Purpose::Rtp(_) | Purpose::Rtcp(_) => BATCH_SIZE.min(PHONE_BATCH),
        }
    }

    /// It was drained.
    pub(super) fn served(&self) {
        self.is_ready.set(false);
    }

    /// Sends one datagram. What the kernel does not take now is lost, as on any network, and
    /// counted.
    pub(super) fn send(&self, remote: SocketAddr, datagram: &[u8]) {
        let transmit = quinn_udp::Transmit {
            destination: remote,
            ecn: None,
            contents: datagram,
            segment_size: None,
            src_ip: None,
        };
        let socket = UdpSockRef::from(&self.socket);
        if self.state.try_send(socket, &transmit).is_err() {
            self.unsent.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// All sockets of one worker, by token.
pub(super) struct Ports {
    slab: Slab<Port>,
    registry: Registry,
    unsent: Arc<AtomicU64>,
}

impl Ports {
    pub(super) fn new(registry: Registry) -> Self {
        Self {
            slab: Slab::new(),
            registry,
            unsent: Arc::default(),
        }
    }

    /// Datagrams that the kernel did not take.
    pub(super) fn unsent(&self) -> u64 {
        self.unsent.load(Ordering::Relaxed)
    }

    /// Takes a socket in.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn add(&mut self, socket: UdpSocket, purpose: Purpose) -> io::Result<Token> {
        let local = socket.local_addr()?;
        let state = UdpSocketState::new(UdpSockRef::from(&socket))?;
        let mut socket = mio::net::UdpSocket::from_std(socket);
        let entry = self.slab.vacant_entry();
        let token = Token(entry.key());
        self.registry
            .register(&mut socket, token, Interest::READABLE)?;
        let id = SocketId(token.0 as u64);
        entry.insert(Port {
            socket,
            state,
            purpose,
            id,
            local,
            is_ready: Cell::new(false),
            unsent: self.unsent.clone(),
        });
        Ok(token)
    }

    /// Closes a socket.
    pub(super) fn remove(&mut self, token: Token) {
        if let Some(mut port) = self.slab.try_remove(token.0) {
            let _ = self.registry.deregister(&mut port.socket);
        }
    }

    pub(super) fn port(&self, token: Token) -> Option<&Port> {
        self.slab.get(token.0)
    }

    /// Notes that something arrived at a port. Answers whether that is news.
    pub(super) fn mark_ready(&self, token: Token) -> bool {
        let port = self.slab.get(token.0);
        port.is_some_and(|port| !port.is_ready.replace(true))
    }

    /// The socket that a path names.
    pub(super) fn of_path(&self, path: &Path) -> Option<&Port> {
        self.slab.get(usize::try_from(path.id.0).ok()?)
    }
}
