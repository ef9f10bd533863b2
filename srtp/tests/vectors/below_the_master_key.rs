//! What the RFCs print below a master key: key derivation, key streams, packets under session keys.

use ring::digest;
use srtp::internals;

use crate::case::{Case, Check, Outcome, equal, not_ours, profile, same};

pub(crate) const AES_192: usize = 24;

/// The IV of AES-CM: (salt * 2^16) XOR (SSRC * 2^64) XOR (index * 2^16) (RFC 3711 §4.1.1).
pub(crate) fn iv(salt: &[u8], ssrc: u64, index: u64) -> [u8; 16] {
    let mut padded = [0; 16];
    padded[..salt.len()].copy_from_slice(salt);
    let mixed = u128::from(ssrc) << 64 ^ u128::from(index) << 16;
    (u128::from_be_bytes(padded) ^ mixed).to_be_bytes()
}

pub(crate) fn stream(key: &[u8], iv: &[u8], len: usize) -> Result<Vec<u8>, String> {
    let iv = iv.try_into().map_err(|_| "an IV has 16 bytes")?;
    internals::key_stream(key, iv, len).ok_or_else(|| format!("no key of {} bytes", key.len()))
}

pub(crate) fn index(case: Case<'_>) -> Result<u64, String> {
    Ok(u64::from(case.number_or_0("roc")?) << 16 | case.number("seq")?)
}

/// RFC 3711 B.2, RFC 6188 7.1.
pub(crate) fn key_stream(case: Case<'_>) -> Check {
    let (key, salt) = (
        case.bytes("session_key_hex")?,
        case.bytes("session_salt_112bit_hex")?,
    );
    if key.len() == AES_192 {
        return not_ours("AES-192");
    }
    let first = case.bytes("iv_hex")?;
    same(
        "the IV",
        &iv(&salt, case.number("ssrc")?, index(case)?),
        &first,
    )?;
    let blocks = case.list("blocks")?;
    let ends = blocks
        .iter()
        .filter_map(|block| block["block_index"].as_u64());
    let printed = 16 * (ends.max().unwrap_or(0) as usize + 1);
    let len = match case.has("keystream_total_bytes") {
        true => case.number("keystream_total_bytes")? as usize,
        false => printed,
    };
    let whole = stream(&key, &first, len)?;
    for block in blocks {
        let block = Case::new(block, case.file());
        let number = block.number("block_index")?;
        let counter =
            u128::from_be_bytes(first.as_slice().try_into().unwrap()) + u128::from(number);
        same(
            "the counter",
            &counter.to_be_bytes(),
            &block.bytes("counter_hex")?,
        )?;
        let found = whole
            .get(16 * number as usize..)
            .and_then(|rest| rest.get(..16));
        same(
            &format!("block {number}"),
            found.ok_or("too short")?,
            &block.bytes("keystream_hex")?,
        )?;
    }
    if case.has("sha256_of_whole_keystream") {
        let digest = digest::digest(&digest::SHA256, &whole);
        same(
            "the digest",
            digest.as_ref(),
            &case.bytes("sha256_of_whole_keystream")?,
        )?;
    }
    Ok(Outcome::Checked)
}

/// RFC 3711 B.3, RFC 6188 7.2, RFC 7714 §11.
pub(crate) fn derivation(case: Case<'_>) -> Check {
    let (key, salt) = (
        case.bytes("master_key_hex")?,
        case.bytes("master_salt_hex")?,
    );
    if key.len() == AES_192 {
        return not_ours("AES-192");
    }
    if case.number_or_0("key_derivation_rate")? != 0 {
        return Ok(Outcome::Skipped(
            "a key derivation rate other than 0".into(),
        ));
    }
    let mut padded = salt.clone();
    padded.resize(14, 0);
    if case.has("padded_salt_hex") {
        same("the padded salt", &padded, &case.bytes("padded_salt_hex")?)?;
    }
    for list in ["outputs", "derived_not_printed"] {
        for output in case.value(list).as_array().into_iter().flatten() {
            let output = Case::new(output, case.file());
            let label = output.number("label")?;
            derived(output, &key, &salt, &padded).map_err(|why| format!("label {label}: {why}"))?;
        }
    }
    Ok(Outcome::Checked)
}

fn derived(output: Case<'_>, key: &[u8], salt: &[u8], padded: &[u8]) -> Result<(), String> {
    let label = u8::try_from(output.number("label")?).map_err(|error| error.to_string())?;
    let expected = output.bytes("output_hex")?;
    if output.has("length") {
        equal(
            "the length",
            output.number("length")?,
            expected.len() as u64,
        )?;
    }
    let found = internals::derive(key, salt, label, expected.len()).ok_or("no such master key")?;
    same("what is derived", &found, &expected)?;
    let mut x = padded.to_vec();
    x[7] ^= label;
    if output.has("x_hex") {
        same("x", &x, &output.bytes("x_hex")?)?;
    }
    if output.has("aes_cm_iv_hex") {
        let iv = output.bytes("aes_cm_iv_hex")?;
        same("the IV", &[&x[..], &[0, 0]].concat(), &iv)?;
        same(
            "the key stream",
            &stream(key, &iv, expected.len())?,
            &expected,
        )?;
    }
    Ok(())
}

/// RFC 7714 §16, §17.
pub(crate) fn packet(case: Case<'_>) -> Check {
    let name = case.text("profile")?;
    let Some(profile) = profile(name) else {
        return not_ours(name);
    };
    let (key, salt) = (
        case.bytes("session_key_hex")?,
        case.bytes("session_salt_hex")?,
    );
    if case.has("hash_subkey_hex") {
        same(
            "the hash subkey",
            &stream(&key, &[0; 16], 16)?,
            &case.bytes("hash_subkey_hex")?,
        )?;
    }
    let keys = internals::SessionKeys::new(profile, &key, &salt);
    let Some(keys) = keys else {
        return Ok(Outcome::Skipped(format!("no session keys of {name} alone")));
    };
    let (plain, sealed) = (
        case.bytes("plain_packet_hex")?,
        case.bytes("protected_packet_hex")?,
    );
    let encrypted = case.value("encrypted").as_bool().unwrap_or(true);
    let (found, back) = if case.text("kind")? == "srtp" {
        let header = srtp::RtpHeader::parse(&plain).map_err(|error| error.to_string())?;
        let clear = if encrypted { header.len } else { plain.len() };
        equal(
            "the sequence number",
            u64::from(header.sequence_number),
            case.number("seq")?,
        )?;
        equal("the SSRC", u64::from(header.ssrc), case.number("ssrc")?)?;
        let index = index(case)?;
        (
            keys.seal_rtp(&plain, clear, index),
            keys.open_rtp(&sealed, clear, index),
        )
    } else {
        let index = case.number_or_0("srtcp_index")?;
        let word = index | if encrypted { 1 << 31 } else { 0 };
        if case.has("esrtcp_word_hex") {
            same(
                "the index word",
                &word.to_be_bytes(),
                &case.bytes("esrtcp_word_hex")?,
            )?;
        }
        (
            keys.seal_rtcp(&plain, encrypted, index),
            keys.open_rtcp(&sealed),
        )
    };
    same(
        "the protected packet",
        &found.ok_or("not protected")?,
        &sealed,
    )?;
    same("the plain packet", &back.ok_or("not opened")?, &plain)?;
    Ok(Outcome::Checked)
}
