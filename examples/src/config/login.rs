//! The user and password for the SIP server.

use super::value::parse;
use super::{ConfigError, Secret, Settings, file};
use crate::sip::{Credentials, User};

const FILE: &str = "sip-password-file";

/// Reads `sip-user` with `sip-password` or `sip-password-file`; none of them is fine.
pub(super) fn login(
    settings: &Settings,
    notices: &mut Vec<String>,
) -> Result<Option<Credentials>, ConfigError> {
    let Settings {
        sip_user,
        sip_password,
        sip_password_file,
        ..
    } = settings;
    let alone = |present, missing| ConfigError::Alone { present, missing };
    let (password, key) = match (sip_password, sip_password_file) {
        (Some(_), Some(path)) => {
            let problem = "sip-password gives one already";
            let path = path.display();
            return Err(ConfigError::invalid(FILE, path, problem));
        }
        (Some(password), None) => (password.clone(), "sip-password"),
        (None, Some(path)) => {
            if file::is_readable_by_others(path) {
                let path = path.display();
                notices.push(format!("sip-password-file: any user can read {path}"));
            }
            let text = file::contents(FILE, path)?;
            if text.trim_end_matches(['\r', '\n']).is_empty() {
                let path = path.display();
                return Err(ConfigError::invalid(FILE, path, "no password in it"));
            }
            // An editor ends the line; the password does not hold it.
            (Secret::new(text.trim_end_matches(['\r', '\n'])), FILE)
        }
        (None, None) if sip_user.is_some() => {
            return Err(alone("sip-user", "sip-password or sip-password-file"));
        }
        (None, None) => return Ok(None),
    };
    let Some(user) = sip_user else {
        return Err(alone(key, "sip-user"));
    };
    // Calls are placed under it.
    parse::<User>("sip-user", user)?;
    Credentials::new(user, password.reveal())
        .map(Some)
        .map_err(|problem| ConfigError::Secret {
            key,
            whose: user.clone(),
            problem,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Option<String>, String> {
        let settings = toml::from_str(text).unwrap();
        let login = login(&settings, &mut Vec::new()).map_err(|error| error.to_string())?;
        Ok(login.map(|login| login.user().to_owned()))
    }

    #[test]
    fn a_user_needs_a_password_and_a_password_a_user() {
        assert_eq!(read(""), Ok(None));
        let both = read("sip-user = 'alice'\nsip-password = 'hunter2'");
        assert_eq!(both, Ok(Some("alice".to_owned())));
        let problem = |text: &str| read(text).unwrap_err();
        assert_eq!(
            problem("sip-user = 'alice'"),
            "sip-user needs sip-password or sip-password-file beside it"
        );
        assert_eq!(
            problem("sip-password = 'hunter2'"),
            "sip-password needs sip-user beside it"
        );
        let twice = "sip-user = 'a'\nsip-password = 'hunter2'\nsip-password-file = 'f'";
        assert!(problem(twice).starts_with("sip-password-file: \"f\": "));
        let secret = problem("sip-user = 'a'\nsip-password = \"hunter2\\u0000\"");
        assert_eq!(
            secret,
            "sip-password: a: the password has control characters"
        );
        for (user, expected) in [
            ("", "sip-user: \"\": it is empty"),
            ("al ice@x", "sip-user: \"al ice@x\": it has white space"),
            ("a:b", "sip-user: \"a:b\": it names a host"),
        ] {
            let wrong = problem(&format!("sip-user = '{user}'\nsip-password = 'hunter2'"));
            assert!(wrong.starts_with(expected), "{wrong}");
        }
    }

    #[test]
    fn a_password_stands_in_a_file_of_its_own() {
        let path = std::env::temp_dir().join(format!("sip-password-{}", std::process::id()));
        std::fs::write(&path, "hunter2\n").unwrap();
        let text = format!("sip-user = 'a'\nsip-password-file = '{}'", path.display());
        assert_eq!(read(&text), Ok(Some("a".to_owned())));
        std::fs::write(&path, "\n").unwrap();
        let expected = format!("sip-password-file: \"{}\": no password", path.display());
        assert!(read(&text).unwrap_err().starts_with(&expected));
        std::fs::remove_file(&path).unwrap();
        assert!(
            read(&text)
                .unwrap_err()
                .starts_with("sip-password-file: cannot read")
        );
    }
}
