use proptest::prelude::*;

use super::*;
use crate::turn::config::{Proof, Source};

const FILE: &str = "\
# A server as many run it.
listening-port=3478
tls-listening-port=443
listening-ip=10.0.0.5
external-ip=203.0.113.5
min-port=61000
max-port=65000
realm=example.org
server-name=turn.example.org
cert=turn.pem
pkey=/etc/turn.key
user=alice:hunter2
user=bob:0xbc807ee29df3c9ffa736523fb2c4e8ee
user-quota=12
total-quota=1200
denied-peer-ip=10.0.0.0-10.255.255.255
denied-peer-ip=198.18.0.0-198.19.255.255
allowed-peer-ip=10.0.0.5
user-agent=nobody
allow-loopback-peers
cli-password=qwerty
no-auth
fingerprint
lt-cred-mech
";

/// Every key that the sample file of coturn 4.6 names.
const KEYS: &str = "\
    CA-file Verbose acme-redirect allocation-default-address-family allow-loopback-peers \
    allowed-peer-ip alt-listening-port alt-tls-listening-port alternate-server aux-server \
    bps-capacity cert channel-lifetime check-origin-consistency cipher-list cli-ip \
    cli-max-output-sessions cli-password cli-port denied-peer-ip dh-file dh1066 dh566 \
    ec-curve-name external-ip fingerprint keep-address-family listening-device listening-ip \
    listening-port log-binding log-file lt-cred-mech max-allocate-lifetime \
    max-allocate-timeout max-bps max-port min-port mobility mongo-userdb mysql-userdb ne \
    new-log-timestamp new-log-timestamp-format no-auth no-cli no-dtls no-multicast-peers \
    no-rfc5780 no-software-attribute no-stdout-log no-stun no-stun-backward-compatibility \
    no-tcp no-tcp-relay no-tls no-tlsv1 no-tlsv1_1 no-tlsv1_2 no-udp no-udp-relay oauth \
    permission-lifetime pidfile pkey pkey-pwd proc-group proc-user prometheus psql-userdb \
    realm redis-statsdb redis-userdb relay-device relay-ip relay-threads \
    response-origin-only-with-rfc5780 rest-api-separator secret-key-file secure-stun \
    server-name server-relay simple-log stale-nonce static-auth-secret stun-only syslog \
    syslog-facility tcp-proxy-port tls-alternate-server tls-listening-port total-quota \
    udp-self-balance use-auth-secret user user-quota userdb verbose web-admin web-admin-ip \
    web-admin-listen-on-workers web-admin-port";

fn import(text: &str) -> Imported {
    import_text(Path::new("/etc/turnserver.conf"), text)
}

fn warned(imported: &Imported, words: &str) -> bool {
    let told = imported.warnings().iter().map(Warning::to_string);
    told.into_iter().any(|warning| warning.contains(words))
}

#[test]
fn a_file_becomes_a_configuration() {
    let imported = import(FILE);
    let config = imported.config(Settings::default()).unwrap();
    let at = |text: &str| vec![text.parse().unwrap()];
    assert_eq!(config.listeners.udp, at("10.0.0.5:3478"));
    assert_eq!(config.listeners.tcp, at("10.0.0.5:3478"));
    assert_eq!(config.listeners.tls, at("10.0.0.5:443"));
    let relay = config.relay.addresses[0];
    assert_eq!(relay.public.to_string(), "203.0.113.5");
    assert_eq!(relay.local.to_string(), "10.0.0.5");
    assert_eq!(config.relay.ports, 61000..=65000);
    assert_eq!(config.realm, "example.org");
    assert_eq!(config.server_name.as_deref(), Some("turn.example.org"));
    let tls = config.tls.unwrap();
    assert_eq!(tls.certificate, Path::new("/etc/turn.pem"));
    assert_eq!(tls.key, Path::new("/etc/turn.key"));
    let users = &config.credentials.users;
    assert!(matches!(&users[0].proof, Proof::Password(text) if text.reveal() == "hunter2"));
    assert!(matches!(&users[1].proof, Proof::Key(key) if key[0] == 0xbc));
    assert_eq!(
        config.limits.allocations_per_user.map(|n| n.get()),
        Some(12)
    );
    assert_eq!(config.limits.allocations.map(|n| n.get()), Some(1200));
    let shown: Vec<_> = config
        .peers
        .denied
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(shown, ["10.0.0.0/8", "198.18.0.0/15"]);
    assert!(config.peers.allowed[0].contains("10.0.0.5".parse().unwrap()));
    assert!(
        config
            .notices
            .iter()
            .any(|notice| notice.contains("line 19: user-agent"))
    );
}

