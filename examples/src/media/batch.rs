//! Receive buffers of a worker, one set for all its sockets.

use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::ops::Range;

use quinn_udp::{BATCH_SIZE, RecvMeta, UdpSockRef, UdpSocketState};
use stun_codec::HEADROOM;

use crate::session::TAILROOM;

/// The largest datagram taken out of a joined buffer. Longer ones are no media and are cut, so
/// that they fail to parse or to authenticate.
const DATAGRAM_MAX: usize = 2048;

/// What the kernel may join into one buffer (GRO), in bytes.
const JOINED_MAX: usize = 65_536;

/// Buffers for one batch of datagrams, with room around each.
pub(crate) struct Batch {
    buffers: [Box<[u8]>; BATCH_SIZE],
    metas: [RecvMeta; BATCH_SIZE],
    /// Where a datagram is taken apart that the kernel joined to others.
    single: Box<[u8]>,
}

impl Batch {
    pub(crate) fn new() -> Self {
        Self {
            buffers: std::array::from_fn(|_| buffer(JOINED_MAX)),
            metas: [RecvMeta::default(); BATCH_SIZE],
            single: buffer(DATAGRAM_MAX),
        }
    }

    /// Buffers that one call can fill.
    pub(crate) const SIZE: usize = BATCH_SIZE;

    /// Gives each datagram in the buffers that were filled to `take`: its source, the buffer around it,
    /// and where in the buffer it stands.
    pub(crate) fn each(
        &mut self,
        filled: usize,
        mut take: impl FnMut(SocketAddr, &mut [u8], Range<usize>),
    ) {
        for (buffer, meta) in self.buffers.iter_mut().zip(&self.metas).take(filled) {
            let datagrams = HEADROOM..HEADROOM + meta.len;
            if meta.len <= meta.stride {
                take(meta.addr, buffer, datagrams);
                continue;
            }
            for datagram in buffer
                .get(datagrams)
                .unwrap_or_default()
                .chunks(meta.stride.max(1))
            {
                let len = datagram.len().min(DATAGRAM_MAX);
                let range = HEADROOM..HEADROOM + len;
                if let (Some(to), Some(from)) =
                    (self.single.get_mut(range.clone()), datagram.get(..len))
                {
                    to.copy_from_slice(from);
                    take(meta.addr, &mut self.single, range);
                }
            }
        }
    }

    /// Receives one batch, and answers how many buffers were filled, at most `most`.
    ///
    /// # Errors
    /// What the system says; `WouldBlock` when the socket is empty.
    pub(crate) fn fill(
        &mut self,
        state: &UdpSocketState,
        socket: UdpSockRef<'_>,
        most: usize,
    ) -> io::Result<usize> {
        let room = HEADROOM..HEADROOM + JOINED_MAX;
        let mut slices = self
            .buffers
            .each_mut()
            .map(|buffer| IoSliceMut::new(buffer.get_mut(room.clone()).unwrap_or_default()));
        let slices = slices.get_mut(..most).unwrap_or_default();
        let metas = self.metas.get_mut(..most).unwrap_or_default();
        state.recv(socket, slices, metas)
    }
}

fn buffer(payload: usize) -> Box<[u8]> {
    vec![0; HEADROOM + payload + TAILROOM].into_boxed_slice()
}
