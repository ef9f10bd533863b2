//! The client's offer of both versions, and the answer that settles one.

use arrayvec::ArrayVec;

use super::{DOWNGRADE_TO_1_2, Handshake, Next, Step};
use crate::config::Config;
use crate::crypto::{ClientShare, GROUPS, PublicKey, Refused};
use crate::error::{CloseCause, Parameter};
use crate::handshake::{Context, Message};
use crate::message::v13::KeyShare;
use crate::message::{ClientOffer, HelloVerifyRequest, Random, ServerHello};
use crate::suite::Suite;
use crate::wire::{DTLS_1_2, DTLS_1_3, Group, HandshakeType};
use crate::{Version, v12, v13};

/// What a ClientHello has beside what the configuration says.
#[derive(Debug)]
pub(crate) struct Offer {
    pub(crate) random: Random,
    /// Our shares, when DTLS 1.3 is offered.
    pub(crate) shares: Vec<ClientShare>,
    /// What a HelloVerifyRequest wants back; `None` before there was one.
    pub(crate) legacy_cookie: Option<Vec<u8>>,
    /// What a HelloRetryRequest wants back.
    pub(crate) cookie: Vec<u8>,
}

impl Offer {
    /// Begins a flight of the ClientHello.
    pub(crate) fn send(&self, cx: &mut Context) {
        let config = cx.config.clone();
        let (dtls12, dtls13) = (
            config.speaks(Version::Dtls12),
            config.speaks(Version::Dtls13),
        );
        // None comes twice in a configuration.
        let suites: ArrayVec<_, { Suite::ALL.len() }> = [Version::Dtls13, Version::Dtls12]
            .into_iter()
            .filter(|version| config.speaks(*version))
            .flat_map(|version| config.suites_of(version).map(|suite| suite.id))
            .collect();
        let connection_id = cx.connection_id.clone();
        let latest = if dtls13 {
            Version::Dtls13
        } else {
            Version::Dtls12
        };
        let groups: ArrayVec<_, { GROUPS.len() }> = config.groups_of(latest).collect();
        let key_shares: Vec<_> = self.shares.iter().map(key_share).collect();
        let offer = ClientOffer {
            dtls12,
            dtls13,
            random: &self.random,
            legacy_cookie: self.legacy_cookie.as_deref().unwrap_or_default(),
            cookie: &self.cookie,
            key_shares: &key_shares,
            cipher_suites: &suites,
            groups: &groups,
            signature_schemes: &PublicKey::SCHEMES,
            srtp_profiles: &config.srtp_profiles,
            srtp_mki: &config.srtp_mki,
            connection_id: connection_id.as_deref(),
        };
        cx.flight.begin();
        cx.transcript.clear();
        cx.send(HandshakeType::ClientHello, |w| offer.write(w));
    }
}

fn key_share(share: &ClientShare) -> KeyShare<'_> {
    KeyShare {
        group: share.group(),
        public_key: share.public_key(),
    }
}

/// Of the preferred group, and where that is a hybrid one of the preferred other: a server that
/// does not know the hybrid has what it needs.
fn shares(config: &Config) -> Result<Vec<ClientShare>, Refused> {
    let mut groups = config.groups.iter().copied();
    let first = groups.next();
    let second = groups.find(|group| first.is_some_and(Group::is_hybrid) && !group.is_hybrid());
    let chosen = first.into_iter().chain(second);
    chosen.map(ClientShare::generate).collect()
}

/// A client that has sent its ClientHello.
#[derive(Debug)]
pub(crate) struct AwaitServerHello {
    offer: Offer,
}

impl AwaitServerHello {
    pub(super) fn start(cx: &mut Context) -> Result<Self, CloseCause> {
        let shares = if cx.config.speaks(Version::Dtls13) {
            shares(&cx.config).map_err(CloseCause::internal("the key exchange"))?
        } else {
            Vec::new()
        };
        let offer = Offer {
            random: cx.random(),
            shares,
            legacy_cookie: None,
            cookie: Vec::new(),
        };
        offer.send(cx);
        Ok(Self { offer })
    }

