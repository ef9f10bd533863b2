//! Offers and answers plain RTP (RTP/AVP) towards a SIP phone.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::attribute::{Direction, Mid, Ptime, Rtcp, RtcpMux};
use crate::description::Description;
use crate::field::{Connection, family};
use crate::line::Line;
use crate::media::Media;
use crate::negotiate::browser::reject;
use crate::negotiate::codec::{self, COMFORT_NOISE_TYPE, Formats, Preference, TELEPHONE_RATE};
use crate::negotiate::{Audio, Codec, LocalOrigin, Refusal};
use crate::protocol::Protocol;

/// Our end of a plain RTP session.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// Our `o=` line.
    pub origin: LocalOrigin,
    /// Where we receive.
    pub address: IpAddr,
    /// Where we receive RTP.
    pub rtp_port: u16,
    /// Where we receive RTCP. The same port as RTP offers `a=rtcp-mux`.
    pub rtcp_port: u16,
    /// Our codecs, most wanted first.
    pub codecs: Vec<Codec>,
    /// Whether to agree to `telephone-event` (RFC 4733).
    pub telephone_event: bool,
    /// Whether to agree to comfort noise (RFC 3389).
    pub comfort_noise: bool,
    /// Which way we let media flow.
    pub direction: Direction,
    /// What the phone should put into one packet.
    pub packet_time: Option<Duration>,
}

/// Where our packets go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Destination {
    /// To the phone.
    Address {
        /// Where RTP goes.
        rtp: SocketAddr,
        /// Where RTCP goes; the same address where it is multiplexed.
        rtcp: SocketAddr,
    },
    /// Nowhere: the phone put us on hold with the address `0.0.0.0` (RFC 3264 §8.4).
    Held,
}

/// What was agreed with the phone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Codec, payload types, direction.
    pub audio: Audio,
    /// Where our packets go.
    pub destination: Destination,
}

/// An offer that waits for its answer.
#[derive(Debug, Clone)]
pub struct Offer {
    /// To be sent to the phone.
    pub description: Description<'static>,
    endpoint: Endpoint,
    /// Which section is the audio.
    section: usize,
    /// The clock rates and numbers that we offered `telephone-event` with.
    events: Vec<(u32, u8)>,
}

/// An answer, and what it agrees to.
#[derive(Debug, Clone)]
pub struct Answer {
    /// To be sent to the phone.
    pub description: Description<'static>,
    /// What was agreed.
    pub session: Session,
}

/// Offers all codecs of `endpoint` in one RTP/AVP section.
#[must_use]
pub fn offer(endpoint: Endpoint) -> Offer {
    offer_beside(endpoint, &[])
}

/// Offers the same as [`offer`] within a session in which `ours` is our latest description. Its
/// sections keep their places, and what is rejected there stays so (RFC 3264 §8).
#[must_use]
pub fn offer_again(endpoint: Endpoint, ours: &Description<'_>) -> Offer {
    offer_beside(endpoint, ours.media())
}

