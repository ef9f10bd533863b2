//! The server's side of the handshake (RFC 5246 §7.3, RFC 6347 §4.2).

use super::{Negotiated, RecordKeys, Session, Side, accept_certificate};
use crate::config::ClientCertificates;
use crate::crypto::{KeyExchange, KeyKind, PublicKey};
use crate::error::{CloseCause, Parameter};
use crate::event::Version;
use crate::handshake::{Context, Message};
use crate::identity::Identity;
use crate::message::{
    Certificate, CertificateRequest, CertificateVerify, ClientHello, ClientKeyExchange, Finished,
    Random, ServerAnswer, ServerKeyExchange, ServerShare,
};
use crate::negotiation::{self, Completed, Step};
use crate::peer::PeerCertificate;
use crate::record::{Keys, PROTECTED};
use crate::srtp::Srtp;
use crate::wire::{Group, HandshakeType, SignatureScheme};

/// What the server waits for.
#[derive(Debug)]
#[allow(clippy::large_enum_variant)] // there is one for each connection, and it moves on
pub(crate) enum ServerState {
    Certificate(AwaitCertificate),
    ClientKeyExchange(AwaitClientKeyExchange),
    CertificateVerify(AwaitCertificateVerify),
    Finished(AwaitFinished),
}

type Next = Result<Step<ServerState>, CloseCause>;

impl ServerState {
    /// DTLS 1.2 was chosen: answers the ClientHello.
    pub(crate) fn begin(
        server_random: Random,
        hello: &ClientHello<'_>,
        message: &Message,
        cx: &mut Context,
    ) -> Next {
        check(hello)?;
        let config = cx.config.clone();
        let key = config.key()?;
        let suite = config
            .suites_of(Version::Dtls12)
            .find(|suite| {
                suite.takes_server_key(key.kind()) && hello.cipher_suites.contains(suite.id.into())
            })
            .ok_or(CloseCause::NothingInCommon(Parameter::CipherSuite))?;
        let group = select_group(hello, cx.config.groups_of(Version::Dtls12), key.kind())?;
        // Without the list SHA-1 would be all a client understands (RFC 5246 §7.4.1.4.1).
        let scheme = hello
            .signature_schemes
            .and_then(|schemes| key.choose(Version::Dtls12, schemes))
            .ok_or(CloseCause::NothingInCommon(Parameter::SignatureScheme))?;
        let srtp = Srtp::select(hello.use_srtp, &cx.config);
        cx.transcript.push(message.bytes());
        let negotiated = Negotiated {
            suite,
            client_random: *hello.random,
            server_random,
            srtp,
        };
        let ours =
            KeyExchange::generate(group).map_err(CloseCause::internal("the key exchange"))?;
        send_hello_flight(hello, &negotiated, scheme, &ours, cx)?;
        Ok(Step::Answered(match config.client_certificates {
            ClientCertificates::NotRequested => Self::ClientKeyExchange(AwaitClientKeyExchange {
                negotiated,
                ours,
                peer: None,
            }),
            ClientCertificates::Required | ClientCertificates::Optional => {
                Self::Certificate(AwaitCertificate { negotiated, ours })
            }
        }))
    }

    pub(crate) fn handle(self, message: &Message, cx: &mut Context) -> Next {
        match (self, message.kind) {
            (Self::Certificate(state), HandshakeType::Certificate) => state.handle(message, cx),
            (Self::ClientKeyExchange(state), HandshakeType::ClientKeyExchange) => {
                state.handle(message, cx)
            }
            (Self::CertificateVerify(state), HandshakeType::CertificateVerify) => {
                state.handle(message, cx)
            }
            (Self::Finished(state), HandshakeType::Finished) => state.handle(message, cx),
            _ => Err(message.unexpected()),
        }
    }
}

