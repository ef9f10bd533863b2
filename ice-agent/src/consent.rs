//! Consent to send (RFC 7675): whether the peer still wants our packets on a pair.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use stun_codec::TransactionId;

use crate::config::Role;
use crate::random::Random;

/// Consent lasts this long after an answer (RFC 7675 §5.1).
const LIFETIME: Duration = Duration::from_secs(30);

/// Checks are 5 s apart, 0.8 to 1.2 times that at random (RFC 7675 §5.1).
const LEAST_GAP: Duration = Duration::from_secs(4);
const GAP_SPREAD: Duration = Duration::from_secs(2);

/// As many checks as may be unanswered before consent is gone.
const REMEMBERED: usize = 8;

/// A consent check on its way. It is sent once, never again (RFC 7675 §5.1).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sent {
    pub(crate) id: TransactionId,
    pub(crate) at: Instant,
    pub(crate) role: Role,
}

#[derive(Debug)]
pub(crate) struct Consent {
    heard: Instant,
    /// When the next check is due; `None` where we only listen.
    next: Option<Instant>,
    sent: VecDeque<Sent>,
}

impl Consent {
    /// The answer to a connectivity check is the first consent.
    pub(crate) fn granted(now: Instant, random: &mut Random) -> Self {
        Self {
            heard: now,
            next: Some(now + gap(random)),
            sent: VecDeque::with_capacity(REMEMBERED),
        }
    }

    /// A lite agent asks for none: the peer's checks are its consent.
    pub(crate) fn overheard(now: Instant) -> Self {
        Self {
            heard: now,
            next: None,
            sent: VecDeque::new(),
        }
    }

    pub(crate) fn renew(&mut self, now: Instant) {
        self.heard = self.heard.max(now);
    }

    /// The last answer.
    pub(crate) fn heard(&self) -> Instant {
        self.heard
    }

    pub(crate) fn is_live(&self, now: Instant) -> bool {
        now < self.expires()
    }

    pub(crate) fn expires(&self) -> Instant {
        self.heard + LIFETIME
    }

    pub(crate) fn silence(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.heard)
    }

    /// When something is to be done: a check, or the end.
    pub(crate) fn timeout(&self) -> Instant {
        let expires = self.expires();
        self.next.map_or(expires, |next| next.min(expires))
    }

    /// Starts a check if one is due.
    pub(crate) fn poll(
        &mut self,
        now: Instant,
        role: Role,
        random: &mut Random,
    ) -> Option<TransactionId> {
        if self.next.is_none_or(|next| now < next) {
            return None;
        }
        self.next = Some(now + gap(random));
        if self.sent.len() >= REMEMBERED {
            self.sent.pop_front();
        }
        let id = random.transaction_id();
        self.sent.push_back(Sent { id, at: now, role });
        Some(id)
    }

    /// The check with this id, if it waits for an answer.
    pub(crate) fn find(&self, id: TransactionId) -> Option<Sent> {
        self.sent.iter().find(|sent| sent.id == id).copied()
    }

    /// Takes the check with this id out: it was answered.
    pub(crate) fn take(&mut self, id: TransactionId) {
        self.sent.retain(|sent| sent.id != id);
    }
}

fn gap(random: &mut Random) -> Duration {
    random.duration(LEAST_GAP, GAP_SPREAD)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[allow(clippy::disallowed_methods)] // an origin for virtual time
    fn origin() -> Instant {
        Instant::now()
    }

    #[test]
    fn checks_are_four_to_six_seconds_apart_and_consent_ends_after_thirty() {
        let mut random = Random::new([1; 32]);
        let start = origin();
        let mut consent = Consent::granted(start, &mut random);
        let mut last = start;
        let mut gaps = Vec::new();
        while consent.is_live(consent.timeout()) {
            let now = consent.timeout();
            assert!(consent.poll(now, Role::Controlled, &mut random).is_some());
            assert!(consent.poll(now, Role::Controlled, &mut random).is_none());
            gaps.push(now - last);
            last = now;
        }
        assert!((5..=7).contains(&gaps.len()));
        assert!(
            gaps.iter()
                .all(|gap| (4000..6000).contains(&gap.as_millis()))
        );
        assert!(gaps.iter().any(|gap| *gap != gaps[0]));
        assert_eq!(consent.timeout(), start + Duration::from_secs(30));
    }
}
