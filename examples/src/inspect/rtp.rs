//! RTP and RTCP headers. SRTP leaves them in the clear, so they are shown for either.

use std::io::{self, BufRead, Write};

use serde::Serialize;
use srtp::{Malformed, RtpHeader, is_rtcp};

use super::{Fault, Secrets, Verdict, datagrams};

/// How RTP is shown.
#[derive(Debug, Clone, Copy, Default)]
pub struct RtpOptions {
    /// Whether payloads and digits are.
    pub secrets: Secrets,
    /// The payload type of telephone-event (RFC 4733), if it is to be read. Not of SRTP, whose
    /// payload is encrypted.
    pub telephone_event: Option<u8>,
}

#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Packet {
    Rtp(Rtp),
    Rtcp(Rtcp),
}

#[derive(Serialize)]
pub(super) struct Rtp {
    line: usize,
    kind: &'static str,
    bytes: usize,
    payload_type: u8,
    marker: bool,
    sequence: u16,
    timestamp: u32,
    ssrc: String,
    csrc: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extension: Option<Extension>,
    padding: bool,
    header_bytes: usize,
    payload_bytes: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    telephone_event: Option<TelephoneEvent>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<String>,
}

/// RFC 3550 §5.3.1.
#[derive(Serialize)]
struct Extension {
    profile: String,
    bytes: usize,
}

/// RFC 4733 §2.3.
#[derive(Serialize)]
struct TelephoneEvent {
    event: String,
    end: bool,
    volume: u8,
    duration: u16,
}

/// The first packet of a compound; SRTCP encrypts the others.
#[derive(Serialize)]
pub(super) struct Rtcp {
    line: usize,
    kind: &'static str,
    bytes: usize,
    #[serde(rename = "type")]
    packet_type: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'static str>,
    count: u8,
    packet_bytes: usize,
    ssrc: String,
}

/// Shows the datagrams of `input`, one line each.
///
/// # Errors
/// When reading or writing fails. A malformed datagram is no error here: its line says what is
/// wrong.
pub fn rtp(input: impl BufRead, out: &mut impl Write, options: RtpOptions) -> io::Result<Verdict> {
    datagrams(input, out, |line, bytes| {
        Ok((read(line, bytes, options)?, Verdict::Fine))
    })
}

pub(super) fn read(line: usize, bytes: &[u8], options: RtpOptions) -> Result<Packet, Fault> {
    if is_rtcp(bytes) {
        read_rtcp(line, bytes).map(Packet::Rtcp)
    } else {
        read_rtp(line, bytes, options).map(Packet::Rtp)
    }
}

fn read_rtp(line: usize, bytes: &[u8], options: RtpOptions) -> Result<Rtp, Fault> {
    let fault = |offset: usize, error: String| Fault {
        line,
        error,
        column: None,
        offset: Some(offset),
    };
    let header = RtpHeader::parse(bytes).map_err(|error| {
        let offset = match error {
            Malformed::Version { .. } => 0,
            // What is missing is missing at the end.
            _ => bytes.len(),
        };
        fault(offset, error.to_string())
    })?;
    let padding = match (header.padding, bytes.last()) {
        (true, Some(count)) => usize::from(*count),
        _ => 0,
    };
    let payload = bytes
        .len()
        .checked_sub(padding)
        .and_then(|end| bytes.get(header.len..end));
    // Under SRTP the padding is encrypted, and its count is anything: then all is payload.
    let payload = payload.unwrap_or_else(|| bytes.get(header.len..).unwrap_or_default());
    let event = match options.telephone_event {
        Some(number) if number == header.payload_type => {
            let event = read_event(payload, options.secrets);
            let needed = format!("a telephone-event has 4 bytes, found {}", payload.len());
            Some(event.ok_or_else(|| fault(header.len, needed))?)
        }
        _ => None,
    };
    Ok(Rtp {
        line,
        kind: "rtp",
        bytes: bytes.len(),
        payload_type: header.payload_type,
        marker: header.marker,
        sequence: header.sequence_number,
        timestamp: header.timestamp,
        ssrc: format!("{:#010x}", header.ssrc),
        csrc: contributors(bytes, header.csrc_count),
        extension: extension(bytes, &header),
        padding: header.padding,
        header_bytes: header.len,
        payload_bytes: payload.len(),
        telephone_event: event,
        payload: options
            .secrets
            .are_shown()
            .then(|| super::hex::text(payload)),
    })
}

fn contributors(bytes: &[u8], count: u8) -> Vec<String> {
    let list = bytes.get(12..12 + 4 * usize::from(count));
    let words = list.unwrap_or_default().chunks_exact(4);
    words
        .map(|word| format!("0x{}", super::hex::text(word)))
        .collect()
}

fn extension(bytes: &[u8], header: &RtpHeader) -> Option<Extension> {
    let start = 12 + 4 * usize::from(header.csrc_count);
    let profile = bytes.get(start..start + 2).filter(|_| header.extension)?;
    Some(Extension {
        profile: format!("0x{}", super::hex::text(profile)),
        bytes: header.len.saturating_sub(start + 4),
    })
}

fn read_event(payload: &[u8], secrets: Secrets) -> Option<TelephoneEvent> {
    let &[event, flags, high, low] = payload.first_chunk::<4>()?;
    Some(TelephoneEvent {
        event: secrets.show(event.to_string()),
        end: flags & 0x80 != 0,
        volume: flags & 0x3f,
        duration: u16::from_be_bytes([high, low]),
    })
}

fn read_rtcp(line: usize, bytes: &[u8]) -> Result<Rtcp, Fault> {
    let fault = |offset, error: String| Fault {
        line,
        error,
        column: None,
        offset: Some(offset),
    };
    let Some(&[first, packet_type, l0, l1, s0, s1, s2, s3]) = bytes.first_chunk::<8>() else {
        let error = format!("{} bytes, and RTCP has at least 8", bytes.len());
        return Err(fault(bytes.len(), error));
    };
    let packet_bytes = 4 * (usize::from(u16::from_be_bytes([l0, l1])) + 1);
    if packet_bytes > bytes.len() {
        let error = format!(
            "the length field says {packet_bytes} bytes, {} are there",
            bytes.len()
        );
        return Err(fault(2, error));
    }
    Ok(Rtcp {
        line,
        kind: "rtcp",
        bytes: bytes.len(),
        packet_type,
        name: rtcp_name(packet_type),
        count: first & 0x1f,
        packet_bytes,
        ssrc: format!("{:#010x}", u32::from_be_bytes([s0, s1, s2, s3])),
    })
}

/// RFC 3550 §12.1, RFC 4585 §6.1, RFC 3611 §2.
fn rtcp_name(packet_type: u8) -> Option<&'static str> {
    Some(match packet_type {
        200 => "SR",
        201 => "RR",
        202 => "SDES",
        203 => "BYE",
        204 => "APP",
        205 => "RTPFB",
        206 => "PSFB",
        207 => "XR",
        _ => return None,
    })
}
