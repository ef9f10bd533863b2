//! Users that the program looks up in a store of its own. Their requests wait meanwhile: bounded in
//! number and time, and only where the sender has shown that it is where it says it is.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use stun_codec::credentials::Claim;
use stun_codec::{Message, Path};

use super::credentials::{Secret, Verdict, judge_with};
use super::event::{Event, Lookup, LookupId};
use super::relay::Relay;
use super::relayed::Relayed;

/// Most requests that wait.
const MAX_HELD: usize = 1024;

/// The longest request that waits, in bytes: far more than any client sends.
const MAX_REQUEST: usize = 2048;

/// How long a request waits. Its client sends it again meanwhile, and gives up after 39.5 s.
const PATIENCE: Duration = Duration::from_secs(5);

/// Requests that wait for the store.
#[derive(Debug, Default)]
pub(super) struct Lookups {
    held: BTreeMap<LookupId, Held>,
    asked: u64,
}

#[derive(Debug)]
struct Held {
    path: Path,
    user: Arc<str>,
    request: Box<[u8]>,
    until: Instant,
}

impl Relay {
    /// Holds a request until the store has been asked.
    pub(super) fn look_up(
        &mut self,
        now: Instant,
        path: &Path,
        bytes: &[u8],
        user: &str,
        claim: &Claim<'_>,
    ) -> Relayed {
        let from_here = |held: &&Held| held.path == *path;
        if let Some(held) = self.lookups.held.values().find(from_here) {
            // Most likely it is the same request once more.
            return match *held.user == *user {
                true => Relayed::Consumed,
                false => self.dropped(|stats| &mut stats.lookup_overflow),
            };
        }
        if self.lookups.held.len() >= MAX_HELD || bytes.len() > MAX_REQUEST {
            return self.dropped(|stats| &mut stats.lookup_overflow);
        }
        self.lookups.asked += 1;
        self.desk.stats.lookups += 1;
        let id = LookupId(self.lookups.asked);
        let user: Arc<str> = user.into();
        let until = now + PATIENCE;
        self.lookups.held.insert(
            id,
            Held {
                path: *path,
                user: user.clone(),
                request: bytes.into(),
                until,
            },
        );
        self.timers.push(until, super::timers::Due::Lookup(id));
        self.desk.tell(Event::Lookup(Lookup {
            id,
            user,
            realm: self.directory.realm.clone(),
            derivation: claim.derivation(),
        }));
        Relayed::Consumed
    }

    /// What the store says of a user: what proves him, or that there is no such user. Late answers are
    /// of no use, and do no harm.
    pub fn handle_credentials(&mut self, now: Instant, id: LookupId, secret: Option<Secret>) {
        let Some(held) = self.lookups.held.remove(&id) else {
            return;
        };
        let Ok(message) = Message::parse(&held.request) else {
            return;
        };
        let from = held.path.remote;
        let claim = match self.server.claim(&message, from, now) {
            Ok(claim) if claim.is_fresh() => claim,
            Ok(_) => {
                let stale = self.server.stale(from, now);
                let _ = self.desk.challenge(now, &held.path, &message, &stale);
                return;
            }
            Err(_) => return,
        };
        let realm = self.directory.realm.clone();
        let _ = match judge_with(&claim, &held.user, &realm, secret.as_ref()) {
            Verdict::Proved(proved) => {
                let (proved, identity) = *proved;
                self.proved(now, &held.path, &claim, proved, identity)
            }
            Verdict::Wrong(cause) => self.wrong_login(now, &held.path, &message, &claim, cause),
            Verdict::Unknown(_) => Relayed::Dropped,
        };
    }

    /// The store has not answered.
    pub(super) fn give_up_lookup(&mut self, now: Instant, id: LookupId) {
        let is_over = |held: &Held| now >= held.until;
        if self.lookups.held.get(&id).is_some_and(is_over) {
            self.lookups.held.remove(&id);
        }
    }
}
