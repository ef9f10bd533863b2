//! Listening TCP sockets that a state machine asks for, and what they accept.

use std::io;
use std::net::{IpAddr, SocketAddr};

use ice_agent::{Local, OpenError, Port};
use stun_codec::stream::Framing;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use super::sockets::{ip_of, open_error};

/// A connection that was accepted.
#[derive(Debug)]
pub(super) struct Accepted {
    pub(super) stream: TcpStream,
    pub(super) remote: SocketAddr,
    pub(super) framing: Framing,
}

/// Binds a listening socket and says its address.
pub(super) fn bind(local: Local, port: Port) -> Result<(TcpListener, SocketAddr), OpenError> {
    let bound = ip_of(local).and_then(|ip| listen(ip, port));
    let listening = bound.and_then(|socket| {
        socket.set_nonblocking(true)?;
        let local = socket.local_addr()?;
        Ok((TcpListener::from_std(socket)?, local))
    });
    listening.map_err(|error| open_error(&error))
}

fn listen(ip: IpAddr, port: Port) -> io::Result<std::net::TcpListener> {
    let Port::Within { least, most } = port else {
        return std::net::TcpListener::bind((ip, 0));
    };
    let free = (least..=most).find_map(|port| std::net::TcpListener::bind((ip, port)).ok());
    free.ok_or_else(|| io::ErrorKind::AddrInUse.into())
}

/// Accepts until the other end of `open` is dropped.
pub(super) async fn accept(
    listener: TcpListener,
    framing: Framing,
    mut open: mpsc::Receiver<Vec<u8>>,
    tell: mpsc::Sender<Accepted>,
) {
    loop {
        tokio::select! {
            closed = open.recv() => {
                // Nothing is sent over a listening socket.
                if closed.is_none() {
                    return;
                }
            }
            accepted = listener.accept() => {
                if let Ok((stream, remote)) = accepted {
                    let accepted = Accepted { stream, remote, framing };
                    let _ = tell.send(accepted).await;
                }
            }
        }
    }
}
