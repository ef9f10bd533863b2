//! TCP and TLS connections that a state machine asks for: streams outside, frames inside.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::BytesMut;
use ice_agent::{Local, OpenError, Path, Port, SocketId, Transport};
use stun_codec::stream::{Deframer, Framing};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::listeners::{self, Accepted};
use super::sockets::open_error;
use super::tls::{Trust, certificate_error};

/// How long the other side may take to accept.
const PATIENCE: Duration = Duration::from_secs(10);

/// The largest frame taken, in bytes. Media is smaller.
const FRAME_MAX: usize = 4096;

/// Frames that wait for a slow connection, in each direction. Of more, the last are lost.
const WAITING: usize = 64;

/// Accepted connections are numbered from here on, far from the sockets of the caller.
const ACCEPTED: u64 = 1 << 32;

/// What a connection has to say.
#[derive(Debug, PartialEq, Eq)]
pub enum Incoming {
    /// It is there.
    Opened {
        /// Which one.
        id: SocketId,
        /// Our address.
        local: SocketAddr,
    },
    /// It could not be made.
    Failed {
        /// Which one.
        id: SocketId,
        /// Why not.
        error: OpenError,
    },
    /// One whole frame.
    Frame {
        /// The way it came.
        path: Path,
        /// The frame.
        data: Vec<u8>,
    },
    /// One was accepted at a listening socket.
    Accepted {
        /// The way to whoever made it.
        path: Path,
    },
    /// It has ended: by the other side, or because its stream was out of step.
    Closed {
        /// Which one.
        id: SocketId,
    },
}

impl Incoming {
    fn id(&self) -> SocketId {
        match self {
            Self::Opened { id, .. } | Self::Failed { id, .. } | Self::Closed { id } => *id,
            Self::Frame { path, .. } | Self::Accepted { path } => path.id,
        }
    }
}

/// Connections, each a task of its own that ends with its entry here.
#[derive(Debug)]
pub struct Connections {
    /// Where frames to send go.
    live: HashMap<SocketId, mpsc::Sender<Vec<u8>>>,
    news: mpsc::Receiver<Incoming>,
    tell: mpsc::Sender<Incoming>,
    /// What listening sockets accept.
    accepted: mpsc::Receiver<Accepted>,
    accept: mpsc::Sender<Accepted>,
    /// How many were accepted so far.
    count: u64,
    /// Without it there is no TLS.
    trust: Option<Trust>,
}

/// A connection to be made.
struct Wish {
    id: SocketId,
    remote: SocketAddr,
    framing: Framing,
    /// For TLS: whom to trust, and the name that the certificate must have.
    tls: Option<(Trust, String)>,
}

impl Default for Connections {
    fn default() -> Self {
        let (tell, news) = mpsc::channel(WAITING);
        let (accept, accepted) = mpsc::channel(WAITING);
        Self {
            live: HashMap::new(),
            news,
            tell,
            accepted,
            accept,
            count: 0,
            trust: None,
        }
    }
}

impl Connections {
    /// Connections that may be TLS to those whose certificates are trusted.
    #[must_use]
    pub fn trusting(trust: Trust) -> Self {
        Self {
            trust: Some(trust),
            ..Self::default()
        }
    }

    /// Begins to connect over TCP. [`next`](Self::next) tells how that ends.
    pub fn open(&mut self, id: SocketId, remote: SocketAddr, framing: Framing) {
        self.begin(Wish {
            id,
            remote,
            framing,
            tls: None,
        });
    }

    /// Begins to connect over TLS. [`next`](Self::next) tells how that ends.
    ///
    /// # Errors
    /// When nobody is trusted ([`trusting`](Self::trusting)).
    pub fn open_tls(
        &mut self,
        id: SocketId,
        remote: SocketAddr,
        server_name: String,
        framing: Framing,
    ) -> Result<(), OpenError> {
        let trust = self.trust.clone().ok_or(OpenError::Unsupported)?;
        self.begin(Wish {
            id,
            remote,
            framing,
            tls: Some((trust, server_name)),
        });
        Ok(())
    }

    /// Listens, and says where. [`next`](Self::next) tells what is accepted.
    ///
    /// # Errors
    /// Why that cannot be.
    pub fn listen(
        &mut self,
        id: SocketId,
        local: Local,
        port: Port,
        framing: Framing,
    ) -> Result<SocketAddr, OpenError> {
        let (listener, address) = listeners::bind(local, port)?;
        let (open, closed) = mpsc::channel(1);
        self.live.insert(id, open);
        let accept = listeners::accept(listener, framing, closed, self.accept.clone());
        tokio::spawn(accept);
        Ok(address)
    }

    /// Takes a connection that was accepted into the others.
    fn take(&mut self, accepted: Accepted) -> Option<Incoming> {
        let Accepted {
            stream,
            remote,
            framing,
        } = accepted;
        stream.set_nodelay(true).ok()?;
        self.count += 1;
        let path = Path {
            id: SocketId(ACCEPTED + self.count),
            local: stream.local_addr().ok()?,
            remote,
            transport: Transport::Tcp,
        };
        let (frames, outgoing) = mpsc::channel(WAITING);
        self.live.insert(path.id, frames);
        tokio::spawn(carry(
            Box::new(stream),
            path,
            framing,
            outgoing,
            self.tell.clone(),
        ));
        Some(Incoming::Accepted { path })
    }

