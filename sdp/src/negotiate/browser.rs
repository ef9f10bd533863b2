//! Answers the audio offer of a WebRTC peer.

use std::time::Duration;

use crate::attribute::{
    BundleOnly, Candidate, Direction, EndOfCandidates, Fingerprint, Group, IceLite, IceOptions,
    IcePwd, IceUfrag, Maxptime, Mid, Msid, Ptime, RtcpMux, Setup, Ssrc,
};
use crate::description::Description;
use crate::line::Line;
use crate::media::Media;
use crate::negotiate::codec::{self, Formats, Preference};
use crate::negotiate::{Audio, Codec, Credentials, LocalOrigin, Refusal, own};
use crate::protocol::Security;

/// What we can do and who we are, for one answer.
#[derive(Debug, Clone)]
pub struct Capabilities {
    /// Our codecs. The first that the offer has is used.
    pub codecs: Vec<Codec>,
    /// Whether to agree to `telephone-event` (RFC 4733).
    pub telephone_event: bool,
    /// Whether to agree to comfort noise (RFC 3389).
    pub comfort_noise: bool,
    /// Which way we let media flow.
    pub direction: Direction,
    /// What both sides should put into one packet, unless the offer asks for another time.
    pub packet_time: Option<Duration>,
    /// Our `o=` line.
    pub origin: LocalOrigin,
    /// Our side of ICE and DTLS.
    pub transport: LocalTransport,
    /// The stream that we send.
    pub stream: LocalStream,
}

/// Our side of ICE and DTLS.
#[derive(Debug, Clone)]
pub struct LocalTransport {
    /// Our ICE credentials.
    pub credentials: Credentials,
    /// Our candidates in the form of `RTCIceCandidate.candidate`: `candidate:1 1 udp ...`.
    pub candidates: Vec<String>,
    /// Whether no more candidates will follow.
    pub end_of_candidates: bool,
    /// The fingerprints of our certificate, at least one: `sha-256 19:E2:...`.
    pub fingerprints: Vec<String>,
    /// The role we take when the offer leaves the choice. On a new offer for a running session it
    /// is the role already taken (RFC 8842 §5.5).
    pub role: DtlsRole,
}

/// Who opens the DTLS association.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DtlsRole {
    /// We open (`a=setup:active`).
    Client,
    /// The peer opens (`a=setup:passive`).
    Server,
}

/// How the stream that we send is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalStream {
    /// The media stream of `a=msid`, 1 to 64 token characters.
    pub stream: String,
    /// The track of `a=msid`, 1 to 64 token characters.
    pub track: String,
    /// The source of the packets that we send.
    pub ssrc: u32,
    /// The canonical name of the source in RTCP.
    pub cname: String,
}

/// An answer, and what it agrees to.
#[derive(Debug, Clone)]
pub struct Answer {
    /// To be sent to the peer.
    pub description: Description<'static>,
    /// Which media section of the offer is the audio; the others are rejected.
    pub section: usize,
    /// The name of the section.
    pub mid: Option<String>,
    /// Codec, payload types, direction.
    pub audio: Audio,
    /// Our DTLS role.
    pub role: DtlsRole,
    /// The peer's side of ICE and DTLS.
    pub remote: RemoteTransport,
}

/// The peer's side of ICE and DTLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteTransport {
    /// The peer's ICE credentials.
    pub credentials: Credentials,
    /// Whether the peer is a lite agent.
    pub ice_lite: bool,
    /// The candidates so far: `candidate:1 1 udp ...`.
    pub candidates: Vec<String>,
    /// Whether no more candidates will follow.
    pub end_of_candidates: bool,
    /// The fingerprints of the peer's certificate whose hash is known: `sha-256 19:E2:...`. One
    /// must match (RFC 8122 §5).
    pub fingerprints: Vec<String>,
    /// The sources that the peer names.
    pub ssrcs: Vec<u32>,
}

