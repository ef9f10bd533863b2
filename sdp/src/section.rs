//! The lines of the session or of one media section, and the typed views on them.

use crate::attribute::{Attribute, Raw, Registered, Typed};
use crate::field::{Bandwidth, Connection};
use crate::line::Line;

/// The order of the type letters; that of a media section is a part of it (RFC 8866 §9).
const ORDER: &str = "voisuepcbtrzka";

/// The lines of one level, in order, every one as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Section<'a> {
    lines: Vec<Line<'a>>,
}

impl<'a> Section<'a> {
    pub(crate) fn with_capacity(lines: usize) -> Self {
        Self {
            lines: Vec::with_capacity(lines),
        }
    }

    /// The lines, in order.
    #[must_use]
    pub fn lines(&self) -> &[Line<'a>] {
        &self.lines
    }

    /// The value of the first line with this type letter.
    #[must_use]
    pub fn value(&self, letter: char) -> Option<&str> {
        self.lines
            .iter()
            .find(|line| line.letter() == letter)
            .map(Line::value)
    }

    /// Where media goes: the first `c=` of this level.
    #[must_use]
    pub fn connection(&self) -> Option<Connection<'_>> {
        Connection::read(self.value('c')?).ok()
    }

    /// The `b=` lines of this level.
    pub fn bandwidths(&self) -> impl Iterator<Item = Bandwidth<'_>> {
        let lines = self.lines.iter().filter(|line| line.letter() == 'b');
        lines.filter_map(|line| Bandwidth::read(line.value()).ok())
    }

    /// The attributes of this level as text, known or not.
    pub fn raw_attributes(&self) -> impl Iterator<Item = Raw<'_>> {
        self.lines.iter().filter_map(Line::attribute)
    }

    /// The attributes of this level, each as its type. One that cannot be read is
    /// [`Attribute::Unknown`].
    pub fn attributes(&self) -> impl Iterator<Item = Attribute<'_>> {
        self.raw_attributes().map(Attribute::read)
    }

    /// Every attribute of type `T` on this level. Unreadable ones are passed over.
    pub fn all<'s, T: Typed<'s>>(&'s self) -> impl Iterator<Item = T> {
        let named = |line: &'s Line<'a>| T::NAMES.iter().find_map(|name| line.named(name));
        let named = self.lines.iter().filter_map(named);
        named.filter_map(|raw| T::read(raw).ok())
    }

    /// The first attribute of type `T` on this level. For the value that holds for a media
    /// section, whichever level it stands on, ask
    /// [`Description::find_for`](crate::Description::find_for).
    #[must_use]
    pub fn find<'s, T: Typed<'s>>(&'s self) -> Option<T> {
        self.all().next()
    }

    /// Whether an attribute of type `T` stands on this level.
    #[must_use]
    pub fn has<'s, T: Typed<'s>>(&'s self) -> bool {
        self.find::<T>().is_some()
    }

    /// Adds an attribute at the end of this level. CR, LF and NUL in it become spaces: no value
    /// can begin another line.
    pub fn push<'t>(&mut self, attribute: &impl Typed<'t>) {
        self.push_line(Line::new('a', attribute));
    }

    /// Says where media goes: `c=`, in its place. It takes the place of the first one that stands
    /// there.
    pub fn set_connection(&mut self, connection: &Connection<'_>) {
        let line = Line::new('c', connection);
        match self.value('c') {
            Some(_) => self.replace('c', line),
            None => self.insert(line),
        }
    }

    /// Adds a `b=` line in its place, behind those that stand there.
    pub fn push_bandwidth(&mut self, bandwidth: &Bandwidth<'_>) {
        self.insert(Line::new('b', bandwidth));
    }

    /// Puts a line where the order of RFC 8866 §9 has it, behind all of its type.
    pub(crate) fn insert(&mut self, line: Line<'a>) {
        let rank = |line: &Line<'_>| ORDER.find(line.letter());
        let later = |other: &Line<'_>| rank(other) > rank(&line);
        let at = self.lines.iter().position(later);
        self.lines.insert(at.unwrap_or(self.lines.len()), line);
    }

    /// Adds an attribute that is known to be well formed.
    pub(crate) fn push_text(&mut self, text: impl std::fmt::Display) {
        self.push_line(Line::new('a', text));
    }

    /// Adds an attribute that has no type here. Without a value it is a property. CR, LF and NUL in
    /// the value become spaces: no value can begin another line.
    ///
    /// # Errors
    /// When `name` is not a token (RFC 8866 §9): the attribute would read back as another one.
    pub fn push_raw(
        &mut self,
        name: &str,
        value: Option<&str>,
    ) -> Result<(), crate::grammar::Invalid> {
        crate::grammar::whole(name, crate::grammar::token("an attribute name"))?;
        self.push_line(match value {
            Some(value) => Line::new('a', format_args!("{name}:{value}")),
            None => Line::new('a', name),
        });
        Ok(())
    }

    /// Removes the attributes of type `T` from this level.
    pub fn remove<T: Registered>(&mut self) {
        let named = |line: &Line<'_>| T::NAMES.iter().any(|name| line.named(name).is_some());
        self.lines.retain(|line| !named(line));
    }

    /// Replaces the first line with this type letter.
    pub(crate) fn replace(&mut self, letter: char, by: Line<'a>) {
        if let Some(line) = self.lines.iter_mut().find(|line| line.letter() == letter) {
            *line = by;
        }
    }

    pub(crate) fn push_line(&mut self, line: Line<'a>) {
        self.lines.push(line);
    }

    pub(crate) fn into_owned(self) -> Section<'static> {
        Section {
            lines: self.lines.into_iter().map(Line::into_owned).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::{Direction, Rtpmap};

    #[test]
    fn removes_by_type_with_and_without_a_lifetime() {
        let mut section = Section::default();
        for (name, value) in [
            ("rtpmap", Some("0 PCMU/8000")),
            ("sendrecv", None),
            ("x", Some("a\r\nb")),
        ] {
            section.push_raw(name, value).unwrap();
        }
        section.remove::<Rtpmap>();
        section.remove::<Direction>();
        let left: Vec<_> = section.raw_attributes().collect();
        assert_eq!(
            left.iter().map(Raw::to_string).collect::<Vec<_>>(),
            ["x:a  b"]
        );
    }
}
