//! The decision itself: the server's side of the CORS protocol (Fetch, "HTTP responses").

use crate::decision::{Decision, Headers, PrivateNetwork, Refusal, Refused};
use crate::origin::OriginOrNull;
use crate::policy::{Allow, Names, Policy};
use crate::request::{PreflightAsk, Request};

const ALLOW_ORIGIN: &str = "access-control-allow-origin";
const ALLOW_CREDENTIALS: &str = "access-control-allow-credentials";
const ALLOW_METHODS: &str = "access-control-allow-methods";
const ALLOW_HEADERS: &str = "access-control-allow-headers";
const ALLOW_PRIVATE_NETWORK: &str = "access-control-allow-private-network";
const MAX_AGE: &str = "access-control-max-age";
const EXPOSE_HEADERS: &str = "access-control-expose-headers";
const VARY: &str = "vary";

/// Methods that never need permission (CORS-safelisted methods of Fetch).
const SAFELISTED_METHODS: [&str; 3] = ["GET", "HEAD", "POST"];

impl Policy {
    /// Decides about one request. Allocates nothing; its work is bounded by the size of the
    /// request.
    pub fn decide<'a>(&'a self, request: &Request<'a>) -> Decision<'a> {
        let Some(origin) = request.origin() else {
            return Decision::NotCors(self.unshared_headers());
        };
        if let Ok(OriginOrNull::Origin(origin)) = &origin
            && request.is_own(origin)
        {
            return Decision::SameOrigin(self.unshared_headers());
        }
        let allow_origin = match (&self.allow, origin) {
            // The same answer for everybody, whatever the field holds: nothing varies.
            (Allow::Public, _) => "*",
            (_, Err(reason)) => return refused(request, reason, "Origin"),
            (allow, Ok(origin)) if allow.admits(&origin) => origin.as_str(),
            (_, Ok(_)) => return refused(request, Refusal::OriginNotAllowed, "Origin"),
        };
        match request.preflight() {
            None => Decision::Allowed(self.shared_headers(allow_origin)),
            Some(asked) => match asked.and_then(|ask| self.preflight(allow_origin, &ask)) {
                Ok(decision) => decision,
                Err(reason) => refused(request, reason, self.preflight_vary()),
            },
        }
    }

    /// The headers of an answer that is shared with nobody else. A public resource looks the
    /// same to everybody, so that caches may keep one copy.
    fn unshared_headers<'a>(&'a self) -> Headers<'a> {
        match self.allow {
            Allow::Public => self.shared_headers("*"),
            Allow::OwnOnly | Allow::Listed(_) | Allow::Every => {
                let mut headers = Headers::default();
                headers.push(VARY, "Origin");
                headers
            }
        }
    }

    /// The headers of the actual answer to an allowed origin.
    fn shared_headers<'a>(&'a self, allow_origin: &'a str) -> Headers<'a> {
        let mut headers = self.origin_headers(allow_origin);
        if let Some(names) = &self.expose {
            headers.push(EXPOSE_HEADERS, names);
        }
        if !matches!(self.allow, Allow::Public) {
            headers.push(VARY, "Origin");
        }
        headers
    }

    /// What preflights and actual answers have in common: both need Allow-Credentials.
    fn origin_headers<'a>(&self, allow_origin: &'a str) -> Headers<'a> {
        let mut headers = Headers::default();
        headers.push(ALLOW_ORIGIN, allow_origin);
        if self.credentials {
            headers.push(ALLOW_CREDENTIALS, "true");
        }
        headers
    }

    fn preflight<'a>(
        &'a self,
        allow_origin: &'a str,
        ask: &PreflightAsk<'a>,
    ) -> Result<Decision<'a>, Refusal> {
        let mut headers = self.origin_headers(allow_origin);
        let methods = self.allowed_methods(ask.method)?;
        if !methods.is_empty() {
            headers.push(ALLOW_METHODS, methods);
        }
        self.push_allowed_headers(ask, &mut headers)?;
        if let Some(seconds) = &self.max_age {
            headers.push(MAX_AGE, seconds);
        }
        let private_network = match (ask.private_network, self.private_network) {
            (false, _) => PrivateNetwork::NotAsked,
            (true, true) => PrivateNetwork::Granted,
            (true, false) => PrivateNetwork::Withheld,
        };
        if private_network == PrivateNetwork::Granted {
            headers.push(ALLOW_PRIVATE_NETWORK, "true");
        }
        headers.push(VARY, self.preflight_vary());
        Ok(Decision::Preflight {
            headers,
            private_network,
        })
    }

    fn allowed_methods<'a>(&'a self, asked: &'a str) -> Result<&'a str, Refusal> {
        match &self.methods {
            // With credentials `*` would be the name of a method.
            Names::Any if self.credentials => Ok(asked),
            Names::Any => Ok("*"),
            Names::Listed { names, value } => {
                let listed = names.iter().any(|name| **name == *asked);
                if listed || SAFELISTED_METHODS.contains(&asked) {
                    Ok(value)
                } else {
                    Err(Refusal::MethodNotAllowed)
                }
            }
        }
    }

    fn push_allowed_headers<'a>(
        &'a self,
        ask: &PreflightAsk<'a>,
        headers: &mut Headers<'a>,
    ) -> Result<(), Refusal> {
        if ask.header_names().next().is_none() {
            return Ok(());
        }
        match &self.headers {
            // With credentials `*` would be the name of a header: the lines asked are echoed.
            Names::Any if self.credentials => {
                ask.header_lines
                    .iter()
                    .for_each(|line| headers.push(ALLOW_HEADERS, line));
            }
            // `*` does not cover Authorization (CORS non-wildcard request-header name of Fetch).
            Names::Any => {
                let mut names = ask.header_names();
                let authorization = names.any(|name| name.eq_ignore_ascii_case("authorization"));
                let value = if authorization {
                    "*, Authorization"
                } else {
                    "*"
                };
                headers.push(ALLOW_HEADERS, value);
            }
            Names::Listed { names, value } => {
                let listed =
                    |asked: &str| names.iter().any(|name| name.eq_ignore_ascii_case(asked));
                if !ask.header_names().all(listed) {
                    return Err(Refusal::HeaderNotAllowed);
                }
                headers.push(ALLOW_HEADERS, value);
            }
        }
        Ok(())
    }

    /// What the answer to a preflight of an allowed origin depends on.
    fn preflight_vary(&self) -> &'static str {
        match (&self.allow, self.private_network) {
            (Allow::Public, false) => {
                "Access-Control-Request-Method, Access-Control-Request-Headers"
            }
            (Allow::Public, true) => {
                "Access-Control-Request-Method, Access-Control-Request-Headers, \
                 Access-Control-Request-Private-Network"
            }
            (_, false) => "Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
            (_, true) => {
                "Origin, Access-Control-Request-Method, Access-Control-Request-Headers, \
                 Access-Control-Request-Private-Network"
            }
        }
    }
}

/// Fetch, "HTTP responses": a refusal is a 403 without CORS headers. `Vary` keeps caches from
/// giving it to others.
fn refused<'a>(request: &Request<'a>, reason: Refusal, vary: &'static str) -> Decision<'a> {
    let mut headers = Headers::default();
    headers.push(VARY, vary);
    Decision::Refused(Refused {
        reason,
        origin: request.origin_bytes(),
        headers,
    })
}
