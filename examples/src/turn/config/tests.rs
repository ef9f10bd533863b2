use super::*;

const LOGIN: &str = "secrets = ['s']\nrealm = 'example.org'\n";

fn check(text: &str) -> Result<Config, String> {
    let path = Path::new("turn.toml");
    Config::from_text(path, text, Settings::default()).map_err(|error| error.to_string())
}

fn with_login(text: &str) -> Result<Config, String> {
    check(&format!("{text}\n{LOGIN}"))
}

#[test]
fn defaults_are_those_of_the_standards() {
    let config = check(LOGIN).unwrap();
    let shown = |addresses: &[SocketAddr]| format!("{addresses:?}");
    assert_eq!(shown(&config.listeners.udp), "[0.0.0.0:3478, [::]:3478]");
    assert_eq!(config.listeners.tcp, config.listeners.udp);
    assert_eq!(config.listeners.tls, []);
    assert_eq!(config.relay.ports, 49152..=65535);
    assert_eq!(config.limits.lifetime, Duration::from_secs(3600));
    assert_eq!(config.limits.allocations, None);
    assert!(!config.mobility && !config.strict_expiry);
    assert_eq!((config.admin, config.realm.as_str()), (None, "example.org"));
}

#[test]
fn a_certificate_opens_the_port_of_tls() {
    let config = with_login("tls-cert = 'c'\ntls-key = 'k'").unwrap();
    assert_eq!(config.listeners.tls.len(), 2);
    assert!(config.listeners.tls.iter().all(|at| at.port() == 5349));
}

#[test]
fn a_bad_value_is_named_with_its_line_and_key() {
    for (text, expected) in [
        (
            "\nlisten-udp = ['0.0.0.0:1', 'here']",
            "line 2, column 29: listen-udp: \"here\": expected IP:PORT",
        ),
        (
            "listen-udp = [\n  '0.0.0.0:1',\n  '3478',\n]",
            "line 3, column 4: listen-udp: \"3478\": ",
        ),
        (
            "listen-udp = ['0.0.0.0:1', '10.0.0.1:1']",
            "line 1, column 29: listen-udp: \"10.0.0.1:1\": 0.0.0.0:1 has this port already",
        ),
        (
            "listen-udp = []\nlisten-tcp = []",
            "line 1, column 14: listen-udp: \"[]\": nobody could reach",
        ),
        (
            "listen-tls = ['0.0.0.0:443']",
            "line 1, column 1: listen-tls needs tls-cert and tls-key beside it",
        ),
        (
            "tls-cert = 'c'\ntls-key = 'k'\nlisten-tls = ['1.2.3.4:3478']",
            "line 3, column 16: listen-tls: \"1.2.3.4:3478\": 0.0.0.0:3478 has this port already",
        ),
        ("tls-key = 'k'", "line 1, column 1: tls-key needs tls-cert"),
        (
            "relay-ports = '9-1'",
            "line 1, column 16: relay-ports: \"9-1\": the first port",
        ),
        (
            "relay-address = ['1.2.3.4/::1']",
            "line 1, column 19: relay-address: \"1.2.3.4/::1\": the public address is of another",
        ),
        (
            "relay-address = ['0.0.0.0']",
            "line 1, column 19: relay-address: \"0.0.0.0\": nobody can send",
        ),
        (
            "admin-listen = '0.0.0.0:3478'",
            "line 1, column 17: admin-listen: \"0.0.0.0:3478\": 0.0.0.0:3478 has",
        ),
        (
            "allow-peers = ['10.0.0.1/8']",
            "line 1, column 17: allow-peers: \"10.0.0.1/8\": the address has bits",
        ),
        (
            "max-allocations = 0",
            "line 1, column 19: max-allocations: \"0\": expected 1 to",
        ),
        (
            "max-lifetime = 60",
            "line 1, column 16: max-lifetime: \"60\": expected 600 to 3600",
        ),
        (
            "alternate-server = '0.0.0.0:1'",
            "line 1, column 21: alternate-server: \"0.0.0.0:1\": nobody can be sent",
        ),
        ("log = 'a=b=c'", "line 1, column 8: log: \"a=b=c\": "),
        (
            "users = ['alice']",
            "line 1, column 10: users: expected tables with name and password",
        ),
        (
            "log = 'info,verbose'",
            "line 1, column 8: log: \"info,verbose\": verbose: expected error, warn,",
        ),
        (
            "listen = '0.0.0.0:1'",
            "line 1, column 1: unknown field `listen`",
        ),
        (
            "max_lifetime = 60",
            "line 1, column 1: unknown key `max_lifetime`; did you mean",
        ),
        (
            "users = [{ name = 'alice', key = 'beef' }]",
            "line 1, column 20: users: alice: expected a key of 32",
        ),
        (
            "user-file = '/nowhere'",
            "line 1, column 1: user-file: cannot read /nowhere",
        ),
        (
            "store-holds = 'all'\nredis = ''",
            "line 1, column 16: store-holds: \"all\": ",
        ),
    ] {
        let error = with_login(text).unwrap_err();
        let expected = format!("turn.toml, {expected}");
        assert!(error.starts_with(&expected), "{text}: {error}");
    }
}

