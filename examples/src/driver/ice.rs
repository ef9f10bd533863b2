//! An ICE agent with sockets and a clock.

use bytes::BytesMut;
use ice_agent::{
    Agent, Close, Event, HEADROOM, Handled, Open, Path, Received, SendError, TAILROOM,
};

use super::{Connections, DATAGRAM_MAX, Incoming, Sockets, now, open_wanted, send, sleep_until};

/// What a driven agent has to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IceNews {
    /// The agent's own event.
    Event(Event),
    /// What the peer says.
    Data(Vec<u8>),
}

/// Drives one agent. It lives only while somebody waits in [`next`](Self::next).
#[derive(Debug)]
pub struct Ice {
    agent: Agent,
    sockets: Sockets,
    connections: Connections,
    inbox: Box<[u8]>,
    out: BytesMut,
}

impl Ice {
    /// Drives an agent; `connections` say whom TLS trusts.
    #[must_use]
    pub fn new(agent: Agent, connections: Connections) -> Self {
        Self {
            agent,
            sockets: Sockets::default(),
            connections,
            inbox: vec![0; DATAGRAM_MAX].into_boxed_slice(),
            out: BytesMut::new(),
        }
    }

    /// The agent, to tell it something. What that causes happens in the next [`next`](Self::next).
    pub fn agent(&mut self) -> &mut Agent {
        &mut self.agent
    }

    /// Runs the agent until it has something to say. Nothing is lost when the future is dropped.
    /// Nothing comes after [`Event::Failed`].
    pub async fn next(&mut self) -> IceNews {
        loop {
            self.flush();
            match self.agent.poll_event() {
                Some(Event::Open(open)) => {
                    self.open(open);
                    continue;
                }
                Some(Event::Close(Close { id })) => {
                    self.close_socket(id);
                    continue;
                }
                Some(event) => return IceNews::Event(event),
                None => {}
            }
            let deadline = self.agent.poll_timeout();
            tokio::select! {
                received = self.sockets.receive(&mut self.inbox) => match received {
                    Ok((path, length)) => {
                        let data = self.inbox.get_mut(..length).unwrap_or_default();
                        if let Some(news) = take(&mut self.agent, path, data) {
                            return news;
                        }
                    }
                    Err((id, _)) => {
                        self.sockets.close(id);
                        self.agent.handle_closed(now(), id);
                    }
                },
                incoming = self.connections.next() => {
                    if let Some(news) = self.on_connection(incoming) {
                        return news;
                    }
                }
                () = sleep_until(deadline) => self.agent.handle_timeout(now()),
            }
        }
    }

    /// Sends one payload to the peer.
    ///
    /// # Errors
    /// See [`SendError`]; the payload is then lost.
    pub fn send(&mut self, payload: &[u8]) -> Result<(), SendError> {
        let range = HEADROOM..HEADROOM + payload.len();
        self.out.clear();
        self.out.resize(HEADROOM, 0);
        self.out.extend_from_slice(payload);
        self.out.resize(range.end + TAILROOM, 0);
        let sent = self.agent.send(now(), &mut self.out, range)?;
        let frame = self.out.get(sent.range).unwrap_or_default();
        send(&self.sockets, &self.connections, &sent.path, frame);
        Ok(())
    }

    /// Ends the agent: relays are given back.
    pub fn close(&mut self) {
        self.agent.close(now());
        self.flush();
    }

    fn open(&mut self, open: Open) {
        let id = open.id;
        match open_wanted(&mut self.sockets, &mut self.connections, open) {
            Ok(Some(local)) => self.agent.handle_opened(now(), id, local),
            Ok(None) => {}
            Err(error) => self.agent.handle_open_failed(now(), id, error),
        }
    }

    fn close_socket(&mut self, id: ice_agent::SocketId) {
        self.sockets.close(id);
        self.connections.close(id);
    }

    fn on_connection(&mut self, incoming: Incoming) -> Option<IceNews> {
        let now = now();
        match incoming {
            Incoming::Opened { id, local } => self.agent.handle_opened(now, id, local),
            Incoming::Failed { id, error } => self.agent.handle_open_failed(now, id, error),
            Incoming::Closed { id } => self.agent.handle_closed(now, id),
            Incoming::Accepted { path } => self.agent.handle_accepted(now, path),
            Incoming::Frame { path, mut data } => return take(&mut self.agent, path, &mut data),
        }
        None
    }

    fn flush(&mut self) {
        self.out.clear();
        while let Some(transmit) = self.agent.poll_transmit(&mut self.out) {
            let frame = self.out.get(transmit.range).unwrap_or_default();
            send(&self.sockets, &self.connections, &transmit.path, frame);
            self.out.clear();
        }
    }
}

fn take(agent: &mut Agent, path: Path, data: &mut [u8]) -> Option<IceNews> {
    let rx = Received {
        path,
        data: &mut *data,
    };
    match agent.handle_datagram(now(), rx) {
        Handled::Data { range, .. } => {
            let payload = data.get(range).unwrap_or_default();
            Some(IceNews::Data(payload.to_vec()))
        }
        Handled::Consumed | Handled::Dropped | Handled::NotMine => None,
    }
}
