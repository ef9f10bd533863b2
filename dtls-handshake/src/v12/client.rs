//! The client's side of the handshake (RFC 5246 §7.3, RFC 6347 §4.2).

use super::{
    Completed, Negotiated, RecordKeys, Session, Side, Step, accept_certificate, unexpected,
};
use crate::crypto::{KeyExchange, PublicKey};
use crate::error::{CloseCause, Parameter};
use crate::event::Version;
use crate::handshake::{Context, Message};
use crate::message::{
    Certificate, CertificateRequest, CertificateVerify, ClientKeyExchange, ClientOffer, Finished,
    HelloVerifyRequest, Random, ServerHello, ServerKeyExchange,
};
use crate::peer::PeerCertificate;
use crate::record::PROTECTED;
use crate::wire::{DTLS_1_2, HandshakeType, SignatureScheme};

/// What the client waits for.
#[derive(Debug)]
pub(crate) enum ClientState {
    ServerHello(AwaitServerHello),
    Certificate(AwaitCertificate),
    ServerKeyExchange(AwaitServerKeyExchange),
    CertificateRequest(AwaitCertificateRequest),
    ServerHelloDone(AwaitServerHelloDone),
    Finished(AwaitFinished),
}

type Next = Result<Step<ClientState>, CloseCause>;

impl ClientState {
    /// Sends the ClientHello.
    pub(crate) fn start(cx: &mut Context) -> Self {
        let state = AwaitServerHello {
            random: cx.random(),
            cookie_sent: false,
        };
        state.send_hello(&[], cx);
        Self::ServerHello(state)
    }

    pub(crate) fn handle(self, message: &Message, cx: &mut Context) -> Next {
        match (self, message.kind) {
            // RFC 5246 §7.4.1.1: ignored while a handshake is under way, and in no transcript.
            (state, HandshakeType::HelloRequest) => Ok(Step::Wait(state)),
            (Self::ServerHello(state), HandshakeType::HelloVerifyRequest) => {
                state.handle_verify_request(message, cx)
            }
            (Self::ServerHello(state), HandshakeType::ServerHello) => state.handle(message, cx),
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
            _ => Err(unexpected(message)),
        }
    }
}

#[derive(Debug)]
pub(crate) struct AwaitServerHello {
    random: Random,
    cookie_sent: bool,
}

impl AwaitServerHello {
    fn send_hello(&self, cookie: &[u8], cx: &mut Context) {
        let config = cx.config.clone();
        let suites = config.suites_of(Version::Dtls12).map(|suite| suite.id);
        let suites: Vec<_> = suites.collect();
        let offer = ClientOffer {
            random: &self.random,
            cookie,
            cipher_suites: &suites,
            groups: &KeyExchange::GROUPS,
            signature_schemes: &PublicKey::SCHEMES,
            srtp_profiles: &config.srtp_profiles,
        };
        cx.flight.begin();
        cx.transcript.clear();
        cx.send(HandshakeType::ClientHello, |w| offer.write(w));
    }

    /// RFC 6347 §4.2.1: the same ClientHello again, with the cookie.
    fn handle_verify_request(self, message: &Message, cx: &mut Context) -> Next {
        if self.cookie_sent {
            return Err(unexpected(message));
        }
        let request = HelloVerifyRequest::read(message.body())?;
        self.send_hello(request.cookie, cx);
        let state = Self {
            cookie_sent: true,
            ..self
        };
        Ok(Step::Answered(ClientState::ServerHello(state)))
    }

    fn handle(self, message: &Message, cx: &mut Context) -> Next {
        let hello = ServerHello::read(message.body())?;
        if hello.version != DTLS_1_2 {
            return Err(CloseCause::NothingInCommon(Parameter::Version));
        }
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
        let srtp_profile = selected_profile(&hello, &cx.config.srtp_profiles)?;
        cx.transcript.push(message.bytes());
        let negotiated = Negotiated {
            suite,
            client_random: self.random,
            server_random: *hello.random,
            srtp_profile,
        };
        Ok(Step::Wait(ClientState::Certificate(AwaitCertificate {
            negotiated,
        })))
    }
}

