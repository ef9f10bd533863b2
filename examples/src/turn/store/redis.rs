//! Redis, with coturn's keys.

use std::sync::Arc;

use redis::aio::MultiplexedConnection;
use redis::{AsyncCommands as _, ConnectionAddr, IntoConnectionInfo as _, RedisConnectionInfo};
use zeroize::Zeroizing;

use super::client::Fault;
use super::{Key, config};
use crate::config::Secret;

pub(super) struct Redis(MultiplexedConnection);

impl Redis {
    pub(super) async fn connect(address: &config::RedisAddress) -> Result<Self, Fault> {
        let mut settings = RedisConnectionInfo::default().set_db(address.database);
        if let Some(user) = &address.user {
            settings = settings.set_username(user);
        }
        if let Some(password) = &address.password {
            settings = settings.set_password(password.reveal());
        }
        let at = ConnectionAddr::Tcp(address.host.clone(), address.port);
        let info = at.into_connection_info()?.set_redis_settings(settings);
        let client = redis::Client::open(info)?;
        Ok(Self(client.get_multiplexed_async_connection().await?))
    }

    pub(super) async fn keys(
        &mut self,
        realm: &str,
        users: &[Arc<str>],
    ) -> Result<Vec<Option<Key>>, Fault> {
        let name = |user: &Arc<str>| format!("turn/realm/{realm}/user/{user}/key");
        let names: Vec<String> = users.iter().map(name).collect();
        let values: Vec<Option<String>> = self.0.mget(names).await?;
        let read = |value: Option<String>| Key::parse(&Zeroizing::new(value?));
        Ok(values.into_iter().map(read).collect())
    }

    pub(super) async fn secrets(&mut self, realm: &str) -> Result<Vec<Secret>, Fault> {
        let name = format!("turn/realm/{realm}/secret");
        let members: Vec<String> = self.0.smembers(name).await?;
        Ok(members.into_iter().map(Secret::new).collect())
    }
}
