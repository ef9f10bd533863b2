//! A gateway in this process, and clients for it that are made of our own crates: no browser.
#![allow(dead_code)] // each test uses a part of it

pub(crate) mod browser;
pub(crate) mod events;
pub(crate) mod phone;
#[path = "../support/process.rs"]
mod process;
pub(crate) mod rtp;

use std::sync::Arc;
use std::time::Duration;

use examples::config::{Config, Settings};
use examples::gateway::Gateway;
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde_json::Value;

use browser::{Browser, Caller};
use events::Events;
use process::Scratch;

/// No event of these tests takes longer on a machine that works.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A running gateway, and a client that trusts its certificate.
pub(crate) struct Server {
    /// The gateway itself.
    pub(crate) gateway: Gateway,
    /// Speaks HTTP/2 to it.
    pub(crate) client: Client,
    origin: String,
    _state: Scratch,
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

impl Server {
    /// A gateway on loopback with the embedded phone only.
    pub(crate) async fn start() -> Self {
        Self::with(Settings::default()).await
    }

    /// A gateway on loopback with more settings.
    pub(crate) async fn with(settings: Settings) -> Self {
        let state = Scratch::new("state");
        let here = Settings {
            listen: Some("127.0.0.1:0".into()),
            media_address: Some(vec!["127.0.0.1".into()]),
            state_dir: Some(state.0.clone()),
            ..Settings::default()
        };
        let config = Config::from_settings(settings.or(here)).unwrap();
        let gateway = Gateway::start(&config).await.unwrap();
        let origin = format!("https://{}", gateway.http().local_addr());
        let client = client(gateway.http().certificate().der());
        Self {
            gateway,
            client,
            origin,
            _state: state,
        }
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

    /// A trickle fragment for a call, to be changed or sent.
    pub(crate) fn patch(&self, call: &Call, fragment: String) -> RequestBuilder {
        self.client
            .patch(&call.url)
            .header("content-type", "application/trickle-ice-sdpfrag")
            .body(fragment)
    }
}

/// Reads a problem and checks what all problems have.
pub(crate) async fn problem(response: Response, status: u16) -> Value {
    assert_eq!(
        response.headers()["content-type"],
        "application/problem+json"
    );
    let got = response.status();
    let problem: Value = response.json().await.unwrap();
    assert_eq!(
        (got, &problem["status"]),
        (StatusCode::from_u16(status).unwrap(), &status.into()),
        "{problem}"
    );
    assert_eq!(problem["type"], "about:blank");
    assert!(!problem["title"].as_str().unwrap().is_empty());
    problem
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