/// Answers an offer: exactly one audio codec with `telephone-event`, in the first audio section
/// that can be agreed to; every other section is rejected with port 0 (RFC 3264 §6).
///
/// # Errors
/// The reason why the first audio section cannot be agreed to, or [`Refusal::OwnText`] when a text
/// in [`LocalTransport`] or [`LocalStream`] cannot be written as its attribute.
pub fn answer(offer: &Description<'_>, ours: &Capabilities) -> Result<Answer, Refusal> {
    own::check(&ours.transport, &ours.stream)?;
    // Port 0 with `a=bundle-only` is not a rejection (RFC 9143 §6).
    let audio = offer.media().iter().enumerate().filter(|(_, media)| {
        media.kind() == "audio" && (media.port() != 0 || media.has::<BundleOnly>())
    });
    let (section, agreed) = codec::first_agreed(audio, |(index, media)| {
        Ok((index, agree(offer, media, ours)?))
    })?;
    let Agreed {
        mid,
        audio,
        role,
        remote,
    } = agreed;

    let mut description = ours.origin.description();
    if let Some(mid) = mid.filter(|mid| bundle_of(offer, *mid).is_some()) {
        description
            .session_mut()
            .push_line(Line::new('a', format_args!("group:BUNDLE {}", mid.tag)));
    }
    for (index, offered) in offer.media().iter().enumerate() {
        description.push_media(match index == section {
            true => accept(offered, &audio, role, ours),
            false => reject(offered),
        });
    }
    let mid = mid.map(|mid| mid.tag.to_owned());
    Ok(Answer {
        description,
        section,
        mid,
        audio,
        role,
        remote,
    })
}

/// What can be agreed for one section.
struct Agreed<'d> {
    mid: Option<Mid<'d>>,
    audio: Audio,
    role: DtlsRole,
    remote: RemoteTransport,
}

fn agree<'d, 'a>(
    offer: &'d Description<'a>,
    media: &'d Media<'a>,
    ours: &Capabilities,
) -> Result<Agreed<'d>, Refusal> {
    // RFC 9429 §5.1.2 takes the older names as well; without a fingerprint they fail below.
    let protocol = media.protocol();
    if !protocol.is_rtp() || !matches!(protocol.security(), Security::Dtls | Security::Srtp) {
        return Err(Refusal::UnsupportedProtocol(protocol.name().to_owned()));
    }
    let carrier = transport_carrier(offer, media);
    // RFC 9429 §5.1.1: everything is multiplexed.
    if !media.has::<RtcpMux>() {
        return Err(Refusal::NoRtcpMux);
    }
    let remote = remote_transport(offer, media, carrier)?;
    let role = role(offer, carrier, ours.transport.role)?;

    // RFC 5761 §4: with rtcp-mux these numbers could not be told from RTCP.
    let mut formats = codec::formats(media);
    formats.retain(|format| !(64..=95).contains(&format.payload_type));
    let mut common = codec::common(&ours.codecs, &formats, Preference::Ours)?;
    if !ours.telephone_event {
        common.telephone_event = None;
    }
    if !ours.comfort_noise {
        common.comfort_noise = None;
    }
    let theirs = offer.find_for::<Direction>(media).unwrap_or_default();
    let mut audio = common.agreed(media, ours.direction.answer(theirs));
    audio.packet_time = packet_time(media, audio.packet_time.or(ours.packet_time));
    Ok(Agreed {
        mid: media.find::<Mid>(),
        audio,
        role,
        remote,
    })
}

/// What goes into one packet: what was wanted, but no more than the peer can take.
fn packet_time(media: &Media<'_>, wanted: Option<Duration>) -> Option<Duration> {
    let most = media.find::<Maxptime>().map(|maxptime| maxptime.duration);
    wanted.map(|wanted| most.map_or(wanted, |most| wanted.min(most)))
}

fn bundle_of<'d>(offer: &'d Description<'_>, mid: Mid<'_>) -> Option<Group<'d>> {
    let mut groups = offer.session().all::<Group>();
    groups.find(|group| group.is_bundle() && group.mids().any(|other| other == mid.tag))
}

/// The section whose ICE and DTLS attributes hold for `media`: itself or, when it has none of its
/// own, the tagged section of its BUNDLE (RFC 9143 §7.1).
fn transport_carrier<'d, 'a>(offer: &'d Description<'a>, media: &'d Media<'a>) -> &'d Media<'a> {
    if offer.find_for::<IceUfrag>(media).is_some() {
        return media;
    }
    let bundle = media.find::<Mid>().and_then(|mid| bundle_of(offer, mid));
    let tag = bundle.and_then(|group| group.mids().next());
    let tagged = tag.and_then(|tag| {
        offer
            .media()
            .iter()
            .find(|media| media.find::<Mid>().is_some_and(|mid| mid.tag == tag))
    });
    tagged.unwrap_or(media)
}

