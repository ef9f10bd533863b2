//! A message that borrows the bytes it was read from.

use core::fmt;
use core::num::NonZeroU32;

use crate::attribute::fingerprint;
use crate::message_type;
use crate::reader::Reader;
use crate::{
    AttributeType, Attributes, Class, Decode, DecodeError, Method, TransactionId, UnknownRequired,
};

/// Length of the header, in bytes (RFC 8489 §5).
pub(crate) const HEADER: usize = 20;

/// The fixed bytes 4 to 7 of every message (RFC 8489 §5).
pub(crate) const MAGIC_COOKIE: u32 = 0x2112_a442;

/// Whether a datagram is for STUN where other protocols share its port: first byte 0 to 3
/// (RFC 7983 §7), a whole header, and the magic cookie. The message may still be broken.
///
/// The first byte narrows the methods to 0x000..=0x0ff, which is every registered one.
/// [`Message::parse`] alone takes all 12 bits.
pub fn is_stun(datagram: &[u8]) -> bool {
    datagram
        .first_chunk::<HEADER>()
        .is_some_and(|[first, _, _, _, a, b, c, d, ..]| {
            *first <= 3 && u32::from_be_bytes([*a, *b, *c, *d]) == MAGIC_COOKIE
        })
}

/// One whole message whose structure and FINGERPRINT are right.
///
/// Values of attributes are checked when they are asked for. Nothing here says who sent it: see
/// [`Message::verify`].
#[derive(Clone, Copy)]
pub struct Message<'a> {
    header: &'a [u8; HEADER],
    /// All attributes with their padding.
    body: &'a [u8],
    tags: Tags,
}

/// Where in the message the tags that count begin, in bytes. None begins within the header.
#[derive(Clone, Copy, Default)]
struct Tags {
    integrity: Option<NonZeroU32>,
    integrity_sha256: Option<NonZeroU32>,
    fingerprint: Option<NonZeroU32>,
}

impl Tags {
    /// Notes a tag, if it counts where it stands (RFC 8489 §14.5, §14.6).
    #[inline]
    fn note(&mut self, attribute: AttributeType, offset: usize) {
        let offset = u32::try_from(offset).ok().and_then(NonZeroU32::new);
        match attribute {
            AttributeType::FINGERPRINT => self.fingerprint = offset,
            AttributeType::MESSAGE_INTEGRITY if self.first().is_none() => self.integrity = offset,
            AttributeType::MESSAGE_INTEGRITY_SHA256 if self.integrity_sha256.is_none() => {
                self.integrity_sha256 = offset;
            }
            _ => {}
        }
    }

    /// The first integrity attribute: behind it nothing counts but tags.
    const fn first(&self) -> Option<NonZeroU32> {
        match self.integrity {
            Some(offset) => Some(offset),
            None => self.integrity_sha256,
        }
    }
}

impl<'a> Message<'a> {
    /// Reads one whole message: a datagram, or a frame cut from a stream.
    ///
    /// Checks the first two bits, the magic cookie, that the length field is a multiple of four
    /// and ends where `bytes` ends, that every attribute ends within the message, and that
    /// FINGERPRINT, if there is one, is last and right (RFC 8489 §6.3, §14, §14.7). Padding may
    /// have any value (§14).
    ///
    /// # Errors
    ///
    /// What was wrong and where. [`DecodeError::is_not_stun`] tells other protocols from broken
    /// messages.
    // Inlined, it hands over its result in registers: half of its time.
    #[inline(always)]
    pub fn parse(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let (header, body) = bytes
            .split_first_chunk::<HEADER>()
            .ok_or(DecodeError::TooShort { found: bytes.len() })?;
        check_header(header, body)?;

        let mut tags = Tags::default();
        let mut reader = Reader::new(body, HEADER);
        while !reader.is_empty() {
            let offset = reader.offset();
            let attribute = reader.attribute()?.attribute_type;
            if attribute.is_tag() {
                tags.note(attribute, offset);
                if attribute == AttributeType::FINGERPRINT {
                    fingerprint::check_last(bytes, offset, reader)?;
                }
            }
        }
        Ok(Self { header, body, tags })
    }

    /// What kind of message it is.
    pub fn class(&self) -> Class {
        self.message_type().0
    }

    /// What it is about.
    pub fn method(&self) -> Method {
        self.message_type().1
    }

    /// The id shared by a request and its response.
    pub fn transaction_id(&self) -> TransactionId {
        let [_, _, _, _, _, _, _, _, id @ ..] = *self.header;
        TransactionId(id)
    }

    /// Length of the whole message in bytes, header included.
    pub const fn size(&self) -> usize {
        HEADER + self.body.len()
    }

