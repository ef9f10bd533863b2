//! Cookies: what a client has to send back to show that it receives where it says it is.
//!
//! A cookie is a generation, one byte, and an authentication code over the client's address and
//! those parts of its ClientHello that a second one repeats (RFC 6347 §4.2.1, RFC 9147 §5.1).
//! Nothing else is kept of the client. The key is another one every minute, and that of the minute
//! before still counts: a cookie lives for one to two minutes.

use core::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use subtle::ConstantTimeEq;

use crate::crypto::{MAC_LENGTH, MacKey};
use crate::wire::{DecodeError, Reader};

/// How long one key makes cookies.
const PERIOD: Duration = Duration::from_secs(60);
/// The length of a cookie in bytes; DTLS 1.0 had room for 32.
pub(super) const COOKIE_LENGTH: usize = 1 + MAC_LENGTH;

/// The keys of cookies.
#[derive(Debug)]
pub(super) struct Cookies {
    root: MacKey,
    /// When the first period began; `None` before anybody came.
    start: Option<Instant>,
    /// The keys of the present period and of the one before.
    keys: Option<(u64, [MacKey; 2])>,
}

/// What a second ClientHello repeats of the first (RFC 6347 §4.2.1, RFC 8446 §4.1.2).
#[derive(Debug, Clone, Copy)]
pub(super) struct Repeated<'a> {
    /// version, random, session_id
    head: &'a [u8],
    /// cipher_suites, compression_methods
    tail: &'a [u8],
}

impl<'a> Repeated<'a> {
    /// What it is in the body of a ClientHello, and the cookie of DTLS 1.2 between its parts.
    pub(super) fn read(body: &'a [u8]) -> Result<(Self, &'a [u8]), DecodeError> {
        let what = "ClientHello";
        let mut reader = Reader::new(body);
        reader.bytes(2 + 32, what)?;
        let head = 2 + 32 + 1 + reader.vec8(what)?.len();
        let cookie = reader.vec8(what)?;
        let start = head + 1 + cookie.len();
        let tail = 2 + reader.vec16(what)?.len() + 1 + reader.vec8(what)?.len();
        let repeated = Self {
            head: body.get(..head).unwrap_or_default(),
            tail: body.get(start..start + tail).unwrap_or_default(),
        };
        Ok((repeated, cookie))
    }
}

impl Cookies {
    pub(super) fn new(root: &[u8; 32]) -> Self {
        Self {
            root: MacKey::new(root),
            start: None,
            keys: None,
        }
    }

    /// The cookie for a client, with something of our own in the authentication code.
    pub(super) fn make(
        &mut self,
        now: Instant,
        remote: SocketAddr,
        hello: Repeated<'_>,
        ours: &[u8],
    ) -> [u8; COOKIE_LENGTH] {
        let (period, [key, _]) = self.keys(now);
        let mut cookie = [0; COOKIE_LENGTH];
        if let Some((generation, mac)) = cookie.split_first_mut() {
            // It comes round after four hours, when no key of the same number is left.
            *generation = period as u8;
            mac.copy_from_slice(&tag(key, remote, hello, ours));
        }
        cookie
    }

    /// Whether we made it for this client not long ago.
    pub(super) fn verify(
        &mut self,
        now: Instant,
        remote: SocketAddr,
        hello: Repeated<'_>,
        ours: &[u8],
        cookie: &[u8],
    ) -> bool {
        let (period, keys) = self.keys(now);
        let Some((generation, mac)) = cookie.split_first() else {
            return false;
        };
        let age = (period as u8).wrapping_sub(*generation);
        keys.get(usize::from(age))
            .is_some_and(|key| tag(key, remote, hello, ours).ct_eq(mac).into())
    }

