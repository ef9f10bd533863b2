//! The handshake of DTLS 1.3 (RFC 9147 §5, RFC 8446 §4) and what comes after it.
//!
//! ```text
//! client                                        server
//! AwaitServerHello    ClientHello        ->
//!                     <- HelloRetryRequest      AwaitSecondHello
//!                     ClientHello        ->
//!                     <- ServerHello            AwaitCertificate, AwaitCertificateVerify,
//! AwaitExtensions     <- {EncryptedExtensions}    AwaitFinished
//! AwaitCertificate..  <- {CertificateRequest}
//! AwaitCertificate    <- {Certificate}
//! AwaitVerify         <- {CertificateVerify}
//! AwaitFinished       <- {Finished}
//! Session             {Certificate, CertificateVerify, Finished} ->
//!                     <- [ACK]                  Session
//! ```
//!
//! Epochs (RFC 9147 §6.1): 0 for the hellos, 2 for what is in braces, 3 and later for what is in
//! brackets. Each side writes in an epoch from the message on that leads to it, and sends again in
//! the epoch that it sent in first. The states own the transcript and the secrets that are known in
//! them; a state whose secrets are used up is gone.

mod client;
mod offer;
mod retry;
mod schedule;
mod server;
mod server_hello;
mod session;

pub(crate) use client::ClientState;
pub(crate) use retry::Retry;
pub(crate) use schedule::{ApplicationSecrets, HandshakeSecrets, ScheduleSecret};
pub(crate) use server::ServerState;
pub(crate) use session::Session;

use arrayvec::ArrayVec;
use offer::Offer;

use crate::Version;
use crate::error::CloseCause;
use crate::handshake::{Context, Message, RunningTranscript};
use crate::message::CertificateVerify;
use crate::message::v13::Certificate;
use crate::peer::PeerCertificate;
use crate::record::{DATA, HANDSHAKE};
use crate::wire::{HandshakeType, SignatureScheme, Writer};

/// Which of the two sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Client,
    Server,
}

/// Adds a message to the flight, in the newest epoch, and to the transcript.
fn send(
    cx: &mut Context,
    transcript: &mut RunningTranscript,
    kind: HandshakeType,
    body: impl FnOnce(&mut Writer<'_>),
) {
    let epoch = cx.records.write_epoch();
    transcript.push(cx.flight.push(epoch, kind, body));
}

/// The peer's Finished was its last message in its epoch. RFC 8446 §5.1: messages do not span a
/// change of keys, nor does anything stand between.
fn enter_data(cx: &mut Context) -> Result<(), CloseCause> {
    if cx.inbox.has_waiting() {
        return Err(CloseCause::Unexpected("message behind Finished"));
    }
    cx.inbox.enter(DATA);
    Ok(())
}

/// A hello was the last message that is not protected (RFC 8446 §5.1).
fn enter_handshake(cx: &mut Context) -> Result<(), CloseCause> {
    if cx.inbox.has_waiting() {
        return Err(CloseCause::Unexpected("message behind a hello"));
    }
    cx.inbox.enter(HANDSHAKE);
    Ok(())
}

/// The longest that a CertificateVerify signs, in bytes: spaces, purpose, hash.
const MAX_SIGNED_CONTENT: usize = 64 + 34 + 64;

/// What a CertificateVerify signs (RFC 8446 §4.4.3).
fn signed_content(side: Side, transcript: &RunningTranscript) -> ArrayVec<u8, MAX_SIGNED_CONTENT> {
    let purpose: &[u8] = match side {
        Side::Client => b"TLS 1.3, client CertificateVerify\0",
        Side::Server => b"TLS 1.3, server CertificateVerify\0",
    };
    let hash = transcript.value();
    let parts = [&[b' '; 64], purpose, hash.as_ref()];
    parts.into_iter().flatten().copied().collect()
}

fn send_certificate_verify(
    side: Side,
    scheme: SignatureScheme,
    transcript: &mut RunningTranscript,
    cx: &mut Context,
) -> Result<(), CloseCause> {
    let config = cx.config.clone();
    let signature = config
        .key()?
        .sign(scheme, &[&signed_content(side, transcript)])
        .map_err(CloseCause::internal("the signature"))?;
    send(cx, transcript, HandshakeType::CertificateVerify, |w| {
        CertificateVerify {
            scheme,
            signature: signature.as_ref(),
        }
        .write(w);
    });
    Ok(())
}

/// RFC 8446 §4.4.2: the context is that of our CertificateRequest, or there was none.
fn check_context(certificate: &Certificate<'_>) -> Result<(), CloseCause> {
    if certificate.context.is_empty() {
        Ok(())
    } else {
        Err(CloseCause::Illegal("context of Certificate"))
    }
}

/// Reads the peer's chain.
fn accept_certificate(
    certificate: &Certificate<'_>,
    cx: &Context,
) -> Result<PeerCertificate, CloseCause> {
    check_context(certificate)?;
    if certificate.has_extensions {
        return Err(CloseCause::UnsolicitedExtension);
    }
    PeerCertificate::accept(certificate.chain(), &cx.expected, &cx.config)
}

/// Checks what the peer on that side has signed.
fn verify_certificate(
    side: Side,
    peer: &PeerCertificate,
    message: &Message,
    transcript: &RunningTranscript,
) -> Result<(), CloseCause> {
    let verify = CertificateVerify::read(message.body())?;
    peer.verify(
        Version::Dtls13,
        verify.scheme,
        &signed_content(side, transcript),
        verify.signature,
        "CertificateVerify",
    )
}
