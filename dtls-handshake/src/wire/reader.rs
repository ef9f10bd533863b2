//! Reading: the only place where lengths from the network meet slices.

/// A message is not what its own structure demands: too short, too long, or a length that does
/// not fit. Carries the name of what was being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DecodeError(pub(crate) &'static str);

/// A cursor over borrowed bytes. Every read names what it reads, for the error.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn bytes(
        &mut self,
        length: usize,
        what: &'static str,
    ) -> Result<&'a [u8], DecodeError> {
        let (taken, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or(DecodeError(what))?;
        self.rest = rest;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(
        &mut self,
        what: &'static str,
    ) -> Result<&'a [u8; N], DecodeError> {
        let (taken, rest) = self
            .rest
            .split_first_chunk::<N>()
            .ok_or(DecodeError(what))?;
        self.rest = rest;
        Ok(taken)
    }

    pub(crate) fn u8(&mut self, what: &'static str) -> Result<u8, DecodeError> {
        let [value] = *self.array(what)?;
        Ok(value)
    }

    pub(crate) fn u16(&mut self, what: &'static str) -> Result<u16, DecodeError> {
        Ok(u16::from_be_bytes(*self.array(what)?))
    }

    /// A 24-bit number, wide enough afterwards that sums of two cannot wrap.
    pub(crate) fn u24(&mut self, what: &'static str) -> Result<usize, DecodeError> {
        let [a, b, c] = *self.array(what)?;
        Ok(usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c))
    }

    pub(crate) fn u48(&mut self, what: &'static str) -> Result<u64, DecodeError> {
        let [a, b, c, d, e, f] = *self.array(what)?;
        Ok(u64::from_be_bytes([0, 0, a, b, c, d, e, f]))
    }

    /// A vector with a one-byte length, `opaque x<0..2^8-1>`.
    pub(crate) fn vec8(&mut self, what: &'static str) -> Result<&'a [u8], DecodeError> {
        let length = self.u8(what)?;
        self.bytes(length.into(), what)
    }

    /// A vector with a two-byte length, `opaque x<0..2^16-1>`.
    pub(crate) fn vec16(&mut self, what: &'static str) -> Result<&'a [u8], DecodeError> {
        let length = self.u16(what)?;
        self.bytes(length.into(), what)
    }

    /// A vector with a three-byte length, `opaque x<0..2^24-1>`.
    pub(crate) fn vec24(&mut self, what: &'static str) -> Result<&'a [u8], DecodeError> {
        let length = self.u24(what)?;
        self.bytes(length, what)
    }

    /// A vector of 16-bit numbers with a two-byte length, at least one number.
    pub(crate) fn list16(&mut self, what: &'static str) -> Result<List16<'a>, DecodeError> {
        List16::new(self.vec16(what)?, what)
    }

    /// The structure ends here: bytes after it are an error.
    pub(crate) fn finish(self, what: &'static str) -> Result<(), DecodeError> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(DecodeError(what))
        }
    }
}

/// A borrowed list of 16-bit code points, not empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct List16<'a>(&'a [[u8; 2]]);

impl<'a> List16<'a> {
    pub(crate) fn new(bytes: &'a [u8], what: &'static str) -> Result<Self, DecodeError> {
        match bytes.as_chunks::<2>() {
            (pairs, []) if !pairs.is_empty() => Ok(Self(pairs)),
            _ => Err(DecodeError(what)),
        }
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = u16> + 'a {
        self.0.iter().map(|pair| u16::from_be_bytes(*pair))
    }

    pub(crate) fn contains(self, value: u16) -> bool {
        self.iter().any(|item| item == value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_big_endian() {
        let mut reader = Reader::new(&[1, 0, 2, 0, 0, 3, 0, 0, 0, 0, 1, 0]);
        assert_eq!(reader.u8("a"), Ok(1));
        assert_eq!(reader.u16("b"), Ok(2));
        assert_eq!(reader.u24("c"), Ok(3));
        assert_eq!(reader.u48("d"), Ok(256));
        assert_eq!(reader.finish("end"), Ok(()));
    }

    #[test]
    fn a_length_past_the_end_is_an_error_and_names_its_field() {
        assert_eq!(
            Reader::new(&[4, 1, 2, 3]).vec8("cookie"),
            Err(DecodeError("cookie"))
        );
        assert_eq!(Reader::new(&[0, 3, 1]).vec16("x"), Err(DecodeError("x")));
        assert_eq!(
            Reader::new(&[255, 255, 255]).vec24("y"),
            Err(DecodeError("y"))
        );
    }

    #[test]
    fn lists_are_whole_and_not_empty() {
        assert!(Reader::new(&[0, 0]).list16("l").is_err());
        assert!(Reader::new(&[0, 3, 1, 2, 3]).list16("l").is_err());
        let list = Reader::new(&[0, 4, 0, 1, 0, 2]).list16("l").unwrap();
        assert_eq!(list.iter().collect::<Vec<_>>(), [1, 2]);
        assert!(list.contains(2) && !list.contains(3));
    }

    #[test]
    fn trailing_bytes_are_an_error() {
        assert_eq!(Reader::new(&[1]).finish("tail"), Err(DecodeError("tail")));
    }
}
