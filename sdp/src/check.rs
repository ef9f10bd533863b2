//! Rules that hold between lines. What they depend on is noted while the lines are read: nothing is
//! read twice.

use std::collections::{BTreeMap, BTreeSet};

use crate::attribute::{Attribute, Group, Setup, Simulcast};
use crate::error::{Found, ParseError};
use crate::lines::Entry;
use crate::media::Media;
use crate::options::{Leniency, Mode};
use crate::protocol::Security;
use crate::work;

/// What the lines of one level say that other lines depend on.
#[derive(Debug, Default)]
pub(crate) struct Facts<'a> {
    /// Whether there is a `c=`.
    pub(crate) connection: bool,
    ufrag: bool,
    password: bool,
    /// Whether there is a fingerprint with a known hash.
    fingerprint: bool,
    setup: Option<Setup>,
    mid: Option<(&'a str, Entry<'a>)>,
    bundle_only: bool,
    groups: Vec<(Group<'a>, Entry<'a>)>,
    rids: BTreeSet<&'a str>,
    simulcast: Option<Simulcast<'a>>,
    extension_ids: ExtensionIds,
}

impl<'a> Facts<'a> {
    /// Notes an attribute.
    pub(crate) fn note(
        &mut self,
        attribute: Attribute<'a>,
        entry: &Entry<'a>,
    ) -> Result<(), ParseError> {
        match attribute {
            Attribute::IceUfrag(_) => self.ufrag = true,
            Attribute::IcePwd(_) => self.password = true,
            Attribute::Fingerprint(fingerprint) => self.fingerprint |= fingerprint.is_known(),
            Attribute::Setup(setup) => {
                self.setup.get_or_insert(setup);
            }
            Attribute::Mid(mid) => {
                self.mid.get_or_insert((mid.tag, *entry));
            }
            Attribute::BundleOnly(_) => self.bundle_only = true,
            Attribute::Group(group) if group.is_bundle() => self.groups.push((group, *entry)),
            Attribute::Rid(rid) => {
                self.rids.insert(rid.id);
            }
            Attribute::Simulcast(simulcast) => {
                self.simulcast.get_or_insert(simulcast);
            }
            // RFC 8285 §6: an extension id stands once per level.
            Attribute::Extmap(extmap) if !self.extension_ids.insert(extmap.id) => {
                let expected = "an extension id of its own";
                return Err(ParseError::at(entry.number, entry.text, 9, expected));
            }
            _ => {}
        }
        Ok(())
    }
}

/// A set of ids of header extensions, 1 to 256. Those for negotiation only may repeat.
#[derive(Debug, Default)]
struct ExtensionIds([u64; 4]);

impl ExtensionIds {
    /// Whether `id` is new.
    fn insert(&mut self, id: u16) -> bool {
        let Some(index) = id.checked_sub(1).map(usize::from) else {
            return true;
        };
        let Some(word) = self.0.get_mut(index / 64) else {
            return true;
        };
        let bit = 1 << (index % 64);
        let is_new = *word & bit == 0;
        *word |= bit;
        is_new
    }
}

/// Checks sections as they are read.
pub(crate) struct Check<'a> {
    session: Facts<'a>,
    mode: Mode,
    /// The mids so far.
    mids: BTreeSet<&'a str>,
    /// The first fault of a BUNDLE, unless no section has a mid.
    bundles: Bundles<'a>,
}

impl<'a> Check<'a> {
    pub(crate) fn new(session: Facts<'a>, mode: Mode) -> Self {
        let bundles = Bundles::read(&session.groups);
        Self {
            session,
            mode,
            mids: BTreeSet::new(),
            bundles,
        }
    }

    /// Checks a media section behind its last line.
    pub(crate) fn media(
        &mut self,
        head: &Entry<'a>,
        media: &Media<'a>,
        facts: Facts<'a>,
    ) -> Result<(), ParseError> {
        let section = Checked {
            session: &self.session,
            facts: &facts,
            media,
            head,
            mode: self.mode,
        };
        section.connection()?;
        section.payload_types()?;
        // RFC 9143 §7.1: a section takes its transport from the tagged one of its BUNDLE.
        let mid = facts.mid.map(|(mid, _)| mid);
        let follows =
            mid.is_some_and(|mid| facts.bundle_only || self.bundles.has_behind_first(mid));
        if !follows {
            section.transport()?;
        }
        section.simulcast()?;
        match facts.mid {
            // RFC 5888 §4: a mid names one section only.
            Some((mid, entry)) if !self.mids.insert(mid) => {
                Err(entry.misplaced("a mid of its own"))
            }
            _ => Ok(()),
        }
    }

