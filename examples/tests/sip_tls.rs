//! Calls over TLS: the server's certificate decides.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)] // checks fail loudly

use std::net::SocketAddr;
use std::time::Duration;

use examples::sip::{CallEvent, UserAgent, UserAgentConfig};
use rsipstack::EndpointBuilder;
use rsipstack::sip::{Method, StatusCode};
use rsipstack::transport::TransportLayer;
use rsipstack::transport::tls::{TlsConfig, TlsListenerConnection};
use tokio::time::{Instant, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};

const OFFER: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
    m=audio 40000 RTP/AVP 0\r\n";

/// A certificate of its own authority, and its key, both in PEM.
fn certificate(name: &str) -> (String, String) {
    let made = rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
    (made.cert.pem(), made.signing_key.serialize_pem())
}

/// A SIP server over TLS where everybody is busy.
async fn busy_server(cert: &str, key: &str) -> (SocketAddr, DropGuard) {
    // The library takes the provider of the process.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let config = TlsConfig {
        cert: Some(cert.as_bytes().to_vec()),
        key: Some(key.as_bytes().to_vec()),
        ..Default::default()
    };
    let stop = CancellationToken::new();
    let transport = TransportLayer::new(stop.clone());
    transport.add_transport(
        TlsListenerConnection::new(address, None, config)
            .await
            .unwrap()
            .into(),
    );
    let endpoint = EndpointBuilder::new()
        .with_transport_layer(transport)
        .with_cancel_token(stop.clone())
        .build();
    let mut incoming = endpoint.incoming_transactions().unwrap();
    tokio::spawn(async move { endpoint.serve().await });
    tokio::spawn(async move {
        while let Some(mut transaction) = incoming.recv().await {
            if transaction.original.method == Method::Invite {
                transaction.reply(StatusCode::BusyHere).await.unwrap();
            }
        }
    });
    let listens = async {
        while tokio::net::TcpStream::connect(address).await.is_err() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(5), listens)
        .await
        .expect("the server listens");
    (address, stop.drop_guard())
}

async fn call(roots: Option<&str>, server: &str) -> CallEvent {
    let mut config =
        UserAgentConfig::new("127.0.0.1:0".parse().unwrap(), "gateway".parse().unwrap());
    config.tls_roots = roots.map(|pem| pem.as_bytes().to_vec());
    let agent = UserAgent::start(config).await.unwrap();
    let user = "x".parse().unwrap();
    let mut call = agent
        .invite(&server.parse().unwrap(), &user, OFFER.to_owned())
        .await
        .unwrap();
    let start = Instant::now();
    loop {
        let event = timeout(Duration::from_secs(20), call.next())
            .await
            .unwrap()
            .unwrap();
        if event.is_final() {
            assert!(start.elapsed() < Duration::from_secs(6));
            return event;
        }
    }
}

#[tokio::test]
async fn only_a_trusted_server_of_that_name_is_called() {
    let (cert, key) = certificate("localhost");
    let (other, _) = certificate("localhost");
    let (address, _server) = busy_server(&cert, &key).await;
    let by_name = format!("localhost:{};transport=tls", address.port());
    let by_address = format!("{address};transport=tls");

    let event = call(Some(&cert), &by_name).await;
    assert!(
        matches!(event, CallEvent::Refused { status: 486, .. }),
        "{event:?}"
    );
    for (roots, server) in [
        (Some(&*other), &by_name),
        (None, &by_name),
        (Some(&*cert), &by_address),
    ] {
        let event = call(roots, server).await;
        let CallEvent::Failed { reason } = event else {
            panic!("{event:?}")
        };
        assert!(
            reason.contains("cannot be reached: ") && reason.contains("ertificate"),
            "{reason}"
        );
    }
}
