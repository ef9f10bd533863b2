//! A gateway in this process, and clients for it that are made of our own crates: no browser.
#![allow(dead_code, unused_imports)] // each test uses a part of it

pub(crate) mod agreed;
pub(crate) mod api;
pub(crate) mod browser;
pub(crate) mod events;
pub(crate) mod ice;
pub(crate) mod metrics;
pub(crate) mod phone;
#[path = "../support/process.rs"]
mod process;
pub(crate) mod rtp;
pub(crate) mod turn;

use std::ops::Deref;
use std::time::Duration;

use examples::config::{Config, Settings};
use examples::gateway::Gateway;
use reqwest::{Response, StatusCode};
use serde_json::Value;

use api::Api;
pub(crate) use api::Call;
use process::Scratch;

/// No event of these tests takes longer on a machine that works.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A running gateway, and a client of it.
pub(crate) struct Server {
    /// The gateway itself.
    pub(crate) gateway: Gateway,
    /// Speaks to it.
    api: Api,
    _state: Scratch,
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
            // Where it is wanted, it is asked for with a port of its own.
            turn: Some(false),
            ..Settings::default()
        };
        let config = Config::from_settings(settings.or(here)).unwrap();
        let gateway = Gateway::start(&config).await.unwrap();
        let origin = format!("https://{}", gateway.http().local_addr());
        let api = Api::new(origin, gateway.http().certificate().der());
        Self {
            gateway,
            api,
            _state: state,
        }
    }
}

impl Deref for Server {
    type Target = Api;

    fn deref(&self) -> &Api {
        &self.api
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
