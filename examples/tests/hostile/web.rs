//! What reaches the gateway by HTTPS: broken requests over sockets, broken offers in sound ones.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use reqwest::StatusCode;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::Random;
use crate::client::PATIENCE;
use crate::client::api::Api;

/// How often the gateway answered what.
pub(crate) type Answers = BTreeMap<String, usize>;

/// Connections to a gateway that are made by hand.
pub(crate) struct Door {
    address: SocketAddr,
    connector: TlsConnector,
}

impl Door {
    pub(crate) fn new(address: SocketAddr, certificate: &CertificateDer<'static>) -> Self {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(certificate.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let connector = TlsConnector::from(Arc::new(config));
        Self { address, connector }
    }

    /// Sends broken requests, every tenth without TLS, and reads what is answered.
    pub(crate) async fn knock(&self, requests: &[Vec<u8>], seed: u64, count: usize) -> Answers {
        let mut answers = Answers::new();
        for index in 0..count {
            let mut random = Random::of(seed, "HTTP", index);
            let request = random.pick(requests).clone();
            let request = random.mutate(&request);
            let stream = TcpStream::connect(self.address).await.unwrap();
            let answer = if index % 10 == 0 {
                say(stream, &request).await
            } else {
                let name = ServerName::try_from("localhost").unwrap();
                let stream = self.connector.connect(name, stream).await.unwrap();
                say(stream, &request).await
            };
            *answers.entry(answer).or_default() += 1;
        }
        answers
    }
}

/// Says all and listens to the end. The status, if there is one.
async fn say(mut stream: impl AsyncRead + AsyncWrite + Unpin, bytes: &[u8]) -> String {
    // The gateway may close before it has heard everything.
    let _ = stream.write_all(bytes).await;
    let _ = stream.shutdown().await;
    let mut answer = Vec::new();
    let read = timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
    let _ = read.expect("the gateway closes");
    let text = String::from_utf8_lossy(&answer);
    match text.strip_prefix("HTTP/1.1 ") {
        Some(status) => status.chars().take(3).collect(),
        None if answer.is_empty() => "closed".to_owned(),
        None => "HTTP/2 or TLS alert".to_owned(),
    }
}

/// Offers that are broken, in requests that are not. A call that comes about is ended.
pub(crate) async fn offer(api: &Api, offer: &str, seed: u64, count: usize) -> Answers {
    let mut answers = Answers::new();
    for index in 0..count {
        let broken = Random::of(seed, "SDP", index).mutate(offer.as_bytes());
        let request = api.client.post(api.url("/v1/calls?to=echo"));
        let request = request.header("content-type", "application/sdp");
        let response = request.body(broken).send().await.unwrap();
        let status = response.status();
        if status == StatusCode::CREATED {
            let location = response.headers()["location"].to_str().unwrap();
            let ended = api.client.delete(api.url(location)).send().await.unwrap();
            assert_eq!(ended.status(), StatusCode::OK);
        }
        *answers.entry(status.as_u16().to_string()).or_default() += 1;
    }
    answers
}
