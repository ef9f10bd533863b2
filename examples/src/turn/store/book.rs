//! Who waits for a key, whose key is known, and who has live allocations.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Key, Order};

/// Users in one question to the database.
const BATCH: usize = 512;

/// Users whose keys are kept although they have no allocation.
const KNOWN: usize = 65_536;

/// How long a key is kept at least, so that the allocation that it opens is seen.
const KEPT: Duration = Duration::from_secs(60);

#[derive(Debug)]
struct Entry {
    key: Key,
    read: Instant,
    /// Allocations.
    live: usize,
}

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Book<A> {
    /// How long a key counts.
    interval: Duration,
    known: HashMap<Arc<str>, Entry>,
    waiting: HashMap<Arc<str>, Vec<A>>,
    /// The users of `waiting` in their order.
    first: VecDeque<Arc<str>>,
    /// Live users who are to be read again.
    again: VecDeque<Arc<str>>,
}

impl<A> Book<A> {
    pub(super) fn new(interval: Duration) -> Self {
        Self {
            interval,
            known: HashMap::new(),
            waiting: HashMap::new(),
            first: VecDeque::new(),
            again: VecDeque::new(),
        }
    }

    /// Somebody asks for a key. The answer, if it is known.
    pub(super) fn ask(&mut self, now: Instant, asker: A, user: Arc<str>) -> Option<Order<A>> {
        let known = self.known.get(&user);
        let fresh = known.filter(|entry| now < entry.read + self.interval);
        // No database holds such a name, and PostgreSQL takes the question for a fault.
        if fresh.is_some() || user.contains('\0') {
            let key = fresh.map(|entry| entry.key.clone());
            return Some(Order::Answer { asker, key });
        }
        let waiting = self.waiting.entry(user.clone()).or_default();
        if waiting.is_empty() {
            self.first.push_back(user);
        }
        waiting.push(asker);
        None
    }

    /// A user has one allocation more. Those who are not known are of no database.
    pub(super) fn allocated(&mut self, user: &str) {
        if let Some(entry) = self.known.get_mut(user) {
            entry.live += 1;
        }
    }

    /// A user has one allocation less.
    pub(super) fn ended(&mut self, user: &str) {
        if let Some(entry) = self.known.get_mut(user) {
            entry.live = entry.live.saturating_sub(1);
        }
    }

    /// The interval is over: live users are to be read again, and others are forgotten.
    pub(super) fn check(&mut self, now: Instant) {
        self.known
            .retain(|_, entry| entry.live > 0 || now < entry.read + KEPT);
        let live = self.known.iter().filter(|(_, entry)| entry.live > 0);
        self.again = live.map(|(user, _)| user.clone()).collect();
    }

    /// Whom to ask for next: first those whom somebody waits for. Empty where nothing is to be done.
    pub(super) fn batch(&mut self) -> Vec<Arc<str>> {
        let first = self.first.len().min(BATCH);
        let mut batch: Vec<_> = self.first.drain(..first).collect();
        let again = self.again.len().min(BATCH - first);
        batch.extend(self.again.drain(..again));
        batch
    }

    /// What was read, one for each of the batch.
    pub(super) fn found(
        &mut self,
        now: Instant,
        batch: &[Arc<str>],
        keys: Vec<Option<Key>>,
        mut order: impl FnMut(Order<A>),
    ) {
        for (user, key) in batch.iter().zip(keys) {
            self.note(now, user, key.as_ref(), &mut order);
            for asker in self.waiting.remove(user).unwrap_or_default() {
                let key = key.clone();
                order(Order::Answer { asker, key });
            }
        }
    }

    /// Nothing could be read. Who waited asks again by himself; how many these were.
    pub(super) fn failed(&mut self) -> usize {
        self.first.clear();
        self.again.clear();
        self.waiting.drain().map(|(_, askers)| askers.len()).sum()
    }

    /// Users with allocations.
    pub(super) fn live(&self) -> usize {
        self.known.values().filter(|entry| entry.live > 0).count()
    }

    fn note(
        &mut self,
        now: Instant,
        user: &Arc<str>,
        key: Option<&Key>,
        order: &mut impl FnMut(Order<A>),
    ) {
        let is_same = |entry: &Entry| Some(&entry.key) == key;
        if self.known.get(user).is_some_and(|entry| !is_same(entry)) {
            self.known.remove(user);
            order(Order::Revoke(user.clone()));
        }
        let Some(key) = key else {
            return;
        };
        if let Some(entry) = self.known.get_mut(user) {
            entry.read = now;
        } else if self.known.len() < KNOWN + self.live_bound() {
            let entry = Entry {
                key: key.clone(),
                read: now,
                live: 0,
            };
            self.known.insert(user.clone(), entry);
        }
    }

