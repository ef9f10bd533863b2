//! The formats of RTP that both sides have, and how they are written.

use crate::attribute::{Fmtp, Maxptime, Ptime, Rtpmap};
use crate::media::Media;
use crate::negotiate::codec::{
    self, COMFORT_NOISE, COMFORT_NOISE_TYPE, EVENTS, TELEPHONE_EVENT, TELEPHONE_RATE,
};
use crate::negotiate::{
    AgreedCodec, Codec, Formats, PayloadTypes, Refusal, Rtp, Selection, TelephoneEvent,
};

/// The formats of an offer that we take.
pub(super) fn answer(ours: &Rtp, offered: &Media<'_>, muxed: bool) -> Result<Formats, Refusal> {
    let theirs = usable(offered, muxed);
    let mut pairs: Vec<(&Codec, Rtpmap<'_>)> = Vec::new();
    for codec in &ours.codecs {
        let is_free = |format: &&Rtpmap<'_>| pairs.iter().all(|(_, pair)| pair != *format);
        let format = theirs
            .iter()
            .filter(is_free)
            .find(|format| codec.is(format));
        pairs.extend(format.map(|format| (codec, *format)));
        if ours.selection == Selection::First && !pairs.is_empty() {
            break;
        }
    }
    let mut formats = agreed(ours, offered, &theirs, &pairs)?;
    let wanted = formats.packet_time.or(ours.packet_time);
    let most = offered.find::<Maxptime>().map(|maxptime| maxptime.duration);
    formats.packet_time = wanted.map(|wanted| most.map_or(wanted, |most| wanted.min(most)));
    Ok(formats)
}

/// The formats of an answer to our offer. The peer may answer with numbers of its own; it sends
/// with ours (RFC 3264 §6.1).
pub(super) fn accept(ours: &Rtp, answered: &Media<'_>, muxed: bool) -> Result<Formats, Refusal> {
    let theirs = usable(answered, muxed);
    // Of several codecs of one name the one with the number of the answer is meant.
    let pair = |format: &Rtpmap<'_>| {
        let same = ours.codecs.iter().filter(|codec| codec.is(format));
        same.min_by_key(|codec| codec.payload_type != format.payload_type)
    };
    let pairs: Vec<_> = theirs
        .iter()
        .filter_map(|format| pair(format).map(|codec| (codec, *format)))
        .collect();
    let mut formats = agreed(ours, answered, &theirs, &pairs)?;
    for agreed in [&mut formats.codec]
        .into_iter()
        .chain(&mut formats.alternatives)
    {
        agreed.payload_types.receive = agreed.codec.payload_type;
    }
    formats.telephone_event = formats.telephone_event.and_then(|mut event| {
        let mut offered = events(ours).into_iter();
        let (_, number) = offered.find(|(rate, _)| *rate == event.clock_rate)?;
        event.payload_types.receive = number;
        Some(event)
    });
    if let Some(noise) = &mut formats.comfort_noise {
        noise.receive = COMFORT_NOISE_TYPE;
    }
    Ok(formats)
}

/// The formats that have a meaning and, where RTCP shares the port, cannot be taken for it
/// (RFC 5761 §4).
fn usable<'m>(media: &'m Media<'_>, muxed: bool) -> Vec<Rtpmap<'m>> {
    let mut formats = codec::formats(media);
    formats.retain(|format| !muxed || !(64..=95).contains(&format.payload_type));
    formats
}

