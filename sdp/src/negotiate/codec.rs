//! Codecs: what we have, and what a media section has.

use std::borrow::Cow;
use std::fmt;

use crate::attribute::Rtpmap;
use crate::media::Media;

/// A codec of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Codec {
    /// The encoding name; upper and lower case do not differ.
    pub name: Cow<'static, str>,
    /// In hertz. That of G722 is 8000 by an old mistake (RFC 3551 §4.5.2).
    pub clock_rate: u32,
    /// Channels in SDP; 2 for every Opus (RFC 7587 §7).
    pub channels: u8,
    /// The payload type that we offer it as. Answers use the number of the offer.
    pub payload_type: u8,
    /// What we write in `a=fmtp`.
    pub parameters: Option<Cow<'static, str>>,
}

impl Codec {
    /// G.711 with mu-law (RFC 3551 §4.5.14).
    pub const PCMU: Self = Self::fixed("PCMU", 0);
    /// G.711 with A-law (RFC 3551 §4.5.14).
    pub const PCMA: Self = Self::fixed("PCMA", 8);
    /// G.722 (RFC 3551 §4.5.2).
    pub const G722: Self = Self::fixed("G722", 9);
    /// Opus (RFC 7587).
    pub const OPUS: Self = Self {
        name: Cow::Borrowed("opus"),
        clock_rate: 48_000,
        channels: 2,
        payload_type: 111,
        parameters: Some(Cow::Borrowed("minptime=10;useinbandfec=1")),
    };

    /// A codec of one channel without parameters.
    #[must_use]
    pub fn new(name: impl Into<Cow<'static, str>>, clock_rate: u32, payload_type: u8) -> Self {
        Self {
            name: name.into(),
            clock_rate,
            channels: 1,
            payload_type,
            parameters: None,
        }
    }

    const fn fixed(name: &'static str, payload_type: u8) -> Self {
        let name = Cow::Borrowed(name);
        Self {
            name,
            clock_rate: 8000,
            channels: 1,
            payload_type,
            parameters: None,
        }
    }

    pub(super) fn is(&self, format: &Rtpmap<'_>) -> bool {
        self.name.eq_ignore_ascii_case(format.encoding)
            && self.clock_rate == format.clock_rate
            && self.channels == format.channels.unwrap_or(1)
    }

    pub(super) fn rtpmap(&self, payload_type: u8) -> Rtpmap<'_> {
        let channels = (self.channels > 1).then_some(self.channels);
        Rtpmap {
            payload_type,
            encoding: &self.name,
            clock_rate: self.clock_rate,
            channels,
        }
    }
}

impl fmt::Display for Codec {
    /// `name/clock rate`, and the channels where there are several.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        display(&self.rtpmap(0)).fmt(f)
    }
}

pub(super) fn display(format: &Rtpmap<'_>) -> String {
    let text = format.to_string();
    text.split_once(' ')
        .map(|(_, codec)| codec.to_owned())
        .unwrap_or(text)
}

/// Names, clock rates and channels of RTP payload types that need no `a=rtpmap` (RFC 3551 §6).
const STATIC: [(u8, &str, u32, Option<u8>); 24] = [
    (0, "PCMU", 8000, None),
    (3, "GSM", 8000, None),
    (4, "G723", 8000, None),
    (5, "DVI4", 8000, None),
    (6, "DVI4", 16_000, None),
    (7, "LPC", 8000, None),
    (8, "PCMA", 8000, None),
    (9, "G722", 8000, None),
    (10, "L16", 44_100, Some(2)),
    (11, "L16", 44_100, None),
    (12, "QCELP", 8000, None),
    (13, "CN", 8000, None),
    (14, "MPA", 90_000, None),
    (15, "G728", 8000, None),
    (16, "DVI4", 11_025, None),
    (17, "DVI4", 22_050, None),
    (18, "G729", 8000, None),
    (25, "CelB", 90_000, None),
    (26, "JPEG", 90_000, None),
    (28, "nv", 90_000, None),
    (31, "H261", 90_000, None),
    (32, "MPV", 90_000, None),
    (33, "MP2T", 90_000, None),
    (34, "H263", 90_000, None),
];

/// The formats of a section with their codecs, most wanted first. Formats without a meaning are
/// left out, and an `a=rtpmap` for a number not in `m=` is ignored (RFC 3264 §5.1).
pub(super) fn formats<'m>(media: &'m Media<'_>) -> Vec<Rtpmap<'m>> {
    let mut table: [Option<Rtpmap<'m>>; 128] = [None; 128];
    for &(payload_type, encoding, clock_rate, channels) in &STATIC {
        if let Some(slot) = table.get_mut(usize::from(payload_type)) {
            *slot = Some(Rtpmap {
                payload_type,
                encoding,
                clock_rate,
                channels,
            });
        }
    }
    for rtpmap in media.all::<Rtpmap>() {
        if let Some(slot) = table.get_mut(usize::from(rtpmap.payload_type)) {
            *slot = Some(rtpmap);
        }
    }
    let listed = media.payload_types();
    listed
        .filter_map(|number| table.get_mut(usize::from(number))?.take())
        .collect()
}

pub(super) const TELEPHONE_EVENT: &str = "telephone-event";

/// The clock rate of telephones, in hertz: that of G.711, of its comfort noise and of the keys of
/// peers that know only one.
pub(super) const TELEPHONE_RATE: u32 = 8000;

pub(super) const COMFORT_NOISE: &str = "CN";

/// The static number of comfort noise (RFC 3389 §4).
pub(super) const COMFORT_NOISE_TYPE: u8 = 13;

/// The events of the keypad: 0 to 9, *, #, A to D (RFC 4733 §3.2).
pub(super) const EVENTS: &str = "0-15";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::line::LineEnd;

    #[test]
    fn static_numbers_need_no_rtpmap_and_orphans_are_ignored() {
        let mut media = Media::read("m=audio 9 RTP/AVP 8 96 0 8", LineEnd::CrLf, 0).unwrap();
        media.push_raw("rtpmap", Some("111 opus/48000/2")).unwrap();
        let names: Vec<_> = formats(&media).iter().map(display).collect();
        assert_eq!(names, ["PCMA/8000", "PCMU/8000"]);
    }
}
