//! The way to a SIP server: its address, and whether anything listens there.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use rsipstack::sip::{Auth, Host, HostWithPort, Param, Scheme, Uri};
use rsipstack::transport::SipAddr;
use tokio::net::{UdpSocket, lookup_host};
use tokio::time::{sleep, timeout};

use super::stack::Stack;
use super::{Server, Transport, User};

/// How long one name look-up or one connection attempt may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why there is no way to a server.
#[derive(Debug, thiserror::Error)]
pub(super) enum RouteError {
    #[error("the SIP server {server} has no address: {problem}")]
    Unknown { server: Server, problem: String },
    #[error("the SIP server {server} cannot be reached: {problem}")]
    Unreachable { server: Server, problem: String },
}

/// A way to a server.
pub(super) struct Route {
    /// Where requests go.
    pub(super) destination: SipAddr,
    /// The address of ours that the server sees.
    pub(super) local: SocketAddr,
    /// The server's address if requests go there as datagrams.
    pub(super) datagrams_to: Option<SocketAddr>,
}

impl Route {
    /// Finds the server's address. Over TCP and TLS it connects too: the library would turn a
    /// refused connection into a 408 after half a minute.
    pub(super) async fn find(stack: &Stack, server: &Server) -> Result<Self, RouteError> {
        let addresses = resolve(stack.local().ip(), server).await?;
        let mut problem = "no address answered".to_owned();
        for address in addresses {
            let target = match server.transport() {
                Transport::Udp => {
                    let mut destination = SipAddr::from(address);
                    destination.r#type = Some(library_transport(Transport::Udp));
                    let local = local_towards(stack.local(), address);
                    return Ok(Self {
                        destination,
                        local,
                        datagrams_to: Some(address),
                    });
                }
                Transport::Tcp => HostWithPort::from(address),
                // By name: the certificate is checked against it.
                Transport::Tls => host_with_port(server),
            };
            let target = SipAddr::new(library_transport(server.transport()), target);
            match timeout(
                PATIENCE,
                stack.endpoint.transport_layer.lookup(&target, None),
            )
            .await
            {
                Ok(Ok((_, destination))) => {
                    let local = local_towards(stack.local(), address);
                    return Ok(Self {
                        destination,
                        local,
                        datagrams_to: None,
                    });
                }
                Ok(Err(rsipstack::Error::IoError(error))) => problem = error.to_string(),
                Ok(Err(error)) => problem = error.to_string(),
                Err(_) => problem = format!("no answer within {} s", PATIENCE.as_secs()),
            }
        }
        Err(RouteError::Unreachable {
            server: server.clone(),
            problem,
        })
    }
}

async fn resolve(local: IpAddr, server: &Server) -> Result<Vec<SocketAddr>, RouteError> {
    let unknown = |problem: String| RouteError::Unknown {
        server: server.clone(),
        problem,
    };
    let found = timeout(PATIENCE, lookup_host((server.host(), server.port())))
        .await
        .map_err(|_| {
            unknown(format!(
                "no answer from DNS within {} s",
                PATIENCE.as_secs()
            ))
        })?
        .map_err(|error| unknown(error.to_string()))?;
    let addresses: Vec<_> = found.filter(|a| a.is_ipv4() == local.is_ipv4()).collect();
    match addresses.is_empty() {
        true if local.is_ipv4() => Err(unknown("it has no IPv4 address".to_owned())),
        true => Err(unknown("it has no IPv6 address".to_owned())),
        false => Ok(addresses),
    }
}

/// Our own address as `remote` sees it: an unspecified one is replaced by what the system's routes
/// choose.
pub(super) fn local_towards(local: SocketAddr, remote: SocketAddr) -> SocketAddr {
    if !local.ip().is_unspecified() {
        return local;
    }
    let chosen = || {
        let socket = std::net::UdpSocket::bind(SocketAddr::new(local.ip(), 0))?;
        socket.connect(remote)?;
        Ok::<_, io::Error>(socket.local_addr()?.ip())
    };
    let loopback = match local.ip() {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
    };
    SocketAddr::new(chosen().unwrap_or(loopback), local.port())
}

/// Resolves when the system says that nothing listens at `remote`, otherwise never.
///
/// The library's socket is shared by all calls and unconnected, so it hears of no ICMP error. This
/// one is connected and sends two empty lines, which SIP ignores (RFC 3261 §7.5).
pub(super) async fn refused(local: IpAddr, remote: SocketAddr) {
    let heard = async {
        let socket = UdpSocket::bind(SocketAddr::new(local, 0)).await?;
        socket.connect(remote).await?;
        socket.send(b"\r\n\r\n").await?;
        // ICMP is rate-limited and may get lost: once more, then the INVITE's own timeout decides.
        tokio::select! {
            result = wait_for_error(&socket) => return result,
            () = sleep(Duration::from_secs(1)) => socket.send(b"\r\n\r\n").await?,
        };
        wait_for_error(&socket).await
    };
    match heard.await {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
        _ => std::future::pending().await,
    }
}

async fn wait_for_error(socket: &UdpSocket) -> io::Result<()> {
    loop {
        socket.recv(&mut [0; 16]).await?;
    }
}

/// The URI of a user at a server. The default port is left out, as servers compare hosts.
pub(super) fn uri_at(server: &Server, user: &User) -> Uri {
    let mut address = host_with_port(server);
    if server.port() == server.transport().default_port() {
        address.port = None;
    }
    uri(address, user, server.transport())
}

/// Our own URI as the user of a call over `transport`.
pub(super) fn own_uri(local: SocketAddr, user: &User, transport: Transport) -> Uri {
    uri(local.into(), user, transport)
}

fn uri(host_with_port: HostWithPort, user: &User, transport: Transport) -> Uri {
    Uri {
        scheme: Some(Scheme::Sip),
        auth: Some(Auth {
            user: user.to_string(),
            password: None,
        }),
        host_with_port,
        params: match transport {
            Transport::Udp => vec![],
            other => vec![Param::Transport(library_transport(other))],
        },
        headers: vec![],
    }
}

fn host_with_port(server: &Server) -> HostWithPort {
    let host = match server.host().parse::<IpAddr>() {
        Ok(address) => Host::IpAddr(address),
        Err(_) => Host::Domain(server.host().into()),
    };
    HostWithPort {
        host,
        port: Some(server.port().into()),
    }
}

fn library_transport(transport: Transport) -> rsipstack::sip::Transport {
    match transport {
        Transport::Udp => rsipstack::sip::Transport::Udp,
        Transport::Tcp => rsipstack::sip::Transport::Tcp,
        Transport::Tls => rsipstack::sip::Transport::Tls,
    }
}
