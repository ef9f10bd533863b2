//! Who may log in: users with passwords or keys, secrets of time-limited credentials, a database.

use std::fmt;
use std::path::Path;

use zeroize::Zeroizing;

use super::settings::{Settings, UserEntry};
use super::store::{self, Holds, RedisAddress, Source, Store};
use crate::config::value::{seconds, with};
use crate::config::{ConfigError, Secret, file};

const STORE_INTERVAL: i64 = 5;
const STORE_TIMEOUT: i64 = 2;

/// Secrets that count at once: the new one and the old one while they change.
const SECRETS: usize = 2;

/// Who may log in.
#[derive(Debug, Clone, Default)]
pub struct Credentials {
    /// Users of the configuration.
    pub users: Vec<User>,
    /// The secrets of time-limited credentials, two at most.
    pub secrets: Vec<Secret>,
    /// Where else to look.
    pub store: Option<Store>,
}

/// A user of the configuration.
#[derive(Debug, Clone)]
pub struct User {
    /// As the client tells it.
    pub name: String,
    /// What its requests are checked with.
    pub proof: Proof,
}

/// What proves a user.
#[derive(Clone)]
pub enum Proof {
    /// The password.
    Password(Secret),
    /// The MD5 of `name:realm:password`.
    Key(Zeroizing<[u8; 16]>),
}

impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Password(_) => "Password(…)",
            Self::Key(_) => "Key(…)",
        })
    }
}

impl Proof {
    /// `0xKEY` or a password, as coturn writes them.
    fn parse(text: &str) -> Result<Self, &'static str> {
        match text.strip_prefix("0x") {
            Some(digits) => key(digits).map(Self::Key),
            None if text.is_empty() => Err("the password is empty"),
            None => Ok(Self::Password(Secret::new(text))),
        }
    }
}

/// A key of 32 hexadecimal digits.
pub(crate) fn key(digits: &str) -> Result<Zeroizing<[u8; 16]>, &'static str> {
    const PROBLEM: &str = "expected a key of 32 hexadecimal digits";
    let mut key = Zeroizing::new([0; 16]);
    if digits.len() != 2 * key.len() || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Err(PROBLEM);
    }
    for (byte, digits) in key.iter_mut().zip(digits.as_bytes().chunks(2)) {
        let digits = str::from_utf8(digits).map_err(|_| PROBLEM)?;
        *byte = u8::from_str_radix(digits, 16).map_err(|_| PROBLEM)?;
    }
    Ok(key)
}

/// Reads everything that lets somebody log in; nothing at all is an error.
pub(super) fn credentials(
    settings: &Settings,
    notices: &mut Vec<String>,
) -> Result<Credentials, ConfigError> {
    let mut credentials = Credentials::default();
    for entry in settings.users.as_deref().unwrap_or_default() {
        let secret = |problem| ConfigError::Secret {
            key: "users",
            whose: entry.name.clone(),
            problem,
        };
        let user = user(entry).map_err(secret)?;
        add(&mut credentials.users, user).map_err(secret)?;
    }
    if let Some(path) = &settings.user_file {
        read_users(path, &mut credentials.users, notices)?;
    }
    credentials.secrets = secrets(settings, notices)?;
    credentials.store = store(settings)?;
    let nobody = credentials.users.is_empty() && credentials.secrets.is_empty();
    match nobody && credentials.store.is_none() {
        true => Err(ConfigError::NoCredentials),
        false => Ok(credentials),
    }
}

fn user(entry: &UserEntry) -> Result<User, &'static str> {
    let proof = match (&entry.password, &entry.key) {
        (Some(password), None) if password.reveal().is_empty() => Err("the password is empty"),
        (Some(password), None) => Ok(Proof::Password(password.clone())),
        (None, Some(digits)) => key(digits.reveal().trim_start_matches("0x")).map(Proof::Key),
        (Some(_), Some(_)) => Err("password and key: one of them is enough"),
        (None, None) => Err("it needs a password or a key"),
    };
    Ok(User {
        name: entry.name.clone(),
        proof: proof?,
    })
}

