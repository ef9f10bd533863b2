//! Sockets: asked for, opened, failed and lost.

use std::net::SocketAddr;
use std::time::Instant;

use stun_codec::stream::Framing;
use stun_codec::{Close, Family, Local, Open, OpenError, Path, Port, SocketId, Transport, Wanted};

use super::allocation::Allocation;
use super::config::Link;
use super::event::{Cause, Event};
use super::phase::{Moving, Phase};
use super::requests::Purpose;

impl Allocation {
    /// Asks for a socket to the server, and waits for it.
    pub(super) fn open_link(&mut self) {
        let id = self.next_socket();
        self.phase = Phase::Opening(id);
        let local = self.config.local.map_or_else(
            || Local::Family(Family::of(self.server.address.ip())),
            Local::Ip,
        );
        let what = self.wanted(local, Framing::Turn);
        self.tell(Event::Open(Open { id, what }));
    }

    pub(super) fn wanted(&self, local: Local, framing: Framing) -> Wanted {
        let remote = self.server.address;
        match &self.server.link {
            // Each allocation has a port of its own: a second one from the same would be refused.
            Link::Udp => Wanted::Udp {
                local,
                port: Port::Any,
            },
            Link::Tcp => Wanted::Tcp { remote, framing },
            Link::Tls { server_name } => Wanted::Tls {
                remote,
                server_name: server_name.clone(),
                framing,
            },
        }
    }

    /// A socket that was asked for is there. Others are of no interest.
    pub fn handle_opened(&mut self, now: Instant, id: SocketId, local: SocketAddr) {
        let path = Path {
            id,
            local,
            remote: self.server.address,
            transport: self.server.link.transport(),
        };
        match &mut self.phase {
            Phase::Opening(wanted) if *wanted == id => {
                self.phase = Phase::Allocating {
                    path,
                    unwanted: false,
                };
                self.begin(now, Purpose::Allocate, 0);
            }
            Phase::Live(live) if matches!(live.moving, Some(Moving::Opening(wanted)) if wanted == id) =>
            {
                live.moving = Some(Moving::Telling(path));
                self.begin(now, Purpose::Move, 0);
            }
            Phase::Live(_) if self.streams.opened(id, path) => {
                self.begin(now, Purpose::Attach(id), 0);
            }
            _ => {}
        }
    }

    /// A socket that was asked for could not be opened.
    pub fn handle_open_failed(&mut self, _: Instant, id: SocketId, error: OpenError) {
        let cause = self.open_cause(error);
        match &self.phase {
            Phase::Opening(wanted) if *wanted == id => {
                self.phase = Phase::Ended;
                self.end(cause);
            }
            Phase::Live(live) if matches!(live.moving, Some(Moving::Opening(wanted)) if wanted == id) =>
            {
                self.move_failed(cause, None);
            }
            Phase::Live(_) => {
                if let Some(peer) = self.streams.remove(id) {
                    self.tell(Event::ConnectFailed { peer, cause });
                }
            }
            _ => {}
        }
    }

    /// A socket has ended by itself.
    pub fn handle_closed(&mut self, now: Instant, id: SocketId) {
        if let Some((peer, was_open)) = self.streams.lost(id) {
            self.requests
                .take(|pending| pending.purpose == Purpose::Attach(id));
            self.tell(match was_open {
                true => Event::Disconnected { peer },
                false => Event::ConnectFailed {
                    peer,
                    cause: Cause::ConnectionLost,
                },
            });
            return;
        }
        match &self.phase {
            Phase::Live(live) => match live.moving {
                Some(Moving::Opening(new)) if new == id => {
                    self.move_failed(Cause::ConnectionLost, None);
                }
                Some(Moving::Telling(path)) if path.id == id => {
                    self.requests
                        .take(|pending| pending.purpose == Purpose::Move);
                    self.move_failed(Cause::ConnectionLost, None);
                }
                _ if live.path().is_some_and(|path| path.id == id) => self.link_lost(now),
                _ => {}
            },
            Phase::Opening(wanted) if *wanted == id => self.link_ended(Cause::ConnectionLost),
            Phase::Allocating { path, .. } if path.id == id => {
                self.link_ended(Cause::ConnectionLost);
            }
            // The server forgets a connection's allocation with the connection (RFC 8656 §3.4).
            Phase::Releasing(path) if path.id == id => self.link_ended(Cause::Released),
            _ => {}
        }
    }

    /// The socket to the server is gone: there is nothing to close.
    pub(super) fn link_ended(&mut self, cause: Cause) {
        self.phase = Phase::Ended;
        self.end(cause);
    }

    pub(super) fn close(&mut self, id: SocketId) {
        self.tell(Event::Close(Close { id }));
    }

    /// Begins anew from another local port, or at another server.
    pub(super) fn open_another(&mut self, old: SocketId) {
        self.close(old);
        self.requests.clear();
        self.open_link();
    }

    fn open_cause(&self, error: OpenError) -> Cause {
        let server = self.server.address;
        match (&self.server.link, error) {
            (
                Link::Tls { server_name },
                error @ (OpenError::CertificateExpired
                | OpenError::CertificateUntrusted
                | OpenError::CertificateName),
            ) => Cause::Certificate {
                server,
                server_name: server_name.clone(),
                error,
            },
            (link, error) => Cause::Unreachable {
                server,
                transport: link.transport(),
                error,
            },
        }
    }

    /// Whether frames on this path can be for us.
    pub(super) fn knows(&self, path: &Path) -> bool {
        let udp = |known: &Path| {
            // The driver tells the address that a datagram came to, which may be another than that
            // of a socket bound to any.
            known.transport == Transport::Udp && known.id == path.id && known.remote == path.remote
        };
        let same = |known: &Path| known == path || udp(known);
        self.phase.path().as_ref().is_some_and(same) || self.telling().as_ref().is_some_and(same)
    }
}
