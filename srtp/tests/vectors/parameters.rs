//! The table of profiles.

use srtp::Profile;

use crate::case::{Case, Check, Outcome, equal, not_ours, profile};

/// Bytes of the word with E bit and index (RFC 3711 §3.4).
const INDEX_WORD: usize = 4;

pub(crate) fn check(row: Case<'_>) -> Check {
    let name = row.text("sdes").or_else(|_| row.text("name"))?;
    let Some(profile) = profile(name) else {
        return not_ours(name);
    };
    let number = |name| row.number(name).map(|number| number as usize);
    let key = number("key")?;
    // RFC 5764 §4.1.2 prints 0 for the key and salt of NULL ciphers, which leaves nothing to derive
    // an authentication key from: they have those of AES-128.
    if key > 0 {
        equal("the key's length", profile.key_len(), key)?;
        equal("the salt's length", profile.salt_len(), number("salt")?)?;
    }
    equal(
        "the tag of RTP",
        profile.rtp_overhead(),
        number("srtp_tag")?,
    )?;
    let rtcp_tag = profile.rtcp_overhead() - INDEX_WORD;
    equal("the tag of RTCP", rtcp_tag, number("srtcp_tag")?)?;
    let id = row
        .has("dtls_srtp")
        .then(|| row.number("dtls_srtp"))
        .transpose()?;
    equal("the id of DTLS", profile.dtls_id().map(u64::from), id)?;
    let named = profile.sdes_name().is_some();
    let of_id = profile.dtls_id().map(Profile::from_dtls_id);
    let negotiated = profile.encrypts().then_some(profile);
    equal(
        "the profile of the id",
        of_id.unwrap_or(negotiated),
        negotiated,
    )?;
    let of_name = Profile::from_sdes_name(name);
    equal("the profile of the name", of_name, named.then_some(profile))?;
    Ok(Outcome::Checked)
}
