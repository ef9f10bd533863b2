//! Finds an attribute by its name: a table of all names, made when the crate is compiled.

use crate::work;

/// Slots of the table, some for each name.
const SLOTS: usize = 128;

/// Names and what they stand for.
pub(super) struct Table<K: Copy + 'static>([Option<(&'static str, K)>; SLOTS]);

impl<K: Copy + 'static> Table<K> {
    /// A table of these names; each in its slot or the next free one.
    #[allow(
        clippy::indexing_slicing,
        reason = "run by the compiler, for which a wrong index is an error"
    )]
    pub(super) const fn new(names: &[(&'static str, K)]) -> Self {
        let mut slots = [None; SLOTS];
        let mut index = 0;
        while index < names.len() {
            let mut slot = slot(names[index].0.as_bytes());
            while slots[slot].is_some() {
                slot = (slot + 1) % SLOTS;
            }
            slots[slot] = Some(names[index]);
            index += 1;
        }
        Self(slots)
    }

    /// What stands for `name`.
    pub(super) fn find(&self, name: &str) -> Option<K> {
        let first = slot(name.as_bytes());
        let slots = self.0.get(first..)?.iter().chain(&self.0);
        for slot in slots {
            work::done(1);
            match slot {
                Some((known, kind)) if *known == name => return Some(*kind),
                Some(_) => {}
                None => return None,
            }
        }
        None
    }
}

/// The slot of a name, by its length and its ends.
const fn slot(name: &[u8]) -> usize {
    match (name.first(), name.last()) {
        (Some(first), Some(last)) => {
            (name.len() * 37 + *first as usize * 5 + *last as usize * 3) % SLOTS
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_is_there() {
        const TABLE: Table<u8> = Table::new(&[("mid", 1), ("mod", 2), ("msid", 3)]);
        let found = ["mid", "mod", "msid", "mad", "", "m"].map(|name| TABLE.find(name));
        assert_eq!(found, [Some(1), Some(2), Some(3), None, None, None]);
    }
}
