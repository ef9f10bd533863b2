//! Replayed and reordered packets against a plain model, at windows of 64 to 32767: the set of the
//! indices taken, and the highest of them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::prelude::{ProptestConfig, Strategy, any, prop_oneof, proptest};
use proptest::sample::select;
use srtp::{Profile, ProtectError, Receiver, Sender, UnprotectError};

use common::setup::{Kind, Setup};
use common::{rtcp, rtp, with_room};

const WINDOWS: [u16; 4] = [64, 128, 1024, 32_767];

const SSRC: u32 = 7;

/// The least that can be said of a replay window (RFC 3711 §3.3.2).
#[derive(Default)]
struct Model {
    taken: BTreeSet<u64>,
}

impl Model {
    fn highest(&self) -> Option<u64> {
        self.taken.last().copied()
    }

    fn takes(&mut self, index: u64, window: u16) -> Result<(), UnprotectError> {
        let behind = self
            .highest()
            .map_or(0, |highest| highest.saturating_sub(index));
        if behind >= u64::from(window) {
            return Err(UnprotectError::TooOld);
        }
        match self.taken.insert(index) {
            true => Ok(()),
            false => Err(UnprotectError::Replayed),
        }
    }
}

/// Where the next packet lies, seen from the highest index so far.
#[derive(Debug, Clone, Copy)]
enum Step {
    Ahead(u64),
    Behind(u64),
    /// The index of a packet before, counted from the first.
    Again(usize),
}

impl Step {
    fn index(self, indices: &[u64], highest: u64) -> u64 {
        match self {
            Self::Ahead(by) => highest + by,
            Self::Behind(by) => highest.saturating_sub(by),
            Self::Again(at) => indices
                .get(at % indices.len().max(1))
                .copied()
                .unwrap_or(highest),
        }
    }
}

/// Steps near, across and far beyond the edge of a window, as far as an index can be told (RFC 3711
/// §3.3.1: less than 2^15 either way).
fn steps(window: u16) -> impl Strategy<Value = Vec<Step>> {
    let window = u64::from(window);
    let edge = window.saturating_sub(3)..=(window + 3).min(32_767);
    let step = prop_oneof![
        6 => (0..4u64).prop_map(Step::Ahead),
        1 => (0..32_768u64).prop_map(Step::Ahead),
        1 => edge.clone().prop_map(Step::Ahead),
        4 => (0..70u64).prop_map(Step::Behind),
        3 => edge.prop_map(Step::Behind),
        3 => (0..=window.min(32_767)).prop_map(Step::Behind),
        1 => (0..32_768u64).prop_map(Step::Behind),
        4 => any::<usize>().prop_map(Step::Again),
    ];
    vec(step, 1..150)
}

fn run() -> impl Strategy<Value = (u16, u64, Vec<Step>)> {
    let first = prop_oneof![
        0..200u64,
        32_000..34_000u64,
        65_000..70_000u64,
        1u64 << 40..1u64 << 41
    ];
    let windowed = |window| steps(window).prop_map(move |steps| (window, steps));
    (first, select(WINDOWS.to_vec()).prop_flat_map(windowed))
        .prop_map(|(first, (window, steps))| (window, first, steps))
}

/// Packets by their index, each protected once.
struct Packets {
    setup: Setup,
    kind: Kind,
    made: BTreeMap<u64, Vec<u8>>,
}

impl Packets {
    fn new(setup: Setup, kind: Kind) -> Self {
        let made = BTreeMap::new();
        Self { setup, kind, made }
    }

    fn plain(kind: Kind, index: u64) -> Vec<u8> {
        match kind {
            Kind::Rtp => rtp(SSRC, index as u16, &index.to_be_bytes()),
            Kind::Rtcp => [rtcp(SSRC, 8), index.to_be_bytes().to_vec()].concat(),
        }
    }

    fn get(&mut self, index: u64) -> &[u8] {
        let Self { setup, kind, made } = self;
        made.entry(index).or_insert_with(|| {
            let mut sender = setup.sender();
            match kind {
                Kind::Rtp => sender.set_roc(SSRC, (index >> 16) as u32).unwrap(),
                Kind::Rtcp => sender.set_next_rtcp_index(SSRC, index as u32).unwrap(),
            }
            kind.seal(&mut sender, &Self::plain(*kind, index))
        })
    }
}

