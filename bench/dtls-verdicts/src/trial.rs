//! One handshake, from its beginning to a verdict.

use std::collections::VecDeque;

use crate::between::{Between, Plan};
use crate::judge::{Judge, State};
use crate::our_judge::Ours;

/// What became of a handshake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The judge has completed it.
    Accepted,
    /// The judge has ended it, for this reason.
    Refused(String),
    /// Neither: it waits for what nobody will send.
    Stuck,
}

impl Verdict {
    /// Whether the judge is connected.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        *self == Self::Accepted
    }
}

/// The peer repeats its flight so often before it is given up.
const REPEATS: usize = 4;

/// Holds a handshake between the judge and a peer that keeps to the protocol, whose records are disturbed
/// as planned. With each comes what it says first.
///
/// Where nothing goes on, the peer repeats its flight when its time has come. The judge has no time: what
/// it has said so far comes to the peer once more, as it does from a network that repeats datagrams.
#[must_use]
pub fn hold(
    (judge, judge_first): (&mut dyn Judge, Vec<Vec<u8>>),
    (peer, peer_first): (&mut Ours, Vec<Vec<u8>>),
    plan: &Plan,
) -> Verdict {
    let mut trial = Trial {
        judge,
        between: Between::new(plan),
        said: judge_first.clone(),
        to_peer: judge_first.into(),
    };
    let mut from_peer = peer_first;
    for _ in 0..=REPEATS {
        loop {
            trial.hear(&from_peer);
            from_peer.clear();
            let Some(datagram) = trial.to_peer.pop_front() else {
                break;
            };
            peer.take(&datagram, &mut from_peer);
        }
        match trial.judge.state() {
            State::Connected => return Verdict::Accepted,
            State::Failed(reason) => return Verdict::Refused(reason),
            State::Waiting => {}
        }
        trial.hear_late();
        peer.wait(&mut from_peer);
        trial.to_peer.extend(trial.said.iter().cloned());
    }
    Verdict::Stuck
}

struct Trial<'a> {
    judge: &'a mut dyn Judge,
    between: Between,
    /// All that the judge has sent.
    said: Vec<Vec<u8>>,
    to_peer: VecDeque<Vec<u8>>,
}

impl Trial<'_> {
    /// What the peer says comes to the judge, as it passes.
    fn hear(&mut self, datagrams: &[Vec<u8>]) {
        for datagram in datagrams {
            for datagram in self.between.pass(datagram) {
                self.deliver(&datagram);
            }
        }
    }

    /// What was held back comes late, but it comes.
    fn hear_late(&mut self) {
        for datagram in self.between.release(u8::MAX) {
            self.deliver(&datagram);
        }
    }

    fn deliver(&mut self, datagram: &[u8]) {
        // There are no empty datagrams of DTLS, and to OpenSSL one is the end.
        if datagram.is_empty() {
            return;
        }
        let mut answers = Vec::new();
        self.judge.take(datagram, &mut answers);
        self.said.extend(answers.iter().cloned());
        self.to_peer.extend(answers);
    }
}