fn add(users: &mut Vec<User>, user: User) -> Result<(), &'static str> {
    // RFC 8489 §14.3: fewer than 509 bytes.
    if user.name.is_empty() || user.name.len() >= 509 {
        return Err("a name has 1 to 508 bytes");
    }
    if user.name.chars().any(char::is_control) {
        return Err("the name has control characters");
    }
    if users.iter().any(|other| other.name == user.name) {
        return Err("there are two users of this name");
    }
    users.push(user);
    Ok(())
}

/// One `name:password` or `name:0xKEY` a line.
fn read_users(
    path: &Path,
    users: &mut Vec<User>,
    notices: &mut Vec<String>,
) -> Result<(), ConfigError> {
    const KEY: &str = "user-file";
    for (line, text) in lines(KEY, path, notices)?.iter() {
        let mut user = || {
            let (name, proof) = text.split_once(':').ok_or("expected name:password")?;
            let (name, proof) = (name.to_owned(), Proof::parse(proof)?);
            add(users, User { name, proof })
        };
        user().map_err(in_file(KEY, path, *line))?;
    }
    Ok(())
}

fn secrets(settings: &Settings, notices: &mut Vec<String>) -> Result<Vec<Secret>, ConfigError> {
    const FILE: &str = "secret-file";
    let mut secrets = settings.secrets.clone().unwrap_or_default();
    if let Some(path) = &settings.secret_file {
        let lines = lines(FILE, path, notices)?;
        secrets.extend(lines.iter().map(|(_, text)| Secret::new(text.as_str())));
    }
    let problem = if secrets.iter().any(|secret| secret.reveal().is_empty()) {
        "a secret is empty"
    } else if secrets.len() > SECRETS {
        "at most two count at once: the new one and the old one"
    } else {
        return Ok(secrets);
    };
    Err(ConfigError::Secret {
        key: "secrets",
        whose: format!("{} of them", secrets.len()),
        problem,
    })
}

fn store(settings: &Settings) -> Result<Option<Store>, ConfigError> {
    let source = match (&settings.redis, &settings.postgres) {
        (Some(_), Some(_)) => {
            let problem = "redis names a database already";
            return Err(store::unusable("postgres", problem));
        }
        (Some(text), None) => {
            let address = RedisAddress::parse(text.reveal());
            Source::Redis(address.map_err(|problem| store::unusable("redis", problem))?)
        }
        (None, Some(text)) => {
            let config = store::postgres(text.reveal());
            let config = config.map_err(|problem| store::unusable("postgres", problem))?;
            Source::Postgres(Box::new(config))
        }
        (None, None) => return Ok(None),
    };
    let holds = with("store-holds", settings.store_holds.as_deref(), Holds::named)?;
    Ok(Some(Store {
        source,
        holds: holds.unwrap_or(Holds::Both),
        interval: seconds("store-interval", settings.store_interval, STORE_INTERVAL)?,
        timeout: seconds("store-timeout", settings.store_timeout, STORE_TIMEOUT)?,
    }))
}

/// The lines of a file of secrets, from 1; empty ones and those from `#` on are skipped.
fn lines(
    key: &'static str,
    path: &Path,
    notices: &mut Vec<String>,
) -> Result<Vec<(usize, Zeroizing<String>)>, ConfigError> {
    if file::is_readable_by_others(path) {
        notices.push(format!("{key}: any user can read {}", path.display()));
    }
    let text = file::contents(key, path)?;
    let lines: Vec<_> = (1..)
        .zip(text.lines().map(str::trim))
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
        .map(|(number, line)| (number, Zeroizing::new(line.to_owned())))
        .collect();
    match lines.is_empty() {
        true => Err(ConfigError::invalid(key, path.display(), "nothing in it")),
        false => Ok(lines),
    }
}