    pub(super) fn handle(self, message: &Message, cx: &mut Context) -> Next {
        match message.kind {
            // RFC 5246 §7.4.1.1: ignored while a handshake is under way, and in no transcript.
            HandshakeType::HelloRequest => Ok(Step::Wait(Handshake::ServerHello(self))),
            HandshakeType::HelloVerifyRequest if cx.config.speaks(Version::Dtls12) => {
                self.handle_verify_request(message, cx)
            }
            // RFC 9147 §5.1: no server of DTLS 1.3 says that.
            HandshakeType::HelloVerifyRequest => {
                Err(CloseCause::NothingInCommon(Parameter::Version))
            }
            HandshakeType::ServerHello => self.handle_server_hello(message, cx),
            _ => Err(message.unexpected()),
        }
    }

    /// RFC 6347 §4.2.1: the same ClientHello again, with the cookie.
    fn handle_verify_request(mut self, message: &Message, cx: &mut Context) -> Next {
        if self.offer.legacy_cookie.is_some() {
            return Err(message.unexpected());
        }
        let request = HelloVerifyRequest::read(message.body())?;
        self.offer.legacy_cookie = Some(request.cookie.to_vec());
        self.offer.send(cx);
        Ok(Step::Answered(Handshake::ServerHello(self)))
    }

    fn handle_server_hello(self, message: &Message, cx: &mut Context) -> Next {
        let hello = ServerHello::read(message.body())?;
        let (dtls12, dtls13) = (
            cx.config.speaks(Version::Dtls12),
            cx.config.speaks(Version::Dtls13),
        );
        if hello.has_extensions_of_1_3() && !dtls13 {
            return Err(CloseCause::UnsolicitedExtension);
        }
        match hello.selected_version {
            Some(DTLS_1_3) => {
                // RFC 9147 §5.2: a server of 1.3 does not ask with HelloVerifyRequest.
                if self.offer.legacy_cookie.is_some() {
                    return Err(CloseCause::Illegal("version after HelloVerifyRequest"));
                }
                let step = v13::ClientState::begin(self.offer, &hello, message, cx)?;
                Ok(step.map(Handshake::Client13))
            }
            // RFC 8446 §4.2.1: earlier versions are not selected by the extension.
            Some(_) => Err(CloseCause::Illegal("supported_versions")),
            None if hello.version != DTLS_1_2 || !dtls12 => {
                Err(CloseCause::NothingInCommon(Parameter::Version))
            }
            // RFC 8446 §4.1.3, RFC 9147 §5.3.
            None if dtls13 && hello.random.ends_with(&DOWNGRADE_TO_1_2) => Err(
                CloseCause::Illegal("version: the server speaks a later one"),
            ),
            None if hello.has_extensions_of_1_3() => Err(CloseCause::UnsolicitedExtension),
            None => {
                let step = v12::ClientState::begin(self.offer.random, &hello, message, cx)?;
                Ok(step.map(Handshake::Client12))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::{Duration, UNIX_EPOCH};

    use rand_chacha::ChaCha20Rng;
    use rand_chacha::rand_core::SeedableRng;

    use super::*;
    use crate::handshake::Fragment;
    use crate::identity::Identity;
    use crate::record::PLAIN;

    /// RFC 6347 §4.2.1: neither the first ClientHello nor HelloVerifyRequest is in the transcript.
    #[test]
    fn the_transcript_begins_with_the_hello_that_has_the_cookie() {
        let identity = Identity::generate(UNIX_EPOCH + Duration::from_secs(1_780_000_000)).unwrap();
        let rng = ChaCha20Rng::from_seed([0; 32]);
        let mut cx = Context::new(Arc::new(Config::new(identity)), rng);
        let state = AwaitServerHello::start(&mut cx).unwrap();
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
            Ok(Step::Answered(Handshake::ServerHello(_)))
        ));
        let transcript = cx.transcript.messages();
        assert_eq!(transcript.len(), length + 2);
        let [.., l0, l1] = (length - 10).to_be_bytes();
        assert_eq!(transcript.get(..6), Some(&[1, 0, l0, l1, 0, 1][..]));
    }
}
