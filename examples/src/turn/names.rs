//! How a worker names its sockets: to the machine by [`SocketId`], to epoll by the same 64 bits.

use turn_relay::SocketId;

const KIND: u32 = 56;
const DATAGRAMS: u64 = 1;
const STREAMS: u64 = 2;
const CONNECTION: u64 = 3;

/// Bits of a connection's number that say where it stands; the others tell it from those that stood
/// there before.
const INDEX: u32 = 24;

/// What an event of epoll is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// The mailbox.
    Mailbox,
    /// A UDP listener, by its index.
    Datagrams(usize),
    /// A TCP or TLS listener, by its index.
    Streams(usize),
    /// A connection of a client, by its index.
    Connection(usize),
    /// A socket that the machine asked for.
    Relay(SocketId),
}

/// The mailbox's name.
pub(super) const MAILBOX: SocketId = SocketId(0);

/// The name of a UDP listener.
pub(super) fn datagrams(index: usize) -> SocketId {
    SocketId(DATAGRAMS << KIND | index as u64)
}

/// The name of a TCP or TLS listener.
pub(super) fn streams(index: usize) -> SocketId {
    SocketId(STREAMS << KIND | index as u64)
}

/// The name of the `number`th connection, which stands at `index`. Nobody has it a second time before
/// four thousand million others have been accepted.
pub(super) fn connection(index: usize, number: u32) -> SocketId {
    let index = index as u64 & ((1 << INDEX) - 1);
    SocketId(CONNECTION << KIND | u64::from(number) << INDEX | index)
}

/// Most connections that have names.
pub(super) const MAX_CONNECTIONS: usize = 1 << INDEX;

/// Whose name it is.
pub(super) fn source(id: SocketId) -> Source {
    if id.is_asked() {
        return Source::Relay(id);
    }
    let index = |mask: u64| usize::try_from(id.0 & mask).unwrap_or(usize::MAX);
    match id.0 >> KIND {
        DATAGRAMS => Source::Datagrams(index(u64::from(u32::MAX))),
        STREAMS => Source::Streams(index(u64::from(u32::MAX))),
        CONNECTION => Source::Connection(index((1 << INDEX) - 1)),
        _ => Source::Mailbox,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_says_what_it_is_of() {
        assert_eq!(source(MAILBOX), Source::Mailbox);
        assert_eq!(source(datagrams(3)), Source::Datagrams(3));
        assert_eq!(source(streams(2)), Source::Streams(2));
        let (last, first) = (MAX_CONNECTIONS - 1, connection(7, 0));
        assert_eq!(source(connection(last, u32::MAX)), Source::Connection(last));
        assert_ne!(connection(7, 1), first);
        assert_eq!(source(first), Source::Connection(7));
        let asked = SocketId::asked(9);
        assert_eq!(source(asked), Source::Relay(asked));
    }
}
