//! Where the gateway keeps what it makes, when nobody says.

use std::ffi::OsString;
use std::path::PathBuf;

/// The platform's folder for state: `$XDG_STATE_HOME/crosspoint`, `~/.local/state/crosspoint`,
/// or `%LOCALAPPDATA%\crosspoint`. `variable` looks into the environment.
pub(super) fn default(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    // The XDG base directory specification: a relative path is to be ignored.
    let absolute = |name| {
        variable(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    absolute("XDG_STATE_HOME")
        .or_else(|| absolute("LOCALAPPDATA"))
        .or_else(|| absolute("HOME").map(|home| home.join(".local/state")))
        .map(|state| state.join("crosspoint"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(pairs: &[(&str, &str)]) -> Option<PathBuf> {
        let find = |name: &str| pairs.iter().find(|(key, _)| *key == name);
        default(|name| find(name).map(|(_, value)| OsString::from(value)))
    }

    #[test]
    fn the_nearest_variable_decides() {
        let home = ("HOME", "/home/a");
        assert_eq!(with(&[]), None);
        assert_eq!(
            with(&[home]),
            Some("/home/a/.local/state/crosspoint".into())
        );
        assert_eq!(
            with(&[home, ("XDG_STATE_HOME", "/s")]),
            Some("/s/crosspoint".into())
        );
        let relative = ("XDG_STATE_HOME", "s");
        assert_eq!(
            with(&[home, relative]),
            Some("/home/a/.local/state/crosspoint".into())
        );
    }
}
