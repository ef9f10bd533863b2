//! A TURN client of our own, with a login of the gateway.

use std::net::SocketAddr;
use std::time::Duration;

use examples::driver::{Connections, Relayed, RelayedNews, now};
use serde_json::Value;
use tokio::net::UdpSocket;
use tokio::time::timeout;
use turn_relay::client::{Allocation, Cause, Config, Event};

use super::PATIENCE;
use super::api::Api;

/// A login as the gateway hands it out.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Login {
    pub(crate) user: String,
    pub(crate) password: String,
    pub(crate) udp: SocketAddr,
    pub(crate) tcp: SocketAddr,
}

impl Login {
    /// Asks for one.
    pub(crate) async fn ask(server: &Api) -> Self {
        let response = server.client.get(server.url("/v1/ice-servers"));
        let json: Value = response.send().await.unwrap().json().await.unwrap();
        let told = &json["iceServers"][0];
        assert_eq!(json["grant"], told["username"]);
        let url = |index: usize, transport: &str| {
            let url = told["urls"][index].as_str().unwrap();
            let address = url.strip_prefix("turn:").unwrap();
            let address = address.strip_suffix(&format!("?transport={transport}"));
            address.unwrap().parse().unwrap()
        };
        assert_eq!(told["urls"].as_array().unwrap().len(), 2, "no TLS: {told}");
        Self {
            user: told["username"].as_str().unwrap().to_owned(),
            password: told["credential"].as_str().unwrap().to_owned(),
            udp: url(0, "udp"),
            tcp: url(1, "tcp"),
        }
    }

    /// A client with this login that has asked for nothing yet.
    pub(crate) fn over_udp(&self) -> Client {
        self.client(Config::udp(self.udp))
    }

    /// The same over TCP.
    pub(crate) fn over_tcp(&self) -> Client {
        self.client(Config::tcp(self.tcp))
    }

    fn client(&self, config: Config) -> Client {
        let config = config
            .with_credentials(&self.user, &self.password)
            .with_local(self.udp.ip());
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).unwrap();
        let allocation = Allocation::new(config, seed).unwrap();
        Client(Relayed::new(allocation, Connections::default()))
    }
}

/// A TURN client.
pub(crate) struct Client(pub(crate) Relayed);

impl Client {
    /// What happens next.
    pub(crate) async fn event(&mut self) -> Event {
        let event = async {
            loop {
                if let RelayedNews::Event(event) = self.0.next().await {
                    return event;
                }
            }
        };
        timeout(PATIENCE, event).await.expect("an event in time")
    }

    /// Waits for its allocation.
    pub(crate) async fn allocate(mut self) -> Self {
        let event = self.event().await;
        assert!(matches!(event, Event::Allocated(_)), "{event:?}");
        self
    }

    /// Waits until nobody has the relayed address any more, and what the server says then.
    pub(crate) async fn ended(mut self) -> Cause {
        let relayed = self.0.allocation().relayed().unwrap();
        let over = async {
            while UdpSocket::bind(relayed).await.is_err() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(PATIENCE, over).await.expect("the relay closes");
        let peer = [127, 0, 0, 1].into();
        self.0.allocation().permit(now(), peer).unwrap();
        match self.event().await {
            Event::Ended(cause) | Event::PermissionRefused { cause, .. } => cause,
            other => panic!("{other:?}"),
        }
    }
}
