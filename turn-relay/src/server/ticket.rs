//! Names that the server gives away and must know again: mobility tickets (RFC 8016), reservation tokens
//! (RFC 8656 §18.10). Each carries the worker that has what it names, under a seal that all workers
//! share: one that comes to another worker is sent on, one that was made up is not.

use std::fmt;

use stun_codec::attribute::ReservationToken;
use zeroize::Zeroizing;

use super::crypto;
use super::slots::Key;

/// What tickets and tokens are sealed with.
#[derive(Clone)]
pub(super) struct Sealer {
    key: Zeroizing<[u8; 32]>,
    worker: u8,
}

/// Bytes of a ticket: worker, slot, random, seal.
const TICKET: usize = 1 + 4 + 11 + 16;

/// A mobility ticket.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Ticket(pub(super) [u8; TICKET]);

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ticket(..)")
    }
}

/// The tickets by which an allocation can be moved: the newest, and the one before it until the newest
/// was used, because its client may not have heard of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tickets {
    pub(super) newest: Ticket,
    pub(super) before: Option<Ticket>,
}

/// What somebody holds, once its seal was found whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Held<T> {
    Mine(T),
    /// Another worker knows.
    Elsewhere(u8),
    /// Nobody has made it.
    Forged,
}

impl Sealer {
    pub(super) fn new(seed: &[u8; 32], worker: u8) -> Self {
        let key = Zeroizing::new(crypto::hmac_sha256(seed, &[b"tickets"]));
        Self { key, worker }
    }

    /// A seed for what a worker draws alone.
    pub(super) fn own_seed(&self) -> [u8; 32] {
        crypto::hmac_sha256(&*self.key, &[b"worker", &[self.worker]])
    }

    pub(super) fn ticket(&self, allocation: Key, random: [u8; 11]) -> Ticket {
        let mut ticket = [0; TICKET];
        let [worker, s0, s1, s2, s3, rest @ ..] = &mut ticket;
        *worker = self.worker;
        [*s0, *s1, *s2, *s3] = allocation.number().to_be_bytes();
        let (place, seal) = rest.split_at_mut(11);
        place.copy_from_slice(&random);
        let tag = self.tag(b"ticket", self.worker, allocation.number(), &random);
        seal.iter_mut().zip(tag).for_each(|(byte, tag)| *byte = tag);
        Ticket(ticket)
    }

    /// Whose ticket it is, and which allocation it names.
    pub(super) fn open_ticket(&self, bytes: &[u8]) -> Held<(Key, Ticket)> {
        let Some(ticket) = bytes
            .first_chunk::<TICKET>()
            .filter(|all| all.len() == bytes.len())
        else {
            return Held::Forged;
        };
        let [worker, s0, s1, s2, s3, rest @ ..] = ticket;
        let (random, seal) = rest.split_at(11);
        let number = u32::from_be_bytes([*s0, *s1, *s2, *s3]);
        let tag = self.tag(b"ticket", *worker, number, random);
        if !tag
            .get(..seal.len())
            .is_some_and(|tag| crypto::equal(tag, seal))
        {
            return Held::Forged;
        }
        self.whose(*worker, (Key::of_number(number), Ticket(*ticket)))
    }

    /// A token: worker, random, seal.
    pub(super) fn token(&self, random: [u8; 3]) -> ReservationToken {
        let [r0, r1, r2] = random;
        let [t0, t1, t2, t3, ..] = self.tag(b"token", self.worker, 0, &random);
        ReservationToken([self.worker, r0, r1, r2, t0, t1, t2, t3])
    }

    pub(super) fn open_token(&self, token: ReservationToken) -> Held<ReservationToken> {
        let [worker, r0, r1, r2, seal @ ..] = token.0;
        let [t0, t1, t2, t3, ..] = self.tag(b"token", worker, 0, &[r0, r1, r2]);
        match crypto::equal(&[t0, t1, t2, t3], &seal) {
            true => self.whose(worker, token),
            false => Held::Forged,
        }
    }

    fn whose<T>(&self, worker: u8, what: T) -> Held<T> {
        match worker == self.worker {
            true => Held::Mine(what),
            false => Held::Elsewhere(worker),
        }
    }

    fn tag(&self, purpose: &[u8], worker: u8, number: u32, random: &[u8]) -> [u8; 32] {
        let parts = [purpose, &[worker], &number.to_be_bytes(), random];
        crypto::hmac_sha256(&*self.key, &parts)
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealer({})", self.worker)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_worker_seals_every_worker_knows() {
        let (one, two) = (Sealer::new(&[7; 32], 1), Sealer::new(&[7; 32], 2));
        let key = Key::of_number(0x1234_5678);
        let ticket = one.ticket(key, [9; 11]);
        assert_eq!(one.open_ticket(&ticket.0), Held::Mine((key, ticket)));
        assert_eq!(two.open_ticket(&ticket.0), Held::Elsewhere(1));
        for at in 0..TICKET {
            let mut forged = ticket.0;
            forged[at] ^= 1;
            assert_eq!(one.open_ticket(&forged), Held::Forged);
        }
        assert_eq!(one.open_ticket(&ticket.0[1..]), Held::Forged);

        let token = one.token([1, 2, 3]);
        assert_eq!(one.open_token(token), Held::Mine(token));
        assert_eq!(two.open_token(token), Held::Elsewhere(1));
        let forged = ReservationToken([2, 1, 2, 3, 0, 0, 0, 0]);
        assert_eq!(two.open_token(forged), Held::Forged);
    }
}
