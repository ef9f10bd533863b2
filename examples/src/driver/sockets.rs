//! UDP sockets: those that are there from the beginning, and those that a state machine asks for.

use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::task::Poll;

use ice_agent::{Family, Local, OpenError, Path, Port, SocketId, Transport};
use socket2::SockRef;
use tokio::io::ReadBuf;
use tokio::net::UdpSocket;

/// How often an even port is tried for: half of the ports are even.
const TRIES: usize = 64;

/// Nobody answers at these addresses, which are for documentation; the way there is the way out.
const ELSEWHERE_V4: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
const ELSEWHERE_V6: IpAddr = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1));

/// Bound UDP sockets. Each is named by a [`SocketId`], as state machines name them in paths.
#[derive(Debug, Default)]
pub struct Sockets(Vec<Bound>);

#[derive(Debug)]
struct Bound {
    id: SocketId,
    socket: UdpSocket,
    local: SocketAddr,
    /// The next higher port, kept free for a later request.
    _reserved: Option<std::net::UdpSocket>,
}

impl Sockets {
    /// Binds one socket on a free port of each address. The addresses are those that the far side
    /// is told, never unspecified.
    ///
    /// # Errors
    /// What the system says to the first address that cannot be bound.
    pub async fn bind(addresses: &[IpAddr]) -> io::Result<Self> {
        let mut sockets = Self::default();
        for (id, ip) in (0..).map(SocketId).zip(addresses) {
            sockets.add(id, std::net::UdpSocket::bind((*ip, 0))?, None)?;
        }
        Ok(sockets)
    }

    /// Binds the socket that a state machine asks for, and says its address.
    ///
    /// # Errors
    /// Why there is none.
    pub fn open(
        &mut self,
        id: SocketId,
        local: Local,
        port: Port,
    ) -> Result<SocketAddr, OpenError> {
        let opened = ip_of(local)
            .and_then(|ip| bind(ip, port))
            .and_then(|(socket, reserved)| self.add(id, socket, reserved));
        opened.map_err(|error| open_error(&error))
    }

