//! Counters: what came, what went, and what was dropped for which reason.

use core::fmt;

/// Why a datagram, record or fragment was dropped. Dropping never ends a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DropReason {
    /// A record header that is cut, or a record longer than its datagram (RFC 6347 §4.1.2.7).
    TruncatedRecord,
    /// A record longer than the protocol allows (RFC 5246 §6.2.3).
    OversizedRecord,
    /// A content type that does not exist.
    UnknownContentType,
    /// A record of another protocol version.
    WrongVersion,
    /// An epoch there are no keys for, or one that is over.
    WrongEpoch,
    /// A record whose tag does not verify.
    NotAuthentic,
    /// A record that came before, or is older than the replay window (RFC 6347 §4.1.2.6).
    Replayed,
    /// Something unprotected that only counts when protected: an alert or data after the
    /// handshake.
    Unprotected,
    /// A fragment header that is cut, or a fragment that runs past its record or its message.
    MalformedFragment,
    /// A message longer than is accepted.
    OversizedMessage,
    /// A message too far ahead of the one that is due.
    TooFarAhead,
    /// More of the handshake waits for earlier parts than is kept.
    BufferFull,
    /// A part of the handshake that was handled before.
    Repeated,
    /// A record that has no place in the present state.
    OutOfPlace,
    /// The connection is closed.
    Closed,
    /// Application data for which the queue of [`poll_data`](crate::Connection::poll_data) has no
    /// room.
    DataQueueFull,
    /// A ClientHello that does not parse, at a [`Listener`](crate::Listener).
    MalformedHello,
    /// A ClientHello that is shorter than its answer would be, at a [`Listener`](crate::Listener).
    TooShortToAnswer,
    /// A record with a connection ID that is not ours, or without one where there should be one
    /// (RFC 9146 §3).
    WrongConnectionId,
}

impl DropReason {
    /// All reasons.
    pub const ALL: [Self; 19] = [
        Self::TruncatedRecord,
        Self::OversizedRecord,
        Self::UnknownContentType,
        Self::WrongVersion,
        Self::WrongEpoch,
        Self::NotAuthentic,
        Self::Replayed,
        Self::Unprotected,
        Self::MalformedFragment,
        Self::OversizedMessage,
        Self::TooFarAhead,
        Self::BufferFull,
        Self::Repeated,
        Self::OutOfPlace,
        Self::Closed,
        Self::DataQueueFull,
        Self::MalformedHello,
        Self::TooShortToAnswer,
        Self::WrongConnectionId,
    ];
}

/// How often something was dropped, by reason.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
struct Drops([u64; DropReason::ALL.len()]);

impl Drops {
    fn of(&self, reason: DropReason) -> u64 {
        self.0.get(reason as usize).copied().unwrap_or_default()
    }

    fn count(&mut self, reason: DropReason) {
        if let Some(counter) = self.0.get_mut(reason as usize) {
            *counter += 1;
        }
    }

    /// Those that happened, as fields.
    fn show(&self, shown: &mut fmt::DebugStruct<'_, '_>) {
        for reason in DropReason::ALL {
            if self.of(reason) > 0 {
                shown.field(&format!("dropped {reason:?}"), &self.of(reason));
            }
        }
    }
}

/// Counters of a connection since it was made.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    /// Datagrams handed in.
    pub datagrams_received: u64,
    /// Datagrams handed out.
    pub datagrams_sent: u64,
    /// Flights sent again because the timer ran out.
    pub timeouts: u64,
    /// Flights sent again because the peer repeated its own.
    pub repeats_answered: u64,
    dropped: Drops,
}

impl Stats {
    /// How often something was dropped for this reason.
    #[must_use]
    pub fn dropped(&self, reason: DropReason) -> u64 {
        self.dropped.of(reason)
    }

    pub(crate) fn count(&mut self, reason: DropReason) {
        self.dropped.count(reason);
    }
}

impl fmt::Debug for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Stats");
        shown
            .field("datagrams_received", &self.datagrams_received)
            .field("datagrams_sent", &self.datagrams_sent)
            .field("timeouts", &self.timeouts)
            .field("repeats_answered", &self.repeats_answered);
        self.dropped.show(&mut shown);
        shown.finish()
    }
}

/// Counters of a [`Listener`](crate::Listener) since it was made.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct ListenerStats {
    /// Datagrams handed in.
    pub datagrams_received: u64,
    /// Answers given without keeping anything.
    pub replies: u64,
    /// Connections begun.
    pub accepted: u64,
    dropped: Drops,
}

impl ListenerStats {
    /// How often something was dropped for this reason.
    #[must_use]
    pub fn dropped(&self, reason: DropReason) -> u64 {
        self.dropped.of(reason)
    }

    pub(crate) fn count(&mut self, reason: DropReason) {
        self.dropped.count(reason);
    }
}

impl fmt::Debug for ListenerStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("ListenerStats");
        shown
            .field("datagrams_received", &self.datagrams_received)
            .field("replies", &self.replies)
            .field("accepted", &self.accepted);
        self.dropped.show(&mut shown);
        shown.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_has_its_own_counter() {
        for (index, reason) in DropReason::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, index);
        }
        let mut stats = Stats::default();
        stats.count(DropReason::Closed);
        assert_eq!(stats.dropped(DropReason::Closed), 1);
        assert_eq!(stats.dropped(DropReason::Replayed), 0);
    }
}
