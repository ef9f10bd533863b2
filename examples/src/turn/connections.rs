//! The TCP and TLS connections of one worker.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::fd::{AsFd, OwnedFd};
use rustls::{ServerConfig, ServerConnection};
use slab::Slab;
use socket2::SockRef;
use turn_relay::{Path, SocketId, Transport};

use super::connection::{Connection, End};
use super::names;
use super::queue::Kind;

/// Bytes not yet sent that the kernel keeps of each connection. What it has it cannot give back, and media
/// in it becomes stale.
const UNSENT: u32 = 16 * 1024;

/// How long the kernel tries to reach a client that does not answer.
const GONE: Duration = Duration::from_secs(30);

/// How many connections there may be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) all: usize,
    pub(super) each_address: usize,
}

/// What was counted.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counts {
    pub(super) accepted: u64,
    /// Beyond a limit.
    pub(super) turned_away: u64,
    /// Ended because the stream failed, or was neither TURN nor TLS where it had to be.
    pub(super) failed: u64,
    /// Ended because the client did not read its answers.
    pub(super) overflowed: u64,
    /// Frames of media that were dropped because they had become stale.
    pub(super) stale: u64,
}

/// The connections of one worker.
#[derive(Debug)]
pub(super) struct Connections {
    slab: Slab<Connection>,
    limits: Limits,
    next: u32,
    of_address: HashMap<IpAddr, usize>,
    /// Those with something to write.
    listed: Vec<usize>,
    epoll: Arc<OwnedFd>,
    pub(super) counts: Counts,
}

impl Connections {
    pub(super) fn new(epoll: Arc<OwnedFd>, limits: Limits) -> Self {
        Self {
            slab: Slab::new(),
            limits,
            next: 0,
            of_address: HashMap::new(),
            listed: Vec::new(),
            epoll,
            counts: Counts::default(),
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.slab.len()
    }

    /// Takes a connection in that was accepted. Says how the machine calls it; `None` if there are too
    /// many.
    pub(super) fn add(
        &mut self,
        stream: TcpStream,
        addresses: (SocketAddr, SocketAddr),
        tls: Option<&Arc<ServerConfig>>,
    ) -> io::Result<Option<Path>> {
        let (local, remote) = addresses;
        let of_address = self.of_address.get(&remote.ip()).copied().unwrap_or(0);
        if self.slab.len() >= self.limits.all.min(names::MAX_CONNECTIONS)
            || of_address >= self.limits.each_address
        {
            self.counts.turned_away += 1;
            return Ok(None);
        }
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        let socket = SockRef::from(&stream);
        socket.set_tcp_notsent_lowat(UNSENT)?;
        socket.set_tcp_user_timeout(Some(GONE))?;
        let transport = match tls {
            Some(_) => Transport::Tls,
            None => Transport::Tcp,
        };
        let tls = tls.map(|config| ServerConnection::new(Arc::clone(config)));
        let tls = tls.transpose().map_err(io::Error::other)?;
        let path = Path {
            id: names::MAILBOX,
            local,
            remote,
            transport,
        };
        self.counts.accepted += 1;
        self.put(Connection::new(stream, tls, path)).map(Some)
    }

    /// Goes on with a connection of another worker. Says how the machine calls it here.
    pub(super) fn adopt(&mut self, connection: Connection) -> io::Result<Path> {
        self.put(connection)
    }

    fn put(&mut self, mut connection: Connection) -> io::Result<Path> {
        let entry = self.slab.vacant_entry();
        let id = names::connection(entry.key(), self.next);
        let data = EventData::new_u64(id.0);
        epoll::add(&*self.epoll, connection.stream(), data, EventFlags::IN)?;
        connection.begin(id);
        let path = connection.path;
        entry.insert(connection);
        self.next = self.next.wrapping_add(1);
        *self.of_address.entry(path.remote.ip()).or_default() += 1;
        Ok(path)
    }

    pub(super) fn get_mut(&mut self, id: SocketId) -> Option<&mut Connection> {
        let names::Source::Connection(index) = names::source(id) else {
            return None;
        };
        let found = self.slab.get_mut(index);
        found.filter(|connection| connection.path.id == id)
    }

    /// Adds a frame to what is written at the end of the turn. Answers why the connection must end, if
    /// it must.
    pub(super) fn push(
        &mut self,
        now: Instant,
        id: SocketId,
        kind: Kind,
        frame: &[u8],
    ) -> Result<(), End> {
        let names::Source::Connection(index) = names::source(id) else {
            return Ok(());
        };
        let Some(connection) = self.slab.get_mut(index) else {
            return Ok(());
        };
        if connection.path.id != id {
            return Ok(());
        }
        connection.push(now, kind, frame)?;
        // Epoll tells of one that is awaited.
        if !connection.is_listed && !connection.is_awaited {
            connection.is_listed = true;
            self.listed.push(index);
        }
        Ok(())
    }

    /// Puts a connection on the list of those to be written to.
    pub(super) fn list(&mut self, id: SocketId) {
        if let Some(connection) = self.get_mut(id) {
            if connection.is_listed {
                return;
            }
            connection.is_listed = true;
            if let names::Source::Connection(index) = names::source(id) {
                self.listed.push(index);
            }
        }
    }

    /// Writes to the connections that there is something for. Those that have ended are told.
    pub(super) fn write(&mut self, now: Instant, mut ended: impl FnMut(SocketId, End)) {
        for index in self.listed.drain(..) {
            let Some(connection) = self.slab.get_mut(index) else {
                continue;
            };
            if !std::mem::take(&mut connection.is_listed) {
                continue;
            }
            let id = connection.path.id;
            let written = connection.write(now);
            self.counts.stale += connection.take_stale();
            match written {
                Ok(all) if connection.is_awaited == all => {
                    connection.is_awaited = !all;
                    let flags = match all {
                        true => EventFlags::IN,
                        false => EventFlags::IN | EventFlags::OUT,
                    };
                    let data = EventData::new_u64(id.0);
                    let _ = epoll::modify(&*self.epoll, connection.stream().as_fd(), data, flags);
                }
                Ok(_) => {}
                Err(end) => ended(id, end),
            }
        }
    }

    /// Lets go of a connection, which closes it.
    pub(super) fn remove(&mut self, id: SocketId) -> Option<Connection> {
        self.get_mut(id)?;
        let names::Source::Connection(index) = names::source(id) else {
            return None;
        };
        let connection = self.slab.try_remove(index)?;
        // It may go on elsewhere.
        let _ = epoll::delete(&*self.epoll, connection.stream());
        let ip = connection.path.remote.ip();
        if let Some(count) = self.of_address.get_mut(&ip) {
            *count -= 1;
            if *count == 0 {
                self.of_address.remove(&ip);
            }
        }
        Some(connection)
    }

    /// Counts why a connection has ended.
    pub(super) fn count(&mut self, end: &End) {
        match end {
            End::Closed => {}
            End::Failed => self.counts.failed += 1,
            End::Overflow => self.counts.overflowed += 1,
        }
    }
}
