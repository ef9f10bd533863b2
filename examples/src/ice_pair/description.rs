//! What the two copies tell each other: the ICE lines of SDP (RFC 8839 §5), and an empty line.

use std::fmt;
use std::str::FromStr;

use ice_agent::{Candidate, Credentials, CredentialsError, ParseCandidateError};

/// Credentials and all candidates of one side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// The user name fragment and the password.
    pub credentials: Credentials,
    /// The candidates.
    pub candidates: Vec<Candidate>,
}

/// The text is no description.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DescriptionError {
    /// A line is missing.
    #[error("there is no line that begins with {0:?}")]
    Missing(&'static str),
    /// The credentials are not.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// A candidate is not.
    #[error("line {line}: {error}")]
    Candidate {
        /// Which line, from 1.
        line: usize,
        /// What is wrong with it.
        error: ParseCandidateError,
    },
}

const UFRAG: &str = "a=ice-ufrag:";
const PASSWORD: &str = "a=ice-pwd:";
const CANDIDATE: &str = "a=candidate:";

/// The last line of a description.
pub const END: &str = "a=end-of-candidates";

impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{UFRAG}{}", self.credentials.ufrag())?;
        writeln!(f, "{PASSWORD}{}", self.credentials.password())?;
        for candidate in &self.candidates {
            writeln!(f, "a={candidate}")?;
        }
        writeln!(f, "{END}")
    }
}

impl FromStr for Description {
    type Err = DescriptionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let value = |prefix| {
            let mut lines = text.lines();
            let found = lines.find_map(|line| line.trim().strip_prefix(prefix));
            found.ok_or(DescriptionError::Missing(prefix))
        };
        let credentials = Credentials::new(value(UFRAG)?, value(PASSWORD)?)?;
        let mut candidates = Vec::new();
        for (line, text) in (1..).zip(text.lines().map(str::trim)) {
            if text.starts_with(CANDIDATE) {
                let candidate = text.parse();
                candidates
                    .push(candidate.map_err(|error| DescriptionError::Candidate { line, error })?);
            }
        }
        Ok(Self {
            credentials,
            candidates,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let text = "a=ice-ufrag:abcd\na=ice-pwd:abcdefghijklmnopqrstuv\n\
                    a=candidate:h0 1 udp 2130706431 192.0.2.1 5000 typ host\na=end-of-candidates\n";
        let read: Description = text.parse().unwrap();
        assert_eq!(read.to_string(), text);
        let pasted = text.replace('\n', "\r\n  ");
        assert_eq!(pasted.parse(), Ok(read));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let read = |text: &str| text.parse::<Description>().unwrap_err().to_string();
        assert!(read("hello").contains("a=ice-ufrag:"));
        let text = "a=ice-ufrag:abcd\na=ice-pwd:abcdefghijklmnopqrstuv\na=candidate:h0 1 udp";
        assert!(read(text).starts_with("line 3:"));
    }
}
