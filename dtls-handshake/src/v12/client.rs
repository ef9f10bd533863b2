//! The client's side of the handshake (RFC 5246 §7.3, RFC 6347 §4.2).

use super::{Negotiated, RecordKeys, Session, Side, accept_certificate};
use crate::crypto::KeyExchange;
use crate::error::CloseCause;
use crate::event::Version;
use crate::handshake::{Context, Message};
use crate::identity::Identity;
use crate::message::{
    Certificate, CertificateRequest, CertificateVerify, ClientKeyExchange, Finished, Random,
    ServerHello, ServerKeyExchange,
};
use crate::negotiation::{self, Completed, Step};
use crate::peer::PeerCertificate;
use crate::record::PROTECTED;
use crate::srtp::Srtp;
use crate::wire::{Group, HandshakeType, SignatureScheme};

/// What the client waits for.
#[derive(Debug)]
pub(crate) enum ClientState {
    Certificate(AwaitCertificate),
    ServerKeyExchange(AwaitServerKeyExchange),
    CertificateRequest(AwaitCertificateRequest),
    ServerHelloDone(AwaitServerHelloDone),
    Finished(AwaitFinished),
}

type Next = Result<Step<ClientState>, CloseCause>;

impl ClientState {
    /// The server has chosen DTLS 1.2, in answer to a hello with this random.
    pub(crate) fn begin(
        client_random: Random,
        hello: &ServerHello<'_>,
        message: &Message,
        cx: &mut Context,
    ) -> Next {
        let suite = cx
            .config
            .suites_of(Version::Dtls12)
            .find(|suite| suite.id == hello.cipher_suite)
            .ok_or(CloseCause::Illegal("cipher_suite"))?;
        if hello.compression_method != 0 {
            return Err(CloseCause::Illegal("compression_method"));
        }
        if hello.has_unsolicited {
            return Err(CloseCause::UnsolicitedExtension);
        }
        if hello.renegotiates() {
            return Err(CloseCause::RenegotiationRefused);
        }
        if !hello.takes_uncompressed_points() {
            return Err(CloseCause::Illegal("ec_point_formats"));
        }
        if !hello.extended_master_secret {
            return Err(CloseCause::ExtendedMasterSecretMissing);
        }
        cx.accept_connection_id(hello.connection_id)?;
        let srtp = Srtp::accept(hello.use_srtp, &cx.config)?;
        cx.transcript.push(message.bytes());
        let negotiated = Negotiated {
            suite,
            client_random,
            server_random: *hello.random,
            srtp,
        };
        Ok(Step::Wait(Self::Certificate(AwaitCertificate {
            negotiated,
        })))
    }

    pub(crate) fn handle(self, message: &Message, cx: &mut Context) -> Next {
        match (self, message.kind) {
            // RFC 5246 §7.4.1.1: ignored while a handshake is under way, and in no transcript.
            (state, HandshakeType::HelloRequest) => Ok(Step::Wait(state)),
            (Self::Certificate(state), HandshakeType::Certificate) => state.handle(message, cx),
            (Self::ServerKeyExchange(state), HandshakeType::ServerKeyExchange) => {
                state.handle(message, cx)
            }
            (Self::CertificateRequest(state), HandshakeType::CertificateRequest) => {
                state.handle(message, cx)
            }
            // A server that asks for no certificate gets none.
            (Self::CertificateRequest(state), HandshakeType::ServerHelloDone) => {
                state.without_request().handle(message, cx)
            }
            (Self::ServerHelloDone(state), HandshakeType::ServerHelloDone) => {
                state.handle(message, cx)
            }
            (Self::Finished(state), HandshakeType::Finished) => state.handle(message, cx),
            _ => Err(message.unexpected()),
        }
    }
}

#[derive(Debug)]
pub(crate) struct AwaitCertificate {
    negotiated: Negotiated,
}

impl AwaitCertificate {
    fn handle(self, message: &Message, cx: &mut Context) -> Next {
        let peer = accept_certificate(message, cx)?;
        if !self.negotiated.suite.takes_server_key(peer.kind()) {
            return Err(CloseCause::UnsupportedPeerCertificate);
        }
        cx.transcript.push(message.bytes());
        let state = AwaitServerKeyExchange {
            negotiated: self.negotiated,
            peer,
        };
        Ok(Step::Wait(ClientState::ServerKeyExchange(state)))
    }
}

#[derive(Debug)]
pub(crate) struct AwaitServerKeyExchange {
    negotiated: Negotiated,
    peer: PeerCertificate,
}

impl AwaitServerKeyExchange {
    fn handle(self, message: &Message, cx: &mut Context) -> Next {
        let exchange = ServerKeyExchange::read(message.body())?;
        let share = &exchange.share;
        let mut groups = cx.config.groups_of(Version::Dtls12);
        if !groups.any(|group| group == share.group) {
            return Err(CloseCause::Illegal("group of ServerKeyExchange"));
        }
        let signed = self.negotiated.signed_share(share);
        let what = "ServerKeyExchange";
        let version = Version::Dtls12;
        self.peer
            .verify(version, exchange.scheme, &signed, exchange.signature, what)?;
        let ours =
            KeyExchange::generate(share.group).map_err(CloseCause::internal("the key exchange"))?;
        cx.transcript.push(message.bytes());
        let state = AwaitCertificateRequest {
            negotiated: self.negotiated,
            peer: self.peer,
            ours,
            server_share: share.public_key.to_vec(),
        };
        Ok(Step::Wait(ClientState::CertificateRequest(state)))
    }
}

#[derive(Debug)]
pub(crate) struct AwaitCertificateRequest {
    negotiated: Negotiated,
    peer: PeerCertificate,
    ours: KeyExchange,
    server_share: Vec<u8>,
}