/// The facts, where both sides use the peer's numbers. `telephone-event` stands at the clock rate
/// of the first codec (RFC 4733 §2.1), or else at that of all telephones.
fn agreed(
    ours: &Rtp,
    media: &Media<'_>,
    theirs: &[Rtpmap<'_>],
    pairs: &[(&Codec, Rtpmap<'_>)],
) -> Result<Formats, Refusal> {
    let mut codecs = pairs.iter().map(|(codec, format)| AgreedCodec {
        codec: (*codec).clone(),
        payload_types: both(format.payload_type),
        remote_parameters: parameters(media, format.payload_type),
    });
    let Some(codec) = codecs.next() else {
        return Err(Refusal::NoCommonCodec {
            offered: theirs.iter().map(codec::display).collect(),
            ours: ours.codecs.iter().map(Codec::to_string).collect(),
        });
    };
    let beside = |name: &str, clock_rate: u32| {
        let mut formats = theirs.iter();
        formats.find(|format| {
            format.encoding.eq_ignore_ascii_case(name)
                && format.clock_rate == clock_rate
                && format.channels.unwrap_or(1) == 1
                && pairs.iter().all(|(_, pair)| pair != *format)
        })
    };
    let clock_rate = codec.codec.clock_rate;
    let event = beside(TELEPHONE_EVENT, clock_rate)
        .or_else(|| beside(TELEPHONE_EVENT, TELEPHONE_RATE))
        .filter(|_| ours.telephone_event);
    let noise = beside(COMFORT_NOISE, clock_rate).filter(|_| ours.comfort_noise);
    Ok(Formats {
        alternatives: codecs.collect(),
        codec,
        telephone_event: event.map(|format| TelephoneEvent {
            payload_types: both(format.payload_type),
            clock_rate: format.clock_rate,
        }),
        comfort_noise: noise.map(|format| both(format.payload_type)),
        packet_time: media.find::<Ptime>().map(|ptime| ptime.duration),
    })
}

fn both(number: u8) -> PayloadTypes {
    PayloadTypes {
        send: number,
        receive: number,
    }
}

fn parameters(media: &Media<'_>, payload_type: u8) -> Option<String> {
    let is = |fmtp: &Fmtp<'_>| fmtp.format.parse() == Ok(payload_type);
    media
        .all::<Fmtp>()
        .find(is)
        .map(|fmtp| fmtp.parameters.to_owned())
}

/// Numbers for `telephone-event`: one for each clock rate of our codecs and for that of peers which
/// know no other, from 101 up, none that a codec has.
fn events(ours: &Rtp) -> Vec<(u32, u8)> {
    let mut events: Vec<(u32, u8)> = Vec::new();
    if !ours.telephone_event {
        return events;
    }
    // Keys alone, as a stream of their own, are a codec.
    if ours
        .codecs
        .iter()
        .any(|codec| codec.name.eq_ignore_ascii_case(TELEPHONE_EVENT))
    {
        return events;
    }
    let taken = |number: &u8| {
        ours.codecs
            .iter()
            .any(|codec| codec.payload_type == *number)
    };
    let mut free = (101..=127).filter(|number| !taken(number));
    let rates = ours.codecs.iter().map(|codec| codec.clock_rate);
    for clock_rate in rates.chain([TELEPHONE_RATE]) {
        if events.iter().all(|(rate, _)| *rate != clock_rate) {
            events.extend(free.next().map(|number| (clock_rate, number)));
        }
    }
    events
}

/// The formats of a section that we write, each with its number.
pub(super) struct Written<'c> {
    codecs: Vec<(&'c Codec, u8)>,
    /// Of `telephone-event`, by clock rate.
    events: Vec<(u32, u8)>,
    comfort_noise: Option<u8>,
}

impl<'c> Written<'c> {
    /// Those of an answer.
    pub(super) fn of_answer(formats: &'c Formats) -> Self {
        let codecs = [&formats.codec].into_iter().chain(&formats.alternatives);
        let event = formats.telephone_event;
        let event = event.map(|event| (event.clock_rate, event.payload_types.receive));
        Self {
            codecs: codecs
                .map(|agreed| (&agreed.codec, agreed.payload_types.receive))
                .collect(),
            events: event.into_iter().collect(),
            comfort_noise: formats.comfort_noise.map(|noise| noise.receive),
        }
    }

    /// Those of an offer.
    pub(super) fn of_offer(ours: &'c Rtp) -> Self {
        let is_narrow = |codec: &Codec| codec.clock_rate == TELEPHONE_RATE;
        let noise = ours.comfort_noise && ours.codecs.iter().any(is_narrow);
        Self {
            codecs: ours
                .codecs
                .iter()
                .map(|codec| (codec, codec.payload_type))
                .collect(),
            events: events(ours),
            comfort_noise: noise.then_some(COMFORT_NOISE_TYPE),
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
                let format = &number.to_string();
                media.push(&Fmtp { format, parameters });
            }
        }
        for &(clock_rate, payload_type) in &self.events {
            media.push(&mono(TELEPHONE_EVENT, clock_rate, payload_type));
            let (format, parameters) = (&*payload_type.to_string(), EVENTS);
            media.push(&Fmtp { format, parameters });
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
    fn who_answers_prefers() {
        let media = Media::read("m=audio 9 RTP/AVP 8 0", LineEnd::CrLf, 0).unwrap();
        let ours = Rtp::audio(vec![Codec::PCMU, Codec::PCMA]);
        assert_eq!(
            answer(&ours, &media, false).unwrap().codec.codec,
            Codec::PCMU
        );
        let formats = accept(&ours, &media, false).unwrap();
        assert_eq!(formats.codec.codec, Codec::PCMA);
        assert_eq!(
            formats.alternatives.first().map(|other| &other.codec),
            Some(&Codec::PCMU)
        );
    }

    #[test]
    fn a_refusal_names_both_lists() {
        let media = Media::read("m=audio 9 RTP/AVP 18", LineEnd::CrLf, 0).unwrap();
        let refusal = answer(&Rtp::audio(vec![Codec::OPUS]), &media, false).unwrap_err();
        let text = "no common codec: offered G729/8000, supported opus/48000/2";
        assert_eq!(refusal.to_string(), text);
    }
}
