//! Behaviour discovery (RFC 5780) over real sockets.

use std::io;
use std::net::SocketAddr;

use bytes::BytesMut;
use ice_agent::{Close, Open, OpenError, Received, Wanted};
use stun_codec::discovery::{Discovery, Event, Failure, Report};

use super::random;
use crate::driver::{Sockets, now, sleep_until};

/// Longer answers are cut, and dropped then.
const DATAGRAM_MAX: usize = 2048;

/// Finds out how the NAT on the way to a server behaves. It takes half a minute at most.
///
/// # Errors
/// When a socket fails, or there is no randomness.
pub async fn behaviour(server: SocketAddr) -> io::Result<Result<Report, Failure>> {
    let mut discovery = Discovery::new(random()?, server);
    let mut sockets = Sockets::default();
    let mut inbox = [0; DATAGRAM_MAX];
    let mut out = BytesMut::new();
    loop {
        out.clear();
        while let Some(transmit) = discovery.poll_transmit(&mut out) {
            let datagram = out.get(transmit.range).unwrap_or_default();
            sockets.send(&transmit.path, datagram);
        }
        match discovery.poll_event() {
            Some(Event::Open(Open { id, what })) => {
                let opened = match what {
                    Wanted::Udp { local, port } => sockets.open(id, local, port),
                    _ => Err(OpenError::Unsupported),
                };
                match opened {
                    Ok(local) => discovery.handle_opened(now(), id, local),
                    Err(error) => discovery.handle_open_failed(now(), id, error),
                }
                continue;
            }
            Some(Event::Close(Close { id })) => {
                sockets.close(id);
                continue;
            }
            Some(Event::Finished(result)) => return Ok(result),
            _ => {}
        }
        tokio::select! {
            received = sockets.receive(&mut inbox) => match received {
                Ok((path, length)) => {
                    let data = inbox.get_mut(..length).unwrap_or_default();
                    let _ = discovery.handle_datagram(now(), Received { path, data });
                }
                Err((id, _)) => {
                    sockets.close(id);
                    discovery.handle_closed(now(), id);
                }
            },
            () = sleep_until(discovery.poll_timeout()) => discovery.handle_timeout(now()),
        }
    }
}