    /// Closes a socket.
    pub fn close(&mut self, id: SocketId) {
        self.0.retain(|bound| bound.id != id);
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn add(
        &mut self,
        id: SocketId,
        socket: std::net::UdpSocket,
        reserved: Option<std::net::UdpSocket>,
    ) -> io::Result<SocketAddr> {
        socket.set_nonblocking(true)?;
        let local = socket.local_addr()?;
        self.0.push(Bound {
            id,
            socket: UdpSocket::from_std(socket)?,
            local,
            _reserved: reserved,
        });
        Ok(local)
    }

    /// The sockets and their addresses, for `Agent::add_host`.
    pub fn hosts(&self) -> impl Iterator<Item = (SocketId, SocketAddr)> {
        self.0.iter().map(|bound| (bound.id, bound.local))
    }

    /// Waits for one datagram, writes it to the start of `buffer`, and says how it came and how
    /// long it is. What is longer than the buffer is cut. Nothing is lost when the future is
    /// dropped.
    ///
    /// # Errors
    /// Which socket failed, and what the system says.
    pub async fn receive(&self, buffer: &mut [u8]) -> Result<(Path, usize), (SocketId, io::Error)> {
        let mut buffer = ReadBuf::new(buffer);
        poll_fn(|context| {
            for Bound {
                id, socket, local, ..
            } in &self.0
            {
                if let Poll::Ready(from) = socket.poll_recv_from(context, &mut buffer) {
                    let path = from.map(|remote| Path {
                        id: *id,
                        local: *local,
                        remote,
                        transport: Transport::Udp,
                    });
                    let arrived = path.map(|path| (path, buffer.filled().len()));
                    return Poll::Ready(arrived.map_err(|error| (*id, error)));
                }
            }
            Poll::Pending
        })
        .await
    }

    /// Sends one datagram. What the system does not take now is lost, as on any network.
    pub fn send(&self, path: &Path, datagram: &[u8]) {
        let bound = self.0.iter().find(|bound| bound.id == path.id);
        if let Some(Bound { socket, .. }) = bound {
            // Not tokio's call, which refuses a socket that it has not seen to be writable yet.
            let _ = SockRef::from(socket).send_to(datagram, &path.remote.into());
        }
    }
}

/// The address to bind: that of the way out, where any of a family will do.
pub(super) fn ip_of(local: Local) -> io::Result<IpAddr> {
    let (any, elsewhere): (IpAddr, _) = match local {
        Local::Ip(ip) => return Ok(ip),
        Local::Family(Family::V4) => (Ipv4Addr::UNSPECIFIED.into(), ELSEWHERE_V4),
        Local::Family(Family::V6) => (Ipv6Addr::UNSPECIFIED.into(), ELSEWHERE_V6),
    };
    let probe = std::net::UdpSocket::bind((any, 0))?;
    // This sends nothing.
    probe.connect((elsewhere, 9))?;
    Ok(probe.local_addr()?.ip())
}

type Pair = (std::net::UdpSocket, Option<std::net::UdpSocket>);

fn bind(ip: IpAddr, port: Port) -> io::Result<Pair> {
    if let Port::Within { least, most } = port {
        let free = (least..=most).find_map(|port| std::net::UdpSocket::bind((ip, port)).ok());
        let none = || io::Error::from(io::ErrorKind::AddrInUse);
        return free.map(|socket| (socket, None)).ok_or_else(none);
    }
    for _ in 0..TRIES {
        let socket = std::net::UdpSocket::bind((ip, 0))?;
        let number = socket.local_addr()?.port();
        match port {
            Port::Any => return Ok((socket, None)),
            Port::Even if number % 2 == 0 => return Ok((socket, None)),
            Port::Pair if number % 2 == 0 => {
                if let Ok(next) = std::net::UdpSocket::bind((ip, number + 1)) {
                    return Ok((socket, Some(next)));
                }
            }
            Port::Even | Port::Pair | Port::Within { .. } => {}
        }
    }
    Err(io::ErrorKind::AddrInUse.into())
}

/// What the system says, in the words of the contract.
pub(super) fn open_error(error: &io::Error) -> OpenError {
    use io::ErrorKind::{
        AddrInUse, AddrNotAvailable, ConnectionRefused, HostUnreachable, NetworkUnreachable,
        TimedOut,
    };
    match error.kind() {
        ConnectionRefused => OpenError::Refused,
        TimedOut => OpenError::TimedOut,
        HostUnreachable | NetworkUnreachable | AddrNotAvailable => OpenError::Unreachable,
        AddrInUse => OpenError::NoPort,
        _ => OpenError::Other(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    #[tokio::test]
    async fn a_datagram_comes_to_the_socket_that_its_path_names() {
        let (ours, theirs) = (
            Sockets::bind(&[HERE; 2]).await.unwrap(),
            Sockets::bind(&[HERE; 2]).await.unwrap(),
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

    #[tokio::test]
    async fn sockets_are_opened_as_they_are_asked_for() {
        let mut sockets = Sockets::default();
        let id = SocketId::asked;
        let even = sockets.open(id(1), Local::Ip(HERE), Port::Even).unwrap();
        assert_eq!((even.ip(), even.port() % 2), (HERE, 0));
        let pair = sockets.open(id(2), Local::Ip(HERE), Port::Pair).unwrap();
        assert_eq!(pair.port() % 2, 0);
        let next = (HERE, pair.port() + 1);
        assert!(std::net::UdpSocket::bind(next).is_err(), "kept free");
        sockets.close(id(2));
        assert!(std::net::UdpSocket::bind(next).is_ok());
        let range = Port::Within {
            least: even.port(),
            most: even.port(),
        };
        let taken = sockets.open(id(4), Local::Ip(HERE), range);
        assert_eq!(taken, Err(OpenError::NoPort));
        sockets.close(id(1));
        let within = sockets.open(id(5), Local::Ip(HERE), range).unwrap();
        assert_eq!(within, even);
        // An address for documentation is nobody's.
        let nowhere = sockets.open(id(3), Local::Ip(ELSEWHERE_V4), Port::Any);
        assert_eq!(nowhere, Err(OpenError::Unreachable));
        assert_eq!(sockets.hosts().count(), 1);
    }
}