    fn begin(&mut self, wish: Wish) {
        let (frames, outgoing) = mpsc::channel(WAITING);
        self.live.insert(wish.id, frames);
        tokio::spawn(run(wish, outgoing, self.tell.clone()));
    }

    /// Closes a connection once what waits has been sent.
    pub fn close(&mut self, id: SocketId) {
        self.live.remove(&id);
    }

    /// Sends a frame. Where too many wait it is lost.
    pub fn send(&self, path: &Path, frame: &[u8]) {
        if let Some(frames) = self.live.get(&path.id) {
            let _ = frames.try_send(frame.to_vec());
        }
    }

    /// Waits for what happens next. Nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> Incoming {
        loop {
            // One sender of each is ours: there is always another.
            let incoming = tokio::select! {
                Some(incoming) = self.news.recv() => incoming,
                Some(accepted) = self.accepted.recv() => match self.take(accepted) {
                    Some(incoming) => incoming,
                    None => continue,
                },
            };
            let id = incoming.id();
            // What was closed meanwhile has no more to say.
            if !self.live.contains_key(&id) {
                continue;
            }
            if matches!(incoming, Incoming::Failed { .. } | Incoming::Closed { .. }) {
                self.live.remove(&id);
            }
            return incoming;
        }
    }
}

async fn run(wish: Wish, outgoing: mpsc::Receiver<Vec<u8>>, tell: mpsc::Sender<Incoming>) {
    let id = wish.id;
    let connected = timeout(PATIENCE, connect(&wish)).await;
    let connected = connected.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
    let (stream, local) = match connected {
        Ok(connected) => connected,
        Err(error) => {
            let error = certificate_error(&error).unwrap_or_else(|| open_error(&error));
            let _ = tell.send(Incoming::Failed { id, error }).await;
            return;
        }
    };
    let path = Path {
        id,
        local,
        remote: wish.remote,
        transport: match wish.tls {
            None => Transport::Tcp,
            Some(_) => Transport::Tls,
        },
    };
    let _ = tell.send(Incoming::Opened { id, local }).await;
    carry(stream, path, wish.framing, outgoing, tell).await;
}

/// Carries frames both ways until the connection ends.
async fn carry(
    stream: Box<dyn Stream>,
    path: Path,
    framing: Framing,
    outgoing: mpsc::Receiver<Vec<u8>>,
    tell: mpsc::Sender<Incoming>,
) {
    let id = path.id;
    let (reader, writer) = tokio::io::split(stream);
    let ended = tokio::select! {
        ended = read(reader, path, framing, &tell) => ended,
        ended = write(writer, framing, outgoing) => ended,
    };
    if let Err(error) = ended {
        tracing::debug!(remote = %path.remote, "{} connection: {error}", path.transport);
    }
    let _ = tell.send(Incoming::Closed { id }).await;
}

/// TCP, or TLS over it.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

async fn connect(wish: &Wish) -> io::Result<(Box<dyn Stream>, SocketAddr)> {
    let stream = TcpStream::connect(wish.remote).await?;
    // Frames are whole: there is nothing to wait for.
    stream.set_nodelay(true)?;
    let local = stream.local_addr()?;
    let stream: Box<dyn Stream> = match &wish.tls {
        None => Box::new(stream),
        Some((trust, server_name)) => Box::new(trust.connect(stream, server_name).await?),
    };
    Ok((stream, local))
}

async fn read(
    mut reader: impl AsyncRead + Unpin,
    path: Path,
    framing: Framing,
    tell: &mpsc::Sender<Incoming>,
) -> io::Result<()> {
    let mut deframer = Deframer::new(framing, FRAME_MAX);
    let mut buffer = vec![0; FRAME_MAX].into_boxed_slice();
    loop {
        let length = reader.read(&mut buffer).await?;
        if length == 0 {
            return match deframer.is_between_frames() {
                true => Ok(()),
                false => Err(io::ErrorKind::UnexpectedEof.into()),
            };
        }
        let mut arrived = buffer.get(..length).unwrap_or_default();
        while !arrived.is_empty() {
            let taken = deframer.push(arrived);
            arrived = arrived.get(taken..).unwrap_or_default();
            while let Some(frame) = deframer.next_frame().map_err(io::Error::other)? {
                let data = frame.to_vec();
                // While nobody takes them the other side has to wait.
                let _ = tell.send(Incoming::Frame { path, data }).await;
            }
        }
    }
}

async fn write(
    mut writer: impl AsyncWrite + Unpin,
    framing: Framing,
    mut outgoing: mpsc::Receiver<Vec<u8>>,
) -> io::Result<()> {
    let mut stream = BytesMut::new();
    while let Some(frame) = outgoing.recv().await {
        stream.clear();
        framing
            .write(&frame, &mut stream)
            .map_err(io::Error::other)?;
        writer.write_all(&stream).await?;
        // TLS may hold back what it was given.
        writer.flush().await?;
    }
    writer.shutdown().await
}
