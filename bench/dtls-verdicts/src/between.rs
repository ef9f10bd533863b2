//! Who stands between: what he does to the records that pass.

use virtual_network::Dice;

use crate::record::{FRAGMENT_HEADER, HEADER, Record, split};

/// What is done to one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disturbance {
    /// It comes twice.
    Repeat,
    /// It comes so many datagrams later.
    Delay(u8),
    /// Its fragment is cut in two, at so many 256ths of its length; the later part first.
    Cut {
        /// Where.
        at: u8,
        /// Both parts have some of the middle.
        overlaps: bool,
        /// The later part comes first.
        reversed: bool,
    },
    /// It is cut off, at so many 256ths of its length.
    Truncate(u8),
    /// So many bytes stand behind it.
    Lengthen(u8),
    /// A bit of its header is changed: which byte and bit.
    Header(u8, u8),
    /// A bit of its fragment's header is changed, if it has one that is not protected.
    FragmentHeader(u8, u8),
    /// A bit of what it carries is changed, at so many 256ths of the length.
    Body(u8, u8),
    /// A record of this content, in this epoch, with so many bytes of that value, comes before it.
    Insert {
        /// The content.
        content: u8,
        /// The epoch.
        epoch: u8,
        /// How many bytes.
        length: u8,
        /// Their value.
        value: u8,
    },
    /// An alert that is not protected comes before it: level and description.
    Alert(u8, u8),
    /// A message of this type without a body, not protected, comes before it: its number is that of
    /// the next message, or further on.
    Message {
        /// The type.
        kind: u8,
        /// How much further on.
        ahead: u8,
    },
}

/// All that happens in one handshake: what to which record, counted from the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan(pub Vec<(usize, Disturbance)>);

impl Plan {
    /// Whether nothing happens but what networks do.
    #[must_use]
    pub fn is_weather(&self) -> bool {
        self.0.iter().all(|(_, one)| {
            matches!(
                one,
                Disturbance::Repeat | Disturbance::Delay(_) | Disturbance::Cut { .. }
            )
        })
    }
}

/// No handshake has more records, without retransmissions.
const RECORDS: u64 = 8;

impl Plan {
    /// One to three disturbances.
    #[must_use]
    pub fn draw(dice: &mut Dice) -> Self {
        let count = 1 + dice.below(3);
        let mut one = |_| (dice.below(RECORDS) as usize, Disturbance::draw(dice));
        Self((0..count).map(&mut one).collect())
    }
}

impl Disturbance {
    /// What kind it is.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Repeat => "repeat",
            Self::Delay(_) => "delay",
            Self::Cut { .. } => "cut",
            Self::Truncate(_) => "truncate",
            Self::Lengthen(_) => "lengthen",
            Self::Header(..) => "header",
            Self::FragmentHeader(..) => "fragment header",
            Self::Body(..) => "body",
            Self::Insert { .. } => "insert",
            Self::Alert(..) => "alert",
            Self::Message { .. } => "message",
        }
    }

    fn draw(dice: &mut Dice) -> Self {
        let kind = dice.below(11);
        let mut byte = || dice.below(256) as u8;
        match kind {
            0 => Self::Repeat,
            1 => Self::Delay(1 + byte() % 3),
            2 => Self::Cut {
                at: byte(),
                overlaps: byte() < 128,
                reversed: byte() < 128,
            },
            3 => Self::Truncate(byte()),
            4 => Self::Lengthen(1 + byte() % 40),
            5 => Self::Header(byte(), byte()),
            6 => Self::FragmentHeader(byte(), byte()),
            7 => Self::Body(byte(), byte()),
            8 => Self::Insert {
                content: 18 + byte() % 10,
                epoch: byte() % 3,
                length: byte(),
                value: byte(),
            },
            9 => Self::Alert(1 + byte() % 2, byte()),
            _ => Self::Message {
                kind: byte() % 26,
                ahead: byte() % 4,
            },
        }
    }
}

/// The one in between, with what he holds back.
#[derive(Debug)]
pub(crate) struct Between {
    plan: Plan,
    passed: usize,
    /// How many records that are not protected went on. They are numbered anew: OpenSSL has a replay
    /// window for them too, and a jump would have it drop all that follow.
    open: u64,
    /// Datagrams that are held back, and for how many others.
    held: Vec<(u8, Vec<u8>)>,
}

impl Between {
    pub(crate) fn new(plan: &Plan) -> Self {
        Self {
            plan: plan.clone(),
            passed: 0,
            open: 0,
            held: Vec::new(),
        }
    }

    /// What becomes of a datagram of the peer. Each record travels alone.
    pub(crate) fn pass(&mut self, datagram: &[u8]) -> Vec<Vec<u8>> {
        let mut out = Vec::new();
        for record in split(datagram) {
            let number = self.passed;
            self.passed += 1;
            let mut passing = Passing {
                records: vec![record],
                open: &mut self.open,
            };
            passing.renumber();
            let mut delay = 0;
            for (_, disturbance) in self.plan.0.iter().filter(|(at, _)| *at == number) {
                delay = delay.max(passing.disturb(*disturbance));
            }
            let records = passing.records;
            let datagrams = records.into_iter().map(|record| record.0);
            match delay {
                0 => out.extend(datagrams),
                _ => self.held.extend(datagrams.map(|one| (delay, one))),
            }
            out.extend(self.release(1));
        }
        out
    }

