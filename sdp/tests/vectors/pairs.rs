//! Offers and answers that RFCs print, against the engine: with what the printed answerer can, it
//! accepts and rejects the same sections of the offer; with what the printed offerer can, it offers
//! the same and takes the answer.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use sdp::attribute::{Direction, Fingerprint, Group, IceUfrag, Mid, Rtpmap};
use sdp::negotiate::{
    Capabilities, Codec, DataChannel, Encryption, LocalTransport, Rtp, Selection, Session, Stream,
};
use sdp::{Description, Media, Security};
use serde_json::Value;

use crate::report::{Report, cases, need, str};
use crate::{examples, report, shared};

pub(crate) fn check(report: &mut Report, file: &Value) {
    let examples = report::json("sdp/rfc_examples.json");
    for pair in cases(file, "pairs") {
        let id = format!("{} {}", str(pair, "offer"), str(pair, "answer"));
        match &examples {
            Some(examples) => report.case(&id, one(pair, examples)),
            None => report.passed_over(&id, "without the file of examples"),
        }
    }
}

fn one(pair: &Value, examples: &Value) -> Result<(), String> {
    let find = |key: &str| {
        let case = cases(examples, "rfc_examples").find(|case| case["id"] == pair[key]);
        let text = str(case.ok_or(format!("no example {}", pair[key]))?, "sdp");
        Ok::<_, String>(examples::with_addresses(text))
    };
    let (offer, answer) = (find("offer")?, find("answer")?);
    let same = offer.media().len() == answer.media().len();
    need(pair["m_line_count_equal"] == same, || {
        "numbers of sections".to_owned()
    })?;
    let match_kinds = offer
        .media()
        .iter()
        .zip(answer.media())
        .all(|(o, a)| o.kind() == a.kind());
    need(pair["media_types_match"] == match_kinds, || {
        "kinds of sections".to_owned()
    })?;
    let rejected: Vec<_> = cases(pair, "answer_rejects")
        .filter_map(Value::as_u64)
        .collect();

    // The engine knows RTP and data channels; of others the facts above are all there is.
    let is_known = |media: &Media<'_>| {
        media.protocol().is_rtp() || media.protocol().name().ends_with("DTLS/SCTP")
    };
    if !offer.media().iter().all(is_known) {
        return Ok(());
    }
    let ours = answers_like(&answer, &offer);
    let mut session = Session::new(shared::origin());
    session
        .answer(&offer, &ours)
        .map_err(|refusal| format!("answering: {refusal}"))?;
    same_rejects(&session, &rejected).map_err(|problem| format!("answering: {problem}"))?;
    same_sections(session.description().unwrap(), &answer, &offer, &rejected)?;

    let mut session = Session::new(shared::origin());
    session
        .offer(&offers_like(&offer))
        .map_err(|refusal| format!("offering: {refusal}"))?;
    session
        .accept(&answer)
        .map_err(|refusal| format!("accepting: {refusal}"))?;
    same_rejects(&session, &rejected).map_err(|problem| format!("accepting: {problem}"))
}

fn same_rejects(session: &Session, expected: &[u64]) -> Result<(), String> {
    let sections = &session.agreement().unwrap().sections;
    let rejected = (0..).zip(sections).filter(|(_, section)| section.is_err());
    let rejected: Vec<u64> = rejected.map(|(index, _)| index).collect();
    let reasons: Vec<_> = sections
        .iter()
        .filter_map(|section| section.as_ref().err())
        .collect();
    need(rejected == expected, || {
        format!("rejects {rejected:?}: {reasons:?}")
    })
}

/// Our answer against the printed one: kinds, protocols, names, directions, codecs.
fn same_sections(
    ours: &Description<'_>,
    printed: &Description<'_>,
    offer: &Description<'_>,
    rejected: &[u64],
) -> Result<(), String> {
    let text = ours.to_string();
    Description::parse_strict(&text).map_err(|error| format!("our answer: {error}\n{text}"))?;
    let pairs = ours.media().iter().zip(printed.media());
    for ((index, (ours, printed)), text) in (0..).zip(pairs).zip(std::iter::repeat(&text)) {
        let head = |media: &Media<'_>| (media.kind().to_owned(), media.protocol().to_string());
        let mid = printed.find::<Mid>();
        let same = head(ours) == head(printed) && (mid.is_none() || ours.find::<Mid>() == mid);
        need(same, || format!("section {index} of\n{text}"))?;
        if rejected.contains(&index) || printed.kind() == "application" {
            continue;
        }
        // A codec that the printed answer has under a number of its own has the offer's in ours.
        let names = |media: &Media<'_>| {
            let mut names: Vec<_> = codecs(media)
                .iter()
                .map(|codec| codec.name.to_lowercase())
                .collect();
            names.retain(|name| name != "telephone-event");
            names.sort();
            names
        };
        // Its own codecs in the answer are for the other way (RFC 3264 §6.1).
        let has = |name: &String| names(printed).contains(name);
        need(names(ours).iter().all(has), || {
            format!("codecs of section {index} of\n{text}")
        })?;
        // Our answer to the address 0.0.0.0 says that we do not send; older ones say nothing.
        let held = offer
            .session()
            .connection()
            .is_some_and(|there| there.address == "0.0.0.0");
        let direction = |media: &Media<'_>| media.find::<Direction>().unwrap_or_default();
        let offered = direction(&offer.media()[index as usize]);
        need(
            held && offer.media()[0].protocol().security() == Security::Plain
                || direction(ours) == direction(printed).answer(offered),
            || format!("direction of {index} of\n{text}"),
        )?;
    }
    Ok(())
}