#[test]
fn a_realm_and_a_login_are_needed() {
    assert!(
        check("realm = 'a'")
            .unwrap_err()
            .contains("nobody could log in")
    );
    assert!(
        check("secrets = ['s']")
            .unwrap_err()
            .starts_with("realm: \"\": it is part")
    );
    let named = check("secrets = ['s']\nserver-name = 'Turn.example.org'").unwrap();
    assert_eq!(named.server_name.as_deref(), Some("turn.example.org"));
    assert_eq!(named.realm, "Turn.example.org");
}

#[test]
fn doors_that_stand_open_are_told() {
    let told = |text: &str, words: &str| {
        let config = with_login(text).unwrap();
        config.notices.iter().any(|notice| notice.contains(words))
    };
    assert!(told("allow-peers = ['127.0.0.0/8']", "this machine itself"));
    assert!(told("allow-peers = ['::/0']", "this machine itself"));
    assert!(!told("allow-peers = ['10.0.0.0/8']", "this machine itself"));
    assert!(told(
        "admin-listen = '0.0.0.0:9641'",
        "can read the metrics"
    ));
    assert!(!told(
        "admin-listen = '127.0.0.1:9641'",
        "can read the metrics"
    ));
    if let Some(ephemeral) = ports::ephemeral() {
        let range = format!("relay-ports = '{}-65535'", ephemeral.start());
        assert!(told(&range, "overlaps the kernel's ephemeral ports"));
    }
}

#[test]
fn nothing_shown_holds_a_secret() {
    let text = "realm = 'r'\nsecrets = ['hunter2']\nredis = 'password=hunter2'\n\
                users = [{ name = 'a', password = 'hunter2' }]";
    let config = check(text).unwrap();
    assert!(!format!("{config:?}").contains("hunter2"), "{config:?}");
}

#[test]
fn the_command_line_goes_before_the_file() {
    let above = Settings {
        realm: Some("above".into()),
        ..Settings::default()
    };
    let config = Config::from_text(Path::new("f"), LOGIN, above).unwrap();
    assert_eq!(config.realm, "above");
}

#[test]
fn the_manual_names_every_key() {
    let manual = include_str!("../../../../docs/turn-server.md");
    for key in every_key() {
        assert!(manual.contains(&format!("`{key}`")), "{key}");
    }
}

/// As the library tells them who writes an unknown one.
fn every_key() -> Vec<String> {
    let unknown = toml::from_str::<Settings>("nothing = 1").unwrap_err();
    let unknown = unknown.to_string();
    let keys = unknown.split('`').skip(3).step_by(2);
    keys.map(str::to_owned).collect()
}

#[test]
fn the_sample_file_is_sound_and_names_every_key() {
    let sample = include_str!("../../../turn-server.toml");
    let shown = |line: &str| {
        line.trim_start_matches("# ")
            .trim_start_matches('#')
            .to_owned()
    };
    let keys = |text: &str| -> Vec<String> {
        let names = text.lines().filter_map(|line| {
            let (name, _) = line.split_once(" = ")?;
            name.chars()
                .all(|c| c.is_ascii_lowercase() || c == '-')
                .then(|| name.to_owned())
        });
        names.collect()
    };
    let whole: String = sample.lines().map(|line| shown(line) + "\n").collect();
    let known = every_key();
    assert!(known.len() > 30, "{known:?}");
    let named = keys(&whole);
    for key in &known {
        assert!(named.contains(key), "{key} is missing");
    }
    for key in &named {
        assert!(known.contains(key), "{key} is unknown");
    }
    // Every sample value is one that the key can have.
    for line in whole.lines().filter(|line| keys(line).len() == 1) {
        toml::from_str::<Settings>(line).unwrap_or_else(|error| panic!("{line}: {error}"));
    }
    check(sample).unwrap();
}
