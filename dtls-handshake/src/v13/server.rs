//! The server's side of the handshake (RFC 8446 §4, RFC 9147 §5).

use super::schedule::{Directions, HandshakeSecrets, ScheduleSecret};
use super::{Session, Side, accept_certificate, send, send_certificate_verify, verify_certificate};
use crate::Version;
use crate::crypto::{KeyExchange, PublicKey};
use crate::error::{CloseCause, Parameter};
use crate::handshake::{Context, Message, RunningTranscript};
use crate::message::v13::{
    Certificate, CertificateRequest, EncryptedExtensions, KeyShare, KeyShares,
};
use crate::message::{ClientHello, write_server_hello_13};
use crate::negotiation::{self, Completed, Step};
use crate::peer::PeerCertificate;
use crate::record::{DATA, HANDSHAKE};
use crate::suite::Suite;
use crate::wire::{Group, HandshakeType, List16, SignatureScheme};

/// What the server waits for.
#[derive(Debug)]
#[allow(clippy::large_enum_variant)] // there is one for each connection, and it moves on
pub(crate) enum ServerState {
    Certificate(AwaitCertificate),
    CertificateVerify(AwaitCertificateVerify),
    Finished(AwaitFinished),
}

type Next = Result<Step<ServerState>, CloseCause>;

impl ServerState {
    /// DTLS 1.3 was chosen: answers the ClientHello.
    pub(crate) fn begin(hello: &ClientHello<'_>, message: &Message, cx: &mut Context) -> Next {
        let offer = Offer::read(hello)?;
        // Nobody was asked for a cookie (RFC 9147 §5.1).
        if hello.cookie()?.is_some() {
            return Err(CloseCause::Illegal("cookie"));
        }
        let suite = cx
            .config
            .suites_of(Version::Dtls13)
            .find(|suite| hello.cipher_suites.contains(suite.id.into()))
            .ok_or(CloseCause::NothingInCommon(Parameter::CipherSuite))?;
        let key = cx.config.identity.key();
        let scheme = key
            .choose(Version::Dtls13, offer.schemes)
            .ok_or(CloseCause::NothingInCommon(Parameter::SignatureScheme))?;
        let share = select_share(&offer, &cx.config.groups)?;
        let transcript = RunningTranscript::new(suite.hash, message.bytes());
        answer(hello, suite, scheme, share, transcript, cx)
    }

    pub(crate) fn handle(self, message: &Message, cx: &mut Context) -> Next {
        match (self, message.kind) {
            (Self::Certificate(state), HandshakeType::Certificate) => state.handle(message, cx),
            (Self::CertificateVerify(state), HandshakeType::CertificateVerify) => {
                state.handle(message)
            }
            (Self::Finished(state), HandshakeType::Finished) => state.handle(message, cx),
            _ => Err(message.unexpected()),
        }
    }
}

/// What every ClientHello of DTLS 1.3 has to have.
struct Offer<'a> {
    groups: List16<'a>,
    shares: KeyShares<'a>,
    schemes: List16<'a>,
}

impl<'a> Offer<'a> {
    fn read(hello: &ClientHello<'a>) -> Result<Self, CloseCause> {
        // RFC 9147 §5.3.
        if !hello.legacy_cookie.is_empty() {
            return Err(CloseCause::Illegal("legacy_cookie"));
        }
        // RFC 8446 §4.1.2.
        if hello.compression_methods != [0] {
            return Err(CloseCause::Illegal("compression_methods"));
        }
        // RFC 8446 §4.2.11.
        if hello.misplaces_pre_shared_key {
            return Err(CloseCause::Illegal("place of pre_shared_key"));
        }
        // RFC 8446 §9.2.
        let missing = CloseCause::MissingExtension;
        let groups = hello.groups.ok_or(missing("supported_groups"))?;
        let shares = hello.key_shares()?.ok_or(missing("key_share"))?;
        let schemes = hello
            .signature_schemes
            .ok_or(missing("signature_algorithms"))?;
        // RFC 8446 §4.2.8: each of an offered group, one of each.
        for (index, share) in shares.iter().enumerate() {
            let repeated = shares.iter().take(index).any(|s| s.group == share.group);
            if repeated || !groups.contains(share.group.into()) {
                return Err(CloseCause::Illegal("key_share"));
            }
        }
        Ok(Self {
            groups,
            shares,
            schemes,
        })
    }
}