/// What has to hold for any set of parameters.
fn check(hello: &ClientHello<'_>) -> Result<(), CloseCause> {
    if !hello.offers_null_compression() {
        return Err(CloseCause::Illegal("compression_methods"));
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
    Ok(())
}

/// Without a list any group will do (RFC 8422 §4): then the one everybody has. With one, it has
/// to have the curve of our certificate as well (RFC 8422 §5.1).
fn select_group(
    hello: &ClientHello<'_>,
    mut ours: impl Iterator<Item = Group>,
    key: KeyKind,
) -> Result<Group, CloseCause> {
    let Some(theirs) = hello.groups else {
        return Ok(Group::Secp256r1);
    };
    let curve = match key {
        KeyKind::EcdsaP256 => Some(Group::Secp256r1),
        KeyKind::EcdsaP384 => Some(Group::Secp384r1),
        KeyKind::Ed25519 | KeyKind::Rsa => None,
    };
    ours.find(|group| theirs.contains((*group).into()))
        .filter(|_| curve.is_none_or(|curve| theirs.contains(curve.into())))
        .ok_or(CloseCause::NothingInCommon(Parameter::Group))
}

/// ServerHello to ServerHelloDone.
fn send_hello_flight(
    hello: &ClientHello<'_>,
    negotiated: &Negotiated,
    scheme: SignatureScheme,
    ours: &KeyExchange,
    cx: &mut Context,
) -> Result<(), CloseCause> {
    let config = cx.config.clone();
    let connection_id = cx.answer_connection_id(hello.connection_id);
    let answer = ServerAnswer {
        random: &negotiated.server_random,
        cipher_suite: negotiated.suite.id,
        point_formats: hello.lists_point_formats(),
        renegotiation_info: hello.knows_secure_renegotiation(),
        srtp: negotiated.srtp.as_ref(),
        connection_id: connection_id.as_deref(),
    };
    let share = ServerShare {
        group: ours.group(),
        public_key: ours.public_key(),
    };
    let signature = config
        .key()?
        .sign(scheme, &[&negotiated.signed_share(&share)])
        .map_err(CloseCause::internal("the signature"))?;
    let exchange = ServerKeyExchange {
        share,
        scheme,
        signature: signature.as_ref(),
    };
    cx.flight.begin();
    cx.send(HandshakeType::ServerHello, |w| answer.write(w));
    cx.send(HandshakeType::Certificate, |w| {
        Certificate::write(w, config.identity.iter().flat_map(Identity::chain));
    });
    cx.send(HandshakeType::ServerKeyExchange, |w| exchange.write(w));
    if config.client_certificates != ClientCertificates::NotRequested {
        cx.send(HandshakeType::CertificateRequest, |w| {
            CertificateRequest::write(w, &PublicKey::SCHEMES);
        });
    }
    cx.send(HandshakeType::ServerHelloDone, |_| {});
    Ok(())
}

#[derive(Debug)]
pub(crate) struct AwaitCertificate {
    negotiated: Negotiated,
    ours: KeyExchange,
}

impl AwaitCertificate {
    fn handle(self, message: &Message, cx: &mut Context) -> Next {
        let certificate = Certificate::read(message.body())?;
        let has_none = certificate.chain().next().is_none();
        let peer = match cx.config.client_certificates {
            ClientCertificates::Optional if has_none => None,
            _ => Some(accept_certificate(message, cx)?),
        };
        cx.transcript.push(message.bytes());
        let state = AwaitClientKeyExchange {
            negotiated: self.negotiated,
            ours: self.ours,
            peer,
        };
        Ok(Step::Wait(ServerState::ClientKeyExchange(state)))
    }
}

#[derive(Debug)]
pub(crate) struct AwaitClientKeyExchange {
    negotiated: Negotiated,
    ours: KeyExchange,
    /// `None`: it has shown no certificate, and needs none.
    peer: Option<PeerCertificate>,
}

impl AwaitClientKeyExchange {
    fn handle(self, message: &Message, cx: &mut Context) -> Next {
        let exchange = ClientKeyExchange::read(message.body())?;
        cx.transcript.push(message.bytes());
        let Negotiated {
            suite,
            client_random,
            server_random,
            srtp,
        } = self.negotiated;
        let session_hash = cx.transcript.hash(suite.hash);
        let group = self.ours.group();
        let session = self
            .ours
            .agree(exchange.public_key, |premaster| {
                Session::new(
                    suite,
                    premaster,
                    session_hash.as_ref(),
                    client_random,
                    server_random,
                )
            })
            .map_err(|_| CloseCause::Illegal("share of ClientKeyExchange"))?;
        if let Some(log) = &cx.config.key_log {
            log.write(&session.key_log_line());
        }
        let established = Established {
            session,
            srtp,
            group,
        };
        Ok(Step::Wait(match self.peer {
            Some(peer) => {
                ServerState::CertificateVerify(AwaitCertificateVerify { established, peer })
            }
            None => ServerState::Finished(established.await_finished(Vec::new(), cx)?),
        }))
    }
}

/// What is known once the keys are agreed on.
#[derive(Debug)]
struct Established {
    session: Session,
    srtp: Option<Srtp>,
    group: Group,
}

impl Established {
    /// From here on what the client sends is protected.
    fn await_finished(
        self,
        peer_certificate: Vec<u8>,
        cx: &mut Context,
    ) -> Result<AwaitFinished, CloseCause> {
        let RecordKeys { client, server } = self
            .session
            .record_keys()
            .map_err(CloseCause::internal("the record keys"))?;
        cx.records.start_reading(PROTECTED, client);
        cx.inbox.enter(PROTECTED);
        Ok(AwaitFinished {
            established: self,
            peer_certificate,
            keys: server.into(),
        })
    }
}

#[derive(Debug)]
pub(crate) struct AwaitCertificateVerify {
    established: Established,
    peer: PeerCertificate,
}

impl AwaitCertificateVerify {
    fn handle(self, message: &Message, cx: &mut Context) -> Next {
        let verify = CertificateVerify::read(message.body())?;
        let signed = cx.transcript.messages();
        let what = "CertificateVerify";
        self.peer.verify(
            Version::Dtls12,
            verify.scheme,
            signed,
            verify.signature,
            what,
        )?;
        cx.transcript.push(message.bytes());
        let state = self.established.await_finished(self.peer.der, cx)?;
        Ok(Step::Wait(ServerState::Finished(state)))
    }
}

#[derive(Debug)]
pub(crate) struct AwaitFinished {
    established: Established,
    peer_certificate: Vec<u8>,
    /// For what we write, in use from our Finished on.
    keys: Keys,
}

impl AwaitFinished {
    fn handle(self, message: &Message, cx: &mut Context) -> Next {
        let Established {
            session,
            srtp,
            group,
        } = self.established;
        let hash = session.suite().hash;
        // As in DTLS 1.3, another length is another value.
        let finished =
            Finished::read(message.body()).map_err(|_| CloseCause::NotVerified("Finished"))?;
        let transcript = cx.transcript.hash(hash);
        if !session.verifies(Side::Client, transcript.as_ref(), finished.verify_data) {
            return Err(CloseCause::NotVerified("Finished"));
        }
        cx.transcript.push(message.bytes());
        let transcript = cx.transcript.hash(hash);
        let verify_data = session.verify_data(Side::Server, transcript.as_ref());
        cx.flight.begin();
        cx.flight.push_change_cipher_spec();
        cx.records.start_writing(PROTECTED, self.keys);
        cx.send(HandshakeType::Finished, |w| {
            Finished {
                verify_data: &verify_data,
            }
            .write(w)
        });
        Ok(Step::Complete(Completed {
            session: negotiation::Session::Dtls12(session),
            peer_certificate: self.peer_certificate,
            srtp,
            group,
        }))
    }
}
