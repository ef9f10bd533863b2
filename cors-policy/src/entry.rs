//! Entries of an allow list, and the list made of them.

use crate::grammar;
use crate::host;
use crate::origin::{Origin, OriginOrNull, SerializedOrigin, default_port, split_port};

/// What is wrong with an entry of an allow list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EntryProblem {
    /// `*` means a public resource and stands alone.
    #[error("\"*\" means every origin and cannot stand in a list; use a public policy")]
    Star,
    /// Text after the host and port.
    #[error("an origin ends after its host and port: no path, no slash at the end")]
    Path,
    /// `user@host`.
    #[error("an origin has no user name")]
    UserInfo,
    /// Not a scheme.
    #[error("the scheme is not a scheme name")]
    Scheme,
    /// Not a host that a browser can name in an `Origin` header.
    #[error("the host is not a domain name, an IPv4 address or a bracketed IPv6 address")]
    Host,
    /// Not a port number.
    #[error("the port is not a number from 0 to 65535")]
    Port,
    /// A bare host allows every port; with a port the scheme is needed too.
    #[error("a host with a port needs its scheme, as in \"https://host:port\"")]
    PortWithoutScheme,
    /// A wildcard that is not `*.` in front of a domain of two labels or more.
    #[error("a wildcard is \"*.\" in front of a domain with a dot in it")]
    Wildcard,
}

/// One checked entry.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Entry {
    Null,
    Origin(Origin),
    Host(Box<str>),
    Subdomains(Subdomains),
}

/// `*.example.com`: any scheme and port; `https://*.example.com`: just that one.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Subdomains {
    /// With its leading dot.
    suffix: Box<str>,
    scheme_and_port: Option<(Box<str>, Option<u16>)>,
}

impl Subdomains {
    fn admits(&self, origin: &SerializedOrigin<'_>) -> bool {
        // The grammar knows no empty label: in front of the dot stands a real one.
        origin.host().ends_with(&*self.suffix)
            && self
                .scheme_and_port
                .as_ref()
                .is_none_or(|(scheme, port)| origin.scheme() == &**scheme && origin.port() == *port)
    }
}

impl Entry {
    fn parse(text: &str) -> Result<Self, EntryProblem> {
        match text {
            "null" => Ok(Self::Null),
            "*" => Err(EntryProblem::Star),
            _ => match text.split_once("://") {
                Some((scheme, rest)) => Self::with_scheme(&scheme.to_ascii_lowercase(), rest),
                None => Self::bare(text),
            },
        }
    }

    fn with_scheme(scheme: &str, rest: &str) -> Result<Self, EntryProblem> {
        if !grammar::is_scheme(scheme) {
            return Err(EntryProblem::Scheme);
        }
        check_stray(rest)?;
        let (host, port) = split_port(rest);
        let port = match port {
            Some(digits) => Some(grammar::port(digits).ok_or(EntryProblem::Port)?),
            None => default_port(scheme),
        };
        if let Some(domain) = host.strip_prefix("*.") {
            let suffix = wildcard_suffix(domain)?;
            let scheme_and_port = Some((scheme.into(), port));
            return Ok(Self::Subdomains(Subdomains {
                suffix,
                scheme_and_port,
            }));
        }
        Ok(Self::Origin(Origin::from_parts(
            scheme,
            &sendable_host(host)?,
            port,
        )))
    }

    fn bare(text: &str) -> Result<Self, EntryProblem> {
        check_stray(text)?;
        if split_port(text).1.is_some() {
            return Err(EntryProblem::PortWithoutScheme);
        }
        match text.strip_prefix("*.") {
            Some(domain) => Ok(Self::Subdomains(Subdomains {
                suffix: wildcard_suffix(domain)?,
                scheme_and_port: None,
            })),
            None => Ok(Self::Host(sendable_host(text)?.into())),
        }
    }
}

/// What operators paste by mistake gets its own message.
fn check_stray(text: &str) -> Result<(), EntryProblem> {
    if text.contains(['/', '?', '#', '\\']) {
        return Err(EntryProblem::Path);
    }
    if text.contains('@') {
        return Err(EntryProblem::UserInfo);
    }
    Ok(())
}

/// A normalised host that the `Origin` grammar allows: an entry that can never match is an error.
fn sendable_host(text: &str) -> Result<String, EntryProblem> {
    if text.contains('*') {
        return Err(EntryProblem::Wildcard);
    }
    host::normalize(text)
        .filter(|host| grammar::is_host(host))
        .ok_or(EntryProblem::Host)
}

