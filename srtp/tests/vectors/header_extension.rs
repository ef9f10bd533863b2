//! The extension of RFC 6904 A: derivation, key stream, mask, and a packet with it.

use srtp::{Config, HeaderExtensions, Profile, Receiver, Sender, TRAILER_MAX, internals};

use crate::below_the_master_key::{AES_192, index, iv, stream};
use crate::case::{Case, Check, Outcome, not_ours, same};
use crate::common::master_key;
use crate::packets::ids;

pub(crate) fn check(case: Case<'_>) -> Check {
    let key = case.bytes("master_key_hex")?;
    let salt = case.bytes("master_salt_hex")?;
    let Some(profile) = profile(key.len(), salt.len()) else {
        return not_ours("AES-192");
    };
    check_mask(case, &key, &salt)?;
    check_packet(case, profile, &key, &salt)?;
    Ok(Outcome::Checked)
}

/// A profile that such keys are for. What hides the extension is AES in counter mode with each.
fn profile(key_len: usize, salt_len: usize) -> Option<Profile> {
    let fits = |it: &Profile| (it.key_len(), it.salt_len()) == (key_len, salt_len);
    Profile::ALL
        .into_iter()
        .filter(|_| key_len != AES_192)
        .find(fits)
}

fn check_mask(case: Case<'_>, key: &[u8], salt: &[u8]) -> Result<(), String> {
    let header_key = case.bytes("hdr_cipher_key_hex")?;
    let header_salt = case.bytes("hdr_cipher_salt_hex")?;
    for (label, expected) in [(6, &header_key), (7, &header_salt)] {
        let found = internals::derive(key, salt, label, expected.len());
        same(
            "what is derived",
            &found.ok_or("no such master key")?,
            expected,
        )?;
    }
    let first = iv(&header_salt, case.number("ssrc")?, index(case)?);
    same("the IV", &first, &case.bytes("iv_hex")?)?;
    let (run, mask) = (case.bytes("keystream_hex")?, case.bytes("mask_hex")?);
    same(
        "the key stream",
        &stream(&header_key, &first, run.len())?,
        &run,
    )?;
    let (plain, hidden) = extension(case)?;
    let masked = run.iter().zip(&mask).zip(&plain);
    let masked: Vec<_> = masked
        .map(|((run, mask), plain)| run & mask ^ plain)
        .collect();
    same("the masked extension", &masked, &hidden)
}

fn extension(case: Case<'_>) -> Result<(Vec<u8>, Vec<u8>), String> {
    Ok((
        case.bytes("ext_plain_hex")?,
        case.bytes("ext_encrypted_hex")?,
    ))
}

/// A packet of nothing but a header, with the extension in it.
fn check_packet(case: Case<'_>, profile: Profile, key: &[u8], salt: &[u8]) -> Result<(), String> {
    let (plain, hidden) = extension(case)?;
    let words = u16::try_from(case.number("ext_words")?).map_err(|error| error.to_string())?;
    let packet = [
        &[0x90, 0x60][..],
        &case.bytes("seq")?,
        &[0; 4],
        &case.bytes("ssrc")?,
        &case.bytes("ext_profile")?,
        &words.to_be_bytes(),
        &plain,
    ];
    let packet = packet.concat();
    let mut config = Config::default();
    config.header_extensions = HeaderExtensions::Encrypted(ids(case, "encrypted_ids")?);
    let key = || master_key(profile, key, salt).map_err(|error| error.to_string());
    let mut sender = Sender::with_config(key()?, config).map_err(|error| error.to_string())?;
    let mut receiver = Receiver::with_config(key()?, config).map_err(|error| error.to_string())?;
    let (ssrc, roc) = (case.number_or_0("ssrc")?, case.number_or_0("roc")?);
    sender
        .set_roc(ssrc, roc)
        .map_err(|error| error.to_string())?;
    receiver
        .set_roc(ssrc, roc)
        .map_err(|error| error.to_string())?;
    let mut buf = packet.clone();
    buf.resize(packet.len() + TRAILER_MAX, 0);
    let len = sender
        .protect_rtp(&mut buf, packet.len())
        .map_err(|error| error.to_string())?;
    let at = packet.len() - plain.len();
    same("the extension", &buf[at..packet.len()], &hidden)?;
    let len = receiver
        .unprotect_rtp(&mut buf[..len])
        .map_err(|error| error.to_string())?;
    same("the plain packet", &buf[..len], &packet)
}
