//! The master keys that a receiver takes packets under, told apart by the MKI in each packet.

use crate::error::{AddKeyError, UnprotectError};
use crate::event::Event;
use crate::key::MasterKey;
use crate::transform::Transform;

/// How many keys there may be at a time: each is compared with the MKI of every packet.
const KEYS_MAX: usize = 32;

/// At least one key. All have one profile and MKIs of one length that differ; without an MKI
/// there is one key. So where the MKI stands is known before the key is (RFC 3711 §3.1).
#[derive(Debug)]
pub(crate) struct KeyRing {
    /// The key of the packet before, looked at first.
    recent: MasterKey,
    others: Vec<MasterKey>,
}

impl KeyRing {
    pub(crate) const fn new(key: MasterKey) -> Self {
        Self {
            recent: key,
            others: Vec::new(),
        }
    }

    /// A key of the profile that all keys have.
    pub(crate) const fn any(&self) -> &MasterKey {
        &self.recent
    }

    pub(crate) fn add(&mut self, key: MasterKey) -> Result<(), AddKeyError> {
        self.recent.check_successor(&key)?;
        let known = |it: &MasterKey| it.mki == key.mki;
        if key.mki.is_empty() || known(&self.recent) || self.others.iter().any(known) {
            return Err(AddKeyError::Ambiguous);
        }
        if self.others.len() + 1 >= KEYS_MAX {
            return Err(AddKeyError::TooMany { limit: KEYS_MAX });
        }
        self.others.push(key);
        Ok(())
    }

    /// Puts a key in the place of all.
    pub(crate) fn replace(&mut self, key: MasterKey) -> Result<(), AddKeyError> {
        self.recent.check_successor(&key)?;
        self.recent = key;
        self.others.clear();
        Ok(())
    }

    /// Drops a key, unless it is the last one. Whether there was one to drop.
    pub(crate) fn remove(&mut self, mki: &[u8]) -> bool {
        if let Some(at) = self.others.iter().position(|key| *key.mki == *mki) {
            self.others.swap_remove(at);
            return true;
        }
        if *self.recent.mki != *mki {
            return false;
        }
        match self.others.pop() {
            Some(other) => {
                self.recent = other;
                true
            }
            None => false,
        }
    }

    /// What there is to tell of one of the keys.
    pub(crate) fn poll_event(&mut self, margin: u64) -> Option<Event> {
        let mut keys = core::iter::once(&mut self.recent).chain(&mut self.others);
        keys.find_map(|key| key.poll_event(margin))
    }

    /// The key that the MKI of `packet` names, which is not used up, and the packet without its
    /// MKI. `transform` chooses between RTP and RTCP. The packet has room for MKI and trailer.
    #[inline]
    pub(crate) fn open<'a, 'p>(
        &'a mut self,
        packet: &'p mut [u8],
        transform: fn(&MasterKey) -> &Transform,
    ) -> Result<(&'a mut MasterKey, &'p mut [u8]), UnprotectError> {
        let mki_len = self.recent.mki.len();
        let mut packet = packet;
        if mki_len > 0 {
            let behind = transform(&self.recent).behind_mki();
            let inner = packet.len().saturating_sub(mki_len);
            let at = inner.saturating_sub(behind);
            let mki = packet.get(at..at + mki_len).unwrap_or_default();
            self.look_up(mki)?;
            // The tag of AES-CM stands behind the MKI, which it does not cover (RFC 3711 §3.1).
            packet.copy_within(at + mki_len.., at);
            packet = packet.get_mut(..inner).unwrap_or_default();
        }
        self.recent.uses.check()?;
        Ok((&mut self.recent, packet))
    }

    /// Makes the key that `mki` names the recent one.
    #[inline]
    fn look_up(&mut self, mki: &[u8]) -> Result<(), UnprotectError> {
        if *self.recent.mki == *mki {
            return Ok(());
        }
        let other = self.others.iter_mut().find(|key| *key.mki == *mki);
        core::mem::swap(&mut self.recent, other.ok_or(UnprotectError::UnknownMki)?);
        Ok(())
    }
}

/// Puts the MKI of `key` into a sealed packet: `buf` is the packet, and behind it room for exactly
/// the MKI (RFC 3711 §3.1, RFC 7714 §8.2).
#[inline]
pub(crate) fn insert_mki(buf: &mut [u8], mki: &[u8], behind: usize) {
    if mki.is_empty() {
        return;
    }
    let inner = buf.len().saturating_sub(mki.len());
    let at = inner.saturating_sub(behind);
    buf.copy_within(at..inner, at + mki.len());
    if let Some(place) = buf.get_mut(at..at + mki.len()) {
        place.copy_from_slice(mki);
    }
}
