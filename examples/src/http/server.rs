//! The HTTPS server: its start and its end.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum_server::Handle;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use hyper_util::rt::TokioTimer;
use tokio::task::JoinHandle;

use super::certificate::{Certificate, CertificateError};
use super::connection::Guard;
use super::host::Hosts;
use super::limits::Limits;
use super::plain::TellPlain;
use super::routes::{self, App};
use crate::calls::Calls;
use crate::config::Http;
use crate::metrics::Metrics;
use crate::turn::embedded::Embedded;

/// The longest head of a request, in bytes.
const HEAD_LEN: usize = 32 * 1024;

/// Why the server did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The address cannot be listened on.
    #[error("listen: {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// The address of the metrics cannot be listened on.
    #[error("metrics-listen: {address}: {source}")]
    Metrics {
        /// The address.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// There is no usable certificate.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
}

/// The running HTTPS server. It goes on when this is dropped; [`Server::shutdown`] ends it.
#[derive(Debug)]
pub struct Server {
    local_addr: SocketAddr,
    certificate: Certificate,
    shutdown_time: Duration,
    handle: Handle<SocketAddr>,
    task: JoinHandle<io::Result<()>>,
}

impl Server {
    /// Starts to answer. Requests for calls go to `calls`; `metrics` counts; browsers are told of the
    /// embedded TURN server, if there is one.
    ///
    /// # Errors
    /// When the address is taken or there is no usable certificate.
    pub async fn start(
        config: &Http,
        calls: Calls,
        metrics: Arc<Metrics>,
        turn: Option<Arc<Embedded>>,
    ) -> Result<Self, StartError> {
        let limits = config.limits;
        let failed = |source| StartError::Listen {
            address: config.listen,
            source,
        };
        let listener = TcpListener::bind(config.listen).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let local_addr = listener.local_addr().map_err(failed)?;

        let hosts = Hosts::new(local_addr, &config.public_names);
        #[allow(clippy::disallowed_methods)] // the start of the server reads the clock
        let now = SystemTime::now();
        let certificate = Certificate::load(&config.tls, &hosts.certificate_names(), now)?;
        let tls = RustlsConfig::from_config(Arc::new(certificate.server_config()?));
        let acceptor = RustlsAcceptor::new(tls)
            .handshake_timeout(limits.head_time)
            .acceptor(TellPlain::within(limits.head_time));

        let handle = Handle::new();
        let mut server = axum_server::from_tcp(listener)
            .map_err(failed)?
            .acceptor(Guard::new(acceptor, &limits))
            .handle(handle.clone());
        limit_heads(server.http_builder(), &limits);
        let app = App::new(config, calls, hosts, metrics, turn);
        let router = routes::router(app, config.cors.clone());
        let task = tokio::spawn(server.serve(router.into_make_service()));
        // Only from here on a shutdown reaches it.
        let _ = handle.listening().await;
        Ok(Self {
            local_addr,
            certificate,
            shutdown_time: limits.shutdown_time,
            handle,
            task,
        })
    }

    /// Where it listens; the port is the real one when port 0 was asked for.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// The certificate it shows.
    #[must_use]
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// Takes no more connections, lets requests under way end for a moment, then closes all.
    /// Event streams end with their calls: end those first.
    pub async fn shutdown(self) {
        self.handle.graceful_shutdown(Some(self.shutdown_time));
        // Its errors are those of listening, which was over at the start.
        let _ = self.task.await;
    }
}

/// Limits of each connection, for both versions of HTTP.
pub(super) fn limit_heads(
    builder: &mut hyper_util::server::conn::auto::Builder<hyper_util::rt::TokioExecutor>,
    limits: &Limits,
) {
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_time)
        .max_buf_size(HEAD_LEN);
    builder
        .http2()
        .timer(TokioTimer::new())
        // Also cuts off who never ends a head: it cannot answer the ping meanwhile.
        .keep_alive_interval(limits.head_time)
        .keep_alive_timeout(limits.head_time)
        .max_header_list_size(u32::try_from(HEAD_LEN).unwrap_or(u32::MAX))
        .max_concurrent_streams(64);
}
