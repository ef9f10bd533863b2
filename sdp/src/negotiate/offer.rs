//! Our offers, and the answers to them.

use std::collections::BTreeSet;

use crate::attribute::Mid;
use crate::description::Description;
use crate::media::Media;
use crate::negotiate::agree::{self, Candidacy, Side};
use crate::negotiate::answer::{all_or_reason, same_mid};
use crate::negotiate::peer::{self, Peer};
use crate::negotiate::write::{self, Place};
use crate::negotiate::{Agreed, Agreement, Capabilities, Refusal};

/// The sections of an offer, and the stream in each.
pub(super) struct Offer {
    pub(super) sections: Vec<Media<'static>>,
    pub(super) streams: Vec<Option<usize>>,
}

/// Offers every stream in the section that it has; a new one in a rejected section of its kind or
/// behind all others (RFC 3264 §8.1, §8.2). What else was rejected stays so.
pub(super) fn sections(
    ours: &Capabilities,
    before: Option<&Description<'_>>,
    streams: &[Option<usize>],
    agreement: Option<&Agreement>,
) -> Offer {
    let known = before.map_or(&[][..], Description::media);
    let mut places: Vec<Option<usize>> = streams.to_vec();
    places.resize(known.len(), None);
    for (index, stream) in ours.streams.iter().enumerate() {
        if stream.stopped || places.contains(&Some(index)) {
            continue;
        }
        let mut slots = known.iter().zip(&mut places);
        let is_free = |(media, place): &(&Media<'_>, &mut Option<usize>)| {
            place.is_none() && media.port() == 0 && media.kind() == stream.content.kind()
        };
        match slots.find(is_free) {
            Some((_, place)) => *place = Some(index),
            None => places.push(Some(index)),
        }
    }
    let used = |place: &Option<usize>| {
        let stream = ours.streams.get((*place)?)?;
        (!stream.stopped).then_some((*place)?)
    };
    let tagged = places.iter().position(|place| used(place).is_some());
    let mut names = Names::of(known);
    let sections = places.iter().enumerate().map(|(section, place)| {
        let known = known.get(section);
        let written = used(place).and_then(|stream| {
            let bundled = ours.bundle && tagged != Some(section);
            let shared =
                agreement.and_then(|agreement| agreement.sections.get(section)?.as_ref().ok());
            let place = match (bundled, shared) {
                (false, _) => Place::Own,
                (true, Some(agreed)) if agreed.transport != section => Place::Follows,
                (true, _) => Place::FollowsOnly,
            };
            let mid = names.name(ours, stream, section, known);
            let (stream, transport) = (ours.streams.get(stream)?, ours.transport(stream)?);
            let mid = mid.as_deref();
            Some(write::offer(stream, transport, mid, place, ours.bundle))
        });
        // Nothing was ever said of a section without a stream that is not known.
        written.or_else(|| known.map(write::reject))
    });
    Offer {
        sections: sections.flatten().collect(),
        streams: places.iter().map(used).collect(),
    }
}

/// The names of sections, each given once (RFC 5888 §4), also those that the peer has given.
struct Names(BTreeSet<String>);

impl Names {
    fn of(known: &[Media<'_>]) -> Self {
        let mids = known.iter().filter_map(|media| media.find::<Mid>());
        Self(mids.map(|mid| mid.tag.to_owned()).collect())
    }

    /// The name of a section: the one that it has, that of its stream, or its number if that is
    /// free. Outside of a BUNDLE it needs none.
    fn name(
        &mut self,
        ours: &Capabilities,
        stream: usize,
        section: usize,
        known: Option<&Media<'_>>,
    ) -> Option<String> {
        if let Some(mid) = known.and_then(|media| media.find::<Mid>()) {
            return Some(mid.tag.to_owned());
        }
        let wanted = ours.streams.get(stream)?.mid.clone();
        if wanted.is_none() && !ours.bundle {
            return None;
        }
        let numbers = (section..).map(|number| number.to_string());
        let mut names = wanted.into_iter().chain(numbers);
        names.find(|name| self.0.insert(name.clone()))
    }
}

/// Reads the answer to an offer of ours with these streams.
pub(super) fn accept(
    answer: &Description<'_>,
    offer: &Description<'_>,
    streams: &[Option<usize>],
    ours: &Capabilities,
    before: Option<&Agreement>,
) -> Result<Agreement, Refusal> {
    let (offered, answered) = (offer.media().len(), answer.media().len());
    let pairs = || offer.media().iter().zip(answer.media());
    // RFC 3264 §6: the sections of an answer are those of the offer.
    let same = pairs().all(|(offered, answered)| {
        offered.kind() == answered.kind() && same_mid(offered, answered)
    });
    if offered != answered || !same {
        return Err(Refusal::SectionsDiffer { offered, answered });
    }
    let mut sections: Vec<Result<Agreed, Refusal>> = Vec::with_capacity(answered);
    for (section, (offered, answered)) in pairs().enumerate() {
        let stream = streams.get(section).copied().flatten();
        let parts = stream
            .and_then(|index| Some((index, ours.streams.get(index)?, ours.transport(index)?)));
        let Some((index, stream, transport)) = parts else {
            sections.push(Err(Refusal::NoMedia));
            continue;
        };
        let before = before.and_then(|before| before.sections.get(section));
        let candidacy = Candidacy {
            side: Side::Accepting,
            peer: Peer::new(answer, answered),
            section,
            stream: (index, stream),
            ours: transport,
            before: before.and_then(|before| before.as_ref().ok()),
        };
        let agreed = check_protocol(offered, answered).and_then(|()| candidacy.agree());
        let agreed = agreed.map(|mut agreed| {
            let mut accepted = sections.iter().filter_map(|section| section.as_ref().ok());
            if let Some(tagged) = accepted
                .next()
                .filter(|_| is_bundled(answer, &agreed, ours))
            {
                agree::share_transport(&mut agreed, tagged);
            }
            agreed
        });
        sections.push(agreed);
    }
    all_or_reason(sections, ours)
}

fn is_bundled(answer: &Description<'_>, agreed: &Agreed, ours: &Capabilities) -> bool {
    let mid = agreed.mid.as_deref();
    ours.bundle && mid.is_some_and(|mid| peer::bundle_of(answer, mid).is_some())
}

/// An answer has the transport protocol of its offer (RFC 3264 §6). Whether with early feedback or
/// without is not held against it: phones leave the F out (RFC 4585 §3.1).
fn check_protocol(offered: &Media<'_>, answered: &Media<'_>) -> Result<(), Refusal> {
    let base = |media: &Media<'_>| media.protocol().name().trim_end_matches('F').to_owned();
    match answered.port() == 0 || base(offered) == base(answered) {
        true => Ok(()),
        false => {
            let name = answered.protocol().name().to_owned();
            Err(Refusal::UnsupportedProtocol(name))
        }
    }
}