fn in_file(
    key: &'static str,
    path: &Path,
    line: usize,
) -> impl FnOnce(&'static str) -> ConfigError {
    let whose = format!("{}, line {line}", path.display());
    move |problem| ConfigError::Secret {
        key,
        whose,
        problem,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn read(text: &str) -> Result<Credentials, String> {
        let settings = toml::from_str(text).unwrap();
        credentials(&settings, &mut Vec::new()).map_err(|error| error.to_string())
    }

    #[test]
    fn users_have_passwords_or_keys() {
        let text = "users = [{ name = 'a', password = 'hunter2' }, \
                    { name = 'b', key = '0xbc807ee29df3c9ffa736523fb2c4e8ee' }]";
        let found = read(text).unwrap();
        let Proof::Key(key) = &found.users[1].proof else {
            panic!("no key");
        };
        assert_eq!(key[..4], [0xbc, 0x80, 0x7e, 0xe2]);
        assert!(!format!("{found:?}").contains("hunter2"));
        for (entry, expected) in [
            ("{ name = 'a' }", "users: a: it needs a password or a key"),
            (
                "{ name = 'a', key = 'beef' }",
                "users: a: expected a key of 32",
            ),
            (
                "{ name = 'a', password = '' }",
                "users: a: the password is empty",
            ),
            (
                "{ name = '', password = 'p' }",
                "users: : a name has 1 to 508 bytes",
            ),
            (
                "{ name = \"a\\nb\", password = 'p' }",
                "users: a\nb: the name has control",
            ),
            (
                "{ name = 'a', password = 'p', key = 'k' }",
                "users: a: password and key",
            ),
            (
                "{ name = 'a', password = 'p' }, { name = 'a', password = 'q' }",
                "users: a: there are two",
            ),
        ] {
            let error = read(&format!("users = [{entry}]")).unwrap_err();
            assert!(error.starts_with(expected), "{entry}: {error}");
        }
    }

    #[test]
    fn files_hold_one_a_line() {
        let path = std::env::temp_dir().join(format!("turn-users-{}", std::process::id()));
        let text = format!("user-file = '{}'", path.display());
        std::fs::write(
            &path,
            "# staff\n\nalice:a:b\nbob:0x00112233445566778899aabbccddeeff\n",
        )
        .unwrap();
        let users = read(&text).unwrap().users;
        assert!(matches!(&users[0].proof, Proof::Password(text) if text.reveal() == "a:b"));
        assert!(matches!(&users[1].proof, Proof::Key(_)));
        std::fs::write(&path, "alice:hunter2\nbob hunter2\n").unwrap();
        let error = read(&text).unwrap_err();
        assert!(error.ends_with("line 2: expected name:password"), "{error}");
        assert!(!error.contains("hunter2"));
        std::fs::remove_file(&path).unwrap();
        assert!(
            read(&text)
                .unwrap_err()
                .starts_with("user-file: cannot read")
        );
    }

    #[test]
    fn somebody_must_be_able_to_log_in() {
        assert!(read("").unwrap_err().starts_with("nobody could log in"));
        assert_eq!(read("secrets = ['a', 'b']").unwrap().secrets.len(), 2);
        assert!(
            read("secrets = ['a', 'b', 'c']")
                .unwrap_err()
                .contains("two")
        );
        assert!(read("secrets = ['']").unwrap_err().contains("empty"));
    }

    #[test]
    fn one_database_serves() {
        let store = |text: &str| read(text).map(|found| found.store.unwrap());
        let redis = store("redis = 'ip=10.0.0.1 dbname=2'\nstore-holds = 'secrets'").unwrap();
        assert_eq!(
            (redis.source.name(), redis.holds),
            ("redis", Holds::Secrets)
        );
        assert_eq!(redis.interval, Duration::from_secs(5));
        let postgres = store("postgres = 'postgresql://u:hunter2@h/d'").unwrap();
        assert_eq!(postgres.holds, Holds::Both);
        assert!(!format!("{postgres:?}").contains("hunter2"));
        for text in [
            "redis = ''\npostgres = 'host=a'",
            "redis = 'hunter2'",
            "postgres = 'hunter2'",
            "redis = ''\nstore-holds = 'all'",
            "redis = ''\nstore-interval = 0",
        ] {
            let error = store(text).unwrap_err();
            assert!(!error.contains("hunter2"), "{text}: {error}");
        }
    }
}
