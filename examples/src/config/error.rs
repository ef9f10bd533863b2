//! What can be wrong with the configuration.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// What is wrong with the configuration. No message holds a secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A file cannot be read.
    #[error("{key}: cannot read {}: {source}", path.display())]
    Unreadable {
        /// The setting that named it.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The configuration file is no TOML, has an unknown key, or a value of the wrong type.
    #[error("{}, line {line}, column {column}: {problem}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// What is wrong there.
        problem: String,
    },
    /// A value is not one that the key can have.
    #[error("{key}: {value:?}: {problem}")]
    Invalid {
        /// The key, as it is written.
        key: &'static str,
        /// The value that was given.
        value: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A secret is unusable; its value is not told.
    #[error("{key}: {whose}: {problem}")]
    Secret {
        /// The key, as it is written.
        key: &'static str,
        /// Whose secret it is, or on which line of its file.
        whose: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// Of two keys that belong together one is missing.
    #[error("{present} needs {missing} beside it")]
    Alone {
        /// The key that is there.
        present: &'static str,
        /// The key that is not.
        missing: &'static str,
    },
    /// Others could reach the listener, and anybody could call.
    #[error(
        "listen: {listen} can be reached from outside, so calls need tokens: \
         set tokens or token-file, or let anybody call with --allow-anonymous"
    )]
    NoTokens {
        /// The address to listen on.
        listen: SocketAddr,
    },
    /// Any page in the world could call through the visitor's browser.
    #[error(
        "domain-whitelist: an empty list lets any page call, so calls need tokens: \
         set tokens or token-file without allow-anonymous, or name the origins"
    )]
    AnyOriginAnonymous,
    /// Nobody could log in to the TURN server, and it relays for nobody without a login.
    #[error("nobody could log in: set users, user-file, secrets, secret-file, redis or postgres")]
    NoCredentials,
    /// There is no folder for the self-signed certificate.
    #[error("state-dir: neither XDG_STATE_HOME nor HOME is set: say where with --state-dir")]
    NoStateDir,
}

impl ConfigError {
    /// A value that the key cannot have.
    pub(crate) fn invalid(key: &'static str, value: impl ToString, problem: impl ToString) -> Self {
        Self::Invalid {
            key,
            value: value.to_string(),
            problem: problem.to_string(),
        }
    }
}
