//! Who may log in, out of what the keys said one by one.

use toml::{Table, Value};

use super::build::Import;
use super::lines::Line;
use crate::turn::config;

impl Import<'_> {
    /// coturn knows either users or secrets, from the file and from the database alike.
    pub(super) fn logins(&mut self) {
        let users = std::mem::take(&mut self.users);
        let secrets = std::mem::take(&mut self.secrets);
        let timed = self.is_timed.or(secrets.first().map(|(line, _)| *line));
        let database = ["redis", "postgres"]
            .iter()
            .any(|key| self.settings.contains_key(*key));
        if database {
            let holds = if timed.is_some() { "secrets" } else { "users" };
            self.set("store-holds", timed.unwrap_or(1), holds);
        }
        match (timed, users.first()) {
            (Some(_), first) => {
                if let Some((line, _)) = first {
                    let text = "user: left out: with use-auth-secret coturn knows no users";
                    self.warn(*line, text.into());
                }
                if let Some((line, _)) = secrets.first() {
                    let list = secrets.iter().map(|(_, secret)| secret.clone()).collect();
                    self.set("secrets", *line, Value::Array(list));
                }
            }
            (None, Some((line, _))) => {
                let list = users.iter().map(|(_, user)| user.clone()).collect();
                self.set("users", *line, Value::Array(list));
            }
            (None, None) if !database => {
                self.note("coturn lets everybody in with such a file; here somebody must log in");
            }
            (None, None) => {}
        }
    }

    pub(super) fn user(&mut self, line: &Line<'_>) {
        let Some((name, secret)) = line.value.split_once(':') else {
            return self.warn(line.number, "user: left out: expected name:password".into());
        };
        let problem = match secret.strip_prefix("0x") {
            _ if name.is_empty() => Some("the name is empty"),
            _ if self
                .users
                .iter()
                .any(|(_, user)| user.get("name").and_then(Value::as_str) == Some(name)) =>
            {
                Some("there is a user of this name already")
            }
            Some(digits) => config::key(digits).err(),
            None => secret.is_empty().then_some("the password is empty"),
        };
        if let Some(problem) = problem {
            return self.warn(line.number, format!("user: left out: {name:?}: {problem}"));
        }
        let mut user = Table::new();
        user.insert("name".into(), name.into());
        let key = if secret.starts_with("0x") {
            "key"
        } else {
            "password"
        };
        user.insert(key.into(), secret.into());
        self.users.push((line.number, Value::Table(user)));
    }
}
