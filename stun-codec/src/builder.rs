//! Writing a message into the caller's buffer.

use core::ops::Range;

use bytes::{BufMut, BytesMut};

use crate::attribute::fingerprint;
use crate::crypto::{SHA1_TAG, SHA256_TAG};
use crate::message::{HEADER, MAGIC_COOKIE};
use crate::message_type;
use crate::{AttributeType, Class, Encode, EncodeError, IntegrityKey, Message, Method};
use crate::{TransactionId, Verified};

/// Length of an attribute's type and length fields, in bytes.
const ATTRIBUTE_HEADER: usize = 4;

/// Type and length of an attribute.
const fn attribute_header(attribute: AttributeType, length: u16) -> u32 {
    (attribute.0 as u32) << 16 | length as u32
}

/// Appends one message to a buffer.
///
/// Attributes go in the order they are added. Then the message is closed: by
/// [`integrity`](Self::integrity) and its siblings, which leave only FINGERPRINT possible, by
/// [`fingerprint`](Self::fingerprint), or by [`finish`](Self::finish). Each end returns where the
/// message stands in the buffer. Several messages may stand one after the other.
///
/// Padding is zero (RFC 8489 §14). The builder allocates nothing; the buffer grows when it has
/// to.
///
/// ```
/// # use bytes::BytesMut;
/// # use stun_codec::{attribute::Software, Builder, Method, TransactionId};
/// let mut out = BytesMut::new();
/// let range = Builder::request(&mut out, Method::BINDING, TransactionId([7; 12]))
///     .attribute(&Software("example"))
///     .fingerprint()?;
/// assert_eq!(range, 0..out.len());
/// # Ok::<(), stun_codec::EncodeError>(())
/// ```
#[derive(Debug)]
#[must_use = "a message is complete only after `finish` or `fingerprint`"]
pub struct Builder<'b> {
    out: &'b mut BytesMut,
    start: usize,
    transaction_id: TransactionId,
    /// The first thing that went wrong; nothing is written after it.
    outcome: Result<(), EncodeError>,
}

impl<'b> Builder<'b> {
    /// Begins a message of any class.
    pub fn new(
        out: &'b mut BytesMut,
        class: Class,
        method: Method,
        transaction_id: TransactionId,
    ) -> Self {
        let start = out.len();
        let mut header = [0; HEADER];
        let [
            t0,
            t1,
            _,
            _,
            cookie @ ..,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
        ] = &mut header;
        [*t0, *t1] = message_type::to_wire(class, method).to_be_bytes();
        *cookie = MAGIC_COOKIE.to_be_bytes();
        let [_, _, _, _, _, _, _, _, id @ ..] = &mut header;
        *id = transaction_id.0;
        out.put_slice(&header);
        Self {
            out,
            start,
            transaction_id,
            outcome: Ok(()),
        }
    }

    /// Begins a request.
    pub fn request(out: &'b mut BytesMut, method: Method, id: TransactionId) -> Self {
        Self::new(out, Class::Request, method, id)
    }

    /// Begins an indication.
    pub fn indication(out: &'b mut BytesMut, method: Method, id: TransactionId) -> Self {
        Self::new(out, Class::Indication, method, id)
    }

    /// Begins the success response to a request.
    pub fn success(out: &'b mut BytesMut, request: &Message<'_>) -> Self {
        let id = request.transaction_id();
        Self::new(out, Class::Success, request.method(), id)
    }

    /// Begins the error response to a request. ERROR-CODE is the first attribute to add.
    pub fn error(out: &'b mut BytesMut, request: &Message<'_>) -> Self {
        let id = request.transaction_id();
        Self::new(out, Class::Error, request.method(), id)
    }

    /// Adds an attribute. What goes wrong here is told when the message is closed.
    pub fn attribute<A: Encode + ?Sized>(mut self, attribute: &A) -> Self {
        if self.outcome.is_ok() {
            self.outcome = self.append(attribute);
        }
        self
    }

