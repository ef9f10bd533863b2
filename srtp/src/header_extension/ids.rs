//! A set of element ids.

use core::fmt;

/// The ids of header extension elements, as `a=extmap` gives them: 1 to 14 in one-byte headers, 1 to
/// 255 in two-byte headers (RFC 8285 §4.2, §4.3).
///
/// ```
/// use srtp::ExtensionIds;
///
/// let ids = ExtensionIds::from_iter([1, 3, 4]);
/// assert!(ids.contains(3) && !ids.contains(2));
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct ExtensionIds([u128; 2]);

impl ExtensionIds {
    /// The set with `id` in it as well. 0 is padding and no id: it changes nothing.
    #[must_use]
    pub const fn with(self, id: u8) -> Self {
        let Self([low, high]) = self;
        match id {
            0 => self,
            1..128 => Self([low | 1 << id, high]),
            128.. => Self([low, high | 1 << (id - 128)]),
        }
    }

    /// Whether `id` is in the set.
    #[must_use]
    pub const fn contains(&self, id: u8) -> bool {
        let Self([low, high]) = *self;
        let (half, bit) = if id < 128 {
            (low, id)
        } else {
            (high, id - 128)
        };
        half >> bit & 1 != 0
    }

    /// The ids in ascending order.
    pub fn iter(self) -> impl Iterator<Item = u8> {
        (1..=u8::MAX).filter(move |&id| self.contains(id))
    }
}

impl FromIterator<u8> for ExtensionIds {
    fn from_iter<I: IntoIterator<Item = u8>>(ids: I) -> Self {
        ids.into_iter().fold(Self::default(), Self::with)
    }
}

impl fmt::Debug for ExtensionIds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_id_but_0_can_be_in_it() {
        for id in 1..=u8::MAX {
            let ids = ExtensionIds::default().with(id);
            assert_eq!(ids.iter().collect::<Vec<_>>(), [id]);
        }
        let none = ExtensionIds::from_iter([0]);
        assert_eq!(none, ExtensionIds::default());
        assert!(!none.contains(0));
        let ids = ExtensionIds::from_iter([255, 14, 128, 127, 14]);
        assert_eq!(format!("{ids:?}"), "{14, 127, 128, 255}");
    }
}
