//! The server's side of the handshake (RFC 8446 §4, RFC 9147 §5).

use super::offer::Offer;
use super::retry::{Choice, Retry, Share};
use super::schedule::{ApplicationSecrets, HandshakeSecrets};
use super::{
    Session, Side, accept_certificate, check_context, enter_data, enter_handshake, send,
    send_certificate_verify, verify_certificate,
};
use crate::config::ClientCertificates;
use crate::crypto::{PublicKey, answer_share};
use crate::error::CloseCause;
use crate::handshake::{Context, Message, RunningTranscript};
use crate::identity::Identity;
use crate::message::v13::{Certificate, CertificateRequest, EncryptedExtensions, KeyShare};
use crate::message::{ClientHello, write_hello_retry_request, write_server_hello_13};
use crate::negotiation::{self, Completed, Step};
use crate::peer::PeerCertificate;
use crate::record::{DATA, HANDSHAKE};
use crate::srtp::Srtp;
use crate::suite::Suite;
use crate::wire::{DTLS_1_3, Group, HandshakeType, SignatureScheme};

/// What the server waits for.
#[derive(Debug)]
#[allow(clippy::large_enum_variant)] // there is one for each connection, and it moves on
pub(crate) enum ServerState {
    SecondHello(AwaitSecondHello),
    Certificate(AwaitCertificate),
    CertificateVerify(AwaitCertificateVerify),
    Finished(AwaitFinished),
}

type Next = Result<Step<ServerState>, CloseCause>;

impl ServerState {
    /// DTLS 1.3 was chosen: answers the ClientHello.
    pub(crate) fn begin(hello: &ClientHello<'_>, message: &Message, cx: &mut Context) -> Next {
        let offer = Offer::read(hello)?;
        // RFC 9147 §5.1: nobody was asked for one.
        if hello.cookie()?.is_some() {
            return Err(CloseCause::Illegal("cookie"));
        }
        let choice = Choice::new(&offer, hello, &cx.config)?;
        let transcript = RunningTranscript::new(choice.suite.hash, message.bytes());
        match choice.share {
            Share::Sent(share) => answer(hello, &choice, share, transcript, cx),
            Share::Missing(group) => ask_for(group, choice.suite, transcript, cx),
        }
    }

    /// A first ClientHello was answered with a HelloRetryRequest by somebody who kept nothing: the
    /// second is due, with this cookie.
    pub(crate) fn after_retry(
        retry: Retry,
        client_hello_hash: &[u8],
        retry_request: &[u8],
        cookie: Vec<u8>,
    ) -> Self {
        Self::SecondHello(AwaitSecondHello {
            transcript: retry.transcript(client_hello_hash, retry_request),
            retry,
            cookie: Some(cookie),
        })
    }

    pub(crate) fn handle(self, message: &Message, cx: &mut Context) -> Next {
        match (self, message.kind) {
            (Self::SecondHello(state), HandshakeType::ClientHello) => state.handle(message, cx),
            (Self::Certificate(state), HandshakeType::Certificate) => state.handle(message, cx),
            (Self::CertificateVerify(state), HandshakeType::CertificateVerify) => {
                state.handle(message)
            }
            (Self::Finished(state), HandshakeType::Finished) => state.handle(message, cx),
            _ => Err(message.unexpected()),
        }
    }
}

/// Asks for a share of another group (RFC 8446 §4.1.4).
fn ask_for(
    group: Group,
    suite: Suite,
    mut transcript: RunningTranscript,
    cx: &mut Context,
) -> Next {
    transcript.replace_by_hash();
    cx.flight.begin();
    send(cx, &mut transcript, HandshakeType::ServerHello, |w| {
        write_hello_retry_request(w, suite.id, Some(group), &[]);
    });
    Ok(Step::Answered(ServerState::SecondHello(AwaitSecondHello {
        retry: Retry {
            suite,
            group: Some(group),
        },
        cookie: None,
        transcript,
    })))
}