    fn keys(&mut self, now: Instant) -> (u64, &[MacKey; 2]) {
        let start = *self.start.get_or_insert(now);
        let period = now.saturating_duration_since(start).as_secs() / PERIOD.as_secs();
        let stale = !matches!(&self.keys, Some((of, _)) if *of == period);
        if stale {
            self.keys = None;
        }
        let root = &self.root;
        let (_, keys) = self.keys.get_or_insert_with(|| {
            // Before the first period there was none: a key that nobody made a cookie with.
            let of = |period: u64| root.derive(&period.to_be_bytes());
            (period, [of(period), of(period.wrapping_sub(1))])
        });
        (period, keys)
    }
}

fn tag(key: &MacKey, remote: SocketAddr, hello: Repeated<'_>, ours: &[u8]) -> [u8; MAC_LENGTH] {
    // Of one length, so that the parts cannot be taken for each other.
    let ip = match remote.ip() {
        IpAddr::V4(ip) => ip.to_ipv6_mapped(),
        IpAddr::V6(ip) => ip,
    };
    // The lengths in head and tail are in them.
    key.tag([
        &ip.octets()[..],
        &remote.port().to_be_bytes(),
        hello.head,
        hello.tail,
        ours,
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[allow(clippy::disallowed_methods)] // an origin for virtual time
    fn origin() -> Instant {
        Instant::now()
    }

    fn body(random: u8, cookie: &[u8], suite: u8) -> Vec<u8> {
        let mut body = vec![0xFE, 0xFD];
        body.extend([random; 32]);
        body.extend([1, 7, cookie.len() as u8]);
        body.extend(cookie);
        body.extend([0, 2, 0xC0, suite, 1, 0, 0, 0]);
        body
    }

    #[test]
    fn a_cookie_is_for_one_client_and_its_hello() {
        let (now, here) = (origin(), SocketAddr::from(([192, 0, 2, 1], 5000)));
        let mut cookies = Cookies::new(&[1; 32]);
        let first = body(1, b"", 1);
        let (repeated, none) = Repeated::read(&first).unwrap();
        assert!(none.is_empty());
        let cookie = cookies.make(now, here, repeated, b"ours");
        let mut verify = |remote: SocketAddr, body: &[u8], ours: &[u8]| {
            let (repeated, cookie) = Repeated::read(body).unwrap();
            cookies.verify(now, remote, repeated, ours, cookie)
        };
        let second = body(1, &cookie, 1);
        assert!(verify(here, &second, b"ours"));
        assert!(!verify(here, &second, b"other"));
        assert!(!verify(([192, 0, 2, 1], 5001).into(), &second, b"ours"));
        assert!(!verify(([192, 0, 2, 2], 5000).into(), &second, b"ours"));
        assert!(!verify(here, &body(2, &cookie, 1), b"ours"));
        assert!(!verify(here, &body(1, &cookie, 2), b"ours"));
        assert!(!verify(here, &body(1, &cookie[..16], 1), b"ours"));
        assert!(!verify(here, &first, b"ours"));
        for index in 0..COOKIE_LENGTH {
            let mut forged = cookie;
            forged[index] ^= 1;
            assert!(!verify(here, &body(1, &forged, 1), b"ours"), "{index}");
        }
    }

    #[test]
    fn cookies_live_for_one_to_two_minutes() {
        let (start, here) = (origin(), SocketAddr::from(([192, 0, 2, 1], 5000)));
        let mut cookies = Cookies::new(&[1; 32]);
        let hello = body(1, b"", 1);
        let (repeated, _) = Repeated::read(&hello).unwrap();
        let after = |seconds| start + Duration::from_secs(seconds);
        cookies.make(start, here, repeated, b"");
        let cookie = cookies.make(after(59), here, repeated, b"");
        let mut verify = |seconds| cookies.verify(after(seconds), here, repeated, b"", &cookie);
        assert!(verify(59) && verify(60) && verify(119));
        assert!(!verify(120) && !verify(256 * 60));
        // A clock that is told wrongly does no harm.
        assert!(verify(59));
    }
}
