//! What waits to be written to one client's connection.
//!
//! A stream that is slower than the media in it would fall behind more and more. So as little as can be
//! waits where it cannot be taken back: the kernel is told to keep few bytes that are not sent yet, and
//! what it does not take waits here. Media that has waited too long is dropped, the oldest first; answers
//! wait, up to a limit.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::{BufMut, BytesMut};

/// How long media is worth sending.
const STALE: Duration = Duration::from_millis(250);

/// Most bytes that wait while the stream takes none, and most that go at once.
const LIMIT: usize = 64 * 1024;

/// Bytes that an empty queue keeps for the next ones.
const KEPT: usize = 2048;

/// What kind of frame it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Of a peer: of no use when it is late.
    Media,
    /// An answer.
    Control,
}

#[derive(Debug)]
struct Waiting {
    since: Instant,
    kind: Kind,
    frame: Box<[u8]>,
}

/// Frames of one connection.
#[derive(Debug, Default)]
pub(super) struct Queue {
    /// What goes next, in its order. Frames that are begun here are written to their end.
    ready: BytesMut,
    /// The stream did not take all of it.
    is_blocked: bool,
    waiting: VecDeque<Waiting>,
    held: usize,
    /// Frames of media that became stale.
    pub(super) stale: u64,
}

/// More answers wait than a client that reads leaves waiting.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Overflow;

impl Queue {
    /// Adds a frame; in the stream it is padded to a multiple of four bytes (RFC 8656 §12.5), which STUN
    /// messages are anyway.
    pub(super) fn push(&mut self, now: Instant, kind: Kind, frame: &[u8]) -> Result<(), Overflow> {
        if !self.is_blocked && self.ready.len() < LIMIT {
            append(&mut self.ready, frame);
            return Ok(());
        }
        self.drop_stale(now);
        while self.held + frame.len() > LIMIT {
            let oldest = self.waiting.iter().position(|old| old.kind == Kind::Media);
            match oldest.and_then(|at| self.waiting.remove(at)) {
                Some(dropped) => self.forget(&dropped),
                None if kind == Kind::Media => {
                    self.stale += 1;
                    return Ok(());
                }
                None => return Err(Overflow),
            }
        }
        self.held += frame.len();
        self.waiting.push_back(Waiting {
            since: now,
            kind,
            frame: frame.into(),
        });
        Ok(())
    }

    fn forget(&mut self, dropped: &Waiting) {
        self.held -= dropped.frame.len();
        self.stale += 1;
    }

    fn drop_stale(&mut self, now: Instant) {
        let (held, stale) = (&mut self.held, &mut self.stale);
        self.waiting.retain(|waiting| {
            let late = now.saturating_duration_since(waiting.since) > STALE;
            let keep = waiting.kind == Kind::Control || !late;
            if !keep {
                *held -= waiting.frame.len();
                *stale += 1;
            }
            keep
        });
    }

    /// What is to be written next; empty if there is nothing.
    pub(super) fn ready(&mut self, now: Instant) -> &[u8] {
        if self.ready.is_empty() && !self.waiting.is_empty() {
            self.drop_stale(now);
            for waiting in self.waiting.drain(..) {
                append(&mut self.ready, &waiting.frame);
            }
            self.waiting = VecDeque::new();
            self.held = 0;
        }
        &self.ready
    }

    /// `count` bytes of [`ready`](Self::ready) were written.
    pub(super) fn written(&mut self, count: usize) {
        if count < self.ready.len() {
            let _ = self.ready.split_to(count);
            return;
        }
        self.is_blocked = false;
        match self.ready.capacity() > KEPT {
            true => self.ready = BytesMut::new(),
            false => self.ready.clear(),
        }
    }

    /// The stream takes no more for now: what comes from here on waits.
    pub(super) fn block(&mut self) {
        self.is_blocked = true;
    }

    /// The stream takes more.
    pub(super) fn unblock(&mut self) {
        self.is_blocked = false;
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.ready.is_empty() && self.waiting.is_empty()
    }
}

fn append(out: &mut BytesMut, frame: &[u8]) {
    out.extend_from_slice(frame);
    out.put_bytes(0, frame.len().next_multiple_of(4) - frame.len());
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEDIA: [u8; 1000] = [1; 1000];

    fn blocked(now: Instant) -> Queue {
        let mut queue = Queue::default();
        queue.push(now, Kind::Media, &[9; 5]).unwrap();
        assert_eq!(queue.ready(now), [9, 9, 9, 9, 9, 0, 0, 0]);
        queue.written(3);
        queue.block();
        queue
    }

    /// Time is told in these tests.
    #[allow(clippy::disallowed_methods)]
    fn begin() -> Instant {
        Instant::now()
    }

    #[test]
    fn a_frame_that_was_begun_is_finished_first() {
        let now = begin();
        let mut queue = blocked(now);
        queue.push(now, Kind::Control, &[7; 4]).unwrap();
        assert_eq!(queue.ready(now), [9, 9, 0, 0, 0]);
        queue.written(5);
        assert_eq!(queue.ready(now), [7; 4]);
        queue.written(4);
        assert!(queue.is_empty());
    }

    #[test]
    fn stale_media_goes_and_answers_stay() {
        let now = begin();
        let mut queue = blocked(now);
        queue.push(now, Kind::Media, &MEDIA).unwrap();
        queue.push(now, Kind::Control, &[7; 4]).unwrap();
        queue.written(5);
        let later = now + STALE + Duration::from_millis(1);
        assert_eq!(queue.ready(later), [7; 4]);
        assert_eq!(queue.stale, 1);
    }

    #[test]
    fn what_waits_is_bounded() {
        let now = begin();
        let mut queue = blocked(now);
        for _ in 0..1000 {
            queue.push(now, Kind::Media, &MEDIA).unwrap();
            assert!(queue.held <= LIMIT);
        }
        assert!(queue.stale > 900);
        let mut answers = 0;
        while queue.push(now, Kind::Control, &MEDIA).is_ok() {
            answers += 1;
        }
        assert_eq!(answers, LIMIT / MEDIA.len());
        // Media has no room then, and is no reason to end the connection.
        queue.push(now, Kind::Media, &MEDIA).unwrap();
    }
}
