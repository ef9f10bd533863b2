//! The policy as a layer for `tower` services.
//!
//! [`CorsLayer`] wraps a service in [`Cors`]: preflights are answered and foreign origins refused
//! before the service sees them; to every other answer the headers of the policy are added, to
//! errors too. What a refusal and an answered preflight look like is the [`Respond`] of the layer.

mod future;
mod respond;

use core::task::{Context, Poll};
use std::sync::Arc;

use http::request::Parts;
use http::{Request, Response, StatusCode};
use tower_layer::Layer;
use tower_service::Service;

use crate::{Decision, Origin, Policy};
use future::Lines;
pub use future::ResponseFuture;
pub use respond::{PlainText, Respond};

/// Applies a [`Policy`] to the services it is laid around.
///
/// ```
/// use axum::{Router, routing::post};
/// use cors_policy::Policy;
/// use cors_policy::tower::{CorsLayer, Scheme};
///
/// # fn main() -> Result<(), cors_policy::PolicyError> {
/// let policy = Policy::allow(["https://app.example"])
///     .headers(["Content-Type", "Authorization"])
///     .build()?;
/// let router: Router = Router::new()
///     .route("/v1/calls", post(async || "created"))
///     .layer(CorsLayer::of_host(policy, Scheme::Https));
/// # Ok(())
/// # }
/// ```
///
/// The own origin has to be said, because browsers send `Origin` with every same-origin `POST` as
/// well: [`of_origins`](Self::of_origins) is right behind proxies, [`of_host`](Self::of_host) where
/// `Host` was checked before.
#[derive(Debug, Clone)]
pub struct CorsLayer<R = PlainText> {
    policy: Arc<Policy>,
    own: Own,
    respond: R,
}

/// The scheme that clients see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Without TLS.
    Http,
    /// With TLS, also when a proxy in front ends it.
    Https,
}

/// What the service's own origin is.
#[derive(Debug, Clone)]
enum Own {
    Origins(Arc<[Origin]>),
    Host(Scheme),
}

impl CorsLayer {
    /// The own origins are these, as the configuration knows them. With none, requests of the
    /// service's own pages are judged as those of any other.
    #[must_use]
    pub fn of_origins(policy: Policy, origins: impl IntoIterator<Item = Origin>) -> Self {
        Self::new(policy, Own::Origins(origins.into_iter().collect()))
    }

    /// The own origin is what the request names: this scheme with the authority of its target or,
    /// without one, its `Host`. Check that before, or DNS rebinding makes a foreign page "own".
    #[must_use]
    pub fn of_host(policy: Policy, scheme: Scheme) -> Self {
        Self::new(policy, Own::Host(scheme))
    }

    fn new(policy: Policy, own: Own) -> Self {
        Self {
            policy: Arc::new(policy),
            own,
            respond: PlainText,
        }
    }
}

impl<R> CorsLayer<R> {
    /// The same layer with other answers to refused requests and to preflights.
    #[must_use]
    pub fn respond_with<T>(self, respond: T) -> CorsLayer<T> {
        let Self { policy, own, .. } = self;
        CorsLayer {
            policy,
            own,
            respond,
        }
    }

    /// What the policy says about a request with this head.
    fn decide<'a>(&'a self, head: &'a Parts) -> Decision<'a> {
        let view = crate::Request::from(head);
        let view = match &self.own {
            Own::Origins(origins) => view.own_origins(origins),
            Own::Host(scheme) => match authority(head) {
                Some(authority) => view.own_host(scheme.name(), authority),
                None => view,
            },
        };
        self.policy.decide(&view)
    }

    fn judge<B>(&self, head: &Parts) -> Verdict<B>
    where
        R: Respond<B>,
    {
        let decision = self.decide(head);
        let (status, mut response) = match &decision {
            Decision::NotCors(_) | Decision::SameOrigin(_) | Decision::Allowed(_) => {
                return Verdict::Pass(decision.headers().to_http().collect());
            }
            Decision::Preflight { .. } => (StatusCode::NO_CONTENT, self.respond.preflight(head)),
            Decision::Refused(refused) => {
                (StatusCode::FORBIDDEN, self.respond.refused(head, refused))
            }
        };
        *response.status_mut() = status;
        decision.headers().append_to(response.headers_mut());
        Verdict::Answer(response)
    }
}

/// What becomes of a request.
enum Verdict<B> {
    /// The service answers, and these lines are added.
    Pass(Lines),
    /// This is the answer.
    Answer(Response<B>),
}

impl Scheme {
    const fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// The authority that a request is meant for: that of its target, which HTTP/2 always has, before
/// `Host`, which must not be repeated (RFC 9112 §3.2).
fn authority(head: &Parts) -> Option<&str> {
    if let Some(authority) = head.uri.authority() {
        return Some(authority.as_str());
    }
    let mut hosts = head.headers.get_all(http::header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().ok(),
        _ => None,
    }
}

impl<S, R: Clone> Layer<S> for CorsLayer<R> {
    type Service = Cors<S, R>;

    fn layer(&self, inner: S) -> Cors<S, R> {
        Cors {
            inner,
            layer: self.clone(),
        }
    }
}

/// A service with a policy around it; made by [`CorsLayer`].
#[derive(Debug, Clone)]
pub struct Cors<S, R = PlainText> {
    inner: S,
    layer: CorsLayer<R>,
}

impl<S, R, Q, B> Service<Request<Q>> for Cors<S, R>
where
    S: Service<Request<Q>, Response = Response<B>>,
    R: Respond<B>,
{
    type Response = Response<B>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, B>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Q>) -> Self::Future {
        let (head, body) = request.into_parts();
        match self.layer.judge(&head) {
            Verdict::Pass(headers) => {
                let inner = self.inner.call(Request::from_parts(head, body));
                ResponseFuture::of_service(inner, headers)
            }
            Verdict::Answer(response) => ResponseFuture::ready(response),
        }
    }
}
