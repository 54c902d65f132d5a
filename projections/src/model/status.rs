//! How the views are doing.

use std::time::{Duration, SystemTime};

use tidings_event_store::Position;

/// How a projection is doing.
#[derive(Debug, Clone, PartialEq)]
pub struct ProjectionStatus {
    /// Its name.
    pub name: &'static str,
    /// All up to here is in the view.
    pub position: Position,
    /// The log's last position.
    pub head: Position,
    /// How many positions lie between.
    pub lag: u64,
    /// Events applied a second, over the last seconds.
    pub rate: f64,
    /// Which generation serves; 0 while the first is being built.
    pub generation: u32,
    /// How far a rebuild is, if one is under way.
    pub rebuilding: Option<RebuildProgress>,
    /// Events that could not be applied, and those behind them in their streams.
    pub parked: Vec<ParkedEvent>,
    /// Why it does not go on at present.
    pub error: Option<String>,
    /// Why the last rebuild or comparison did not come to its end; what served then was left alone.
    pub failure: Option<String>,
    /// What the last comparison with the log found, since the start of this server.
    pub verified: Option<Verified>,
}

/// How far a rebuild is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RebuildProgress {
    /// All up to here is in the new generation.
    pub position: Position,
    /// The log's last position.
    pub head: Position,
    /// Positions gone through a second since it began, rests included.
    pub rate: f64,
}

impl RebuildProgress {
    /// How long it will take to where the log ends now, at the rate until now; none before there is a rate.
    pub fn time_left(&self) -> Option<Duration> {
        let left = self.head.get().saturating_sub(self.position.get());
        #[expect(clippy::cast_precision_loss, reason = "52 bits of events are exact enough to wait for")]
        let seconds = left as f64 / self.rate;
        Duration::try_from_secs_f64(seconds).ok()
    }
}

/// A comparison, and when it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// When it ended.
    pub at: SystemTime,
    /// Whether only a sample was compared.
    pub sampled: bool,
    /// What it found.
    pub found: Verification,
}

/// An event that waits for somebody to look at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParkedEvent {
    /// Where in the log.
    pub position: Position,
    /// The stream that waits with it.
    pub stream: String,
    /// Which place in it.
    pub version: u64,
    /// The event's stored name.
    pub name: String,
    /// Why.
    pub error: String,
}

/// What a comparison with a fresh fold of the log found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// Which projection.
    pub name: &'static str,
    /// Both were compared as of here.
    pub position: Position,
    /// How many rows were compared.
    pub rows: u64,
    /// How many of them differ, are missing or are too many.
    pub differing: u64,
    /// The first of them.
    pub differences: Vec<Difference>,
}

/// A row that is not what the log says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// In which table.
    pub table: String,
    /// Its primary key, as text. No personal text is in any key but a search term.
    pub key: String,
    /// The columns that differ; empty for a row that is only on one side.
    pub columns: Vec<String>,
    /// Whether the serving view has the row.
    pub in_view: bool,
    /// Whether the log says that it should.
    pub in_log: bool,
}