fn check(profile: Profile, kind: Kind, window: u16, first: u64, steps: &[Step]) {
    let setup = Setup::new(profile).with_windows(window);
    let mut packets = Packets::new(setup, kind);
    let mut receiver = setup.receiver();
    if kind == Kind::Rtp {
        receiver.set_roc(SSRC, (first >> 16) as u32).unwrap();
    }
    let mut model = Model::default();
    let mut indices = vec![];
    for step in [&[Step::Ahead(0)], steps].concat() {
        let highest = model.highest().unwrap_or(first);
        let index = step.index(&indices, highest);
        if kind == Kind::Rtp && highest.abs_diff(index) >= 1 << 15 {
            continue;
        }
        indices.push(index);
        let expected = model
            .takes(index, window)
            .map(|()| Packets::plain(kind, index));
        let opened = kind.open(&mut receiver, packets.get(index));
        assert_eq!(opened, expected, "{step:?}: {index} after {highest}");
        if kind == Kind::Rtp {
            let highest = model.highest().unwrap();
            assert_eq!(receiver.roc(SSRC), Some((highest >> 16) as u32));
        }
    }
    check_stats(&receiver, &model, indices.len());
}

fn check_stats(receiver: &Receiver, model: &Model, arrived: usize) {
    let stats = receiver.stats();
    assert_eq!(stats.rtp + stats.rtcp, model.taken.len() as u64);
    let refused = stats.replayed + stats.too_old;
    assert_eq!(refused, (arrived - model.taken.len()) as u64);
    assert_eq!(stats.wrong_tag, 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    #[test]
    fn rtp_in_any_order(profile in select(Profile::ALL.to_vec()), (window, first, steps) in run()) {
        check(profile, Kind::Rtp, window, first, &steps);
    }

    #[test]
    fn rtcp_in_any_order(profile in select(Profile::ALL.to_vec()), (window, first, steps) in run()) {
        check(profile, Kind::Rtcp, window, first % (1 << 30), &steps);
    }

    /// A sender keeps the same window over what it has protected: no index is used twice.
    #[test]
    fn a_sender_fed_in_any_order((window, first, steps) in run()) {
        let setup = Setup::new(Profile::AeadAes128Gcm).with_windows(window);
        let mut sender: Sender = setup.sender();
        sender.set_roc(SSRC, (first >> 16) as u32).unwrap();
        let mut model = Model::default();
        let mut indices = vec![];
        for step in [&[Step::Ahead(0)], &steps[..]].concat() {
            let highest = model.highest().unwrap_or(first);
            let index = step.index(&indices, highest);
            if highest.abs_diff(index) >= 1 << 15 {
                continue;
            }
            indices.push(index);
            let (mut buf, len) = with_room(&Packets::plain(Kind::Rtp, index));
            let expected = match model.takes(index, window) {
                Ok(()) => Ok(()),
                Err(UnprotectError::TooOld) => Err(ProtectError::SequenceTooOld),
                Err(_) => Err(ProtectError::SequenceReused),
            };
            assert_eq!(sender.protect_rtp(&mut buf, len).map(|_| ()), expected, "{index}");
        }
    }
}

/// A whole window, backwards and forwards: each of its packets is taken once.
#[test]
fn every_place_of_a_window() {
    for (window, kind) in WINDOWS
        .into_iter()
        .flat_map(|it| Kind::BOTH.map(|kind| (it, kind)))
    {
        let setup = Setup::new(Profile::AesCm128HmacSha1_80).with_windows(window);
        let last = u64::from(window) + 50;
        // One sender in ascending order; the receiver gets them the other way round.
        let mut sender = setup.sender();
        let all: Vec<_> = (0..=last)
            .map(|index| kind.seal(&mut sender, &Packets::plain(kind, index)))
            .collect();
        let mut receiver = setup.receiver();
        let mut model = Model::default();
        let mut take = |index: u64| {
            let expected = model
                .takes(index, window)
                .map(|()| Packets::plain(kind, index));
            let opened = kind.open(&mut receiver, &all[index as usize]);
            assert_eq!(opened, expected, "{kind:?}, window {window}: {index}");
        };
        // As far back as an index can be told (RFC 3711 §3.3.1).
        let first = last.saturating_sub(32_767);
        take(last / 2);
        (first..=last).rev().for_each(&mut take);
        (first..=last).for_each(&mut take);
    }
}
