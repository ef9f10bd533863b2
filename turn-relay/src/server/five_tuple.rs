//! Whose frame it is: the client's five-tuple (RFC 8656 §3.4), and the hash it is found by.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, Hasher};
use std::net::{IpAddr, SocketAddr};

use siphasher::sip::SipHasher13;
use stun_codec::{Path, SocketId, Transport};

/// A client, as far as its frames say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FiveTuple {
    /// Over UDP: both addresses. Workers may have sockets of their own at one address of ours.
    Datagrams {
        local: SocketAddr,
        remote: SocketAddr,
    },
    /// The connection, by which the driver tells clients apart.
    Stream(SocketId),
}

impl From<&Path> for FiveTuple {
    fn from(path: &Path) -> Self {
        match path.transport {
            Transport::Udp => Self::Datagrams {
                local: path.local,
                remote: path.remote,
            },
            _ => Self::Stream(path.id),
        }
    }
}

impl Hash for FiveTuple {
    /// In few pieces: it is done for each frame.
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Self::Datagrams { local, remote } => {
                let ports = u32::from(local.port()) << 16 | u32::from(remote.port());
                state.write_u32(ports);
                for ip in [local.ip(), remote.ip()] {
                    match ip {
                        IpAddr::V4(ip) => state.write_u32(ip.to_bits()),
                        IpAddr::V6(ip) => state.write_u128(ip.to_bits()),
                    }
                }
            }
            Self::Stream(id) => state.write_u64(id.0),
        }
    }
}

/// Hashes with a key, so that no client can choose addresses that meet.
#[derive(Clone)]
pub(super) struct Keyed(pub(super) [u8; 16]);

impl BuildHasher for Keyed {
    type Hasher = SipHasher13;

    fn build_hasher(&self) -> SipHasher13 {
        SipHasher13::new_with_key(&self.0)
    }
}

impl std::fmt::Debug for Keyed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keyed")
    }
}

/// What there is for each client.
pub(super) type ByClient<T> = HashMap<FiveTuple, T, Keyed>;
