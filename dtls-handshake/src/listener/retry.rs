//! The answer to strangers who speak DTLS 1.3: HelloRetryRequest with a cookie (RFC 9147 §5.1).
//!
//! The transcript of the handshake has the hash of the first ClientHello and the HelloRetryRequest
//! (RFC 8446 §4.4.1). Nothing of either is kept: the hash, and the group that was asked for, stand
//! in the cookie behind its authentication code, and the request is made a second time of them.

use core::net::SocketAddr;
use std::time::Instant;

use bytes::BytesMut;

use super::cookie::{COOKIE_LENGTH, Repeated};
use super::{Admission, Hello, Listener, reply, reply_alert};
use crate::crypto::{HashAlgorithm, RunningHash};
use crate::error::CloseCause;
use crate::event::Version;
use crate::handshake::whole_message;
use crate::message::{ClientHello, write_hello_retry_request};
use crate::negotiation::Handshake;
use crate::stats::DropReason;
use crate::v13::{Retry, ServerState};
use crate::wire::{DTLS_1_3, Group, HandshakeType, Writer};

/// No group, in a cookie: that number is reserved (RFC 8446 §4.2.7).
const NO_GROUP: u16 = 0;

impl Listener {
    /// Whether DTLS 1.3 will be spoken with this client.
    pub(super) fn speaks_1_3(&self, hello: &ClientHello<'_>) -> bool {
        let versions = hello.supported_versions;
        self.config.speaks(Version::Dtls13)
            && versions.is_some_and(|versions| versions.contains(DTLS_1_3))
    }

    /// Without a cookie: HelloRetryRequest. With one that counts: a connection.
    pub(super) fn judge_1_3(
        &mut self,
        now: Instant,
        remote: SocketAddr,
        hello: &Hello<'_>,
        read: &ClientHello<'_>,
        out: &mut BytesMut,
    ) -> Result<Admission, DropReason> {
        let body = hello.fragment.bytes;
        let (repeated, _) = Repeated::read(body).map_err(|_| DropReason::MalformedHello)?;
        let settled =
            Retry::for_stranger(read, &self.config).and_then(|retry| Ok((retry, read.cookie()?)));
        let (retry, cookie) = match settled {
            Ok(settled) => settled,
            Err(cause) => return reply_alert(hello, cause, out),
        };
        let Some(cookie) = cookie else {
            let hash = hash_of(retry.suite.hash, body);
            let cookie = self.make_cookie(now, remote, repeated, retry.group, hash.as_ref());
            return reply(hello, HandshakeType::ServerHello, out, |w| {
                write_hello_retry_request(w, retry.suite.id, retry.group, &cookie);
            });
        };
        let Some((group, hash)) = self.open_cookie(now, remote, repeated, cookie) else {
            // RFC 9147 §5.1.
            return reply_alert(hello, CloseCause::Illegal("cookie"), out);
        };
        let retry = Retry { group, ..retry };
        let request = whole_message(HandshakeType::ServerHello, 0, |w: &mut Writer<'_>| {
            write_hello_retry_request(w, retry.suite.id, group, cookie);
        });
        let state = ServerState::after_retry(retry, hash, &request, cookie.to_vec());
        Ok(self.accept(now, hello, Handshake::Server13(state)))
    }

    fn make_cookie(
        &mut self,
        now: Instant,
        remote: SocketAddr,
        hello: Repeated<'_>,
        group: Option<Group>,
        hash: &[u8],
    ) -> Vec<u8> {
        let group = group.map_or(NO_GROUP, u16::from).to_be_bytes();
        let ours = [&group, hash].concat();
        let proof = self.cookies.make(now, remote, hello, &ours);
        [&proof[..], &ours].concat()
    }

    /// The group and the hash in a cookie of ours.
    fn open_cookie<'a>(
        &mut self,
        now: Instant,
        remote: SocketAddr,
        hello: Repeated<'_>,
        cookie: &'a [u8],
    ) -> Option<(Option<Group>, &'a [u8])> {
        let (proof, ours) = cookie.split_first_chunk::<COOKIE_LENGTH>()?;
        if !self.cookies.verify(now, remote, hello, ours, proof) {
            return None;
        }
        let (group, hash) = ours.split_first_chunk()?;
        let group = u16::from_be_bytes(*group);
        Some(((group != NO_GROUP).then(|| group.into()), hash))
    }
}

/// The hash of a ClientHello alone, as the transcript of DTLS 1.3 has it (RFC 9147 §5.2).
fn hash_of(hash: HashAlgorithm, body: &[u8]) -> impl AsRef<[u8]> + use<> {
    let mut running = RunningHash::new(hash);
    let [.., a, b, c] = body.len().to_be_bytes();
    running.update(&[HandshakeType::ClientHello.into(), a, b, c]);
    running.update(body);
    running.value()
}
