//! An attacker: real messages, changed at random, the same ones for the same seed.

pub(crate) mod messages;
pub(crate) mod web;
pub(crate) mod wire;

/// Numbers that only look random (SplitMix64).
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    /// The numbers of one input: of what kind it is, and which one of that kind.
    pub(crate) fn of(seed: u64, kind: &str, index: usize) -> Self {
        let name = kind.bytes().fold(0, |sum: u64, byte| {
            sum.wrapping_mul(257).wrapping_add(byte.into())
        });
        let mut random = Self(seed ^ name.rotate_left(32) ^ index as u64);
        random.next();
        random
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`; 0 if there is none.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    pub(crate) fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    /// A changed copy, never the same.
    pub(crate) fn mutate(&mut self, original: &[u8]) -> Vec<u8> {
        let mut copy = original.to_vec();
        for _ in 0..=self.below(3) {
            self.change(&mut copy);
        }
        while copy == original {
            self.change(&mut copy);
        }
        copy
    }

    fn change(&mut self, bytes: &mut Vec<u8>) {
        let at = self.below(bytes.len());
        let end = at + self.below((bytes.len() - at.min(bytes.len())).min(32) + 1);
        match self.below(8) {
            0 if !bytes.is_empty() => bytes[at] ^= 1 << self.below(8),
            1 if !bytes.is_empty() => bytes[at] = *self.pick(&[0, 0x7f, 0x80, 0xff, b'\r', b' ']),
            2 => bytes.truncate(at),
            3 => drop(bytes.drain(at..end.min(bytes.len()))),
            4 => {
                let piece = bytes[at..end.min(bytes.len())].to_vec();
                bytes.splice(at..at, piece);
            }
            // Lengths and counts that promise more than there is.
            5 if bytes.len() > at + 1 => bytes[at..at + 2].copy_from_slice(&[0xff, 0xff]),
            6 => {
                let digits = *self.pick(&[&b"99999999999999999999"[..], b"-1", b"\r\n", b"\0"]);
                bytes.splice(at..at, digits.iter().copied());
            }
            _ => bytes.extend((0..self.below(64)).map(|i| (i * 31) as u8)),
        }
    }
}
