//! Sequences of operations on a sender and its receiver over a link that the input controls.
//!
//! Input: one byte that chooses, then operations of four bytes: what to do, which stream, and a number.
//! Bits 0 to 2 of the first byte are the profile, bits 3 and 4 what header extensions hide, bit 5
//! tells whether there is an MKI, bits 6 and 7 are the window. The low four bits of an operation say
//! what it is.
//!
//! What was protected opens once, unless its stream was forgotten; what was changed never does; no
//! key is used beyond its lifetime; what is kept is bounded.
#![no_main]

use std::collections::{BTreeMap, BTreeSet};

use libfuzzer_sys::fuzz_target;
use srtp::{
    BatchPacket, Config, Event, HeaderExtensions, MasterKey, Profile, Receiver, Sender,
    TRAILER_MAX, UnprotectError, is_rtcp,
};

const WINDOWS: [u16; 4] = [64, 128, 1024, 32_767];

/// Streams at a time, of twice as many that there are.
const STREAMS: usize = 4;

/// Packets under a key of an odd number.
const LIFETIME: u64 = 40;

/// Length of each plain packet, in bytes.
const LEN: usize = 40;

/// How a session is set up.
#[derive(Clone, Copy)]
struct Setup {
    profile: Profile,
    has_mki: bool,
    config: Config,
}

impl Setup {
    fn new(choice: u8) -> Self {
        let profile = Profile::ALL[usize::from(choice & 7)];
        let mut config = Config::default();
        config.max_streams = STREAMS;
        config.rekey_margin = 10;
        config.rtp_window = WINDOWS[usize::from(choice >> 6)];
        config.rtcp_window = config.rtp_window;
        config.header_extensions = match choice >> 3 & 3 {
            1 if profile.encrypts() => HeaderExtensions::Cryptex,
            2 if profile.encrypts() => HeaderExtensions::Encrypted([1, 3].into_iter().collect()),
            3 if profile.encrypts() => HeaderExtensions::Encrypted((1..=255).collect()),
            _ => HeaderExtensions::Clear,
        };
        let has_mki = choice & 0x20 != 0;
        Self {
            profile,
            has_mki,
            config,
        }
    }

    /// A key that is another one for each number.
    fn key(self, number: u8) -> MasterKey {
        let (key, salt) = (
            vec![number; self.profile.key_len()],
            vec![9; self.profile.salt_len()],
        );
        let new = match self.profile.encrypts() {
            true => MasterKey::new,
            false => MasterKey::new_unencrypted,
        };
        let mut key = new(self.profile, &key, &salt).expect("lengths are the profile's");
        if self.has_mki {
            key = key
                .with_mki(&[0, number])
                .expect("a length that is allowed");
        }
        match number % 2 {
            0 => key,
            _ => key
                .with_lifetime(LIFETIME)
                .expect("a number that is allowed"),
        }
    }
}

struct Sent {
    ssrc: u32,
    packet: Vec<u8>,
}

struct Link {
    setup: Setup,
    sender: Sender,
    receiver: Receiver,
    sent: Vec<Sent>,
    /// Places in `sent`.
    taken: BTreeSet<usize>,
    /// RTP and RTCP packets under the present key.
    used: [u64; 2],
    /// The number of the present key; one that was there is not used again.
    key: u8,
}

impl Link {
    fn new(setup: Setup) -> Self {
        Self {
            setup,
            sender: Sender::with_config(setup.key(0), setup.config).expect("in range"),
            receiver: Receiver::with_config(setup.key(0), setup.config).expect("in range"),
            sent: Vec::new(),
            taken: BTreeSet::new(),
            used: [0, 0],
            key: 0,
        }
    }

