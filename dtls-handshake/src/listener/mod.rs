//! The front door: answers strangers without keeping anything of them.

mod cookie;
mod hellos;
mod retry;

use core::net::SocketAddr;
use core::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use bytes::{BufMut, BytesMut};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

use crate::config::Config;
use crate::connection::Connection;
use crate::error::CloseCause;
use crate::handshake::{Fragment, HANDSHAKE_HEADER_LENGTH, whole_message};
use crate::message::{ClientHello, HelloVerifyRequest};
use crate::negotiation::Handshake;
use crate::record::{PLAIN, RECORD_HEADER_LENGTH, Record, Records};
use crate::stats::{DropReason, ListenerStats};
use crate::wire::{
    AlertDescription, AlertLevel, ContentType, DTLS_1_2, HandshakeType, Reader, Writer,
};
use cookie::{Cookies, Repeated};
use hellos::{HELLO_LIMIT, Hellos};

/// The server's side of a socket that anybody can send to.
///
/// Hand it the datagrams of remotes that have no [`Connection`] yet. A first ClientHello is
/// answered with a cookie; when the cookie comes back from the same address, the client receives
/// what is sent there, and a `Connection` begins. Until then:
///
/// - Nothing is kept of a client, and no public-key work is done for it. The exception are
///   ClientHellos in parts, which wait in 64 places of 4 KiB for all clients together; a flood of
///   parts makes others repeat theirs.
/// - An answer is never longer than what it answers: who is flooded through this listener is
///   flooded with less than the attacker sends.
///
/// Cookies are authentication codes over the client's address and its ClientHello, under a key
/// that changes every minute. They hold for one to two minutes.
///
/// A client that has lost its connection begins anew from the same address: what a connection that
/// is connected has dropped may be handed in here too. Keep the old one until the new one is
/// connected: a hello with a cookie can be repeated by whoever has seen it (RFC 6347 §4.2.8,
/// RFC 9147 §5.11).
///
/// Where the path is proved otherwise, as by ICE, [`Connection::server`] does without the round
/// trip that this costs.
#[derive(Debug)]
pub struct Listener {
    config: Arc<Config>,
    rng: ChaCha20Rng,
    cookies: Cookies,
    hellos: Hellos,
    stats: ListenerStats,
}

/// What became of a stranger's datagram.
#[derive(Debug)]
#[must_use]
pub enum Admission {
    /// It says nothing that has to be answered. Counted by reason in [`Listener::stats`].
    Dropped(DropReason),
    /// It is part of a ClientHello. The rest is due, from the same address.
    Waiting,
    /// This range of the output buffer is to be sent back to where the datagram came from.
    Reply(Range<usize>),
    /// The client receives at its address. From here on its datagrams are for this connection,
    /// whose answer is ready: drain it.
    Accepted(Box<Connection>),
}

/// A whole ClientHello, and where it stood.
struct Hello<'a> {
    fragment: Fragment<'a>,
    record_sequence: u64,
}

impl Listener {
    /// A listener whose connections have this configuration.
    ///
    /// `seed` is 32 bytes of entropy, never used twice.
    #[must_use]
    pub fn new(config: impl Into<Arc<Config>>, seed: [u8; 32]) -> Self {
        let mut rng = ChaCha20Rng::from_seed(seed);
        let mut root = [0; 32];
        rng.fill_bytes(&mut root);
        Self {
            config: config.into(),
            rng,
            cookies: Cookies::new(&root),
            hellos: Hellos::default(),
            stats: ListenerStats::default(),
        }
    }

    /// Takes a datagram from a remote that has no connection. A reply is appended to `out`.
    pub fn handle_datagram(
        &mut self,
        now: Instant,
        remote: SocketAddr,
        datagram: &mut [u8],
        out: &mut BytesMut,
    ) -> Admission {
        self.stats.datagrams_received += 1;
        let admission = self.admit(now, remote, datagram, out);
        match &admission {
            Admission::Dropped(reason) => self.stats.count(*reason),
            Admission::Waiting => {}
            Admission::Reply(_) => self.stats.replies += 1,
            Admission::Accepted(_) => self.stats.accepted += 1,
        }
        admission
    }

    /// The counters.
    #[must_use]
    pub fn stats(&self) -> &ListenerStats {
        &self.stats
    }

    fn admit(
        &mut self,
        now: Instant,
        remote: SocketAddr,
        datagram: &mut [u8],
        out: &mut BytesMut,
    ) -> Admission {
        let mut admission = Admission::Dropped(DropReason::TruncatedRecord);
        for record in Records::new(datagram) {
            admission = match record {
                Err(reason) => Admission::Dropped(reason),
                Ok(Record::Unified { .. }) => Admission::Dropped(DropReason::WrongEpoch),
                Ok(Record::Explicit { header, .. }) if u64::from(header.epoch) != PLAIN => {
                    Admission::Dropped(DropReason::WrongEpoch)
                }
                Ok(Record::Explicit { header, .. }) if header.content != ContentType::Handshake => {
                    Admission::Dropped(DropReason::OutOfPlace)
                }
                Ok(Record::Explicit { header, payload }) => {
                    self.admit_fragment(now, remote, payload, header.sequence, out)
                }
            };
            if matches!(admission, Admission::Reply(_) | Admission::Accepted(_)) {
                break;
            }
        }
        admission
    }