/// What the server wants to see from us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Requested {
    Nothing,
    /// A certificate of a kind that we do not have: an empty list is the answer
    /// (RFC 5246 §7.4.6).
    AnotherCertificate,
    /// Ours, and a signature of this scheme.
    OurCertificate(SignatureScheme),
}

impl AwaitCertificateRequest {
    fn handle(self, message: &Message, cx: &mut Context) -> Next {
        let request = CertificateRequest::read(message.body())?;
        let key = cx.config.identity.as_ref().map(Identity::key);
        let requested = key
            .and_then(|key| key.choose(Version::Dtls12, request.schemes_for(key.kind())?))
            .map_or(Requested::AnotherCertificate, Requested::OurCertificate);
        cx.transcript.push(message.bytes());
        let state = AwaitServerHelloDone {
            exchange: self,
            requested,
        };
        Ok(Step::Wait(ClientState::ServerHelloDone(state)))
    }

    fn without_request(self) -> AwaitServerHelloDone {
        AwaitServerHelloDone {
            exchange: self,
            requested: Requested::Nothing,
        }
    }
}

#[derive(Debug)]
pub(crate) struct AwaitServerHelloDone {
    exchange: AwaitCertificateRequest,
    requested: Requested,
}

impl AwaitServerHelloDone {
    fn handle(self, message: &Message, cx: &mut Context) -> Next {
        if !message.body().is_empty() {
            return Err(CloseCause::Malformed("ServerHelloDone"));
        }
        cx.transcript.push(message.bytes());
        let AwaitCertificateRequest {
            negotiated,
            peer,
            ours,
            server_share,
        } = self.exchange;
        let config = cx.config.clone();
        cx.flight.begin();
        match self.requested {
            Requested::Nothing => {}
            Requested::AnotherCertificate => {
                cx.send(HandshakeType::Certificate, |w| Certificate::write(w, []));
            }
            Requested::OurCertificate(_) => cx.send(HandshakeType::Certificate, |w| {
                Certificate::write(w, config.identity.iter().flat_map(Identity::chain));
            }),
        }
        cx.send(HandshakeType::ClientKeyExchange, |w| {
            ClientKeyExchange {
                public_key: ours.public_key(),
            }
            .write(w);
        });
        let group = ours.group();
        let session = derive(&negotiated, ours, &server_share, cx)?;
        if let Requested::OurCertificate(scheme) = self.requested {
            send_certificate_verify(scheme, cx)?;
        }
        let keys = session
            .record_keys()
            .map_err(CloseCause::internal("the record keys"))?;
        send_finished(&session, keys, cx);
        let state = AwaitFinished {
            session,
            peer,
            srtp: negotiated.srtp,
            group,
        };
        Ok(Step::Answered(ClientState::Finished(state)))
    }
}

/// The secret is bound to everything up to and with ClientKeyExchange, which was sent just now.
fn derive(
    negotiated: &Negotiated,
    ours: KeyExchange,
    server_share: &[u8],
    cx: &Context,
) -> Result<Session, CloseCause> {
    let &Negotiated {
        suite,
        client_random,
        server_random,
        ..
    } = negotiated;
    let session_hash = cx.transcript.hash(suite.hash);
    let session = ours
        .agree(server_share, |premaster| {
            Session::new(
                suite,
                premaster,
                session_hash.as_ref(),
                client_random,
                server_random,
            )
        })
        .map_err(|_| CloseCause::Illegal("share of ServerKeyExchange"))?;
    if let Some(log) = &cx.config.key_log {
        log.write(&session.key_log_line());
    }
    Ok(session)
}

fn send_certificate_verify(scheme: SignatureScheme, cx: &mut Context) -> Result<(), CloseCause> {
    let config = cx.config.clone();
    let signature = config
        .key()?
        .sign(scheme, &[cx.transcript.messages()])
        .map_err(CloseCause::internal("the signature"))?;
    cx.send(HandshakeType::CertificateVerify, |w| {
        CertificateVerify {
            scheme,
            signature: signature.as_ref(),
        }
        .write(w);
    });
    Ok(())
}

/// From here on both directions are protected.
fn send_finished(session: &Session, keys: RecordKeys, cx: &mut Context) {
    let transcript = cx.transcript.hash(session.suite().hash);
    let verify_data = session.verify_data(Side::Client, transcript.as_ref());
    cx.flight.push_change_cipher_spec();
    cx.records.start_writing(PROTECTED, keys.client);
    cx.records.start_reading(PROTECTED, keys.server);
    cx.inbox.enter(PROTECTED);
    cx.send(HandshakeType::Finished, |w| {
        Finished {
            verify_data: &verify_data,
        }
        .write(w)
    });
}

#[derive(Debug)]
pub(crate) struct AwaitFinished {
    session: Session,
    peer: PeerCertificate,
    srtp: Option<Srtp>,
    group: Group,
}

impl AwaitFinished {
    fn handle(self, message: &Message, cx: &mut Context) -> Next {
        // As in DTLS 1.3, another length is another value.
        let finished =
            Finished::read(message.body()).map_err(|_| CloseCause::NotVerified("Finished"))?;
        let transcript = cx.transcript.hash(self.session.suite().hash);
        if !self
            .session
            .verifies(Side::Server, transcript.as_ref(), finished.verify_data)
        {
            return Err(CloseCause::NotVerified("Finished"));
        }
        // It answers our last flight.
        cx.flight.begin();
        Ok(Step::Complete(Completed {
            session: negotiation::Session::Dtls12(self.session),
            peer_certificate: self.peer.der,
            srtp: self.srtp,
            group: self.group,
        }))
    }
}
