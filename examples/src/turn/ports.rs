//! The ports of relayed addresses that one worker may bind at one address.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::ops::RangeInclusive;

use socket2::{Domain, Protocol, Socket, Type};
use turn_relay::Port;

/// Ports that are tried before an allocation is refused: others on this machine may have some of the
/// range too.
const TRIES: usize = 64;

/// Which ports of a range are taken. Each worker has a part of the range of its own.
#[derive(Debug)]
pub(super) struct Ports {
    first: u16,
    /// One bit a port.
    taken: Box<[u64]>,
    count: usize,
}

impl Ports {
    /// The part of `range` that worker `index` of `of` has. It begins at an even port, so that the pairs
    /// of a worker are its own (RFC 8656 §7.2).
    pub(super) fn part(range: &RangeInclusive<u16>, index: usize, of: usize) -> Self {
        let start = usize::from(*range.start()).next_multiple_of(2);
        let end = usize::from(*range.end()) + 1;
        let pairs = end.saturating_sub(start) / 2;
        let at = |worker: usize| start + pairs * worker / of.max(1) * 2;
        let (from, to) = (at(index), at(index + 1));
        let count = to.saturating_sub(from);
        Self {
            first: u16::try_from(from).unwrap_or(u16::MAX),
            taken: vec![0; count.div_ceil(64)].into_boxed_slice(),
            count,
        }
    }

    /// Binds a socket at `ip`. Which of the wanted ports it has cannot be guessed (RFC 8656 §7.2).
    ///
    /// # Errors
    /// When all are taken, or the address cannot be bound.
    pub(super) fn open(&mut self, ip: IpAddr, wanted: Port) -> io::Result<UdpSocket> {
        let full = || io::Error::new(io::ErrorKind::AddrInUse, "no port of relay-ports is free");
        let offset = |port: u16| usize::from(port).saturating_sub(self.first.into());
        let (step, from, to) = match wanted {
            Port::Any => (1, 0, self.count),
            Port::Even | Port::Pair => (2, 0, self.count.div_ceil(2)),
            Port::Within { most, .. } if most < self.first => return Err(full()),
            Port::Within { least, most } => (1, offset(least), self.count.min(offset(most) + 1)),
        };
        let random = getrandom::u32().map_err(io::Error::other)?;
        let random = usize::try_from(random).unwrap_or(0);
        let start = random
            .checked_rem(to.saturating_sub(from))
            .ok_or_else(full)?
            + from;
        let mut tries = 0;
        for place in (start..to).chain(from..start) {
            let offset = place * step;
            if self.is_taken(offset) {
                continue;
            }
            tries += 1;
            match self.bind(ip, offset) {
                Err(error) if error.kind() == io::ErrorKind::AddrInUse && tries < TRIES => {}
                bound => return bound,
            }
        }
        Err(full())
    }

    fn bind(&mut self, ip: IpAddr, offset: usize) -> io::Result<UdpSocket> {
        let offset16 = u16::try_from(offset).unwrap_or(u16::MAX);
        let socket = bind(SocketAddr::new(ip, self.first.saturating_add(offset16)))?;
        self.mark(offset, true);
        Ok(socket)
    }

    /// A port is free again.
    pub(super) fn close(&mut self, port: u16) {
        self.mark(usize::from(port.wrapping_sub(self.first)), false);
    }

    fn is_taken(&self, offset: usize) -> bool {
        let word = self.taken.get(offset / 64).copied();
        offset >= self.count || word.is_none_or(|word| word >> (offset % 64) & 1 == 1)
    }

    fn mark(&mut self, offset: usize, taken: bool) {
        if let Some(word) = self.taken.get_mut(offset / 64) {
            let bit = 1 << (offset % 64);
            *word = match taken {
                true => *word | bit,
                false => *word & !bit,
            };
        }
    }
}

fn bind(local: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(local), Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    if local.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.bind(&local.into())?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    fn port(socket: &UdpSocket) -> u16 {
        socket.local_addr().unwrap().port()
    }

    #[test]
    fn workers_share_a_range_without_meeting() {
        for of in 1..=5 {
            let parts: Vec<Ports> = (0..of)
                .map(|index| Ports::part(&(20001..=20099), index, of))
                .collect();
            let mut next = 20002;
            for part in &parts {
                assert_eq!(usize::from(part.first), next);
                assert_eq!(part.first % 2, 0);
                next += part.count;
            }
            assert_eq!(next, 20100);
        }
    }

    #[test]
    fn a_port_comes_back_when_it_is_closed() {
        let mut ports = Ports::part(&(29300..=29303), 0, 1);
        let even = ports.open(LOOPBACK, Port::Even).unwrap();
        assert_eq!(port(&even) % 2, 0);
        let next = port(&even) + 1;
        let only = |port| Port::Within {
            least: port,
            most: port,
        };
        let odd = ports.open(LOOPBACK, only(next)).unwrap();
        assert_eq!(port(&odd), next);
        assert!(ports.open(LOOPBACK, only(next)).is_err());
        let others = [(); 2].map(|()| ports.open(LOOPBACK, Port::Any).unwrap());
        assert!(ports.open(LOOPBACK, Port::Any).is_err());
        drop(others);
        assert!(ports.open(LOOPBACK, Port::Even).is_err());
        let freed = port(&even);
        drop(even);
        ports.close(freed);
        assert_eq!(port(&ports.open(LOOPBACK, Port::Even).unwrap()), freed);
        assert!(ports.open(LOOPBACK, only(freed - 100)).is_err());
        assert!(ports.open(LOOPBACK, only(freed + 100)).is_err());
    }
}