    fn admit_fragment(
        &mut self,
        now: Instant,
        remote: SocketAddr,
        payload: &[u8],
        record_sequence: u64,
        out: &mut BytesMut,
    ) -> Admission {
        let Ok(fragment) = Fragment::read(&mut Reader::new(payload)) else {
            return Admission::Dropped(DropReason::MalformedFragment);
        };
        if fragment.kind != HandshakeType::ClientHello {
            return Admission::Dropped(DropReason::OutOfPlace);
        }
        if fragment.length > HELLO_LIMIT {
            return Admission::Dropped(DropReason::OversizedMessage);
        }
        let whole = fragment.bytes.len() == fragment.length;
        let message = match whole {
            true => None,
            false => match self.hellos.insert(remote, &fragment) {
                Ok(Some(message)) => Some(message),
                Ok(None) => return Admission::Waiting,
                Err(reason) => return Admission::Dropped(reason),
            },
        };
        let hello = Hello {
            fragment: match &message {
                None => fragment,
                Some(message) => Fragment {
                    offset: 0,
                    bytes: message.body(),
                    ..fragment
                },
            },
            record_sequence,
        };
        self.judge(now, remote, &hello, out)
            .unwrap_or_else(Admission::Dropped)
    }

    /// Without a cookie that counts: HelloVerifyRequest. With one: a connection. What a client that
    /// does not speak DTLS 1.3 cannot agree on is said by that connection.
    fn judge(
        &mut self,
        now: Instant,
        remote: SocketAddr,
        hello: &Hello<'_>,
        out: &mut BytesMut,
    ) -> Result<Admission, DropReason> {
        let body = hello.fragment.bytes;
        let read = ClientHello::read(body).map_err(|_| DropReason::MalformedHello)?;
        if self.speaks_1_3(&read) {
            return self.judge_1_3(now, remote, hello, &read, out);
        }
        let (repeated, cookie) = Repeated::read(body).map_err(|_| DropReason::MalformedHello)?;
        if self.cookies.verify(now, remote, repeated, &[], cookie) {
            return Ok(self.accept(now, hello, Handshake::ClientHello));
        }
        // RFC 6347 §4.2.1: one that does not verify is as good as none.
        let cookie = self.cookies.make(now, remote, repeated, &[]);
        let request = HelloVerifyRequest { cookie: &cookie };
        reply(hello, HandshakeType::HelloVerifyRequest, out, |w| {
            request.write(w);
        })
    }

    fn accept(&mut self, now: Instant, hello: &Hello<'_>, handshake: Handshake) -> Admission {
        let mut seed = [0; 32];
        self.rng.fill_bytes(&mut seed);
        Admission::Accepted(Box::new(Connection::accept(
            self.config.clone(),
            seed,
            now,
            &hello.fragment,
            hello.record_sequence,
            handshake,
        )))
    }
}

/// Appends the answer to a hello.
fn reply(
    hello: &Hello<'_>,
    kind: HandshakeType,
    out: &mut BytesMut,
    body: impl FnOnce(&mut Writer<'_>),
) -> Result<Admission, DropReason> {
    let message = whole_message(kind, hello.fragment.message_seq, body);
    reply_record(hello, ContentType::Handshake, &message, out)
}

/// Says why there will be no connection.
fn reply_alert(
    hello: &Hello<'_>,
    cause: CloseCause,
    out: &mut BytesMut,
) -> Result<Admission, DropReason> {
    let description = cause.alert().unwrap_or(AlertDescription::HandshakeFailure);
    let alert = [AlertLevel::Fatal.into(), description.into()];
    reply_record(hello, ContentType::Alert, &alert, out)
}

/// It has the number of what it answers, so that nothing has to be remembered (RFC 6347 §4.2.1).
fn reply_record(
    hello: &Hello<'_>,
    content: ContentType,
    payload: &[u8],
    out: &mut BytesMut,
) -> Result<Admission, DropReason> {
    // Every datagram that brought a part of the hello had headers too: this is the least.
    if payload.len() > HANDSHAKE_HEADER_LENGTH + hello.fragment.length {
        return Err(DropReason::TooShortToAnswer);
    }
    let length = u16::try_from(payload.len()).map_err(|_| DropReason::TooShortToAnswer)?;
    let start = out.len();
    out.reserve(RECORD_HEADER_LENGTH + payload.len());
    out.put_u8(content.into());
    out.put_u16(DTLS_1_2);
    // The epoch, which is 0, stands in front of the 48 bits of the sequence number.
    out.put_u64(hello.record_sequence);
    out.put_u16(length);
    out.put_slice(payload);
    Ok(Admission::Reply(start..out.len()))
}
