//! Things that are found by a small number.

use stun_codec::SocketId;

/// Bits of a number that say where; the others say which of those that stood there.
const INDEX_BITS: u32 = 22;
const INDEX: u32 = (1 << INDEX_BITS) - 1;

/// The number of a thing. One that was removed is not found by it again, though another may stand in
/// its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Key(u32);

impl Key {
    pub(super) const fn number(self) -> u32 {
        self.0
    }

    pub(super) const fn of_number(number: u32) -> Self {
        Self(number)
    }

    /// The one that a socket was asked for with; `None` for the driver's own.
    pub(super) fn of_socket(id: SocketId) -> Option<Self> {
        // The low half is that number.
        id.is_asked()
            .then_some(Self((id.0 & u64::from(u32::MAX)) as u32))
    }

    const fn at(self) -> usize {
        (self.0 & INDEX) as usize
    }

    /// The next one at the same place.
    const fn next(self) -> Self {
        Self(self.0.wrapping_add(1 << INDEX_BITS))
    }
}

#[derive(Debug)]
struct Slot<T> {
    key: Key,
    value: Option<T>,
}

/// Values in a row; places are used again.
#[derive(Debug)]
pub(super) struct Slots<T> {
    slots: Vec<Slot<T>>,
    free: Vec<Key>,
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self {
            slots: Vec::new(),
            free: Vec::new(),
        }
    }
}

impl<T> Slots<T> {
    /// `None` when there are as many as numbers.
    pub(super) fn insert(&mut self, value: T) -> Option<Key> {
        if let Some(key) = self.free.pop() {
            let slot = self.slots.get_mut(key.at())?;
            *slot = Slot {
                key,
                value: Some(value),
            };
            return Some(key);
        }
        let index = u32::try_from(self.slots.len()).ok()?;
        let key = Key((index <= INDEX).then_some(index)?);
        let value = Some(value);
        self.slots.push(Slot { key, value });
        Some(key)
    }

    pub(super) fn get(&self, key: Key) -> Option<&T> {
        let slot = self.slots.get(key.at())?;
        slot.value.as_ref().filter(|_| slot.key == key)
    }

    pub(super) fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        let slot = self.slots.get_mut(key.at())?;
        slot.value.as_mut().filter(|_| slot.key == key)
    }

    pub(super) fn remove(&mut self, key: Key) -> Option<T> {
        let value = self.take(key)?;
        self.free.push(key.next());
        Some(value)
    }

    /// Takes a value out that [`put`](Self::put) will bring back, changed.
    pub(super) fn take(&mut self, key: Key) -> Option<T> {
        let slot = self.slots.get_mut(key.at())?;
        slot.value.take_if(|_| slot.key == key)
    }

    /// Into the place from which one was taken.
    pub(super) fn put(&mut self, key: Key, value: T) {
        if let Some(slot) = self.slots.get_mut(key.at()).filter(|slot| slot.key == key) {
            slot.value = Some(value);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Key, &T)> {
        let each = self.slots.iter();
        each.filter_map(|slot| slot.value.as_ref().map(|value| (slot.key, value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_names_one_thing_for_ever() {
        let mut slots = Slots::default();
        let (a, b) = (slots.insert('a').unwrap(), slots.insert('b').unwrap());
        assert_eq!(slots.remove(a), Some('a'));
        assert_eq!(slots.remove(a), None);
        let c = slots.insert('c').unwrap();
        assert_eq!(c.at(), a.at());
        assert_eq!(
            (slots.get(a), slots.get(b), slots.get(c)),
            (None, Some(&'b'), Some(&'c'))
        );
        assert_eq!(slots.len(), 2);
        assert_eq!(slots.iter().count(), 2);
    }
}
