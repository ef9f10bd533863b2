//! Where clients come: sockets that each worker has for itself at the same addresses. The kernel says
//! by the client's address whose a datagram or connection is (`SO_REUSEPORT`).

use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};

use quinn_udp::{UdpSockRef, UdpSocketState};
use rustix::net::sockopt;
use socket2::{Domain, Protocol, Socket, Type};
use turn_relay::Transport;

use super::StartError;
use super::options::Listen;

/// Connections that the kernel accepts before the worker does.
const BACKLOG: i32 = 1024;

/// A socket that datagrams of all clients arrive at.
#[derive(Debug)]
pub(super) struct Datagrams {
    pub(super) socket: UdpSocket,
    pub(super) state: UdpSocketState,
    pub(super) local: SocketAddr,
}

/// A socket that connections arrive at.
#[derive(Debug)]
pub(super) struct Streams {
    pub(super) socket: TcpListener,
    pub(super) local: SocketAddr,
    pub(super) transport: Transport,
}

/// The listeners of one worker, in the order of the options.
#[derive(Debug, Default)]
pub(super) struct Listeners {
    pub(super) datagrams: Vec<Datagrams>,
    pub(super) streams: Vec<Streams>,
}

impl Listeners {
    /// Looks whether the addresses are free. Sockets that share a port share it with those of another
    /// server, too, which would get a part of the clients without anybody noticing.
    pub(super) fn probe(listen: &[Listen]) -> Result<(), StartError> {
        for listen in listen {
            let probe = || {
                let (kind, protocol) = match listen.transport {
                    Transport::Udp => (Type::DGRAM, Protocol::UDP),
                    _ => (Type::STREAM, Protocol::TCP),
                };
                let socket = socket(listen.address, kind, protocol)?;
                socket.set_reuse_port(false)?;
                // What is left of connections that have ended is in nobody's way.
                socket.set_reuse_address(kind == Type::STREAM)?;
                socket.bind(&listen.address.into())
            };
            probe().map_err(|source| StartError::Listen {
                listen: *listen,
                source,
            })?;
        }
        Ok(())
    }

    /// Binds all of them. Where port 0 is asked for `listen` says afterwards which one it is: the other
    /// workers have to have the same.
    pub(super) fn bind(listen: &mut [Listen], receive_buffer: usize) -> Result<Self, StartError> {
        let mut listeners = Self::default();
        for listen in listen {
            let failed = |source| StartError::Listen {
                listen: *listen,
                source,
            };
            let local = match listen.transport {
                Transport::Udp => {
                    let bound = Datagrams::bind(listen.address, receive_buffer).map_err(failed)?;
                    let local = bound.local;
                    listeners.datagrams.push(bound);
                    local
                }
                transport => {
                    let bound = Streams::bind(listen.address, transport).map_err(failed)?;
                    let local = bound.local;
                    listeners.streams.push(bound);
                    local
                }
            };
            listen.address = local;
        }
        Ok(listeners)
    }
}

impl Datagrams {
    fn bind(local: SocketAddr, receive_buffer: usize) -> io::Result<Self> {
        let socket = socket(local, Type::DGRAM, Protocol::UDP)?;
        // Beyond the system's limit where we may; the limit is no reason to fail.
        if sockopt::set_socket_recv_buffer_size_force(&socket, receive_buffer).is_err() {
            let _ = socket.set_recv_buffer_size(receive_buffer);
        }
        if sockopt::set_socket_send_buffer_size_force(&socket, receive_buffer).is_err() {
            let _ = socket.set_send_buffer_size(receive_buffer);
        }
        socket.bind(&local.into())?;
        let socket = UdpSocket::from(socket);
        Ok(Self {
            local: socket.local_addr()?,
            state: UdpSocketState::new(UdpSockRef::from(&socket))?,
            socket,
        })
    }
}

impl Streams {
    fn bind(local: SocketAddr, transport: Transport) -> io::Result<Self> {
        let socket = socket(local, Type::STREAM, Protocol::TCP)?;
        socket.set_reuse_address(true)?;
        socket.bind(&local.into())?;
        socket.listen(BACKLOG)?;
        let socket = TcpListener::from(socket);
        Ok(Self {
            local: socket.local_addr()?,
            transport,
            socket,
        })
    }
}

fn socket(local: SocketAddr, kind: Type, protocol: Protocol) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(local), kind, Some(protocol))?;
    socket.set_nonblocking(true)?;
    socket.set_reuse_port(true)?;
    if local.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    Ok(socket)
}
