//! A connection to either database.

use std::sync::Arc;
use std::time::Duration;

use super::postgres::Postgres;
use super::redis::Redis;
use super::{Key, config};
use crate::config::Secret;

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error("{0}")]
    Redis(#[from] redis::RedisError),
    #[error("{}", tell(.0))]
    Postgres(#[from] tokio_postgres::Error),
    #[error("no answer within {} s", .0.as_secs())]
    Timeout(Duration),
}

/// The library's own words say only where it failed.
fn tell(error: &tokio_postgres::Error) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// A connection.
pub(super) enum Client {
    Redis(Redis),
    Postgres(Postgres),
}

impl Client {
    pub(super) async fn connect(source: &config::Source) -> Result<Self, Fault> {
        match source {
            config::Source::Redis(address) => Redis::connect(address).await.map(Self::Redis),
            config::Source::Postgres(config) => Postgres::connect(config).await.map(Self::Postgres),
        }
    }

    /// The keys of users, in their order.
    pub(super) async fn keys(
        &mut self,
        realm: &str,
        users: &[Arc<str>],
    ) -> Result<Vec<Option<Key>>, Fault> {
        match self {
            Self::Redis(redis) => redis.keys(realm, users).await,
            Self::Postgres(postgres) => postgres.keys(realm, users).await,
        }
    }

    /// The secrets of the realm, in no order.
    pub(super) async fn secrets(&mut self, realm: &str) -> Result<Vec<Secret>, Fault> {
        match self {
            Self::Redis(redis) => redis.secrets(realm).await,
            Self::Postgres(postgres) => postgres.secrets(realm).await,
        }
    }
}
