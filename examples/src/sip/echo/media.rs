//! RTP that comes back: the payloads of the caller in a stream of our own.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::time::timeout;

/// Fixed part of the RTP header, in bytes (RFC 3550 §5.1).
const HEADER: usize = 12;

/// The largest datagram looked at, in bytes.
const LARGEST: usize = 2048;

/// Ports are drawn until one is even, as RTP's should be (RFC 3550 §11).
const ATTEMPTS: usize = 16;

/// An open RTP port.
pub(super) struct Port {
    socket: UdpSocket,
    local: SocketAddr,
    stream: Stream,
}

impl Port {
    /// Opens a free port at `ip`.
    pub(super) async fn bind(ip: IpAddr) -> io::Result<Self> {
        let any = SocketAddr::new(ip, 0);
        let mut socket = UdpSocket::bind(any).await?;
        for _ in 1..ATTEMPTS {
            if socket.local_addr()?.port() % 2 == 0 {
                break;
            }
            socket = UdpSocket::bind(any).await?;
        }
        Ok(Self {
            local: socket.local_addr()?,
            socket,
            stream: Stream::random()?,
        })
    }

    pub(super) fn local(&self) -> SocketAddr {
        self.local
    }

    /// The echo for a caller who sends these types from this address; others stay unheard.
    pub(super) fn echo(self, caller: IpAddr, payload_types: Vec<u8>) -> Echo {
        Echo {
            socket: self.socket,
            caller,
            payload_types,
            stream: self.stream,
        }
    }
}

/// An RTP port that sends back what it hears.
pub(super) struct Echo {
    socket: UdpSocket,
    caller: IpAddr,
    payload_types: Vec<u8>,
    stream: Stream,
}

impl Echo {
    /// Echoes until nothing was heard for `silence`.
    pub(super) async fn run(mut self, silence: Duration) {
        let mut buffer = [0; LARGEST];
        while let Ok(Ok(())) = timeout(silence, self.turn(&mut buffer)).await {}
    }

    /// Receives until one packet was echoed.
    async fn turn(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        loop {
            let (length, sender) = match self.socket.recv_from(buffer).await {
                Ok(received) => received,
                // An ICMP error about an earlier packet: the caller's port may open yet.
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => continue,
                Err(error) => return Err(error),
            };
            if sender.ip() != self.caller {
                continue;
            }
            let packet = buffer.get(..length).unwrap_or_default();
            if let Some(echo) = self.stream.echo(packet, &self.payload_types) {
                let _ = self.socket.send_to(&echo, sender).await;
                return Ok(());
            }
        }
    }
}

/// Our stream: the identity of its packets.
struct Stream {
    ssrc: u32,
    sequence: u16,
    timestamp_offset: u32,
}

impl Stream {
    fn random() -> io::Result<Self> {
        let mut bytes = [0; 10];
        getrandom::fill(&mut bytes).map_err(|_| io::Error::other("no randomness"))?;
        let [a, b, c, d, e, f, g, h, i, j] = bytes;
        Ok(Self {
            ssrc: u32::from_be_bytes([a, b, c, d]),
            sequence: u16::from_be_bytes([e, f]),
            timestamp_offset: u32::from_be_bytes([g, h, i, j]),
        })
    }

    /// The caller's packet as one of ours; `None` if it is no RTP of this call.
    fn echo(&mut self, packet: &[u8], payload_types: &[u8]) -> Option<Vec<u8>> {
        let [first, second, _, _, t0, t1, t2, t3, ..] = *packet else {
            return None;
        };
        if first >> 6 != 2 || !payload_types.contains(&(second & 0x7f)) {
            return None;
        }
        let payload = payload(packet)?;
        self.sequence = self.sequence.wrapping_add(1);
        let timestamp = u32::from_be_bytes([t0, t1, t2, t3]).wrapping_add(self.timestamp_offset);
        let mut echo = Vec::with_capacity(HEADER + payload.len());
        echo.extend_from_slice(&[2 << 6, second]);
        echo.extend_from_slice(&self.sequence.to_be_bytes());
        echo.extend_from_slice(&timestamp.to_be_bytes());
        echo.extend_from_slice(&self.ssrc.to_be_bytes());
        echo.extend_from_slice(payload);
        Some(echo)
    }
}

/// What follows the header, its contributing sources and its extension, without padding.
fn payload(packet: &[u8]) -> Option<&[u8]> {
    let first = *packet.first()?;
    let sources = usize::from(first & 0x0f) * 4;
    let mut rest = packet.get(HEADER + sources..)?;
    if first & 0x10 != 0 {
        let [_, _, high, low, ..] = *rest else {
            return None;
        };
        rest = rest.get(4 + usize::from(u16::from_be_bytes([high, low])) * 4..)?;
    }
    if first & 0x20 != 0 {
        let padding = usize::from(*rest.last()?);
        rest = rest.get(..rest.len().checked_sub(padding)?)?;
    }
    Some(rest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stream() -> Stream {
        Stream {
            ssrc: 0xaabb_ccdd,
            sequence: 0xffff,
            timestamp_offset: 0x10,
        }
    }

    #[test]
    fn a_payload_comes_back_in_a_stream_of_our_own() {
        let packet = [0x80, 0x80, 0, 9, 0, 0, 0, 0xa0, 1, 2, 3, 4, 0x55, 0x66];
        let echo = stream().echo(&packet, &[0, 101]);
        let expected = [
            0x80, 0x80, 0, 0, 0, 0, 0, 0xb0, 0xaa, 0xbb, 0xcc, 0xdd, 0x55, 0x66,
        ]
        .to_vec();
        assert_eq!(echo, Some(expected));
    }

    #[test]
    fn sources_extension_and_padding_are_left_out() {
        let mut packet = vec![0x80 | 0x20 | 0x10 | 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0];
        packet.extend([9; 4]); // one contributing source
        packet.extend([0xbe, 0xde, 0, 1, 7, 7, 7, 7]); // an extension of one word
        packet.extend([1, 2, 3, 0, 2]); // three bytes, two of padding
        assert_eq!(payload(&packet), Some(&[1, 2, 3][..]));
    }

    #[test]
    fn what_is_not_rtp_of_this_call_stays_unanswered() {
        let rtcp = [0x80, 200, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0];
        let other_type = [0x80, 8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0];
        let old_version = [0x40, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0];
        let short = [0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0];
        for packet in [&rtcp[..], &other_type, &old_version, &short, &[]] {
            assert_eq!(stream().echo(packet, &[0, 101]), None);
        }
    }

    proptest! {
        #[test]
        fn any_packet_is_survived(packet in proptest::collection::vec(any::<u8>(), 0..80)) {
            let mut stream = stream();
            let all: Vec<u8> = (0..128).collect();
            if let Some(echo) = stream.echo(&packet, &all) {
                prop_assert!(echo.len() <= packet.len());
            }
        }
    }
}
