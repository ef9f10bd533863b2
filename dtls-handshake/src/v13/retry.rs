//! HelloRetryRequest on the server's side: what it asks for, and how the handshake goes on
//! (RFC 8446 §4.1.4, RFC 9147 §5.1).
//!
//! A server that keeps the first ClientHello asks for a share of another group. One that keeps
//! nothing asks for a cookie too, has the hash of the first ClientHello come back in it, and makes
//! the transcript anew ([`Retry::transcript`]).

use super::Offer;
use crate::Version;
use crate::config::Config;
use crate::error::{CloseCause, Parameter};
use crate::handshake::RunningTranscript;
use crate::message::ClientHello;
use crate::message::v13::KeyShare;
use crate::suite::Suite;
use crate::wire::{Group, SignatureScheme};

/// What is settled by the first ClientHello that is answered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Retry {
    pub(crate) suite: Suite,
    /// The group that a share is asked for; `None` when there is one already.
    pub(crate) group: Option<Group>,
}

impl Retry {
    /// What a server without memory settles by this ClientHello before it asks for a cookie.
    pub(crate) fn for_stranger(
        hello: &ClientHello<'_>,
        config: &Config,
    ) -> Result<Self, CloseCause> {
        let Choice { suite, share, .. } = Choice::new(&Offer::read(hello)?, hello, config)?;
        let group = match share {
            Share::Sent(_) => None,
            Share::Missing(group) => Some(group),
        };
        Ok(Self { suite, group })
    }

    /// The transcript of the hash of a first ClientHello and of the HelloRetryRequest that
    /// answered it, which is whole and has the header of DTLS.
    pub(crate) fn transcript(
        &self,
        client_hello_hash: &[u8],
        retry_request: &[u8],
    ) -> RunningTranscript {
        let mut transcript = RunningTranscript::after_retry(self.suite.hash, client_hello_hash);
        transcript.push(retry_request);
        transcript
    }
}

/// What a server chooses of an offer.
pub(super) struct Choice<'a> {
    pub(super) suite: Suite,
    pub(super) scheme: SignatureScheme,
    pub(super) share: Share<'a>,
}

/// The client's share of the group that was chosen.
pub(super) enum Share<'a> {
    Sent(KeyShare<'a>),
    Missing(Group),
}

impl<'a> Choice<'a> {
    pub(super) fn new(
        offer: &Offer<'a>,
        hello: &ClientHello<'a>,
        config: &Config,
    ) -> Result<Self, CloseCause> {
        let suite = config
            .suites_of(Version::Dtls13)
            .find(|suite| hello.cipher_suites.contains(suite.id.into()))
            .ok_or(CloseCause::NothingInCommon(Parameter::CipherSuite))?;
        let scheme = config
            .key()?
            .choose(Version::Dtls13, offer.schemes)
            .ok_or(CloseCause::NothingInCommon(Parameter::SignatureScheme))?;
        Ok(Self {
            suite,
            scheme,
            share: select_share(offer, &config.groups)?,
        })
    }
}

/// The preferred group that the client has sent a share for; where there is none, the preferred
/// one in common.
fn select_share<'a>(offer: &Offer<'a>, ours: &[Group]) -> Result<Share<'a>, CloseCause> {
    let in_common = || {
        ours.iter()
            .copied()
            .filter(|group| offer.groups.contains((*group).into()))
    };
    let sent = in_common().find_map(|group| offer.shares.of(group));
    sent.map(Share::Sent)
        .or_else(|| in_common().next().map(Share::Missing))
        .ok_or(CloseCause::NothingInCommon(Parameter::Group))
}
