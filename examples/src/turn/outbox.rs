//! Datagrams on their way to clients, sent many with one call.

use std::net::SocketAddr;
use std::ops::Range;

use arrayvec::ArrayVec;
use rustix::io::{Errno, IoSlice};
use rustix::net::{MMsgHdr, SendAncillaryBuffer, SendFlags, SocketAddrAny, sendmmsg};
use turn_relay::HEADROOM;
use turn_relay::server::TAILROOM;

use super::listeners::Datagrams;

/// Datagrams that go with one call.
const BATCH: usize = 64;

/// The longest datagram. Pages that nothing is written to cost nothing.
const DATAGRAM: usize = 65_536;

/// Where a peer's datagram is put, so that it can stay there until it is sent.
pub(super) const FRAME: Range<usize> = HEADROOM..HEADROOM + DATAGRAM;

#[derive(Debug)]
struct Outgoing {
    listener: usize,
    to: SocketAddrAny,
    range: Range<usize>,
}

/// Datagrams that wait for the end of the turn.
#[derive(Debug)]
pub(super) struct Outbox {
    rooms: Box<[Box<[u8]>]>,
    waiting: ArrayVec<Outgoing, BATCH>,
    /// Datagrams that the kernel did not take.
    pub(super) unsent: u64,
    /// Calls.
    pub(super) calls: u64,
}

impl Outbox {
    pub(super) fn new() -> Self {
        let room = || vec![0; HEADROOM + DATAGRAM + TAILROOM].into_boxed_slice();
        // One more than wait: there is always a free one.
        Self {
            rooms: std::iter::repeat_with(room).take(BATCH).collect(),
            waiting: ArrayVec::new(),
            unsent: 0,
            calls: 0,
        }
    }

    /// Where the next datagram may be put.
    pub(super) fn room(&mut self) -> &mut [u8] {
        self.rooms
            .get_mut(self.waiting.len())
            .map_or(&mut [], |room| room)
    }

    /// Sends what stands in the room, sooner or later.
    pub(super) fn push(
        &mut self,
        listeners: &[Datagrams],
        listener: usize,
        to: SocketAddr,
        range: Range<usize>,
    ) {
        let to = to.into();
        self.waiting.push(Outgoing {
            listener,
            to,
            range,
        });
        if self.waiting.is_full() {
            self.flush(listeners);
        }
    }

    /// Sends a frame that stands elsewhere, sooner or later.
    pub(super) fn copy(
        &mut self,
        listeners: &[Datagrams],
        listener: usize,
        to: SocketAddr,
        frame: &[u8],
    ) {
        if let Some(room) = self.room().get_mut(..frame.len()) {
            room.copy_from_slice(frame);
            self.push(listeners, listener, to, 0..frame.len());
        }
    }

    /// Sends all. What the kernel does not take is lost, as on any network, and counted.
    pub(super) fn flush(&mut self, listeners: &[Datagrams]) {
        let frames = self
            .rooms
            .iter()
            .zip(&self.waiting)
            .map(|(room, outgoing)| {
                [IoSlice::new(
                    room.get(outgoing.range.clone()).unwrap_or_default(),
                )]
            });
        let frames: ArrayVec<[IoSlice<'_>; 1], BATCH> = frames.collect();
        let mut none: ArrayVec<SendAncillaryBuffer<'_, '_, '_>, BATCH> = ArrayVec::new();
        none.extend((0..frames.len()).map(|_| SendAncillaryBuffer::default()));
        let mut messages: ArrayVec<MMsgHdr<'_>, BATCH> = ArrayVec::new();
        for ((outgoing, frame), none) in self.waiting.iter().zip(&frames).zip(&mut none) {
            messages.push(MMsgHdr::new_with_addr(&outgoing.to, frame, none));
        }
        let mut rest: &mut [MMsgHdr<'_>] = &mut messages;
        for same in self.waiting.chunk_by(|a, b| a.listener == b.listener) {
            let Some((run, later)) = rest.split_at_mut_checked(same.len()) else {
                break;
            };
            rest = later;
            let listener = same.first().and_then(|first| listeners.get(first.listener));
            let Some(listener) = listener else { continue };
            let mut run = run;
            while !run.is_empty() {
                self.calls += 1;
                let sent = sendmmsg(&listener.socket, run, SendFlags::DONTWAIT);
                // The first one of those left is at fault; the others may still go.
                let done = match sent {
                    Ok(sent) if sent > 0 => sent,
                    // There is no room for any of them.
                    Err(Errno::AGAIN) => {
                        self.unsent += run.len() as u64;
                        break;
                    }
                    _ => {
                        self.unsent += 1;
                        1
                    }
                };
                run = run
                    .split_at_mut_checked(done)
                    .map_or(&mut [], |(_, rest)| rest);
            }
        }
        drop(messages);
        self.waiting.clear();
    }
}
