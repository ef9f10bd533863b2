//! The server's choice of the version.

use super::{DOWNGRADE_TO_1_2, Handshake, Next};
use crate::error::{CloseCause, Parameter};
use crate::handshake::{Context, Message};
use crate::message::{ClientHello, Random};
use crate::wire::{DTLS_1_2, DTLS_1_3};
use crate::{Version, v12, v13};

/// Whoever speaks one of these speaks DTLS 1.2: what is below are versions of TLS.
const VERSIONS_FROM_1_2: core::ops::RangeInclusive<u16> = 0x8000..=DTLS_1_2;
/// TLS_FALLBACK_SCSV: the client has tried a later version before (RFC 7507 §2).
const FALLBACK: u16 = 0x5600;

pub(super) fn handle_client_hello(message: &Message, cx: &mut Context) -> Next {
    let hello = ClientHello::read(message.body())?;
    match select_version(&hello, cx)? {
        Version::Dtls13 => {
            let step = v13::ServerState::begin(&hello, message, cx)?;
            Ok(step.map(Handshake::Server13))
        }
        Version::Dtls12 => {
            let random = random_of_1_2(cx);
            let step = v12::ServerState::begin(random, &hello, message, cx)?;
            Ok(step.map(Handshake::Server12))
        }
    }
}

/// Where there is a list of versions it decides (RFC 8446 §4.2.1), but the old field has to say
/// DTLS 1.2 even then (RFC 9147 §5.3), or a later version (RFC 5246 §E.1). Numbers of later versions
/// are smaller.
fn select_version(hello: &ClientHello<'_>, cx: &Context) -> Result<Version, CloseCause> {
    if !cx.config.speaks_any() {
        return Err(CloseCause::NothingInCommon(Parameter::CipherSuite));
    }
    let offers = |number| match hello.supported_versions {
        Some(versions) => versions.contains(number),
        None => number == DTLS_1_2,
    };
    let speaks_1_2 = VERSIONS_FROM_1_2.contains(&hello.version);
    let selected = [(Version::Dtls13, DTLS_1_3), (Version::Dtls12, DTLS_1_2)]
        .into_iter()
        .find(|(version, number)| speaks_1_2 && cx.config.speaks(*version) && offers(*number))
        .map(|(version, _)| version)
        .ok_or(CloseCause::NothingInCommon(Parameter::Version))?;
    // RFC 7507 §3.
    let is_latest = selected == Version::Dtls13 || !cx.config.speaks(Version::Dtls13);
    if hello.cipher_suites.contains(FALLBACK) && !is_latest {
        return Err(CloseCause::InappropriateFallback);
    }
    Ok(selected)
}

/// RFC 8446 §4.1.3: a server that speaks 1.3 and answers with 1.2 says so.
fn random_of_1_2(cx: &mut Context) -> Random {
    let mut random = cx.random();
    if cx.config.speaks(Version::Dtls13)
        && let Some(end) = random.last_chunk_mut()
    {
        *end = DOWNGRADE_TO_1_2;
    }
    random
}
