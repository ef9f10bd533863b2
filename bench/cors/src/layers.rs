//! The policy as a layer around a service that answers at once, ours and tower-http's.

use core::convert::Infallible;
use core::future::{Future, Ready, ready};
use core::task::{Context, Poll, Waker};
use std::hint::black_box;
use std::pin::pin;

use bench_harness::{Item, OURS};
use cors_policy::tower::{Cors, CorsLayer, Scheme};
use http::{Request, Response};
use tower_layer::Layer;
use tower_service::Service;

use crate::BATCH;
use crate::requests::{self, Kind};

/// A service that is ready and says nothing.
#[derive(Clone)]
pub(crate) struct Quiet;

impl Service<Request<()>> for Quiet {
    type Response = Response<String>;
    type Error = Infallible;
    type Future = Ready<Result<Response<String>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<()>) -> Self::Future {
        ready(Ok(Response::new(String::new())))
    }
}

pub(crate) fn ours() -> Cors<Quiet> {
    CorsLayer::of_host(requests::policy(), Scheme::Https).layer(Quiet)
}

#[cfg(feature = "peers")]
fn tower_http() -> tower_http::cors::Cors<Quiet> {
    use http::{HeaderName, HeaderValue, Method};
    let name = |name: &'static str| HeaderName::from_static(name);
    tower_http::cors::CorsLayer::new()
        .allow_origin(requests::ALLOWED.map(HeaderValue::from_static))
        .allow_methods([Method::GET, Method::POST, Method::PATCH, Method::DELETE])
        .allow_headers(["authorization", "content-type", "if-match"].map(name))
        .expose_headers(["location", "link", "etag"].map(name))
        .max_age(std::time::Duration::from_secs(600))
        .layer(Quiet)
}

/// The answer of a service that never waits.
pub(crate) fn call<S>(service: &mut S, request: Request<()>) -> Response<String>
where
    S: Service<Request<()>, Response = Response<String>, Error = Infallible>,
{
    let mut cx = Context::from_waker(Waker::noop());
    assert!(service.poll_ready(&mut cx).is_ready());
    match pin!(service.call(request)).poll(&mut cx) {
        Poll::Ready(Ok(response)) => response,
        Poll::Pending => unreachable!("the service answers at once"),
    }
}

/// A whole answer to a request of this kind; making the request is not measured.
pub(crate) fn answer(kind: Kind) -> Item {
    let mut item = Item::new(format!("layer {}", kind.name));
    add(&mut item, OURS, kind, ours());
    #[cfg(feature = "peers")]
    add(&mut item, "tower-http", kind, tower_http());
    item
}

fn add<S>(item: &mut Item, who: &'static str, kind: Kind, mut service: S)
where
    S: Service<Request<()>, Response = Response<String>, Error = Infallible> + 'static,
{
    let requests = move || vec![kind.request(); BATCH];
    item.add(who, BATCH, requests, move |requests| {
        for request in requests.drain(..) {
            black_box(call(&mut service, request));
        }
    });
}
