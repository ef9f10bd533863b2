//! The policy and the requests that it is asked about.

use cors_policy::Policy;

/// The origins that may call.
pub(crate) const ALLOWED: [&str; 4] = [
    "https://app.example",
    "https://intranet.example",
    "https://calls.example:8443",
    "http://192.0.2.7",
];

/// A request, by what is special about it.
#[derive(Clone, Copy)]
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    method: &'static str,
    headers: &'static [(&'static str, &'static str)],
}

/// What every request has besides.
const PLAIN: [(&str, &str); 5] = [
    ("host", "gw.example"),
    (
        "user-agent",
        "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/153.0",
    ),
    ("accept", "*/*"),
    ("accept-language", "en-US,en;q=0.5"),
    ("accept-encoding", "gzip, deflate, br, zstd"),
];

/// All that are measured.
pub(crate) const KINDS: [Kind; 4] = [
    Kind {
        name: "without origin",
        method: "GET",
        headers: &[],
    },
    Kind {
        name: "allowed",
        method: "POST",
        headers: &[("origin", "https://app.example")],
    },
    Kind {
        name: "not allowed",
        method: "POST",
        headers: &[("origin", "https://evil.example")],
    },
    Kind {
        name: "preflight",
        method: "OPTIONS",
        headers: &[
            ("origin", "https://app.example"),
            ("access-control-request-method", "PATCH"),
            (
                "access-control-request-headers",
                "authorization,content-type",
            ),
        ],
    },
];

impl Kind {
    pub(crate) fn request(&self) -> http::Request<()> {
        let mut request = http::Request::new(());
        *request.method_mut() = self.method.parse().expect("a method");
        let fields = PLAIN.iter().chain(self.headers);
        for (name, value) in fields {
            let value = http::HeaderValue::from_static(value);
            request.headers_mut().insert(*name, value);
        }
        request
    }
}

/// A policy as the gateway has one.
pub(crate) fn policy() -> Policy {
    Policy::allow(ALLOWED)
        .methods(["GET", "POST", "PATCH", "DELETE"])
        .headers(["Authorization", "Content-Type", "If-Match"])
        .expose(["Location", "Link", "ETag"])
        .max_age(600)
        .build()
        .expect("a policy")
}
