//! Where a database of credentials is: a URL, or the connection string that coturn's files hold.

use std::fmt;
use std::time::Duration;

use crate::config::{ConfigError, Secret};

/// A database of credentials in coturn's schema.
#[derive(Debug, Clone)]
pub struct Store {
    /// Where it is.
    pub source: Source,
    /// What is read from it.
    pub holds: Holds,
    /// How long what was read counts: a new, changed or revoked credential is known after this
    /// and [`timeout`](Self::timeout), for live allocations too.
    pub interval: Duration,
    /// How long it may take to answer.
    pub timeout: Duration,
}

/// Which database.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Source {
    /// Keys such as `turn/realm/REALM/user/NAME/key`.
    Redis(RedisAddress),
    /// Tables `turnusers_lt` and `turn_secret`.
    Postgres(Box<tokio_postgres::Config>),
}

impl Source {
    /// The key of the configuration.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Redis(_) => "redis",
            Self::Postgres(_) => "postgres",
        }
    }
}

/// What a database holds for this server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Holds {
    /// Names with their keys.
    Users,
    /// The secrets of time-limited credentials.
    Secrets,
    /// Both.
    Both,
}

impl Holds {
    /// Whether names with keys.
    #[must_use]
    pub const fn users(self) -> bool {
        matches!(self, Self::Users | Self::Both)
    }

    /// Whether secrets.
    #[must_use]
    pub const fn secrets(self) -> bool {
        matches!(self, Self::Secrets | Self::Both)
    }

    /// By its name in the file.
    pub(super) fn named(name: &str) -> Result<Self, &'static str> {
        match name {
            "users" => Ok(Self::Users),
            "secrets" => Ok(Self::Secrets),
            "both" => Ok(Self::Both),
            _ => Err("expected users, secrets or both"),
        }
    }
}

/// Where Redis is, and who asks it.
#[derive(Clone)]
pub struct RedisAddress {
    /// Host name or address.
    pub host: String,
    /// The TCP port.
    pub port: u16,
    /// The number of the database.
    pub database: i64,
    /// The user, if access is by name.
    pub user: Option<String>,
    /// The password, if one is asked for.
    pub password: Option<Secret>,
}

impl fmt::Debug for RedisAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redis({}:{}/{})", self.host, self.port, self.database)
    }
}

impl RedisAddress {
    /// Reads `redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE]`, or
    /// `ip=… port=… dbname=… password=…`, each of which may be missing.
    ///
    /// # Errors
    /// What is wrong, without the value: it may hold a password.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text.contains("://") {
            return Self::from_url(text);
        }
        let mut address = Self {
            host: "127.0.0.1".into(),
            port: 6379,
            database: 0,
            user: None,
            password: None,
        };
        for pair in text.split_whitespace() {
            let (key, value) = pair.split_once('=').ok_or("expected KEY=VALUE pairs")?;
            match key {
                "ip" | "host" | "addr" => value.clone_into(&mut address.host),
                "port" => address.port = value.parse().map_err(|_| "port: not a port")?,
                "dbname" | "db" => {
                    address.database = value.parse().map_err(|_| "dbname: not a number")?;
                }
                "user" => address.user = Some(value.to_owned()),
                "password" => address.password = Some(Secret::new(value)),
                // store-timeout says it for both databases.
                "connect_timeout" => {}
                _ => {
                    return Err(
                        "a key other than ip, port, dbname, user, password, connect_timeout",
                    );
                }
            }
        }
        Ok(address)
    }

    fn from_url(text: &str) -> Result<Self, &'static str> {
        if text.starts_with("rediss://") {
            return Err("Redis over TLS is not spoken: use a tunnel, or a socket of this machine");
        }
        let url = redis::parse_redis_url(text).ok_or("not a redis:// URL")?;
        let info = redis::IntoConnectionInfo::into_connection_info(url)
            .map_err(|_| "not a redis:// URL")?;
        let redis::ConnectionAddr::Tcp(host, port) = info.addr() else {
            return Err("expected a host and a port");
        };
        let settings = info.redis_settings();
        Ok(Self {
            host: host.clone(),
            port: *port,
            database: settings.db(),
            user: settings.username().map(str::to_owned),
            password: settings.password().map(Secret::new),
        })
    }
}

/// Reads what libpq reads: a URL or `KEY=VALUE` pairs.
pub(super) fn postgres(text: &str) -> Result<tokio_postgres::Config, &'static str> {
    let config: tokio_postgres::Config = text
        .parse()
        .map_err(|_| "not a connection string of PostgreSQL")?;
    if config.get_ssl_mode() == tokio_postgres::config::SslMode::Require {
        return Err("PostgreSQL over TLS is not spoken: use a tunnel, or a socket of this machine");
    }
    if config.get_hosts().is_empty() {
        return Err("it names no host");
    }
    Ok(config)
}

/// An error about a connection string, which is not told.
pub(super) fn unusable(key: &'static str, problem: &'static str) -> ConfigError {
    ConfigError::Secret {
        key,
        whose: "the connection string".into(),
        problem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        match RedisAddress::parse(text) {
            Ok(address) => format!(
                "{address:?} {:?} {:?}",
                address.user,
                address.password.as_ref().map(Secret::reveal)
            ),
            Err(problem) => problem.into(),
        }
    }

    #[test]
    fn redis_is_named_as_coturn_does_or_by_a_url() {
        assert_eq!(
            shown("ip=10.0.0.1 dbname=2 password=turn port=6380 connect_timeout=30"),
            "Redis(10.0.0.1:6380/2) None Some(\"turn\")"
        );
        assert_eq!(shown(""), "Redis(127.0.0.1:6379/0) None None");
        assert_eq!(
            shown("redis://me:pw@db.example:7/3"),
            "Redis(db.example:7/3) Some(\"me\") Some(\"pw\")"
        );
        assert!(shown("rediss://db.example").contains("TLS"));
        for bad in ["port=x", "ip", "colour=red", "http://a", "unix:///tmp/s"] {
            assert!(RedisAddress::parse(bad).is_err(), "{bad}");
        }
        let address = RedisAddress::parse("password=hunter2").unwrap();
        assert!(!format!("{address:?}").contains("hunter2"));
    }

    #[test]
    fn postgres_is_named_as_libpq_does() {
        for good in [
            "host=10.0.0.1 dbname=coturn user=turn password=turn connect_timeout=30",
            "postgresql://turn:turn@10.0.0.1:5433/coturn",
        ] {
            let config = postgres(good).unwrap();
            assert_eq!(config.get_dbname(), Some("coturn"));
            assert!(!format!("{config:?}").contains("turn:turn"));
        }
        assert!(
            postgres("host=a sslmode=require")
                .unwrap_err()
                .contains("TLS")
        );
        assert!(postgres("host=a colour=red").is_err());
        assert!(postgres("dbname=a").unwrap_err().contains("host"));
    }
}
