//! The configuration from its real sources: the command line, a file, a token file.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests fail like tests

mod http_support;

use std::fs;

use clap::{CommandFactory as _, Parser as _};
use examples::config::{Arguments, Config, ConfigError, Settings};
use http_support::Folder;

fn load(line: &[&str]) -> Result<Config, ConfigError> {
    let line = std::iter::once("gateway").chain(line.iter().copied());
    Config::load(Arguments::try_parse_from(line).unwrap())
}

#[test]
fn the_command_line_goes_before_the_file_and_the_file_before_the_defaults() {
    let folder = Folder::new();
    let file = folder.path().join("a.toml");
    fs::write(
        &file,
        "listen = '127.0.0.1:1'\nmax-calls = 3\nmedia-ports = '2000-2999'\n",
    )
    .unwrap();
    let file = file.to_str().unwrap();
    let config = load(&[
        "--config",
        file,
        "--listen",
        "127.0.0.1:2",
        "--state-dir",
        "s",
    ])
    .unwrap();
    assert_eq!(config.http.listen.port(), 2);
    assert_eq!(config.max_calls, 3);
    assert_eq!(config.media.ports, 2000..=2999);
    assert_eq!(config.log, "info,rsipstack=warn");
}

#[test]
fn a_token_file_is_read_and_its_errors_name_the_line_only() {
    let folder = Folder::new();
    let (config, tokens) = (folder.path().join("a.toml"), folder.path().join("tokens"));
    fs::write(
        &config,
        format!("token-file = '{}'\nstate-dir = 's'\n", tokens.display()),
    )
    .unwrap();
    let with = |text: &str| {
        fs::write(&tokens, text).unwrap();
        load(&["--config", config.to_str().unwrap()])
    };
    let good = with("# who may call\n\nalice:0123456789abcdef\nbob: spaced\n");
    assert!(
        good.unwrap_err()
            .to_string()
            .contains("line 4: the token is shorter")
    );
    let good = with("# who may call\n\nalice:0123456789abcdef\n").unwrap();
    assert_eq!(
        good.http
            .tokens
            .find("0123456789abcdef")
            .map(|name| &**name),
        Some("alice")
    );
    for bad in [
        "0123456789abcdefg",
        ":0123456789abcdefg",
        "a:0123456789abcdefg h",
        "a:0123456789abcdefg\na:1123456789abcdefg",
        "a:0123456789abcdefg\nb:0123456789abcdefg",
    ] {
        let error = with(bad).unwrap_err().to_string();
        assert!(
            error.contains("line ") && !error.contains("0123456789abcdefg"),
            "{error}"
        );
    }
}

#[cfg(unix)]
#[test]
fn a_token_file_that_all_can_read_is_told() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::new();
    let (config, tokens) = (folder.path().join("a.toml"), folder.path().join("tokens"));
    fs::write(
        &config,
        format!("token-file = '{}'\nstate-dir = 's'\n", tokens.display()),
    )
    .unwrap();
    fs::write(&tokens, "alice:0123456789abcdef\n").unwrap();
    for (mode, notices) in [(0o600, 0), (0o644, 1)] {
        fs::set_permissions(&tokens, fs::Permissions::from_mode(mode)).unwrap();
        let config = load(&["--config", config.to_str().unwrap()]).unwrap();
        assert_eq!(config.notices.len(), notices, "{:?}", config.notices);
    }
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = load(&["--config", "/nowhere/at/all.toml"])
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("config: cannot read /nowhere/at/all.toml: "),
        "{error}"
    );
}

#[test]
fn files_that_hold_nothing_are_told_with_their_key() {
    let folder = Folder::new();
    let (config, empty) = (folder.path().join("a.toml"), folder.path().join("empty"));
    fs::write(&empty, "\n# nothing\n").unwrap();
    let server = "sip-server = 'pbx;transport=tls'\n";
    for (text, key, problem) in [
        ("", "token-file", "no token"),
        (server, "sip-tls-ca", "there is no certificate"),
    ] {
        let path = empty.display();
        fs::write(
            &config,
            format!("state-dir = 's'\n{text}{key} = '{path}'\n"),
        )
        .unwrap();
        let error = load(&["--config", config.to_str().unwrap()]).unwrap_err();
        let expected = format!("{key}: \"{path}\": {problem}");
        assert!(error.to_string().starts_with(&expected), "{error}");
    }
}

