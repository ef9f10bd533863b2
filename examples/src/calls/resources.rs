//! What calls are made with.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use dtls_handshake::{Identity, Version};
use sdp::negotiate::Codec;

use super::CallError;
use crate::media::Pool;
use crate::metrics::Metrics;
use crate::session::DtlsRole;
use crate::sip::{Server, User, UserAgent};
use crate::turn::embedded::Embedded;

/// Everything a call needs from the gateway.
#[derive(Debug)]
pub struct Resources {
    /// Where media runs.
    pub media: Pool,
    /// The certificate of every browser leg.
    pub identity: Identity,
    /// Our side of the DTLS handshake when the browser leaves the choice to us.
    pub dtls_role: DtlsRole,
    /// The versions of DTLS that are spoken with browsers.
    pub dtls_versions: Vec<Version>,
    /// The codecs offered to phones, the preferred first.
    pub codecs: Vec<Codec>,
    /// A phone that sends nothing for so long is gone.
    pub silence: Duration,
    /// Whether comfort noise is agreed on with browsers that offer it.
    pub comfort_noise: bool,
    /// Whether a phone may send from another port than its SDP names: once, from the same host.
    pub learn_phone_address: bool,
    /// How much sound a packet should hold, unless the browser asks for another time.
    pub packet_time: Duration,
    /// Calls at once.
    pub max_calls: usize,
    /// Calls at once of one token.
    pub max_calls_per_token: usize,
    /// The embedded TURN server, if it runs.
    pub turn: Option<Arc<Embedded>>,
    /// What calls count.
    pub metrics: Arc<Metrics>,
    /// Where names lead.
    pub routes: Routes,
}

/// A way to a phone.
#[derive(Debug, Clone)]
pub struct Route {
    /// Who invites.
    pub agent: UserAgent,
    /// Where the phone is registered.
    pub server: Server,
    /// Our address for the phone's media.
    pub media_ip: IpAddr,
}

/// Where names lead.
#[derive(Debug)]
pub struct Routes {
    /// The embedded echo phone.
    pub echo: Route,
    /// The SIP server, if one is configured.
    pub server: Option<Route>,
}

impl Routes {
    /// The way to a user. `echo` is always the embedded phone; its other names are only without a
    /// SIP server, which may have users of those names.
    ///
    /// # Errors
    /// [`CallError::NoRoute`].
    pub fn find(&self, to: &User) -> Result<&Route, CallError> {
        match (&self.server, to.as_str()) {
            (_, "echo") | (None, "brief" | "ring" | "busy") => Ok(&self.echo),
            (Some(server), _) => Ok(server),
            (None, to) => Err(CallError::NoRoute { to: to.to_owned() }),
        }
    }
}