    /// Live users are bounded by the quota, and do not take the room of others.
    fn live_bound(&self) -> usize {
        match self.known.len() < KNOWN {
            true => 0,
            false => self.live(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn key(text: &str) -> Option<Key> {
        Key::parse(&format!("{text:0>32}"))
    }

    struct Rig {
        now: Instant,
        book: Book<u32>,
    }

    impl Rig {
        #[allow(clippy::disallowed_methods)] // any instant will do as the beginning
        fn new() -> Self {
            Self {
                now: Instant::now(),
                book: Book::new(5 * SECOND),
            }
        }

        fn ask(&mut self, asker: u32, user: &str) -> Option<Option<Key>> {
            match self.book.ask(self.now, asker, user.into())? {
                Order::Answer { key, .. } => Some(key),
                other => panic!("{other:?}"),
            }
        }

        /// Answers what is asked, and tells the orders as text.
        fn answer(&mut self, find: impl Fn(&str) -> Option<Key>) -> Vec<String> {
            let batch = self.book.batch();
            let keys = batch.iter().map(|user| find(user)).collect();
            let mut orders = Vec::new();
            self.book.found(self.now, &batch, keys, |order| {
                orders.push(match order {
                    Order::Answer { asker, key } => format!("{asker} {}", key.is_some()),
                    Order::Revoke(user) => format!("revoke {user}"),
                    Order::Secrets(_) => "secrets".into(),
                });
            });
            orders
        }

        fn check(&mut self) {
            self.now += 5 * SECOND;
            self.book.check(self.now);
        }
    }

    #[test]
    fn one_question_answers_all_who_wait_and_counts_for_the_interval() {
        let mut rig = Rig::new();
        assert_eq!(rig.ask(1, "alice"), None);
        assert_eq!(rig.ask(2, "alice"), None);
        assert_eq!(rig.ask(3, "bob"), None);
        let orders = rig.answer(|user| key("1").filter(|_| user == "alice"));
        assert_eq!(orders, ["1 true", "2 true", "3 false"]);
        assert!(rig.book.batch().is_empty());
        assert_eq!(rig.ask(4, "alice"), Some(key("1")));
        // Who was not there a moment ago may be there now.
        assert_eq!(rig.ask(5, "bob"), None);
        rig.now += 5 * SECOND;
        assert_eq!(rig.ask(6, "alice"), None);
    }

    #[test]
    fn who_is_gone_or_has_another_key_is_revoked_while_he_is_live() {
        let mut rig = Rig::new();
        for (asker, user) in [(1, "alice"), (2, "bob"), (3, "carol")] {
            rig.ask(asker, user);
        }
        rig.answer(|_| key("1"));
        for user in ["alice", "bob", "carol", "static"] {
            rig.book.allocated(user);
        }
        rig.check();
        let mut orders = rig.answer(|user| match user {
            "alice" => None,
            "bob" => key("2"),
            "carol" => key("1"),
            other => panic!("{other} is of no database"),
        });
        orders.sort();
        assert_eq!(orders, ["revoke alice", "revoke bob"]);
        // Both are over: nobody asks for them again.
        rig.check();
        assert_eq!(rig.book.batch(), [Arc::from("carol")]);
        // With the new key bob may come again.
        rig.ask(4, "bob");
        assert_eq!(rig.answer(|_| key("2")), ["4 true"]);
    }

    #[test]
    fn who_has_no_allocation_is_forgotten() {
        let mut rig = Rig::new();
        rig.ask(1, "alice");
        rig.answer(|_| key("1"));
        rig.book.allocated("alice");
        rig.book.allocated("alice");
        rig.book.ended("alice");
        rig.check();
        assert_eq!(rig.book.batch().len(), 1);
        rig.book.ended("alice");
        rig.check();
        assert!(rig.book.batch().is_empty());
        rig.now += KEPT;
        rig.check();
        assert!(rig.book.known.is_empty());
    }

    #[test]
    fn questions_go_before_what_is_read_again_and_batches_are_bounded() {
        let mut rig = Rig::new();
        for number in 0..700 {
            rig.ask(number, &number.to_string());
        }
        assert_eq!(rig.answer(|_| key("1")).len(), BATCH);
        assert_eq!(rig.answer(|_| key("1")).len(), 700 - BATCH);
        for number in 0..700 {
            rig.book.allocated(&number.to_string());
        }
        rig.check();
        rig.ask(1, "late");
        assert_eq!(rig.book.batch().first().map(|user| &**user), Some("late"));
    }

    #[test]
    fn a_fault_revokes_nobody_and_leaves_questions_unanswered() {
        let mut rig = Rig::new();
        rig.ask(1, "alice");
        rig.answer(|_| key("1"));
        rig.book.allocated("alice");
        rig.check();
        rig.ask(2, "bob");
        assert_eq!(rig.book.failed(), 1);
        assert_eq!(rig.book.live(), 1);
        rig.check();
        assert_eq!(rig.answer(|_| None), ["revoke alice"]);
    }

    #[test]
    fn a_name_that_no_database_takes_is_nobodys() {
        let mut rig = Rig::new();
        assert_eq!(rig.ask(1, "a\0b"), Some(None));
        assert!(rig.book.batch().is_empty());
    }
}
