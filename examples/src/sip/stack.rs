//! The SIP library, started and bound.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rsipstack::EndpointBuilder;
use rsipstack::dialog::dialog_layer::DialogLayer;
use rsipstack::sip::{HeadersExt, ToTypedHeader};
use rsipstack::transaction::endpoint::{EndpointInnerRef, EndpointOption};
use rsipstack::transaction::{CallIdFormat, Transaction, TransactionReceiver};
use rsipstack::transport::tcp::TcpConnection;
use rsipstack::transport::tls::TlsConfig;
use rsipstack::transport::udp::UdpConnection;
use rsipstack::transport::{SipAddr, SipConnection, TransportLayer};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::digest::Keeper;
use super::route::local_towards;

/// Why the user agent could not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The address is not free, or not ours.
    #[error("SIP cannot listen at {address}: {source}")]
    Bind {
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The library did not start.
    #[error("SIP cannot start: {0}")]
    Library(String),
}

/// The library never lets a ringing call end by itself: the caller's ring timeout does.
const NEVER_IN_PRACTICE: Duration = Duration::from_secs(24 * 3600);

/// How many free ports are tried until one is free for UDP and TCP alike.
const ATTEMPTS: usize = 16;

/// A running endpoint. It stops when dropped.
pub(super) struct Stack {
    pub(super) endpoint: EndpointInnerRef,
    pub(super) dialogs: Arc<DialogLayer>,
    local: SocketAddr,
    _stop: DropGuard,
}

impl Stack {
    /// Binds UDP and TCP at the same address and starts the library.
    ///
    /// `trust` is the PEM text of the certificates that a TLS server is checked against. All
    /// messages pass the `keeper`.
    pub(super) async fn start(
        address: SocketAddr,
        trust: Option<Vec<u8>>,
        keeper: Option<Keeper>,
    ) -> Result<(Self, TransactionReceiver), StartError> {
        // The library takes the process's provider and panics without one. One that was installed
        // before stays.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let stop = CancellationToken::new();
        let (udp, tcp) = bind(address, &stop).await?;
        let local = tcp
            .local_addr()
            .map_err(|source| StartError::Bind { address, source })?;

        let transport = TransportLayer::new(stop.clone());
        transport.add_transport(udp.into());
        if let Some(ca_certs) = trust {
            transport.set_tls_config(TlsConfig {
                ca_certs: Some(ca_certs),
                ..Default::default()
            });
        }
        let mut builder = EndpointBuilder::new();
        if let Some(keeper) = keeper {
            builder.with_inspector(Box::new(keeper));
        }
        let endpoint = builder
            .with_user_agent(concat!("crosspoint/", env!("CARGO_PKG_VERSION")))
            .with_transport_layer(transport)
            .with_cancel_token(stop.clone())
            .with_option(EndpointOption {
                callid_format: CallIdFormat::Uuid,
                timerc: NEVER_IN_PRACTICE,
                ..Default::default()
            })
            .build();
        let incoming = endpoint
            .incoming_transactions()
            .map_err(|e| StartError::Library(e.to_string()))?;

        let inner = endpoint.inner;
        tokio::spawn({
            let inner = inner.clone();
            async move {
                if let Err(error) = inner.serve().await {
                    tracing::error!(%error, "SIP stopped");
                }
            }
        });
        tokio::spawn(accept(tcp, inner.clone(), stop.clone()));
        let stack = Self {
            dialogs: Arc::new(DialogLayer::new(inner.clone())),
            endpoint: inner,
            local,
            _stop: stop.drop_guard(),
        };
        Ok((stack, incoming))
    }

    /// Where it listens; the address may be unspecified, the port is not.
    pub(super) fn local(&self) -> SocketAddr {
        self.local
    }

    /// Our address as the sender of a request sees it.
    pub(super) fn local_towards(&self, transaction: &Transaction) -> SocketAddr {
        let sender = || {
            let via = transaction.original.via_header().ok()?.typed().ok()?;
            let received = via.received().and_then(Result::ok);
            received.or_else(|| via.uri.host_with_port.host.try_into().ok())
        };
        match sender() {
            Some(remote) => local_towards(self.local, SocketAddr::new(remote, 5060)),
            None => self.local,
        }
    }
}

/// UDP and TCP at one address. With port 0, ports are tried until one is free for both.
async fn bind(
    address: SocketAddr,
    stop: &CancellationToken,
) -> Result<(UdpConnection, TcpListener), StartError> {
    let failed = |source| StartError::Bind { address, source };
    let mut attempt = 0;
    loop {
        attempt += 1;
        let tcp = TcpListener::bind(address).await.map_err(failed)?;
        let local = tcp.local_addr().map_err(failed)?;
        match UdpConnection::create_connection(local, None, Some(stop.child_token())).await {
            Ok(udp) => return Ok((udp, tcp)),
            Err(_) if address.port() == 0 && attempt < ATTEMPTS => {}
            Err(rsipstack::Error::IoError(source)) => return Err(failed(source)),
            Err(other) => return Err(StartError::Library(other.to_string())),
        }
    }
}

/// Hands accepted connections to the library. Its own listener binds late and only logs a failure.
async fn accept(listener: TcpListener, endpoint: EndpointInnerRef, stop: CancellationToken) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => return,
        };
        let Ok((stream, _)) = accepted else {
            // Out of descriptors, most likely: give others time to close.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let Ok(local) = stream.local_addr() else {
            continue;
        };
        let local = SipAddr {
            r#type: Some(rsipstack::sip::Transport::Tcp),
            addr: local.into(),
        };
        match TcpConnection::from_stream(stream, local, Some(stop.child_token())) {
            Ok(connection) => {
                endpoint
                    .transport_layer
                    .add_connection(SipConnection::Tcp(connection));
            }
            Err(error) => tracing::debug!(%error, "a SIP connection was closed at once"),
        }
    }
}
