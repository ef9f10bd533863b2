//! Codecs: what we have, what a media section has, and what both have.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use crate::attribute::{Direction, Fmtp, Ptime, Rtpmap};
use crate::media::Media;
use crate::negotiate::Refusal;

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

    fn is(&self, format: &Rtpmap<'_>) -> bool {
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

fn display(format: &Rtpmap<'_>) -> String {
    let text = format.to_string();
    text.split_once(' ')
        .map(|(_, codec)| codec.to_owned())
        .unwrap_or(text)
}

/// The numbers of one format. They differ only if the answerer chose its own (RFC 3264 §5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PayloadTypes {
    /// In packets that we send: the peer's number.
    pub send: u8,
    /// In packets that we receive: our number.
    pub receive: u8,
}

/// What was agreed for `telephone-event` (RFC 4733).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TelephoneEvent {
    /// Its numbers.
    pub payload_types: PayloadTypes,
    /// The clock that durations are counted in, in hertz: that of the codec, or 8000 if the peer
    /// has no other.
    pub clock_rate: u32,
}

/// What was agreed for the audio of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audio {
    /// The codec, one of ours.
    pub codec: Codec,
    /// Its numbers.
    pub payload_types: PayloadTypes,
    /// The peer's `a=fmtp` for the codec: what it can receive.
    pub remote_parameters: Option<String>,
    /// The keys of the keypad.
    pub telephone_event: Option<TelephoneEvent>,
    /// The numbers of comfort noise (RFC 3389), which stands beside codecs of 8000 Hz.
    pub comfort_noise: Option<PayloadTypes>,
    /// Which way media flows, seen from us.
    pub direction: Direction,
    /// How much audio the peer wants in a packet that we send.
    pub packet_time: Option<Duration>,
}

/// Names of RTP payload types that need no `a=rtpmap` (RFC 3551 §6, audio).
const STATIC: [(u8, &str, u32); 13] = [
    (0, "PCMU", 8000),
    (3, "GSM", 8000),
    (4, "G723", 8000),
    (5, "DVI4", 8000),
    (6, "DVI4", 16_000),
    (7, "LPC", 8000),
    (8, "PCMA", 8000),
    (9, "G722", 8000),
    (11, "L16", 44_100),
    (12, "QCELP", 8000),
    (13, "CN", 8000),
    (15, "G728", 8000),
    (18, "G729", 8000),
];

