//! The client's side of the handshake (RFC 8446 §4, RFC 9147 §5).

use super::schedule::HandshakeSecrets;
use super::{Session, Side, accept_certificate, send, send_certificate_verify, verify_certificate};
use crate::Version;
use crate::crypto::ClientShare;
use crate::error::CloseCause;
use crate::handshake::{Context, Message, RunningTranscript};
use crate::message::v13::{Certificate, CertificateRequest, EncryptedExtensions};
use crate::message::{Random, ServerHello};
use crate::negotiation::{self, Completed, Offer, Step};
use crate::peer::PeerCertificate;
use crate::record::{DATA, HANDSHAKE};
use crate::srtp::Srtp;
use crate::suite::Suite;
use crate::wire::{DTLS_1_2, DTLS_1_3, Group, HandshakeType, SignatureScheme};

/// What the client waits for.
#[derive(Debug)]
#[allow(clippy::large_enum_variant)] // there is one for each connection, and it moves on
pub(crate) enum ClientState {
    ServerHello(AwaitServerHello),
    EncryptedExtensions(AwaitExtensions),
    CertificateRequest(AwaitCertificateRequest),
    Certificate(AwaitCertificate),
    CertificateVerify(AwaitCertificateVerify),
    Finished(AwaitFinished),
}

type Next = Result<Step<ClientState>, CloseCause>;

impl ClientState {
    /// The server has chosen DTLS 1.3, in answer to this offer.
    pub(crate) fn begin(
        offer: Offer,
        hello: &ServerHello<'_>,
        message: &Message,
        cx: &mut Context,
    ) -> Next {
        let suite = check(hello, cx)?;
        let transcript = RunningTranscript::new(suite.hash, cx.transcript.messages());
        cx.transcript.clear();
        if hello.is_retry_request() {
            offer_again(offer, suite, transcript, hello, message, cx)
        } else {
            accept(offer, suite, transcript, hello, message, cx)
        }
    }

    pub(crate) fn handle(self, message: &Message, cx: &mut Context) -> Next {
        match (self, message.kind) {
            (Self::ServerHello(state), HandshakeType::ServerHello) => state.handle(message, cx),
            (Self::EncryptedExtensions(state), HandshakeType::EncryptedExtensions) => {
                state.handle(message, cx)
            }
            (Self::CertificateRequest(state), HandshakeType::CertificateRequest) => {
                state.handle(message, cx)
            }
            // A server that asks for no certificate gets none.
            (Self::CertificateRequest(state), HandshakeType::Certificate) => {
                state.without_request().handle(message, cx)
            }
            (Self::Certificate(state), HandshakeType::Certificate) => state.handle(message, cx),
            (Self::CertificateVerify(state), HandshakeType::CertificateVerify) => {
                state.handle(message)
            }
            (Self::Finished(state), HandshakeType::Finished) => state.handle(message, cx),
            _ => Err(message.unexpected()),
        }
    }
}

/// What has to hold for a ServerHello and for a HelloRetryRequest.
fn check(hello: &ServerHello<'_>, cx: &Context) -> Result<Suite, CloseCause> {
    // RFC 9147 §5.4.
    if hello.version != DTLS_1_2 {
        return Err(CloseCause::Illegal("version of ServerHello"));
    }
    // RFC 9147 §5: ours was empty, and it would not be echoed if it were not.
    if !hello.session_id.is_empty() {
        return Err(CloseCause::Illegal("session_id"));
    }
    if hello.compression_method != 0 {
        return Err(CloseCause::Illegal("compression_method"));
    }
    if hello.has_unsolicited {
        return Err(CloseCause::UnsolicitedExtension);
    }
    // RFC 8446 §4.2: known, but not in this message.
    if hello.has_extensions_of_1_2() {
        return Err(CloseCause::Illegal("extensions of ServerHello"));
    }
    cx.config
        .suites_of(Version::Dtls13)
        .find(|suite| suite.id == hello.cipher_suite)
        .ok_or(CloseCause::Illegal("cipher_suite"))
}

/// The same ClientHello again, with what a HelloRetryRequest asks for (RFC 8446 §4.1.2).
fn offer_again(
    mut offer: Offer,
    suite: Suite,
    mut transcript: RunningTranscript,
    hello: &ServerHello<'_>,
    message: &Message,
    cx: &mut Context,
) -> Next {
    let group = hello.selected_group()?;
    if hello.connection_id.is_some() {
        return Err(CloseCause::Illegal("extensions of HelloRetryRequest"));
    }
    if let Some(group) = group {
        // RFC 8446 §4.2.8: one that was offered, without a share.
        let has_share = offer.shares.iter().any(|ours| ours.group() == group);
        if has_share || !cx.config.groups.contains(&group) {
            return Err(CloseCause::Illegal("group of key_share"));
        }
        let ours =
            ClientShare::generate(group).map_err(CloseCause::internal("the key exchange"))?;
        offer.shares = vec![ours];
    } else if hello.cookie.is_none() {
        // RFC 8446 §4.1.4: nothing would change.
        return Err(CloseCause::Illegal("HelloRetryRequest"));
    }
    offer.cookie = hello.cookie.unwrap_or_default().to_vec();
    transcript.replace_by_hash();
    transcript.push(message.bytes());
    offer.send(cx);
    transcript.push(cx.transcript.messages());
    cx.transcript.clear();
    Ok(Step::Answered(ClientState::ServerHello(AwaitServerHello {
        offer,
        suite,
        transcript,
    })))
}