/// A whole top-level domain is too much for one entry, and an address has no subdomains.
fn wildcard_suffix(domain: &str) -> Result<Box<str>, EntryProblem> {
    let host = sendable_host(domain)?;
    let is_address = host.starts_with('[') || host.parse::<core::net::Ipv4Addr>().is_ok();
    if is_address || !host.contains('.') {
        return Err(EntryProblem::Wildcard);
    }
    Ok(format!(".{host}").into())
}

/// A non-empty allow list, ready for look-ups.
#[derive(Debug, Clone, Default)]
pub(crate) struct AllowList {
    null: bool,
    /// Sorted.
    origins: Vec<Origin>,
    /// Sorted.
    hosts: Vec<Box<str>>,
    subdomains: Vec<Subdomains>,
}

impl AllowList {
    pub(crate) fn insert(&mut self, text: &str) -> Result<(), EntryProblem> {
        match Entry::parse(text)? {
            Entry::Null => self.null = true,
            Entry::Origin(origin) => insert_sorted(&mut self.origins, origin),
            Entry::Host(host) => insert_sorted(&mut self.hosts, host),
            Entry::Subdomains(subdomains) => self.subdomains.push(subdomains),
        }
        Ok(())
    }

    pub(crate) fn admits(&self, origin: &OriginOrNull<'_>) -> bool {
        let OriginOrNull::Origin(origin) = origin else {
            return self.null;
        };
        self.origins
            .binary_search_by(|listed| origin.order_of(listed))
            .is_ok()
            || self
                .hosts
                .binary_search_by(|listed| (**listed).cmp(origin.host()))
                .is_ok()
            || self
                .subdomains
                .iter()
                .any(|subdomains| subdomains.admits(origin))
    }
}

fn insert_sorted<T: Ord>(list: &mut Vec<T>, item: T) {
    if let Err(at) = list.binary_search(&item) {
        list.insert(at, item);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admits(entry: &str, origin: &str) -> bool {
        let mut list = AllowList::default();
        list.insert(entry).unwrap();
        list.admits(&OriginOrNull::parse(origin).unwrap())
    }

    #[test]
    fn a_bare_host_is_that_host_on_any_scheme_and_port() {
        for origin in [
            "http://a.example",
            "https://a.example:8443",
            "app://a.example",
        ] {
            assert!(admits("A.example", origin), "{origin}");
        }
        assert!(!admits("a.example", "https://x.a.example"));
        assert!(admits("[::1]", "http://[::1]:3000"));
        assert!(admits("localhost", "http://localhost:5173"));
    }

    #[test]
    fn full_origins_are_normalised() {
        assert!(admits("HTTPS://A.example:443", "https://a.example"));
        assert!(!admits("https://a.example", "http://a.example"));
        assert!(!admits("https://a.example", "https://a.example:444"));
    }

    #[test]
    fn wildcards_cover_subdomains_only() {
        assert!(admits("*.a.example", "http://x.y.a.example:81"));
        assert!(admits("https://*.a.example", "https://x.a.example"));
        for origin in [
            "https://a.example",
            "http://x.a.example",
            "https://x.a.example:444",
            "https://xa.example",
            "https://x.a.example.evil.test",
        ] {
            assert!(!admits("https://*.a.example", origin), "{origin}");
        }
    }

    #[test]
    fn null_only_when_listed() {
        assert!(admits("null", "null"));
        assert!(!admits("null", "https://null"));
        assert!(!admits("a.example", "null"));
    }

    #[test]
    fn problems() {
        for (entry, problem) in [
            ("*", EntryProblem::Star),
            ("https://a.example/", EntryProblem::Path),
            ("a.example/x", EntryProblem::Path),
            ("https://u@a.example", EntryProblem::UserInfo),
            ("1x://a.example", EntryProblem::Scheme),
            ("", EntryProblem::Host),
            ("https://", EntryProblem::Host),
            ("a_b.example", EntryProblem::Host),
            ("https://a.example.", EntryProblem::Host),
            ("https://a.example:http", EntryProblem::Port),
            ("a.example:8080", EntryProblem::PortWithoutScheme),
            ("*.com", EntryProblem::Wildcard),
            ("https://*", EntryProblem::Wildcard),
            ("*.192.0.2.1", EntryProblem::Wildcard),
            ("a.*.example", EntryProblem::Wildcard),
        ] {
            assert_eq!(AllowList::default().insert(entry), Err(problem), "{entry}");
        }
    }
}
