//! Where a phone is heard from and sent to: the address in its SDP or, if that is allowed, one
//! other port of the same host, found out once (RFC 4961).

use std::net::SocketAddr;

/// The address of one of a phone's two streams, RTP or RTCP.
///
/// Until the phone was heard it may turn out to send from another port than it told. The first
/// packet decides; from then on every other address is a stranger's, until the phone tells anew.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source {
    told: SocketAddr,
    remote: SocketAddr,
    is_settled: bool,
}

/// What an address is to a phone's stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sender {
    /// The phone's.
    Phone,
    /// It could be the phone's: see [`Source::settle`].
    Unknown,
    /// Somebody else's.
    Stranger,
}

impl Source {
    /// The phone has told an address.
    pub(super) fn new(told: SocketAddr) -> Self {
        Self {
            told,
            remote: told,
            is_settled: false,
        }
    }

    /// The phone has told an address again, perhaps the same. If it is, what was found out is
    /// where packets go until more is known.
    pub(super) fn renew(&mut self, told: SocketAddr) {
        let remote = match told == self.told {
            true => self.remote,
            false => told,
        };
        *self = Self {
            told,
            remote,
            is_settled: false,
        };
    }

    /// Where packets go.
    pub(super) fn remote(&self) -> SocketAddr {
        self.remote
    }

    /// Who sends from an address.
    pub(super) fn sender(&self, from: SocketAddr, may_learn: bool) -> Sender {
        if from == self.remote || !self.is_settled && from == self.told {
            Sender::Phone
        } else if may_learn && !self.is_settled && from.ip() == self.told.ip() {
            Sender::Unknown
        } else {
            Sender::Stranger
        }
    }

    /// The phone was heard from an address that [`sender`](Self::sender) did not call a
    /// stranger's. Answers whether that is news.
    pub(super) fn settle(&mut self, from: SocketAddr) -> bool {
        self.is_settled = true;
        let is_news = self.remote != from;
        self.remote = from;
        is_news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(host: u8, port: u16) -> SocketAddr {
        ([192, 0, 2, host], port).into()
    }

    #[test]
    fn only_the_told_address_is_the_phones() {
        let mut source = Source::new(at(1, 4000));
        for _ in 0..2 {
            assert_eq!(source.sender(at(1, 4000), false), Sender::Phone);
            assert_eq!(source.sender(at(1, 4002), false), Sender::Stranger);
            assert_eq!(source.sender(at(2, 4000), false), Sender::Stranger);
            assert!(!source.settle(at(1, 4000)));
        }
    }

    #[test]
    fn another_port_is_learned_once_and_before_the_told_one_was_heard() {
        let mut source = Source::new(at(1, 4000));
        assert_eq!(source.sender(at(1, 4002), true), Sender::Unknown);
        assert_eq!(source.sender(at(2, 4000), true), Sender::Stranger);
        assert!(source.settle(at(1, 4002)));
        assert_eq!(source.remote(), at(1, 4002));
        assert_eq!(source.sender(at(1, 4002), true), Sender::Phone);
        for port in [4000, 4004] {
            assert_eq!(source.sender(at(1, port), true), Sender::Stranger);
        }
        let mut told = Source::new(at(1, 4000));
        told.settle(at(1, 4000));
        assert_eq!(told.sender(at(1, 4002), true), Sender::Stranger);
    }

    #[test]
    fn a_new_description_lets_learn_again() {
        let mut source = Source::new(at(1, 4000));
        source.settle(at(1, 4002));
        source.renew(at(1, 4000));
        assert_eq!(source.remote(), at(1, 4002), "until more is known");
        assert_eq!(source.sender(at(1, 4000), true), Sender::Phone);
        assert_eq!(source.sender(at(1, 4004), true), Sender::Unknown);
        assert!(source.settle(at(1, 4000)));
        source.renew(at(3, 5000));
        assert_eq!(source.remote(), at(3, 5000));
        assert_eq!(source.sender(at(1, 4000), true), Sender::Stranger);
    }
}