    /// A packet with a CSRC and an extension, or a report, and room behind it.
    fn plain(rtp: bool, ssrc: u8, sequence_number: [u8; 2]) -> Vec<u8> {
        let [high, low] = sequence_number;
        let mut packet = match rtp {
            true => vec![0x91, 0, high, low, 0, 0, 0, 1, 0, 0, 0, ssrc, 1, 2, 3, 4],
            false => vec![0x80, 201, 0, 7, 0, 0, 0, ssrc, high, low],
        };
        if rtp {
            packet.extend([0xbe, 0xde, 0, 1, 0x10, high, 0x30, low]);
        }
        packet.resize(LEN + TRAILER_MAX + 2, ssrc);
        packet
    }

    fn protect(&mut self, rtp: bool, ssrc: u8, number: [u8; 2]) {
        let mut buf = Self::plain(rtp, ssrc, number);
        let sealed = match rtp {
            true => self.sender.protect_rtp(&mut buf, LEN),
            false => self.sender.protect_rtcp(&mut buf, LEN),
        };
        if let Ok(len) = sealed {
            buf.truncate(len);
            self.keep(buf);
        }
    }

    fn protect_batch(&mut self, ssrc: u8, [high, low]: [u8; 2]) {
        let number = |at: u8| [high, low.wrapping_add(at)];
        let mut bufs = [0, 1, 2].map(|at| Self::plain(true, (ssrc + at) % 8, number(at)));
        let mut batch = bufs.each_mut().map(|buf| BatchPacket::new(buf, LEN));
        let protected = self.sender.protect_rtp_batch(&mut batch);
        let sealed: Vec<_> = batch
            .iter()
            .filter_map(|it| it.bytes().ok().map(<[u8]>::to_vec))
            .collect();
        assert_eq!(sealed.len(), protected);
        sealed.into_iter().for_each(|packet| self.keep(packet));
    }

    fn keep(&mut self, packet: Vec<u8>) {
        assert!(
            self.sent.iter().all(|sent| sent.packet != packet),
            "an index twice"
        );
        let rtcp = is_rtcp(&packet);
        let at = if rtcp { 7 } else { 11 };
        let ssrc = u32::from(packet[at]);
        let used = &mut self.used[usize::from(rtcp)];
        *used += 1;
        assert!(
            self.key % 2 == 0 || *used <= LIFETIME,
            "a key beyond its lifetime"
        );
        self.sent.push(Sent { ssrc, packet });
    }

    fn unprotect(&mut self, packet: &mut [u8]) -> Result<usize, UnprotectError> {
        match is_rtcp(packet) {
            false => self.receiver.unprotect_rtp(packet),
            true => self.receiver.unprotect_rtcp(packet),
        }
    }

    fn deliver(&mut self, at: usize) {
        let mut packet = self.sent[at].packet.clone();
        if self.unprotect(&mut packet).is_ok() {
            assert!(self.taken.insert(at), "a packet was taken twice");
        }
    }

    fn deliver_batch(&mut self, at: usize) {
        let end = self.sent.len().min(at + 3);
        let mut bufs: Vec<_> = self.sent[at..end]
            .iter()
            .map(|sent| sent.packet.clone())
            .collect();
        let mut batch: Vec<_> = bufs
            .iter_mut()
            .map(|buf| {
                let len = buf.len();
                BatchPacket::new(buf, len)
            })
            .collect();
        let taken = self.receiver.unprotect_batch(&mut batch);
        let opened = batch
            .iter()
            .enumerate()
            .filter(|(_, packet)| packet.len.is_ok());
        let places: Vec<_> = opened.map(|(place, _)| at + place).collect();
        assert_eq!(places.len(), taken);
        for place in places {
            assert!(self.taken.insert(place), "a packet was taken twice");
        }
    }

    fn forge(&mut self, at: usize, byte: u8, bit: u8) {
        let mut packet = self.sent[at].packet.clone();
        let end = packet.len();
        packet[usize::from(byte) % end] ^= 1 << bit;
        let streams = (self.receiver.rtp_streams(), self.receiver.rtcp_streams());
        assert!(
            self.unprotect(&mut packet).is_err(),
            "a changed packet was taken"
        );
        let now = (self.receiver.rtp_streams(), self.receiver.rtcp_streams());
        assert_eq!(now, streams);
    }

