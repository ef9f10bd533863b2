//! The packets that everybody gets: the same bytes under the same keys.

/// Packets of a sample: at 1200 bytes they fit into the second-level cache.
pub(crate) const BATCH: usize = 256;

/// The one stream, or the first of many.
pub(crate) const SSRC: u32 = 0x1234_5678;

/// How many streams are many.
const STREAMS: u64 = 100;

/// Room behind a packet: the longest trailer, and what libsrtp wants to write to (bytes).
const ROOM: usize = 32;

/// The profiles that are measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    Cm128,
    Gcm128,
    Gcm256,
}

impl Profile {
    pub(crate) const ALL: [Self; 3] = [Self::Cm128, Self::Gcm128, Self::Gcm256];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Cm128 => "CM_HMAC_SHA1_80",
            Self::Gcm128 => "AEAD_AES_128_GCM",
            Self::Gcm256 => "AEAD_AES_256_GCM",
        }
    }

    pub(crate) fn key(self) -> Vec<u8> {
        let len = if self == Self::Gcm256 { 32 } else { 16 };
        (0..len).map(|at: u8| at.wrapping_mul(37) ^ 0x5a).collect()
    }

    pub(crate) fn salt(self) -> Vec<u8> {
        let len = if self == Self::Cm128 { 14 } else { 12 };
        (0..len).map(|at: u8| at ^ 0xa5).collect()
    }
}

/// What the packets of an item look like.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shape {
    /// RTP with so many bytes of payload.
    Rtp { payload: usize },
    /// RTP with a header extension of two elements, 12 bytes, in front of the payload.
    RtpWithExtension { payload: usize },
    /// RTP with so many bytes of payload, each packet of another stream than the one before.
    RtpOfManyStreams { payload: usize },
    /// RTCP of so many bytes in all.
    Rtcp { len: usize },
}

impl Shape {
    pub(crate) const ALL: [(&'static str, Self); 7] = [
        ("20", Self::Rtp { payload: 20 }),
        ("160", Self::Rtp { payload: 160 }),
        ("1200", Self::Rtp { payload: 1200 }),
        ("1200+ext", Self::RtpWithExtension { payload: 1200 }),
        (
            "160 of 100 streams",
            Self::RtpOfManyStreams { payload: 160 },
        ),
        ("RR 32", Self::Rtcp { len: 32 }),
        ("104", Self::Rtcp { len: 104 }),
    ];

    pub(crate) const fn is_rtcp(self) -> bool {
        matches!(self, Self::Rtcp { .. })
    }
}

/// A packet in its buffer, protected or not.
pub(crate) struct Packet {
    pub(crate) buf: Vec<u8>,
    /// How many bytes of `buf` are the packet.
    pub(crate) len: usize,
    /// How many bytes at its beginning stay in the clear. Only the floor takes it from here.
    pub(crate) clear: usize,
    /// Its index. Only the floor takes it from here.
    pub(crate) index: u64,
}

impl Packet {
    /// The packet without the room behind it.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.buf[..self.len]
    }
}

/// Makes the packets of an item, one after the other.
pub(crate) struct Packets {
    shape: Shape,
    next: u64,
}

impl Packets {
    pub(crate) const fn new(shape: Shape) -> Self {
        Self { shape, next: 0 }
    }

    pub(crate) fn batch(&mut self) -> Vec<Packet> {
        (0..BATCH).map(|_| self.packet()).collect()
    }

    fn packet(&mut self) -> Packet {
        let mut index = self.next;
        self.next += 1;
        let (mut buf, clear, len) = match self.shape {
            Shape::Rtp { payload } => (rtp_header(index, SSRC, 0x80), 12, 12 + payload),
            Shape::RtpWithExtension { payload } => {
                let mut header = rtp_header(index, SSRC, 0x90);
                // RFC 8285 §4.2: an absolute send time (3 bytes) and a transport-wide number (2).
                header.extend([0xbe, 0xde, 0, 2, 0x32, 1, 2, 3, 0x51, 7, 8, 0]);
                (header, 24, 24 + payload)
            }
            Shape::RtpOfManyStreams { payload } => {
                // In an order that is not that of the SSRCs; 37 and 100 have no common divisor.
                let stream = index * 37 % STREAMS;
                index /= STREAMS;
                let header = rtp_header(index, SSRC + stream as u32, 0x80);
                (header, 12, 12 + payload)
            }
            Shape::Rtcp { len } => (rtcp_header(len), 8, len),
        };
        buf.reserve_exact(len + ROOM - buf.len());
        buf.resize(len, index as u8);
        buf.resize(len + ROOM, 0);
        Packet {
            buf,
            len,
            clear,
            index,
        }
    }
}

fn rtp_header(index: u64, ssrc: u32, first: u8) -> Vec<u8> {
    let mut header = vec![first, 96];
    header.extend((index as u16).to_be_bytes());
    header.extend((index as u32).wrapping_mul(960).to_be_bytes());
    header.extend(ssrc.to_be_bytes());
    header
}

fn rtcp_header(len: usize) -> Vec<u8> {
    let mut header = vec![0x81, 201];
    header.extend((len as u16 / 4 - 1).to_be_bytes());
    header.extend(SSRC.to_be_bytes());
    header
}