#[derive(Debug)]
pub(crate) struct AwaitSecondHello {
    retry: Retry,
    /// What was asked for, and has to come back.
    cookie: Option<Vec<u8>>,
    transcript: RunningTranscript,
}

impl AwaitSecondHello {
    fn handle(self, message: &Message, cx: &mut Context) -> Next {
        let hello = ClientHello::read(message.body())?;
        let offer = Offer::read(&hello)?;
        // RFC 8446 §4.1.2: the same as the first but for what was asked for.
        let speaks_1_3 = hello
            .supported_versions
            .is_some_and(|versions| versions.contains(DTLS_1_3));
        if !speaks_1_3 {
            return Err(CloseCause::Illegal("supported_versions"));
        }
        // RFC 9147 §5.1.
        if hello.cookie()? != self.cookie.as_deref() {
            return Err(CloseCause::Illegal("cookie"));
        }
        let choice = Choice::new(&offer, &hello, &cx.config)?;
        if choice.suite.id != self.retry.suite.id {
            return Err(CloseCause::Illegal("cipher_suites"));
        }
        // RFC 8446 §4.2.8: the one that was asked for, and no other.
        let share = match (&choice.share, self.retry.group) {
            (Share::Sent(share), None) => *share,
            (Share::Sent(share), Some(group))
                if share.group == group && offer.shares.iter().count() == 1 =>
            {
                *share
            }
            _ => return Err(CloseCause::Illegal("key_share")),
        };
        let mut transcript = self.transcript;
        transcript.push(message.bytes());
        answer(&hello, &choice, share, transcript, cx)
    }
}

/// ServerHello to Finished.
fn answer(
    hello: &ClientHello<'_>,
    choice: &Choice<'_>,
    share: KeyShare<'_>,
    mut transcript: RunningTranscript,
    cx: &mut Context,
) -> Next {
    enter_handshake(cx)?;
    let &Choice { suite, scheme, .. } = choice;
    let (public_key, shared) = answer_share(share.group, share.public_key)
        .map_err(|_| CloseCause::Illegal("key_share"))?;
    let our_share = KeyShare {
        group: share.group,
        public_key: &public_key,
    };
    let random = cx.random();
    let connection_id = cx.answer_connection_id(hello.connection_id);
    cx.flight.begin();
    send(cx, &mut transcript, HandshakeType::ServerHello, |w| {
        let id = connection_id.as_deref();
        write_server_hello_13(w, &random, suite.id, &our_share, id);
    });
    let secrets = HandshakeSecrets::new(suite, shared.expose(), transcript.value().as_ref());
    secrets.log(&cx.config, hello.random);
    let write = secrets.server.record_keys(suite.aead)?;
    let read = secrets.client.record_keys(suite.aead)?;
    cx.records.start_writing(HANDSHAKE, write);
    cx.records.start_reading(HANDSHAKE, read);
    let srtp = Srtp::select(hello.use_srtp, &cx.config);
    send_protected(srtp.as_ref(), scheme, &secrets, &mut transcript, cx)?;
    let mut application = secrets.application(transcript.value().as_ref());
    application.log(&cx.config, hello.random);
    let write = application.written(Side::Server);
    let write = write.record_keys(suite.aead)?;
    cx.records.start_writing(DATA, write);
    let established = Established {
        suite,
        group: share.group,
        srtp,
        transcript,
        secrets,
        application,
    };
    Ok(Step::Answered(match cx.config.client_certificates {
        ClientCertificates::NotRequested => ServerState::Finished(AwaitFinished {
            established,
            peer_certificate: Vec::new(),
        }),
        ClientCertificates::Required | ClientCertificates::Optional => {
            ServerState::Certificate(AwaitCertificate { established })
        }
    }))
}

