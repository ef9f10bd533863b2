//! Rules that hold between lines.

use std::collections::BTreeSet;

use crate::attribute::{
    BundleOnly, Extmap, Fingerprint, Group, IcePwd, IceUfrag, Mid, Rid, Setup, Simulcast, Typed,
};
use crate::description::Description;
use crate::error::{Found, ParseError};
use crate::line::Line;
use crate::media::Media;
use crate::options::{Leniency, Mode};
use crate::protocol::Security;
use crate::section::Section;

/// Checks a description whose single lines are right.
pub(crate) fn description(description: &Description<'_>, mode: Mode) -> Result<(), ParseError> {
    let session = description.session();
    groups(description, mode)?;
    extension_ids(session, 0)?;
    let mut number = session.lines().len() + 1;
    for media in description.media() {
        let section = Checked {
            description,
            media,
            number,
            mode,
        };
        section.connection()?;
        section.payload_types()?;
        extension_ids(media, number)?;
        section.transport()?;
        section.simulcast()?;
        number += 1 + media.lines().len();
    }
    Ok(())
}

/// A mid names one section only (RFC 5888 §4); a BUNDLE names sections that exist, and a section
/// is in one BUNDLE only (RFC 9143 §5, §7).
fn groups(description: &Description<'_>, mode: Mode) -> Result<(), ParseError> {
    let mut known = BTreeSet::new();
    let mut number = description.session().lines().len() + 1;
    for media in description.media() {
        if media
            .find::<Mid>()
            .is_some_and(|mid| !known.insert(mid.tag))
        {
            let line = media
                .lines()
                .iter()
                .position(|line| is(line, "mid"))
                .unwrap_or(0);
            let head = media.lines().get(line).map(Line::value);
            return Err(ParseError::line(
                number + 1 + line,
                head,
                "a mid of its own",
            ));
        }
        number += 1 + media.lines().len();
    }
    if known.is_empty() && mode.forgives(Leniency::GroupWithoutMids) {
        return Ok(());
    }
    let mut bundled = BTreeSet::new();
    for (index, line) in description.session().lines().iter().enumerate() {
        let Some(group) = line.attribute().and_then(|raw| Group::read(raw).ok()) else {
            continue;
        };
        if !group.is_bundle() {
            continue;
        }
        // Each mid stands behind one space of the line.
        for ((at, _), mid) in line.value().match_indices(' ').zip(group.mids()) {
            let expected = match (known.contains(mid), bundled.insert(mid)) {
                (false, _) => "the mid of a media section",
                (true, false) => "a mid that is in one BUNDLE only",
                (true, true) => continue,
            };
            let text = format!("a={}", line.value());
            return Err(ParseError::at(index + 1, &text, at + 3, expected));
        }
    }
    Ok(())
}

fn is(line: &Line<'_>, name: &str) -> bool {
    line.attribute().is_some_and(|raw| raw.name == name)
}

/// An extension id stands once per level (RFC 8285 §6). `above` is the number of the line above.
fn extension_ids(section: &Section<'_>, above: usize) -> Result<(), ParseError> {
    let mut seen = [false; 257];
    let lines = section.lines().iter().enumerate();
    for (index, line) in lines.filter(|(_, line)| is(line, "extmap")) {
        let Some(extmap) = line.attribute().and_then(|raw| Extmap::read(raw).ok()) else {
            continue;
        };
        let Some(slot) = seen.get_mut(usize::from(extmap.id)) else {
            continue;
        };
        if std::mem::replace(slot, true) {
            let text = format!("a={}", line.value());
            return Err(ParseError::at(
                above + index + 1,
                &text,
                9,
                "an extension id of its own",
            ));
        }
    }
    Ok(())
}

/// One media section under check.
struct Checked<'d, 'a> {
    description: &'d Description<'a>,
    media: &'d Media<'a>,
    /// The number of its `m=` line.
    number: usize,
    mode: Mode,
}

impl Checked<'_, '_> {
    fn lacks(&self, expected: &'static str) -> ParseError {
        let mut error = ParseError::line(self.number, None, expected);
        error.found = Found::Nothing;
        error
    }

    /// Every section has a `c=`, its own or the session's (RFC 8866 §5.7).
    fn connection(&self) -> Result<(), ParseError> {
        let rejected = self.media.port() == 0;
        let forgiven = rejected && self.mode.forgives(Leniency::RejectedWithoutConnection);
        match self.description.connection_for(self.media) {
            None if !forgiven => Err(self.lacks("a c= line for this media section")),
            _ => Ok(()),
        }
    }

    /// A payload type stands once in `m=` (RFC 8866 §5.14).
    fn payload_types(&self) -> Result<(), ParseError> {
        let forgiven = self.mode.forgives(Leniency::DuplicatePayloadType);
        if forgiven || !self.media.protocol().is_rtp() {
            return Ok(());
        }
        let mut seen: u128 = 0;
        for payload_type in self.media.payload_types() {
            let bit = 1 << payload_type;
            if seen & bit != 0 {
                let text = format!("m={}", self.media.head().value());
                let at = text.len() - self.media.format_list().len();
                return Err(ParseError::at(
                    self.number,
                    &text,
                    at,
                    "each payload type once",
                ));
            }
            seen |= bit;
        }
        Ok(())
    }

    /// What ICE and DTLS need stands there and can be used (RFC 8839 §5.4, RFC 8842 §5.1,
    /// RFC 8122 §5).
    fn transport(&self) -> Result<(), ParseError> {
        if self.mode.forgives(Leniency::UnusableTransport) || self.follows_a_bundle() {
            return Ok(());
        }
        let (description, media) = (self.description, self.media);
        let ufrag = description.find_for::<IceUfrag>(media).is_some();
        let password = description.find_for::<IcePwd>(media).is_some();
        if ufrag != password {
            return Err(self.lacks(if ufrag { "a=ice-pwd" } else { "a=ice-ufrag" }));
        }
        if media.protocol().security() != Security::Dtls || media.port() == 0 {
            return Ok(());
        }
        if !description
            .all_for::<Fingerprint>(media)
            .any(|fingerprint| fingerprint.is_known())
        {
            return Err(self.lacks("a=fingerprint with a known hash for a DTLS transport"));
        }
        if description.find_for::<Setup>(media) == Some(Setup::Holdconn) {
            return Err(self.lacks("a=setup with a role for a DTLS transport"));
        }
        Ok(())
    }

    /// Whether the section takes its transport from another of its BUNDLE (RFC 9143 §7.1).
    fn follows_a_bundle(&self) -> bool {
        let Some(mid) = self.media.find::<Mid>() else {
            return false;
        };
        let groups = self.description.session().all::<Group>();
        let mut bundles = groups.filter(Group::is_bundle);
        self.media.has::<BundleOnly>()
            || bundles.any(|group| group.mids().skip(1).any(|other| other == mid.tag))
    }

    /// `a=simulcast` names identifiers that `a=rid` defines (RFC 8853 §5.2).
    fn simulcast(&self) -> Result<(), ParseError> {
        let Some(simulcast) = self.media.find::<Simulcast>() else {
            return Ok(());
        };
        if self.mode.forgives(Leniency::UnknownRid) {
            return Ok(());
        }
        let known: BTreeSet<_> = self.media.all::<Rid>().map(|rid| rid.id).collect();
        match simulcast.ids().all(|id| known.contains(id)) {
            true => Ok(()),
            false => Err(self.lacks("a=rid for each identifier of a=simulcast")),
        }
    }
}
