//! The task that holds the connection.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::time::{sleep_until, timeout};

use super::book::Book;
use super::client::{Client, Fault};
use super::health::Health;
use super::{Order, PAUSES, Question};
use crate::config::Secret;
use crate::turn::config;

/// Secrets that count at once.
const SECRETS: usize = 2;

pub(super) struct Task<A, F> {
    config: config::Store,
    realm: String,
    asked: mpsc::Receiver<Question<A>>,
    order: F,
    health: Arc<Health>,
    book: Book<A>,
    /// Those that were told last.
    secrets: Option<Vec<Secret>>,
    next_check: Instant,
    pause: Duration,
}

/// Everybody who might ask is gone.
struct Over;

impl<A, F: FnMut(Order<A>)> Task<A, F> {
    pub(super) fn new(
        config: config::Store,
        realm: String,
        asked: mpsc::Receiver<Question<A>>,
        order: F,
        health: Arc<Health>,
    ) -> Self {
        Self {
            book: Book::new(config.interval),
            config,
            realm,
            asked,
            order,
            health,
            secrets: None,
            next_check: now(),
            pause: PAUSES.0,
        }
    }

    /// Connects, serves, and after a fault once more, until nobody is left.
    pub(super) async fn run(mut self) {
        loop {
            let connecting = Client::connect(&self.config.source);
            let fault = match within(self.config.timeout, connecting).await {
                Ok(mut client) => match self.serve(&mut client).await {
                    Ok(Over) => return,
                    Err(fault) => fault,
                },
                Err(fault) => fault,
            };
            self.health.fault();
            let unanswered = self.book.failed();
            self.health.unanswered(unanswered);
            let name = self.config.source.name();
            let pause = self.pause.as_millis();
            tracing::warn!(store = name, %fault, pause_ms = pause, "the store does not answer");
            if let Some(Over) = self.wait(now() + self.pause).await {
                return;
            }
            self.pause = (self.pause * 2).min(PAUSES.1);
        }
    }

    async fn serve(&mut self, client: &mut Client) -> Result<Over, Fault> {
        // Whoever was live before is looked after at once.
        self.next_check = now();
        loop {
            if let Some(Over) = self.wait_for_work().await {
                return Ok(Over);
            }
            if self.next_check <= now() {
                self.next_check = now() + self.config.interval;
                self.book.check(now());
                self.read_secrets(client).await?;
            }
            loop {
                while let Ok(question) = self.asked.try_recv() {
                    self.take(question);
                }
                let batch = self.book.batch();
                if batch.is_empty() {
                    break;
                }
                let asking = client.keys(&self.realm, &batch);
                let keys = within(self.config.timeout, asking).await?;
                let (order, health) = (&mut self.order, &self.health);
                self.book.found(now(), &batch, keys, |told| {
                    if let Order::Revoke(user) = &told {
                        tracing::info!(?user, "the store has revoked a user");
                        health.revoked();
                    }
                    order(told);
                });
                self.answered();
            }
        }
    }

    /// Waits for a question or the next check.
    async fn wait_for_work(&mut self) -> Option<Over> {
        tokio::select! {
            asked = self.asked.recv() => match asked {
                Some(question) => self.take(question),
                None => return Some(Over),
            },
            () = sleep_until(self.next_check.into()) => {}
        }
        None
    }

    /// Leaves questions unanswered until the pause is over.
    async fn wait(&mut self, until: Instant) -> Option<Over> {
        loop {
            tokio::select! {
                asked = self.asked.recv() => {
                    let Some(question) = asked else {
                        return Some(Over);
                    };
                    self.take(question);
                    let unanswered = self.book.failed();
                    self.health.unanswered(unanswered);
                }
                () = sleep_until(until.into()) => return None,
            }
        }
    }

    fn take(&mut self, question: Question<A>) {
        match question {
            Question::Key { asker, user } => {
                if let Some(answer) = self.book.ask(now(), asker, user) {
                    (self.order)(answer);
                }
            }
            Question::Allocated(user) => self.book.allocated(&user),
            Question::Ended(user) => self.book.ended(&user),
        }
    }

    async fn read_secrets(&mut self, client: &mut Client) -> Result<(), Fault> {
        if !self.config.holds.secrets() {
            return Ok(());
        }
        let reading = client.secrets(&self.realm);
        let mut secrets = within(self.config.timeout, reading).await?;
        self.answered();
        // Sets have no order; which ones count must not change by itself.
        secrets.sort_by(|a, b| a.reveal().cmp(b.reveal()));
        let is_same = |told: &Vec<Secret>| {
            let pairs = told.iter().zip(&secrets);
            told.len() == secrets.len() && pairs.into_iter().all(|(a, b)| a.reveal() == b.reveal())
        };
        if self.secrets.as_ref().is_some_and(is_same) {
            return Ok(());
        }
        let count = secrets.len();
        if secrets.len() > SECRETS {
            let left_out = secrets.len() - SECRETS;
            tracing::warn!(left_out, "more secrets in the store than can count at once");
        }
        self.secrets = Some(secrets.clone());
        secrets.truncate(SECRETS);
        (self.order)(Order::Secrets(secrets));
        tracing::info!(count, "the store has other secrets");
        Ok(())
    }

    fn answered(&mut self) {
        self.pause = PAUSES.0;
        if self.health.answered(self.book.live()) {
            tracing::info!(store = self.config.source.name(), "the store answers");
        }
    }
}

async fn within<T, E: Into<Fault>>(
    time: Duration,
    asking: impl Future<Output = Result<T, E>>,
) -> Result<T, Fault> {
    match timeout(time, asking).await {
        Ok(answer) => answer.map_err(Into::into),
        Err(_) => Err(Fault::Timeout(time)),
    }
}

#[allow(clippy::disallowed_methods)] // the task drives the book
fn now() -> Instant {
    Instant::now()
}
