//! How a section is protected: DTLS first, SDES where the peer has no DTLS, nothing where policy
//! lets it be.

use crate::attribute::{Crypto, Setup, TlsId};
use crate::media::Media;
use crate::negotiate::peer::Peer;
use crate::negotiate::{
    AgreedDtls, DtlsRole, Encryption, Keying, Keys, LocalDtls, LocalKey, Refusal, Rtp, SdesKeys,
};
use crate::protocol::{Protocol, Security};
use crate::section::Section;

/// The protection that we take of an offer. Its profile says what must be, its attributes what can
/// be.
pub(super) fn answer(
    offer: &Peer<'_, '_>,
    ours: &Keying,
    before: Option<&AgreedDtls>,
) -> Result<Keys, Refusal> {
    let protocol = offer.media.protocol();
    let unsupported = || Refusal::UnsupportedProtocol(protocol.name().to_owned());
    let by_dtls = |dtls: &LocalDtls| answer_dtls(offer, dtls, before).map(Keys::Dtls);
    let has_dtls = !offer.fingerprints().is_empty();
    match (protocol.security(), &ours.dtls) {
        (Security::Dtls, Some(dtls)) => by_dtls(dtls),
        // RFC 9429 §5.1.2 takes the older names for DTLS as well.
        (Security::Srtp, Some(dtls)) if has_dtls || ours.sdes.is_empty() => by_dtls(dtls),
        (Security::Srtp, _) if !ours.sdes.is_empty() => {
            answer_sdes(offer.media, &ours.sdes)?.ok_or(Refusal::NoCommonSuite)
        }
        // RFC 8643: keys beside a profile without protection are taken where both can.
        (Security::Plain, dtls) if ours.encryption != Encryption::Off => {
            if let Some(dtls) = dtls.as_ref().filter(|_| has_dtls) {
                return by_dtls(dtls);
            }
            match answer_sdes(offer.media, &ours.sdes)? {
                Some(keys) => Ok(keys),
                None => plain(ours, protocol),
            }
        }
        (Security::Plain, _) => plain(ours, protocol),
        _ => Err(unsupported()),
    }
}

/// The protection of an answer to our offer.
pub(super) fn accept(answer: &Peer<'_, '_>, ours: &Keying) -> Result<Keys, Refusal> {
    let protocol = answer.media.protocol();
    let has_dtls = !answer.fingerprints().is_empty();
    let may_be = ours.encryption != Encryption::Off;
    match (protocol.security(), &ours.dtls) {
        (Security::Dtls, Some(_)) => accept_dtls(answer).map(Keys::Dtls),
        (Security::Plain, Some(_)) if has_dtls && may_be => accept_dtls(answer).map(Keys::Dtls),
        (Security::Srtp, _) if may_be => {
            accept_sdes(answer.media, &ours.sdes).ok_or(Refusal::NoCommonSuite)
        }
        (Security::Plain, _) => match accept_sdes(answer.media, &ours.sdes) {
            Some(keys) if may_be => Ok(keys),
            _ => plain(ours, protocol),
        },
        _ => Err(Refusal::UnsupportedProtocol(protocol.name().to_owned())),
    }
}

fn plain(ours: &Keying, protocol: &Protocol<'_>) -> Result<Keys, Refusal> {
    match ours.encryption {
        Encryption::Required => Err(Refusal::UnsupportedProtocol(protocol.name().to_owned())),
        Encryption::Off | Encryption::BestEffort => Ok(Keys::Plain),
    }
}

fn remote_dtls(peer: &Peer<'_, '_>, role: DtlsRole) -> Result<AgreedDtls, Refusal> {
    let fingerprints = peer.fingerprints();
    match fingerprints.is_empty() {
        true => Err(Refusal::NoFingerprint),
        false => Ok(AgreedDtls {
            role,
            fingerprints,
            tls_id: peer.tls_id(),
        }),
    }
}

/// Our role by the offer's `a=setup` (RFC 8842 §5.3); without one the offerer is active
/// (RFC 4145 §4). Within an association the role that was agreed stays (RFC 8842 §5.5).
fn answer_dtls(
    offer: &Peer<'_, '_>,
    ours: &LocalDtls,
    before: Option<&AgreedDtls>,
) -> Result<AgreedDtls, Refusal> {
    let mut dtls = remote_dtls(offer, ours.role)?;
    let same = |before: &&AgreedDtls| {
        before.fingerprints == dtls.fingerprints && before.tls_id == dtls.tls_id
    };
    let kept = before.filter(same).map(|before| before.role);
    dtls.role = match offer.setup() {
        Some(Setup::Actpass) => kept.unwrap_or(ours.role),
        Some(Setup::Active) | None => DtlsRole::Server,
        Some(Setup::Passive) => DtlsRole::Client,
        Some(Setup::Holdconn) => return Err(Refusal::NoSetupRole),
    };
    Ok(dtls)
}

/// Our role by the answer's `a=setup`: one of two (RFC 8842 §5.4). Without one the answerer is
/// passive (RFC 4145 §4).
fn accept_dtls(answer: &Peer<'_, '_>) -> Result<AgreedDtls, Refusal> {
    match answer.setup() {
        Some(Setup::Active) => remote_dtls(answer, DtlsRole::Server),
        Some(Setup::Passive) | None => remote_dtls(answer, DtlsRole::Client),
        Some(Setup::Actpass | Setup::Holdconn) => Err(Refusal::NoSetupRole),
    }
}