    /// The attributes that count, in order; unknown ones too.
    pub fn attributes(&self) -> Attributes<'a> {
        Attributes::new(Reader::new(self.body, HEADER))
    }

    /// The first attribute of type `A`, or `None`. Later ones of the same type are ignored
    /// (RFC 8489 §14).
    ///
    /// ```
    /// # use stun_codec::{attribute::Priority, DecodeError, Message};
    /// fn priority(datagram: &[u8]) -> Result<Option<Priority>, DecodeError> {
    ///     Message::parse(datagram)?.attribute::<Priority>()
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// The attribute is there and its value is not what its type says.
    pub fn attribute<A: Decode<'a>>(&self) -> Result<Option<A>, DecodeError> {
        self.find(A::TYPE)
            .map(|value| A::decode(value, self.transaction_id()))
            .transpose()
    }

    /// The value of the first attribute of a type that counts.
    #[inline]
    fn find(&self, attribute: AttributeType) -> Option<&'a [u8]> {
        if attribute.is_tag() {
            let mut tags = self.attributes();
            return tags
                .find(|found| found.attribute_type == attribute)
                .map(|found| found.value);
        }
        // The structure is known to be right: this stops where it ends.
        let mut rest = self.open();
        while let Some((&[t0, t1, l0, l1], behind)) = rest.split_first_chunk() {
            let length = usize::from(u16::from_be_bytes([l0, l1]));
            if u16::from_be_bytes([t0, t1]) == attribute.0 {
                return behind.get(..length);
            }
            rest = behind.get(length.next_multiple_of(4)..)?;
        }
        None
    }

    /// The part of the body where everything counts.
    #[inline]
    fn open(&self) -> &'a [u8] {
        match self.tags.first() {
            Some(end) => self.body.get(..in_body(end)).unwrap_or_default(),
            None => self.body,
        }
    }

    /// Whether an attribute of this type is there and counts. Its value may be anything.
    pub fn contains(&self, attribute: AttributeType) -> bool {
        self.find(attribute).is_some()
    }

    /// Whether it ends with FINGERPRINT, which has been checked.
    pub const fn has_fingerprint(&self) -> bool {
        self.tags.fingerprint.is_some()
    }

    /// The comprehension-required attributes for which `understood` is false: what a 420 answer
    /// lists (RFC 8489 §6.3.1). [`AttributeType::is_for_binding`] is the set of a plain server or
    /// an ICE agent.
    pub fn unknown_required(&self, understood: fn(AttributeType) -> bool) -> UnknownRequired<'a> {
        UnknownRequired::new(self.attributes(), understood)
    }

    pub(crate) const fn header(&self) -> &'a [u8; HEADER] {
        self.header
    }

    /// MESSAGE-INTEGRITY: what stands before it in the body, and its value.
    pub(crate) fn integrity(&self) -> Option<(&'a [u8], &'a [u8])> {
        self.split_at_tag(self.tags.integrity?)
    }

    /// MESSAGE-INTEGRITY-SHA256: what stands before it in the body, and its value.
    pub(crate) fn integrity_sha256(&self) -> Option<(&'a [u8], &'a [u8])> {
        self.split_at_tag(self.tags.integrity_sha256?)
    }

    #[inline]
    fn split_at_tag(&self, offset: NonZeroU32) -> Option<(&'a [u8], &'a [u8])> {
        let (before, rest) = self.body.split_at_checked(in_body(offset))?;
        let tag = Reader::new(rest, HEADER).attribute().ok()?;
        Some((before, tag.value))
    }

    fn message_type(&self) -> (Class, Method) {
        let [high, low, ..] = *self.header;
        message_type::from_wire(u16::from_be_bytes([high, low]))
    }
}

/// Where in the body a tag begins.
const fn in_body(offset: NonZeroU32) -> usize {
    offset.get() as usize - HEADER
}

#[inline]
fn check_header(header: &[u8; HEADER], body: &[u8]) -> Result<(), DecodeError> {
    let mut reader = Reader::new(header, 0);
    let message_type = reader.u16()?;
    let announced = reader.u16()?;
    let cookie = reader.u32()?;
    if message_type & 0xc000 != 0 {
        return Err(DecodeError::TypeBits {
            found: message_type,
        });
    }
    if cookie != MAGIC_COOKIE {
        return Err(DecodeError::MagicCookie { found: cookie });
    }
    if !announced.is_multiple_of(4) || usize::from(announced) != body.len() {
        return Err(DecodeError::Length {
            announced,
            found: body.len(),
        });
    }
    Ok(())
}

impl fmt::Debug for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("class", &self.class())
            .field("method", &self.method())
            .field("transaction_id", &self.transaction_id())
            .field("attributes", &ListAttributes(self.attributes()))
            .finish()
    }
}

/// Lists attributes in debug output.
struct ListAttributes<'a>(Attributes<'a>);

impl fmt::Debug for ListAttributes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.clone()).finish()
    }
}
