//! Network namespaces: a browser in one, a gateway in another, and a NAT with a firewall between them.

use std::process::{Command, Stdio};

use super::process::PATIENCE;

/// The gateway's address, beyond the NAT.
pub(crate) const GATEWAY: &str = "198.18.0.2";

/// The gateway's name, as the browser's network knows it.
pub(crate) const NAME: &str = "gateway.test";

/// What the variable tells a test that runs where the browser is: the gateway's namespace.
const INSIDE: &str = "TEST_GATEWAY_NAMESPACE";

/// The namespaces; they go with the value.
#[derive(Debug)]
pub(crate) struct Networks {
    browser: String,
    nat: String,
    gateway: String,
}

impl Networks {
    /// Makes the networks. `blocked` are matches of packets that the firewall drops, in the words of
    /// nftables.
    pub(crate) fn new(blocked: &[&str]) -> Self {
        let id = std::process::id();
        let networks = Self {
            browser: format!("browser{id}"),
            nat: format!("nat{id}"),
            gateway: format!("gateway{id}"),
        };
        networks.link();
        networks.block(blocked);
        let etc = networks.etc();
        std::fs::create_dir_all(&etc).unwrap();
        let hosts = format!("127.0.0.1 localhost\n{GATEWAY} {NAME}\n");
        std::fs::write(etc + "/hosts", hosts).unwrap();
        networks
    }

    /// The namespace of the gateway, in a test that runs in the browser's.
    pub(crate) fn inside() -> Option<String> {
        std::env::var(INSIDE).ok()
    }

    /// Runs a test of this program once more, in the browser's namespace.
    pub(crate) fn run(&self, test: &str) {
        let program = std::env::current_exe().unwrap();
        let mut command = Command::new("ip");
        command
            .args(["netns", "exec", &self.browser])
            .arg("timeout")
            .arg((4 * PATIENCE).as_secs().to_string())
            .arg(program)
            .args(["--exact", test, "--nocapture"])
            .env(INSIDE, &self.gateway);
        // It is said here only if it is wanted: whoever counts tests should count this one once.
        let done = command.output().unwrap();
        let said = [&done.stdout, &done.stderr].map(|text| String::from_utf8_lossy(text));
        assert!(
            done.status.success(),
            "{test} in its network: {}",
            said.concat()
        );
    }

    /// What `ip netns exec` puts over `/etc` for the browser.
    fn etc(&self) -> String {
        format!("/etc/netns/{}", self.browser)
    }

    /// `browser 10.77.1.2 — 10.77.1.1 nat 198.18.0.1 — 198.18.0.2 gateway`
    fn link(&self) {
        let Self {
            browser,
            nat,
            gateway,
        } = self;
        for namespace in [browser, nat, gateway] {
            ip(&format!("netns add {namespace}"));
            ip(&format!("-n {namespace} link set lo up"));
        }
        ip(&format!(
            "link add inner netns {browser} type veth peer name lan netns {nat}"
        ));
        ip(&format!(
            "link add outer netns {gateway} type veth peer name wan netns {nat}"
        ));
        for (namespace, link, address) in [
            (browser, "inner", "10.77.1.2"),
            (nat, "lan", "10.77.1.1"),
            (nat, "wan", "198.18.0.1"),
            (gateway, "outer", GATEWAY),
        ] {
            ip(&format!("-n {namespace} addr add {address}/24 dev {link}"));
            ip(&format!("-n {namespace} link set {link} up"));
        }
        ip(&format!("-n {browser} route add default via 10.77.1.1"));
        let forward = "netns exec NAT sysctl -qw net.ipv4.ip_forward=1";
        ip(&forward.replace("NAT", nat));
    }

    fn block(&self, blocked: &[&str]) {
        let drops: String = blocked.iter().map(|what| format!("{what} drop;")).collect();
        let rules = format!(
            "table ip test {{
                chain nat {{
                    type nat hook postrouting priority srcnat;
                    oifname \"wan\" masquerade fully-random;
                }}
                chain firewall {{
                    type filter hook forward priority filter;
                    {drops}
                }}
            }}"
        );
        let mut nft = Command::new("ip");
        let status = nft
            .args(["netns", "exec", &self.nat, "nft", &rules])
            .status();
        assert!(status.unwrap().success(), "nft takes no {rules}");
    }
}

impl Drop for Networks {
    fn drop(&mut self) {
        for namespace in [&self.browser, &self.nat, &self.gateway] {
            let mut delete = Command::new("ip");
            let delete = delete.args(["netns", "delete", namespace]);
            let _ = delete.stderr(Stdio::null()).status();
        }
        let _ = std::fs::remove_dir_all(self.etc());
    }
}

fn ip(arguments: &str) {
    let status = Command::new("ip").args(arguments.split(' ')).status();
    assert!(status.unwrap().success(), "ip {arguments}");
}
