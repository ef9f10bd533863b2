//! Whole packets under a master key: protected to the byte, and opened again.

use srtp::{
    Config, ExtensionIds, HeaderExtensions, MasterKey, Profile, Receiver, RtpHeader, Sender,
    UnprotectError,
};

use crate::case::{Case, Check, Outcome, equal, not_ours, number, profile, same};
use crate::common::master_key;

/// The E bit of the SRTCP index word (RFC 3711 §3.4).
const E_BIT: u8 = 0x80;

pub(crate) fn check(case: Case<'_>) -> Check {
    let name = case.text("profile")?;
    let Some(profile) = profile(name) else {
        return not_ours(name);
    };
    let (plain, sealed) = (
        case.bytes("plain_packet_hex")?,
        case.bytes("protected_packet_hex")?,
    );
    let mut config = Config::default();
    config.header_extensions = hidden(case, &plain, &sealed)?;
    let key = || key(case, profile, None);
    let mut sender = Sender::with_config(key()?, config).map_err(|error| error.to_string())?;
    let mut receiver = Receiver::with_config(key()?, config).map_err(|error| error.to_string())?;
    // A file of RTP alone has no such field.
    match case.text("kind").unwrap_or("srtp") {
        "srtp" => check_rtp(case, &mut sender, &mut receiver, &plain, &sealed)?,
        "srtcp" => check_rtcp(case, &mut sender, &mut receiver, &plain, &sealed)?,
        kind => return Err(format!("kind {kind} is not known")),
    }
    Ok(Outcome::Checked)
}

/// The master key of a case or, where it has none, of `keys`; with the MKI of a case that has one.
pub(crate) fn key(
    case: Case<'_>,
    profile: Profile,
    keys: Option<Case<'_>>,
) -> Result<MasterKey, String> {
    let from = keys.unwrap_or(case);
    let (key, salt) = (
        from.bytes("master_key_hex")?,
        from.bytes("master_salt_hex")?,
    );
    let key = master_key(profile, &key, &salt).map_err(|error| error.to_string())?;
    if !case.has("mki_hex") {
        return Ok(key);
    }
    key.with_mki(&case.bytes("mki_hex")?)
        .map_err(|error| error.to_string())
}

/// What becomes of the header extension: cryptex shows in the packet itself.
fn hidden(case: Case<'_>, plain: &[u8], sealed: &[u8]) -> Result<HeaderExtensions, String> {
    if case.has("encrypted_ext_ids") {
        return Ok(HeaderExtensions::Encrypted(ids(case, "encrypted_ext_ids")?));
    }
    Ok(match is_cryptex(sealed) && !is_cryptex(plain) {
        true => HeaderExtensions::Cryptex,
        false => HeaderExtensions::Clear,
    })
}

pub(crate) fn ids(case: Case<'_>, name: &str) -> Result<ExtensionIds, String> {
    let ids = case.list(name)?.iter().map(number);
    let ids: Option<ExtensionIds> = ids.map(|id| u8::try_from(id?).ok()).collect();
    ids.ok_or_else(|| format!("{name}: an id is no number of 8 bits"))
}

/// Whether the extension is "defined by" one of the two numbers of RFC 9335 §5.
fn is_cryptex(packet: &[u8]) -> bool {
    let Some(first) = packet.first().filter(|first| *first & 0x10 != 0) else {
        return false;
    };
    let at = 12 + 4 * usize::from(first & 0x0f);
    matches!(packet.get(at..at + 2), Some([0xc0 | 0xc2, 0xde]))
}

fn check_rtp(
    case: Case<'_>,
    sender: &mut Sender,
    receiver: &mut Receiver,
    plain: &[u8],
    sealed: &[u8],
) -> Result<(), String> {
    let ssrc = RtpHeader::parse(plain)
        .map_err(|error| error.to_string())?
        .ssrc;
    let roc = case.number_or_0("roc")?;
    if roc > 0 {
        sender
            .set_roc(ssrc, roc)
            .map_err(|error| error.to_string())?;
        receiver
            .set_roc(ssrc, roc)
            .map_err(|error| error.to_string())?;
    }
    let mut buf = roomy(plain);
    let len = sender.protect_rtp(&mut buf, plain.len());
    let len = len.map_err(|error| format!("not protected: {error}"))?;
    same("the protected packet", &buf[..len], sealed)?;
    let mut packet = sealed.to_vec();
    let len = receiver.unprotect_rtp(&mut packet);
    let len = len.map_err(|error| format!("not opened: {error}"))?;
    // Cryptex adds an extension to a CSRC list without one.
    let opened = match case.has("opened_packet_hex") {
        true => case.bytes("opened_packet_hex")?,
        false => plain.to_vec(),
    };
    same("the plain packet", &packet[..len], &opened)?;
    equal("the roll-over counter", receiver.roc(ssrc), Some(roc))?;
    let again = receiver.unprotect_rtp(&mut sealed.to_vec());
    equal("the packet again", again, Err(UnprotectError::Replayed))
}

fn check_rtcp(
    case: Case<'_>,
    sender: &mut Sender,
    receiver: &mut Receiver,
    plain: &[u8],
    sealed: &[u8],
) -> Result<(), String> {
    let ssrc = plain.get(4..8).and_then(<[u8]>::first_chunk).copied();
    let ssrc = u32::from_be_bytes(ssrc.ok_or("shorter than 8 bytes")?);
    let index = case.number_or_0("srtcp_index")?;
    sender
        .set_next_rtcp_index(ssrc, index)
        .map_err(|error| error.to_string())?;
    let mut buf = roomy(plain);
    let len = sender.protect_rtcp(&mut buf, plain.len());
    let len = len.map_err(|error| format!("not protected: {error}"))?;
    let as_sent = same("the protected packet", &buf[..len], sealed);
    // A sender encrypts wherever its profile does; a receiver takes a packet that is not encrypted.
    if as_sent.is_err() && is_clear(case, plain, sealed)? {
        equal("its length", len, sealed.len())?;
    } else {
        as_sent?;
    }
    let mut packet = sealed.to_vec();
    let len = receiver.unprotect_rtcp(&mut packet);
    let len = len.map_err(|error| format!("not opened: {error}"))?;
    same("the plain packet", &packet[..len], plain)?;
    let again = receiver.unprotect_rtcp(&mut sealed.to_vec());
    equal("the packet again", again, Err(UnprotectError::Replayed))
}

/// Whether an SRTCP packet of an encrypting profile has no E bit.
fn is_clear(case: Case<'_>, plain: &[u8], sealed: &[u8]) -> Result<bool, String> {
    let name = case.text("profile")?;
    // With an AEAD the tag comes first (RFC 7714 §9.2).
    let at = plain.len() + if name.starts_with("AEAD") { 16 } else { 0 };
    let encrypts = !name.contains("NULL");
    Ok(encrypts && sealed.get(at).is_some_and(|byte| byte & E_BIT == 0))
}

/// The packet with room for the longest trailer and the longest MKI.
fn roomy(packet: &[u8]) -> Vec<u8> {
    let mut buf = packet.to_vec();
    buf.resize(packet.len() + srtp::TRAILER_MAX + 128, 0);
    buf
}
