//! The user and password for the SIP server.

use super::{ConfigError, Secret, Settings, file};
use crate::sip::Credentials;

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
            return Err(ConfigError::invalid("sip-password-file", path, problem));
        }
        (Some(password), None) => (password.clone(), "sip-password"),
        (None, Some(path)) => {
            if file::is_readable_by_others(path) {
                let path = path.display();
                notices.push(format!("sip-password-file: any user can read {path}"));
            }
            let text = file::contents("sip-password-file", path)?;
            // An editor ends the line; the password does not hold it.
            (
                Secret::new(text.trim_end_matches(['\r', '\n'])),
                "sip-password-file",
            )
        }
        (None, None) if sip_user.is_some() => return Err(alone("sip-user", "sip-password")),
        (None, None) => return Ok(None),
    };
    let Some(user) = sip_user else {
        return Err(alone(key, "sip-user"));
    };
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
        let problem = |text| read(text).unwrap_err();
        assert_eq!(
            problem("sip-user = 'alice'"),
            "sip-user needs sip-password beside it"
        );
        assert_eq!(
            problem("sip-password = 'hunter2'"),
            "sip-password needs sip-user beside it"
        );
        let twice = "sip-user = 'a'\nsip-password = 'hunter2'\nsip-password-file = 'f'";
        assert!(problem(twice).starts_with("sip-password-file: \"f\": "));
        let wrong = problem("sip-user = 'a:b'\nsip-password = 'hunter2'");
        assert!(!wrong.contains("hunter2"), "{wrong}");
    }

    #[test]
    fn a_password_stands_in_a_file_of_its_own() {
        let path = std::env::temp_dir().join(format!("sip-password-{}", std::process::id()));
        std::fs::write(&path, "hunter2\n").unwrap();
        let text = format!("sip-user = 'a'\nsip-password-file = '{}'", path.display());
        assert_eq!(read(&text), Ok(Some("a".to_owned())));
        std::fs::remove_file(&path).unwrap();
        assert!(
            read(&text)
                .unwrap_err()
                .starts_with("sip-password-file: cannot read")
        );
    }
}
