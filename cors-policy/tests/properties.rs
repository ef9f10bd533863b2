//! Properties, held against the slow reference.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod reference;

use cors_policy::{
    Decision, MAX_ORIGIN_LEN, MAX_REQUEST_HEADERS_LINES, Origin, OriginOrNull, Policy,
    PrivateNetwork, Refusal, Request,
};
use proptest::prelude::*;

const ORIGINS: [&str; 8] = [
    "https://a.example",
    "http://a.example",
    "https://a.example:8443",
    "https://x.a.example",
    "https://b.example",
    "http://[2001:db8::1]",
    "http://localhost:5173",
    "null",
];
const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];
const HEADERS: [(&str, &str); 6] = [
    ("Accept", "text/html"),
    ("Content-Type", "text/plain"),
    ("Content-Type", "application/sdp"),
    ("Authorization", "Bearer x"),
    ("If-Match", "\"1\""),
    ("X-Token", "1"),
];

/// A policy as data, so that the reference can read it without the crate.
#[derive(Debug, Clone)]
struct Model {
    /// `None`: own origin only; empty: every origin.
    allow: Option<Vec<&'static str>>,
    public: bool,
    credentials: bool,
    methods: Option<Vec<&'static str>>,
    headers: Option<Vec<&'static str>>,
}

impl Model {
    fn build(&self) -> Policy {
        let mut builder = match (&self.allow, self.public) {
            (_, true) => Policy::public(),
            (None, _) => Policy::own_origin(),
            (Some(list), _) => Policy::allow(list.iter().copied()),
        };
        if self.credentials && !self.public {
            builder = builder.credentials_even_for_every_origin();
        }
        builder = match &self.methods {
            None => builder.any_method(),
            Some(list) => builder.methods(list.iter().copied()),
        };
        builder = match &self.headers {
            None => builder.any_header(),
            Some(list) => builder.headers(list.iter().copied()),
        };
        builder.build().unwrap()
    }

    /// Whether the policy means to let this page read the answer.
    fn means_to_share(&self, page: &str, fetch: &Fetch) -> bool {
        let origin = self.public
            || match &self.allow {
                None => false,
                Some(list) if list.is_empty() => page != "null",
                Some(list) => list.iter().any(|entry| slow_match(entry, page)),
            };
        let credentials = !fetch.credentials || (self.credentials && !self.public);
        let unsafe_names = reference::unsafe_header_names(&fetch.headers);
        let safelisted = reference::is_safelisted_method(fetch.method);
        let method = safelisted
            || self
                .methods
                .as_ref()
                .is_none_or(|l| l.contains(&fetch.method));
        let headers = unsafe_names.iter().all(|name| {
            self.headers
                .as_ref()
                .is_none_or(|l| l.iter().any(|h| h.eq_ignore_ascii_case(name)))
        });
        origin && credentials && method && headers
    }
}

/// Matching by taking the page's origin apart as text.
fn slow_match(entry: &str, page: &str) -> bool {
    if entry == page {
        return true;
    }
    let Some((_, authority)) = page.split_once("://") else {
        return false;
    };
    let host = match authority.rfind(']') {
        Some(end) => &authority[..=end],
        None => authority.split(':').next().unwrap(),
    };
    match entry.strip_prefix("*.") {
        Some(domain) => host.ends_with(&format!(".{domain}")),
        None => entry == host,
    }
}

/// What a script asks its browser for.
#[derive(Debug, Clone)]
struct Fetch {
    method: &'static str,
    headers: Vec<(String, String)>,
    credentials: bool,
}

fn some_of(from: &'static [&'static str]) -> impl Strategy<Value = Vec<&'static str>> {
    proptest::sample::subsequence(from, 0..=from.len())
}

fn a_model() -> impl Strategy<Value = Model> {
    let entries: &[&str] = &[
        "https://a.example",
        "a.example",
        "*.a.example",
        "http://[2001:db8::1]",
        "localhost",
        "null",
    ];
    let names: &[&str] = &["content-type", "AUTHORIZATION", "If-Match", "X-Other"];
    (
        proptest::option::of(some_of(entries)),
        any::<bool>(),
        any::<bool>(),
        proptest::option::of(some_of(&METHODS)),
        proptest::option::of(some_of(names)),
    )
        .prop_map(|(allow, public, credentials, methods, headers)| Model {
            allow,
            public,
            credentials,
            methods,
            headers,
        })
}

fn a_fetch() -> impl Strategy<Value = Fetch> {
    let headers = proptest::sample::subsequence(&HEADERS, 0..=HEADERS.len());
    (
        proptest::sample::select(&METHODS[..]),
        headers,
        any::<bool>(),
    )
        .prop_map(|(method, headers, credentials)| Fetch {
            method,
            headers: headers
                .iter()
                .map(|h| (h.0.to_owned(), h.1.to_owned()))
                .collect(),
            credentials,
        })
}