    /// The next key on both sides: beside the former ones if its MKI tells it from them and they are
    /// to stay, else in their place.
    fn change_key(&mut self, beside: bool) {
        let Some(number) = self.key.checked_add(1) else {
            return;
        };
        let next = || self.setup.key(number);
        let added = match beside && self.setup.has_mki {
            true => self.receiver.add_key(next()).is_ok(),
            false => self.receiver.change_key(next()).is_ok(),
        };
        if added {
            self.sender
                .change_key(next())
                .expect("it fits the one before");
            self.key = number;
            self.used = [0, 0];
        }
    }

    fn forget(&mut self, ssrc: u32) {
        self.receiver.forget(ssrc);
        self.taken.retain(|&at| self.sent[at].ssrc != ssrc);
    }

    fn forget_idle(&mut self) {
        let streams = self.receiver.rtp_streams() + self.receiver.rtcp_streams();
        self.receiver.forget_idle();
        // Which ones it was is not told.
        if self.receiver.rtp_streams() + self.receiver.rtcp_streams() < streams {
            self.taken.clear();
        }
    }

    /// Each event of a key comes once, and none after its end.
    fn poll(&mut self, told: &mut [BTreeMap<Option<Box<[u8]>>, u8>; 2]) {
        let sender = std::iter::from_fn(|| self.sender.poll_event()).take(100);
        let sender: Vec<_> = sender.map(|event| (0, event)).collect();
        let receiver = std::iter::from_fn(|| self.receiver.poll_event()).take(100);
        for (side, event) in sender.into_iter().chain(receiver.map(|event| (1, event))) {
            let (mki, rank) = match event {
                Event::KeyNearlyUsed { mki, left } => {
                    assert!(left > 0);
                    (mki, 1)
                }
                Event::KeyExhausted { mki } => (mki, 2),
                _ => continue,
            };
            let before = told[side].insert(mki, rank);
            assert!(before.is_none_or(|before| before < rank), "an event twice");
        }
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((&choice, operations)) = data.split_first() else {
        return;
    };
    let mut link = Link::new(Setup::new(choice));
    let mut told = [BTreeMap::new(), BTreeMap::new()];
    for &[what, which, high, low] in operations.as_chunks::<4>().0.iter().take(512) {
        let (ssrc, number) = (which % 8, [high, low]);
        let at = match link.sent.len() {
            0 => None,
            sent => Some(usize::from(u16::from_be_bytes(number)) % sent),
        };
        match (what & 0x0f, at) {
            (0, _) => link.protect(true, ssrc, number),
            (1, _) => link.protect(false, ssrc, number),
            (2, Some(at)) => link.deliver(at),
            (3, Some(at)) => link.forge(at, which, what >> 5),
            (4, _) => {
                let roc = u32::from(low % 4);
                let _ = link.sender.set_roc(u32::from(ssrc), roc);
                let _ = link.receiver.set_roc(u32::from(ssrc), roc);
            }
            (5, _) => {
                let _ = link
                    .sender
                    .set_next_rtcp_index(u32::from(ssrc), u32::from(high));
            }
            (6, _) => link.protect_batch(ssrc, number),
            (7, Some(at)) => link.deliver_batch(at),
            (8, _) => link.change_key(true),
            (13, _) => link.change_key(false),
            (9, _) => {
                link.receiver.remove_key(&[0, low]);
            }
            (10, _) => link.forget(u32::from(ssrc)),
            (11, _) => link.forget_idle(),
            (12, _) => link.poll(&mut told),
            _ => {}
        }
        assert!(link.receiver.rtp_streams() <= STREAMS && link.receiver.rtcp_streams() <= STREAMS);
        assert!(link.sender.rtp_streams() <= STREAMS);
    }
});
