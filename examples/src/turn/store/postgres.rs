//! PostgreSQL, with coturn's tables.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::task::JoinHandle;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, NoTls};
use zeroize::Zeroizing;

use super::Key;
use super::client::Fault;
use crate::config::Secret;

// Statements without names, so that a pool in between may give each another connection.
const KEYS: &str = "SELECT name, hmackey FROM turnusers_lt WHERE realm = $1 AND name = ANY($2)";
const SECRETS: &str = "SELECT value FROM turn_secret WHERE realm = $1";

pub(super) struct Postgres {
    client: Client,
    connection: JoinHandle<()>,
}

impl Postgres {
    pub(super) async fn connect(config: &tokio_postgres::Config) -> Result<Self, Fault> {
        let mut config = config.clone();
        if config.get_application_name().is_none() {
            config.application_name("turn-server");
        }
        let (client, connection) = config.connect(NoTls).await?;
        let connection = tokio::spawn(async {
            // Its end is seen by whoever asks next.
            let _ = connection.await;
        });
        Ok(Self { client, connection })
    }

    pub(super) async fn keys(
        &mut self,
        realm: &str,
        users: &[Arc<str>],
    ) -> Result<Vec<Option<Key>>, Fault> {
        let names: Vec<&str> = users.iter().map(|user| &**user).collect();
        let given: [(&(dyn ToSql + Sync), Type); 2] =
            [(&realm, Type::TEXT), (&names, Type::TEXT_ARRAY)];
        let mut keys = HashMap::new();
        for row in self.client.query_typed(KEYS, &given).await? {
            let name: String = row.try_get(0)?;
            let digits: Option<String> = row.try_get(1)?;
            let digits = Zeroizing::new(digits.unwrap_or_default());
            keys.insert(name, Key::parse(&digits));
        }
        let found = |user: &Arc<str>| keys.get(&**user).cloned().flatten();
        Ok(users.iter().map(found).collect())
    }

    pub(super) async fn secrets(&mut self, realm: &str) -> Result<Vec<Secret>, Fault> {
        let given: [(&(dyn ToSql + Sync), Type); 1] = [(&realm, Type::TEXT)];
        let rows = self.client.query_typed(SECRETS, &given).await?;
        let secret = |row: &tokio_postgres::Row| Ok(Secret::new(row.try_get::<_, String>(0)?));
        rows.iter().map(secret).collect()
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.connection.abort();
    }
}
