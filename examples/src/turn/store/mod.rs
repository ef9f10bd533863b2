//! Credentials out of a database in coturn's schema.
//!
//! | database | a user's key | secrets |
//! | --- | --- | --- |
//! | PostgreSQL | `turnusers_lt (realm, name, hmackey)` | `turn_secret (realm, value)` |
//! | Redis | string `turn/realm/REALM/user/NAME/key` | set `turn/realm/REALM/secret` |
//!
//! A key is the MD5 of `name:realm:password` in hexadecimal digits. [`Store::start`] starts a task
//! that holds one connection, asks one question at a time, for all who wait at once, and connects
//! again with growing pauses after a fault. What comes out of it are [`Order`]s.
//!
//! - What was read counts for [`interval`](super::config::Store::interval). No absence is kept: a
//!   new user may come at once.
//! - The users of live allocations are read again in each interval. Whose key is gone or another is
//!   revoked, within the interval and the time of one answer, two timeouts at most.
//! - While the database does not answer, nobody is revoked, those whose key was read within
//!   the interval may still come, and all others are left unanswered: they ask again by themselves.
//!   It is counted, and is no refused login.
//!
//! | file | what it is | knows sockets and clocks |
//! | --- | --- | --- |
//! | `book` | who waits, who is known, who is live | no |
//! | `task` | connection, questions, pauses | yes |
//! | `client`, `redis`, `postgres` | questions in the words of each database | yes |

mod book;
mod client;
mod health;
mod postgres;
mod redis;
mod task;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use zeroize::Zeroizing;

use super::config;
use crate::config::Secret;

pub use health::{Health, Snapshot};

/// Questions that wait for the task; more are refused at once.
const QUESTIONS: usize = 8192;

/// The MD5 of `name:realm:password`.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(Zeroizing<[u8; 16]>);

impl Key {
    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Reads hexadecimal digits, which PostgreSQL pads with spaces.
    fn parse(text: &str) -> Option<Self> {
        config::key(text.trim_end()).ok().map(Self)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

/// What is to be done with what the database says. `A` is who asked.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Order<A> {
    /// The user's key, or that there is no such user.
    Answer {
        /// Who asked.
        asker: A,
        /// The key.
        key: Option<Key>,
    },
    /// The user's allocations are to end.
    Revoke(Arc<str>),
    /// These are the secrets of time-limited credentials from now on.
    Secrets(Vec<Secret>),
}

/// What the task is told.
#[derive(Debug)]
enum Question<A> {
    Key { asker: A, user: Arc<str> },
    Allocated(Arc<str>),
    Ended(Arc<str>),
}

/// A running store. The task ends when all clones are gone.
#[derive(Debug)]
pub struct Store<A> {
    questions: mpsc::Sender<Question<A>>,
    health: Arc<Health>,
}

impl<A> Clone for Store<A> {
    fn clone(&self) -> Self {
        Self {
            questions: self.questions.clone(),
            health: self.health.clone(),
        }
    }
}

impl<A: fmt::Debug + Send + 'static> Store<A> {
    /// Starts the task, in the current runtime of tokio. `order` is called from it, and must not
    /// wait.
    pub fn start(
        config: &config::Store,
        realm: &str,
        order: impl FnMut(Order<A>) + Send + 'static,
    ) -> Self {
        let (questions, asked) = mpsc::channel(QUESTIONS);
        let health = Arc::new(Health::new(config.source.name()));
        let task = task::Task::new(config.clone(), realm.into(), asked, order, health.clone());
        tokio::spawn(task.run());
        Self { questions, health }
    }

    /// Asks for a user's key. Without an [`Order::Answer`] the database could not be asked.
    pub fn lookup(&self, asker: A, user: Arc<str>) {
        self.tell(Question::Key { asker, user });
    }

    /// A user has one allocation more.
    pub fn allocated(&self, user: Arc<str>) {
        self.tell(Question::Allocated(user));
    }

    /// A user has one allocation less.
    pub fn ended(&self, user: Arc<str>) {
        self.tell(Question::Ended(user));
    }

    /// How it is.
    #[must_use]
    pub fn health(&self) -> &Arc<Health> {
        &self.health
    }

    fn tell(&self, question: Question<A>) {
        if self.questions.try_send(question).is_err() {
            self.health.unanswered(1);
        }
    }
}

/// The first pause before connecting again, and the longest; each is twice the one before.
const PAUSES: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(15));
