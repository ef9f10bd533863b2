//! The logins of the embedded TURN server: made for a caller, bound to its calls, ended with them.
//!
//! A grant is *free* from its making until its caller names it with an offer, and forgotten if that
//! does not happen in time. From then on it belongs to calls, and ends with the last of them. What was
//! forgotten or has ended is no login any more.
//!
//! Nobody who asks for grants again and again can take more than his share of memory, or another
//! caller's grants.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::calls::Owner;
use crate::config::Secret;

/// How long a grant waits for its call: as long as somebody may take to allow the microphone.
pub const PATIENCE: Duration = Duration::from_secs(600);

/// Free grants of one owner. Of more, the oldest are forgotten.
const FREE: usize = 1024;

/// Characters of a user name that logs have.
const SHOWN: usize = 8;

/// A login of one caller. Its name cannot be guessed either, for it binds the grant to a call.
#[derive(Clone)]
pub struct Grant {
    /// The user name.
    pub user: Arc<str>,
    /// The password.
    pub password: Secret,
}

impl Grant {
    fn random() -> Result<Self, getrandom::Error> {
        let hex = || -> Result<String, getrandom::Error> {
            Ok(format!(
                "{:016x}{:016x}",
                getrandom::u64()?,
                getrandom::u64()?
            ))
        };
        Ok(Self {
            user: hex()?.into(),
            password: Secret::new(hex()?),
        })
    }
}

impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Grant({}…)", shown(&self.user))
    }
}

/// As much of a user name as logs have: enough to tell grants apart, too little to use them.
pub(super) fn shown(user: &str) -> &str {
    let named = |at: &usize| user.is_char_boundary(*at);
    let end = (0..=SHOWN.min(user.len())).rev().find(named);
    user.get(..end.unwrap_or(0)).unwrap_or_default()
}

#[derive(Debug)]
struct Entry {
    owner: Owner,
    password: Secret,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Free { until: Instant },
    Bound { calls: NonZeroUsize },
}

/// All grants there are.
#[derive(Debug, Default)]
pub struct Grants {
    entries: HashMap<Arc<str>, Entry>,
    /// The grants of each owner in the order of their making: those that are free, and some that were.
    made: HashMap<Owner, VecDeque<Arc<str>>>,
}

impl Grants {
    /// Makes a grant for a caller.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn issue(&mut self, now: Instant, owner: &Owner) -> Result<Grant, getrandom::Error> {
        let grant = Grant::random()?;
        self.make_room(now, owner);
        let until = now + PATIENCE;
        self.insert(&grant, owner, State::Free { until });
        let made = self.made.entry(owner.clone()).or_default();
        made.push_back(grant.user.clone());
        Ok(grant)
    }

    /// Binds a grant to one more call: the caller's own of this name, or a new one if it has none.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn bind(
        &mut self,
        now: Instant,
        owner: &Owner,
        user: Option<&str>,
    ) -> Result<Grant, getrandom::Error> {
        let known = user.and_then(|user| self.entries.get_key_value(user));
        let own = known.filter(|(_, entry)| entry.owner == *owner && entry.is_valid(now));
        let grant = own.map(|(user, entry)| Grant {
            user: user.clone(),
            password: entry.password.clone(),
        });
        let grant = grant.map_or_else(Grant::random, Ok)?;
        let others = match self.entries.get(&grant.user).map(|entry| entry.state) {
            Some(State::Bound { calls }) => calls.get(),
            _ => 0,
        };
        let calls = NonZeroUsize::MIN.saturating_add(others);
        self.insert(&grant, owner, State::Bound { calls });
        Ok(grant)
    }

    /// One of the calls that a grant is bound to is over. Answers whether it was the last: then the
    /// grant has ended.
    #[must_use]
    pub fn release(&mut self, user: &str) -> bool {
        let Some(entry) = self.entries.get_mut(user) else {
            return false;
        };
        let State::Bound { calls } = entry.state else {
            return false;
        };
        match NonZeroUsize::new(calls.get() - 1) {
            Some(calls) => {
                entry.state = State::Bound { calls };
                false
            }
            None => self.entries.remove(user).is_some(),
        }
    }

    /// The password of a user, if that is a login.
    #[must_use]
    pub fn password(&self, now: Instant, user: &str) -> Option<Secret> {
        let entry = self.entries.get(user)?;
        entry.is_valid(now).then(|| entry.password.clone())
    }

    fn insert(&mut self, grant: &Grant, owner: &Owner, state: State) {
        let entry = Entry {
            owner: owner.clone(),
            password: grant.password.clone(),
            state,
        };
        self.entries.insert(grant.user.clone(), entry);
    }

    /// Forgets the owner's free grants that waited too long, and the oldest of too many.
    fn make_room(&mut self, now: Instant, owner: &Owner) {
        let Some(made) = self.made.get_mut(owner) else {
            return;
        };
        while let Some(oldest) = made.front() {
            match self.entries.get(oldest).map(|entry| entry.state) {
                Some(State::Free { until }) if now < until && made.len() < FREE => return,
                Some(State::Free { .. }) => drop(self.entries.remove(oldest)),
                Some(State::Bound { .. }) | None => {}
            }
            made.pop_front();
        }
    }
}

