//! What starts took.

use super::Spread;
use super::goals;
use super::table::{grouped, milliseconds, table};
use serde::Serialize;
use std::fmt::{self, Formatter};

const HEAD: [&str; 7] =
    ["start", "ready ms (range)", "goal", "first read ms", "CPU ms", "idle memory MB", "goal for memory"];
const IDLE_MEGABYTES: f64 = 40.0;

/// Starts of both sides under one condition. Run n of a and run n of b are a pair.
#[derive(Debug, Serialize)]
pub(crate) struct Start {
    what: String,
    scale: u16,
    /// In the log of a, and of b.
    events: [u64; 2],
    goal_ms: f64,
    pub(crate) a: Vec<Started>,
    pub(crate) b: Vec<Started>,
}

/// One start.
#[derive(Debug, Serialize)]
pub(crate) struct Started {
    /// From its start until it said that it is ready.
    pub(crate) ready_ms: f64,
    /// From its start until it had answered the request for a page after that.
    pub(crate) read_ms: Option<f64>,
    /// When it had come to rest.
    pub(crate) resident_bytes: u64,
    /// By then.
    pub(crate) cpu_ms: f64,
}

impl Start {
    pub(crate) fn empty() -> Self {
        let what = "empty".into();
        Self { what, scale: 1, events: [0, 0], goal_ms: 50.0, a: Vec::new(), b: Vec::new() }
    }

    /// Over logs with so many events. The goal is one of a million, so of less too.
    pub(crate) fn full(scale: u16, a: u64, b: u64) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52 events")]
        let what = format!("{} · {} events", grouped(a as f64), grouped(b as f64));
        Self { what, scale, events: [a, b], goal_ms: 200.0, a: Vec::new(), b: Vec::new() }
    }

    fn row(&self) -> [String; HEAD.len()] {
        let spread = |side: &[Started], of: fn(&Started) -> f64| Spread::of(side.iter().map(of));
        let both = |of: fn(&Started) -> f64| (spread(&self.a, of), spread(&self.b, of));
        let shown = |(a, b): (Spread, Spread)| format!("{} · {}", milliseconds(a.median), milliseconds(b.median));
        let (ready, reference) = both(|start| start.ready_ms);
        #[expect(clippy::cast_precision_loss, reason = "memory is shown in megabytes")]
        let (memory, bare) = both(|start| start.resident_bytes as f64 / 1e6);
        let (least, most) = (milliseconds(ready.least), milliseconds(ready.most));
        [
            self.what.clone(),
            format!("{} ({least}–{most}) · {}", milliseconds(ready.median), milliseconds(reference.median)),
            goals::shown(&[(format!("≤ {} ms", self.goal_ms), ready.median <= self.goal_ms)]),
            if self.a.iter().all(|start| start.read_ms.is_some()) {
                shown(both(|start| start.read_ms.unwrap_or_default()))
            } else {
                "-".into()
            },
            shown(both(|start| start.cpu_ms)),
            format!("{:.1} · {:.1}", memory.median, bare.median),
            goals::shown(&[(format!("≤ {IDLE_MEGABYTES} MB"), memory.median <= IDLE_MEGABYTES)]),
        ]
    }
}

/// All of them, and nothing where there are none.
pub(super) fn show(f: &mut Formatter<'_>, starts: &[Start]) -> fmt::Result {
    if starts.is_empty() {
        return Ok(());
    }
    table(f, &HEAD, &starts.iter().map(Start::row).collect::<Vec<_>>())?;
    writeln!(f)
}
