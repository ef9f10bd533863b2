//! The whole gateway: what it is made of, in the order it starts and stops.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::SystemTime;

use dtls_handshake::{Identity, IdentityError};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::calls::{self, Calls, Resources, Route, Routes};
use crate::config::{self, Config};
use crate::http;
use crate::media::{self, MediaConfig, MediaError, Pool};
use crate::sip::echo::EchoPhone;
use crate::sip::{self, Credentials, Transport, User, UserAgent, UserAgentConfig};
use crate::turn::embedded::{self, Embedded};

/// Why the gateway did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The HTTPS side.
    #[error(transparent)]
    Http(#[from] http::StartError),
    /// The media side.
    #[error(transparent)]
    Media(#[from] MediaError),
    /// The phone side.
    #[error(transparent)]
    Sip(#[from] sip::StartError),
    /// The embedded TURN server.
    #[error(transparent)]
    Turn(#[from] embedded::StartError),
    /// The way to the SIP server.
    #[error("sip-server: {server}: {source}")]
    Unreachable {
        /// The server.
        server: sip::Server,
        /// What the system says.
        source: io::Error,
    },
    /// The address for the phones is of another version of IP than the SIP server's.
    #[error("phone-address: {address} cannot reach sip-server at {remote}: another version of IP")]
    PhoneAddress {
        /// The configured address.
        address: IpAddr,
        /// The server's.
        remote: SocketAddr,
    },
    /// A configured address on which no socket can be opened.
    #[error("{key}: {address} is not an address of this machine")]
    NotLocal {
        /// The setting.
        key: &'static str,
        /// Its value.
        address: IpAddr,
    },
    /// The certificate of the browser legs.
    #[error("DTLS certificate: {0}")]
    Identity(#[from] IdentityError),
    /// The addresses of the machine.
    #[error("interface addresses: {0}")]
    Interfaces(#[source] io::Error),
}

/// A running gateway.
#[derive(Debug)]
pub struct Gateway {
    server: http::Server,
    metrics: Option<http::MetricsServer>,
    resources: Arc<Resources>,
    exchange: JoinHandle<()>,
    stop: CancellationToken,
    _echo: EchoPhone,
}

impl Gateway {
    /// Starts everything, the listener last.
    ///
    /// # Errors
    /// See [`StartError`]; what had started has ended then.
    pub async fn start(config: &Config) -> Result<Self, StartError> {
        let media = config.media.addresses.iter();
        let media = media.map(|address| ("media-address", *address));
        let phone = config.sip.local.map(|address| ("phone-address", address));
        for (key, address) in media.chain(phone) {
            check_local(key, address)?;
        }
        let echo = EchoPhone::start(Ipv4Addr::LOCALHOST.into()).await?;
        let resources = Arc::new(resources(config, &echo).await?);
        let (calls, commands) = Calls::channel();
        let metrics = match config.metrics {
            Some(address) => Some(http::MetricsServer::start(address, resources.clone()).await?),
            None => None,
        };
        let server = http::Server::start(
            &config.http,
            calls,
            resources.metrics.clone(),
            resources.turn.clone(),
        )
        .await?;
        if let Some(turn) = &resources.turn {
            turn.tell();
        }
        let stop = CancellationToken::new();
        let exchange = calls::run(resources.clone(), commands, stop.clone());
        let exchange = tokio::spawn(exchange);
        Ok(Self {
            server,
            metrics,
            resources,
            exchange,
            stop,
            _echo: echo,
        })
    }

    /// The HTTPS side.
    #[must_use]
    pub fn http(&self) -> &http::Server {
        &self.server
    }

    /// Where metrics are told, if they are.
    #[must_use]
    pub fn metrics(&self) -> Option<&http::MetricsServer> {
        self.metrics.as_ref()
    }

    /// Ends all calls properly, then everything else, within about two seconds.
    pub async fn shutdown(self) {
        self.stop.cancel();
        if let Err(error) = self.exchange.await {
            tracing::error!(%error, "the task of the calls");
        }
        self.server.shutdown().await;
        if let Some(metrics) = self.metrics {
            metrics.shutdown().await;
        }
        self.resources.media.stop();
    }
}

/// Media leaves from the very address that the other side is told.
fn check_local(key: &'static str, address: IpAddr) -> Result<(), StartError> {
    match UdpSocket::bind((address, 0)) {
        Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable => {
            Err(StartError::NotLocal { key, address })
        }
        // What else may fail is told by who needs the port.
        _ => Ok(()),
    }
}

async fn resources(config: &Config, echo: &EchoPhone) -> Result<Resources, StartError> {
    let addresses = match config.media.addresses.as_slice() {
        [] => interface_addresses(config.sip.local).map_err(StartError::Interfaces)?,
        some => some.to_vec(),
    };
    let media = Pool::start(&MediaConfig {
        addresses,
        ports: config.media.ports.clone(),
        workers: config.media.workers.get(),
        gather: media::GATHER,
    })?;
    #[allow(clippy::disallowed_methods)] // the start of the gateway reads the clock
    let now = SystemTime::now();
    let routes = Routes {
        echo: echo_route(&config.sip, echo).await?,
        server: server_route(&config.sip).await?,
    };
    let turn = turn(config, &media, now)?;
    Ok(Resources {
        media,
        identity: Identity::generate(now)?,
        dtls_role: config.media.dtls_role,
        dtls_versions: config.media.dtls_versions.clone(),
        codecs: config
            .sip
            .codecs
            .iter()
            .map(|codec| codec.to_sdp())
            .collect(),
        silence: config.media.timeout,
        packet_time: config.media.packet_time,
        comfort_noise: config.media.comfort_noise,
        learn_phone_address: config.media.learn_phone_address,
        max_calls: config.max_calls,
        max_calls_per_token: config.max_calls_per_token,
        turn,
        metrics: Arc::default(),
        routes,
    })
}

/// The TURN server beside this media, if there is to be one.
fn turn(
    config: &Config,
    media: &Pool,
    now: SystemTime,
) -> Result<Option<Arc<Embedded>>, StartError> {
    let Some(turn) = &config.turn else {
        return Ok(None);
    };
    let certificate = match &config.http.tls {
        // Browsers trust none that we make: they ask for a page, and for nothing else.
        config::Tls::SelfSigned { .. } => None,
        operators @ config::Tls::Files { .. } => {
            let loaded = http::Certificate::load(operators, &[], now);
            Some(loaded.map_err(http::StartError::from)?)
        }
    };
    let around = embedded::Around {
        peers: media.browser_addresses(),
        ports: config.media.ports.clone(),
        workers: config.media.workers,
        max_calls: config.max_calls,
        certificate: certificate.as_ref(),
    };
    Ok(Some(Embedded::start(turn, &around)?))
}

async fn echo_route(config: &config::Sip, echo: &EchoPhone) -> Result<Route, StartError> {
    let agent = agent(config, echo.addr().ip(), None).await?;
    let server = echo.server(Transport::Udp);
    Ok(Route {
        agent,
        server,
        media_ip: echo.addr().ip(),
    })
}

/// SIP and the phones' media use one address, by default that which leads to the server: it may
/// stand in another network than the browsers.
async fn server_route(config: &config::Sip) -> Result<Option<Route>, StartError> {
    let Some(server) = &config.server else {
        return Ok(None);
    };
    let server = server.clone();
    let unreachable = |source| StartError::Unreachable {
        server: server.clone(),
        source,
    };
    let remote = resolve(&server).await.map_err(unreachable)?;
    let media_ip = match config.local {
        Some(address) if address.is_ipv4() != remote.is_ipv4() => {
            return Err(StartError::PhoneAddress { address, remote });
        }
        Some(address) => address,
        None => media::local_ip_towards(remote).map_err(unreachable)?,
    };
    let agent = agent(config, media_ip, config.credentials.clone()).await?;
    Ok(Some(Route {
        agent,
        server,
        media_ip,
    }))
}

async fn resolve(server: &sip::Server) -> io::Result<SocketAddr> {
    let mut found = tokio::net::lookup_host((server.host(), server.port())).await?;
    found
        .next()
        .ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
}

/// Calls are placed as the user that the server knows, if that is a name it can be called by.
async fn agent(
    config: &config::Sip,
    local: IpAddr,
    credentials: Option<Credentials>,
) -> Result<UserAgent, sip::StartError> {
    let known = credentials.as_ref().map(Credentials::user);
    let caller = known.and_then(|user| user.parse().ok());
    let caller = caller.unwrap_or_else(User::gateway);
    let mut agent = UserAgentConfig::new(SocketAddr::new(local, 0), caller);
    agent.ring_timeout = config.ring_timeout;
    agent.tls_roots = config.tls_roots.clone();
    agent.credentials = credentials;
    UserAgent::start(agent).await
}

/// ICE candidates of our own in an answer at most: a host with many bridges and interfaces has
/// more addresses than a browser should try.
const ADDRESSES: usize = 8;

/// The addresses of this machine that browsers elsewhere may reach; without any, loopback. The one
/// that is configured for the phones is left to them.
fn interface_addresses(phones: Option<IpAddr>) -> io::Result<Vec<IpAddr>> {
    let link_local = |ip: &IpAddr| match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    };
    let mut addresses: Vec<IpAddr> = if_addrs::get_if_addrs()?
        .into_iter()
        .map(|interface| interface.ip())
        .filter(|ip| !ip.is_loopback() && !link_local(ip) && Some(*ip) != phones)
        // An address may be listed that is not usable yet, or not any more.
        .filter(|ip| UdpSocket::bind((*ip, 0)).is_ok())
        .collect();
    // IPv4 first: most phones and firewalls of a company know nothing else.
    addresses.sort_by_key(IpAddr::is_ipv6);
    if addresses.len() > ADDRESSES {
        let unused = addresses.split_off(ADDRESSES);
        tracing::warn!(
            ?unused,
            "more addresses than are told to browsers: see media-address"
        );
    }
    if addresses.is_empty() {
        addresses.push(Ipv4Addr::LOCALHOST.into());
    }
    Ok(addresses)
}