fn fields(decision: &Decision<'_>) -> reference::Fields {
    decision
        .headers()
        .iter()
        .map(|(n, v)| (n.to_owned(), v.to_owned()))
        .collect()
}

/// The browser's side of a cross-origin fetch: preflight where needed, then the request itself.
fn browser_shares(policy: &Policy, page: &str, fetch: &Fetch) -> bool {
    let unsafe_names = reference::unsafe_header_names(&fetch.headers);
    if !reference::is_safelisted_method(fetch.method) || !unsafe_names.is_empty() {
        let names = unsafe_names.join(",");
        let mut request = Request::new("OPTIONS")
            .header("origin", page.as_bytes())
            .header("access-control-request-method", fetch.method.as_bytes());
        if !unsafe_names.is_empty() {
            request = request.header("access-control-request-headers", names.as_bytes());
        }
        let decision = policy.decide(&request);
        let passes = reference::preflight_passes(
            page,
            fetch.credentials,
            fetch.method,
            &unsafe_names,
            decision.status().unwrap(),
            &fields(&decision),
        );
        if !passes {
            return false;
        }
    }
    let request = Request::new(fetch.method).header("Origin", page.as_bytes());
    let decision = policy.decide(&request);
    decision.status().is_none()
        && reference::cors_check(page, fetch.credentials, &fields(&decision))
}

