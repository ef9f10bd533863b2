//! Every key of coturn's file, and what is to be made of it.

/// What a key means here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    ListeningIp,
    ListeningPort,
    TlsListeningPort,
    RelayIp,
    ExternalIp,
    MinPort,
    MaxPort,
    Realm,
    ServerName,
    Cert,
    Pkey,
    User,
    UseAuthSecret,
    StaticAuthSecret,
    UserQuota,
    TotalQuota,
    MaxBps,
    DeniedPeerIp,
    AllowedPeerIp,
    RedisUserdb,
    PsqlUserdb,
    StaleNonce,
    MaxAllocateLifetime,
    Mobility,
    NoTcpRelay,
    NoUdp,
    NoTcp,
    NoTls,
    AlternateServer,
    RelayThreads,
    Prometheus,
    PrometheusPort,
    Verbose,
    /// It is so here in any case, or has no bearing.
    Settled(&'static str),
    /// It opens a door, or hands out a secret: said, and not done.
    Dangerous(&'static str),
    /// There is none here: said.
    Missing(&'static str),
}

const BY_THE_SYSTEM: &str = "the log goes to standard error, and systemd or the shell starts the \
                             server: see docs/turn-server.md";
const NO_CONSOLE: &str = "there is no such console; drop the line and change its password wherever \
                          else it serves";
const RUSTLS: &str = "versions and ciphers of TLS are those of rustls: 1.2 and 1.3, nothing weak";

/// By name.
const KEYS: &[(&str, Key)] = &[
    ("listening-ip", Key::ListeningIp),
    ("listening-port", Key::ListeningPort),
    ("tls-listening-port", Key::TlsListeningPort),
    ("relay-ip", Key::RelayIp),
    ("external-ip", Key::ExternalIp),
    ("min-port", Key::MinPort),
    ("max-port", Key::MaxPort),
    ("realm", Key::Realm),
    ("server-name", Key::ServerName),
    ("cert", Key::Cert),
    ("pkey", Key::Pkey),
    ("user", Key::User),
    ("use-auth-secret", Key::UseAuthSecret),
    ("static-auth-secret", Key::StaticAuthSecret),
    ("user-quota", Key::UserQuota),
    ("total-quota", Key::TotalQuota),
    ("max-bps", Key::MaxBps),
    ("denied-peer-ip", Key::DeniedPeerIp),
    ("allowed-peer-ip", Key::AllowedPeerIp),
    ("redis-userdb", Key::RedisUserdb),
    ("psql-userdb", Key::PsqlUserdb),
    ("sql-userdb", Key::PsqlUserdb),
    ("stale-nonce", Key::StaleNonce),
    ("max-allocate-lifetime", Key::MaxAllocateLifetime),
    ("mobility", Key::Mobility),
    ("no-tcp-relay", Key::NoTcpRelay),
    ("no-udp", Key::NoUdp),
    ("no-tcp", Key::NoTcp),
    ("no-tls", Key::NoTls),
    ("alternate-server", Key::AlternateServer),
    ("relay-threads", Key::RelayThreads),
    ("prometheus", Key::Prometheus),
    ("prometheus-port", Key::PrometheusPort),
    ("verbose", Key::Verbose),
    ("Verbose", Key::Verbose),
    // It is so here in any case.
    ("lt-cred-mech", Key::Settled("lt-cred-mech")),
    ("fingerprint", Key::Settled("fingerprint")),
    ("no-dtls", Key::Settled("no-dtls")),
    ("no-cli", Key::Settled("no-cli")),
    (
        "no-software-attribute",
        Key::Settled("no-software-attribute"),
    ),
    ("no-rfc5780", Key::Settled("no-rfc5780")),
    (
        "no-stun-backward-compatibility",
        Key::Settled("no-stun-backward-compatibility"),
    ),
    (
        "response-origin-only-with-rfc5780",
        Key::Settled("response-origin-only-with-rfc5780"),
    ),
    ("no-multicast-peers", Key::Settled("no-multicast-peers")),
    ("no-loopback-peers", Key::Settled("no-loopback-peers")),
    ("no-tlsv1", Key::Settled("no-tlsv1")),
    ("no-tlsv1_1", Key::Settled("no-tlsv1_1")),
    ("no-sslv2", Key::Settled("no-sslv2")),
    ("no-sslv3", Key::Settled("no-sslv3")),
    ("no-stdout-log", Key::Settled("no-stdout-log")),
    ("simple-log", Key::Settled("simple-log")),
    ("new-log-timestamp", Key::Settled("new-log-timestamp")),
    (
        "new-log-timestamp-format",
        Key::Settled("new-log-timestamp-format"),
    ),
    ("log-binding", Key::Settled("log-binding")),
    ("no-auth-pings", Key::Settled("no-auth-pings")),
    ("no-dynamic-realms", Key::Settled("no-dynamic-realms")),
    ("no-dynamic-ip-list", Key::Settled("no-dynamic-ip-list")),
    ("max-allocate-timeout", Key::Settled("max-allocate-timeout")),
    (
        "cli-max-output-sessions",
        Key::Settled("cli-max-output-sessions"),
    ),
    ("ne", Key::Settled("ne")),
    ("dh566", Key::Settled("dh566")),
    ("dh1066", Key::Settled("dh1066")),
    ("dh2066", Key::Settled("dh2066")),
    (
        "keep-address-family",
        Key::Missing("clients ask for the family they need (RFC 8656 §18.6)"),
    ),
    (
        "allocation-default-address-family",
        Key::Missing("clients ask for the family they need (RFC 8656 §18.6)"),
    ),
    // Doors.
    (
        "no-auth",
        Key::Dangerous("anybody could relay through this server; there is no such mode"),
    ),
    (
        "allow-loopback-peers",
        Key::Dangerous(
            "every user could reach the services of this machine itself; if that is meant, \
             write allow-peers = [\"127.0.0.0/8\", \"::1\"], with ports",
        ),
    ),
    (
        "server-relay",
        Key::Dangerous("anybody could send to clients without their permission; not done"),
    ),
    (
        "secure-stun",
        Key::Missing("a Binding request needs no login"),
    ),
    ("cli-password", Key::Dangerous(NO_CONSOLE)),
    ("cli-ip", Key::Dangerous(NO_CONSOLE)),
    ("cli-port", Key::Dangerous(NO_CONSOLE)),
    ("web-admin", Key::Dangerous(NO_CONSOLE)),
    ("web-admin-ip", Key::Dangerous(NO_CONSOLE)),
    ("web-admin-port", Key::Dangerous(NO_CONSOLE)),
    ("web-admin-listen-on-workers", Key::Dangerous(NO_CONSOLE)),
    (
        "CA-file",
        Key::Dangerous(
            "coturn lets in over TLS only who shows a certificate; here the password alone decides",
        ),
    ),
    (
        "pkey-pwd",
        Key::Dangerous("a key with a password cannot be read: decrypt it for this server"),
    ),
    // There is none here.
    (
        "alt-listening-port",
        Key::Missing("NAT behaviour discovery (RFC 5780) is not answered"),
    ),
    (
        "alt-tls-listening-port",
        Key::Missing("NAT behaviour discovery (RFC 5780) is not answered"),
    ),
    (
        "rfc5780",
        Key::Missing("NAT behaviour discovery (RFC 5780) is not answered"),
    ),
    (
        "tcp-proxy-port",
        Key::Missing("the proxy protocol is not spoken"),
    ),
    (
        "tls-alternate-server",
        Key::Missing("there is one alternate-server for all transports"),
    ),
    (
        "udp-self-balance",
        Key::Missing("workers share each port by themselves"),
    ),
    (
        "aux-server",
        Key::Missing("name it in listen-udp and listen-tcp"),
    ),
    (
        "listening-device",
        Key::Missing("name addresses: listen-udp, listen-tcp, listen-tls"),
    ),
    (
        "relay-device",
        Key::Missing("name addresses: relay-address"),
    ),
    (
        "bps-capacity",
        Key::Missing("set max-bandwidth and max-allocations"),
    ),
    (
        "no-udp-relay",
        Key::Missing("relaying over UDP is what this server does"),
    ),
    ("no-stun", Key::Missing("Binding requests are answered")),
    ("stun-only", Key::Missing("this server relays")),
    (
        "userdb",
        Key::Missing("SQLite is not read: its users are not known here (turnadmin -l)"),
    ),
    (
        "db",
        Key::Missing("SQLite is not read: its users are not known here (turnadmin -l)"),
    ),
    (
        "mysql-userdb",
        Key::Missing("MySQL is not read: its users are not known here"),
    ),
    (
        "mongo-userdb",
        Key::Missing("MongoDB is not read: its users are not known here"),
    ),
    (
        "secret-key-file",
        Key::Missing("MySQL is not read: its users are not known here"),
    ),
    (
        "redis-statsdb",
        Key::Missing("statistics are told at /metrics: admin-listen"),
    ),
    (
        "oauth",
        Key::Missing("logins by OAuth (RFC 7635) are not known"),
    ),
    (
        "check-origin-consistency",
        Key::Missing("ORIGIN is not looked at; there is one realm"),
    ),
    (
        "rest-api-separator",
        Key::Missing("the separator is a colon"),
    ),
    (
        "channel-lifetime",
        Key::Missing("a channel lasts 600 s (RFC 8656 §12)"),
    ),
    (
        "permission-lifetime",
        Key::Missing("a permission lasts 300 s (RFC 8656 §9)"),
    ),
    (
        "acme-redirect",
        Key::Missing("no HTTP is answered at the ports of TURN"),
    ),
    ("no-tlsv1_2", Key::Missing(RUSTLS)),
    ("tlsv1_3", Key::Settled("tlsv1_3")),
    ("cipher-list", Key::Missing(RUSTLS)),
    ("ec-curve-name", Key::Missing(RUSTLS)),
    ("dh-file", Key::Missing(RUSTLS)),
    ("raw-public-keys", Key::Missing(RUSTLS)),
    ("log-file", Key::Missing(BY_THE_SYSTEM)),
    ("syslog", Key::Missing(BY_THE_SYSTEM)),
    ("syslog-facility", Key::Missing(BY_THE_SYSTEM)),
    ("pidfile", Key::Missing(BY_THE_SYSTEM)),
    ("proc-user", Key::Missing(BY_THE_SYSTEM)),
    ("proc-group", Key::Missing(BY_THE_SYSTEM)),
    ("daemon", Key::Missing(BY_THE_SYSTEM)),
    (
        "prometheus-no-username",
        Key::Settled("prometheus-no-username"),
    ),
];

/// What a key means, or the known one that was perhaps meant.
pub(super) fn find(name: &str) -> Result<Key, Option<&'static str>> {
    if let Some((_, key)) = KEYS.iter().find(|(known, _)| *known == name) {
        return Ok(*key);
    }
    let letters = |text: &str| text.to_ascii_lowercase().replace(['-', '_'], "");
    let near = KEYS
        .iter()
        .find(|(known, _)| letters(known) == letters(name));
    Err(near.map(|(known, _)| *known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_stands_twice_and_every_key_of_the_sample_is_known() {
        let mut names: Vec<_> = KEYS.iter().map(|(name, _)| name).collect();
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
        assert_eq!(find("user-agent"), Err(None));
        assert_eq!(find("listening_port"), Err(Some("listening-port")));
    }
}
