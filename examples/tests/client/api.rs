//! A client of the gateway's HTTP interface, wherever the gateway runs.

use std::sync::Arc;

use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::Value;

use super::browser::{Browser, Caller};
use super::events::Events;

/// A client that trusts one gateway's certificate.
pub(crate) struct Api {
    /// Speaks HTTP/2 to it.
    pub(crate) client: Client,
    origin: String,
}

/// A call as the gateway's 201 describes it.
pub(crate) struct Call {
    /// Its URL.
    pub(crate) url: String,
    /// The entity tag, with its quotes.
    pub(crate) etag: String,
    /// The SDP answer.
    pub(crate) answer: String,
}

impl Api {
    /// A client of the gateway at `https://HOST:PORT` with this certificate.
    pub(crate) fn new(origin: String, certificate: &[u8]) -> Self {
        let client = client(certificate);
        Self { client, origin }
    }

    /// The URL of a path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    /// A request for a call, to be changed or sent.
    pub(crate) fn post(&self, to: &str, offer: String) -> RequestBuilder {
        self.client
            .post(self.url("/v1/calls"))
            .query(&[("to", to)])
            .header("content-type", "application/sdp")
            .body(offer)
    }

    /// Begins a call.
    pub(crate) async fn call(&self, to: &str, offer: String) -> Call {
        let response = self.post(to, offer).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::CREATED);
        let header = |name| response.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(header("content-type"), "application/sdp");
        let (location, etag) = (header("location"), header("etag"));
        Call {
            url: self.url(&location),
            etag,
            answer: response.text().await.unwrap(),
        }
    }

    /// Dials as a browser does, and waits until media may flow.
    pub(crate) async fn dial(&self, to: &str) -> (Call, Events, Browser) {
        let caller = Caller::new().await;
        let call = self.call(to, caller.offer()).await;
        let events = self.follow(&call).await;
        let mut browser = caller.join(&call.answer);
        browser.connected().await;
        (call, events, browser)
    }

    /// Dials a phone that picks up, and waits for that.
    pub(crate) async fn talk(&self, to: &str) -> (Call, Events, Browser) {
        let (call, mut events, browser) = self.dial(to).await;
        events.until("answered").await;
        (call, events, browser)
    }

    /// The call's events.
    pub(crate) async fn follow(&self, call: &Call) -> Events {
        let url = format!("{}/events", call.url);
        let response = self.client.get(url).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        Events::new(response)
    }

    /// Hangs up.
    pub(crate) async fn hang_up(&self, call: &Call) {
        let response = self.client.delete(&call.url).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
    }

    /// What has passed and what was dropped.
    pub(crate) async fn stats(&self, call: &Call) -> Value {
        let request = self.client.get(format!("{}/stats", call.url));
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        response.json().await.unwrap()
    }

    /// A trickle fragment for a call, to be changed or sent.
    pub(crate) fn patch(&self, call: &Call, fragment: String) -> RequestBuilder {
        self.client
            .patch(&call.url)
            .header("content-type", "application/trickle-ice-sdpfrag")
            .body(fragment)
    }
}

fn client(certificate: &[u8]) -> Client {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate.to_vec().into()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    tls.alpn_protocols = vec![b"h2".to_vec()];
    Client::builder()
        .use_preconfigured_tls(tls)
        .no_proxy()
        .build()
        .unwrap()
}