/// Text that looks like an origin, with mistakes in it.
fn near_origin() -> impl Strategy<Value = String> {
    let scheme = prop_oneof![
        Just("http"),
        Just("https"),
        Just("app+x"),
        Just("HTTP"),
        Just("1a"),
        Just("")
    ];
    let host = prop_oneof![
        "[a-c0-9-]{0,3}(\\.[a-cA_0-9-]{0,3}){0,3}",
        "\\[([0-9a-f]{0,5}:){0,9}[0-9a-f]{0,4}\\]",
        "\\[([0-9a-f]{1,2}:){0,5}:([0-9a-f]{1,2}:){0,5}[0-9a-f]{0,2}\\]",
    ];
    let port = prop_oneof![Just(String::new()), ":[0-9]{0,6}", ":-1", "/"];
    (scheme, host, port).prop_map(|(scheme, host, port)| format!("{scheme}://{host}{port}"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// What the policy means is what a browser does, for every page and every fetch.
    #[test]
    fn a_browser_shares_what_the_policy_means(
        model in a_model(),
        page in proptest::sample::select(&ORIGINS[..]),
        fetch in a_fetch(),
    ) {
        let policy = model.build();
        prop_assert_eq!(
            browser_shares(&policy, page, &fetch),
            model.means_to_share(page, &fetch)
        );
    }

    /// The grammar is the ABNF's, but for length and the largest port.
    #[test]
    fn the_grammar_is_the_references(text in near_origin()) {
        let port_too_large = text.rsplit(':').next().unwrap().parse::<u32>().is_ok_and(|p| p > 65535);
        let expected = reference::is_origin_or_null(&text)
            && !port_too_large
            && text.len() <= MAX_ORIGIN_LEN;
        prop_assert_eq!(OriginOrNull::parse(&text).is_ok(), expected, "{}", text);
    }

    /// Serialising and reading again gives the same origin.
    #[test]
    fn origins_survive_a_round_trip(text in near_origin()) {
        if let Ok(origin) = Origin::parse(&text) {
            let written = origin.to_string();
            prop_assert_eq!(&Origin::parse(&written).unwrap(), &origin);
        }
        if let Ok(Some(origin)) = Origin::of_url(&text) {
            let written = origin.to_string();
            prop_assert_eq!(Origin::of_url(&written).unwrap().unwrap(), origin);
        }
    }

    /// The own origin is compared first, whatever the policy.
    #[test]
    fn the_own_origin_is_never_refused(
        model in a_model(),
        page in proptest::sample::select(&ORIGINS[..7]),
        method in proptest::sample::select(&METHODS[..]),
        by_host in any::<bool>(),
    ) {
        let policy = model.build();
        let own = [Origin::parse(page).unwrap()];
        let request = Request::new(method).header("Origin", page.as_bytes());
        let (scheme, authority) = page.split_once("://").unwrap();
        let request = match by_host {
            true => request.own_host(scheme, authority),
            false => request.own_origins(&own),
        };
        prop_assert!(matches!(policy.decide(&request), Decision::SameOrigin(_)));
    }

    /// Any bytes anywhere: no panic, and nothing in the answer that could split a response.
    #[test]
    fn arbitrary_bytes_stay_harmless(
        model in a_model(),
        method in prop_oneof![Just("OPTIONS"), Just("GET")],
        lines in proptest::collection::vec(
            (0usize..4, prop_oneof![
                proptest::collection::vec(any::<u8>(), 0..40),
                "[a-zA-Z,\t \r\n-]{0,30}".prop_map(String::into_bytes),
                proptest::sample::select(&ORIGINS[..]).prop_map(|o| o.as_bytes().to_vec()),
                Just(b"PUT".to_vec()),
            ]),
            0..8,
        ),
    ) {
        let names = [
            "Origin",
            "Access-Control-Request-Method",
            "Access-Control-Request-Headers",
            "Access-Control-Request-Private-Network",
        ];
        let policy = model.build();
        let mut request = Request::new(method).own_host("https", "gw.example");
        for (name, value) in &lines {
            request = request.header(names[*name], value);
        }
        let decision = policy.decide(&request);
        for (_, value) in decision.headers().iter() {
            prop_assert!(value.bytes().all(|b| matches!(b, b' '..=b'~' | b'\t')), "{:?}", value);
        }
        if let Decision::Refused(refused) = &decision {
            let body = refused.to_string();
            prop_assert!(body.bytes().all(|b| matches!(b, b' '..=b'~')) && body.len() < 1000);
            prop_assert_eq!(decision.headers().len(), 1);
        }
    }

    /// A cache that keys by `Vary` never hands out a wrong answer.
    #[test]
    fn vary_names_everything_the_answer_depends_on(
        model in a_model(),
        preflight in any::<bool>(),
        pages in (proptest::sample::select(&ORIGINS[..]), proptest::sample::select(&ORIGINS[..])),
        methods in (proptest::sample::select(&METHODS[..]), proptest::sample::select(&METHODS[..])),
    ) {
        let policy = model.build();
        let answer = |page: &'static str, method: &'static str| {
            let request = match preflight {
                true => Request::new("OPTIONS")
                    .header("access-control-request-method", method.as_bytes()),
                false => Request::new("GET"),
            };
            let decision = policy.decide(&request.header("origin", page.as_bytes()));
            (decision.status(), fields(&decision))
        };
        let first = answer(pages.0, methods.0);
        let second = answer(pages.1, methods.1);
        let vary = reference::list(&first.1, "vary");
        let varies = |name: &str| vary.iter().any(|v| v.eq_ignore_ascii_case(name));
        let same_key = (!varies("Origin") || pages.0 == pages.1)
            && (!varies("Access-Control-Request-Method") || methods.0 == methods.1);
        if same_key {
            prop_assert_eq!(first, second);
        }
    }
}

#[test]
fn a_url_that_is_cut_anywhere_does_no_harm() {
    let url = "https://user:pw@b\u{fc}cher.example:8443/path?query#[::1]";
    for (end, _) in url.char_indices() {
        let _ = Origin::of_url(&url[..end]);
        let _ = OriginOrNull::parse(&url[..end]);
    }
}

#[test]
fn private_network_is_told_apart() {
    let ask = Request::new("OPTIONS")
        .header("Origin", b"https://a.example")
        .header("Access-Control-Request-Method", b"GET")
        .header("Access-Control-Request-Private-Network", b"true");
    let told = |policy: Policy| match policy.decide(&ask) {
        Decision::Preflight {
            private_network, ..
        } => private_network,
        other => panic!("{other:?}"),
    };
    let allow = || Policy::allow(["a.example"]);
    assert_eq!(told(allow().build().unwrap()), PrivateNetwork::Withheld);
    assert_eq!(
        told(allow().private_network().build().unwrap()),
        PrivateNetwork::Granted
    );
}

#[test]
fn malformed_asks_are_never_echoed() {
    let mirror = Policy::allow(["a.example"])
        .credentials()
        .any_method()
        .any_header();
    let policy = mirror.build().unwrap();
    let ask = |method: &'static [u8], lines: &[&'static [u8]]| {
        let mut request = Request::new("OPTIONS")
            .header("Origin", b"https://a.example")
            .header("Access-Control-Request-Method", method);
        for line in lines {
            request = request.header("Access-Control-Request-Headers", line);
        }
        match policy.decide(&request) {
            Decision::Refused(refused) => Some(refused.reason()),
            _ => None,
        }
    };
    assert_eq!(ask(b"PUT", &[b"x-a, x-b"]), None);
    for method in [&b"P\rUT"[..], b"", b"PUT, GET", b"P\xffUT"] {
        assert_eq!(ask(method, &[]), Some(Refusal::MethodMalformed));
    }
    for line in [&b"x-a\r\nx: y"[..], b"x a", b"x-a: 1", b"\xff"] {
        assert_eq!(ask(b"PUT", &[line]), Some(Refusal::HeadersMalformed));
    }
    assert_eq!(ask(b"PUT", &[&b"x-a"[..]; MAX_REQUEST_HEADERS_LINES]), None);
    let too_many = [&b"x-a"[..]; MAX_REQUEST_HEADERS_LINES + 1];
    assert_eq!(ask(b"PUT", &too_many), Some(Refusal::HeadersMalformed));
}
