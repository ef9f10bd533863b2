//! Credentials out of real databases in coturn's schema.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests"
)]
#![allow(clippy::disallowed_methods, reason = "databases live in real time")]

mod turn_databases;

use std::sync::Arc;
use std::time::{Duration, Instant};

use examples::turn::config::{Config, Settings};
use examples::turn::store::{Key, Order, Store};
use tokio::sync::mpsc;
use tokio::time::timeout;
use turn_databases::{Postgres, Redis};

const REALM: &str = "north.gov";
/// `gorst` with the password `hero`, and `ninefingers`, as coturn's own documentation has them.
const GORST: &str = "7da2270ccfa49786e0115366d3a3d14d";
const NINEFINGERS: &str = "bc807ee29df3c9ffa736523fb2c4e8ee";

/// The interval of these tests, and a timeout of one second.
const INTERVAL: Duration = Duration::from_secs(1);
/// What the documentation promises: the interval and two timeouts.
const REVOCATION: Duration = Duration::from_secs(3);

struct Rig {
    store: Store<u32>,
    orders: mpsc::UnboundedReceiver<Order<u32>>,
    asked: u32,
}

impl Rig {
    fn start(settings: &str) -> Self {
        let text = format!("realm = '{REALM}'\nstore-interval = 1\nstore-timeout = 1\n{settings}");
        let config = Config::from_text("turn.toml".as_ref(), &text, Settings::default()).unwrap();
        let (sender, orders) = mpsc::unbounded_channel();
        let store = config.credentials.store.unwrap();
        let store = Store::start(&store, REALM, move |order| {
            let _ = sender.send(order);
        });
        let asked = 0;
        Self {
            store,
            orders,
            asked,
        }
    }

    async fn next(&mut self, within: Duration) -> Option<Order<u32>> {
        timeout(within, self.orders.recv()).await.ok().flatten()
    }

    /// The key of a user, asked for until there is an answer.
    async fn key(&mut self, user: &str) -> Option<Key> {
        let begin = Instant::now();
        loop {
            self.asked += 1;
            self.store.lookup(self.asked, user.into());
            while let Some(order) = self.next(Duration::from_millis(300)).await {
                match order {
                    Order::Answer { asker, key } if asker == self.asked => return key,
                    Order::Answer { .. } | Order::Secrets(_) => {}
                    other => panic!("{other:?}"),
                }
            }
            assert!(begin.elapsed() < Duration::from_secs(30), "no answer");
        }
    }

    async fn secrets(&mut self) -> Vec<String> {
        match self.next(Duration::from_secs(10)).await {
            Some(Order::Secrets(secrets)) => secrets
                .iter()
                .map(|secret| secret.reveal().to_owned())
                .collect(),
            other => panic!("{other:?}"),
        }
    }

    async fn revoked(&mut self, within: Duration) -> Arc<str> {
        match self.next(within).await {
            Some(Order::Revoke(user)) => user,
            other => panic!("{other:?}"),
        }
    }
}

