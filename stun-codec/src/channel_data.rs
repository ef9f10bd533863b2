//! ChannelData: payload between a client and its relay behind four bytes (RFC 8656 §12.4).

use crate::reader::Reader;

/// The channels that may be bound (RFC 8656 §12).
const CHANNELS: core::ops::RangeInclusive<u16> = 0x4000..=0x4fff;

/// Payload on a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ChannelData<'a> {
    /// 0x4000 to 0x4FFF.
    pub channel: u16,
    /// What the peer sent, or is sent.
    pub data: &'a [u8],
}

impl<'a> ChannelData<'a> {
    /// Bytes before the data.
    pub const HEADER: usize = 4;

    /// Reads a datagram or a frame. What stands behind the data is padding, which UDP allows
    /// (RFC 8656 §12.5). `None` if it is something else, or cut off.
    #[must_use]
    pub fn parse(frame: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(frame, 0);
        let channel = reader.u16().ok()?;
        let length = reader.u16().ok()?;
        let data = reader.bytes(length.into()).ok()?;
        CHANNELS
            .contains(&channel)
            .then_some(Self { channel, data })
    }

    /// The bytes to put before `length` bytes of data; `None` where the channel is none, or that is too
    /// long for one frame. Over a stream [`Framing::write`](crate::stream::Framing::write) adds padding.
    #[must_use]
    pub fn header(channel: u16, length: usize) -> Option<[u8; 4]> {
        let length = u16::try_from(length).ok()?;
        let [c0, c1] = channel.to_be_bytes();
        let [l0, l1] = length.to_be_bytes();
        CHANNELS.contains(&channel).then_some([c0, c1, l0, l1])
    }
}
