//! dimpl, with aws-lc-rs underneath.

use std::collections::VecDeque;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use bench_harness::Item;
use dimpl::certificate::generate_self_signed_certificate;
use dimpl::crypto::{NamedGroup, aws_lc_rs};
use dimpl::{Config, Dtls, DtlsCertificate, Output};
use dtls_handshake::{Group, Version};

use super::super::Kind;

pub(super) fn add(item: &mut Item, kind: Kind) {
    let group = match kind.group {
        Group::Secp256r1 => NamedGroup::Secp256r1,
        _ => NamedGroup::X25519,
    };
    let config = Config::builder()
        .with_crypto_provider(aws_lc_rs::default_provider())
        .use_server_cookie(false)
        .kx_groups(&[group])
        .build()
        .expect("a configuration");
    let certificate = || generate_self_signed_certificate().expect("a certificate");
    let pair = Pair {
        config: Arc::new(config),
        certificates: [certificate(), certificate()],
        version: kind.version,
    };
    item.add("dimpl (aws-lc)", 1, || (), move |()| pair.handshake());
}

struct Pair {
    config: Arc<Config>,
    certificates: [DtlsCertificate; 2],
    version: Version,
}

/// One side, what it has to send, and whether it has keys.
struct Side {
    dtls: Dtls,
    packets: VecDeque<Vec<u8>>,
    keyed: bool,
}

impl Pair {
    fn handshake(&self) {
        let now = Instant::now();
        let [mut client, mut server] = [true, false].map(|is_client| self.side(is_client, now));
        for _ in 0..40 {
            client.drain();
            while let Some(packet) = client.packets.pop_front() {
                server.dtls.handle_packet(&packet).expect("a packet");
            }
            server.drain();
            while let Some(packet) = server.packets.pop_front() {
                client.dtls.handle_packet(&packet).expect("a packet");
            }
            if client.keyed && server.keyed {
                return;
            }
        }
        panic!("no handshake");
    }

    fn side(&self, is_client: bool, now: Instant) -> Side {
        let new = match self.version {
            Version::Dtls13 => Dtls::new_13,
            _ => Dtls::new_12,
        };
        let certificate = self.certificates[usize::from(is_client)].clone();
        let mut dtls = new(self.config.clone(), certificate, now);
        if is_client {
            dtls.set_active(true);
        }
        dtls.handle_timeout(now).expect("a start");
        Side {
            dtls,
            packets: VecDeque::new(),
            keyed: false,
        }
    }
}

impl Side {
    fn drain(&mut self) {
        let mut buffer = [0; 2048];
        loop {
            match self.dtls.poll_output(&mut buffer) {
                Output::Packet(packet) => self.packets.push_back(packet.to_vec()),
                Output::Timeout(_) => return,
                Output::KeyingMaterial(keys, profile) => {
                    black_box((keys, profile));
                    self.keyed = true;
                }
                _ => {}
            }
        }
    }
}
