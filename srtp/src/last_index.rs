//! Streams near their last index, of 2^48 SRTP or 2^31 SRTCP packets (RFC 3711 §9.2).
//!
//! That end is a stream's own, whatever the key. It comes within reach for a stream that another
//! sender has begun, or after centuries; so each packet costs one comparison, and all else is cold.

use crate::event::Event;
use crate::key_use::{RTCP_PACKETS_MAX, RTP_PACKETS_MAX};
use crate::stream_table::StreamTable;

/// The streams that are near their last index, and whether that was told.
#[derive(Debug)]
pub(crate) struct LastIndices {
    /// The first indices that are near.
    rtp_from: u64,
    rtcp_from: u64,
    near: StreamTable<Near>,
}

#[derive(Debug)]
struct Near {
    ssrc: u32,
    left: u64,
    told: bool,
}

impl LastIndices {
    /// An index is near when fewer than `margin` are left, and in the second half in any case.
    /// `max_streams` is the number of SRTP streams, and that of SRTCP streams.
    pub(crate) fn new(margin: u64, max_streams: usize) -> Self {
        Self {
            rtp_from: RTP_PACKETS_MAX - margin.min(RTP_PACKETS_MAX / 2),
            rtcp_from: RTCP_PACKETS_MAX - margin.min(RTCP_PACKETS_MAX / 2),
            near: StreamTable::new(max_streams.saturating_mul(2)),
        }
    }

    /// An SRTP packet with this index was protected or taken.
    #[inline]
    pub(crate) fn count_rtp(&mut self, ssrc: u32, index: u64) {
        if index >= self.rtp_from {
            self.come_near(ssrc, (RTP_PACKETS_MAX - 1).saturating_sub(index));
        }
    }

    /// An SRTCP packet with this index was protected or taken.
    #[inline]
    pub(crate) fn count_rtcp(&mut self, ssrc: u32, index: u32) {
        let index = u64::from(index);
        if index >= self.rtcp_from {
            self.come_near(ssrc, (RTCP_PACKETS_MAX - 1).saturating_sub(index));
        }
    }

    #[cold]
    fn come_near(&mut self, ssrc: u32, left: u64) {
        if let Some(near) = self.near.find_mut(ssrc) {
            near.left = near.left.min(left);
            return;
        }
        let told = false;
        // There is room: no more streams are open than it was made for.
        let _ = self.near.insert(ssrc, Near { ssrc, left, told });
    }

    /// A stream of which it was not told yet.
    pub(crate) fn poll_event(&mut self) -> Option<Event> {
        let near = self.near.states_mut().find(|near| !near.told)?;
        near.told = true;
        let (ssrc, left) = (near.ssrc, near.left);
        Some(Event::StreamNearlyUsed { ssrc, left })
    }

    /// Forgets the streams that are not open any more.
    pub(crate) fn retain(&mut self, is_open: impl Fn(u32) -> bool) {
        self.near.retain(|ssrc, _| is_open(ssrc));
    }
}