/// The formats of a section with their codecs, most wanted first. Formats without a meaning are
/// left out, and an `a=rtpmap` for a number not in `m=` is ignored (RFC 3264 §5.1).
pub(super) fn formats<'m>(media: &'m Media<'_>) -> Vec<Rtpmap<'m>> {
    let mut table: [Option<Rtpmap<'m>>; 128] = [None; 128];
    for &(payload_type, encoding, clock_rate) in &STATIC {
        let channels = None;
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

/// A format of the peer that is a codec of ours.
pub(super) struct Match<'c, 'm> {
    pub(super) codec: &'c Codec,
    pub(super) format: Rtpmap<'m>,
    pub(super) telephone_event: Option<Rtpmap<'m>>,
    pub(super) comfort_noise: Option<Rtpmap<'m>>,
}

/// Who decides which of several common codecs is used.
#[derive(Clone, Copy)]
pub(super) enum Preference {
    /// The first of ours that the peer has.
    Ours,
    /// The first of theirs that we have.
    Theirs,
}

/// The codec that both have, and what the peer has beside it: `telephone-event` at its clock rate
/// (RFC 4733 §2.1), or else at that of all telephones, and comfort noise.
pub(super) fn common<'c, 'm>(
    ours: &'c [Codec],
    formats: &[Rtpmap<'m>],
    preference: Preference,
) -> Result<Match<'c, 'm>, Refusal> {
    let pair = |codec: &'c Codec| {
        formats
            .iter()
            .find(|format| codec.is(format))
            .map(|format| (codec, *format))
    };
    let found = match preference {
        Preference::Ours => ours.iter().find_map(pair),
        Preference::Theirs => formats.iter().find_map(|format| {
            ours.iter()
                .find(|codec| codec.is(format))
                .map(|codec| (codec, *format))
        }),
    };
    let Some((codec, format)) = found else {
        return Err(Refusal::NoCommonCodec {
            offered: formats.iter().map(display).collect(),
            ours: ours.iter().map(Codec::to_string).collect(),
        });
    };
    let beside = |name: &str, clock_rate: u32| {
        let mut formats = formats.iter().copied();
        formats.find(|format| {
            format.encoding.eq_ignore_ascii_case(name)
                && format.clock_rate == clock_rate
                && format.channels.unwrap_or(1) == 1
        })
    };
    Ok(Match {
        codec,
        format,
        telephone_event: beside(TELEPHONE_EVENT, codec.clock_rate)
            .or_else(|| beside(TELEPHONE_EVENT, TELEPHONE_RATE)),
        comfort_noise: beside(COMFORT_NOISE, codec.clock_rate),
    })
}

pub(super) const TELEPHONE_EVENT: &str = "telephone-event";

/// The clock rate of telephones, in hertz: that of G.711, of its comfort noise and of the keys of
/// peers that know only one.
pub(super) const TELEPHONE_RATE: u32 = 8000;

const COMFORT_NOISE: &str = "CN";

/// The static number of comfort noise (RFC 3389 §4).
pub(super) const COMFORT_NOISE_TYPE: u8 = 13;

/// The events of the keypad: 0 to 9, *, #, A to D (RFC 4733 §3.2).
pub(super) const EVENTS: &str = "0-15";

impl Match<'_, '_> {
    /// The facts, where both sides use the peer's numbers.
    pub(super) fn agreed(&self, media: &Media<'_>, direction: Direction) -> Audio {
        let both = |format: &Rtpmap<'_>| PayloadTypes {
            send: format.payload_type,
            receive: format.payload_type,
        };
        let number = self.format.payload_type.to_string();
        let fmtp = media.all::<Fmtp>().find(|fmtp| fmtp.format == number);
        Audio {
            codec: self.codec.clone(),
            payload_types: both(&self.format),
            remote_parameters: fmtp.map(|fmtp| fmtp.parameters.to_owned()),
            telephone_event: self.telephone_event.map(|format| TelephoneEvent {
                payload_types: both(&format),
                clock_rate: format.clock_rate,
            }),
            comfort_noise: self.comfort_noise.as_ref().map(both),
            direction,
            packet_time: media.find::<Ptime>().map(|ptime| ptime.duration),
        }
    }
}

/// What the first of `sections` that can be agreed to gives; the reason of the first one if none
/// can.
pub(super) fn first_agreed<S, T>(
    sections: impl Iterator<Item = S>,
    mut agree: impl FnMut(S) -> Result<T, Refusal>,
) -> Result<T, Refusal> {
    let mut first = None;
    for section in sections {
        match agree(section) {
            Ok(agreed) => return Ok(agreed),
            Err(refusal) => first = first.or(Some(refusal)),
        }
    }
    Err(first.unwrap_or(Refusal::NoAudio))
}

/// The formats of a section, each with its number.
pub(super) struct Formats<'c> {
    pub(super) codecs: Vec<(&'c Codec, u8)>,
    /// Of `telephone-event`, by clock rate.
    pub(super) events: Vec<(u32, u8)>,
    pub(super) comfort_noise: Option<u8>,
}

impl<'c> Formats<'c> {
    /// Those of an answer.
    pub(super) fn of(audio: &'c Audio) -> Self {
        let event = audio.telephone_event;
        Self {
            codecs: vec![(&audio.codec, audio.payload_types.receive)],
            events: event
                .map(|event| (event.clock_rate, event.payload_types.receive))
                .into_iter()
                .collect(),
            comfort_noise: audio.comfort_noise.map(|noise| noise.receive),
        }
    }

    /// The numbers for `m=`, the most wanted first.
    pub(super) fn list(&self) -> String {
        let codecs = self.codecs.iter().map(|(_, number)| *number);
        let events = self.events.iter().map(|(_, number)| *number);
        let numbers = codecs.chain(events).chain(self.comfort_noise);
        let texts: Vec<_> = numbers.map(|number| number.to_string()).collect();
        texts.join(" ")
    }

    /// Writes `a=rtpmap` and `a=fmtp`.
    pub(super) fn write(&self, media: &mut Media<'_>) {
        for (codec, number) in &self.codecs {
            media.push(&codec.rtpmap(*number));
            if let Some(parameters) = &codec.parameters {
                media.push(&Fmtp {
                    format: &number.to_string(),
                    parameters,
                });
            }
        }
        for &(clock_rate, payload_type) in &self.events {
            media.push(&mono(TELEPHONE_EVENT, clock_rate, payload_type));
            media.push(&Fmtp {
                format: &payload_type.to_string(),
                parameters: EVENTS,
            });
        }
        if let Some(payload_type) = self.comfort_noise {
            media.push(&mono(COMFORT_NOISE, TELEPHONE_RATE, payload_type));
        }
    }
}

fn mono(encoding: &str, clock_rate: u32, payload_type: u8) -> Rtpmap<'_> {
    Rtpmap {
        payload_type,
        encoding,
        clock_rate,
        channels: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::line::LineEnd;

    #[test]
    fn static_numbers_need_no_rtpmap_and_orphans_are_ignored() {
        let mut media = Media::read("m=audio 9 RTP/AVP 8 96 0 8", LineEnd::CrLf, 0).unwrap();
        media.push_raw("rtpmap", Some("111 opus/48000/2")).unwrap();
        let formats = formats(&media);
        let names: Vec<_> = formats.iter().map(display).collect();
        assert_eq!(names, ["PCMA/8000", "PCMU/8000"]);
        let ours = [Codec::PCMU, Codec::PCMA];
        let first = |preference| common(&ours, &formats, preference).unwrap().codec.clone();
        assert_eq!(first(Preference::Ours), Codec::PCMU);
        assert_eq!(first(Preference::Theirs), Codec::PCMA);
    }

    #[test]
    fn a_refusal_names_both_lists() {
        let media = Media::read("m=audio 9 RTP/AVP 18", LineEnd::CrLf, 0).unwrap();
        let refusal = common(&[Codec::OPUS], &formats(&media), Preference::Ours)
            .err()
            .unwrap();
        let text = "no common codec: offered G729/8000, supported opus/48000/2";
        assert_eq!(refusal.to_string(), text);
    }
}
