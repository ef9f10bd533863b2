//! Malformed, forged, repeated and reordered packets, each with what a receiver says of it.

use serde_json::Value;
use srtp::{Config, Profile, Receiver, RtpHeader, UnprotectError, is_rtcp, is_rtp_or_rtcp};

use crate::case::{Case, Check, Outcome, equal, not_ours, profile, same};
use crate::packets;

/// The replay window that the verdicts are for.
const WINDOW: u16 = 64;

pub(crate) fn check(case: Case<'_>) -> Check {
    if case.text("kind")? == "demux" {
        return check_demux(case);
    }
    let name = case.text("profile")?;
    let Some(profile) = profile(name) else {
        return not_ours(name);
    };
    let mut config = Config::default();
    config.rtp_window = WINDOW;
    config.rtcp_window = WINDOW;
    let keys = (!case.has("master_key_hex"))
        .then(|| keys(case, profile, name))
        .transpose()?;
    let key = packets::key(case, profile, keys)?;
    let mut receiver = Receiver::with_config(key, config).map_err(|error| error.to_string())?;
    let packets = case.list("packets_hex")?;
    let packets: Result<Vec<_>, _> = packets
        .iter()
        .map(|packet| hex::decode(packet.as_str().unwrap_or("-")))
        .collect();
    let packets = packets.map_err(|error| format!("packets_hex: {error}"))?;
    if case.has("initial_roc") {
        for header in packets
            .iter()
            .filter_map(|packet| RtpHeader::parse(packet).ok())
        {
            let told = receiver.set_roc(header.ssrc, case.number_or_0("initial_roc")?);
            told.map_err(|error| error.to_string())?;
        }
    }
    for (at, packet) in packets.into_iter().enumerate() {
        feed(case, &mut receiver, packet, at).map_err(|why| format!("packet {at}: {why}"))?;
    }
    Ok(Outcome::Checked)
}

/// The entry of the file's `keys` that is for the profile: its name, or the beginning of it and `*`; or
/// else one of its lengths.
fn keys<'a>(case: Case<'a>, profile: Profile, name: &str) -> Result<Case<'a>, String> {
    let keys = case.file()["keys"].as_object().ok_or("no keys")?;
    let names = |pattern: &str| match pattern.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => name == pattern,
    };
    let lengths = [profile.key_len(), profile.salt_len()].map(|len| 2 * len);
    let fits = |entry: &Value| {
        let fields = ["master_key_hex", "master_salt_hex"].map(|field| entry[field].as_str());
        fields.map(|field| field.map_or(0, str::len)) == lengths
    };
    let named = keys.iter().filter(|(pattern, _)| names(pattern));
    let named = named.max_by_key(|(pattern, _)| pattern.len());
    let found = named.or_else(|| keys.iter().find(|(_, entry)| fits(entry)));
    let (_, found) = found.ok_or_else(|| format!("no key for {name}"))?;
    Ok(Case::new(found, case.file()))
}

fn feed(
    case: Case<'_>,
    receiver: &mut Receiver,
    mut packet: Vec<u8>,
    at: usize,
) -> Result<(), String> {
    let state = |receiver: &Receiver| {
        let stats = receiver.stats();
        (
            receiver.rtp_streams(),
            receiver.rtcp_streams(),
            stats.rtp,
            stats.rtcp,
        )
    };
    let before = state(receiver);
    let result = match case.text("kind")? {
        "srtp" => receiver.unprotect_rtp(&mut packet),
        "srtcp" => receiver.unprotect_rtcp(&mut packet),
        kind => return Err(format!("kind {kind} is not known")),
    };
    check_verdict(case, result, at)?;
    let Ok(len) = result else {
        return equal("what is kept", state(receiver), before);
    };
    match entry(case, "plain_hex", at) {
        Some(plain) => {
            let plain = hex::decode(plain).map_err(|error| error.to_string())?;
            same("the plain packet", &packet[..len], &plain)
        }
        None => Ok(()),
    }
}

/// What a field has for one of the packets: in a list, or for all of them.
fn entry<'a>(case: Case<'a>, name: &str, at: usize) -> Option<&'a str> {
    let value = case.value(name);
    value.get(at).unwrap_or(value).as_str()
}

fn check_verdict(
    case: Case<'_>,
    result: Result<usize, UnprotectError>,
    at: usize,
) -> Result<(), String> {
    let word = entry(case, "verdict", at).ok_or("no verdict")?;
    // What else is right is told of a packet that is refused.
    let others = case
        .value("also_acceptable")
        .as_array()
        .filter(|_| word != "accept");
    let mut others = others.into_iter().flatten().filter_map(Value::as_str);
    if fits(result, word) || others.any(|other| fits(result, other)) {
        return Ok(());
    }
    Err(format!("{result:?}, expected {word}"))
}

/// Whether a verdict says what the receiver said.
fn fits(result: Result<usize, UnprotectError>, word: &str) -> bool {
    use UnprotectError::{Malformed, Replayed, TooOld, UnknownMki, WrongTag};
    match word {
        // RTP padding is the business of the layer above.
        "accept" | "malformed-after-decrypt" | "accept-and-let-rtp-layer-reject" => result.is_ok(),
        "malformed" => matches!(result, Err(Malformed(_))),
        "auth-fail" => matches!(result, Err(WrongTag)),
        "unknown-mki" => matches!(result, Err(UnknownMki)),
        "replay-or-old" => matches!(result, Err(Replayed | TooOld)),
        _ => false,
    }
}

fn check_demux(case: Case<'_>) -> Check {
    let datagram = case.bytes("hex")?;
    let expected = match case.text("verdict")? {
        "rtp" | "rtp-or-rtcp" => (true, false),
        "rtcp" => (true, true),
        _ => (false, false),
    };
    let found = (is_rtp_or_rtcp(&datagram), is_rtcp(&datagram));
    equal("RTP or RTCP, and RTCP", found, expected)?;
    Ok(Outcome::Checked)
}