#[test]
fn the_printed_file_is_the_same_configuration() {
    let imported = import(FILE);
    let printed = imported.toml();
    let config = |config: Config| {
        let notices = Vec::new();
        format!("{:?}", Config { notices, ..config })
    };
    let direct = config(imported.config(Settings::default()).unwrap());
    let read = Config::from_text(Path::new("f"), &printed, Settings::default()).unwrap();
    assert_eq!(config(read), direct);
    for warning in imported.warnings() {
        assert!(printed.contains(&warning.text), "{warning}");
    }
}

#[test]
fn what_does_not_come_along_is_told_with_its_line() {
    let imported = import(FILE);
    for words in [
        "/etc/turnserver.conf, line 19: user-agent: unknown key",
        "/etc/turnserver.conf, line 20: allow-loopback-peers: dangerous",
        "/etc/turnserver.conf, line 21: cli-password: dangerous",
        "/etc/turnserver.conf, line 22: no-auth: dangerous",
    ] {
        assert!(
            warned(&imported, words),
            "{words}: {:?}",
            imported.warnings()
        );
    }
    assert!(!warned(&imported, "qwerty") && !warned(&imported, "hunter2"));
    assert!(warned(
        &imported,
        "turnserver.conf: it is so here in any case: fingerprint, lt-cred-mech"
    ));
    assert!(warned(
        &import("listening_port=1"),
        "line 1: listening_port: unknown key; did you mean listening-port?"
    ));
    assert!(warned(
        &import("mysql-userdb=\"host=a\""),
        "MySQL is not read"
    ));
    assert!(!warned(&import("allow-loopback-peers=no"), "dangerous"));
    assert!(warned(
        &import("min-port=x"),
        "line 1: min-port: left out: \"x\": expected a port"
    ));
    assert!(warned(
        &import("denied-peer-ip=10.0.0.9-10.0.0.1"),
        "line 1: denied-peer-ip: left out"
    ));
    assert!(warned(
        &import("tls-listening-port=443"),
        "line 1: tls-listening-port: left out"
    ));
    assert!(warned(
        &import("stale-nonce=0"),
        "line 1: stale-nonce: 0: 3600 s is the most"
    ));
}

#[test]
fn what_cannot_be_here_is_told_and_the_file_still_loads() {
    const LOGIN: &str = "realm=r\nuser=u:p\n";
    for (line, words) in [
        (
            "max-allocate-lifetime=7200",
            "line 3: max-allocate-lifetime: 7200: 600 to 3600",
        ),
        ("max-allocate-lifetime=60", "it becomes 600"),
        ("total-quota=99999999999", "it becomes 1000000"),
        ("relay-threads=1000", "it becomes 255"),
        (
            "external-ip=turn.example.org",
            "line 3: external-ip: left out",
        ),
        (
            "external-ip=203.0.113.5/::1",
            "line 3: external-ip: left out",
        ),
        ("realm=s", "line 3: realm: \"s\" takes the place of \"r\""),
        ("server-name=a b", "line 3: server-name: left out"),
        (
            "cert=/etc/turn.pem",
            "line 3: tls-cert: left out: there is no pkey",
        ),
        (
            "pkey=/etc/turn.pem",
            "line 3: tls-key: left out: there is no cert",
        ),
        ("user=u:q", "line 3: user: left out: \"u\": there is a user"),
        (
            "user=v:0xbeef",
            "line 3: user: left out: \"v\": expected a key",
        ),
        (
            "min-port=5000\nmax-port=4000",
            "line 3: min-port, max-port: left out",
        ),
        ("no-cli\nno-tlsv1", "in any case: no-cli, no-tlsv1"),
        (
            "denied-peer-ip=10.0.0.1\nallowed-peer-ip=10.0.0.2",
            "here they are denied",
        ),
    ] {
        let imported = import(&format!("{LOGIN}{line}"));
        assert!(
            warned(&imported, words),
            "{line}: {:?}",
            imported.warnings()
        );
        let loads = imported.config(Settings::default());
        assert!(loads.is_ok(), "{line}: {loads:?}");
    }
}

