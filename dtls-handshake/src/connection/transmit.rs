//! What leaves: acknowledgements, flights, data, alerts, in this order.

use core::ops::Range;
use std::time::Instant;

use bytes::BytesMut;

use super::{Connection, Phase};
use crate::error::SendError;
use crate::handshake::{Context, Inbox};
use crate::wire::ContentType;

/// The longest payload of a record (RFC 5246 §6.2.1).
const MAX_PAYLOAD: usize = 1 << 14;

impl Connection {
    /// Appends one datagram to `out` and says where in it; `None` when nothing is to be sent.
    ///
    /// A retransmission that falls due replaces what was not drained of the transmission before.
    pub fn poll_transmit(&mut self, out: &mut BytesMut) -> Option<Range<usize>> {
        let start = out.len();
        let written = self.write_ack(out)
            || self.write_flight(out)
            || self.write_data(out)
            || self.write_alert(out);
        if !written {
            self.forget_keys();
            return None;
        }
        self.stats.datagrams_sent += 1;
        Some(start..out.len())
    }

    fn write_flight(&mut self, out: &mut BytesMut) -> bool {
        let Context {
            records, flight, ..
        } = &mut self.context;
        flight.write_datagram(records, self.backoff.mtu(self.mtu), out)
    }

    fn write_data(&mut self, out: &mut BytesMut) -> bool {
        self.outgoing.pop().is_some_and(|data| {
            let content = ContentType::ApplicationData;
            let records = &mut self.context.records;
            let epoch = records.write_epoch();
            records.write(epoch, content, &[&data], out).is_ok()
        })
    }

    fn write_alert(&mut self, out: &mut BytesMut) -> bool {
        self.alerts.pop_front().is_some_and(|alert| {
            let body = [alert.level.into(), alert.description.into()];
            self.context
                .records
                .write(alert.epoch, ContentType::Alert, &[&body], out)
                .is_ok()
        })
    }

    /// A closed connection has said its last word.
    fn forget_keys(&mut self) {
        if matches!(self.phase, Phase::Closed) {
            self.context.records.forget();
            self.context.inbox = Inbox::new();
        }
    }

    /// Sends application data: one call, one record, one datagram.
    ///
    /// # Errors
    /// See [`SendError`]; nothing was taken then.
    pub fn send(&mut self, now: Instant, data: &[u8]) -> Result<(), SendError> {
        if !matches!(self.phase, Phase::Connected(_)) {
            return Err(SendError::NotConnected);
        }
        let records = &self.context.records;
        let room = self
            .mtu
            .saturating_sub(records.overhead(records.write_epoch()));
        let limit = room.min(MAX_PAYLOAD);
        if data.len() > limit {
            return Err(SendError::TooLong {
                length: data.len(),
                limit,
            });
        }
        if self.outgoing.push(data) {
            self.check_wear(now);
            Ok(())
        } else {
            Err(SendError::QueueFull)
        }
    }

    /// Appends the application data of one record to `out` and says where in it; `None` when none
    /// waits. Nothing is handed out before the peer is verified. What came before
    /// [`Event::Closed`](crate::Event::Closed) can still be read after it.
    ///
    /// At most 64 KiB wait, each record counting 64 bytes more than its length. What comes beyond
    /// that is lost and counted as [`DropReason::DataQueueFull`](crate::DropReason::DataQueueFull):
    /// drain after every datagram.
    pub fn poll_data(&mut self, out: &mut BytesMut) -> Option<Range<usize>> {
        if matches!(self.phase, Phase::Unverified(_)) {
            return None;
        }
        let data = self.incoming.pop()?;
        let start = out.len();
        out.extend_from_slice(&data);
        Some(start..out.len())
    }
}
