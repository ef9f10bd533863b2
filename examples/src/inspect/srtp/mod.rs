//! SRTP and SRTCP, decrypted with keys out of a file.

mod keys;

use std::io::{self, BufRead, Write};

use serde::Serialize;
use srtp::{Malformed, Receiver, RtpHeader, UnprotectError, is_rtcp};

use super::rtp::{Packet, RtpOptions};
use super::{Fault, Verdict, datagrams};

pub use keys::{KeyFileError, KeyProblem, SrtpKeys, SrtpOptions};

/// What stands in the line of a packet that was opened.
#[derive(Serialize)]
struct Opened {
    #[serde(flatten)]
    packet: Readable,
    /// Which key of the file opened it, from 1.
    key: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    roc: Option<u32>,
    plain: String,
}

/// An authentic packet need not be well formed.
#[derive(Serialize)]
#[serde(untagged)]
enum Readable {
    Packet(Packet),
    Fault(Fault),
}

/// A packet after it was opened.
struct Plain {
    bytes: Vec<u8>,
    key: usize,
    roc: Option<u32>,
}

/// Decrypts the datagrams of `input`, one line each: what the packet is, and the whole of it in
/// hexadecimal digits.
///
/// # Errors
/// When reading or writing fails. A datagram that does not open is no error here: its line says why.
pub fn srtp(input: impl BufRead, out: &mut impl Write, mut keys: SrtpKeys) -> io::Result<Verdict> {
    datagrams(input, out, |line, bytes| {
        let plain = open(&mut keys, bytes).map_err(|error| fault(line, bytes, error))?;
        let (packet, verdict) = match super::rtp::read(line, &plain.bytes, RtpOptions::default()) {
            Ok(packet) => (Readable::Packet(packet), Verdict::Fine),
            Err(fault) => (Readable::Fault(fault), Verdict::Malformed),
        };
        let opened = Opened {
            packet,
            key: plain.key,
            roc: plain.roc,
            plain: super::hex::text(&plain.bytes),
        };
        Ok((opened, verdict))
    })
}

fn fault(line: usize, bytes: &[u8], error: UnprotectError) -> Fault {
    let offset = match error {
        UnprotectError::Malformed(Malformed::Version { .. }) => Some(0),
        // What is missing is missing at the end.
        UnprotectError::Malformed(_) => Some(bytes.len()),
        _ => None,
    };
    Fault {
        line,
        error: error.to_string(),
        column: None,
        offset,
    }
}

/// Opens a packet with the first key that it is authentic under.
fn open(keys: &mut SrtpKeys, packet: &[u8]) -> Result<Plain, UnprotectError> {
    let mut refused = UnprotectError::WrongTag;
    for (at, receiver) in keys.receivers.iter_mut().enumerate() {
        let mut bytes = packet.to_vec();
        match unprotect(receiver, keys.roc, &mut bytes) {
            Ok((len, roc)) => {
                bytes.truncate(len);
                let key = at + 1;
                return Ok(Plain { bytes, key, roc });
            }
            // A key that knows the packet says more than one that is for the other direction.
            Err(UnprotectError::WrongTag) => {}
            Err(error) => refused = error,
        }
    }
    Err(refused)
}

/// The length of the plain packet and, of RTP, its roll-over counter.
fn unprotect(
    receiver: &mut Receiver,
    first_roc: u32,
    packet: &mut [u8],
) -> Result<(usize, Option<u32>), UnprotectError> {
    if is_rtcp(packet) {
        return Ok((receiver.unprotect_rtcp(packet)?, None));
    }
    let ssrc = RtpHeader::parse(packet)?.ssrc;
    if first_roc > 0 && receiver.roc(ssrc).is_none() {
        // Fails where there is no room for a stream, as the packet does then.
        let _ = receiver.set_roc(ssrc, first_roc);
    }
    let len = receiver.unprotect_rtp(packet)?;
    Ok((len, receiver.roc(ssrc)))
}
