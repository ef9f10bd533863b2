//! Writes the media sections of our offers and answers.

use crate::attribute::{
    BundleOnly, Candidate, Direction, EndOfCandidates, IceOptions, IcePwd, IceUfrag,
    MaxMessageSize, Mid, Msid, Ptime, Rtcp, RtcpMux, SctpPort, Ssrc,
};
use crate::field::family;
use crate::line::Line;
use crate::media::Media;
use crate::negotiate::{
    Agreed, AgreedContent, Content, DataChannel, LocalIce, LocalTransport, Rtp, Source, Stream,
    formats, keying,
};
use crate::protocol::Protocol;

/// The format of data channels (RFC 8841 §4.3).
pub(super) const DATA_CHANNEL: &str = "webrtc-datachannel";

/// A section's place in a BUNDLE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// It carries the transport: alone, or as the tagged section.
    Own,
    /// It uses the transport of the tagged section, which the peer knows already.
    Follows,
    /// It wants to use the transport of the tagged section, and cannot be otherwise: port 0 and
    /// `a=bundle-only` (RFC 9143 §7.2.1).
    FollowsOnly,
}

/// An offered section.
pub(super) fn offer(
    stream: &Stream,
    transport: &LocalTransport,
    mid: Option<&str>,
    place: Place,
    bundled: bool,
) -> Media<'static> {
    let port = if place == Place::FollowsOnly {
        0
    } else {
        transport.rtp.port()
    };
    let (mut media, written) = match &stream.content {
        Content::Rtp(rtp) => {
            let written = formats::Written::of_offer(rtp);
            let protocol = keying::offered_protocol(&transport.keying, rtp);
            let media = Media::assemble(&rtp.kind, port, protocol, written.list());
            (media, Some((rtp, written)))
        }
        Content::Data(_) => {
            let formats = DATA_CHANNEL.to_owned();
            (
                Media::assemble("application", port, Protocol::UdpDtlsSctp, formats),
                None,
            )
        }
    };
    write_address(&mut media, transport);
    if let Some(tag) = mid {
        media.push(&Mid { tag });
    }
    if place == Place::FollowsOnly {
        media.push(&BundleOnly);
    }
    if place == Place::Own {
        write_ice(&mut media, transport.ice.as_ref());
        keying::write_offer(&mut media, &transport.keying, bundled);
    }
    match (&stream.content, written) {
        (Content::Data(data), _) => write_data(&mut media, *data),
        (Content::Rtp(_), None) => {}
        (Content::Rtp(_), Some((rtp, written))) => {
            media.push(&stream.direction);
            // Also where the section follows another: browsers want it in every one.
            write_rtcp(&mut media, transport, transport.multiplexes());
            written.write(&mut media);
            if let Some(duration) = rtp.packet_time {
                media.push(&Ptime { duration });
            }
            write_source(&mut media, rtp, stream.direction);
        }
    }
    media
}

/// An accepted section of an answer.
pub(super) fn answer(
    offered: &Media<'_>,
    agreed: &Agreed,
    stream: &Stream,
    transport: &LocalTransport,
    bundled: bool,
) -> Media<'static> {
    let written = agreed.formats().map(formats::Written::of_answer);
    let formats = match &written {
        Some(written) => written.list(),
        None => DATA_CHANNEL.to_owned(),
    };
    let protocol = offered.protocol().clone().into_owned();
    let mut media = Media::assemble(offered.kind(), transport.rtp.port(), protocol, formats);
    write_address(&mut media, transport);
    if let Some(tag) = &agreed.mid {
        media.push(&Mid { tag });
    }
    if agreed.transport == agreed.section {
        let ice = transport.ice.as_ref().filter(|_| agreed.ice.is_some());
        write_ice(&mut media, ice);
        keying::write_answer(&mut media, &transport.keying, &agreed.keys, bundled);
    }
    match (&agreed.content, &stream.content, written) {
        (AgreedContent::Rtp(formats), Content::Rtp(rtp), Some(written)) => {
            media.push(&agreed.direction);
            write_rtcp(&mut media, transport, agreed.rtcp_mux);
            written.write(&mut media);
            // Who has no wish of his own does not repeat the peer's.
            let duration = formats.packet_time.filter(|_| rtp.packet_time.is_some());
            if let Some(duration) = duration {
                media.push(&Ptime { duration });
            }
            write_source(&mut media, rtp, agreed.direction);
        }
        (_, Content::Data(data), _) => write_data(&mut media, *data),
        _ => {}
    }
    media
}

/// A section with port 0 (RFC 3264 §6); its formats mean nothing, but one must stand there.
pub(super) fn reject(known: &Media<'_>) -> Media<'static> {
    let protocol = known.protocol().clone().into_owned();
    let formats = known.formats().next().unwrap_or_default().to_owned();
    let mut media = Media::assemble(known.kind(), 0, protocol, formats);
    media.push_line(Line::new('c', "IN IP4 0.0.0.0"));
    if let Some(mid) = known.find::<Mid>() {
        media.push(&mid);
    }
    media.push(&Direction::Inactive);
    media
}

fn write_address(media: &mut Media<'_>, transport: &LocalTransport) {
    let address = transport.address();
    media.push_line(Line::new(
        'c',
        format_args!("IN {} {address}", family(address)),
    ));
}

fn write_ice(media: &mut Media<'_>, ice: Option<&LocalIce>) {
    let Some(ice) = ice else { return };
    let (ufrag, pwd) = (&ice.credentials.ufrag, &ice.credentials.pwd);
    media.push(&IceUfrag { text: ufrag });
    media.push(&IcePwd { text: pwd });
    media.push(&IceOptions { list: "trickle" });
    for candidate in &ice.candidates {
        media.push(&Candidate::new(candidate));
    }
    if ice.end_of_candidates {
        media.push(&EndOfCandidates);
    }
}

fn write_rtcp(media: &mut Media<'_>, transport: &LocalTransport, muxed: bool) {
    if muxed {
        media.push(&RtcpMux);
    } else if Some(transport.rtcp_port) != transport.rtp.port().checked_add(1) {
        media.push(&Rtcp {
            port: transport.rtcp_port,
            connection: None,
        });
    }
}

fn write_source(media: &mut Media<'_>, rtp: &Rtp, direction: Direction) {
    let Some(Source {
        stream,
        track,
        ssrc,
        cname,
    }) = &rtp.source
    else {
        return;
    };
    if direction.sends() {
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
}

fn write_data(media: &mut Media<'_>, data: DataChannel) {
    media.push(&SctpPort { port: data.port });
    media.push(&MaxMessageSize {
        bytes: data.max_message_size,
    });
}
