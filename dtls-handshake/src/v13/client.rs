//! The client's side of the handshake (RFC 8446 §4, RFC 9147 §5).

use super::schedule::HandshakeSecrets;
use super::server_hello::{AwaitServerHello, accept, check, offer_again};
use super::{
    Session, Side, accept_certificate, enter_data, send, send_certificate_verify,
    verify_certificate,
};
use crate::Version;
use crate::error::CloseCause;
use crate::handshake::{Context, Message, RunningTranscript};
use crate::identity::Identity;
use crate::message::v13::{Certificate, CertificateRequest, EncryptedExtensions};
use crate::message::{Random, ServerHello};
use crate::negotiation::{self, Completed, Offer, Step};
use crate::peer::PeerCertificate;
use crate::record::DATA;
use crate::srtp::Srtp;
use crate::suite::Suite;
use crate::wire::{Group, HandshakeType, SignatureScheme};

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

pub(super) type Next = Result<Step<ClientState>, CloseCause>;

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

/// What is known once the ServerHello has come.
#[derive(Debug)]
pub(super) struct Established {
    pub(super) suite: Suite,
    pub(super) group: Group,
    pub(super) client_random: Random,
    pub(super) transcript: RunningTranscript,
    pub(super) secrets: Box<HandshakeSecrets>,
}

#[derive(Debug)]
pub(crate) struct AwaitExtensions {
    pub(super) established: Established,
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
        let key = cx.config.identity.as_ref().map(Identity::key);
        let requested = key
            .and_then(|key| key.choose(Version::Dtls13, schemes))
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
        let mut application = secrets.application(transcript.value().as_ref());
        application.log(&cx.config, &client_random);
        // Before there are keys to write with that the server cannot read with: an alert is in these.
        enter_data(cx)?;
        send_flight(self.requested, &mut transcript, &secrets, cx)?;
        let write = application.written(Side::Client);
        let write = write.record_keys(suite.aead)?;
        let read = application.read(Side::Client).record_keys(suite.aead)?;
        cx.records.start_writing(DATA, write);
        cx.records.start_reading(DATA, read);
        Ok(Step::Complete(Completed {
            session: negotiation::Session::Dtls13(Session::new(Side::Client, suite, application)),
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
                Certificate::write(w, config.identity.iter().flat_map(Identity::chain));
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
