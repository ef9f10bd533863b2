//! Reads a description: which line may stand where, and whether its value fits its grammar.

use crate::attribute::{self, Attribute, Level, Raw, Unreadable};
use crate::check::{Check, Facts};
use crate::description::Description;
use crate::error::{Found, ParseError};
use crate::field::{Bandwidth, Connection, Origin, Timing};
use crate::grammar::{Invalid, is_token};
use crate::line::Line;
use crate::lines::{Entry, Lines};
use crate::media::Media;
use crate::options::{Leniency, Mode, Options};
use crate::section::Section;

/// A line of a level: its letter, its place in the order, and whether it may stand only once.
type Place = (char, u8, bool);

/// The order of the session level (RFC 8866 §9). `t`, `r` and `z` repeat as a group.
const SESSION: [Place; 14] = [
    ('v', 0, true),
    ('o', 1, true),
    ('s', 2, true),
    ('i', 3, true),
    ('u', 4, true),
    ('e', 5, false),
    ('p', 6, false),
    ('c', 7, true),
    ('b', 8, false),
    ('t', 9, false),
    ('r', 9, false),
    ('z', 9, false),
    ('k', 10, true),
    ('a', 11, false),
];

/// The order below an `m=` line (RFC 8866 §9).
const MEDIA: [Place; 5] = [
    ('i', 0, true),
    ('c', 1, false),
    ('b', 2, false),
    ('k', 3, true),
    ('a', 4, false),
];

pub(crate) fn description(text: &str, options: Options) -> Result<Description<'_>, ParseError> {
    let mode = options.mode;
    let mut lines = Lines::new(text, options)?;
    check_version(lines.at())?;
    let mut section = Section::with_capacity(lines.ahead() + 1);
    let facts = level(&mut lines, Level::Session, &mut section, mode)?;
    check_required(&section, lines.at(), lines.next_number(), mode)?;
    let mut check = Check::new(facts, mode);

    let mut media = Vec::new();
    while let Some(head) = lines.at().copied() {
        if media.len() == options.limits.media {
            let (most, found) = (media.len(), Found::Count(media.len() + 1));
            return Err(ParseError::limit(
                head.number,
                most,
                "media sections",
                found,
            ));
        }
        let section = Media::read(head.text, head.end, lines.ahead());
        let mut section = section.map_err(|invalid| head.invalid(invalid))?;
        lines.advance()?;
        let facts = level(&mut lines, Level::Media, &mut section, mode)?;
        check.media(&head, &section, facts)?;
        media.push(section);
    }
    check.finish()?;
    Ok(Description::assemble(section, media, lines.tail()))
}

/// Reads the lines of one level into `section`, and says what other lines depend on.
fn level<'a>(
    lines: &mut Lines<'a>,
    level: Level,
    section: &mut Section<'a>,
    mode: Mode,
) -> Result<Facts<'a>, ParseError> {
    let mut level = Reader::new(level, mode);
    while let Some(entry) = lines.in_level() {
        level.check(entry)?;
        section.push_line(Line::read(entry.text, entry.end));
        lines.advance()?;
    }
    Ok(level.facts)
}

/// Reads the lines of one level.
struct Reader<'a> {
    level: Level,
    mode: Mode,
    order: Order,
    facts: Facts<'a>,
}

impl<'a> Reader<'a> {
    fn new(level: Level, mode: Mode) -> Self {
        let places: &[Place] = match level {
            Level::Media => &MEDIA,
            Level::Session | Level::Inherited => &SESSION,
        };
        Self {
            level,
            mode,
            order: Order::new(places, mode),
            facts: Facts::default(),
        }
    }

    /// Checks one line, and notes what other lines depend on.
    fn check(&mut self, entry: &Entry<'a>) -> Result<(), ParseError> {
        let (mode, value) = (self.mode, entry.value);
        self.order.take(entry)?;
        let checked = match entry.letter {
            'a' => {
                if let Some(attribute) = attribute(entry, self.level, mode)? {
                    self.facts.note(attribute, entry)?;
                }
                Ok(())
            }
            'c' => {
                self.facts.connection = true;
                Connection::read(value).and_then(|connection| {
                    match connection.has_needless_ttl() && !mode.forgives(Leniency::TtlOnUnicast) {
                        true => Err(Invalid::new("", "an address without TTL")),
                        false => Ok(()),
                    }
                })
            }
            'o' => Origin::read(value).map(|_| ()),
            'b' => Bandwidth::read(value).map(|_| ()),
            't' => Timing::read(value).map(|_| ()),
            _ if value.is_empty() && !mode.forgives(Leniency::EmptyText) => {
                Err(Invalid::new("", "text"))
            }
            _ => Ok(()),
        };
        checked.map_err(|invalid| entry.invalid(invalid))
    }
}

