//! TCP connections that a state machine asks for: streams outside, frames inside.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::BytesMut;
use ice_agent::{OpenError, Path, SocketId, Transport};
use stun_codec::stream::{Deframer, Framing};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::sockets::open_error;

/// How long the other side may take to accept.
const PATIENCE: Duration = Duration::from_secs(10);

/// The largest frame taken, in bytes. Media is smaller.
const FRAME_MAX: usize = 4096;

/// Frames that wait for a slow connection, in each direction. Of more, the last are lost.
const WAITING: usize = 64;

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
            Self::Frame { path, .. } => path.id,
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
}

impl Default for Connections {
    fn default() -> Self {
        let (tell, news) = mpsc::channel(WAITING);
        Self {
            live: HashMap::new(),
            news,
            tell,
        }
    }
}

impl Connections {
    /// Begins to connect. [`next`](Self::next) tells how that ends.
    pub fn open(&mut self, id: SocketId, remote: SocketAddr, framing: Framing) {
        let (frames, outgoing) = mpsc::channel(WAITING);
        self.live.insert(id, frames);
        tokio::spawn(run(id, remote, framing, outgoing, self.tell.clone()));
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
            // One sender is ours: there is always another.
            let Some(incoming) = self.news.recv().await else {
                std::future::pending::<()>().await;
                continue;
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

async fn run(
    id: SocketId,
    remote: SocketAddr,
    framing: Framing,
    outgoing: mpsc::Receiver<Vec<u8>>,
    tell: mpsc::Sender<Incoming>,
) {
    let (stream, local) = match connect(remote).await {
        Ok(connected) => connected,
        Err(error) => {
            let error = open_error(&error);
            let _ = tell.send(Incoming::Failed { id, error }).await;
            return;
        }
    };
    let path = Path {
        id,
        local,
        remote,
        transport: Transport::Tcp,
    };
    let _ = tell.send(Incoming::Opened { id, local }).await;
    let (reader, writer) = stream.into_split();
    let ended = tokio::select! {
        ended = read(reader, path, framing, &tell) => ended,
        ended = write(writer, framing, outgoing) => ended,
    };
    if let Err(error) = ended {
        tracing::debug!(%remote, "TCP connection: {error}");
    }
    let _ = tell.send(Incoming::Closed { id }).await;
}

async fn connect(remote: SocketAddr) -> io::Result<(TcpStream, SocketAddr)> {
    let connected = timeout(PATIENCE, TcpStream::connect(remote)).await;
    let stream = connected.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    // Frames are whole: there is nothing to wait for.
    stream.set_nodelay(true)?;
    let local = stream.local_addr()?;
    Ok((stream, local))
}

async fn read(
    mut reader: OwnedReadHalf,
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
    mut writer: OwnedWriteHalf,
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
    }
    writer.shutdown().await
}