    /// Checks what the session level says of all sections: a BUNDLE names sections that exist, and
    /// a section is in one BUNDLE only (RFC 9143 §5, §7).
    pub(crate) fn finish(&self) -> Result<(), ParseError> {
        if self.mids.is_empty() && self.mode.forgives(Leniency::GroupWithoutMids) {
            return Ok(());
        }
        let mut bundled = BTreeSet::new();
        for (group, entry) in &self.session.groups {
            let mut at = "a=group:".len() + group.semantics.len() + 1;
            for mid in group.mids() {
                work::done(mid.len());
                let expected = match (self.mids.contains(mid), bundled.insert(mid)) {
                    (false, _) => "the mid of a media section",
                    (true, false) => "a mid that is in one BUNDLE only",
                    (true, true) => {
                        at += mid.len() + 1;
                        continue;
                    }
                };
                return Err(ParseError::at(entry.number, entry.text, at, expected));
            }
        }
        Ok(())
    }
}

/// The mids of all BUNDLE groups, with whether each stands behind another.
struct Bundles<'a>(BTreeMap<&'a str, bool>);

impl<'a> Bundles<'a> {
    fn read(groups: &[(Group<'a>, Entry<'a>)]) -> Self {
        let mut behind_first = BTreeMap::new();
        for (group, _) in groups {
            for (index, mid) in group.mids().enumerate() {
                work::done(mid.len());
                *behind_first.entry(mid).or_default() |= index > 0;
            }
        }
        Self(behind_first)
    }

    fn has_behind_first(&self, mid: &str) -> bool {
        self.0.get(mid).copied().unwrap_or_default()
    }
}

/// One media section under check.
struct Checked<'c, 'a> {
    session: &'c Facts<'a>,
    facts: &'c Facts<'a>,
    media: &'c Media<'a>,
    head: &'c Entry<'a>,
    mode: Mode,
}

impl Checked<'_, '_> {
    fn lacks(&self, expected: &'static str) -> ParseError {
        let mut error = ParseError::line(self.head.number, None, expected);
        error.found = Found::Nothing;
        error
    }

    /// Every section has a `c=`, its own or the session's (RFC 8866 §5.7).
    fn connection(&self) -> Result<(), ParseError> {
        let rejected = self.media.port() == 0;
        let forgiven = rejected && self.mode.forgives(Leniency::RejectedWithoutConnection);
        match self.facts.connection || self.session.connection || forgiven {
            true => Ok(()),
            false => Err(self.lacks("a c= line for this media section")),
        }
    }

    /// A payload type stands once in `m=` (RFC 8866 §5.14).
    fn payload_types(&self) -> Result<(), ParseError> {
        let forgiven = self.mode.forgives(Leniency::DuplicatePayloadType);
        if forgiven || !self.media.protocol().is_rtp() {
            return Ok(());
        }
        let text = self.head.text;
        let mut at = text.len() - self.media.format_list().len();
        let mut seen: u128 = 0;
        for format in self.media.formats() {
            work::done(format.len());
            // What is no payload type has no bit.
            let number = format.parse().ok();
            let bit = number.and_then(|number| 1u128.checked_shl(number));
            let bit = bit.unwrap_or_default();
            if seen & bit != 0 {
                let expected = "each payload type once";
                return Err(ParseError::at(self.head.number, text, at, expected));
            }
            seen |= bit;
            at += format.len() + 1;
        }
        Ok(())
    }

    /// What ICE and DTLS need stands there and can be used (RFC 8839 §5.4, RFC 8842 §5.1,
    /// RFC 8122 §5).
    fn transport(&self) -> Result<(), ParseError> {
        if self.mode.forgives(Leniency::UnusableTransport) {
            return Ok(());
        }
        let (session, facts) = (self.session, self.facts);
        let ufrag = facts.ufrag || session.ufrag;
        let password = facts.password || session.password;
        if ufrag != password {
            return Err(self.lacks(if ufrag { "a=ice-pwd" } else { "a=ice-ufrag" }));
        }
        if self.media.protocol().security() != Security::Dtls || self.media.port() == 0 {
            return Ok(());
        }
        if !facts.fingerprint && !session.fingerprint {
            return Err(self.lacks("a=fingerprint with a known hash for a DTLS transport"));
        }
        if facts.setup.or(session.setup) == Some(Setup::Holdconn) {
            return Err(self.lacks("a=setup with a role for a DTLS transport"));
        }
        Ok(())
    }

    /// `a=simulcast` names identifiers that `a=rid` defines (RFC 8853 §5.2).
    fn simulcast(&self) -> Result<(), ParseError> {
        let Some(simulcast) = &self.facts.simulcast else {
            return Ok(());
        };
        let mut ids = simulcast.ids().inspect(|id| work::done(id.len()));
        let forgiven = self.mode.forgives(Leniency::UnknownRid);
        match forgiven || ids.all(|id| self.facts.rids.contains(id)) {
            true => Ok(()),
            false => Err(self.lacks("a=rid for each identifier of a=simulcast")),
        }
    }
}
