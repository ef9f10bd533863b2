//! One Binding request, over UDP or TCP.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::BytesMut;
use ice_agent::{Family, Local, OpenError, Path, Port, SocketId, Transport};
use stun_codec::attribute::{ErrorCode, MappedAddress, Software, XorMappedAddress};
use stun_codec::stream::Framing;
use stun_codec::{Builder, Message, Method, Outcome, Timing, Transaction, TransactionId};

use super::random;
use crate::driver::{Connections, Incoming, Sockets, now, sleep_until};

/// Longer answers are cut, and dropped then.
const DATAGRAM_MAX: usize = 2048;

const ID: SocketId = SocketId(0);

/// What a server has answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Our address.
    pub local: SocketAddr,
    /// Our address as the server sees it.
    pub mapped: SocketAddr,
    /// From the request to the answer; `None` where a request had to be sent again.
    pub round_trip: Option<Duration>,
    /// What the server says it is.
    pub software: Option<String>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PingError {
    /// No socket, or no connection.
    #[error("no way to the server: {0}")]
    Open(OpenError),
    /// No answer in time.
    #[error("{0}")]
    TimedOut(Outcome),
    /// The connection ended before the answer.
    #[error("the server closed the connection")]
    Closed,
    /// It refuses.
    #[error("refused: {code} {reason}")]
    Refused {
        /// 300 to 699.
        code: u16,
        /// For people only.
        reason: String,
    },
    /// An answer that says nothing.
    #[error("an answer without an address")]
    NoAddress,
    /// The system.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// The way that one ping takes.
enum Way {
    Udp(Sockets),
    Tcp(Connections),
}

/// Asks a server for our address, by UDP or TCP, and waits so long for the answer.
///
/// # Errors
/// Why there is no answer.
pub async fn ping(
    server: SocketAddr,
    transport: Transport,
    patience: Duration,
) -> Result<Answer, PingError> {
    let timing = match transport {
        // The shape of RFC 8489 §6.2.1: five requests, each wait twice the one before.
        Transport::Udp => Timing {
            rto: patience / 16,
            requests: 5,
            final_wait: 1,
        },
        _ => Timing {
            rto: patience,
            requests: 1,
            final_wait: 1,
        },
    };
    let (mut way, local) = open(server, transport).await?;
    let path = Path {
        id: ID,
        local,
        remote: server,
        transport,
    };
    let mut out = BytesMut::new();
    Builder::request(&mut out, Method::BINDING, TransactionId(random()?))
        .fingerprint()
        .map_err(io::Error::other)?;
    let mut transaction =
        Transaction::new(now(), path, out.freeze(), timing).map_err(io::Error::other)?;
    let mut inbox = [0; DATAGRAM_MAX];
    loop {
        let mut out = BytesMut::new();
        if let Some(transmit) = transaction.poll_transmit(&mut out) {
            way.send(&path, out.get(transmit.range).unwrap_or_default());
        }
        if let Some(outcome) = transaction.poll_event() {
            return Err(PingError::TimedOut(outcome));
        }
        tokio::select! {
            received = way.receive(&mut inbox) => {
                let (from, length) = received?;
                let frame = inbox.get(..length).unwrap_or_default();
                let Ok(message) = Message::parse(frame) else {
                    continue;
                };
                if transaction.handle_response(now(), &from, &message) {
                    return read(local, &message, transaction.poll_event());
                }
            }
            () = sleep_until(transaction.poll_timeout()) => transaction.handle_timeout(now()),
        }
    }
}

async fn open(server: SocketAddr, transport: Transport) -> Result<(Way, SocketAddr), PingError> {
    if transport == Transport::Udp {
        let mut sockets = Sockets::default();
        let family = match server {
            SocketAddr::V4(_) => Family::V4,
            SocketAddr::V6(_) => Family::V6,
        };
        let opened = sockets.open(ID, Local::Family(family), Port::Any);
        let local = opened.map_err(PingError::Open)?;
        return Ok((Way::Udp(sockets), local));
    }
    let mut connections = Connections::default();
    connections.open(ID, server, Framing::Turn);
    loop {
        match connections.next().await {
            Incoming::Opened { local, .. } => return Ok((Way::Tcp(connections), local)),
            Incoming::Failed { error, .. } => return Err(PingError::Open(error)),
            Incoming::Closed { .. } => return Err(PingError::Closed),
            Incoming::Frame { .. } | Incoming::Accepted { .. } => {}
        }
    }
}

impl Way {
    fn send(&self, path: &Path, frame: &[u8]) {
        match self {
            Self::Udp(sockets) => sockets.send(path, frame),
            Self::Tcp(connections) => connections.send(path, frame),
        }
    }

    /// Waits for one frame and writes it to the start of the buffer.
    async fn receive(&mut self, inbox: &mut [u8]) -> Result<(Path, usize), PingError> {
        match self {
            Self::Udp(sockets) => match sockets.receive(inbox).await {
                Ok(received) => Ok(received),
                Err((_, error)) => Err(error.into()),
            },
            Self::Tcp(connections) => loop {
                match connections.next().await {
                    Incoming::Frame { path, data } => {
                        let length = data.len().min(inbox.len());
                        inbox
                            .iter_mut()
                            .zip(&data)
                            .for_each(|(place, byte)| *place = *byte);
                        return Ok((path, length));
                    }
                    Incoming::Opened { .. } | Incoming::Accepted { .. } => {}
                    Incoming::Closed { .. } | Incoming::Failed { .. } => {
                        return Err(PingError::Closed);
                    }
                }
            },
        }
    }
}

fn read(
    local: SocketAddr,
    message: &Message<'_>,
    outcome: Option<Outcome>,
) -> Result<Answer, PingError> {
    if let Ok(Some(ErrorCode { code, reason })) = message.attribute() {
        let reason = reason.to_owned();
        return Err(PingError::Refused { code, reason });
    }
    let mapped = match (message.attribute(), message.attribute()) {
        (Ok(Some(XorMappedAddress(mapped))), _) | (_, Ok(Some(MappedAddress(mapped)))) => mapped,
        _ => return Err(PingError::NoAddress),
    };
    let round_trip = match outcome {
        Some(Outcome::Answered { round_trip }) => round_trip,
        _ => None,
    };
    let software = message.attribute::<Software<'_>>().ok().flatten();
    Ok(Answer {
        local,
        mapped,
        round_trip,
        software: software.map(|software| software.0.to_owned()),
    })
}
