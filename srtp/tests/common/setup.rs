//! A sender and a receiver that go together, for every profile and option.

use std::fmt::Debug;

use srtp::{Config, HeaderExtensions, MasterKey, Profile, Receiver, Sender, UnprotectError};

use super::{key, with_room};

/// Lengths of MKIs to try, 0 without one.
const MKI_LENGTHS: [usize; 4] = [0, 1, 4, 128];

/// What both sides agree on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setup {
    pub(crate) profile: Profile,
    pub(crate) mki_len: usize,
    pub(crate) config: Config,
}

impl Setup {
    pub(crate) fn new(profile: Profile) -> Self {
        let config = Config::default();
        Self {
            profile,
            mki_len: 0,
            config,
        }
    }

    pub(crate) fn with_windows(mut self, window: u16) -> Self {
        self.config.rtp_window = window;
        self.config.rtcp_window = window;
        self
    }

    /// Every profile with every kind of header extensions and MKIs of several lengths.
    pub(crate) fn all() -> Vec<Self> {
        let hidden = [
            HeaderExtensions::Clear,
            HeaderExtensions::Cryptex,
            HeaderExtensions::Encrypted([1, 3].into_iter().collect()),
        ];
        let mut all = vec![];
        for profile in Profile::ALL {
            let kinds = hidden.iter().take(if profile.encrypts() { 3 } else { 1 });
            for (&kind, mki_len) in kinds.flat_map(|kind| MKI_LENGTHS.map(|len| (kind, len))) {
                let mut setup = Self {
                    mki_len,
                    ..Self::new(profile)
                };
                setup.config.header_extensions = kind;
                all.push(setup);
            }
        }
        all
    }

    fn key(self) -> MasterKey {
        match self.mki_len {
            0 => key(self.profile, 1),
            len => key(self.profile, 1).with_mki(&vec![0x5a; len]).unwrap(),
        }
    }

    pub(crate) fn sender(self) -> Sender {
        Sender::with_config(self.key(), self.config).unwrap()
    }

    pub(crate) fn receiver(self) -> Receiver {
        Receiver::with_config(self.key(), self.config).unwrap()
    }
}

/// RTP or RTCP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Rtp,
    Rtcp,
}

impl Kind {
    pub(crate) const BOTH: [Self; 2] = [Self::Rtp, Self::Rtcp];

    pub(crate) fn seal(self, sender: &mut Sender, plain: &[u8]) -> Vec<u8> {
        let (mut buf, len) = with_room(plain);
        buf.resize(buf.len() + 128, 0);
        let sealed = match self {
            Self::Rtp => sender.protect_rtp(&mut buf, len),
            Self::Rtcp => sender.protect_rtcp(&mut buf, len),
        };
        let behind = buf.split_off(sealed.unwrap());
        assert!(
            behind.iter().all(|&byte| byte == 0),
            "wrote behind the packet"
        );
        buf
    }

    pub(crate) fn open(
        self,
        receiver: &mut Receiver,
        packet: &[u8],
    ) -> Result<Vec<u8>, UnprotectError> {
        let mut buf = packet.to_vec();
        let len = match self {
            Self::Rtp => receiver.unprotect_rtp(&mut buf),
            Self::Rtcp => receiver.unprotect_rtcp(&mut buf),
        }?;
        buf.truncate(len);
        Ok(buf)
    }
}

/// All that a sender or a receiver is, but for its counters: keys, streams, indices, windows.
pub(crate) fn state(of: &impl Debug) -> String {
    let shown = format!("{of:?}");
    let (before, stats) = shown.split_once("stats: ").unwrap();
    let (_, after) = stats.split_once('}').unwrap();
    format!("{before}{after}")
}
