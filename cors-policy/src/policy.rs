//! The policy, built and checked once.

use crate::entry::{AllowList, EntryProblem};
use crate::grammar;
use crate::origin::OriginOrNull;

/// Why a policy cannot be built. Messages name the entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// An entry of the allow list.
    #[error("allowed origin \"{entry}\": {problem}")]
    Entry {
        /// The entry as it was written.
        entry: String,
        /// What is wrong with it.
        problem: EntryProblem,
    },
    /// Not a method name (RFC 9110 §9.1), or `*`, which [`PolicyBuilder::any_method`] stands for.
    #[error("\"{}\" is not a method name{}", .0, instead_of_star(.0, "any_method"))]
    Method(String),
    /// Not a field name (RFC 9110 §5.1), or `*`, which [`PolicyBuilder::any_header`] stands for.
    #[error("\"{}\" is not a header field name{}", .0, instead_of_star(.0, "any_header"))]
    Header(String),
    /// Browsers refuse `*` together with credentials (Fetch, CORS protocol and credentials).
    #[error("a public policy cannot allow credentials")]
    CredentialsWithPublic,
    /// Every web site could act with the user's cookies. Who means it says
    /// [`PolicyBuilder::credentials_even_for_every_origin`].
    #[error(
        "credentials for every origin trust every web site; \
         list origins, or insist with credentials_even_for_every_origin()"
    )]
    CredentialsWithEveryOrigin,
    /// With credentials browsers read the exposed `*` as the name of a field.
    #[error("exposing \"*\" does nothing together with credentials")]
    ExposeStarWithCredentials,
}

/// What to write in place of `*`.
fn instead_of_star(name: &str, method: &str) -> String {
    match name {
        "*" => format!("; for any, call {method}()"),
        _ => String::new(),
    }
}

/// Which origins may read answers, and with what.
///
/// Built by [`Policy::own_origin`], [`Policy::allow`], [`Policy::every_origin`] or
/// [`Policy::public`]; asked by
/// [`Policy::decide`]. See [`PolicyBuilder`] for the defaults.
#[derive(Debug, Clone)]
pub struct Policy {
    pub(crate) allow: Allow,
    pub(crate) credentials: bool,
    pub(crate) methods: Names,
    pub(crate) headers: Names,
    pub(crate) expose: Option<Box<str>>,
    pub(crate) max_age: Option<Box<str>>,
    pub(crate) private_network: bool,
}

/// Which origins, beside the request's own.
#[derive(Debug, Clone)]
pub(crate) enum Allow {
    /// None.
    OwnOnly,
    /// These.
    Listed(AllowList),
    /// Every origin that is well formed; it is echoed.
    Every,
    /// Whoever asks, answered with `*`.
    Public,
}

impl Allow {
    pub(crate) fn admits(&self, origin: &OriginOrNull<'_>) -> bool {
        match self {
            Self::OwnOnly => false,
            Self::Listed(list) => list.admits(origin),
            // "null" is what any sandboxed frame sends: only a list can name it.
            Self::Every => matches!(origin, OriginOrNull::Origin(_)),
            Self::Public => true,
        }
    }
}

/// Allowed methods or header names.
#[derive(Debug, Clone)]
pub(crate) enum Names {
    Any,
    Listed {
        names: Vec<Box<str>>,
        /// The names as one field value.
        value: Box<str>,
    },
}

impl Names {
    fn listed(names: Vec<String>) -> Self {
        Self::Listed {
            value: names.join(", ").into(),
            names: names.into_iter().map(String::into_boxed_str).collect(),
        }
    }
}

impl Policy {
    /// Only the request's own origin: what a server without any configuration should do.
    pub fn own_origin() -> PolicyBuilder {
        PolicyBuilder::new(Origins::Own)
    }

    /// An allow list, besides the request's own origin. **An empty list allows every origin**
    /// and echoes it; [`every_origin`](Self::every_origin) says the same in the open.
    ///
    /// | entry | allows |
    /// | --- | --- |
    /// | `https://a.example:8443` | exactly this origin |
    /// | `a.example`, `192.0.2.1`, `[::1]` | this host with any scheme and port |
    /// | `https://*.a.example` | its subdomains of any depth with this scheme and port, not `a.example` |
    /// | `*.a.example` | its subdomains with any scheme and port |
    /// | `null` | opaque origins: sandboxed frames of any site, local files |
    ///
    /// Entries are normalised: lower case, default ports left out, letters outside ASCII as
    /// A-labels.
    pub fn allow<I, S>(entries: I) -> PolicyBuilder
    where
        I: IntoIterator<Item = S>,
        S: Into<String>,
    {
        PolicyBuilder::new(Origins::Allow(
            entries.into_iter().map(Into::into).collect(),
        ))
    }