#[test]
fn ports_that_the_kernel_gives_away_are_told() {
    let Some(kernel) = super::super::config::ports::ephemeral() else {
        return;
    };
    let text = format!("\nmin-port={}\nmax-port={}", kernel.start(), kernel.end());
    assert!(warned(&import(&text), "line 2: min-port, max-port: "));
    // The default range is coturn's.
    if *kernel.end() >= 49152 {
        assert!(warned(
            &import(""),
            "conf: min-port, max-port: 49152-65535 overlaps"
        ));
    }
    if *kernel.end() < 65000 {
        assert!(!warned(
            &import("min-port=65001\nmax-port=65535"),
            "overlaps"
        ));
    }
}

#[test]
fn secrets_and_users_exclude_each_other_as_in_coturn() {
    let text = "realm=r\nuse-auth-secret\nstatic-auth-secret=a\nstatic-auth-secret=b\nuser=u:p";
    let imported = import(text);
    let config = imported.config(Settings::default()).unwrap();
    assert_eq!(config.credentials.secrets.len(), 2);
    assert!(config.credentials.users.is_empty());
    assert!(warned(&imported, "line 5: user: left out"));
    // A third secret cannot count; the error names coturn's line.
    let third = format!("{text}\nstatic-auth-secret=c");
    let error = import(&third).config(Settings::default()).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("/etc/turnserver.conf, line 3, column 1: secrets:")
    );
    // Nobody at all: coturn is open then, this server is not.
    let open = import("realm=r");
    assert!(warned(&open, "somebody must log in"));
    assert!(open.config(Settings::default()).is_err());
}

#[test]
fn databases_are_read_for_what_coturn_reads_there() {
    let redis = "realm=r\nredis-userdb=\"ip=10.0.0.1 dbname=2 password=turn connect_timeout=30\"\n";
    let store = |text: &str| {
        let config = import(text).config(Settings::default()).unwrap();
        config.credentials.store.unwrap()
    };
    let users = store(redis);
    assert!(users.holds.users() && !users.holds.secrets());
    assert!(matches!(&users.source, Source::Redis(address) if address.database == 2));
    let secrets = store(&format!("{redis}use-auth-secret\n"));
    assert!(secrets.holds.secrets() && !secrets.holds.users());
    let postgres = store("realm=r\npsql-userdb=\"host=a dbname=b user=c password=d\"");
    assert!(matches!(postgres.source, Source::Postgres(_)));
}

#[test]
fn a_nats_address_alone_is_enough() {
    let text = "realm=r\nuser=u:p\nexternal-ip=203.0.113.5";
    let relay = |text: &str| import(text).config(Settings::default()).unwrap().relay;
    let [only] = relay(text).addresses[..] else {
        panic!("one address");
    };
    assert!(only.local.is_unspecified());
    let both = format!("{text}/10.0.0.5\nexternal-ip=203.0.113.6/10.0.0.6\nrelay-ip=10.0.0.5");
    let shown: Vec<_> = relay(&both)
        .addresses
        .iter()
        .map(|at| at.local.to_string())
        .collect();
    assert_eq!(shown, ["10.0.0.5", "10.0.0.6"]);
}

#[test]
fn the_samples_keys_are_all_known() {
    let imported = import(&KEYS.replace(' ', "\n"));
    let unknown = |warning: &&Warning| warning.text.contains("unknown key");
    assert_eq!(imported.warnings().iter().find(unknown), None);
}

proptest! {
    #[test]
    fn any_file_is_read_and_what_is_printed_says_the_same(
        lines in prop::collection::vec((0..150_usize, "(=[ -~]{0,24}|=[0-9]{1,5}|=[0-9.:a-f/-]{1,20}|\\PC{0,9})"), 0..20)
    ) {
        let names: Vec<_> = KEYS.split(' ').collect();
        let line = |(key, value): &(usize, String)| {
            let name = names.get(*key).copied().unwrap_or("realm");
            format!("{name}{value}\n")
        };
        let text: String = lines.iter().map(line).collect();
        let imported = import(&format!("realm=r\nuser=a:b\n{text}"));
        let printed = imported.toml();
        let read = Config::from_text(Path::new("f"), &printed, Settings::default());
        match imported.config(Settings::default()) {
            Err(_) => prop_assert!(read.is_err(), "{}", printed),
            Ok(direct) => {
                let notices = Vec::new;
                let read = Config { notices: notices(), ..read.unwrap() };
                let direct = Config { notices: notices(), ..direct };
                prop_assert_eq!(format!("{read:?}"), format!("{direct:?}"));
            }
        }
    }
}