#[test]
fn the_ca_of_the_sip_server_is_taken() {
    let folder = Folder::new();
    let (config, ca) = (folder.path().join("a.toml"), folder.path().join("ca.pem"));
    let pem = rcgen::generate_simple_self_signed(["pbx".to_owned()]).unwrap();
    fs::write(&ca, pem.cert.pem()).unwrap();
    let ca = ca.display();
    let text = format!("state-dir = 's'\nsip-server = 'pbx;transport=tls'\nsip-tls-ca = '{ca}'\n");
    fs::write(&config, text).unwrap();
    let config = load(&["--config", config.to_str().unwrap()]).unwrap();
    assert!(config.sip.tls_roots.is_some());
}

/// Every key there is, as reading an unknown one tells them.
fn keys() -> Vec<String> {
    let error = toml::from_str::<Settings>("unknown = 1").unwrap_err();
    let quoted = error.message().split('`').skip(1).step_by(2).skip(1);
    quoted.map(str::to_owned).collect()
}

/// The lines that set something, those that are commented out as well.
fn keys_set(text: &str) -> Vec<&str> {
    let set = text.lines().filter_map(|line| line.split_once(" = "));
    set.map(|(key, _)| key.trim_start_matches("# ").trim())
        .collect()
}

#[test]
fn the_file_in_the_readme_loads_and_has_every_key() {
    let readme = include_str!("../README.md");
    let (_, section) = readme.split_once("## Configuration\n").unwrap();
    let (text, rest) = section
        .split_once("```toml\n")
        .and_then(|(_, text)| text.split_once("```"))
        .unwrap();
    let table = rest.split_once("\n## ").unwrap().0;
    let folder = Folder::new();
    let file = folder.path().join("gateway.toml");
    fs::write(&file, text).unwrap();
    let config = load(&["--config", file.to_str().unwrap()]).unwrap();
    assert_eq!(config.notices, Vec::<String>::new());
    let uncommented: Vec<&str> = text
        .lines()
        .map(|line| match line.contains(" = ") {
            true => line.trim_start_matches("# "),
            false => line,
        })
        .collect();
    toml::from_str::<Settings>(&uncommented.join("\n")).unwrap();
    let keys = keys();
    assert!(keys.len() > 30, "{keys:?}");
    for key in keys {
        assert!(keys_set(text).contains(&key.as_str()), "{key}: the file");
        let first_columns = table.lines().filter_map(|row| row.split('|').nth(1));
        let mut rows = first_columns.filter(|column| column.contains(&format!("`{key}`")));
        assert!(
            rows.next().is_some() && rows.next().is_none(),
            "{key}: the table"
        );
    }
}

#[test]
fn the_help_names_every_key_and_its_defaults_are_those() {
    let help = Arguments::command().render_long_help().to_string();
    let (_, samples) = help.split_once("These are samples").unwrap();
    let (samples, rest) = samples.split_once("These are the defaults:\n").unwrap();
    let defaults = rest.split_once("\n\n").unwrap().0;
    for key in keys() {
        // One is named in the remark of another.
        let named = samples.contains(&format!("{key} = ")) || keys_set(defaults).contains(&&*key);
        assert!(named, "{key}");
    }
    let validated = |text: &str| {
        let settings: Settings = toml::from_str(text).unwrap();
        let state_dir = Some("s".into());
        let below = Settings {
            state_dir,
            ..Settings::default()
        };
        format!("{:?}", Config::from_settings(settings.or(below)).unwrap())
    };
    assert!(keys_set(defaults).len() > 10);
    assert_eq!(validated(defaults), validated(""));
}
