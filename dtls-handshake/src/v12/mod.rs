//! The handshake of DTLS 1.2 (RFC 6347 §4.2, RFC 5246 §7.3): the states of both sides, each
//! owning exactly what is known in it.

mod client;
mod server;
mod session;

pub(crate) use client::ClientState;
pub(crate) use server::ServerState;
pub(crate) use session::{RecordKeys, Session, Side};

use crate::error::CloseCause;
use crate::handshake::{Context, Message};
use crate::message::{Certificate, Random, ServerShare};
use crate::peer::PeerCertificate;
use crate::srtp::Srtp;
use crate::suite::Suite;
use crate::wire::Writer;

/// Reads the peer's chain.
fn accept_certificate(message: &Message, cx: &Context) -> Result<PeerCertificate, CloseCause> {
    let certificate = Certificate::read(message.body())?;
    PeerCertificate::accept(certificate.chain(), &cx.expected, &cx.config)
}

/// What the hello messages settled.
#[derive(Debug)]
struct Negotiated {
    suite: Suite,
    client_random: Random,
    server_random: Random,
    srtp: Option<Srtp>,
}

impl Negotiated {
    /// What the server signs besides its share (RFC 8422 §5.4).
    fn signed_share(&self, share: &ServerShare<'_>) -> Vec<u8> {
        let mut signed = Vec::with_capacity(2 * 32 + 4 + share.public_key.len());
        signed.extend(self.client_random);
        signed.extend(self.server_random);
        share.write(&mut Writer::new(&mut signed));
        signed
    }
}
