//! The bounds of a [`Sender`](crate::Sender) or [`Receiver`](crate::Receiver).

use crate::error::ConfigError;
use crate::header_extension::HeaderExtensions;
use crate::profile::Profile;

/// The greatest window that index estimation can tell apart.
pub(crate) const WINDOW_MAX: u16 = 32_767;

/// From the smallest window of RFC 3711 §3.3.2 on.
const WINDOW_RANGE: core::ops::RangeInclusive<u16> = 64..=WINDOW_MAX;

/// Settings of a [`Sender`](crate::Sender) or a [`Receiver`](crate::Receiver).
///
/// ```
/// let mut config = srtp::Config::default();
/// config.rtp_window = 1024;
/// config.max_streams = 8;
/// config.header_extensions = srtp::HeaderExtensions::Cryptex;
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// Replay window of each RTP stream in packets, 64 to 32767; 128 by default. A sender uses
    /// it to refuse a sequence number that it has protected before.
    pub rtp_window: u16,
    /// Replay window of each RTCP stream in packets, 64 to 32767; 128 by default. A sender
    /// counts its own index and has no use for it.
    pub rtcp_window: u16,
    /// How many RTP streams and, apart from them, how many RTCP streams there may be at a time;
    /// 1024 by default. A [`Sender`](crate::Sender) never forgets one.
    pub max_streams: usize,
    /// [`Event::KeyNearlyUsed`](crate::Event::KeyNearlyUsed) comes when fewer packets than this
    /// are left of a key's lifetime, SRTP or SRTCP, and not before half of it is used; so too
    /// [`Event::StreamNearlyUsed`](crate::Event::StreamNearlyUsed) with the indices of a stream. 65536
    /// by default, 20 minutes at 50 packets a second. It has to exceed the packets between two calls
    /// of `poll_event` and those that pass while the next key is on its way.
    pub rekey_margin: u64,
    /// What is hidden of RTP header extensions: [`HeaderExtensions::Clear`], nothing, by default.
    /// A profile that does not encrypt takes nothing else.
    pub header_extensions: HeaderExtensions,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            rtp_window: 128,
            rtcp_window: 128,
            max_streams: 1024,
            rekey_margin: 1 << 16,
            header_extensions: HeaderExtensions::Clear,
        }
    }
}

impl Config {
    pub(crate) fn validate(self, profile: Profile) -> Result<Self, ConfigError> {
        for found in [self.rtp_window, self.rtcp_window] {
            if !WINDOW_RANGE.contains(&found) {
                return Err(ConfigError::ReplayWindow { found });
            }
        }
        if !profile.encrypts() && self.header_extensions != HeaderExtensions::Clear {
            return Err(ConfigError::NotEncrypting { profile });
        }
        Ok(self)
    }
}
