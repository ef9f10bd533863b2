//! STUN and TURN messages, and the ChannelData between them.

use std::io::{self, BufRead, Write};

use serde::Serialize;
use serde_json::{Value, json};
use stun_codec::attribute::{
    AlternateServer, Decode, ErrorCode, IceControlled, IceControlling, MappedAddress, Nonce,
    Priority, Realm, Software, UnknownAttributes, UseCandidate, Username, XorMappedAddress,
};
use stun_codec::{AttributeType, DecodeError, Message, RawAttribute};

use super::channel_data::{self, ChannelData};
use super::{Fault, Secrets, Verdict, datagrams, hex};

#[derive(Serialize)]
#[serde(untagged)]
enum Datagram {
    Message(Shown),
    ChannelData(ChannelData),
}

#[derive(Serialize)]
struct Shown {
    line: usize,
    bytes: usize,
    class: String,
    method: String,
    transaction_id: String,
    /// Whether there is a right one.
    fingerprint: bool,
    attributes: Vec<Attribute>,
}

#[derive(Serialize)]
struct Attribute {
    #[serde(rename = "type")]
    name: String,
    bytes: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// Where a malformed one stands in the message, in bytes from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<usize>,
}

/// Shows the datagrams of `input`, one line each.
///
/// # Errors
/// When reading or writing fails. A malformed datagram is no error here: its line says what is
/// wrong.
pub fn stun(input: impl BufRead, out: &mut impl Write, secrets: Secrets) -> io::Result<Verdict> {
    datagrams(input, out, |line, bytes| {
        if channel_data::is_channel_data(bytes) {
            let data = channel_data::read(line, bytes, secrets)?;
            return Ok((Datagram::ChannelData(data), Verdict::Fine));
        }
        let (shown, verdict) = message(line, bytes, secrets)?;
        Ok((Datagram::Message(shown), verdict))
    })
}

fn message(line: usize, bytes: &[u8], secrets: Secrets) -> Result<(Shown, Verdict), Fault> {
    let fault = |error: DecodeError| Fault {
        line,
        error: error.to_string(),
        column: None,
        offset: Some(offset(&error)),
    };
    match Message::parse(bytes) {
        Ok(message) => Ok(show(line, &message, bytes, secrets)),
        Err(error @ DecodeError::Fingerprint { .. }) => {
            // Everything else may be right: it is read as though the checksum were.
            let mended = mended(bytes, &error).ok_or_else(|| fault(error))?;
            let message = Message::parse(&mended).map_err(fault)?;
            let (mut shown, _) = show(line, &message, &mended, secrets);
            shown.blame_fingerprint(&error);
            Ok((shown, Verdict::Malformed))
        }
        Err(error) => Err(fault(error)),
    }
}

/// The message with the checksum that it should have.
fn mended(bytes: &[u8], error: &DecodeError) -> Option<Vec<u8>> {
    let DecodeError::Fingerprint {
        offset, expected, ..
    } = error
    else {
        return None;
    };
    let mut mended = bytes.to_vec();
    let value = mended.get_mut(offset + 4..)?.first_chunk_mut()?;
    *value = expected.to_be_bytes();
    Some(mended)
}

fn show(line: usize, message: &Message<'_>, bytes: &[u8], secrets: Secrets) -> (Shown, Verdict) {
    let attributes = message.attributes();
    let attributes: Vec<_> = attributes
        .map(|raw| attribute(message, bytes, raw, secrets))
        .collect();
    let is_fine = attributes.iter().all(|shown| shown.error.is_none());
    let verdict = match is_fine {
        true => Verdict::Fine,
        false => Verdict::Malformed,
    };
    let shown = Shown {
        line,
        bytes: bytes.len(),
        class: message.class().to_string(),
        method: message.method().to_string(),
        transaction_id: message.transaction_id().to_string(),
        fingerprint: message.has_fingerprint(),
        attributes,
    };
    (shown, verdict)
}

