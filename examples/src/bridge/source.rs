//! Where a phone is heard from and sent to: the address in its SDP or, if that is allowed, one
//! other port of the same host, found out once (RFC 4961).

use std::net::SocketAddr;
use std::time::Instant;

use super::rewrite::LATE;

/// Places that a phone has left which are remembered. A call may fork before it is answered.
const LEFT: usize = 4;

/// The address of one of a phone's two streams, RTP or RTCP.
///
/// Until the phone was heard it may turn out to send from another port than it told. The first
/// packet decides; from then on every other address is a stranger's, until the phone tells anew.
/// What is still under way from where it was before decides nothing: behind one relay, all that
/// changes is the port.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source {
    told: SocketAddr,
    remote: SocketAddr,
    is_settled: bool,
    /// Where packets went before, and until when; the newest first.
    left: [Option<(SocketAddr, Instant)>; LEFT],
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
            left: [None; LEFT],
        }
    }

    /// The phone has told an address again, perhaps the same. If it is, what was found out is
    /// where packets go until more is known.
    pub(super) fn renew(&mut self, told: SocketAddr, now: Instant) {
        self.is_settled = false;
        if told != self.told {
            let [first, second, third, _] = self.left;
            self.left = [Some((self.remote, now)), first, second, third];
            self.told = told;
            self.remote = told;
        }
    }

    /// Where packets go.
    pub(super) fn remote(&self) -> SocketAddr {
        self.remote
    }

    /// Who sends from an address.
    pub(super) fn sender(&self, from: SocketAddr, may_learn: bool, now: Instant) -> Sender {
        let may_be_phone = || may_learn && !self.is_settled && from.ip() == self.told.ip();
        if from == self.remote || !self.is_settled && from == self.told {
            Sender::Phone
        } else if may_be_phone() && !self.has_just_left(from, now) {
            Sender::Unknown
        } else {
            Sender::Stranger
        }
    }

    fn has_just_left(&self, place: SocketAddr, now: Instant) -> bool {
        let mut left = self.left.iter().flatten();
        left.any(|(was, until)| *was == place && now.saturating_duration_since(*until) < LATE)
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

    #[allow(clippy::disallowed_methods)] // an origin for virtual time
    fn origin() -> Instant {
        Instant::now()
    }

    fn at(host: u8, port: u16) -> SocketAddr {
        ([192, 0, 2, host], port).into()
    }

    #[test]
    fn only_the_told_address_is_the_phones() {
        let now = origin();
        let mut source = Source::new(at(1, 4000));
        for _ in 0..2 {
            assert_eq!(source.sender(at(1, 4000), false, now), Sender::Phone);
            assert_eq!(source.sender(at(1, 4002), false, now), Sender::Stranger);
            assert_eq!(source.sender(at(2, 4000), false, now), Sender::Stranger);
            assert!(!source.settle(at(1, 4000)));
        }
    }

    #[test]
    fn another_port_is_learned_once_and_before_the_told_one_was_heard() {
        let now = origin();
        let mut source = Source::new(at(1, 4000));
        assert_eq!(source.sender(at(1, 4002), true, now), Sender::Unknown);
        assert_eq!(source.sender(at(2, 4000), true, now), Sender::Stranger);
        assert!(source.settle(at(1, 4002)));
        assert_eq!(source.remote(), at(1, 4002));
        assert_eq!(source.sender(at(1, 4002), true, now), Sender::Phone);
        for port in [4000, 4004] {
            assert_eq!(source.sender(at(1, port), true, now), Sender::Stranger);
        }
        let mut told = Source::new(at(1, 4000));
        told.settle(at(1, 4000));
        assert_eq!(told.sender(at(1, 4002), true, now), Sender::Stranger);
    }

    #[test]
    fn a_new_description_lets_learn_again() {
        let now = origin();
        let mut source = Source::new(at(1, 4000));
        source.settle(at(1, 4002));
        source.renew(at(1, 4000), now);
        assert_eq!(source.remote(), at(1, 4002), "until more is known");
        assert_eq!(source.sender(at(1, 4000), true, now), Sender::Phone);
        assert_eq!(source.sender(at(1, 4004), true, now), Sender::Unknown);
        assert!(source.settle(at(1, 4000)));
        source.renew(at(3, 5000), now);
        assert_eq!(source.remote(), at(3, 5000));
        assert_eq!(source.sender(at(1, 4000), true, now), Sender::Stranger);
    }

    #[test]
    fn a_place_that_was_left_is_not_learned_until_nothing_is_under_way() {
        let now = origin();
        let mut source = Source::new(at(1, 4000));
        for port in [5000, 6000, 7000, 8000] {
            source.renew(at(1, port), now);
        }
        for port in [4000, 5000, 6000, 7000] {
            assert_eq!(source.sender(at(1, port), true, now), Sender::Stranger);
            assert_eq!(
                source.sender(at(1, port), true, now + LATE),
                Sender::Unknown
            );
        }
        assert_eq!(source.sender(at(1, 4002), true, now), Sender::Unknown);
        source.renew(at(1, 4000), now);
        assert_eq!(source.sender(at(1, 4000), true, now), Sender::Phone);
    }
}