fn hex(key: &Key) -> String {
    key.bytes()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// What is the same with both databases.
async fn users_come_change_and_go(
    mut rig: Rig,
    set: impl Fn(&str, &str),
    remove: impl Fn(&str),
) -> Rig {
    assert_eq!(rig.key("gorst").await, None);
    set("gorst", GORST);
    set("ninefingers", NINEFINGERS);
    // A new user may come at once.
    assert_eq!(hex(&rig.key("gorst").await.unwrap()), GORST);
    assert_eq!(hex(&rig.key("ninefingers").await.unwrap()), NINEFINGERS);
    for name in ["", "x' OR '1'='1", "a\0b", "gorst/key", "ü\n", "%"] {
        assert_eq!(rig.key(name).await, None, "{name:?}");
    }
    for user in ["gorst", "ninefingers"] {
        rig.store.allocated(user.into());
    }
    assert!(
        rig.next(2 * INTERVAL).await.is_none(),
        "nothing has changed"
    );

    remove("gorst");
    assert_eq!(&*rig.revoked(REVOCATION).await, "gorst");
    assert_eq!(rig.key("gorst").await, None);
    set("ninefingers", GORST);
    assert_eq!(&*rig.revoked(REVOCATION).await, "ninefingers");
    assert_eq!(hex(&rig.key("ninefingers").await.unwrap()), GORST);
    let health = rig.store.health().snapshot();
    assert_eq!((health.is_up, health.revoked, health.faults), (true, 2, 0));
    rig
}

/// A live user stays while the database is down, and is looked after when it is back.
async fn down(rig: &mut Rig) {
    rig.store.allocated("ninefingers".into());
    rig.store.lookup(0, "nobody".into());
    let begin = Instant::now();
    while rig.store.health().snapshot().unanswered == 0 {
        assert!(begin.elapsed() < Duration::from_secs(10), "it is counted");
        rig.store.lookup(0, "nobody".into());
        while rig.next(Duration::from_millis(50)).await.is_some() {}
    }
    assert!(rig.next(2 * INTERVAL).await.is_none(), "nobody is revoked");
    assert!(!rig.store.health().snapshot().is_up);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_turn_redis_users() {
    let mut redis = Redis::start();
    let rig = Rig::start(&format!(
        "redis = '{}'\nstore-holds = 'users'",
        redis.userdb()
    ));
    let set = |user: &str, key: &str| redis.set_key(REALM, user, key);
    let remove = |user: &str| redis.remove_key(REALM, user);
    let mut rig = users_come_change_and_go(rig, set, remove).await;
    redis.stop();
    down(&mut rig).await;
    redis.restart();
    assert_eq!(hex(&rig.key("ninefingers").await.unwrap()), GORST);
    redis.remove_key(REALM, "ninefingers");
    assert_eq!(&*rig.revoked(REVOCATION).await, "ninefingers");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_turn_postgres_users() {
    let mut postgres = Postgres::start();
    let rig = Rig::start(&format!(
        "postgres = '{}'\nstore-holds = 'users'",
        postgres.userdb()
    ));
    let set = |user: &str, key: &str| postgres.set_key(REALM, user, key);
    let remove = |user: &str| postgres.remove_key(REALM, user);
    let mut rig = users_come_change_and_go(rig, set, remove).await;
    postgres.stop();
    down(&mut rig).await;
    postgres.restart();
    assert_eq!(hex(&rig.key("ninefingers").await.unwrap()), GORST);
    postgres.remove_key(REALM, "ninefingers");
    assert_eq!(&*rig.revoked(REVOCATION).await, "ninefingers");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_turn_secrets_change_without_a_restart() {
    let redis = Redis::start();
    let name = format!("turn/realm/{REALM}/secret");
    redis.run(&["SADD", &name, "logen"]);
    let mut rig = Rig::start(&format!("redis = '{}'", redis.userdb()));
    assert_eq!(rig.secrets().await, ["logen"]);
    redis.run(&["SADD", &name, "bloody9"]);
    assert_eq!(rig.secrets().await, ["bloody9", "logen"]);
    redis.run(&["SREM", &name, "logen"]);
    assert_eq!(rig.secrets().await, ["bloody9"]);

    let postgres = Postgres::start();
    postgres.run(&format!(
        "INSERT INTO turn_secret VALUES ('{REALM}', 'north'), ('other', 'x')"
    ));
    let mut rig = Rig::start(&format!("postgres = '{}'", postgres.userdb()));
    assert_eq!(rig.secrets().await, ["north"]);
    postgres.run(&format!(
        "UPDATE turn_secret SET value = 'south' WHERE realm = '{REALM}'"
    ));
    assert_eq!(rig.secrets().await, ["south"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_turn_a_database_may_come_late() {
    let mut redis = Redis::start();
    redis.set_key(REALM, "gorst", GORST);
    redis.stop();
    let mut rig = Rig::start(&format!("redis = '{}'", redis.userdb()));
    rig.store.lookup(1, "gorst".into());
    assert!(rig.next(Duration::from_secs(1)).await.is_none());
    redis.restart();
    assert_eq!(hex(&rig.key("gorst").await.unwrap()), GORST);
}

/// coturn's own program fills the databases.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_turn_what_turnadmin_writes_is_read() {
    let redis = Redis::start();
    let postgres = Postgres::start();
    for (flag, key, userdb) in [
        ("-N", "redis", redis.userdb()),
        ("-e", "postgres", postgres.userdb()),
    ] {
        let turnadmin = |arguments: &[&str]| {
            let mut command = std::process::Command::new("turnadmin");
            let run = command.args([flag, &userdb, "-r", REALM]).args(arguments);
            assert!(run.output().unwrap().status.success(), "{arguments:?}");
        };
        turnadmin(&["-a", "-u", "gorst", "-p", "hero"]);
        turnadmin(&["--set-secret=logen"]);
        let mut rig = Rig::start(&format!("{key} = '{userdb}'"));
        assert_eq!(rig.secrets().await, ["logen"]);
        assert_eq!(hex(&rig.key("gorst").await.unwrap()), GORST);
        rig.store.allocated("gorst".into());
        turnadmin(&["-d", "-u", "gorst"]);
        assert_eq!(&*rig.revoked(REVOCATION).await, "gorst");
    }
}
