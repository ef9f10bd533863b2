//! One client's TCP or TLS connection.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Instant;

use rustls::ServerConnection;
use stun_codec::stream::Deframer;
use turn_relay::{Framing, Path, SocketId};

use super::queue::{Kind, Overflow, Queue};

/// The longest frame: ChannelData with as much as its length can say, or a STUN message.
const FRAME: usize = 65_555;

/// One client's connection.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    tls: Option<Box<ServerConnection>>,
    pub(super) path: Path,
    pub(super) deframer: Deframer,
    queue: Queue,
    /// It is on the list of those to be written to.
    pub(super) is_listed: bool,
    /// Epoll is to tell when it can be written to.
    pub(super) is_awaited: bool,
}

/// Why a connection has ended.
#[derive(Debug)]
pub(super) enum End {
    /// The client closed it.
    Closed,
    /// The stream failed, or is no TLS.
    Failed,
    /// The client does not read the answers.
    Overflow,
}

impl From<io::Error> for End {
    fn from(_: io::Error) -> Self {
        Self::Failed
    }
}

impl From<Overflow> for End {
    fn from(_: Overflow) -> Self {
        Self::Overflow
    }
}

impl Connection {
    pub(super) fn new(stream: TcpStream, tls: Option<ServerConnection>, path: Path) -> Self {
        Self {
            stream,
            tls: tls.map(Box::new),
            path,
            deframer: Deframer::new(Framing::Turn, FRAME),
            queue: Queue::default(),
            is_listed: false,
            is_awaited: false,
        }
    }

    /// It has a name, at a worker that knows nothing of it yet.
    pub(super) fn begin(&mut self, id: SocketId) {
        self.path.id = id;
        self.is_listed = false;
        self.is_awaited = false;
    }

    pub(super) fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Reads once what has come, and says how much of `room` it fills. Epoll tells if there is more.
    ///
    /// # Errors
    /// When there is nothing to come any more.
    pub(super) fn read(&mut self, room: &mut [u8]) -> Result<usize, End> {
        let Some(tls) = &mut self.tls else {
            return arrived(self.stream.read(room));
        };
        match tls.read_tls(&mut self.stream) {
            Ok(0) => return Err(End::Closed),
            Ok(_) => {}
            Err(error) if is_passing(&error) => return Ok(0),
            Err(error) => return Err(error.into()),
        }
        if tls.process_new_packets().is_err() {
            // The client may want to know why.
            let _ = tls.write_tls(&mut self.stream);
            return Err(End::Failed);
        }
        match tls.reader().read(room) {
            Ok(0) => Err(End::Closed),
            Err(error) if is_passing(&error) => Ok(0),
            read => Ok(read?),
        }
    }

    /// Reads what TLS holds back already.
    ///
    /// # Errors
    /// When there is nothing to come any more.
    pub(super) fn read_held(&mut self, room: &mut [u8]) -> Result<usize, End> {
        let Some(tls) = &mut self.tls else {
            return Ok(0);
        };
        match tls.reader().read(room) {
            Ok(0) => Err(End::Closed),
            Err(error) if is_passing(&error) => Ok(0),
            read => Ok(read?),
        }
    }

    /// Adds a frame to what is to be written.
    ///
    /// # Errors
    /// When the client does not read its answers.
    pub(super) fn push(&mut self, now: Instant, kind: Kind, frame: &[u8]) -> Result<(), End> {
        Ok(self.queue.push(now, kind, frame)?)
    }

    /// Whether there is something to write.
    pub(super) fn wants_write(&self) -> bool {
        !self.queue.is_empty() || self.tls.as_ref().is_some_and(|tls| tls.wants_write())
    }

    /// Writes what waits, as much as the stream takes now. Says whether that was all.
    ///
    /// # Errors
    /// When the stream has failed.
    pub(super) fn write(&mut self, now: Instant) -> Result<bool, End> {
        self.queue.unblock();
        loop {
            if !self.write_tls()? {
                self.queue.block();
                return Ok(false);
            }
            let ready = self.queue.ready(now);
            if ready.is_empty() {
                return Ok(true);
            }
            let written = match &mut self.tls {
                Some(tls) => tls.writer().write(ready)?,
                None => match self.stream.write(ready) {
                    Ok(0) => return Err(End::Closed),
                    Err(error) if is_passing(&error) => 0,
                    written => written?,
                },
            };
            let all = written == ready.len();
            self.queue.written(written);
            if !all && self.tls.is_none() {
                self.queue.block();
                return Ok(false);
            }
        }
    }

    /// Writes what TLS has ready. Says whether that was all.
    fn write_tls(&mut self) -> Result<bool, End> {
        let Some(tls) = &mut self.tls else {
            return Ok(true);
        };
        while tls.wants_write() {
            match tls.write_tls(&mut self.stream) {
                Ok(0) => return Err(End::Closed),
                Ok(_) => {}
                Err(error) if is_passing(&error) => return Ok(false),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(true)
    }

    /// Media that was dropped because it had become stale, since the last time.
    pub(super) fn take_stale(&mut self) -> u64 {
        std::mem::take(&mut self.queue.stale)
    }
}

fn arrived(read: io::Result<usize>) -> Result<usize, End> {
    match read {
        Ok(0) => Err(End::Closed),
        Err(error) if is_passing(&error) => Ok(0),
        read => Ok(read?),
    }
}

fn is_passing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
    )
}
