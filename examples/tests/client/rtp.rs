//! RTP packets, written and read.

use examples::bridge::rtp::Header;
use srtp::RtpHeader;

/// The browser's own source.
pub(crate) const SSRC: u32 = 0x00c0_ffee;

/// A packet that is only a header and a payload.
pub(crate) fn packet(payload_type: u8, sequence: u16, payload: &[u8]) -> Vec<u8> {
    let header = Header {
        marker: false,
        payload_type,
        sequence,
        timestamp: u32::from(sequence) * 160,
        ssrc: SSRC,
    };
    [&header.to_bytes(), payload].concat()
}

/// The same with a contributing source, a header extension and padding.
pub(crate) fn laden_packet(payload_type: u8, sequence: u16, payload: &[u8]) -> Vec<u8> {
    let mut packet = packet(payload_type, sequence, &[]);
    packet[0] |= 0x20 | 0x10 | 1;
    packet.extend([0xaa; 4]);
    packet.extend([0xbe, 0xde, 0, 1, 0x10, 0x7f, 0, 0]); // audio level (RFC 6464)
    packet.extend(payload);
    packet.extend([0, 0, 3]);
    packet
}

/// 20 ms of sound that no other packet has.
pub(crate) fn sound(caller: u32, number: u32) -> Vec<u8> {
    let mut payload: Vec<u8> = (0..160).map(|i| (i + number) as u8).collect();
    payload[..4].copy_from_slice(&caller.to_be_bytes());
    payload[4..8].copy_from_slice(&number.to_be_bytes());
    payload
}

/// A telephone-event (RFC 4733 §2.3): a key and how long it is held, in samples.
pub(crate) fn key(key: u8, duration: u16, end: bool) -> Vec<u8> {
    let [high, low] = duration.to_be_bytes();
    vec![key, u8::from(end) << 7 | 10, high, low]
}

/// Takes a packet apart. It must be plain: no contributing source, extension or padding.
pub(crate) fn read(packet: &[u8]) -> (RtpHeader, &[u8]) {
    let header = RtpHeader::parse(packet).unwrap();
    assert!(
        !header.padding && !header.extension && header.csrc_count == 0,
        "{header:?}"
    );
    (header, &packet[header.len..])
}
