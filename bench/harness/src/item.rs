//! One thing to do, and everybody who does it.

use std::hint::black_box;
use std::time::Duration;

use crate::allocations::allocations;
use crate::clock::{self, CpuTime};

/// How long to measure.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Turns that everybody gets; each gives one figure, of which the median counts.
    pub rounds: usize,
    /// How long a turn lasts, roughly.
    pub turn: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            rounds: 31,
            turn: Duration::from_millis(2),
        }
    }
}

impl Settings {
    /// Everything a few times: for tests, which look at no time.
    pub const ONCE: Self = Self {
        rounds: 1,
        turn: Duration::ZERO,
    };
}

/// One thing to do, done by several.
pub struct Item {
    name: String,
    contenders: Vec<Contender>,
}

struct Contender {
    who: &'static str,
    operations: usize,
    sample: Box<dyn FnMut() -> Sample>,
}

#[derive(Default)]
struct Sample {
    time: Duration,
    allocations: u64,
}

/// What one contender needs for one operation.
#[derive(Debug, Clone)]
pub struct Measurement {
    /// Who did it.
    pub who: &'static str,
    /// Median over the rounds, in ns.
    pub median: f64,
    /// Allocations.
    pub allocations: f64,
}

impl Item {
    /// An item that nobody does yet.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            contenders: Vec::new(),
        }
    }

    /// What is done.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// One more who does it: `setup` makes what `run` then does `operations` operations on. Only
    /// `run` is measured; dropping what `setup` made is not.
    pub fn add<S>(
        &mut self,
        who: &'static str,
        operations: usize,
        mut setup: impl FnMut() -> S + 'static,
        mut run: impl FnMut(&mut S) + 'static,
    ) {
        let sample = Box::new(move || {
            let mut state = setup();
            let before = allocations();
            let start = CpuTime::now();
            run(black_box(&mut state));
            let time = start.elapsed();
            let allocations = allocations() - before;
            black_box(&state);
            Sample { time, allocations }
        });
        self.contenders.push(Contender {
            who,
            operations,
            sample,
        });
    }

    /// Measures everybody, in turns.
    pub fn run(&mut self, settings: Settings) -> Vec<Measurement> {
        let cost = clock::cost();
        let samples: Vec<usize> = (self.contenders.iter_mut())
            .map(|it| it.samples_in(settings.turn))
            .collect();
        let mut rounds = vec![Vec::with_capacity(settings.rounds); self.contenders.len()];
        let mut counts = vec![0.0; self.contenders.len()];
        for _ in 0..settings.rounds {
            for (at, contender) in self.contenders.iter_mut().enumerate() {
                let (time, allocations) = contender.turn(samples[at], cost);
                rounds[at].push(time);
                counts[at] = allocations;
            }
        }
        let measured = self.contenders.iter().zip(rounds).zip(counts);
        measured
            .map(|((contender, mut times), allocations)| {
                times.sort_by(f64::total_cmp);
                Measurement {
                    who: contender.who,
                    median: times[times.len() / 2],
                    allocations,
                }
            })
            .collect()
    }
}

impl Contender {
    /// How many samples fill a turn. Warms up caches and branch predictors, too.
    fn samples_in(&mut self, turn: Duration) -> usize {
        let first = (self.sample)().time;
        let best = (0..5)
            .map(|_| (self.sample)().time)
            .fold(first, Duration::min);
        (turn.as_nanos() / best.as_nanos().max(1)).clamp(1, 100_000) as usize
    }

    /// ns and allocations of an operation, over so many samples.
    fn turn(&mut self, samples: usize, cost: Duration) -> (f64, f64) {
        let mut total = Sample::default();
        for _ in 0..samples {
            let sample = (self.sample)();
            total.time += sample.time.saturating_sub(cost);
            total.allocations += sample.allocations;
        }
        let operations = (samples * self.operations) as f64;
        let time = total.time.as_nanos() as f64 / operations;
        (time, total.allocations as f64 / operations)
    }
}

/// The whole of a program: measures every item and prints lines that the program `table` reads.
/// `BENCH_ONLY=TEXT` in the environment leaves out the items whose name does not contain TEXT.
pub fn measure(items: Vec<Item>) {
    let only = std::env::var("BENCH_ONLY").unwrap_or_default();
    for mut item in items {
        if item.name.contains(&only) {
            for it in item.run(Settings::default()) {
                let (who, time, allocations) = (it.who, it.median, it.allocations);
                println!("{}\t{who}\t{time:.2}\t{allocations:.2}", item.name);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_what_run_does_and_not_what_setup_does() {
        let mut item = Item::new("boxes");
        item.add(
            "one each",
            10,
            || vec![0; 1000],
            |_| (0..10).for_each(|at| drop(black_box(Box::new(at)))),
        );
        item.add("none", 10, || vec![0; 1000], |it| it.fill(1));
        let counts: Vec<f64> = item
            .run(Settings::ONCE)
            .iter()
            .map(|it| it.allocations)
            .collect();
        assert_eq!(counts, [1.0, 0.0]);
    }
}
