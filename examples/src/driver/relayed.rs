//! A TURN allocation with sockets and a clock.

use std::net::SocketAddr;

use bytes::BytesMut;
use turn_relay::client::{Allocation, Event, SendError, TAILROOM};
use turn_relay::{Close, HEADROOM, Handled, Open, Path, Received};

use super::{Connections, DATAGRAM_MAX, Incoming, Sockets, now, open_wanted, send, sleep_until};

/// What a driven allocation has to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RelayedNews {
    /// The allocation's own event.
    Event(Event),
    /// What a peer says.
    Data {
        /// The peer.
        from: SocketAddr,
        /// Its words.
        payload: Vec<u8>,
    },
}

/// Drives one allocation. It lives only while somebody waits in [`next`](Self::next).
#[derive(Debug)]
pub struct Relayed {
    allocation: Allocation,
    sockets: Sockets,
    connections: Connections,
    inbox: Box<[u8]>,
    out: BytesMut,
}

impl Relayed {
    /// Drives an allocation; `connections` say whom TLS trusts.
    #[must_use]
    pub fn new(allocation: Allocation, connections: Connections) -> Self {
        Self {
            allocation,
            sockets: Sockets::default(),
            connections,
            inbox: vec![0; DATAGRAM_MAX].into_boxed_slice(),
            out: BytesMut::new(),
        }
    }

    /// The allocation, to ask it for something. What that causes happens in the next
    /// [`next`](Self::next).
    pub fn allocation(&mut self) -> &mut Allocation {
        &mut self.allocation
    }

    /// Runs the allocation until it has something to say. Nothing is lost when the future is
    /// dropped. Nothing comes after [`Event::Ended`].
    pub async fn next(&mut self) -> RelayedNews {
        loop {
            self.flush();
            match self.allocation.poll_event() {
                Some(Event::Open(open)) => {
                    self.open(open);
                    continue;
                }
                Some(Event::Close(Close { id })) => {
                    self.sockets.close(id);
                    self.connections.close(id);
                    continue;
                }
                Some(event) => return RelayedNews::Event(event),
                None => {}
            }
            let deadline = self.allocation.poll_timeout();
            tokio::select! {
                received = self.sockets.receive(&mut self.inbox) => match received {
                    Ok((path, length)) => {
                        let data = self.inbox.get_mut(..length).unwrap_or_default();
                        if let Some(news) = take(&mut self.allocation, path, data) {
                            return news;
                        }
                    }
                    Err((id, _)) => {
                        self.sockets.close(id);
                        self.allocation.handle_closed(now(), id);
                    }
                },
                incoming = self.connections.next() => {
                    if let Some(news) = self.on_connection(incoming) {
                        return news;
                    }
                }
                () = sleep_until(deadline) => self.allocation.handle_timeout(now()),
            }
        }
    }

    /// Sends one payload to a peer.
    ///
    /// # Errors
    /// See [`SendError`]; the payload is then lost.
    pub fn send(&mut self, payload: &[u8], peer: SocketAddr) -> Result<(), SendError> {
        let range = HEADROOM..HEADROOM + payload.len();
        self.out.clear();
        self.out.resize(HEADROOM, 0);
        self.out.extend_from_slice(payload);
        self.out.resize(range.end + TAILROOM, 0);
        let sent = self.allocation.send(now(), &mut self.out, range, peer)?;
        let frame = self.out.get(sent.range).unwrap_or_default();
        send(&self.sockets, &self.connections, &sent.path, frame);
        Ok(())
    }

    fn open(&mut self, open: Open) {
        let id = open.id;
        match open_wanted(&mut self.sockets, &mut self.connections, open) {
            Ok(Some(local)) => self.allocation.handle_opened(now(), id, local),
            Ok(None) => {}
            Err(error) => self.allocation.handle_open_failed(now(), id, error),
        }
    }

    fn on_connection(&mut self, incoming: Incoming) -> Option<RelayedNews> {
        let now = now();
        match incoming {
            Incoming::Opened { id, local } => self.allocation.handle_opened(now, id, local),
            Incoming::Failed { id, error } => self.allocation.handle_open_failed(now, id, error),
            Incoming::Closed { id } => self.allocation.handle_closed(now, id),
            // It asks for no listening socket.
            Incoming::Accepted { path } => self.connections.close(path.id),
            Incoming::Frame { path, mut data } => {
                return take(&mut self.allocation, path, &mut data);
            }
        }
        None
    }

    fn flush(&mut self) {
        self.out.clear();
        while let Some(transmit) = self.allocation.poll_transmit(&mut self.out) {
            let frame = self.out.get(transmit.range).unwrap_or_default();
            send(&self.sockets, &self.connections, &transmit.path, frame);
            self.out.clear();
        }
    }
}

fn take(allocation: &mut Allocation, path: Path, data: &mut [u8]) -> Option<RelayedNews> {
    let rx = Received {
        path,
        data: &mut *data,
    };
    match allocation.handle_datagram(now(), rx) {
        Handled::Data { from, range } => Some(RelayedNews::Data {
            from,
            payload: data.get(range).unwrap_or_default().to_vec(),
        }),
        Handled::Consumed | Handled::Dropped | Handled::NotMine => None,
    }
}