/// The first line is `v=0` (RFC 8866 §5.1).
fn check_version(first: Option<&Entry<'_>>) -> Result<(), ParseError> {
    match first {
        Some(entry) if entry.letter != 'v' => Err(entry.misplaced("v=0")),
        Some(entry) if entry.value != "0" => Err(entry.invalid(Invalid::new(entry.value, "0"))),
        Some(_) => Ok(()),
        None => Err(ParseError::line(1, None, "v=0")),
    }
}

/// The session level has `o=`, `s=` and `t=` (RFC 8866 §9).
fn check_required(
    session: &Section<'_>,
    next: Option<&Entry<'_>>,
    number: usize,
    mode: Mode,
) -> Result<(), ParseError> {
    let required = [('o', "an o= line"), ('s', "an s= line"), ('t', "a t= line")];
    for (letter, expected) in required {
        let forgiven = letter == 's' && mode.forgives(Leniency::MissingSessionName);
        if session.value(letter).is_none() && !forgiven {
            return Err(match next {
                Some(entry) => entry.misplaced(expected),
                None => ParseError::line(number, None, expected),
            });
        }
    }
    Ok(())
}

/// The order of the lines of one level.
struct Order {
    places: &'static [Place],
    mode: Mode,
    reached: u8,
    seen: [bool; 14],
}

impl Order {
    fn new(places: &'static [Place], mode: Mode) -> Self {
        Self {
            places,
            mode,
            reached: 0,
            seen: [false; 14],
        }
    }

    fn take(&mut self, entry: &Entry<'_>) -> Result<(), ParseError> {
        let mut places = self.places.iter().zip(&mut self.seen);
        let Some(((_, rank, once), seen)) = places.find(|((c, ..), _)| *c == entry.letter) else {
            // RFC 8866 §5: a description with an unknown type letter is refused as a whole.
            let session = SESSION.iter().any(|(letter, ..)| *letter == entry.letter);
            let wanted = "a line of a media section (m, i, c, b, k or a)";
            return Err(entry.misplaced(if session {
                wanted
            } else {
                "a known type letter"
            }));
        };
        if *once && std::mem::replace(seen, true) {
            return Err(entry.misplaced("no second line of this type"));
        }
        if *rank < self.reached && !self.mode.forgives(Leniency::LineOrder) {
            return Err(entry.misplaced("lines in the order of RFC 8866 section 9"));
        }
        self.reached = self.reached.max(*rank);
        Ok(())
    }
}

/// Reads one attribute: its name, and as a known one its level and value. `None` where it stays
/// text.
pub(crate) fn attribute<'a>(
    entry: &Entry<'a>,
    level: Level,
    mode: Mode,
) -> Result<Option<Attribute<'a>>, ParseError> {
    let raw = Raw::split(entry.value);
    let Some((rule, read)) = attribute::read(raw) else {
        return unknown_attribute(entry, raw, mode).map(|()| None);
    };
    if rule.level != Level::Inherited && rule.level != level {
        if mode.forgives(Leniency::AttributeLevel) {
            return Ok(None);
        }
        let expected = match level {
            Level::Media => "an attribute of a media section",
            Level::Session | Level::Inherited => "an attribute of the session level",
        };
        return Err(ParseError::at(entry.number, entry.text, 2, expected));
    }
    let invalid = match (read, rule.unreadable, raw.value) {
        (Ok(_), Unreadable::RefuseUnless(leniency, slip), Some(value))
            if !mode.forgives(leniency) && slip(value) =>
        {
            Invalid::new(value, "the value as its RFC writes it")
        }
        (Ok(attribute), ..) => return Ok(Some(attribute)),
        (Err(invalid), ..) => invalid,
    };
    let forgiven = match rule.unreadable {
        Unreadable::Refuse => false,
        Unreadable::Ignore => mode.forgives(Leniency::UnreadableAttribute),
        Unreadable::RefuseUnless(leniency, slip) => {
            mode.forgives(leniency) && raw.value.is_some_and(slip)
        }
    };
    if forgiven {
        return Ok(None);
    }
    let mut error = entry.invalid(invalid);
    if attribute::is_secret(raw.name) && error.found != Found::EndOfLine {
        error.found = Found::Hidden;
    }
    Err(error)
}

/// The name of an attribute is a token, and behind a colon stands a value (RFC 8866 §9).
fn unknown_attribute(entry: &Entry<'_>, raw: Raw<'_>, mode: Mode) -> Result<(), ParseError> {
    let bad = raw.name.bytes().position(|byte| !is_token(byte));
    if let Some(at) = bad.or(raw.name.is_empty().then_some(0)) {
        let expected = "an attribute name";
        return Err(ParseError::at(entry.number, entry.text, at + 2, expected));
    }
    if raw.value == Some("") && !mode.forgives(Leniency::EmptyAttributeValue) {
        return Err(entry.invalid(Invalid::new("", "a value, or no colon")));
    }
    Ok(())
}