fn remote_transport(
    offer: &Description<'_>,
    media: &Media<'_>,
    carrier: &Media<'_>,
) -> Result<RemoteTransport, Refusal> {
    let known = offer
        .all_for::<Fingerprint>(carrier)
        .filter(Fingerprint::is_known);
    let fingerprints: Vec<_> = known
        .map(|fingerprint| format!("{} {}", fingerprint.hash, fingerprint.digits))
        .collect();
    if fingerprints.is_empty() {
        return Err(Refusal::NoFingerprint);
    }
    let ufrag = offer
        .find_for::<IceUfrag>(carrier)
        .ok_or(Refusal::NoIceCredentials)?;
    let pwd = offer
        .find_for::<IcePwd>(carrier)
        .ok_or(Refusal::NoIceCredentials)?;
    let mut ssrcs: Vec<u32> = media.all::<Ssrc>().map(|ssrc| ssrc.ssrc).collect();
    ssrcs.dedup();
    Ok(RemoteTransport {
        credentials: Credentials {
            ufrag: ufrag.text.to_owned(),
            pwd: pwd.text.to_owned(),
        },
        ice_lite: offer.session().has::<IceLite>(),
        candidates: carrier
            .all::<Candidate>()
            .map(|candidate| candidate.to_string())
            .collect(),
        end_of_candidates: offer.find_for::<EndOfCandidates>(carrier).is_some(),
        fingerprints,
        ssrcs,
    })
}

/// Our role by the offer's `a=setup` (RFC 8842 §5.3); without one the offerer is active
/// (RFC 4145 §4).
fn role(
    offer: &Description<'_>,
    carrier: &Media<'_>,
    preferred: DtlsRole,
) -> Result<DtlsRole, Refusal> {
    match offer.find_for::<Setup>(carrier) {
        Some(Setup::Actpass) => Ok(preferred),
        Some(Setup::Active) | None => Ok(DtlsRole::Server),
        Some(Setup::Passive) => Ok(DtlsRole::Client),
        Some(Setup::Holdconn) => Err(Refusal::NoSetupRole),
    }
}

fn accept(
    offered: &Media<'_>,
    audio: &Audio,
    role: DtlsRole,
    ours: &Capabilities,
) -> Media<'static> {
    let formats = Formats::of(audio);

    // The addresses are in the candidates; port 9 and 0.0.0.0 say so (RFC 9429 §5.3.1).
    let protocol = offered.protocol().clone().into_owned();
    let mut media = Media::assemble("audio", 9, protocol, formats.list());
    media.push_line(Line::new('c', "IN IP4 0.0.0.0"));
    if let Some(mid) = offered.find::<Mid>() {
        media.push(&mid);
    }
    write_transport(&mut media, &ours.transport, role);
    media.push(&audio.direction);
    media.push(&RtcpMux);
    formats.write(&mut media);
    if let Some(duration) = audio.packet_time {
        media.push(&Ptime { duration });
    }
    let LocalStream {
        stream,
        track,
        ssrc,
        cname,
    } = &ours.stream;
    if audio.direction.sends() {
        media.push(&Msid {
            stream,
            track: Some(track),
        });
    }
    media.push(&Ssrc {
        ssrc: *ssrc,
        attribute: "cname",
        value: Some(cname),
    });
    media
}

fn write_transport(media: &mut Media<'_>, ours: &LocalTransport, role: DtlsRole) {
    media.push(&IceUfrag {
        text: &ours.credentials.ufrag,
    });
    media.push(&IcePwd {
        text: &ours.credentials.pwd,
    });
    media.push(&IceOptions { list: "trickle" });
    for fingerprint in &ours.fingerprints {
        media.push_line(Line::new('a', format_args!("fingerprint:{fingerprint}")));
    }
    media.push(&match role {
        DtlsRole::Client => Setup::Active,
        DtlsRole::Server => Setup::Passive,
    });
    for candidate in &ours.candidates {
        media.push(&Candidate::new(candidate));
    }
    if ours.end_of_candidates {
        media.push(&EndOfCandidates);
    }
}

/// The offered section with port 0 (RFC 3264 §6); its formats mean nothing, but must stand there.
pub(super) fn reject(offered: &Media<'_>) -> Media<'static> {
    let protocol = offered.protocol().clone().into_owned();
    let formats = offered.format_list().to_owned();
    let mut media = Media::assemble(offered.kind(), 0, protocol, formats);
    media.push_line(Line::new('c', "IN IP4 0.0.0.0"));
    if let Some(mid) = offered.find::<Mid>() {
        media.push(&mid);
    }
    media.push(&Direction::Inactive);
    media
}
