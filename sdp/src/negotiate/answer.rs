//! Answers to offers of the peer.

use crate::attribute::Mid;
use crate::description::Description;
use crate::media::Media;
use crate::negotiate::agree::{self, Candidacy, Side};
use crate::negotiate::peer::{self, Peer};
use crate::negotiate::{Agreed, Agreement, Capabilities, Refusal, bundle, write};

/// What can be agreed to, section by section. `streams` are those of the sections so far.
pub(super) fn agree(
    offer: &Description<'_>,
    ours: &Capabilities,
    streams: &[Option<usize>],
    before: Option<&Agreement>,
) -> Result<Agreement, Refusal> {
    let mut sections: Vec<Result<Agreed, Refusal>> = Vec::with_capacity(offer.media().len());
    let mut free: Vec<bool> = vec![true; ours.streams.len()];
    // A stream that has a section waits for it.
    for taken in streams.iter().take(offer.media().len()).flatten() {
        if let Some(free) = free.get_mut(*taken) {
            *free = false;
        }
    }
    for (index, media) in offer.media().iter().enumerate() {
        let wanted = streams.get(index).copied().flatten();
        let search = Search {
            offer,
            media,
            section: index,
            ours,
            before,
            tagged: sections.iter().find_map(|section| section.as_ref().ok()),
        };
        let agreed = search.run(wanted, &free).and_then(|mut agreed| {
            search.share(&mut agreed)?;
            Ok(agreed)
        });
        if let Some(free) = agreed
            .as_ref()
            .ok()
            .and_then(|agreed| free.get_mut(agreed.stream))
        {
            *free = false;
        }
        sections.push(agreed);
    }
    all_or_reason(sections, ours)
}

/// What was agreed, unless not one section was: then the reason of the first.
pub(super) fn all_or_reason(
    sections: Vec<Result<Agreed, Refusal>>,
    ours: &Capabilities,
) -> Result<Agreement, Refusal> {
    let refused = sections.iter().all(Result::is_err);
    let mut reasons = sections.iter().filter_map(|section| section.as_ref().err());
    // A section that nothing of ours is for says less than one that was tried.
    let tried = reasons
        .clone()
        .find(|reason| !matches!(reason, Refusal::NoMedia));
    match (refused, tried, reasons.next()) {
        (true, Some(reason), _) => Err(reason.clone()),
        (true, None, Some(_)) => Err(none_offered(ours)),
        _ => Ok(Agreement { sections }),
    }
}

fn none_offered(ours: &Capabilities) -> Refusal {
    let kinds = ours
        .streams
        .iter()
        .map(|stream| stream.content.kind().to_owned());
    let mut kinds: Vec<_> = kinds.collect();
    kinds.dedup();
    Refusal::NoneOffered(kinds)
}

/// The search for a stream that can stand in one section.
struct Search<'c, 'd, 'a> {
    offer: &'d Description<'a>,
    media: &'d Media<'a>,
    section: usize,
    ours: &'c Capabilities,
    before: Option<&'c Agreement>,
    /// The first accepted section.
    tagged: Option<&'c Agreed>,
}