/// A client that was asked for another ClientHello, and has sent it.
#[derive(Debug)]
pub(crate) struct AwaitServerHello {
    offer: Offer,
    suite: Suite,
    transcript: RunningTranscript,
}

impl AwaitServerHello {
    fn handle(self, message: &Message, cx: &mut Context) -> Next {
        let hello = ServerHello::read(message.body())?;
        // RFC 8446 §4.1.4: once is enough.
        if hello.is_retry_request() {
            return Err(CloseCause::Unexpected("HelloRetryRequest"));
        }
        // RFC 8446 §4.1.4: version and suite are those of the HelloRetryRequest.
        if hello.selected_version != Some(DTLS_1_3) {
            return Err(CloseCause::Illegal("supported_versions"));
        }
        let suite = check(&hello, cx)?;
        if suite.id != self.suite.id {
            return Err(CloseCause::Illegal("cipher_suite"));
        }
        accept(self.offer, suite, self.transcript, &hello, message, cx)
    }
}

/// From here on both directions are protected.
fn accept(
    offer: Offer,
    suite: Suite,
    mut transcript: RunningTranscript,
    hello: &ServerHello<'_>,
    message: &Message,
    cx: &mut Context,
) -> Next {
    if hello.cookie.is_some() {
        return Err(CloseCause::Illegal("extensions of ServerHello"));
    }
    cx.accept_connection_id(hello.connection_id)?;
    let share = hello
        .key_share()?
        .ok_or(CloseCause::MissingExtension("key_share"))?;
    let group = share.group;
    // RFC 8446 §4.2.8: of a group that we sent a share for.
    let ours = offer
        .shares
        .into_iter()
        .find(|ours| ours.group() == group)
        .ok_or(CloseCause::Illegal("group of key_share"))?;
    transcript.push(message.bytes());
    let shared = ours
        .agree(share.public_key)
        .map_err(|_| CloseCause::Illegal("key_share"))?;
    let secrets = HandshakeSecrets::new(suite, shared.expose(), transcript.value().as_ref());
    secrets.log(&cx.config, &offer.random);
    let write = secrets.client.record_keys(suite.aead)?;
    let read = secrets.server.record_keys(suite.aead)?;
    cx.records.start_writing(HANDSHAKE, write);
    cx.records.start_reading(HANDSHAKE, read);
    cx.inbox.enter(HANDSHAKE);
    Ok(Step::Wait(ClientState::EncryptedExtensions(
        AwaitExtensions {
            established: Established {
                suite,
                group,
                client_random: offer.random,
                transcript,
                secrets,
            },
        },
    )))
}

/// What is known once the ServerHello has come.
#[derive(Debug)]
struct Established {
    suite: Suite,
    group: Group,
    client_random: Random,
    transcript: RunningTranscript,
    secrets: HandshakeSecrets,
}

#[derive(Debug)]
pub(crate) struct AwaitExtensions {
    established: Established,
}

impl AwaitExtensions {
    fn handle(mut self, message: &Message, cx: &mut Context) -> Next {
        let extensions = EncryptedExtensions::read(message.body())?;
        if extensions.has_unsolicited {
            return Err(CloseCause::UnsolicitedExtension);
        }
        if extensions.has_misplaced {
            return Err(CloseCause::Illegal("extensions of EncryptedExtensions"));
        }
        let srtp = Srtp::accept(extensions.use_srtp, &cx.config)?;
        self.established.transcript.push(message.bytes());
        Ok(Step::Wait(ClientState::CertificateRequest(
            AwaitCertificateRequest {
                established: self.established,
                srtp,
            },
        )))
    }
}

#[derive(Debug)]
pub(crate) struct AwaitCertificateRequest {
    established: Established,
    srtp: Option<Srtp>,
}

/// What the server wants to see from us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Requested {
    Nothing,
    /// A certificate of a kind that we do not have: an empty list is the answer
    /// (RFC 8446 §4.4.2).
    AnotherCertificate,
    /// Ours, and a signature of this scheme.
    OurCertificate(SignatureScheme),
}

