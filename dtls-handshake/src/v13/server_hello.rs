//! What a client makes of a ServerHello and of a HelloRetryRequest (RFC 8446 §4.1.3 and §4.1.4).

use super::client::{AwaitExtensions, ClientState, Established, Next};
use super::enter_handshake;
use super::schedule::HandshakeSecrets;
use crate::Version;
use crate::crypto::ClientShare;
use crate::error::CloseCause;
use crate::handshake::{Context, Message, RunningTranscript};
use crate::message::ServerHello;
use crate::negotiation::{Offer, Step};
use crate::record::HANDSHAKE;
use crate::suite::Suite;
use crate::wire::{DTLS_1_2, DTLS_1_3};

/// What has to hold for a ServerHello and for a HelloRetryRequest.
pub(super) fn check(hello: &ServerHello<'_>, cx: &Context) -> Result<Suite, CloseCause> {
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
pub(super) fn offer_again(
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
    pub(super) fn handle(self, message: &Message, cx: &mut Context) -> Next {
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
pub(super) fn accept(
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
    enter_handshake(cx)?;
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
