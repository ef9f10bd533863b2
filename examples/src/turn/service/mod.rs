//! The TURN server with everything that makes it operable: databases, log, metrics, health and
//! certificates that change. It runs beside the workers and no packet passes through it.
//!
//! ```text
//! workers --Report--> Service --Question--> Store --Order--> workers
//!                        |
//!                        +-- log, counts --> /metrics, /livez, /readyz
//! ```
//!
//! | file | subject |
//! | --- | --- |
//! | `desk` | what is done with a report of a worker |
//! | `log` | one line for each event, whatever a client has sent |
//! | `certificate` | files that change, days until it expires |
//! | `admin`, `metrics` | what an operator and his programs ask for |

mod admin;
mod certificate;
mod desk;
mod log;
mod metrics;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use turn_relay::server::{LookupId, Secret};

use super::config::{Config, Credentials};
use super::server::try_relays;
use super::store::{Order, Store};
use super::{AssembleError, Options, Server, StartError, assemble, relay_addresses};
use crate::http::MetricsServer;
use certificate::Watched;
use desk::{Counts, Desk};

pub use log::start as start_log;

/// Tries what can be tried without serving: the files of the certificate, the credentials, and whether
/// sockets can be opened at the addresses that relay. Says what an operator should know.
///
/// # Errors
/// Why the server would not start.
pub fn check(config: &Config) -> Result<Vec<String>, ServiceError> {
    let options = Options::from_config(config)?;
    try_relays(&options.relays)?;
    Ok(relay_addresses::mix(&options.relays).into_iter().collect())
}

/// Reports that wait for the desk.
const REPORTS: usize = 16_384;

/// Why the server did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServiceError {
    /// The settings make no server.
    #[error(transparent)]
    Assemble(#[from] AssembleError),
    /// The server cannot run.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The listener for the operator cannot be bound.
    #[error("admin-listen: {address}: {source}")]
    Admin {
        /// Where.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
}

/// Who asks the store: a worker's machine.
#[derive(Debug, Clone, Copy)]
struct Asker {
    worker: usize,
    id: LookupId,
}

/// What the desk and the operator's listener share.
#[derive(Debug)]
struct Shared {
    server: Arc<Server>,
    workers: usize,
    store: Option<Store<Asker>>,
    certificate: Option<Arc<Watched>>,
    counts: Counts,
    is_draining: AtomicBool,
}

/// A running server. It stops when this is dropped.
#[derive(Debug)]
pub struct Service {
    shared: Arc<Shared>,
    admin: Option<MetricsServer>,
    drain_time: Duration,
    alternate: Option<SocketAddr>,
    drained: watch::Receiver<usize>,
    tasks: Vec<JoinHandle<()>>,
}

impl Service {
    /// Starts everything, in the current runtime of tokio.
    ///
    /// # Errors
    /// See [`ServiceError`]; nothing runs then.
    pub async fn start(config: &Config) -> Result<Self, ServiceError> {
        let options = Options::from_config(config)?;
        let certificate = config.tls.clone().zip(options.certificate.clone());
        let certificate = certificate
            .map(|(tls, shown)| Arc::new(Watched::new(tls, shown, config.server_name.clone())));
        if let Some(mix) = relay_addresses::mix(&options.relays) {
            tracing::warn!("{mix}");
        }
        let (tell, reports) = mpsc::channel(REPORTS);
        let server = Arc::new(Server::start(options, &tell)?);
        let store = config.credentials.store.as_ref();
        let store = store.map(|store| {
            let order = order(server.clone(), config.credentials.clone());
            Store::start(store, &config.realm, order)
        });
        let shared = Arc::new(Shared {
            server,
            workers: config.workers.get(),
            store,
            certificate,
            counts: Counts::default(),
            is_draining: AtomicBool::new(false),
        });
        let admin = match config.admin {
            Some(address) => {
                let failed = |source| ServiceError::Admin { address, source };
                let router = admin::router(shared.clone());
                Some(
                    MetricsServer::serve(address, router)
                        .await
                        .map_err(failed)?,
                )
            }
            None => None,
        };
        let (desk, drained) = Desk::new(shared.clone());
        let mut tasks = vec![tokio::spawn(desk.run(reports))];
        if let Some(certificate) = &shared.certificate {
            tasks.push(tokio::spawn(certificate.clone().watch()));
        }
        Ok(Self {
            shared,
            admin,
            drain_time: config.drain_time,
            alternate: config.alternate_server,
            drained,
            tasks,
        })
    }

    /// The server itself.
    #[must_use]
    pub fn server(&self) -> &Server {
        &self.shared.server
    }

    /// Where metrics and health are told, if they are.
    #[must_use]
    pub fn admin(&self) -> Option<SocketAddr> {
        self.admin.as_ref().map(MetricsServer::local_addr)
    }

    /// Reads the certificate's files now, not only when they have changed.
    pub fn reload_certificate(&self) {
        if let Some(certificate) = &self.shared.certificate {
            certificate.read(true);
        }
    }

    /// Takes no new allocations, and comes back when the old ones are over or their time is.
    pub async fn drain(&mut self) {
        self.shared.is_draining.store(true, Ordering::Relaxed);
        let (time, workers) = (self.drain_time, self.shared.workers);
        tracing::info!(seconds = time.as_secs(), "draining");
        self.shared.server.drain(time, self.alternate);
        let all = self.drained.wait_for(|drained| *drained >= workers);
        // The machine ends what is left at the deadline; then it tells.
        let _ = tokio::time::timeout(time + Duration::from_secs(1), all).await;
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// Does what the store says.
fn order(server: Arc<Server>, configured: Credentials) -> impl FnMut(Order<Asker>) + Send {
    move |order| match order {
        Order::Answer { asker, key } => {
            let secret = key.and_then(|key| Secret::key(key.bytes()));
            server.answer(asker.worker, asker.id, secret);
        }
        Order::Revoke(user) => server.revoke(&user),
        Order::Secrets(secrets) => {
            let mut credentials = configured.clone();
            // Those of the configuration go first; what is one too many does not count.
            credentials.secrets.extend(secrets);
            match assemble::credentials(&credentials) {
                Ok(credentials) => server.set_credentials(&credentials),
                Err(error) => tracing::error!(%error, "the store's secrets"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::turn::config::Settings;

    fn problem(settings: &str) -> String {
        let text = format!(
            "realm = 'r'\nsecrets = ['s']\nlisten-udp = ['127.0.0.1:0']\nlisten-tcp = []\n{settings}"
        );
        let config = Config::from_text(Path::new("f"), &text, Settings::default()).unwrap();
        check(&config).map_or_else(|error| error.to_string(), |notes| notes.join("\n"))
    }

    #[test]
    fn a_check_tries_the_relays_and_the_certificate() {
        assert_eq!(problem(""), "");
        let elsewhere = problem("relay-address = ['203.0.113.77']");
        let expected = "relay-address: 203.0.113.77: ";
        assert!(elsewhere.starts_with(expected), "{elsewhere}");
        let missing = problem("tls-cert = '/nowhere/c.pem'\ntls-key = '/nowhere/k.pem'");
        assert!(
            missing.starts_with("tls-cert: /nowhere/c.pem: "),
            "{missing}"
        );
        let mixed = problem("relay-address = ['9.9.9.9/127.0.0.1', '127.0.0.1']");
        assert!(mixed.contains("9.9.9.9 can be reached"), "{mixed}");
    }
}
