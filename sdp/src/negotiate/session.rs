//! One side of an offer/answer session (RFC 3264).

use crate::description::Description;
use crate::field::{Origin, family};
use crate::negotiate::offer::{self, Offer};
use crate::negotiate::{Agreement, Capabilities, LocalOrigin, Refusal, answer, bundle, own};

/// One side of an offer/answer session (RFC 3264): what we said last, and what both sides agreed to.
///
/// It begins with nothing said. The side that offers calls [`offer`](Self::offer) and, with the
/// peer's answer, [`accept`](Self::accept); the other side calls [`answer`](Self::answer). Both may
/// do so again at any time, each with what it can do by then: hold, other codecs, more streams, a
/// restart of ICE.
///
/// - [`description`](Self::description) is what to send: the latest offer or answer. Its `o=` keeps
///   the session's id; the version grows by one where the description changed (RFC 3264 §8).
/// - What cannot be agreed to changes nothing. To take back an agreed offer, keep a clone: the
///   session is a plain value.
/// - One offer may be answered several times, as early dialogs of SIP do: each
///   [`accept`](Self::accept) replaces what was agreed before. An offer of the peer makes ours void;
///   the signalling protocol sorts out who goes first (RFC 3261 §14.1).
/// - Media sections keep their places, those that are rejected too. A stream that found no peer is
///   offered again in its place.
#[derive(Debug, Clone)]
pub struct Session {
    origin: LocalOrigin,
    ours: Option<Description<'static>>,
    /// The stream in each section of ours.
    streams: Vec<Option<usize>>,
    agreement: Option<Agreement>,
    /// What our latest offer was made of, until the peer offers.
    offered: Option<Capabilities>,
}

impl Session {
    /// A session in which nothing was said. `origin` has the version of our first description.
    #[must_use]
    pub fn new(origin: LocalOrigin) -> Self {
        Self {
            origin,
            ours: None,
            streams: Vec::new(),
            agreement: None,
            offered: None,
        }
    }

    /// Our latest description, to be sent: offer or answer.
    #[must_use]
    pub fn description(&self) -> Option<&Description<'static>> {
        self.ours.as_ref()
    }

    /// What both sides agreed to last.
    #[must_use]
    pub fn agreement(&self) -> Option<&Agreement> {
        self.agreement.as_ref()
    }

    /// What was agreed for the accepted sections, to be kept up to date.
    pub(super) fn accepted_mut(&mut self) -> impl Iterator<Item = &mut super::Agreed> {
        let sections = self
            .agreement
            .iter_mut()
            .flat_map(|agreement| &mut agreement.sections);
        sections.filter_map(|section| section.as_mut().ok())
    }

    /// Offers all streams of `ours`.
    ///
    /// # Errors
    /// [`Refusal::OwnText`] when a text of ours cannot be written as its attribute.
    pub fn offer(&mut self, ours: &Capabilities) -> Result<&Description<'static>, Refusal> {
        own::check(ours)?;
        let Offer { sections, streams } = offer::sections(
            ours,
            self.ours.as_ref(),
            &self.streams,
            self.agreement.as_ref(),
        );
        let mut description = self.origin.description();
        bundle::write_lite(&mut description, ours);
        if ours.bundle {
            bundle::write_offered(&mut description, &sections, ours.transport(0));
        }
        for section in sections {
            description.push_media(section);
        }
        self.streams = streams;
        self.offered = Some(ours.clone());
        Ok(self.describe(description))
    }

    /// Takes the peer's answer to our latest offer.
    ///
    /// # Errors
    /// The reason why nothing is agreed: that of the first section where all are refused, or a rule
    /// of answers that this one breaks.
    pub fn accept(&mut self, answer: &Description<'_>) -> Result<&Agreement, Refusal> {
        let (Some(offer), Some(ours)) = (&self.ours, &self.offered) else {
            return Err(Refusal::NotOffered);
        };
        let before = self.agreement.as_ref();
        let agreement = offer::accept(answer, offer, &self.streams, ours, before)?;
        Ok(self.agreement.insert(agreement))
    }

    /// Answers the peer's offer: each section by the first stream of ours that can stand there. A
    /// section keeps its stream. Sections without one are rejected with port 0 (RFC 3264 §6).
    ///
    /// # Errors
    /// The reason of the first section where not one is accepted, or [`Refusal::OwnText`] when a
    /// text of ours cannot be written as its attribute.
    pub fn answer(
        &mut self,
        offer: &Description<'_>,
        ours: &Capabilities,
    ) -> Result<&Agreement, Refusal> {
        own::check(ours)?;
        let agreement = answer::agree(offer, ours, &self.streams, self.agreement.as_ref())?;
        let description = answer::describe(self.origin.description(), offer, ours, &agreement);
        let stream = |agreed: &Result<super::Agreed, Refusal>| Some(agreed.as_ref().ok()?.stream);
        let kept = self.streams.iter().copied().chain(std::iter::repeat(None));
        let streams = agreement.sections.iter().map(stream).zip(kept);
        self.streams = streams.map(|(now, before)| now.or(before)).collect();
        self.offered = None;
        self.describe(description);
        Ok(self.agreement.insert(agreement))
    }

    /// Keeps what we say now, under the next version if it is something new (RFC 3264 §8).
    fn describe(&mut self, mut description: Description<'static>) -> &Description<'static> {
        if self
            .ours
            .as_ref()
            .is_some_and(|before| *before != description)
        {
            self.origin.session_version += 1;
            self.origin.write(&mut description);
        }
        self.ours.insert(description)
    }
}

impl LocalOrigin {
    /// An empty description of this origin.
    fn description(&self) -> Description<'static> {
        let (id, version, address) = self.parts();
        Description::new(&self.origin(&id, &version, &address))
    }

    /// Replaces the `o=` of a description.
    fn write(&self, description: &mut Description<'static>) {
        let (id, version, address) = self.parts();
        description.set_origin(&self.origin(&id, &version, &address));
    }

    fn parts(&self) -> (String, String, String) {
        let version = self.session_version.to_string();
        (
            self.session_id.to_string(),
            version,
            self.address.to_string(),
        )
    }

    fn origin<'t>(&self, id: &'t str, version: &'t str, address: &'t str) -> Origin<'t> {
        Origin {
            username: "-",
            session_id: id,
            session_version: version,
            net_type: "IN",
            addr_type: family(self.address),
            address,
        }
    }
}
