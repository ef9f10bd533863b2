//! The events of one call, told to everybody who follows it.

use tokio::sync::mpsc;

use super::CallEvent;

/// Followers of one call at most: the page, and a few that come back after a broken connection.
const FOLLOWERS: usize = 8;

/// More than a call has events that are kept. Of those that repeat (hold and its end) only the
/// latest is kept.
const EVENTS: usize = 16;

/// The events so far, and who hears the next.
#[derive(Debug, Default)]
pub(super) struct EventLog {
    past: Vec<CallEvent>,
    followers: Vec<mpsc::Sender<CallEvent>>,
}

impl EventLog {
    /// Tells an event, if it is news. After the final one nobody is told anything, and the
    /// channels close. A follower that does not read is left; it may come back.
    pub(super) fn push(&mut self, event: CallEvent) {
        if self.is_over() || self.past.len() >= EVENTS || self.past.last() == Some(&event) {
            return;
        }
        self.followers
            .retain(|follower| follower.try_send(event.clone()).is_ok());
        if event.is_final() {
            self.followers.clear();
        }
        if event.is_hold() && self.past.last().is_some_and(CallEvent::is_hold) {
            self.past.pop();
        }
        self.past.push(event);
    }

    /// A channel with all events so far that goes on with the next. The oldest follower makes
    /// room when there are too many.
    pub(super) fn follow(&mut self) -> mpsc::Receiver<CallEvent> {
        let (sender, receiver) = mpsc::channel(EVENTS + 1);
        for event in &self.past {
            // There is room for every event that a log can hold.
            let _ = sender.try_send(event.clone());
        }
        if !self.is_over() {
            self.followers.retain(|follower| !follower.is_closed());
            if self.followers.len() >= FOLLOWERS {
                self.followers.remove(0);
            }
            self.followers.push(sender);
        }
        receiver
    }

    fn is_over(&self) -> bool {
        self.past.last().is_some_and(CallEvent::is_final)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calls::EndedBy;

    fn ended() -> CallEvent {
        CallEvent::Ended {
            by: EndedBy::Phone,
            reason: "the phone hung up".into(),
        }
    }

    fn drain(receiver: &mut mpsc::Receiver<CallEvent>) -> Vec<CallEvent> {
        std::iter::from_fn(|| receiver.try_recv().ok()).collect()
    }

    #[test]
    fn a_late_follower_hears_everything_once() {
        let mut log = EventLog::default();
        log.push(CallEvent::Trying);
        let mut early = log.follow();
        log.push(CallEvent::Ringing);
        log.push(CallEvent::Ringing);
        log.push(ended());
        log.push(CallEvent::Ringing);
        let all = vec![CallEvent::Trying, CallEvent::Ringing, ended()];
        assert_eq!(drain(&mut early), all);
        assert_eq!(drain(&mut log.follow()), all);
        assert!(early.is_closed() && log.followers.is_empty());
    }

    #[test]
    fn a_restless_phone_does_not_fill_the_log() {
        let mut log = EventLog::default();
        log.push(CallEvent::Trying);
        let mut reader = log.follow();
        let mut sleeper = log.follow();
        for _ in 0..100 {
            log.push(CallEvent::Held);
            log.push(CallEvent::Resumed);
            let heard = drain(&mut reader);
            assert!(heard.ends_with(&[CallEvent::Held, CallEvent::Resumed]));
        }
        log.push(ended());
        assert_eq!(drain(&mut reader), [ended()]);
        assert!(drain(&mut sleeper).len() <= EVENTS + 1);
        let all = vec![CallEvent::Trying, CallEvent::Resumed, ended()];
        assert_eq!(drain(&mut log.follow()), all);
    }

    #[test]
    fn followers_are_bounded_and_the_oldest_leaves() {
        let mut log = EventLog::default();
        let mut all: Vec<_> = (0..=FOLLOWERS).map(|_| log.follow()).collect();
        log.push(CallEvent::Trying);
        assert_eq!(drain(&mut all[0]), []);
        assert!(
            all[1..]
                .iter_mut()
                .all(|receiver| drain(receiver) == [CallEvent::Trying])
        );
    }
}
