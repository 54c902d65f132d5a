//! Sends over PostgreSQL beside plain inserts: a table of its own, for there are two references and two kinds of processes.

use super::table::{grouped, milliseconds, table};
use super::{Run, Spread};
use serde::Serialize;
use std::fmt::{self, Display, Formatter};

const HEAD: [&str; 9] = [
    "over PostgreSQL",
    "conn",
    "rate/s (range)",
    "× insert at 1 (range)",
    "× insert at many",
    "p50 ms",
    "p99 ms",
    "CPU µs each, nodes",
    "CPU µs each, PostgreSQL",
];

/// Runs of one thing, with what the database spent on each request.
#[derive(Debug, Serialize)]
pub(crate) struct Measured {
    what: &'static str,
    connections: u16,
    runs: Vec<Run>,
    postgres_us_each: Vec<f64>,
}

/// Everything measured over one cluster. Run n of each is one turn.
#[derive(Debug, Serialize)]
pub(crate) struct OverPostgres {
    pub(crate) insert_by_one: Measured,
    pub(crate) insert_by_many: Measured,
    pub(crate) one_node: Measured,
    pub(crate) three_nodes: Measured,
    /// Rebuilds of all views: of the log that one node wrote, and of the one that three wrote.
    pub(crate) replay: Vec<Run>,
    /// Durable appends of 4 KiB a second that the disk gave before each turn.
    pub(crate) disk: Vec<f64>,
}

impl Measured {
    const fn new(what: &'static str, connections: u16) -> Self {
        Self { what, connections, runs: Vec::new(), postgres_us_each: Vec::new() }
    }

    /// Adds a run, and the seconds that the database's processes spent on it.
    pub(crate) fn add(&mut self, run: Run, postgres_seconds: f64) {
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52 requests")]
        self.postgres_us_each.push(postgres_seconds * 1e6 / run.requests.max(1) as f64);
        self.runs.push(run);
    }

    fn spread(&self, of: impl Fn(&Run) -> f64) -> Spread {
        Spread::of(self.runs.iter().map(of))
    }

    /// Turn by turn.
    fn ratio(&self, reference: &Self) -> Spread {
        Spread::of(self.runs.iter().zip(&reference.runs).map(|(own, reference)| own.rate / reference.rate))
    }
}

impl OverPostgres {
    pub(crate) const fn new(connections: u16) -> Self {
        Self {
            insert_by_one: Measured::new("plain insert of a row", 1),
            insert_by_many: Measured::new("plain insert of a row", connections),
            one_node: Measured::new("send, one node", connections),
            three_nodes: Measured::new("send, three nodes", connections),
            replay: Vec::new(),
            disk: Vec::new(),
        }
    }

    fn row(&self, measured: &Measured) -> [String; HEAD.len()] {
        let rate = measured.spread(|run| run.rate);
        let (one, many) = (measured.ratio(&self.insert_by_one), measured.ratio(&self.insert_by_many));
        let nodes = measured.spread(|run| run.cpu_us_each).median;
        [
            measured.what.into(),
            measured.connections.to_string(),
            format!("{} ({}–{})", grouped(rate.median), grouped(rate.least), grouped(rate.most)),
            format!("{:.1} ({:.1}–{:.1})", one.median, one.least, one.most),
            format!("{:.2}", many.median),
            milliseconds(measured.spread(|run| run.p50_ms.unwrap_or(0.0)).median),
            milliseconds(measured.spread(|run| run.p99_ms.unwrap_or(0.0)).median),
            if nodes > 0.0 { format!("{nodes:.1}") } else { "-".into() },
            format!("{:.1}", Spread::of(measured.postgres_us_each.iter().copied()).median),
        ]
    }
}

impl Display for OverPostgres {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let measured = [&self.insert_by_one, &self.insert_by_many, &self.one_node, &self.three_nodes];
        table(f, &HEAD, measured.map(|measured| self.row(measured)).as_slice())?;
        writeln!(f)?;
        let disk = Spread::of(self.disk.iter().copied());
        let (disk, least, most) = (grouped(disk.median), grouped(disk.least), grouped(disk.most));
        writeln!(f, "postgres: the disk gave {disk} ({least}–{most}) durable appends/s before the turns")?;
        for (measured, name) in [(&self.one_node, "one node"), (&self.three_nodes, "three nodes")] {
            let behind = measured.spread(|run| run.behind_ms.unwrap_or(0.0));
            let (middle, most) = (milliseconds(behind.median), milliseconds(behind.most));
            writeln!(f, "postgres, {name}: a reader saw all {middle} ms ({most}) after the last answer")?;
        }
        let rates: Vec<String> = self.replay.iter().map(|run| grouped(run.rate)).collect();
        writeln!(f, "postgres: the views are rebuilt at {} events/s", rates.join(" and "))
    }
}
