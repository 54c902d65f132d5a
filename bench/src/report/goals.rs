//! What is to be reached, and whether it was.

use super::{Comparison, Run, Spread};
use serde::Serialize;

/// Goals of one row; all that are set must be reached.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Goals {
    /// At least this part of the reference's rate.
    pub(crate) ratio: Option<f64>,
    /// At least so many a second.
    pub(crate) rate: Option<f64>,
    /// At most so many milliseconds for all but one in a hundred.
    pub(crate) p99_ms: Option<f64>,
}

impl Goals {
    /// Each goal in words, with whether these runs reach it.
    pub(crate) fn judged(self, comparison: &Comparison) -> Vec<(String, bool)> {
        let median = |of: fn(&Run) -> Option<f64>| Spread::of(comparison.a.iter().filter_map(of)).median;
        let ratio = self.ratio.map(|least| (format!("≥ {:.0} %", least * 100.0), comparison.ratio().median >= least));
        let rate = self.rate.map(|least| (format!("≥ {:.0} k/s", least / 1e3), median(|run| Some(run.rate)) >= least));
        let p99 = self.p99_ms.map(|most| (format!("p99 ≤ {most} ms"), median(|run| run.p99_ms) <= most));
        [ratio, rate, p99].into_iter().flatten().collect()
    }
}

/// The goals of a row as the table shows them.
pub(super) fn shown(judged: &[(String, bool)]) -> String {
    if judged.is_empty() {
        return "-".into();
    }
    let each = judged.iter().map(|(goal, reached)| format!("{goal} {}", if *reached { "✓" } else { "✗" }));
    each.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_goal_is_judged_by_itself() {
        let run = |rate, p99| Run { rate, p99_ms: Some(p99), ..Run::default() };
        let goals = Goals { ratio: Some(0.6), p99_ms: Some(3.0), rate: Some(50_000.0) };
        let comparison =
            Comparison { goals, a: vec![run(70.0, 3.5)], b: vec![run(100.0, 1.0)], ..Comparison::default() };
        assert_eq!(shown(&goals.judged(&comparison)), "≥ 60 % ✓, ≥ 50 k/s ✗, p99 ≤ 3 ms ✗");
        assert_eq!(shown(&Goals::default().judged(&comparison)), "-");
    }
}
