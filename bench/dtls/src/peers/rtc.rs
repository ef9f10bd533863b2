//! rtc-dtls, with ring underneath.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use bench_harness::Item;
use rtc_dtls::config::{ClientAuthType, ConfigBuilder, ExtendedMasterSecretType, HandshakeConfig};
use rtc_dtls::crypto::Certificate;
use rtc_dtls::endpoint::{Endpoint, EndpointEvent};
use rtc_dtls::extension::extension_use_srtp::SrtpProtectionProfile;
use rtc_shared::TransportProtocol;

pub(super) fn add(item: &mut Item) {
    let (client, server) = (config(true), config(false));
    item.add("rtc-dtls", 1, || (), move |()| handshake(&client, &server));
}

fn config(is_client: bool) -> Arc<HandshakeConfig> {
    let provider = rtc_crypto::default_provider().expect("a provider");
    let names = vec!["localhost".to_owned()];
    let certificate = Certificate::generate_self_signed(names, provider.crypto());
    let config = ConfigBuilder::default()
        .with_crypto_provider(provider)
        .with_certificates(vec![certificate.expect("a certificate")])
        .with_srtp_protection_profiles(vec![
            SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm,
            SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80,
        ])
        .with_client_auth(ClientAuthType::RequireAnyClientCert)
        .with_extended_master_secret(ExtendedMasterSecretType::Require)
        .with_insecure_skip_verify(true)
        .build(is_client, None);
    Arc::new(config.expect("a configuration"))
}

fn handshake(client_config: &Arc<HandshakeConfig>, server_config: &Arc<HandshakeConfig>) {
    let now = Instant::now();
    let address = |port| SocketAddr::from(([127, 0, 0, 1], port));
    let (here, there) = (address(4000), address(5000));
    let mut client = Endpoint::new(here, TransportProtocol::UDP, None);
    let mut server = Endpoint::new(there, TransportProtocol::UDP, Some(server_config.clone()));
    client
        .connect(now, there, client_config.clone(), None)
        .expect("a start");
    let mut complete = [false; 2];
    for _ in 0..60 {
        complete[0] |= pass(&mut client, &mut server, here, now);
        complete[1] |= pass(&mut server, &mut client, there, now);
        if complete == [true; 2] {
            return;
        }
    }
    panic!("no handshake");
}

/// Whether `to` is done now.
fn pass(from: &mut Endpoint, to: &mut Endpoint, address: SocketAddr, now: Instant) -> bool {
    let mut complete = false;
    while let Some(transmit) = from.poll_transmit() {
        let events = to.read(now, address, None, transmit.message);
        for event in events.expect("a datagram") {
            complete |= matches!(event, EndpointEvent::HandshakeComplete);
        }
    }
    complete
}
