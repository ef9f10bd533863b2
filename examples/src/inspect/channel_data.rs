//! ChannelData, which travels with TURN's messages and is none (RFC 8656 §12.4).

use serde::Serialize;

use super::{Fault, Secrets, hex};

/// Its channel number and its length.
const HEADER: usize = 4;

/// Channel numbers are 0x4000 to 0x4fff (RFC 8656 §12).
const FIRST_BYTES: std::ops::RangeInclusive<u8> = 0x40..=0x4f;

#[derive(Serialize)]
pub(super) struct ChannelData {
    line: usize,
    kind: &'static str,
    bytes: usize,
    channel: String,
    data_bytes: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<String>,
}

/// Whether a datagram is no STUN message but ChannelData (RFC 7983 §7).
pub(super) fn is_channel_data(bytes: &[u8]) -> bool {
    bytes
        .first()
        .is_some_and(|first| FIRST_BYTES.contains(first))
}

/// Reads a datagram. It may be padded to a multiple of four bytes (RFC 8656 §12.5).
pub(super) fn read(line: usize, bytes: &[u8], secrets: Secrets) -> Result<ChannelData, Fault> {
    let fault = |offset, error| Fault {
        line,
        error,
        column: None,
        offset: Some(offset),
    };
    let Some((&[c0, c1, l0, l1], rest)) = bytes.split_first_chunk::<HEADER>() else {
        let error = format!(
            "{} bytes, and ChannelData has at least {HEADER}",
            bytes.len()
        );
        return Err(fault(bytes.len(), error));
    };
    let length = usize::from(u16::from_be_bytes([l0, l1]));
    let fits = (length..=length.next_multiple_of(4)).contains(&rest.len());
    let data = rest.get(..length).filter(|_| fits).ok_or_else(|| {
        let found = rest.len();
        fault(
            2,
            format!("ChannelData: the length field says {length} bytes, {found} follow"),
        )
    })?;
    Ok(ChannelData {
        line,
        kind: "ChannelData",
        bytes: bytes.len(),
        channel: format!("{:#06x}", u16::from_be_bytes([c0, c1])),
        data_bytes: data.len(),
        data: secrets.are_shown().then(|| hex::text(data)),
    })
}
