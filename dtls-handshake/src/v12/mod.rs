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
use crate::suite::Suite;
use crate::wire::{HandshakeType, Writer};

/// What a message led to.
#[derive(Debug)]
pub(crate) enum Step<S> {
    /// More of the peer's flight is due.
    Wait(S),
    /// The peer's flight is complete and ours is out, to be repeated until it is answered.
    Answered(S),
    /// The handshake is complete. What of our last flight is out is repeated only on request.
    Complete(Completed),
}

/// What a handshake leaves behind.
#[derive(Debug)]
pub(crate) struct Completed {
    pub(crate) session: Session,
    /// In DER. Its owner is who we speak with; whether that is who we want, nobody has said yet.
    pub(crate) peer_certificate: Vec<u8>,
    pub(crate) srtp_profile: Option<u16>,
}

/// What the hello messages settled.
#[derive(Debug)]
struct Negotiated {
    suite: Suite,
    client_random: Random,
    server_random: Random,
    srtp_profile: Option<u16>,
}

impl Negotiated {
    /// What the server signs besides its share (RFC 8422 §5.4).
    fn signed_share(&self, share: &ServerShare<'_>) -> Vec<u8> {
        let mut signed = [self.client_random, self.server_random].concat();
        share.write(&mut Writer::new(&mut signed));
        signed
    }
}

/// Reads the peer's chain.
fn accept_certificate(message: &Message, cx: &Context) -> Result<PeerCertificate, CloseCause> {
    let certificate = Certificate::read(message.body())?;
    PeerCertificate::accept(certificate.chain(), &cx.expected, &cx.config)
}

/// A message that has no place in a state.
fn unexpected(message: &Message) -> CloseCause {
    CloseCause::Unexpected(match message.kind {
        HandshakeType::HelloRequest => "HelloRequest",
        HandshakeType::ClientHello => "ClientHello",
        HandshakeType::ServerHello => "ServerHello",
        HandshakeType::HelloVerifyRequest => "HelloVerifyRequest",
        HandshakeType::Certificate => "Certificate",
        HandshakeType::ServerKeyExchange => "ServerKeyExchange",
        HandshakeType::CertificateRequest => "CertificateRequest",
        HandshakeType::ServerHelloDone => "ServerHelloDone",
        HandshakeType::CertificateVerify => "CertificateVerify",
        HandshakeType::ClientKeyExchange => "ClientKeyExchange",
        HandshakeType::Finished => "Finished",
        HandshakeType::Unknown(_) => "handshake message of unknown type",
    })
}