impl Shown {
    /// Puts the fault where the value of FINGERPRINT, which is the last attribute, would stand.
    fn blame_fingerprint(&mut self, error: &DecodeError) {
        self.fingerprint = false;
        if let Some(last) = self.attributes.last_mut() {
            last.value = None;
            last.error = Some(error.to_string());
            last.offset = Some(offset(error));
        }
    }
}

/// Where in the message the fault is.
fn offset(error: &DecodeError) -> usize {
    match error {
        DecodeError::TooShort { found } => *found,
        DecodeError::Length { .. } => 2,
        DecodeError::MagicCookie { .. } => 4,
        DecodeError::Truncated { offset, .. }
        | DecodeError::AfterFingerprint { offset, .. }
        | DecodeError::Fingerprint { offset, .. } => *offset,
        _ => 0,
    }
}

fn attribute(
    message: &Message<'_>,
    bytes: &[u8],
    raw: RawAttribute<'_>,
    secrets: Secrets,
) -> Attribute {
    let value = value(message, raw, secrets);
    let is_wrong = value.is_err();
    // The value is a part of the datagram; its type and length stand before it.
    let start = (raw.value.as_ptr() as usize).checked_sub(bytes.as_ptr() as usize);
    let (value, error) = match value {
        Ok(value) => (value, None),
        Err(error) => (None, Some(error.to_string())),
    };
    Attribute {
        name: raw.attribute_type.to_string(),
        bytes: raw.value.len(),
        value,
        error,
        offset: start
            .filter(|_| is_wrong)
            .map(|start| start.saturating_sub(4)),
    }
}

/// What an attribute says: typed where this workspace has a type, else its bytes; nothing where it
/// is a flag.
fn value(
    message: &Message<'_>,
    raw: RawAttribute<'_>,
    secrets: Secrets,
) -> Result<Option<Value>, DecodeError> {
    type Type = AttributeType;
    let id = message.transaction_id();
    Ok(Some(match raw.attribute_type {
        Type::USERNAME => json!(Username::decode(raw.value, id)?.0),
        Type::REALM => json!(Realm::decode(raw.value, id)?.0),
        Type::NONCE => json!(String::from_utf8_lossy(Nonce::decode(raw.value, id)?.0)),
        Type::SOFTWARE => json!(Software::decode(raw.value, id)?.0),
        Type::MAPPED_ADDRESS => json!(MappedAddress::decode(raw.value, id)?.0),
        Type::ALTERNATE_SERVER => json!(AlternateServer::decode(raw.value, id)?.0),
        Type::XOR_MAPPED_ADDRESS | Type::XOR_PEER_ADDRESS | Type::XOR_RELAYED_ADDRESS => {
            json!(XorMappedAddress::decode(raw.value, id)?.0)
        }
        Type::PRIORITY => json!(Priority::decode(raw.value, id)?.0),
        Type::ICE_CONTROLLED => json!(IceControlled::decode(raw.value, id)?.0.to_string()),
        Type::ICE_CONTROLLING => json!(IceControlling::decode(raw.value, id)?.0.to_string()),
        Type::ERROR_CODE => {
            let ErrorCode { code, reason } = ErrorCode::decode(raw.value, id)?;
            json!({ "code": code, "reason": reason })
        }
        Type::UNKNOWN_ATTRIBUTES => {
            let types = UnknownAttributes::decode(raw.value, id)?;
            types.iter().map(|kind| json!(kind.to_string())).collect()
        }
        Type::USE_CANDIDATE => {
            UseCandidate::decode(raw.value, id)?;
            return Ok(None);
        }
        // Tokens that open something, and what is carried for others.
        Type::ACCESS_TOKEN
        | Type::RESERVATION_TOKEN
        | Type::MOBILITY_TICKET
        | Type::DATA
        | Type::META_DTLS_IN_STUN => json!(secrets.show(hex::text(raw.value))),
        _ => json!(hex::text(raw.value)),
    }))
}
