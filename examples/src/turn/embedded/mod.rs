//! The TURN server inside the gateway: for browsers that reach the gateway's media no other way.
//!
//! It relays between its clients and the gateway's own media ports, nothing else. Its logins are
//! [`Grants`]: each caller gets one of his own with the list of ICE servers, a call holds it by a
//! [`Lease`], and with the call's end it is no login any more and what it has allocated is gone.

mod grants;
mod logins;
mod start;
mod urls;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

pub use grants::{Grant, Grants, PATIENCE};
pub use start::{Around, StartError};
pub use urls::Urls;

use super::{Listen, Server};
use crate::calls::{IceServer, Owner};
use crate::config;

/// The running server, and who may use it.
#[derive(Debug)]
pub struct Embedded {
    server: Server,
    grants: Mutex<Grants>,
    urls: Urls,
    realm: String,
    /// The only peers.
    peers: Vec<SocketAddr>,
}

impl Embedded {
    /// Starts the server as the gateway's configuration says.
    ///
    /// # Errors
    /// See [`StartError`]; nothing runs then.
    pub fn start(config: &config::Turn, around: &Around<'_>) -> Result<Arc<Self>, StartError> {
        let options = start::options(config, around)?;
        let (reports, told) = tokio::sync::mpsc::channel(logins::REPORTS);
        let server = Server::start(options, &reports)?;
        let urls = Urls::of(config.host.clone(), server.listening());
        let realm = config.realm.clone();
        let embedded = Arc::new(Self {
            server,
            grants: Mutex::default(),
            urls,
            realm,
            peers: around.peers.clone(),
        });
        tokio::spawn(logins::answer(Arc::downgrade(&embedded), told));
        Ok(embedded)
    }

    /// Where it listens.
    #[must_use]
    pub fn listening(&self) -> &[Listen] {
        self.server.listening()
    }

    /// Makes a login for a caller who has no call yet.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn issue(&self, owner: &Owner) -> Result<Grant, getrandom::Error> {
        self.grants().issue(now(), owner)
    }

    /// Binds a login to a call: the caller's own of this name, or a new one if it has none.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn bind(
        self: &Arc<Self>,
        owner: &Owner,
        user: Option<&str>,
    ) -> Result<Lease, getrandom::Error> {
        let grant = self.grants().bind(now(), owner, user)?;
        Ok(Lease {
            server: self.clone(),
            grant,
        })
    }

    /// What a browser is told that reaches the gateway by the name `host`.
    #[must_use]
    pub fn ice_server(&self, grant: &Grant, host: &str) -> IceServer {
        IceServer {
            urls: self.urls.told(host),
            username: Some(grant.user.to_string()),
            credential: Some(grant.password.reveal().to_owned()),
        }
    }

    /// A call is over that held this login.
    fn release(&self, user: &str) {
        // Under the lock: what is answered of this login before is in the mailboxes before this.
        let mut grants = self.grants();
        if grants.release(user) {
            self.server.revoke(user);
        }
    }

    fn grants(&self) -> MutexGuard<'_, Grants> {
        // Each change of the book is whole.
        self.grants.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Logs what an operator asks first: where it listens, and whom it lets its clients reach.
    pub fn tell(&self) {
        let listens = |Listen { transport, address }: &Listen| format!("{transport} {address}");
        let listens: Vec<String> = self.listening().iter().map(listens).collect();
        let permits: Vec<String> = self.peers.iter().map(SocketAddr::to_string).collect();
        let (listens, permits) = (listens.join(", "), permits.join(", "));
        let tls = match self.urls.tls {
            Some(_) => "",
            None => "; no TLS without tls-cert",
        };
        tracing::info!(
            realm = self.realm,
            "TURN listens on {listens}{tls}; it permits {permits} and nothing else"
        );
    }
}

/// A call's hold on its login. With the last one of a login it ends.
#[derive(Debug)]
pub struct Lease {
    server: Arc<Embedded>,
    grant: Grant,
}

impl Lease {
    /// The login.
    #[must_use]
    pub fn grant(&self) -> &Grant {
        &self.grant
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.server.release(&self.grant.user);
    }
}

#[allow(clippy::disallowed_methods)] // logins wait for calls, which are of this time
fn now() -> Instant {
    Instant::now()
}