impl AwaitCertificateRequest {
    fn handle(mut self, message: &Message, cx: &mut Context) -> Next {
        let request = CertificateRequest::read(message.body())?;
        // RFC 8446 §4.3.2: in a handshake the context is empty.
        if !request.context.is_empty() {
            return Err(CloseCause::Illegal("context of CertificateRequest"));
        }
        let schemes = request
            .schemes
            .ok_or(CloseCause::MissingExtension("signature_algorithms"))?;
        let key = cx.config.identity.key();
        let requested = key
            .choose(Version::Dtls13, schemes)
            .map_or(Requested::AnotherCertificate, Requested::OurCertificate);
        self.established.transcript.push(message.bytes());
        Ok(Step::Wait(ClientState::Certificate(AwaitCertificate {
            established: self.established,
            srtp: self.srtp,
            requested,
        })))
    }

    fn without_request(self) -> AwaitCertificate {
        AwaitCertificate {
            established: self.established,
            srtp: self.srtp,
            requested: Requested::Nothing,
        }
    }
}

#[derive(Debug)]
pub(crate) struct AwaitCertificate {
    established: Established,
    srtp: Option<Srtp>,
    requested: Requested,
}

impl AwaitCertificate {
    fn handle(mut self, message: &Message, cx: &mut Context) -> Next {
        let certificate = Certificate::read(message.body())?;
        // RFC 8446 §4.4.2.4: a server has one.
        if certificate.chain().next().is_none() {
            return Err(CloseCause::Malformed("Certificate"));
        }
        let peer = accept_certificate(&certificate, cx)?;
        self.established.transcript.push(message.bytes());
        Ok(Step::Wait(ClientState::CertificateVerify(
            AwaitCertificateVerify {
                established: self.established,
                srtp: self.srtp,
                requested: self.requested,
                peer,
            },
        )))
    }
}

#[derive(Debug)]
pub(crate) struct AwaitCertificateVerify {
    established: Established,
    srtp: Option<Srtp>,
    requested: Requested,
    peer: PeerCertificate,
}

impl AwaitCertificateVerify {
    fn handle(mut self, message: &Message) -> Next {
        let transcript = &mut self.established.transcript;
        verify_certificate(Side::Server, &self.peer, message, transcript)?;
        transcript.push(message.bytes());
        Ok(Step::Wait(ClientState::Finished(AwaitFinished {
            established: self.established,
            srtp: self.srtp,
            requested: self.requested,
            peer: self.peer,
        })))
    }
}

#[derive(Debug)]
pub(crate) struct AwaitFinished {
    established: Established,
    srtp: Option<Srtp>,
    requested: Requested,
    peer: PeerCertificate,
}

impl AwaitFinished {
    fn handle(self, message: &Message, cx: &mut Context) -> Next {
        let Established {
            suite,
            group,
            client_random,
            mut transcript,
            secrets,
        } = self.established;
        if !secrets
            .server
            .verifies(transcript.value().as_ref(), message.body())
        {
            return Err(CloseCause::NotVerified("Finished"));
        }
        transcript.push(message.bytes());
        let application = secrets.application(transcript.value().as_ref());
        application.log(&cx.config, &client_random);
        send_flight(self.requested, &mut transcript, &secrets, cx)?;
        let directions = application.seen_by(Side::Client);
        let write = directions.write.record_keys(suite.aead)?;
        let read = directions.read.record_keys(suite.aead)?;
        cx.records.start_writing(DATA, write);
        cx.records.start_reading(DATA, read);
        cx.inbox.enter(DATA);
        Ok(Step::Complete(Completed {
            session: negotiation::Session::Dtls13(Session::new(Side::Client, suite, directions)),
            peer_certificate: self.peer.der,
            srtp: self.srtp,
            group,
        }))
    }
}

/// Certificate, CertificateVerify, Finished.
fn send_flight(
    requested: Requested,
    transcript: &mut RunningTranscript,
    secrets: &HandshakeSecrets,
    cx: &mut Context,
) -> Result<(), CloseCause> {
    let config = cx.config.clone();
    cx.flight.begin();
    match requested {
        Requested::Nothing => {}
        Requested::AnotherCertificate => {
            send(cx, transcript, HandshakeType::Certificate, |w| {
                Certificate::write(w, []);
            });
        }
        Requested::OurCertificate(scheme) => {
            send(cx, transcript, HandshakeType::Certificate, |w| {
                Certificate::write(w, config.identity.chain());
            });
            send_certificate_verify(Side::Client, scheme, transcript, cx)?;
        }
    }
    let verify_data = secrets.client.verify_data(transcript.value().as_ref());
    send(cx, transcript, HandshakeType::Finished, |w| {
        w.bytes(verify_data.as_ref());
    });
    Ok(())
}