    /// Every well-formed origin, echoed; `null` is refused. The same as an empty
    /// [`allow`](Self::allow) list. With credentials it needs
    /// [`credentials_even_for_every_origin`](PolicyBuilder::credentials_even_for_every_origin);
    /// without, [`public`](Self::public) is simpler and can be cached.
    pub fn every_origin() -> PolicyBuilder {
        PolicyBuilder::new(Origins::Allow(Vec::new()))
    }

    /// A public resource: answered with `*`, whoever asks. Never with credentials.
    pub fn public() -> PolicyBuilder {
        PolicyBuilder::new(Origins::Public)
    }

    /// Whether every web site passes (an empty allow list, or public). Worth a line in the log
    /// at start.
    pub fn admits_every_origin(&self) -> bool {
        matches!(self.allow, Allow::Every | Allow::Public)
    }
}

/// Origins as they were asked for, not yet checked.
#[derive(Debug, Clone)]
enum Origins {
    Own,
    Allow(Vec<String>),
    Public,
}

/// Whether answers to requests with cookies may be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Credentials {
    No,
    Yes,
    /// Even from every web site.
    Insisted,
}

/// Collects a policy; [`build`](Self::build) checks it as a whole.
///
/// Left unset: no credentials; methods `GET`, `HEAD`, `POST`; no request headers beyond those
/// that need no permission; nothing exposed; no max-age (browsers then take 5 seconds); no
/// private-network grant.
#[derive(Debug, Clone)]
#[must_use]
pub struct PolicyBuilder {
    origins: Origins,
    credentials: Credentials,
    /// `None` is any.
    methods: Option<Vec<String>>,
    /// `None` is any.
    headers: Option<Vec<String>>,
    expose: Vec<String>,
    max_age: Option<u32>,
    private_network: bool,
}

impl PolicyBuilder {
    fn new(origins: Origins) -> Self {
        Self {
            origins,
            credentials: Credentials::No,
            methods: Some(["GET", "HEAD", "POST"].map(String::from).into()),
            headers: Some(Vec::new()),
            expose: Vec::new(),
            max_age: None,
            private_network: false,
        }
    }

    /// Answers to requests with cookies, client certificates or HTTP authentication may be read.
    ///
    /// Refused by [`build`](Self::build) for a public policy, and for every origin unless
    /// [`credentials_even_for_every_origin`](Self::credentials_even_for_every_origin) insists.
    pub fn credentials(mut self) -> Self {
        self.credentials = Credentials::Yes;
        self
    }

    /// As [`credentials`](Self::credentials), and also with an empty allow list. Every web site
    /// the user visits can then read what the user can read.
    pub fn credentials_even_for_every_origin(mut self) -> Self {
        self.credentials = Credentials::Insisted;
        self
    }