/// RFC 5764 §4.1.1: exactly one profile, of those offered, and no master key identifier when none
/// was offered.
fn selected_profile(hello: &ServerHello<'_>, offered: &[u16]) -> Result<Option<u16>, CloseCause> {
    let Some(use_srtp) = hello.use_srtp else {
        return Ok(None);
    };
    if offered.is_empty() {
        return Err(CloseCause::UnsolicitedExtension);
    }
    let mut profiles = use_srtp.profiles.iter();
    match (profiles.next(), profiles.next()) {
        (Some(profile), None) if offered.contains(&profile) && use_srtp.mki.is_empty() => {
            Ok(Some(profile))
        }
        _ => Err(CloseCause::Illegal("use_srtp")),
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
        if !KeyExchange::GROUPS.contains(&share.group) {
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
        let key = cx.config.identity.key();
        let requested = request
            .schemes_for(key.kind())
            .and_then(|schemes| key.choose(Version::Dtls12, schemes))
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
                Certificate::write(w, config.identity.chain());
            }),
        }
        cx.send(HandshakeType::ClientKeyExchange, |w| {
            ClientKeyExchange {
                public_key: ours.public_key(),
            }
            .write(w);
        });
        let session = derive(&negotiated, ours, &server_share, cx)?;
        if let Requested::OurCertificate(scheme) = self.requested {
            send_certificate_verify(scheme, cx)?;
        }
        let keys = session
            .record_keys()
            .map_err(CloseCause::internal("the record keys"))?;
        send_finished(&session, keys, cx);
        let srtp_profile = negotiated.srtp_profile;
        let state = AwaitFinished {
            session,
            peer,
            srtp_profile,
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
    let key = cx.config.identity.key();
    let signature = key
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
    srtp_profile: Option<u16>,
}

impl AwaitFinished {
    fn handle(self, message: &Message, cx: &mut Context) -> Next {
        let finished = Finished::read(message.body())?;
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
            session: self.session,
            peer_certificate: self.peer.der,
            srtp_profile: self.srtp_profile,
        }))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::{Duration, UNIX_EPOCH};

    use rand_chacha::ChaCha20Rng;
    use rand_chacha::rand_core::SeedableRng;

    use super::*;
    use crate::config::Config;
    use crate::handshake::Fragment;
    use crate::identity::Identity;
    use crate::record::PLAIN;

    /// RFC 6347 §4.2.1: neither the first ClientHello nor HelloVerifyRequest is in the transcript.
    #[test]
    fn the_transcript_begins_with_the_hello_that_has_the_cookie() {
        let identity = Identity::generate(UNIX_EPOCH + Duration::from_secs(1_780_000_000)).unwrap();
        let rng = ChaCha20Rng::from_seed([0; 32]);
        let mut cx = Context::new(Arc::new(Config::new(identity)), rng);
        let state = ClientState::start(&mut cx);
        let length = cx.transcript.messages().len();
        let request = Fragment {
            kind: HandshakeType::HelloVerifyRequest,
            length: 5,
            message_seq: 0,
            offset: 0,
            bytes: &[0xFE, 0xFF, 2, 7, 8],
        };
        cx.inbox.insert(PLAIN, &request);
        let message = cx.inbox.pop().unwrap();
        let next = state.handle(&message, &mut cx);
        assert!(matches!(
            next,
            Ok(Step::Answered(ClientState::ServerHello(_)))
        ));
        let transcript = cx.transcript.messages();
        assert_eq!(transcript.len(), length + 2);
        assert_eq!(
            transcript.get(..6),
            Some(&[1, 0, 0, (length - 10) as u8, 0, 1][..])
        );
    }
}
