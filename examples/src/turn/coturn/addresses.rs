//! Where clients come and where peers see them, out of what the keys said one by one.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use toml::Value;

use super::build::Import;
use crate::turn::config::ports;

impl Import<'_> {
    pub(super) fn listeners(&mut self) {
        let [udp, tcp, tls] = self.transports;
        let has_certificate = self.settings.contains_key("tls-cert");
        let addresses: Vec<String> = match self.addresses[..] {
            [] => vec!["0.0.0.0".into(), "[::]".into()],
            ref some => {
                let written = |address: IpAddr| match address {
                    IpAddr::V4(address) => address.to_string(),
                    IpAddr::V6(address) => format!("[{address}]"),
                };
                some.iter().map(|(_, address)| written(*address)).collect()
            }
        };
        let first = self.addresses.first().map(|(number, _)| *number);
        for (key, is_on, (line, port)) in [
            ("listen-udp", udp, self.port),
            ("listen-tcp", tcp, self.port),
            ("listen-tls", tls && has_certificate, self.tls_port),
        ] {
            let at = |address: &String| Value::from(format!("{address}:{port}"));
            let listed = if is_on { addresses.as_slice() } else { &[] };
            let list = Value::Array(listed.iter().map(at).collect());
            self.set(key, line.or(first).unwrap_or(1), list);
        }
        match (self.tls_port.0, has_certificate, tls) {
            (Some(number), false, true) => {
                let text = "tls-listening-port: left out: cert and pkey name no certificate";
                self.warn(number, text.into());
            }
            (_, true, true) => self.note("DTLS is not spoken; TLS is"),
            _ => {}
        }
    }

    pub(super) fn relays(&mut self) {
        let [(low_line, low), (high_line, high)] = [self.low, self.high];
        let range = low..=high;
        let number = low_line.or(high_line);
        if let Some(number) = number {
            match low < high {
                true => self.set("relay-ports", number, format!("{low}-{high}")),
                false => {
                    let text = format!("min-port, max-port: left out: {low}-{high} is no range");
                    self.warn(number, text);
                }
            }
        }
        if let Some(kernel) = ports::ephemeral()
            && ports::overlap(&range, &kernel)
        {
            let text = format!("min-port, max-port: {}", ports::shared(&range, &kernel));
            match number {
                Some(number) => self.warn(number, text),
                None => self.note(&text),
            }
        }
        let externals = std::mem::take(&mut self.externals);
        let mut addresses: Vec<Value> = Vec::new();
        let mut relays = std::mem::take(&mut self.relays);
        let number = externals.first().map(|(line, _)| *line);
        let number = number.or(relays.first().map(|(line, _)| *line));
        for (_, external) in externals {
            if external.contains('/') {
                let local = external
                    .split('/')
                    .nth(1)
                    .and_then(|ip| ip.parse::<IpAddr>().ok());
                relays.retain(|(_, relay)| Some(*relay) != local);
                addresses.push(external.into());
                continue;
            }
            // The one address stands for whatever the server relays at.
            let local = relays.pop().or(self.addresses.first().copied());
            // The address of the machine's first interface, where none is named.
            let unspecified = match external.contains(':') {
                true => IpAddr::from(Ipv6Addr::UNSPECIFIED),
                false => Ipv4Addr::UNSPECIFIED.into(),
            };
            let local = local.map_or(unspecified, |(_, local)| local);
            addresses.push(format!("{external}/{local}").into());
        }
        addresses.extend(
            relays
                .iter()
                .map(|(_, relay)| Value::from(relay.to_string())),
        );
        if let Some(number) = number.filter(|_| !addresses.is_empty()) {
            self.set("relay-address", number, Value::Array(addresses));
        }
    }
}
