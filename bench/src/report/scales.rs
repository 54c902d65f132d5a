//! What more data costs: the same workloads at each scale of the run, beside the least.

use super::table::{grouped, table};
use super::{Comparison, Spread, goals};
use std::fmt::{self, Formatter};

const HEAD: [&str; 7] = ["with more data", "conn", "scale", "rate/s", "of that at the least", "goal", "reference's"];
/// What is left of a rate with ten times the data.
const LEFT: f64 = 0.8;

/// Nothing where there was one scale only.
pub(super) fn show(f: &mut Formatter<'_>, comparisons: &[Comparison]) -> fmt::Result {
    let rows: Vec<_> = comparisons.iter().filter_map(|more| row(more, comparisons)).collect();
    if rows.is_empty() {
        return Ok(());
    }
    table(f, &HEAD, &rows)?;
    writeln!(f)
}

fn row(more: &Comparison, all: &[Comparison]) -> Option<[String; HEAD.len()]> {
    let same = |other: &&Comparison| {
        (other.workload, other.part, other.connections) == (more.workload, more.part, more.connections)
    };
    let least = all.iter().filter(same).min_by_key(|other| other.scale).filter(|least| least.scale < more.scale)?;
    let rate = |comparison: &Comparison| Spread::of(comparison.a.iter().map(|run| run.rate)).median;
    let reference = |comparison: &Comparison| Spread::of(comparison.b.iter().map(|run| run.rate)).median;
    let left = rate(more) / rate(least);
    Some([
        more.name(),
        more.connections.map_or_else(|| "-".into(), |connections| connections.to_string()),
        format!("{}, {}", least.scale, more.scale),
        format!("{}, {}", grouped(rate(least)), grouped(rate(more))),
        format!("{:.0} %", left * 100.0),
        goals::shown(&[(format!("≥ {:.0} %", LEFT * 100.0), left >= LEFT)]),
        format!("{:.0} %", reference(more) / reference(least) * 100.0),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Run;

    #[test]
    fn a_workload_is_compared_with_itself_at_the_least_scale() {
        let comparison = |workload, scale, rate| Comparison {
            workload,
            scale,
            a: vec![Run { rate, ..Run::default() }],
            b: vec![Run { rate: 100.0, ..Run::default() }],
            ..Comparison::default()
        };
        let all = [comparison("inbox", 1, 50.0), comparison("send", 1, 80.0), comparison("inbox", 10, 45.0)];
        let rows: Vec<_> = all.iter().filter_map(|more| row(more, &all)).collect();
        assert_eq!(rows.len(), 1);
        assert_eq!((rows[0][0].as_str(), rows[0][4].as_str(), rows[0][5].as_str()), ("inbox", "90 %", "≥ 80 % ✓"));
    }
}
