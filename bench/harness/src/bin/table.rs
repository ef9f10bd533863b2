//! Makes the tables out of what several runs printed: `table FILE...`, one file a run.
//!
//! A figure is the median of the runs' medians. One row for each item, one column for each peer. It is Markdown
//! that can be read as it is.

use std::collections::BTreeMap;
use std::error::Error;

use bench_harness::{FLOOR, OURS};

/// What one contender took for one item, in each run.
#[derive(Default)]
struct Figure {
    /// ns, one for each run.
    times: Vec<f64>,
    allocations: f64,
}

/// The items in the order in which they were measured, and who took part.
#[derive(Default)]
struct Table {
    items: Vec<String>,
    peers: Vec<String>,
    figures: BTreeMap<(String, String), Figure>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut table = Table::default();
    for file in std::env::args().skip(1) {
        for line in std::fs::read_to_string(&file)?.lines() {
            let fields: Vec<&str> = line.split('\t').collect();
            let [item, who, median, allocations] = fields[..] else {
                return Err(format!("{file}: not a measurement: {line}").into());
            };
            table.take(item, who, median.parse()?, allocations.parse()?);
        }
    }
    print!("{}", table.text());
    println!(
        "\nWidest spread of one of our figures between the runs: {:.0} %.",
        table.spread()
    );
    Ok(())
}

impl Table {
    fn take(&mut self, item: &str, who: &str, time: f64, allocations: f64) {
        if !self.items.iter().any(|it| it == item) {
            self.items.push(item.to_owned());
        }
        if who != OURS && who != FLOOR && !self.peers.iter().any(|it| it == who) {
            self.peers.push(who.to_owned());
        }
        let figure = self
            .figures
            .entry((item.to_owned(), who.to_owned()))
            .or_default();
        figure.times.push(time);
        figure.allocations = figure.allocations.max(allocations);
    }

    fn figure(&self, item: &str, who: &str) -> Option<&Figure> {
        self.figures.get(&(item.to_owned(), who.to_owned()))
    }

    fn text(&self) -> String {
        let mut head = vec!["item", OURS];
        if self.has_floor() {
            head.extend([FLOOR, "ours/floor"]);
        }
        head.push("ours/best peer");
        head.extend(self.peers.iter().map(String::as_str));
        let head = head.into_iter().map(str::to_owned).collect();
        let rows = self.items.iter().map(|item| self.row(item));
        aligned(&[head].into_iter().chain(rows).collect::<Vec<_>>())
    }

    fn has_floor(&self) -> bool {
        self.figures.keys().any(|(_, who)| who == FLOOR)
    }

    fn row(&self, item: &str) -> Vec<String> {
        let ours = self.figure(item, OURS);
        let peers: Vec<_> = self
            .peers
            .iter()
            .map(|peer| self.figure(item, peer))
            .collect();
        let best = peers
            .iter()
            .flatten()
            .min_by(|a, b| a.time().total_cmp(&b.time()));
        let mut row = vec![item.to_owned(), cell(ours)];
        if self.has_floor() {
            let floor = self.figure(item, FLOOR);
            row.extend([cell(floor), ratio(ours, floor)]);
        }
        row.push(ratio(ours, best.copied()));
        row.extend(peers.into_iter().map(cell));
        row
    }

    /// The widest of (slowest - fastest) / median, in percent.
    fn spread(&self) -> f64 {
        let ours = self.items.iter().filter_map(|item| self.figure(item, OURS));
        ours.map(Figure::spread).fold(0.0, f64::max)
    }
}

impl Figure {
    fn sorted(&self) -> Vec<f64> {
        let mut times = self.times.clone();
        times.sort_by(f64::total_cmp);
        times
    }

    fn time(&self) -> f64 {
        self.sorted()[self.times.len() / 2]
    }

    fn spread(&self) -> f64 {
        let times = self.sorted();
        100.0 * (times[times.len() - 1] - times[0]) / self.time()
    }
}

/// A time, and behind it allocations in brackets if there are any.
fn cell(figure: Option<&Figure>) -> String {
    match figure {
        None => String::new(),
        Some(it) if it.allocations == 0.0 => format!("{:.0}", it.time()),
        Some(it) => format!("{:.0} ({:.0})", it.time(), it.allocations.ceil()),
    }
}

fn ratio(ours: Option<&Figure>, other: Option<&Figure>) -> String {
    match (ours, other) {
        (Some(ours), Some(other)) => format!("{:.2}", ours.time() / other.time()),
        _ => String::new(),
    }
}

/// A Markdown table: the first column to the left, figures to the right.
fn aligned(rows: &[Vec<String>]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..rows[0].len()).map(width).collect();
    let mut text = String::new();
    for (at, row) in rows.iter().enumerate() {
        for (column, (cell, &width)) in row.iter().zip(&widths).enumerate() {
            let cell = match column {
                0 => format!("| {cell:<width$} |"),
                _ => format!(" {cell:>width$} |"),
            };
            text.push_str(&cell);
        }
        text.push('\n');
        if at == 0 {
            let rule = |(column, &width): (usize, &usize)| match column {
                0 => format!("| {} |", "-".repeat(width)),
                _ => format!(" {}: |", "-".repeat(width - 1)),
            };
            text.extend(widths.iter().enumerate().map(rule));
            text.push('\n');
        }
    }
    text
}