    /// Those that were held back long enough.
    pub(crate) fn release(&mut self, passed: u8) -> Vec<Vec<u8>> {
        for (left, _) in &mut self.held {
            *left = left.saturating_sub(passed);
        }
        let held = self.held.drain(..);
        let (ready, waiting) = held.partition::<Vec<_>, _>(|(left, _)| *left == 0);
        self.held = waiting;
        ready.into_iter().map(|(_, datagram)| datagram).collect()
    }
}

/// The number of a protected record that nobody has sent.
const UNUSED: u64 = 1 << 20;

/// What becomes of one record.
struct Passing<'a> {
    records: Vec<Record>,
    open: &'a mut u64,
}

impl Passing<'_> {
    /// Gives the record the next number, if it is not protected.
    fn renumber(&mut self) {
        if let Some(record) = self.records.last_mut()
            && record.epoch() == 0
        {
            record.set_sequence(*self.open);
            *self.open += 1;
        }
    }

    /// Changes what is to come of the record; says how long it is held back.
    fn disturb(&mut self, disturbance: Disturbance) -> u8 {
        // Of what was cut off in its header nothing else is made.
        let last = self.records.last().filter(|record| record.has_header());
        let Some(last) = last.cloned() else {
            return 0;
        };
        match disturbance {
            Disturbance::Delay(datagrams) => return datagrams,
            Disturbance::Repeat => self.records.push(last),
            Disturbance::Cut {
                at,
                overlaps,
                reversed,
            } => self.cut(&last, at, overlaps, reversed),
            Disturbance::Insert {
                content,
                epoch,
                length,
                value,
            } => self.insert(content, epoch.into(), &vec![value; length.into()]),
            Disturbance::Alert(level, description) => self.insert(21, 0, &[level, description]),
            Disturbance::Message { kind, ahead } => {
                let number = if last.is_open_fragment() {
                    last.payload()[5]
                } else {
                    0
                };
                let number = number.wrapping_add(ahead);
                self.insert(22, 0, &[kind, 0, 0, 0, 0, number, 0, 0, 0, 0, 0, 0]);
            }
            _ => {
                if let Some(record) = self.records.last_mut() {
                    change(disturbance, &mut record.0);
                }
            }
        }
        0
    }

    /// Puts a record before the one that was there.
    fn insert(&mut self, content: u8, epoch: u16, payload: &[u8]) {
        let record = Record::new(content, epoch, UNUSED, payload);
        let Some(last) = self.records.pop() else {
            return;
        };
        if epoch != 0 {
            self.records.extend([record, last]);
            return;
        }
        // In its number it comes before the other, which gets the next one.
        let mut record = record;
        record.set_sequence(*self.open - u64::from(last.epoch() == 0));
        self.records.extend([record, last.clone()]);
        match last.epoch() {
            0 => self.renumber(),
            _ => *self.open += 1,
        }
    }

    fn cut(&mut self, record: &Record, at: u8, overlaps: bool, reversed: bool) {
        if !record.is_open_fragment() {
            return;
        }
        let length = record.payload().len() - FRAGMENT_HEADER;
        // OpenSSL takes a part without a body for the whole message.
        let middle = (length * usize::from(at) / 256).max(1);
        let again = if overlaps { middle / 2 } else { middle };
        let mut parts = vec![record.part(0, middle), record.part(again, length)];
        if reversed {
            parts.reverse();
        }
        self.records.pop();
        *self.open -= 1;
        for part in parts {
            self.records.push(part);
            self.renumber();
        }
    }
}

/// Changes bytes of one record.
fn change(disturbance: Disturbance, record: &mut Vec<u8>) {
    let flip = |record: &mut Vec<u8>, at: usize, bit: u8| {
        if let Some(byte) = record.get_mut(at) {
            *byte ^= 1 << (bit % 8);
        }
    };
    match disturbance {
        Disturbance::Truncate(at) => record.truncate(record.len() * usize::from(at) / 256),
        Disturbance::Lengthen(count) => record.extend(vec![0; count.into()]),
        Disturbance::Header(at, bit) => flip(record, usize::from(at) % HEADER, bit),
        Disturbance::FragmentHeader(at, bit) if record.get(3..5) == Some(&[0, 0]) => {
            flip(record, HEADER + usize::from(at) % FRAGMENT_HEADER, bit);
        }
        Disturbance::Body(at, bit) => {
            let body = record.len().saturating_sub(HEADER + FRAGMENT_HEADER);
            let at = HEADER + FRAGMENT_HEADER + body * usize::from(at) / 256;
            flip(record, at, bit);
        }
        _ => {}
    }
}
