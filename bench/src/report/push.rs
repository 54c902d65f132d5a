//! What live push took.

use super::Spread;
use super::goals;
use super::table::{grouped, milliseconds, table};
use serde::Serialize;
use std::fmt::{self, Formatter};

const HEAD: [&str; 7] =
    ["push, send to all seen", "p50 ms", "p99 ms (range)", "goal", "most ms", "sends/s in all", "CPU µs a send"];

/// Pushes of both sides under one condition. Run n of a and run n of b are a pair.
#[derive(Debug, Serialize)]
pub(crate) struct Push {
    /// Closed-loop senders into other conversations.
    beside: usize,
    goal_p99_ms: f64,
    pub(crate) a: Vec<Pushed>,
    pub(crate) b: Vec<Pushed>,
}

/// One run: every message was seen by every listener, once.
#[derive(Debug, Serialize)]
pub(crate) struct Pushed {
    pub(crate) messages: u64,
    pub(crate) listeners: usize,
    /// From when a message was due until the last listener had it.
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) max_ms: f64,
    /// With those beside.
    pub(crate) sent_per_second: f64,
    pub(crate) cpu_us_each: f64,
    pub(crate) peak_bytes: u64,
}

impl Push {
    pub(crate) fn beside(beside: usize) -> Self {
        let goal_p99_ms = if beside == 0 { 0.8 } else { 3.0 };
        Self { beside, goal_p99_ms, a: Vec::new(), b: Vec::new() }
    }

    fn row(&self) -> [String; HEAD.len()] {
        let spread = |side: &[Pushed], of: fn(&Pushed) -> f64| Spread::of(side.iter().map(of));
        let both = |of: fn(&Pushed) -> f64, show: fn(f64) -> String| {
            format!("{} · {}", show(spread(&self.a, of).median), show(spread(&self.b, of).median))
        };
        let (p99, reference) = (spread(&self.a, |push| push.p99_ms), spread(&self.b, |push| push.p99_ms));
        let (least, most) = (milliseconds(p99.least), milliseconds(p99.most));
        [
            if self.beside == 0 { "idle".into() } else { format!("beside {} senders", self.beside) },
            both(|push| push.p50_ms, milliseconds),
            format!("{} ({least}–{most}) · {}", milliseconds(p99.median), milliseconds(reference.median)),
            goals::shown(&[(format!("≤ {} ms", self.goal_p99_ms), p99.median <= self.goal_p99_ms)]),
            both(|push| push.max_ms, milliseconds),
            both(|push| push.sent_per_second, grouped),
            both(|push| push.cpu_us_each, |value| format!("{value:.1}")),
        ]
    }
}

/// All of them, and nothing where there are none.
pub(super) fn show(f: &mut Formatter<'_>, pushes: &[Push]) -> fmt::Result {
    let Some(first) = pushes.iter().flat_map(|push| &push.a).next() else { return Ok(()) };
    table(f, &HEAD, &pushes.iter().map(Push::row).collect::<Vec<_>>())?;
    writeln!(f, "\nEach run: {} messages, each seen by {} listeners, once\n", first.messages, first.listeners)
}
