//! Our crate: two connections in memory.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bytes::BytesMut;
use dtls_handshake::{
    Config, Connection, Event, Fingerprint, Group, Identity, SRTP_EXPORTER_LABEL,
};

use super::Kind;

/// Bytes of two connections, without what they hold on the heap.
#[cfg(test)]
pub(crate) const SIZE: usize = 2 * size_of::<Connection>();

/// AEAD_AES_128_GCM and AES_128_CM_HMAC_SHA1_80 (RFC 7714 §14.2, RFC 5764 §4.1.2).
const PROFILES: [u16; 2] = [7, 1];

/// The two sides of many handshakes: their settings, made once.
pub(crate) struct Pair {
    client: Side,
    server: Side,
    now: Instant,
}

struct Side {
    config: Arc<Config>,
    fingerprint: Fingerprint,
}

impl Side {
    fn new(kind: Kind) -> Self {
        let yesterday = SystemTime::now() - Duration::from_secs(86_400);
        let identity = Identity::generate(yesterday).expect("an identity");
        let fingerprint = identity.fingerprint();
        let config = Config::new(identity)
            .with_srtp_profiles(&PROFILES)
            .with_versions(&[kind.version])
            // In DTLS 1.2 the groups are the curves of certificates as well (RFC 8422 §5.1.1).
            .with_groups(&[kind.group, Group::Secp256r1]);
        Self {
            config: Arc::new(config),
            fingerprint,
        }
    }
}

impl Pair {
    pub(crate) fn new(kind: Kind) -> Self {
        Self {
            client: Side::new(kind),
            server: Side::new(kind),
            now: Instant::now(),
        }
    }

    /// A whole handshake with the export of both sides, which are compared.
    pub(crate) fn handshake(&self) -> [Connection; 2] {
        let now = self.now;
        let mut client = Connection::client(self.client.config.clone(), [1; 32], now);
        let mut server = Connection::server(self.server.config.clone(), [2; 32], now);
        client.set_peer_fingerprints(now, vec![self.server.fingerprint]);
        server.set_peer_fingerprints(now, vec![self.client.fingerprint]);
        let mut datagram = BytesMut::with_capacity(4096);
        let mut exported = [None; 2];
        while exported.contains(&None) {
            pass(&mut client, &mut server, &mut datagram, now);
            pass(&mut server, &mut client, &mut datagram, now);
            for (side, exported) in [&mut client, &mut server].into_iter().zip(&mut exported) {
                if let Some(event) = side.poll_event() {
                    *exported = Some(export(side, &event));
                }
            }
        }
        // What acknowledges the last flight.
        pass(&mut client, &mut server, &mut datagram, now);
        pass(&mut server, &mut client, &mut datagram, now);
        assert_eq!(exported[0], exported[1]);
        [client, server]
    }
}

fn pass(from: &mut Connection, to: &mut Connection, datagram: &mut BytesMut, now: Instant) {
    while let Some(range) = from.poll_transmit(datagram) {
        let _ = to.handle_datagram(now, &mut datagram[range]);
        datagram.clear();
    }
}

fn export(side: &Connection, event: &Event) -> [u8; 56] {
    let Event::Connected(connected) = event else {
        panic!("{event:?}");
    };
    let mut keys = [0; 56];
    side.export_keying_material(&connected.peer, SRTP_EXPORTER_LABEL, None, &mut keys)
        .expect("keys");
    keys
}
