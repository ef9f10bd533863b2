//! Is the request meant for this gateway? A page elsewhere whose DNS name is made to point here
//! (DNS rebinding) gets no further than this.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::HOST;
use http::request::Parts;
use http::uri::Authority;
use http::{HeaderMap, StatusCode, Uri};

use super::problem::Problem;
use super::routes::App;

/// The host names that requests may use. Ports are not compared: they may be forwarded.
#[derive(Debug, Clone)]
pub(super) struct Hosts {
    listen: IpAddr,
    names: Vec<String>,
}

impl Hosts {
    /// The address itself, `localhost` when it is a loopback address, and the public names.
    pub(super) fn new(listen: SocketAddr, public_names: &[String]) -> Self {
        Self {
            listen: listen.ip(),
            names: public_names.to_vec(),
        }
    }

    fn include(&self, host: &str) -> bool {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        if self
            .names
            .iter()
            .any(|name| name.eq_ignore_ascii_case(host))
        {
            return true;
        }
        let reaches_loopback = self.listen.is_loopback() || self.listen.is_unspecified();
        match bare.parse::<IpAddr>() {
            // On all interfaces, whichever address was dialled is ours. An address, unlike a
            // name, cannot be made to point elsewhere.
            Ok(address) => address == self.listen || self.listen.is_unspecified(),
            Err(_) => reaches_loopback && host.eq_ignore_ascii_case("localhost"),
        }
    }

    /// The names for a certificate.
    pub(super) fn certificate_names(&self) -> Vec<String> {
        let fixed = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
        let listen = (!self.listen.is_unspecified()).then(|| self.listen.to_string());
        let bare = |name: &String| name.trim_matches(['[', ']']).to_owned();
        let mut names: Vec<_> = fixed
            .into_iter()
            .chain(listen)
            .chain(self.names.iter().map(bare))
            .collect();
        names.sort();
        names.dedup();
        names
    }
}

/// The authority that a request is meant for: that of its target, which HTTP/2 always has, before
/// `Host` (RFC 9112 §3.2.2).
pub(super) fn authority(uri: &Uri, headers: &HeaderMap) -> Option<Authority> {
    if let Some(authority) = uri.authority() {
        return Some(authority.clone());
    }
    let mut hosts = headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().ok()?.parse().ok(),
        _ => None,
    }
}

/// The host by which a client reaches this gateway, as in a URL.
#[derive(Debug)]
pub(super) struct Reached(pub(super) String);

impl FromRequestParts<App> for Reached {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        let authority = authority(&parts.uri, &parts.headers).ok_or_else(no_host)?;
        Ok(Self(authority.host().to_owned()))
    }
}

fn no_host() -> Problem {
    let detail = "the request names no host, or more than one";
    Problem::new(StatusCode::BAD_REQUEST, detail)
}

/// Refuses requests for other hosts with 421, and those without one with 400 (RFC 9112 §3.2).
pub(super) async fn check(State(app): State<App>, request: Request, next: Next) -> Response {
    let Some(authority) = authority(request.uri(), request.headers()) else {
        return no_host().into_response();
    };
    if !app.hosts.include(authority.host()) {
        let detail = format!(
            "this is not {:?}: if it should be, add the name to public-names",
            authority.host()
        );
        return Problem::new(StatusCode::MISDIRECTED_REQUEST, detail).into_response();
    }
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(listen: &str) -> Hosts {
        Hosts::new(listen.parse().unwrap(), &["calls.example".to_owned()])
    }

    #[test]
    fn loopback_is_localhost_and_nothing_else() {
        let hosts = hosts("127.0.0.1:1");
        for ours in [
            "127.0.0.1",
            "localhost",
            "LocalHost",
            "calls.example",
            "CALLS.example",
        ] {
            assert!(hosts.include(ours), "{ours}");
        }
        for other in [
            "evil.example",
            "127.0.0.2",
            "[::1]",
            "",
            "localhost.evil.example",
        ] {
            assert!(!hosts.include(other), "{other}");
        }
    }

    #[test]
    fn an_outside_address_is_not_localhost() {
        let hosts = hosts("[fd00::1]:1");
        assert!(hosts.include("[fd00::1]"));
        assert!(!hosts.include("localhost"));
        assert!(!hosts.include("127.0.0.1"));
    }

    #[test]
    fn all_interfaces_take_any_address_but_no_name() {
        let hosts = hosts("0.0.0.0:1");
        assert!(hosts.include("192.0.2.1") && hosts.include("[fd00::1]"));
        assert!(!hosts.include("evil.example"));
    }

    #[test]
    fn a_certificate_names_each_host_once() {
        let names = hosts("127.0.0.1:1").certificate_names();
        assert_eq!(names, ["127.0.0.1", "::1", "calls.example", "localhost"]);
    }
}