    /// The methods a preflight may ask for. `GET`, `HEAD` and `POST` need no permission
    /// (CORS-safelisted methods of Fetch) and pass also when not named. Case matters. `*` is
    /// refused: [`any_method`](Self::any_method) says it.
    pub fn methods<I, S>(mut self, methods: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: Into<String>,
    {
        self.methods = Some(methods.into_iter().map(Into::into).collect());
        self
    }

    /// Any method.
    pub fn any_method(mut self) -> Self {
        self.methods = None;
        self
    }

    /// The request header names a preflight may ask for, in any case. `*` is refused:
    /// [`any_header`](Self::any_header) says it.
    pub fn headers<I, S>(mut self, names: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: Into<String>,
    {
        self.headers = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// Any request header, `Authorization` too.
    pub fn any_header(mut self) -> Self {
        self.headers = None;
        self
    }

    /// The response headers that scripts may read, beyond the safelisted ones.
    pub fn expose<I, S>(mut self, names: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: Into<String>,
    {
        self.expose = names.into_iter().map(Into::into).collect();
        self
    }

    /// How long a browser may remember a preflight, in seconds. 0 switches its memory off.
    pub fn max_age(mut self, seconds: u32) -> Self {
        self.max_age = Some(seconds);
        self
    }

    /// Grants requests from public pages into a private network, to browsers that still ask the
    /// server (Private Network Access, a withdrawn draft; newer browsers ask the user).
    pub fn private_network(mut self) -> Self {
        self.private_network = true;
        self
    }

    /// Checks everything.
    ///
    /// # Errors
    /// The first thing wrong, named; see [`PolicyError`].
    pub fn build(self) -> Result<Policy, PolicyError> {
        let allow = allow(self.origins)?;
        match (self.credentials, &allow) {
            (Credentials::Yes | Credentials::Insisted, Allow::Public) => {
                return Err(PolicyError::CredentialsWithPublic);
            }
            (Credentials::Yes, Allow::Every) => {
                return Err(PolicyError::CredentialsWithEveryOrigin);
            }
            _ => {}
        }
        let credentials = self.credentials != Credentials::No;
        let expose = tokens(self.expose, PolicyError::Header)?;
        if credentials && expose.iter().any(|name| name == "*") {
            return Err(PolicyError::ExposeStarWithCredentials);
        }
        Ok(Policy {
            allow,
            credentials,
            methods: names(self.methods, PolicyError::Method)?,
            headers: names(self.headers, PolicyError::Header)?,
            expose: (!expose.is_empty()).then(|| expose.join(", ").into()),
            max_age: self.max_age.map(|seconds| seconds.to_string().into()),
            private_network: self.private_network,
        })
    }
}

fn allow(origins: Origins) -> Result<Allow, PolicyError> {
    match origins {
        Origins::Own => Ok(Allow::OwnOnly),
        Origins::Public => Ok(Allow::Public),
        Origins::Allow(entries) if entries.is_empty() => Ok(Allow::Every),
        Origins::Allow(entries) => {
            let mut list = AllowList::default();
            for entry in entries {
                list.insert(&entry)
                    .map_err(|problem| PolicyError::Entry { entry, problem })?;
            }
            Ok(Allow::Listed(list))
        }
    }
}

/// A listed `*` would be a literal name, which nobody means: [`PolicyBuilder::any_method`] and
/// [`PolicyBuilder::any_header`] say "any".
fn names(
    list: Option<Vec<String>>,
    error: fn(String) -> PolicyError,
) -> Result<Names, PolicyError> {
    let Some(list) = list else {
        return Ok(Names::Any);
    };
    let list = tokens(list, error)?;
    match list.iter().find(|name| *name == "*") {
        Some(star) => Err(error(star.clone())),
        None => Ok(Names::listed(list)),
    }
}

fn tokens(list: Vec<String>, error: fn(String) -> PolicyError) -> Result<Vec<String>, PolicyError> {
    match list.iter().find(|name| !grammar::is_token(name)) {
        Some(bad) => Err(error(bad.clone())),
        None => Ok(list),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_the_entry() {
        let error = Policy::allow(["https://a.example", "b.example/"])
            .build()
            .unwrap_err();
        assert!(error.to_string().contains("\"b.example/\""), "{error}");
        let error = Policy::own_origin().methods(["P UT"]).build().unwrap_err();
        assert_eq!(error, PolicyError::Method("P UT".into()));
        let error = Policy::own_origin()
            .headers(["X-A", "*"])
            .build()
            .unwrap_err();
        assert_eq!(error, PolicyError::Header("*".into()));
        assert!(error.to_string().ends_with("call any_header()"), "{error}");
        let error = Policy::own_origin().methods(["*"]).build().unwrap_err();
        assert!(error.to_string().ends_with("call any_method()"), "{error}");
        let error = Policy::own_origin().expose(["a\r\nb"]).build().unwrap_err();
        assert_eq!(error, PolicyError::Header("a\r\nb".into()));
    }

    #[test]
    fn dangerous_or_useless_credentials_are_refused() {
        let every = Policy::every_origin;
        assert_eq!(
            every().credentials().build().unwrap_err(),
            PolicyError::CredentialsWithEveryOrigin
        );
        assert!(every().credentials_even_for_every_origin().build().is_ok());
        assert_eq!(
            Policy::public()
                .credentials_even_for_every_origin()
                .build()
                .unwrap_err(),
            PolicyError::CredentialsWithPublic
        );
        assert_eq!(
            Policy::own_origin()
                .credentials()
                .expose(["*"])
                .build()
                .unwrap_err(),
            PolicyError::ExposeStarWithCredentials
        );
    }

    #[test]
    fn only_open_policies_admit_every_origin() {
        assert!(
            Policy::every_origin()
                .build()
                .unwrap()
                .admits_every_origin()
        );
        assert!(
            Policy::allow([""; 0])
                .build()
                .unwrap()
                .admits_every_origin()
        );
        assert!(Policy::public().build().unwrap().admits_every_origin());
        assert!(!Policy::own_origin().build().unwrap().admits_every_origin());
        assert!(
            !Policy::allow(["null"])
                .build()
                .unwrap()
                .admits_every_origin()
        );
    }
}
