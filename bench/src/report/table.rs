//! The table: ratio first, absolute figures second.

use super::{Comparison, Report, Run, Spread, goals, growth, push, scales, start};
use std::fmt::{self, Display, Formatter};

const HEAD: [&str; 11] = [
    "workload",
    "conn",
    "scale",
    "ratio (range)",
    "goal",
    "rate/s",
    "p50 ms",
    "p99 ms",
    "p99 ms at fixed rate",
    "CPU µs each",
    "memory MB",
];

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let [a, b] = self.sides;
        let machine = &self.machine;
        writeln!(f)?;
        writeln!(
            f,
            "{}, {} CPUs ({}), {} GiB, Linux {}, commit {}",
            self.begun_at, machine.cpus, machine.model, machine.memory_gib, machine.kernel, machine.commit
        )?;
        writeln!(f, "Pairs of figures are {a} · {b}; medians of {} paired runs of {} s", self.runs, self.seconds)?;
        writeln!(f)?;
        if !self.comparisons.is_empty() {
            table(f, &HEAD, &self.comparisons.iter().map(row).collect::<Vec<_>>())?;
            writeln!(f)?;
        }
        scales::show(f, &self.comparisons)?;
        start::show(f, &self.starts)?;
        push::show(f, &self.pushes)?;
        growth::show(f, &self.growth)?;
        for postgres in &self.postgres {
            postgres.fmt(f)?;
        }
        if let Some(rebuild) = &self.rebuild {
            rebuild.fmt(f)?;
        }
        if let Some(live) = &self.live {
            live.fmt(f)?;
        }
        for comparison in &self.comparisons {
            notes(f, comparison)?;
        }
        for check in &self.checks {
            writeln!(f, "checked: {}", check.what)?;
        }
        Ok(())
    }
}

/// A table in Markdown, its columns as wide as they need to be.
pub(super) fn table<const N: usize>(f: &mut Formatter<'_>, head: &[&str; N], rows: &[[String; N]]) -> fmt::Result {
    lines(f, &head.map(String::from), rows)
}

/// A table whose columns are counted only when it is made.
pub(super) fn lines(f: &mut Formatter<'_>, head: &[String], rows: &[impl AsRef<[String]>]) -> fmt::Result {
    let width = |column: usize| {
        let cells = rows.iter().map(AsRef::as_ref).chain([head]).map(|row| row[column].chars().count());
        cells.max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    line(f, head, &widths)?;
    line(f, &vec![String::new(); head.len()], &widths)?;
    rows.iter().try_for_each(|row| line(f, row.as_ref(), &widths))
}

/// A line of a Markdown table; of empty cells, the rule under its head.
fn line(f: &mut Formatter<'_>, cells: &[String], widths: &[usize]) -> fmt::Result {
    for (cell, width) in cells.iter().zip(widths) {
        if cell.is_empty() && cells.iter().all(String::is_empty) {
            write!(f, "|{}", "-".repeat(width + 2))?;
        } else {
            write!(f, "| {cell:width$} ")?;
        }
    }
    writeln!(f, "|")
}

fn row(comparison: &Comparison) -> [String; HEAD.len()] {
    let ratio = comparison.ratio();
    let both = |of: fn(&Run) -> Option<f64>, show: fn(f64) -> String| pair(&comparison.a, &comparison.b, of, show);
    let fixed = comparison.fixed.as_ref();
    [
        comparison.name(),
        comparison.connections.map_or_else(|| "-".into(), |connections| connections.to_string()),
        comparison.scale.to_string(),
        format!("{:.0} % ({:.0}–{:.0})", ratio.median * 100.0, ratio.least * 100.0, ratio.most * 100.0),
        goals::shown(&comparison.goals.judged(comparison)),
        both(|run| Some(run.rate), grouped),
        both(|run| run.p50_ms, milliseconds),
        both(|run| run.p99_ms, milliseconds),
        fixed.map_or_else(
            || "-".into(),
            |fixed| format!("{} at {}", pair(&fixed.a, &fixed.b, |run| run.p99_ms, milliseconds), grouped(fixed.rate)),
        ),
        both(|run| Some(run.cpu_us_each), |value| format!("{value:.1}")),
        #[expect(clippy::cast_precision_loss, reason = "memory is shown in megabytes")]
        both(|run| Some(run.peak_bytes as f64 / 1e6), |value| format!("{value:.0}")),
    ]
}

fn pair(a: &[Run], b: &[Run], of: fn(&Run) -> Option<f64>, show: fn(f64) -> String) -> String {
    let median = |runs: &[Run]| {
        let values: Option<Vec<f64>> = runs.iter().map(of).collect();
        values.map(|values| show(Spread::of(values).median))
    };
    match (median(a), median(b)) {
        (Some(a), Some(b)) => format!("{a} · {b}"),
        (_, _) => "-".into(),
    }
}

/// What belongs to a figure and has no column: the disk beside it, and how far the views were behind.
fn notes(f: &mut Formatter<'_>, comparison: &Comparison) -> fmt::Result {
    if comparison.disk.is_empty() {
        return Ok(());
    }
    let disk = Spread::of(comparison.disk.iter().copied());
    let connections = comparison.connections.map_or_else(String::new, |connections| format!(" at {connections}"));
    write!(f, "{}{connections}, scale {}: ", comparison.name(), comparison.scale)?;
    write!(f, "the disk gave {} ", grouped(disk.median))?;
    write!(f, "({}–{}) durable appends/s beside it", grouped(disk.least), grouped(disk.most))?;
    let behind: Option<Vec<f64>> = comparison.a.iter().map(|run| run.behind_ms).collect();
    if let Some(behind) = behind {
        let behind = Spread::of(behind);
        write!(
            f,
            "; a reader saw all {} ms ({}) after the last answer",
            milliseconds(behind.median),
            milliseconds(behind.most)
        )?;
    }
    writeln!(f)
}

pub(super) fn milliseconds(value: f64) -> String {
    if value < 10.0 { format!("{value:.2}") } else { format!("{value:.0}") }
}

/// A whole number with its thousands apart.
pub(super) fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut shown = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Goals;

    #[test]
    fn thousands_stand_apart() {
        assert_eq!(grouped(12.4), "12");
        assert_eq!(grouped(123_456.0), "123,456");
        assert_eq!(grouped(1_000.0), "1,000");
    }

    #[test]
    fn a_row_shows_the_ratio_of_the_medians_pairs_and_its_range() {
        let run = |rate, p99| Run { rate, p50_ms: Some(1.0), p99_ms: Some(p99), ..Run::default() };
        let comparison = Comparison {
            workload: "send",
            connections: Some(64),
            goals: Goals { ratio: Some(0.6), ..Goals::default() },
            a: vec![run(60.0, 2.0), run(80.0, 3.0), run(70.0, 12.0)],
            b: vec![run(100.0, 1.0), run(100.0, 1.0), run(100.0, 1.0)],
            ..Comparison::default()
        };
        let row = row(&comparison);
        assert_eq!(row[3], "70 % (60–80)");
        assert_eq!(row[4], "≥ 60 % ✓");
        assert_eq!(row[5], "70 · 100");
        assert_eq!(row[7], "3.00 · 1.00");
        assert_eq!(row[8], "-");
    }
}