impl Search<'_, '_, '_> {
    /// The stream that the section has had, or the first free one that can; the first reason why
    /// none can.
    fn run(&self, wanted: Option<usize>, free: &[bool]) -> Result<Agreed, Refusal> {
        if peer::is_rejected(self.media) {
            return Err(Refusal::Rejected);
        }
        let is_free = |index: usize| free.get(index).copied().unwrap_or_default();
        let fits = |index: &usize| {
            let stream = self.ours.streams.get(*index);
            stream
                .is_some_and(|stream| !stream.stopped && stream.content.kind() == self.media.kind())
        };
        let wanted = wanted.filter(fits);
        let others = (0..self.ours.streams.len()).filter(|index| is_free(*index));
        let mut reason = None;
        for index in wanted.into_iter().chain(others.filter(fits)) {
            match self.candidacy(index).map(|candidacy| candidacy.agree()) {
                Some(Ok(agreed)) => return Ok(agreed),
                Some(Err(refusal)) => reason = reason.or(Some(refusal)),
                None => {}
            }
        }
        Err(reason.unwrap_or(Refusal::NoMedia))
    }

    fn candidacy(&self, index: usize) -> Option<Candidacy<'_, '_, '_>> {
        let before = self
            .before
            .and_then(|before| before.sections.get(self.section));
        let ours = match self.shares() {
            Some(false) => self.ours.own_transport(index),
            _ => self.ours.transport(index),
        };
        Some(Candidacy {
            side: Side::Answering,
            peer: Peer::new(self.offer, self.media),
            section: self.section,
            stream: (index, self.ours.streams.get(index)?),
            ours: ours?,
            before: before.and_then(|before| before.as_ref().ok()),
        })
    }

    /// Whether the section shares the transport of the first accepted one; `None` if it is the
    /// first.
    fn shares(&self) -> Option<bool> {
        let tagged = self.tagged?;
        let mids = self.media.find::<Mid>().zip(tagged.mid.as_deref());
        let same = mids.is_some_and(|(mid, tagged)| {
            let bundle = peer::bundle_of(self.offer, mid.tag);
            bundle.is_some_and(|group| group.mids().any(|mid| mid == tagged))
        });
        Some(self.ours.bundle && same)
    }

    /// Gives the section the transport of the first accepted one in its BUNDLE. Outside of that it
    /// needs one of ours for itself (RFC 9143 §7.3).
    fn share(&self, agreed: &mut Agreed) -> Result<(), Refusal> {
        match (self.shares(), self.tagged) {
            (Some(true), Some(tagged)) => agree::share_transport(agreed, tagged),
            (Some(false), _) => {
                let alone = !self.ours.bundle || self.ours.has_own_transport(agreed.stream);
                if !alone || self.media.port() == 0 {
                    return Err(Refusal::NotBundled);
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// Writes the answer that says so.
pub(super) fn describe(
    mut description: Description<'static>,
    offer: &Description<'_>,
    ours: &Capabilities,
    agreement: &Agreement,
) -> Description<'static> {
    let mut accepted = agreement.accepted();
    let tagged = accepted.next().filter(|_| ours.bundle);
    let tagged = tagged.filter(|first| {
        let mid = first.mid.as_deref();
        mid.is_some_and(|mid| peer::bundle_of(offer, mid).is_some())
    });
    if let Some(tagged) = tagged {
        let bundled = agreement
            .accepted()
            .filter(|agreed| agreed.transport == tagged.section);
        let mids = bundled.filter_map(|agreed| agreed.mid.as_deref());
        let transport = ours.transport(tagged.stream);
        let transport = transport.filter(|_| tagged.keys.dtls().is_some());
        bundle::write(&mut description, mids, transport);
    }
    bundle::write_lite(&mut description, ours);
    for (offered, agreed) in offer.media().iter().zip(&agreement.sections) {
        let accepted = agreed.as_ref().ok().and_then(|agreed| {
            let stream = ours.streams.get(agreed.stream)?;
            let shares = tagged.is_none_or(|tagged| tagged.section == agreed.transport);
            let transport = match shares {
                true => ours.transport(agreed.stream)?,
                false => ours.own_transport(agreed.stream)?,
            };
            let bundled = tagged.is_some_and(|tagged| tagged.section == agreed.transport);
            Some(write::answer(offered, agreed, stream, transport, bundled))
        });
        description.push_media(accepted.unwrap_or_else(|| write::reject(offered)));
    }
    description
}

/// Whether the answer names its sections as the offer does (RFC 9429 §5.3.1).
pub(super) fn same_mid(offered: &Media<'_>, answered: &Media<'_>) -> bool {
    match (offered.find::<Mid>(), answered.find::<Mid>()) {
        (Some(offered), Some(answered)) => offered.tag == answered.tag,
        _ => true,
    }
}
