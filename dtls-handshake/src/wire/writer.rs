//! Writing: values append to a buffer, lengths are patched in when what they count is complete.

/// Appends to a buffer of the caller.
#[derive(Debug)]
pub(crate) struct Writer<'a> {
    out: &'a mut Vec<u8>,
}

impl<'a> Writer<'a> {
    pub(crate) fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out }
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    pub(crate) fn u8(&mut self, value: u8) {
        self.out.push(value);
    }

    pub(crate) fn u16(&mut self, value: u16) {
        self.bytes(&value.to_be_bytes());
    }

    /// What `body` writes, behind its length in one byte.
    pub(crate) fn vec8(&mut self, body: impl FnOnce(&mut Self)) {
        self.counted::<1>(body);
    }

    /// What `body` writes, behind its length in two bytes.
    pub(crate) fn vec16(&mut self, body: impl FnOnce(&mut Self)) {
        self.counted::<2>(body);
    }

    /// What `body` writes, behind its length in three bytes.
    pub(crate) fn vec24(&mut self, body: impl FnOnce(&mut Self)) {
        self.counted::<3>(body);
    }

    /// Numbers of 16 bits behind their length in two bytes.
    pub(crate) fn list16(&mut self, values: impl IntoIterator<Item = u16>) {
        self.vec16(|w| values.into_iter().for_each(|value| w.u16(value)));
    }

    /// What we write is bounded by what we read and by `Config`, far below what three bytes can
    /// count; a length that did not fit would leave its leading bytes out and be refused there.
    fn counted<const N: usize>(&mut self, body: impl FnOnce(&mut Self)) {
        let start = self.out.len();
        self.bytes(&[0; N]);
        body(self);
        let length = (self.out.len() - start - N) as u64;
        if let (Some(place), Some(digits)) = (
            self.out.get_mut(start..start + N),
            length.to_be_bytes().last_chunk::<N>(),
        ) {
            place.copy_from_slice(digits);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_patched_from_the_inside_out() {
        let mut out = vec![9];
        let mut w = Writer::new(&mut out);
        w.vec16(|w| {
            w.vec8(|w| w.bytes(b"ab"));
            w.vec24(|w| w.u16(0x0102));
            w.list16([5, 6]);
        });
        assert_eq!(
            out,
            [9, 0, 14, 2, b'a', b'b', 0, 0, 2, 1, 2, 0, 4, 0, 5, 0, 6]
        );
    }
}