impl Entry {
    fn is_valid(&self, now: Instant) -> bool {
        match self.state {
            State::Free { until } => now < until,
            State::Bound { .. } => true,
        }
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)] // any moment will do
mod tests {
    use super::*;

    fn login(grants: &Grants, now: Instant, grant: &Grant) -> bool {
        let password = grants.password(now, &grant.user);
        password.is_some_and(|password| password.reveal() == grant.password.reveal())
    }

    #[test]
    fn a_grant_ends_with_the_last_of_its_calls() {
        let (mut grants, now) = (Grants::default(), Instant::now());
        let grant = grants.issue(now, &Owner::Anonymous).unwrap();
        assert!(login(&grants, now, &grant));
        for _ in 0..2 {
            let bound = grants.bind(now, &Owner::Anonymous, Some(&grant.user));
            assert_eq!(bound.unwrap().user, grant.user);
        }
        let late = now + 100 * PATIENCE;
        assert!(login(&grants, late, &grant), "calls may last");
        assert!(!grants.release(&grant.user));
        assert!(login(&grants, late, &grant));
        assert!(grants.release(&grant.user));
        assert!(!login(&grants, now, &grant));
        assert!(!grants.release(&grant.user));
        let again = grants.bind(now, &Owner::Anonymous, Some(&grant.user));
        assert_ne!(again.unwrap().user, grant.user, "it does not come back");
    }

    #[test]
    fn what_is_shown_of_a_grant_is_no_login() {
        let grant = Grants::default().issue(Instant::now(), &Owner::Anonymous);
        let grant = grant.unwrap();
        let debug = format!("{grant:?}");
        assert!(debug.contains(&grant.user[..SHOWN]) && debug.chars().count() == SHOWN + 8);
        assert_eq!((shown("ab"), shown("1234567ä9")), ("ab", "1234567"));
    }

    #[test]
    fn a_grant_that_no_call_names_is_forgotten() {
        let (mut grants, now) = (Grants::default(), Instant::now());
        let grant = grants.issue(now, &Owner::Anonymous).unwrap();
        assert!(!login(&grants, now + PATIENCE, &grant));
        let late = grants.bind(now + PATIENCE, &Owner::Anonymous, Some(&grant.user));
        assert_ne!(late.unwrap().user, grant.user);
        grants.issue(now + PATIENCE, &Owner::Anonymous).unwrap();
        assert!(!grants.entries.contains_key(&grant.user));
    }

    #[test]
    fn nobody_binds_the_grant_of_another() {
        let (mut grants, now) = (Grants::default(), Instant::now());
        let [alice, bob] = ["alice", "bob"].map(|name| Owner::Token(name.into()));
        let hers = grants.issue(now, &alice).unwrap();
        let his = grants.bind(now, &bob, Some(&hers.user)).unwrap();
        assert_ne!(his.user, hers.user);
        assert!(grants.release(&his.user));
        assert!(login(&grants, now, &hers));
    }

    #[test]
    fn who_asks_for_too_many_loses_his_own_oldest() {
        let (mut grants, now) = (Grants::default(), Instant::now());
        let [alice, bob] = ["alice", "bob"].map(|name| Owner::Token(name.into()));
        let hers = grants.issue(now, &alice).unwrap();
        let first = grants.issue(now, &bob).unwrap();
        let bound = grants.issue(now, &bob).unwrap();
        grants.bind(now, &bob, Some(&bound.user)).unwrap();
        for _ in 0..10 * FREE {
            grants.issue(now, &bob).unwrap();
        }
        assert!(!login(&grants, now, &first));
        assert!(login(&grants, now, &hers) && login(&grants, now, &bound));
        assert!(grants.entries.len() <= FREE + 2);
        assert!(grants.made[&bob].len() <= FREE);
    }
}