/// The preferred group that the client has sent a share for.
fn select_share<'a>(offer: &Offer<'a>, ours: &[Group]) -> Result<KeyShare<'a>, CloseCause> {
    ours.iter()
        .filter(|group| offer.groups.contains((**group).into()))
        .find_map(|group| offer.shares.of(*group))
        .ok_or(CloseCause::NothingInCommon(Parameter::Group))
}

/// ServerHello to Finished.
fn answer(
    hello: &ClientHello<'_>,
    suite: Suite,
    scheme: SignatureScheme,
    share: KeyShare<'_>,
    mut transcript: RunningTranscript,
    cx: &mut Context,
) -> Next {
    let ours =
        KeyExchange::generate(share.group).map_err(CloseCause::internal("the key exchange"))?;
    let our_share = KeyShare {
        group: share.group,
        public_key: ours.public_key(),
    };
    let random = cx.random();
    cx.flight.begin();
    send(cx, &mut transcript, HandshakeType::ServerHello, |w| {
        write_server_hello_13(w, &random, suite.id, &our_share);
    });
    let secrets = ours
        .agree(share.public_key, |shared| {
            HandshakeSecrets::new(suite, shared, transcript.value().as_ref())
        })
        .map_err(|_| CloseCause::Illegal("key_share"))?;
    secrets.log(&cx.config, hello.random);
    let write = secrets.server.record_keys(suite.aead)?;
    let read = secrets.client.record_keys(suite.aead)?;
    cx.records.start_writing(HANDSHAKE, write);
    cx.records.start_reading(HANDSHAKE, read);
    cx.inbox.enter(HANDSHAKE);
    let srtp_profile = hello.use_srtp.and_then(|offer| {
        let mut ours = cx.config.srtp_profiles.iter().copied();
        ours.find(|profile| offer.profiles.contains(*profile))
    });
    send_protected(srtp_profile, scheme, &secrets, &mut transcript, cx)?;
    let application = secrets.application(transcript.value().as_ref());
    application.log(&cx.config, hello.random);
    let directions = application.seen_by(Side::Server);
    let write = directions.write.record_keys(suite.aead)?;
    cx.records.start_writing(DATA, write);
    Ok(Step::Answered(ServerState::Certificate(AwaitCertificate {
        established: Established {
            suite,
            group: share.group,
            srtp_profile,
            transcript,
            client_secret: secrets.client,
            directions,
        },
    })))
}

/// EncryptedExtensions to Finished.
fn send_protected(
    srtp_profile: Option<u16>,
    scheme: SignatureScheme,
    secrets: &HandshakeSecrets,
    transcript: &mut RunningTranscript,
    cx: &mut Context,
) -> Result<(), CloseCause> {
    let config = cx.config.clone();
    send(cx, transcript, HandshakeType::EncryptedExtensions, |w| {
        EncryptedExtensions::write(w, srtp_profile);
    });
    send(cx, transcript, HandshakeType::CertificateRequest, |w| {
        CertificateRequest::write(w, &PublicKey::SCHEMES);
    });
    send(cx, transcript, HandshakeType::Certificate, |w| {
        Certificate::write(w, config.identity.chain());
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
    srtp_profile: Option<u16>,
    transcript: RunningTranscript,
    /// The client's handshake traffic secret, for its Finished.
    client_secret: ScheduleSecret,
    directions: Directions,
}

#[derive(Debug)]
pub(crate) struct AwaitCertificate {
    established: Established,
}

impl AwaitCertificate {
    fn handle(mut self, message: &Message, cx: &mut Context) -> Next {
        let certificate = Certificate::read(message.body())?;
        if certificate.chain().next().is_none() {
            return Err(CloseCause::PeerCertificateRequired);
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
            peer: self.peer,
        })))
    }
}

#[derive(Debug)]
pub(crate) struct AwaitFinished {
    established: Established,
    peer: PeerCertificate,
}

impl AwaitFinished {
    fn handle(self, message: &Message, cx: &mut Context) -> Next {
        let Established {
            suite,
            group,
            srtp_profile,
            transcript,
            client_secret,
            directions,
        } = self.established;
        if !client_secret.verifies(transcript.value().as_ref(), message.body()) {
            return Err(CloseCause::NotVerified("Finished"));
        }
        let read = directions.read.record_keys(suite.aead)?;
        cx.records.start_reading(DATA, read);
        cx.inbox.enter(DATA);
        cx.flight.begin();
        Ok(Step::Complete(Completed {
            session: negotiation::Session::Dtls13(Session::new(Side::Server, suite, directions)),
            peer_certificate: self.peer.der,
            srtp_profile,
            group,
        }))
    }
}