/// The first offered key whose suite we have and whose parameters need nothing that we do not know
/// (RFC 4568 §5.1.2). `None` if no key is offered.
fn answer_sdes(offered: &Media<'_>, ours: &[LocalKey]) -> Result<Option<Keys>, Refusal> {
    let mut any = false;
    for crypto in offered.all::<Crypto>() {
        any = true;
        let Some(key) = ours.iter().find(|key| key.suite == crypto.suite) else {
            continue;
        };
        if is_plain(&crypto) {
            return Ok(Some(Keys::Sdes(sdes(&crypto, key))));
        }
    }
    // With keys that fit nobody a profile without protection is still one.
    let optional = offered.protocol().security() == Security::Plain;
    if any && !optional {
        Err(Refusal::NoCommonSuite)
    } else {
        Ok(None)
    }
}

/// The key of an answer: that of one offered line, by its tag (RFC 4568 §5.1.3).
fn accept_sdes(answered: &Media<'_>, ours: &[LocalKey]) -> Option<Keys> {
    let crypto = answered.all::<Crypto>().next()?;
    let index = usize::try_from(crypto.tag).ok()?.checked_sub(1)?;
    let key = ours.get(index).filter(|key| key.suite == crypto.suite)?;
    is_plain(&crypto).then(|| Keys::Sdes(sdes(&crypto, key)))
}

/// Whether every session parameter may be passed over: those may that begin with `-`
/// (RFC 4568 §6.3.7), and those of streams and windows that we do not have (§6.3.4 to §6.3.6).
fn is_plain(crypto: &Crypto<'_>) -> bool {
    let passed = ["-", "FEC_ORDER=", "FEC_KEY=", "WSH="];
    let mut params = crypto.session_params.unwrap_or_default().split(' ');
    params.all(|param| param.is_empty() || passed.iter().any(|start| param.starts_with(start)))
}

fn sdes(theirs: &Crypto<'_>, ours: &LocalKey) -> SdesKeys {
    SdesKeys {
        tag: theirs.tag,
        suite: ours.suite.clone(),
        send: ours.key_params.clone(),
        receive: theirs.key_params.to_owned(),
    }
}

/// The profile of our offers.
pub(super) fn offered_protocol(ours: &Keying, rtp: &Rtp) -> Protocol<'static> {
    match (ours.encryption, &ours.dtls, rtp.feedback) {
        (Encryption::Required, Some(_), true) => Protocol::UdpTlsRtpSavpf,
        (Encryption::Required, Some(_), false) => Protocol::UdpTlsRtpSavp,
        (Encryption::Required, None, true) => Protocol::RtpSavpf,
        (Encryption::Required, None, false) => Protocol::RtpSavp,
        // RFC 8643 §4.1: best effort is offered without protection.
        (_, _, true) => Protocol::RtpAvpf,
        (_, _, false) => Protocol::RtpAvp,
    }
}

/// Writes what an offer has for keys. Data channels are inside DTLS whatever is wanted for RTP.
/// In a BUNDLE the fingerprints stand at the session level.
pub(super) fn write_offer(media: &mut Media<'_>, ours: &Keying, bundled: bool) {
    if ours.encryption == Encryption::Off && media.protocol().is_rtp() {
        return;
    }
    if let Some(dtls) = &ours.dtls {
        // RFC 8842 §5.2: an offer leaves the choice, also later.
        if !bundled {
            write_fingerprints(media, dtls);
        }
        write_setup(media, dtls, Setup::Actpass);
    }
    // Keys in the clear beside DTLS would be for nothing where DTLS must be.
    let is_rtp = media.protocol().is_rtp();
    if is_rtp && (ours.dtls.is_none() || ours.encryption == Encryption::BestEffort) {
        for (tag, key) in (1..).zip(&ours.sdes) {
            write_key(media, tag, &key.suite, &key.key_params);
        }
    }
}

/// Writes what an answer has for keys. In a BUNDLE the fingerprints stand at the session level.
pub(super) fn write_answer(media: &mut Media<'_>, ours: &Keying, keys: &Keys, bundled: bool) {
    match (keys, &ours.dtls) {
        (Keys::Dtls(agreed), Some(dtls)) => {
            let setup = match agreed.role {
                DtlsRole::Client => Setup::Active,
                DtlsRole::Server => Setup::Passive,
            };
            if !bundled {
                write_fingerprints(media, dtls);
            }
            write_setup(media, dtls, setup);
        }
        (Keys::Sdes(keys), _) => write_key(media, keys.tag, &keys.suite, &keys.send),
        _ => {}
    }
}

/// Writes the fingerprints of our certificate.
pub(super) fn write_fingerprints(section: &mut Section<'_>, dtls: &LocalDtls) {
    for fingerprint in &dtls.fingerprints {
        section.push_text(format_args!("fingerprint:{fingerprint}"));
    }
}

fn write_setup(media: &mut Media<'_>, dtls: &LocalDtls, setup: Setup) {
    media.push(&setup);
    if let Some(text) = &dtls.tls_id {
        media.push(&TlsId { text });
    }
}

fn write_key(media: &mut Media<'_>, tag: u32, suite: &str, key_params: &str) {
    media.push(&Crypto {
        tag,
        suite,
        key_params,
        session_params: None,
    });
}
