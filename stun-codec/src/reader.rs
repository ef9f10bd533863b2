//! The one place that checks bounds.

use crate::{AttributeType, DecodeError, RawAttribute};

/// Reads big-endian values from a slice and never past its end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    /// Reads `bytes`, whose first byte is reported as offset `offset` in errors.
    pub(crate) const fn new(bytes: &'a [u8], offset: usize) -> Self {
        Self {
            rest: bytes,
            offset,
        }
    }

    /// Where the next read begins.
    pub(crate) const fn offset(&self) -> usize {
        self.offset
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// All that was not read.
    pub(crate) const fn rest(self) -> &'a [u8] {
        self.rest
    }

    pub(crate) fn bytes(&mut self, needed: usize) -> Result<&'a [u8], DecodeError> {
        let (head, rest) = self
            .rest
            .split_at_checked(needed)
            .ok_or_else(|| self.truncated(0, needed))?;
        self.rest = rest;
        self.offset += needed;
        Ok(head)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (head, rest) = self
            .rest
            .split_first_chunk::<N>()
            .ok_or_else(|| self.truncated(0, N))?;
        self.rest = rest;
        self.offset += N;
        Ok(*head)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, DecodeError> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, DecodeError> {
        self.array().map(u32::from_be_bytes)
    }

    /// One attribute with its padding (RFC 8489 §14). Lengths are rounded up in `usize`: in 16
    /// bits 0xFFFD would become 0 and the reader would stand still.
    #[inline]
    pub(crate) fn attribute(&mut self) -> Result<RawAttribute<'a>, DecodeError> {
        let Some((&[t0, t1, l0, l1], rest)) = self.rest.split_first_chunk() else {
            return Err(self.truncated(0, 4));
        };
        let length = usize::from(u16::from_be_bytes([l0, l1]));
        let padded = length.next_multiple_of(4);
        let Some((value, rest)) = rest.split_at_checked(padded) else {
            return Err(self.truncated(4, padded));
        };
        self.rest = rest;
        self.offset += 4 + padded;
        Ok(RawAttribute {
            attribute_type: AttributeType(u16::from_be_bytes([t0, t1])),
            value: value.get(..length).unwrap_or_default(),
        })
    }

    /// `needed` bytes were wanted `ahead` of here.
    #[cold]
    fn truncated(&self, ahead: usize, needed: usize) -> DecodeError {
        DecodeError::Truncated {
            offset: self.offset + ahead,
            needed,
            remaining: self.rest.len().saturating_sub(ahead),
        }
    }
}