fn offer_beside(endpoint: Endpoint, before: &[Media<'_>]) -> Offer {
    let events = events(&endpoint);
    let formats = Formats {
        codecs: endpoint
            .codecs
            .iter()
            .map(|codec| (codec, codec.payload_type))
            .collect(),
        events: events.clone(),
        comfort_noise: has_comfort_noise(&endpoint).then_some(COMFORT_NOISE_TYPE),
    };
    let media = section(&endpoint, Protocol::RtpAvp, &formats, endpoint.direction);
    let mut audio = Some(media);
    let mut section = 0;
    let mut description = endpoint.origin.description();
    for (index, known) in before.iter().enumerate() {
        let accepted = (known.port() != 0).then(|| audio.take()).flatten();
        if accepted.is_some() {
            section = index;
        }
        description.push_media(accepted.unwrap_or_else(|| reject(known)));
    }
    if let Some(audio) = audio {
        section = before.len();
        description.push_media(audio);
    }
    Offer {
        description,
        endpoint,
        section,
        events,
    }
}

impl Offer {
    /// Reads the phone's answer to this offer.
    ///
    /// # Errors
    /// The reason why the session cannot be: above all, that the phone rejected it.
    pub fn accept(&self, answer: &Description<'_>) -> Result<Session, Refusal> {
        let offered = self.description.media().len();
        let answered = answer.media().len();
        let media = answer.media().get(self.section);
        let Some(media) = media.filter(|_| offered == answered) else {
            return Err(Refusal::SectionsDiffer { offered, answered });
        };
        if media.port() == 0 {
            return Err(Refusal::Rejected);
        }
        check_plain_audio(media)?;
        let formats = codec::formats(media);
        let common = codec::common(&self.endpoint.codecs, &formats, Preference::Theirs)?;
        let mut session = session(answer, media, &common, &self.endpoint)?;
        // The phone may answer with numbers of its own; it sends with ours (RFC 3264 §6.1).
        session.audio.payload_types.receive = common.codec.payload_type;
        session.audio.telephone_event = session.audio.telephone_event.and_then(|mut event| {
            let mut offered = self.events.iter();
            let (_, number) = offered.find(|(rate, _)| *rate == event.clock_rate)?;
            event.payload_types.receive = *number;
            Some(event)
        });
        if let Some(noise) = &mut session.audio.comfort_noise {
            noise.receive = COMFORT_NOISE_TYPE;
        }
        Ok(session)
    }
}

/// Answers the first audio section of a phone's offer that can be agreed to, with one codec; every
/// other section is rejected with port 0 (RFC 3264 §6).
///
/// # Errors
/// The reason why the first audio section cannot be agreed to.
pub fn answer(offer: &Description<'_>, endpoint: &Endpoint) -> Result<Answer, Refusal> {
    let sections = offer.media().iter().enumerate();
    let audio = sections.filter(|(_, media)| media.kind() == "audio" && media.port() != 0);
    let (index, session) = codec::first_agreed(audio, |(index, media)| {
        check_plain_audio(media)?;
        let formats = codec::formats(media);
        let common = codec::common(&endpoint.codecs, &formats, Preference::Ours)?;
        Ok((index, session(offer, media, &common, endpoint)?))
    })?;
    let mut description = endpoint.origin.description();
    for (position, offered) in offer.media().iter().enumerate() {
        description.push_media(match position == index {
            true => accept(offered, &session.audio, endpoint),
            false => reject(offered),
        });
    }
    Ok(Answer {
        description,
        session,
    })
}

/// The offered section with our address and the one codec.
fn accept(offered: &Media<'_>, audio: &Audio, endpoint: &Endpoint) -> Media<'static> {
    let protocol = offered.protocol().clone().into_owned();
    let mut media = section(endpoint, protocol, &Formats::of(audio), audio.direction);
    // RFC 5761 §5.1.1: an answer multiplexes only what the offer did.
    if !offered.has::<RtcpMux>() {
        media.remove::<RtcpMux>();
    }
    if let Some(mid) = offered.find::<Mid>() {
        media.push(&mid);
    }
    media
}

/// Whether a section is audio in plain RTP.
fn check_plain_audio(media: &Media<'_>) -> Result<(), Refusal> {
    if media.kind() != "audio" {
        return Err(Refusal::NoAudio);
    }
    match media.protocol() {
        Protocol::RtpAvp | Protocol::RtpAvpf => Ok(()),
        other => Err(Refusal::UnsupportedProtocol(other.name().to_owned())),
    }
}

/// The facts that an offer and an answer of the phone give alike.
fn session(
    description: &Description<'_>,
    media: &Media<'_>,
    common: &codec::Match<'_, '_>,
    endpoint: &Endpoint,
) -> Result<Session, Refusal> {
    let destination = destination(description, media, endpoint)?;
    let theirs = description.find_for::<Direction>(media).unwrap_or_default();
    let mut direction = endpoint.direction.answer(theirs);
    if destination == Destination::Held {
        direction = Direction::of(false, direction.receives());
    }
    let mut audio = common.agreed(media, direction);
    if !endpoint.telephone_event {
        audio.telephone_event = None;
    }
    if !endpoint.comfort_noise {
        audio.comfort_noise = None;
    }
    Ok(Session { audio, destination })
}

/// Where the phone receives: RTP by `c=` and `m=`; RTCP on the same port if both sides multiplex
/// (RFC 5761 §5.1.1), else by `a=rtcp` (RFC 3605), else on the next port (RFC 3550 §11).
fn destination(
    description: &Description<'_>,
    media: &Media<'_>,
    endpoint: &Endpoint,
) -> Result<Destination, Refusal> {
    let ip = |connection: Connection<'_>| {
        let name = || Refusal::AddressIsAName(connection.address.to_owned());
        connection.ip().ok_or_else(name)
    };
    let address = ip(description
        .connection_for(media)
        .ok_or(Refusal::NoAddress)?)?;
    if address.is_unspecified() {
        return Ok(Destination::Held);
    }
    let rtp = SocketAddr::new(address, media.port());
    if media.has::<RtcpMux>() && endpoint.rtcp_port == endpoint.rtp_port {
        return Ok(Destination::Address { rtp, rtcp: rtp });
    }
    let told = media.find::<Rtcp>().and_then(|rtcp| {
        let ip = rtcp.connection.map_or(Some(address), |there| there.ip());
        Some(SocketAddr::new(ip?, rtcp.port))
    });
    // Of an address that no datagram gets to from where RTP is sent, nothing is known.
    let told = told.filter(|rtcp| {
        let is_somewhere = rtcp.port() != 0 && !rtcp.ip().is_unspecified();
        is_somewhere && rtcp.is_ipv4() == rtp.is_ipv4()
    });
    let next = SocketAddr::new(address, media.port().saturating_add(1));
    let rtcp = told.unwrap_or(next);
    Ok(Destination::Address { rtp, rtcp })
}

/// Numbers for `telephone-event`: one for each clock rate of our codecs and for that of phones
/// which know no other, from 101 up, none that a codec has.
fn events(endpoint: &Endpoint) -> Vec<(u32, u8)> {
    let mut events: Vec<(u32, u8)> = Vec::new();
    if !endpoint.telephone_event {
        return events;
    }
    let taken = |number: &u8| {
        endpoint
            .codecs
            .iter()
            .any(|codec| codec.payload_type == *number)
    };
    let mut free = (101..=127).filter(|number| !taken(number));
    let rates = endpoint.codecs.iter().map(|codec| codec.clock_rate);
    for clock_rate in rates.chain([TELEPHONE_RATE]) {
        if events.iter().all(|(rate, _)| *rate != clock_rate) {
            events.extend(free.next().map(|number| (clock_rate, number)));
        }
    }
    events
}

fn has_comfort_noise(endpoint: &Endpoint) -> bool {
    let mut codecs = endpoint.codecs.iter();
    endpoint.comfort_noise && codecs.any(|codec| codec.clock_rate == TELEPHONE_RATE)
}

fn section(
    endpoint: &Endpoint,
    protocol: Protocol<'static>,
    formats: &Formats<'_>,
    direction: Direction,
) -> Media<'static> {
    let mut media = Media::assemble("audio", endpoint.rtp_port, protocol, formats.list());
    let address = endpoint.address;
    media.push_line(Line::new(
        'c',
        format_args!("IN {} {address}", family(address)),
    ));
    formats.write(&mut media);
    if let Some(duration) = endpoint.packet_time {
        media.push(&Ptime { duration });
    }
    if endpoint.rtcp_port == endpoint.rtp_port {
        media.push(&RtcpMux);
    } else if Some(endpoint.rtcp_port) != endpoint.rtp_port.checked_add(1) {
        media.push(&Rtcp {
            port: endpoint.rtcp_port,
            connection: None,
        });
    }
    media.push(&direction);
    media
}
