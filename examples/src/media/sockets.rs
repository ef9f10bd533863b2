//! Ports of the media range.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::ops::RangeInclusive;

use socket2::{Domain, Protocol, Socket, Type};

/// Bytes that the kernel holds for us while a worker is busy: for a browser port half a second of
/// fifty calls. Memory is only taken for what waits.
const RECEIVE_BUFFER: usize = 1 << 20;

/// No port of the range could be bound.
#[derive(Debug, thiserror::Error)]
#[error("no free UDP port on {ip} in {}-{}: {source}", .ports.start(), .ports.end())]
pub struct NoPort {
    /// The address asked for.
    pub ip: IpAddr,
    /// The range asked for.
    pub ports: RangeInclusive<u16>,
    /// What the system said to the last try.
    #[source]
    pub source: io::Error,
}

/// The RTP socket of a phone leg and, on the next port, its RTCP socket (RFC 3550 §11).
#[derive(Debug)]
pub struct PortPair {
    /// On an even port.
    pub rtp: UdpSocket,
    /// On the odd port that follows.
    pub rtcp: UdpSocket,
    /// The address of `rtp`.
    pub local: SocketAddr,
}

/// Binds one socket on a random port of the range.
///
/// # Errors
/// [`NoPort`] when the range is full or the address cannot be bound.
pub(super) fn bind_one(ip: IpAddr, ports: &RangeInclusive<u16>) -> Result<UdpSocket, NoPort> {
    try_ports(ip, ports, |port| bind(SocketAddr::new(ip, port)))
}

/// Binds a pair of sockets on an even port and the next.
///
/// # Errors
/// [`NoPort`] when the range is full or the address cannot be bound.
pub(super) fn bind_pair(ip: IpAddr, ports: &RangeInclusive<u16>) -> Result<PortPair, NoPort> {
    try_ports(ip, ports, |port| {
        let even = port & !1;
        if !ports.contains(&even) || !ports.contains(&(even | 1)) {
            return Err(io::Error::from(io::ErrorKind::AddrInUse));
        }
        let local = SocketAddr::new(ip, even);
        let rtp = bind(local)?;
        let rtcp = bind(SocketAddr::new(ip, even | 1))?;
        Ok(PortPair { rtp, rtcp, local })
    })
}

/// The local address that datagrams to `remote` leave from.
///
/// # Errors
/// When the system has no route.
pub fn local_ip_towards(remote: SocketAddr) -> io::Result<IpAddr> {
    let any: IpAddr = match remote {
        SocketAddr::V4(_) => std::net::Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => std::net::Ipv6Addr::UNSPECIFIED.into(),
    };
    let probe = UdpSocket::bind(SocketAddr::new(any, 0))?;
    probe.connect(remote)?;
    Ok(probe.local_addr()?.ip())
}

/// Tries every port of the range, from a random one on: who does not see the signalling cannot
/// guess where a call is.
fn try_ports<T>(
    ip: IpAddr,
    ports: &RangeInclusive<u16>,
    bind: impl Fn(u16) -> io::Result<T>,
) -> Result<T, NoPort> {
    let failed = |source| NoPort {
        ip,
        ports: ports.clone(),
        source,
    };
    let first = random_port(ports).map_err(failed)?;
    let mut last = io::Error::from(io::ErrorKind::AddrInUse);
    for port in (first..=*ports.end()).chain(*ports.start()..first) {
        match bind(port) {
            Ok(bound) => return Ok(bound),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => last = error,
            // The address itself is no good, whatever the port.
            Err(error) => return Err(failed(error)),
        }
    }
    Err(failed(last))
}

fn random_port(ports: &RangeInclusive<u16>) -> io::Result<u16> {
    let random = getrandom::u32().map_err(io::Error::other)?;
    let count = u32::from(*ports.end()).saturating_sub(u32::from(*ports.start())) + 1;
    let offset = u16::try_from(random % count).unwrap_or(0);
    Ok(ports.start().saturating_add(offset))
}

fn bind(local: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(local), Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    // The kernel may grant less; that is no reason to fail.
    let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER);
    socket.bind(&local.into())?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    #[test]
    fn a_pair_stands_on_an_even_port_and_the_next() {
        let pair = bind_pair(LOOPBACK, &(16384..=65535)).unwrap();
        assert_eq!(pair.local.port() % 2, 0);
        assert_eq!(
            pair.rtcp.local_addr().unwrap().port(),
            pair.local.port() + 1
        );
    }

    #[test]
    fn a_full_range_is_an_error_that_names_it() {
        let held = bind_one(LOOPBACK, &(16384..=65535)).unwrap();
        let port = held.local_addr().unwrap().port();
        let error = bind_one(LOOPBACK, &(port..=port)).unwrap_err();
        assert!(
            error.to_string().contains(&format!("{port}-{port}")),
            "{error}"
        );
        assert!(
            bind_pair(LOOPBACK, &(port..=port)).is_err(),
            "a pair needs two ports"
        );
    }

    #[test]
    fn loopback_is_reached_from_loopback() {
        assert_eq!(local_ip_towards((LOOPBACK, 5060).into()).unwrap(), LOOPBACK);
    }
}
