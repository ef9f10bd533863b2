//! Appending packets to a compound.

use bytes::{BufMut, BytesMut};

use super::{
    BLOCK_LEN, BYE, RECEIVER_REPORT, ReportBlock, SENDER_REPORT, SOURCE_DESCRIPTION, SenderInfo,
};

/// The item type of a canonical name (RFC 3550 §6.5.1).
const CNAME: u8 = 1;

/// Appends a sender report.
pub fn sender_report(out: &mut BytesMut, ssrc: u32, info: SenderInfo, block: Option<ReportBlock>) {
    header(
        out,
        SENDER_REPORT,
        block.iter().len(),
        24 + blocks_len(block),
    );
    out.put_u32(ssrc);
    out.put_u64(info.ntp);
    out.put_u32(info.timestamp);
    out.put_u32(info.packets);
    out.put_u32(info.octets);
    block.into_iter().for_each(|block| put_block(out, block));
}

/// Appends a receiver report.
pub fn receiver_report(out: &mut BytesMut, ssrc: u32, block: Option<ReportBlock>) {
    header(
        out,
        RECEIVER_REPORT,
        block.iter().len(),
        4 + blocks_len(block),
    );
    out.put_u32(ssrc);
    block.into_iter().for_each(|block| put_block(out, block));
}

/// Appends a source description with the canonical name of a source. Of a longer name than 255
/// octets, the rest is left out.
pub fn cname(out: &mut BytesMut, ssrc: u32, name: &str) {
    let name = name.as_bytes();
    let len = u8::try_from(name.len()).unwrap_or(u8::MAX);
    let name = name.get(..usize::from(len)).unwrap_or_default();
    // One zero octet at least ends the chunk, and then as many as fill its last word.
    let items = 2 + name.len();
    let padding = 4 - items % 4;
    header(out, SOURCE_DESCRIPTION, 1, 4 + items + padding);
    out.put_u32(ssrc);
    out.put_u8(CNAME);
    out.put_u8(len);
    out.put_slice(name);
    out.put_bytes(0, padding);
}

/// Appends a goodbye.
pub fn bye(out: &mut BytesMut, ssrc: u32) {
    header(out, BYE, 1, 4);
    out.put_u32(ssrc);
}

fn blocks_len(block: Option<ReportBlock>) -> usize {
    block.iter().len() * BLOCK_LEN
}

/// Of a packet with `body` octets, a multiple of four, behind its header.
fn header(out: &mut BytesMut, packet_type: u8, count: usize, body: usize) {
    out.put_u8(0x80 | count as u8 & 0x1f);
    out.put_u8(packet_type);
    out.put_u16((body / 4) as u16);
}

fn put_block(out: &mut BytesMut, block: ReportBlock) {
    let lost = block.lost.clamp(-(1 << 23), (1 << 23) - 1);
    out.put_u32(block.ssrc);
    out.put_u32(u32::from(block.fraction_lost) << 24 | lost as u32 & 0x00ff_ffff);
    out.put_u32(block.highest_sequence);
    out.put_u32(block.jitter);
    out.put_u32(block.last_report);
    out.put_u32(block.delay);
}

#[cfg(test)]
mod tests {
    use super::super::{Packet, read};
    use super::*;

    const BLOCK: ReportBlock = ReportBlock {
        ssrc: 7,
        fraction_lost: 64,
        lost: -3,
        highest_sequence: 0x0001_0002,
        jitter: 5,
        last_report: 6,
        delay: 7,
    };

    #[test]
    fn what_is_written_reads_back() {
        let info = SenderInfo {
            ntp: 0x0102_0304_0506_0708,
            timestamp: 9,
            packets: 10,
            octets: 11,
        };
        for block in [None, Some(BLOCK)] {
            let mut out = BytesMut::new();
            sender_report(&mut out, 1, info, block);
            receiver_report(&mut out, 2, block);
            bye(&mut out, 3);
            let packets: Vec<_> = read(&out).unwrap().collect();
            let [
                Packet::SenderReport {
                    ssrc: 1,
                    info: told,
                    blocks: first,
                },
                Packet::ReceiverReport {
                    ssrc: 2,
                    blocks: second,
                },
                Packet::Bye(sources),
            ] = packets.as_slice()
            else {
                panic!("{packets:?}");
            };
            assert_eq!(*told, info);
            for mut blocks in [*first, *second] {
                assert_eq!((blocks.next(), blocks.next()), (block, None));
            }
            assert_eq!(sources.collect::<Vec<_>>(), [3]);
        }
    }

    #[test]
    fn a_name_of_any_length_ends_with_a_zero_on_a_word() {
        for len in 0..300 {
            let mut out = BytesMut::new();
            receiver_report(&mut out, 1, None);
            let start = out.len();
            cname(&mut out, 1, &"n".repeat(len));
            assert!(read(&out).is_some(), "{len}");
            let chunk = &out[start + 8..];
            let kept = len.min(255);
            assert_eq!((chunk[0], usize::from(chunk[1])), (CNAME, kept));
            assert!(chunk[2..2 + kept].iter().all(|octet| *octet == b'n'));
            let rest = &chunk[2 + kept..];
            assert!((1..=4).contains(&rest.len()) && rest.iter().all(|octet| *octet == 0));
        }
    }
}
