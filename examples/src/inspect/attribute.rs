//! The typed view of an attribute of a session description.

use ::sdp::attribute::{Attribute, FilterMode};
use serde_json::{Value, json};

use super::Secrets;

/// What an attribute says, field by field; nothing for one that has no type or no value.
pub(super) fn typed(attribute: &Attribute<'_>, secrets: Secrets) -> Option<Value> {
    media(attribute)
        .or_else(|| transport(attribute, secrets))
        .or_else(|| sources(attribute))
}

/// Codecs, packets, and what a section is about.
fn media(attribute: &Attribute<'_>) -> Option<Value> {
    Some(match attribute {
        Attribute::Rtpmap(map) => json!({
            "payload_type": map.payload_type,
            "encoding": map.encoding,
            "clock_rate": map.clock_rate,
            "channels": map.channels,
        }),
        Attribute::Fmtp(fmtp) => json!({
            "format": fmtp.format,
            "parameters": fmtp.pairs().collect::<Vec<_>>(),
        }),
        Attribute::RtcpFb(feedback) => json!({
            "format": feedback.format,
            "feedback": feedback.feedback,
        }),
        Attribute::Extmap(extension) => json!({
            "id": extension.id,
            "direction": extension.direction,
            "uri": extension.uri,
            "parameters": extension.parameters,
        }),
        Attribute::Ptime(time) => json!({ "ms": time.duration.as_secs_f64() * 1000.0 }),
        Attribute::Maxptime(time) => json!({ "ms": time.duration.as_secs_f64() * 1000.0 }),
        Attribute::Framerate(rate) => json!({ "per_second": rate.per_second() }),
        Attribute::Direction(direction) => json!({
            "sends": direction.sends(),
            "receives": direction.receives(),
        }),
        Attribute::Rid(rid) => json!({
            "id": rid.id,
            "direction": rid.direction,
            "restrictions": rid.restrictions,
        }),
        Attribute::Simulcast(simulcast) => json!({ "ids": simulcast.ids().collect::<Vec<_>>() }),
        Attribute::Label(label) => json!({ "label": label.text }),
        Attribute::Content(content) => json!({ "values": content.values().collect::<Vec<_>>() }),
        Attribute::Mid(mid) => json!({ "tag": mid.tag }),
        Attribute::Group(group) => json!({
            "semantics": group.semantics,
            "mids": group.mids().collect::<Vec<_>>(),
        }),
        _ => return None,
    })
}

/// ICE, DTLS, SDES, SCTP and RTCP. Secrets as is asked for.
fn transport(attribute: &Attribute<'_>, secrets: Secrets) -> Option<Value> {
    Some(match attribute {
        Attribute::Rtcp(rtcp) => json!({
            "port": rtcp.port,
            "address": rtcp.connection.map(|connection| connection.address),
        }),
        Attribute::IceUfrag(ufrag) => json!({ "ufrag": ufrag.text }),
        Attribute::IcePwd(pwd) => json!({ "pwd": secrets.show(pwd.text) }),
        Attribute::IceOptions(options) => json!({ "tags": options.tags().collect::<Vec<_>>() }),
        Attribute::Candidate(candidate) => json!({ "candidate": candidate.text }),
        Attribute::Setup(setup) => {
            json!({ "role": setup.to_string().trim_start_matches("setup:") })
        }
        Attribute::Fingerprint(fingerprint) => json!({
            "hash": fingerprint.hash,
            "bytes": fingerprint.bytes().count(),
        }),
        Attribute::TlsId(tls_id) => json!({ "id": tls_id.text }),
        Attribute::Crypto(crypto) => json!({
            "tag": crypto.tag,
            "suite": crypto.suite,
            "keys": secrets.show(crypto.key_params),
            "session": crypto.session_params,
        }),
        Attribute::SctpPort(sctp) => json!({ "port": sctp.port }),
        Attribute::MaxMessageSize(size) => json!({ "bytes": size.bytes }),
        _ => return None,
    })
}

/// Who sends.
fn sources(attribute: &Attribute<'_>) -> Option<Value> {
    Some(match attribute {
        Attribute::Ssrc(source) => json!({
            "ssrc": source.ssrc,
            "attribute": source.attribute,
            "value": source.value,
        }),
        Attribute::SsrcGroup(group) => json!({
            "semantics": group.semantics,
            "sources": group.sources().collect::<Vec<_>>(),
        }),
        Attribute::Msid(msid) => json!({ "stream": msid.stream, "track": msid.track }),
        Attribute::SourceFilter(filter) => json!({
            "mode": match filter.mode {
                FilterMode::Include => "incl",
                FilterMode::Exclude => "excl",
            },
            "destination": filter.destination,
            "sources": filter.sources().collect::<Vec<_>>(),
        }),
        _ => return None,
    })
}
