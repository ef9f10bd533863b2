//! `GET /metrics` on a listener of its own: plain HTTP, without tokens, for a network that only
//! the operator's scraper reaches.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use axum_server::Handle;
use axum_server::accept::DefaultAcceptor;
use http::Uri;
use http::header::CONTENT_TYPE;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::connection::Guard;
use super::limits::Limits;
use super::problem::Problem;
use super::server::{StartError, limit_heads};
use crate::calls::Resources;

/// Scrapers at once.
const CONNECTIONS: usize = 16;

/// How long media may take to tell what it has counted.
const MEDIA_TIME: Duration = Duration::from_secs(5);

/// For people: scrapers are told the path.
const INDEX: &str =
    "<!doctype html>\n<title>Crosspoint</title>\n<a href=\"/metrics\">/metrics</a>\n";

/// The running listener. Dropped, it ends.
#[derive(Debug)]
pub struct MetricsServer {
    local_addr: SocketAddr,
    handle: Handle<SocketAddr>,
    task: JoinHandle<io::Result<()>>,
}

impl MetricsServer {
    /// Starts to answer.
    ///
    /// # Errors
    /// When the address is taken.
    pub async fn start(address: SocketAddr, resources: Arc<Resources>) -> Result<Self, StartError> {
        let router = Router::new()
            .route("/", get(async || Html(INDEX)))
            .route("/metrics", get(metrics))
            .with_state(resources);
        let failed = |source| StartError::Metrics { address, source };
        Self::serve(address, router).await.map_err(failed)
    }

    /// Starts to answer for other routes.
    pub(crate) async fn serve(address: SocketAddr, router: Router) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let local_addr = listener.local_addr()?;
        let limits = Limits {
            connections: CONNECTIONS,
            ..Limits::default()
        };
        let handle = Handle::new();
        let mut server = axum_server::from_tcp(listener)?
            .acceptor(Guard::new(DefaultAcceptor, &limits))
            .handle(handle.clone());
        limit_heads(server.http_builder(), &limits);
        let router = router
            .fallback(async |uri: Uri| Problem::no_such_path(uri.path()))
            .method_not_allowed_fallback(async || Problem::method_not_allowed());
        let task = tokio::spawn(server.serve(router.into_make_service()));
        // Only from here on a shutdown reaches it.
        let _ = handle.listening().await;
        Ok(Self {
            local_addr,
            handle,
            task,
        })
    }

    /// Where it listens; the port is the real one when port 0 was asked for.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Closes everything.
    pub async fn shutdown(mut self) {
        self.handle.shutdown();
        // Its errors are those of listening, which was over at the start.
        let _ = (&mut self.task).await;
    }
}

impl Drop for MetricsServer {
    fn drop(&mut self) {
        self.handle.shutdown();
    }
}

async fn metrics(State(resources): State<Arc<Resources>>) -> Response {
    let Ok(media) = timeout(MEDIA_TIME, resources.media.totals()).await else {
        let detail = "media did not answer in time";
        return Problem::unavailable(detail, MEDIA_TIME).into_response();
    };
    let content_type = [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    (content_type, resources.metrics.text(&media)).into_response()
}
