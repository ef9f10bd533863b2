//! Reading a compound.

use super::{BLOCK_LEN, BYE, RECEIVER_REPORT, ReportBlock, SENDER_REPORT, SenderInfo};

/// Octets of the header of every packet, and of an SSRC behind it.
const WORD: usize = 4;

/// Octets of the sender information in a sender report.
const SENDER_INFO_LEN: usize = 20;

/// One packet of a compound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Packet<'a> {
    /// From a participant that has sent RTP lately.
    SenderReport {
        /// Who reports.
        ssrc: u32,
        /// What it has sent.
        info: SenderInfo,
        /// What it has received.
        blocks: ReportBlocks<'a>,
    },
    /// From a participant that only listens.
    ReceiverReport {
        /// Who reports.
        ssrc: u32,
        /// What it has received.
        blocks: ReportBlocks<'a>,
    },
    /// Sources that have left.
    Bye(Sources<'a>),
    /// Anything else, by its packet type.
    Other(u8),
}

/// Checks a compound as RFC 3550 §A.2 asks: version 2 in each packet, a report first, padding
/// only in the last, and lengths that add up to the datagram. `None` if it is anything else.
#[must_use]
pub fn read(compound: &[u8]) -> Option<Packets<'_>> {
    let packets = Packets { rest: compound };
    let mut check = packets;
    let mut first = true;
    while !check.rest.is_empty() {
        let frame = check.next_frame()?;
        let is_report = matches!(frame.packet_type, SENDER_REPORT | RECEIVER_REPORT);
        if first && !is_report || frame.is_padded && !check.rest.is_empty() {
            return None;
        }
        frame.packet()?;
        first = false;
    }
    (!first).then_some(packets)
}

/// The packets of a compound that was checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packets<'a> {
    rest: &'a [u8],
}

impl<'a> Packets<'a> {
    fn next_frame(&mut self) -> Option<Frame<'a>> {
        let (header, _) = self.rest.split_first_chunk::<WORD>()?;
        let [first, packet_type, length @ ..] = *header;
        if first >> 6 != 2 {
            return None;
        }
        let len = (usize::from(u16::from_be_bytes(length)) + 1) * WORD;
        let (packet, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        let is_padded = first & 0x20 != 0;
        let padding = match (is_padded, packet.last()) {
            (true, Some(octets)) => usize::from(*octets).max(1),
            _ => 0,
        };
        let body = packet.get(WORD..len.checked_sub(padding)?)?;
        Some(Frame {
            count: first & 0x1f,
            packet_type,
            is_padded,
            body,
        })
    }
}

impl<'a> Iterator for Packets<'a> {
    type Item = Packet<'a>;

    fn next(&mut self) -> Option<Packet<'a>> {
        self.next_frame()?.packet()
    }
}

/// A packet whose kind has not been looked at.
struct Frame<'a> {
    /// Report blocks or sources, in the kinds that have any.
    count: u8,
    packet_type: u8,
    is_padded: bool,
    /// What stands behind the header, without padding.
    body: &'a [u8],
}

impl<'a> Frame<'a> {
    fn packet(&self) -> Option<Packet<'a>> {
        match self.packet_type {
            SENDER_REPORT => {
                let (ssrc, body) = self.body.split_first_chunk()?;
                let (info, body) = body.split_first_chunk::<SENDER_INFO_LEN>()?;
                Some(Packet::SenderReport {
                    ssrc: u32::from_be_bytes(*ssrc),
                    info: sender_info(info)?,
                    blocks: self.blocks(body)?,
                })
            }
            RECEIVER_REPORT => {
                let (ssrc, body) = self.body.split_first_chunk()?;
                Some(Packet::ReceiverReport {
                    ssrc: u32::from_be_bytes(*ssrc),
                    blocks: self.blocks(body)?,
                })
            }
            BYE => {
                let octets = self.body.get(..usize::from(self.count) * WORD)?;
                Some(Packet::Bye(Sources { octets }))
            }
            other => Some(Packet::Other(other)),
        }
    }

    /// Profile-specific extensions may follow the blocks.
    fn blocks(&self, body: &'a [u8]) -> Option<ReportBlocks<'a>> {
        let octets = body.get(..usize::from(self.count) * BLOCK_LEN)?;
        Some(ReportBlocks { octets })
    }
}

