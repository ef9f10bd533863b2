//! The text format of Prometheus, version 0.0.4.

use std::fmt::{Display, Write as _};

/// What a value means.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    /// Only grows.
    Counter,
    /// Comes and goes.
    Gauge,
    /// Buckets, a sum and a count.
    Histogram,
}

/// A text that grows by families.
#[derive(Debug, Default)]
pub(crate) struct Text(String);

impl Text {
    /// Begins the samples of a metric. `name` is without the prefix that all of ours have.
    pub(crate) fn family<'a>(&'a mut self, name: &'a str, kind: Kind, help: &str) -> Family<'a> {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        // Writing to a string cannot fail.
        let _ = writeln!(self.0, "# HELP crosspoint_{name} {help}");
        let _ = writeln!(self.0, "# TYPE crosspoint_{name} {kind}");
        Family {
            out: &mut self.0,
            name,
        }
    }

    pub(crate) fn into_string(self) -> String {
        self.0
    }
}

/// The samples of one metric.
#[derive(Debug)]
pub(crate) struct Family<'a> {
    out: &'a mut String,
    name: &'a str,
}

impl Family<'_> {
    /// A value under these labels. The labels' values are our own words: none needs an escape.
    pub(crate) fn sample(&mut self, labels: &[(&str, &str)], value: u64) {
        self.part("", labels, value);
    }

    /// A value of a part of the metric, such as a histogram's sum.
    pub(crate) fn part(&mut self, part: &str, labels: &[(&str, &str)], value: impl Display) {
        let Self { out, name } = self;
        let _ = write!(out, "crosspoint_{name}{part}");
        for (index, (label, text)) in labels.iter().enumerate() {
            let before = if index == 0 { '{' } else { ',' };
            let _ = write!(out, "{before}{label}=\"{text}\"");
        }
        let after = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(out, "{after} {value}");
    }
}