    /// Adds MESSAGE-INTEGRITY (RFC 8489 §14.5).
    pub fn integrity(mut self, key: &IntegrityKey) -> Sealed<'b> {
        self.seal_sha1(key);
        Sealed(self)
    }

    /// Adds MESSAGE-INTEGRITY-SHA256 (RFC 8489 §14.6), untruncated.
    pub fn integrity_sha256(mut self, key: &IntegrityKey) -> Sealed<'b> {
        self.seal_sha256(key);
        Sealed(self)
    }

    /// Adds both integrity attributes: the first request to a server that may know only one
    /// (RFC 8489 §9.1.2).
    pub fn integrity_both(mut self, key: &IntegrityKey) -> Sealed<'b> {
        self.seal_sha1(key);
        self.seal_sha256(key);
        Sealed(self)
    }

    /// Protects a response with the algorithm its request was verified with (RFC 8489 §9.1.3).
    pub fn integrity_like(self, request: &Verified<'_>, key: &IntegrityKey) -> Sealed<'b> {
        match request.algorithm() {
            crate::Algorithm::HmacSha1 => self.integrity(key),
            crate::Algorithm::HmacSha256 => self.integrity_sha256(key),
        }
    }

    /// Adds FINGERPRINT and closes the message (RFC 8489 §14.7).
    ///
    /// # Errors
    ///
    /// An attribute did not fit. The buffer is as it was before the message.
    pub fn fingerprint(mut self) -> Result<Range<usize>, EncodeError> {
        self.append_tag(AttributeType::FINGERPRINT, |message| {
            fingerprint::of(message).to_be_bytes()
        });
        self.finish()
    }

    /// Closes the message.
    ///
    /// # Errors
    ///
    /// An attribute did not fit. The buffer is as it was before the message.
    pub fn finish(self) -> Result<Range<usize>, EncodeError> {
        match self.outcome {
            Ok(()) => Ok(self.start..self.out.len()),
            Err(error) => {
                self.out.truncate(self.start);
                Err(error)
            }
        }
    }

    fn seal_sha1(&mut self, key: &IntegrityKey) {
        self.append_tag::<SHA1_TAG>(AttributeType::MESSAGE_INTEGRITY, |message| {
            key.sha1(&[message])
        });
    }

    fn seal_sha256(&mut self, key: &IntegrityKey) {
        self.append_tag::<SHA256_TAG>(AttributeType::MESSAGE_INTEGRITY_SHA256, |message| {
            key.sha256(&[message])
        });
    }

    /// Writes the attribute, its padding and both length fields.
    fn append<A: Encode + ?Sized>(&mut self, attribute: &A) -> Result<(), EncodeError> {
        self.out
            .put_u32(attribute_header(attribute.attribute_type(), 0));
        let value_at = self.out.len();
        attribute.encode(&mut ValueWriter {
            out: self.out,
            transaction_id: self.transaction_id,
        })?;
        let length = self.out.len() - value_at;
        let padding = length.next_multiple_of(4) - length;
        if padding > 0 {
            self.out.put_bytes(0, padding);
        }
        let body = self.out.len() - self.start - HEADER;
        self.announce(body)?;
        // It fits, for the whole body does.
        self.put_length(value_at - 2, u16::try_from(length).unwrap_or(u16::MAX));
        Ok(())
    }

    /// Appends an attribute whose value is computed over all that stands before it, under a
    /// length field that already counts it (RFC 8489 §14.5, §14.7).
    fn append_tag<const N: usize>(
        &mut self,
        attribute: AttributeType,
        compute: impl FnOnce(&[u8]) -> [u8; N],
    ) {
        if self.outcome.is_err() {
            return;
        }
        let body = self.out.len() - self.start - HEADER;
        self.outcome = self.announce(body + ATTRIBUTE_HEADER + N);
        if self.outcome.is_ok() {
            let tag = compute(self.out.get(self.start..).unwrap_or_default());
            self.out
                .put_u32(attribute_header(attribute, const { N as u16 }));
            self.out.put_slice(&tag);
        }
    }

    /// Sets the message's length field.
    fn announce(&mut self, body: usize) -> Result<(), EncodeError> {
        let length =
            u16::try_from(body).map_err(|_| EncodeError::MessageTooLong { length: body })?;
        self.put_length(self.start + 2, length);
        Ok(())
    }

    fn put_length(&mut self, at: usize, length: u16) {
        if let Some(field) = self.out.get_mut(at..at + 2) {
            field.copy_from_slice(&length.to_be_bytes());
        }
    }
}

/// A message with its integrity attribute: only FINGERPRINT may follow (RFC 8489 §14.5).
#[derive(Debug)]
#[must_use = "a message is complete only after `finish` or `fingerprint`"]
pub struct Sealed<'b>(Builder<'b>);

impl<'b> Sealed<'b> {
    /// Where there is nothing to protect the message with.
    pub(crate) const fn without_integrity(builder: Builder<'b>) -> Self {
        Self(builder)
    }

    /// Adds FINGERPRINT and closes the message (RFC 8489 §14.7).
    ///
    /// # Errors
    ///
    /// An attribute did not fit. The buffer is as it was before the message.
    pub fn fingerprint(self) -> Result<Range<usize>, EncodeError> {
        self.0.fingerprint()
    }

    /// Closes the message.
    ///
    /// # Errors
    ///
    /// An attribute did not fit. The buffer is as it was before the message.
    pub fn finish(self) -> Result<Range<usize>, EncodeError> {
        self.0.finish()
    }
}

/// Where an attribute writes its value; all numbers are big-endian.
#[derive(Debug)]
pub struct ValueWriter<'b> {
    out: &'b mut BytesMut,
    transaction_id: TransactionId,
}

impl ValueWriter<'_> {
    /// The id of the message being written.
    pub const fn transaction_id(&self) -> TransactionId {
        self.transaction_id
    }

    /// Writes one byte.
    pub fn u8(&mut self, value: u8) {
        self.out.put_u8(value);
    }

    /// Writes two bytes.
    pub fn u16(&mut self, value: u16) {
        self.out.put_u16(value);
    }

    /// Writes four bytes.
    pub fn u32(&mut self, value: u32) {
        self.out.put_u32(value);
    }

    /// Writes eight bytes.
    pub fn u64(&mut self, value: u64) {
        self.out.put_u64(value);
    }

    /// Writes bytes as they are.
    pub fn bytes(&mut self, value: &[u8]) {
        self.out.put_slice(value);
    }
}