/// The codecs of a section, by `a=rtpmap` or, without one, by their well-known numbers.
fn codecs(media: &Media<'_>) -> Vec<Codec> {
    let known = |number: u8| match number {
        0 => Some(Codec::PCMU),
        3 => Some(Codec::new("GSM", 8000, 3)),
        4 => Some(Codec::new("G723", 8000, 4)),
        8 => Some(Codec::PCMA),
        9 => Some(Codec::G722),
        15 => Some(Codec::new("G728", 8000, 15)),
        18 => Some(Codec::new("G729", 8000, 18)),
        26 => Some(Codec::new("JPEG", 90_000, 26)),
        31 => Some(Codec::new("H261", 90_000, 31)),
        32 => Some(Codec::new("MPV", 90_000, 32)),
        33 => Some(Codec::new("MP2T", 90_000, 33)),
        34 => Some(Codec::new("H263", 90_000, 34)),
        _ => None,
    };
    let codec = |number: u8| {
        let map = media.all::<Rtpmap>().find(|map| map.payload_type == number);
        let Some(map) = map else { return known(number) };
        let mut codec = Codec::new(map.encoding.to_owned(), map.clock_rate, number);
        codec.channels = map.channels.unwrap_or(1);
        Some(codec)
    };
    media.payload_types().filter_map(codec).collect()
}

/// A stream that can what a printed section can, under the protection that `offered` asks for.
fn stream(description: &Description<'_>, media: &Media<'_>, offered: &Media<'_>) -> Stream {
    let ice = description.find_for::<IceUfrag>(media).is_some();
    let mut transport = match offered.protocol().security() {
        Security::Dtls => shared::webrtc_transport(),
        _ => match description
            .connection_for(media)
            .and_then(|address| address.ip())
        {
            Some(IpAddr::V6(_)) => LocalTransport::plain((Ipv6Addr::LOCALHOST, 20_000).into()),
            _ => LocalTransport::plain((Ipv4Addr::LOCALHOST, 20_000).into()),
        },
    };
    if ice {
        transport.ice = shared::webrtc_transport().ice;
    }
    if offered.protocol().security() == Security::Srtp {
        transport.keying.encryption = Encryption::Required;
        let suites = [
            "F8_128_HMAC_SHA1_80",
            "AES_CM_128_HMAC_SHA1_32",
            "AES_CM_128_HMAC_SHA1_80",
        ];
        let text = media.to_string();
        let mut suites = suites.to_vec();
        suites.retain(|suite| text.contains(suite));
        suites.sort_by_key(|suite| text.find(suite));
        transport.keying.sdes = suites.into_iter().map(shared::key).collect();
        if description.all_for::<Fingerprint>(media).next().is_some() {
            transport.keying.dtls = Some(shared::dtls());
        }
    }
    if media.kind() == "application" {
        let data = DataChannel {
            port: 5000,
            max_message_size: 65_536,
        };
        return Stream::data(data, transport);
    }
    let codecs = codecs(media);
    let events = codecs.iter().any(|codec| codec.name == "telephone-event");
    let mut rtp = Rtp::of(media.kind().to_owned(), codecs);
    rtp.codecs
        .retain(|codec| codec.name != "telephone-event" || offered.formats().count() == 1);
    rtp.telephone_event = events;
    rtp.selection = Selection::All;
    rtp.feedback = offered.protocol().name().ends_with('F');
    let mut stream = Stream::rtp(rtp, transport);
    stream.direction = description.find_for::<Direction>(media).unwrap_or_default();
    stream
}

/// The same streams, each at a port of its own.
fn apart(streams: Vec<Stream>) -> Vec<Stream> {
    let ports = (20_000..).step_by(2).zip(streams);
    let moved = ports.map(|(port, mut stream)| {
        if !stream.transport.rtp.ip().is_unspecified() {
            stream.transport.rtp.set_port(port);
            stream.transport.rtcp_port = port + 1;
        }
        stream
    });
    moved.collect()
}

/// What the side that wrote `answer` can.
fn answers_like(answer: &Description<'_>, offer: &Description<'_>) -> Capabilities {
    let sections = answer.media().iter().zip(offer.media());
    let accepted = sections.filter(|(answered, _)| answered.port() != 0);
    let streams = accepted
        .map(|(answered, offered)| stream(answer, answered, offered))
        .collect();
    let streams = apart(streams);
    match answer
        .session()
        .find::<Group>()
        .is_some_and(|group| group.is_bundle())
    {
        true => Capabilities::bundled(streams),
        false => Capabilities::apart(streams),
    }
}

/// What the side that wrote `offer` can. A section that it has removed it has offered before.
fn offers_like(offer: &Description<'_>) -> Capabilities {
    let streams = offer.media().iter().map(|media| {
        let mut stream = stream(offer, media, media);
        stream.mid = media.find::<Mid>().map(|mid| mid.tag.to_owned());
        stream
    });
    match offer
        .session()
        .find::<Group>()
        .is_some_and(|group| group.is_bundle())
    {
        true => Capabilities::bundled(apart(streams.collect())),
        false => Capabilities::apart(apart(streams.collect())),
    }
}
