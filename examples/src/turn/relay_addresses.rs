//! Where peers see the clients, when nobody has said it: at the best addresses that there are.

use std::net::IpAddr;

use turn_relay::server::PeerPolicy;

use super::config::RelayAddress;

/// What an address is good for; the better ones first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Worth {
    /// A host on the internet.
    Public,
    /// A host in a network of its own.
    Private,
    /// Nobody outside this machine or this link: bridges of containers and virtual machines, link-local.
    Near,
    /// This machine alone.
    Loopback,
}

/// Names that interfaces of containers and virtual machines begin with.
const BRIDGES: [&str; 6] = ["docker", "br-", "veth", "virbr", "cni", "podman"];

/// The addresses of bridges to containers and virtual machines.
pub(super) fn bridges() -> Vec<IpAddr> {
    let is_bridge = |interface: &if_addrs::Interface| {
        BRIDGES
            .iter()
            .any(|prefix| interface.name.starts_with(prefix))
    };
    // Without a list none is known to be one.
    let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
    let bridges = interfaces.into_iter().filter(is_bridge);
    bridges.map(|interface| interface.ip()).collect()
}

/// In each family the public addresses, or without such the private ones; anything else only where there
/// is nothing better in either family.
pub(super) fn usual(ips: &[IpAddr], bridges: &[IpAddr]) -> Vec<IpAddr> {
    let worth = |ip: &IpAddr| worth(*ip, bridges);
    let best = ips.iter().map(worth).min();
    let is_best = |ip: &&IpAddr| {
        let family = ips.iter().filter(|other| other.is_ipv4() == ip.is_ipv4());
        let worth_of_it = worth(ip);
        let is_far = worth_of_it <= Worth::Private || Some(worth_of_it) == best;
        is_far && family.map(worth).min() == Some(worth_of_it)
    };
    let mut chosen: Vec<IpAddr> = Vec::new();
    for ip in ips.iter().filter(is_best) {
        if !chosen.contains(ip) {
            chosen.push(*ip);
        }
    }
    chosen
}

/// What to tell of public addresses beside others: clients are given one or the other in turn.
pub(super) fn mix(relays: &[RelayAddress]) -> Option<String> {
    let public = |relay: &&RelayAddress| worth(relay.public, &[]) == Worth::Public;
    let list = |relays: Vec<&RelayAddress>| -> String {
        let shown: Vec<String> = relays.iter().map(|at| at.public.to_string()).collect();
        shown.join(", ")
    };
    let (public, others): (Vec<_>, Vec<_>) = relays.iter().partition(public);
    (!public.is_empty() && !others.is_empty()).then(|| {
        format!(
            "relay-address: {} can be reached from the internet, {} cannot: name those that are meant",
            list(public),
            list(others)
        )
    })
}

fn worth(ip: IpAddr, bridges: &[IpAddr]) -> Worth {
    let is_link_local = match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    };
    if ip.is_loopback() {
        Worth::Loopback
    } else if is_link_local || bridges.contains(&ip) {
        Worth::Near
    } else if PeerPolicy::internet().permits((ip, 1).into()) {
        Worth::Public
    } else {
        Worth::Private
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usual_of(ips: &str) -> String {
        let ips: Vec<IpAddr> = ips.split(' ').map(|ip| ip.parse().unwrap()).collect();
        let bridges = ["172.17.0.1".parse().unwrap()];
        let shown: Vec<_> = usual(&ips, &bridges)
            .iter()
            .map(ToString::to_string)
            .collect();
        shown.join(" ")
    }

    #[test]
    fn a_public_address_serves_alone_in_its_family() {
        for (there, serve) in [
            ("127.0.0.1 9.9.9.9 10.77.0.5 172.17.0.1", "9.9.9.9"),
            ("10.77.0.5 172.17.0.1 169.254.1.1", "10.77.0.5"),
            ("127.0.0.1 172.17.0.1", "172.17.0.1"),
            ("127.0.0.1 ::1", "127.0.0.1 ::1"),
            ("9.9.9.9 8.8.8.8 9.9.9.9", "9.9.9.9 8.8.8.8"),
            ("10.0.0.1 2a00::1 fd00::1 ::1", "10.0.0.1 2a00::1"),
            ("172.17.0.1 2a00::1", "2a00::1"),
        ] {
            assert_eq!(usual_of(there), serve, "{there}");
        }
    }

    #[test]
    fn public_addresses_beside_others_are_told() {
        let at = |ip: &str| {
            let ip = ip.parse().unwrap();
            RelayAddress {
                local: ip,
                public: ip,
            }
        };
        assert_eq!(mix(&[at("9.9.9.9"), at("2a00::1")]), None);
        assert_eq!(mix(&[at("10.0.0.1"), at("10.0.0.2")]), None);
        let told = mix(&[at("9.9.9.9"), at("10.0.0.2")]).unwrap();
        assert!(
            told.contains("9.9.9.9 can") && told.contains("10.0.0.2 cannot"),
            "{told}"
        );
    }
}
