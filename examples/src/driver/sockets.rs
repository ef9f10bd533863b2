//! UDP sockets, one for each local address.

use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::task::Poll;

use ice_agent::{Path, SocketId, Transport};
use tokio::io::ReadBuf;
use tokio::net::UdpSocket;

/// Bound UDP sockets. Each is named by a [`SocketId`], as state machines name them in paths.
#[derive(Debug)]
pub struct Sockets(Vec<(UdpSocket, SocketAddr)>);

impl Sockets {
    /// Binds one socket on a free port of each address. The addresses are those that the far side
    /// is told, never unspecified.
    ///
    /// # Errors
    /// What the system says to the first address that cannot be bound.
    pub async fn bind(addresses: &[IpAddr]) -> io::Result<Self> {
        let mut sockets = Vec::new();
        for ip in addresses {
            let socket = UdpSocket::bind((*ip, 0)).await?;
            // `try_send_to` may refuse a socket that was never seen to be writable.
            socket.writable().await?;
            let local = socket.local_addr()?;
            sockets.push((socket, local));
        }
        Ok(Self(sockets))
    }

    /// The sockets and their addresses, for `Agent::add_host`.
    pub fn hosts(&self) -> impl Iterator<Item = (SocketId, SocketAddr)> {
        let locals = self.0.iter().map(|(_, local)| *local);
        (0..).map(SocketId).zip(locals)
    }

    /// Waits for one datagram, writes it to the start of `buffer`, and says how it came and how
    /// long it is. What is longer than the buffer is cut. Nothing is lost when the future is
    /// dropped.
    ///
    /// # Errors
    /// What the system says.
    pub async fn receive(&self, buffer: &mut [u8]) -> io::Result<(Path, usize)> {
        let mut buffer = ReadBuf::new(buffer);
        poll_fn(|context| {
            for (id, (socket, local)) in (0..).map(SocketId).zip(&self.0) {
                if let Poll::Ready(from) = socket.poll_recv_from(context, &mut buffer) {
                    let path = from.map(|remote| Path {
                        id,
                        local: *local,
                        remote,
                        transport: Transport::Udp,
                    });
                    return Poll::Ready(path.map(|path| (path, buffer.filled().len())));
                }
            }
            Poll::Pending
        })
        .await
    }

    /// Sends one datagram. What the system does not take now is lost, as on any network.
    pub fn send(&self, path: &Path, datagram: &[u8]) {
        let index = usize::try_from(path.id.0).unwrap_or(usize::MAX);
        if let Some((socket, _)) = self.0.get(index) {
            let _ = socket.try_send_to(datagram, path.remote);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[tokio::test]
    async fn a_datagram_comes_to_the_socket_that_its_path_names() {
        let two = [Ipv4Addr::LOCALHOST.into(); 2];
        let (ours, theirs) = (
            Sockets::bind(&two).await.unwrap(),
            Sockets::bind(&two).await.unwrap(),
        );
        for ((id, local), (_, remote)) in ours.hosts().zip(theirs.hosts()) {
            let path = Path {
                id,
                local,
                remote,
                transport: Transport::Udp,
            };
            ours.send(&path, b"hello");
            let mut buffer = [0; 3];
            let (arrived, length) = theirs.receive(&mut buffer).await.unwrap();
            assert_eq!((arrived.id, arrived.local), (id, remote));
            assert_eq!((arrived.remote, length), (local, 3));
            assert_eq!(&buffer, b"hel");
        }
    }
}
