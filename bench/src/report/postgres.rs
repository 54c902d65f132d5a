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
    "× insert at as many",
    "p50 ms",
    "p99 ms",
    "CPU µs each, nodes",
    "CPU µs each, PostgreSQL",
];

const INSERT: &str = "plain insert of a row";

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
    /// How many milliseconds a sync took at least; 0 for the disk as it is.
    sync_ms: u16,
    /// One insert after the other: what all else is compared with.
    pub(crate) insert_by_one: Measured,
    pub(crate) by_many: Vec<ByMany>,
    /// Rebuilds of all views: of the log that one node wrote, and of the one that three wrote.
    pub(crate) replay: Vec<Run>,
    /// Durable appends of 4 KiB a second that the disk gave before each turn, without any delay.
    pub(crate) disk: Vec<f64>,
}

/// What was measured at one number of connections.
#[derive(Debug, Serialize)]
pub(crate) struct ByMany {
    pub(crate) connections: u16,
    pub(crate) insert: Measured,
    pub(crate) one_node: Measured,
    pub(crate) three_nodes: Measured,
}

impl ByMany {
    fn new(connections: u16) -> Self {
        Self {
            connections,
            insert: Measured::new(INSERT, connections),
            one_node: Measured::new("send, one node", connections),
            three_nodes: Measured::new("send, three nodes", connections),
        }
    }
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
    pub(crate) fn new(sync_ms: u16, connections: &[u16]) -> Self {
        Self {
            sync_ms,
            insert_by_one: Measured::new(INSERT, 1),
            by_many: connections.iter().map(|connections| ByMany::new(*connections)).collect(),
            replay: Vec::new(),
            disk: Vec::new(),
        }
    }

    fn rows(&self) -> Vec<[String; HEAD.len()]> {
        let one = &self.insert_by_one;
        let mut rows = vec![self.row(one, one)];
        for ByMany { insert, one_node, three_nodes, .. } in &self.by_many {
            rows.extend([insert, one_node, three_nodes].map(|measured| self.row(measured, insert)));
        }
        rows
    }

    fn row(&self, measured: &Measured, by_many: &Measured) -> [String; HEAD.len()] {
        let rate = measured.spread(|run| run.rate);
        let (one, many) = (measured.ratio(&self.insert_by_one), measured.ratio(by_many));
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

    /// What its figures stand for.
    fn setting(&self) -> String {
        if self.sync_ms == 0 { "this disk".into() } else { format!("syncs of {} ms", self.sync_ms) }
    }
}

impl Display for OverPostgres {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let setting = self.setting();
        writeln!(f, "PostgreSQL, {setting}:\n")?;
        table(f, &HEAD, &self.rows())?;
        writeln!(f)?;
        let disk = Spread::of(self.disk.iter().copied());
        let (disk, least, most) = (grouped(disk.median), grouped(disk.least), grouped(disk.most));
        writeln!(f, "{setting}: the disk itself gave {disk} ({least}–{most}) durable appends/s before the turns")?;
        for measured in self.by_many.iter().flat_map(|many| [&many.one_node, &many.three_nodes]) {
            let behind = measured.spread(|run| run.behind_ms.unwrap_or(0.0));
            let (middle, most) = (milliseconds(behind.median), milliseconds(behind.most));
            let (what, connections) = (measured.what, measured.connections);
            writeln!(
                f,
                "{setting}, {what} at {connections}: a reader saw all {middle} ms ({most}) after the last answer"
            )?;
        }
        let rates: Vec<String> = self.replay.iter().map(|run| grouped(run.rate)).collect();
        writeln!(f, "{setting}: the views are rebuilt at {} events/s\n", rates.join(" and "))
    }
}