/// The blocks of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReportBlocks<'a> {
    octets: &'a [u8],
}

impl Iterator for ReportBlocks<'_> {
    type Item = ReportBlock;

    fn next(&mut self) -> Option<ReportBlock> {
        let (block, rest) = self.octets.split_first_chunk::<BLOCK_LEN>()?;
        self.octets = rest;
        let mut words = words(block);
        let (ssrc, losses) = (words.next()?, words.next()?);
        Some(ReportBlock {
            ssrc,
            fraction_lost: (losses >> 24) as u8,
            // The sign stands in the uppermost of 24 bits.
            lost: (losses << 8) as i32 >> 8,
            highest_sequence: words.next()?,
            jitter: words.next()?,
            last_report: words.next()?,
            delay: words.next()?,
        })
    }
}

/// The sources of a BYE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sources<'a> {
    octets: &'a [u8],
}

impl Iterator for Sources<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        let (ssrc, rest) = self.octets.split_first_chunk()?;
        self.octets = rest;
        Some(u32::from_be_bytes(*ssrc))
    }
}

fn sender_info(octets: &[u8; SENDER_INFO_LEN]) -> Option<SenderInfo> {
    let mut words = words(octets);
    let (high, low) = (words.next()?, words.next()?);
    Some(SenderInfo {
        ntp: u64::from(high) << 32 | u64::from(low),
        timestamp: words.next()?,
        packets: words.next()?,
        octets: words.next()?,
    })
}

fn words(octets: &[u8]) -> impl Iterator<Item = u32> + '_ {
    let (words, _) = octets.as_chunks::<WORD>();
    words.iter().map(|word| u32::from_be_bytes(*word))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sender report with one block and four octets of an extension, a CNAME, feedback, a BYE
    /// with a reason, padded.
    const COMPOUND: &str = "81c8000d 00000001 00000002 00000003 00000004 00000005 00000006 \
        00000007 ff800000 00000008 00000009 0000000a 0000000b deadbeef \
        81ca0002 00000001 01016100 81cd0002 00000001 00000002 \
        a2cb0004 00000001 00000007 02686900 00000004";

    fn octets(hex: &str) -> Vec<u8> {
        let digits: Vec<char> = hex.chars().filter(|c| !c.is_whitespace()).collect();
        let octet = |pair: &[char]| u8::from_str_radix(&pair.iter().collect::<String>(), 16);
        digits.chunks(2).map(|pair| octet(pair).unwrap()).collect()
    }

    #[test]
    fn a_compound_is_read() {
        let compound = octets(COMPOUND);
        let packets: Vec<_> = read(&compound).unwrap().collect();
        let [Packet::SenderReport { ssrc, info, blocks }, rest @ ..] = packets.as_slice() else {
            panic!("{packets:?}");
        };
        assert_eq!((*ssrc, info.ntp, info.timestamp), (1, 0x2_0000_0003, 4));
        assert_eq!((info.packets, info.octets), (5, 6));
        let blocks: Vec<_> = blocks.collect();
        let expected = ReportBlock {
            ssrc: 7,
            fraction_lost: 255,
            lost: -(1 << 23),
            highest_sequence: 8,
            jitter: 9,
            last_report: 10,
            delay: 11,
        };
        assert_eq!(blocks, [expected]);
        let [Packet::Other(202), Packet::Other(205), Packet::Bye(sources)] = rest else {
            panic!("{rest:?}");
        };
        assert_eq!(sources.collect::<Vec<_>>(), [1, 7]);
    }

    #[test]
    fn a_compound_that_is_not_whole_is_refused() {
        let whole = octets(COMPOUND);
        let ends = [0, 56, 68, 80, 100];
        for len in 0..=whole.len() {
            let is_whole = len > 0 && ends.contains(&len);
            assert_eq!(read(&whole[..len]).is_some(), is_whole, "{len}");
        }
        for (place, value, why) in [
            (0, 0x41, "version 1"),
            (1, 202, "no report first"),
            (0, 0x84, "more blocks than octets"),
            (0, 0xa1, "padding in the middle"),
            (99, 21, "more padding than packet"),
            (80, 0xbf, "more sources than octets"),
            (3, 0xff, "a length beyond the end"),
        ] {
            let mut broken = whole.clone();
            broken[place] = value;
            assert_eq!(read(&broken), None, "{why}");
        }
    }
}