/// EncryptedExtensions to Finished.
fn send_protected(
    srtp: Option<&Srtp>,
    scheme: SignatureScheme,
    secrets: &HandshakeSecrets,
    transcript: &mut RunningTranscript,
    cx: &mut Context,
) -> Result<(), CloseCause> {
    let config = cx.config.clone();
    send(cx, transcript, HandshakeType::EncryptedExtensions, |w| {
        EncryptedExtensions::write(w, srtp);
    });
    if config.client_certificates != ClientCertificates::NotRequested {
        send(cx, transcript, HandshakeType::CertificateRequest, |w| {
            CertificateRequest::write(w, &PublicKey::SCHEMES);
        });
    }
    send(cx, transcript, HandshakeType::Certificate, |w| {
        Certificate::write(w, config.identity.iter().flat_map(Identity::chain));
    });
    send_certificate_verify(Side::Server, scheme, transcript, cx)?;
    let verify_data = secrets.server.verify_data(transcript.value().as_ref());
    send(cx, transcript, HandshakeType::Finished, |w| {
        w.bytes(verify_data.as_ref());
    });
    Ok(())
}

/// What is known once our flight is out.
#[derive(Debug)]
struct Established {
    suite: Suite,
    group: Group,
    srtp: Option<Srtp>,
    transcript: RunningTranscript,
    /// For the client's Finished.
    secrets: Box<HandshakeSecrets>,
    application: Box<ApplicationSecrets>,
}

#[derive(Debug)]
pub(crate) struct AwaitCertificate {
    established: Established,
}

impl AwaitCertificate {
    fn handle(mut self, message: &Message, cx: &mut Context) -> Next {
        let certificate = Certificate::read(message.body())?;
        if certificate.chain().next().is_none() {
            return self.without_certificate(&certificate, message, cx);
        }
        let peer = accept_certificate(&certificate, cx)?;
        self.established.transcript.push(message.bytes());
        Ok(Step::Wait(ServerState::CertificateVerify(
            AwaitCertificateVerify {
                established: self.established,
                peer,
            },
        )))
    }
}

impl AwaitCertificate {
    fn without_certificate(
        mut self,
        certificate: &Certificate<'_>,
        message: &Message,
        cx: &Context,
    ) -> Next {
        if cx.config.client_certificates != ClientCertificates::Optional {
            return Err(CloseCause::PeerCertificateRequired);
        }
        check_context(certificate)?;
        self.established.transcript.push(message.bytes());
        Ok(Step::Wait(ServerState::Finished(AwaitFinished {
            established: self.established,
            peer_certificate: Vec::new(),
        })))
    }
}

#[derive(Debug)]
pub(crate) struct AwaitCertificateVerify {
    established: Established,
    peer: PeerCertificate,
}

impl AwaitCertificateVerify {
    fn handle(mut self, message: &Message) -> Next {
        let transcript = &mut self.established.transcript;
        verify_certificate(Side::Client, &self.peer, message, transcript)?;
        transcript.push(message.bytes());
        Ok(Step::Wait(ServerState::Finished(AwaitFinished {
            established: self.established,
            peer_certificate: self.peer.der,
        })))
    }
}

#[derive(Debug)]
pub(crate) struct AwaitFinished {
    established: Established,
    peer_certificate: Vec<u8>,
}

impl AwaitFinished {
    fn handle(self, message: &Message, cx: &mut Context) -> Next {
        let Established {
            suite,
            group,
            srtp,
            transcript,
            secrets,
            mut application,
        } = self.established;
        if !secrets
            .client
            .verifies(transcript.value().as_ref(), message.body())
        {
            return Err(CloseCause::NotVerified("Finished"));
        }
        let read = application.read(Side::Server).record_keys(suite.aead)?;
        cx.records.start_reading(DATA, read);
        enter_data(cx)?;
        cx.flight.begin();
        Ok(Step::Complete(Completed {
            session: negotiation::Session::Dtls13(Session::new(Side::Server, suite, application)),
            peer_certificate: self.peer_certificate,
            srtp,
            group,
        }))
    }
}
