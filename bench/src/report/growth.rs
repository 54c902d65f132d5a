//! What operations cost as the log grows.

use super::Run;
use super::table::{grouped, lines, milliseconds};
use serde::{Deserialize, Serialize};
use std::fmt::{self, Formatter};

/// One log as it grew.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Growth {
    /// Where its messages went.
    pub(crate) into: String,
    /// The smallest first.
    pub(crate) sizes: Vec<Size>,
}

/// What was measured at one size. The same figures at each, but for what only some had.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Size {
    /// In the log, before anything was measured.
    pub(crate) events: u64,
    pub(crate) figures: Vec<Figure>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Figure {
    pub(crate) what: String,
    pub(crate) unit: String,
    pub(crate) value: f64,
    /// Of requests, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) p99_ms: Option<f64>,
    /// Of requests and events, in microseconds of processor time for each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cpu_us_each: Option<f64>,
}

impl Growth {
    pub(crate) fn new(into: &str) -> Self {
        Self { into: into.to_owned(), sizes: Vec::new() }
    }

    /// Whether there is something to compare.
    pub(crate) fn has_grown(&self) -> bool {
        self.sizes.len() > 1
    }
}

impl Figure {
    fn new(what: &str, unit: &str, value: f64) -> Self {
        Self { what: what.to_owned(), unit: unit.to_owned(), value, p99_ms: None, cpu_us_each: None }
    }

    pub(crate) fn request(what: &str, p50: f64, p99: f64, cpu_us: f64) -> Self {
        Self { p99_ms: Some(p99), cpu_us_each: Some(cpu_us), ..Self::new(what, "ms", p50) }
    }

    pub(crate) fn milliseconds(what: &str, value: f64) -> Self {
        Self::new(what, "ms", value)
    }

    #[expect(clippy::cast_precision_loss, reason = "memory is shown in megabytes")]
    pub(crate) fn megabytes(what: &str, bytes: u64) -> Self {
        Self::new(what, "MB", bytes as f64 / 1e6)
    }

    pub(crate) fn rate(what: &str, unit: &str, run: &Run) -> Self {
        Self { cpu_us_each: Some(run.cpu_us_each), ..Self::new(what, unit, run.rate) }
    }

    #[expect(clippy::cast_precision_loss, reason = "far below 2^52 bytes")]
    pub(crate) fn bytes_each(what: &str, bytes: u64, events: u64) -> Self {
        Self::new(what, "bytes an event", bytes as f64 / events.max(1) as f64)
    }

    fn shown(&self) -> String {
        let value = match self.unit.as_str() {
            "ms" => milliseconds(self.value),
            "MB" => format!("{:.1}", self.value),
            _ => grouped(self.value),
        };
        match (self.p99_ms, self.cpu_us_each) {
            (Some(p99), Some(cpu)) => format!("{value} · {} · {cpu:.0}", milliseconds(p99)),
            (_, _) => value,
        }
    }

    /// The cost of one thing: more is worse.
    fn cost(&self) -> f64 {
        if self.unit.ends_with("/s") { 1.0 / self.value } else { self.value }
    }
}

/// A table for each log: a row for each figure, a column for each size.
pub(super) fn show(f: &mut Formatter<'_>, grown: &[Growth]) -> fmt::Result {
    for growth in grown {
        writeln!(f, "Messages in {}; of requests p50 ms · p99 ms · CPU µs, one after the other:\n", growth.into)?;
        let rows = rows(growth);
        let mut head = vec!["what".to_owned(), "unit".to_owned()];
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52 events")]
        head.extend(growth.sizes.iter().map(|size| format!("{} events", grouped(size.events as f64))));
        if growth.has_grown() {
            head.push("cost, last to first".to_owned());
        }
        lines(f, &head, &rows)?;
        writeln!(f)?;
    }
    Ok(())
}

fn rows(growth: &Growth) -> Vec<Vec<String>> {
    let Some(last) = growth.sizes.last() else { return Vec::new() };
    let row = |figure: &Figure| {
        let at = |size: &Size| size.figures.iter().find(|other| other.what == figure.what).map(Figure::shown);
        let first = growth.sizes.iter().find_map(|size| size.figures.iter().find(|other| other.what == figure.what));
        let mut row = vec![figure.what.clone(), figure.unit.clone()];
        row.extend(growth.sizes.iter().map(|size| at(size).unwrap_or_else(|| "-".into())));
        if !growth.has_grown() {
            return row;
        }
        row.push(first.map_or_else(|| "-".into(), |first| format!("× {:.2}", figure.cost() / first.cost())));
        row
    };
    last.figures.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cost_is_compared_with_that_of_the_smallest_log() {
        let size = |events, p50, rate| Size {
            events,
            figures: vec![Figure::request("inbox", p50, 2.0, 50.0), Figure::new("replay", "events/s", rate)],
        };
        let growth = Growth { into: "many".into(), sizes: vec![size(10, 0.1, 400.0), size(100, 0.11, 200.0)] };
        let rows = rows(&growth);
        assert_eq!(rows[0], ["inbox", "ms", "0.10 · 2.00 · 50", "0.11 · 2.00 · 50", "× 1.10"]);
        assert_eq!(rows[1], ["replay", "events/s", "400", "200", "× 2.00"]);
    }
}
