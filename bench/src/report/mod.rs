//! Results: collected, shown as a table, written as JSON.

mod goals;
mod growth;
mod live;
mod machine;
mod postgres;
mod push;
mod rebuild;
mod scales;
mod start;
mod table;

pub(crate) use goals::Goals;
pub(crate) use growth::{Figure, Growth, Size};
pub(crate) use live::LiveFigures;
pub(crate) use postgres::{ByMany, Measured, OverPostgres};
pub(crate) use push::{Push, Pushed};
pub(crate) use rebuild::{RebuildFigures, Rebuilt, Traffic};
pub(crate) use start::{Start, Started};

use crate::error::BenchError;
use crate::options::Options;
use crate::target::Target;
use crate::workload::workspace;
use machine::Machine;
use serde::Serialize;
use std::path::PathBuf;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// All results of one command.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    begun_at: String,
    machine: Machine,
    /// The names of the sides a and b.
    sides: [&'static str; 2],
    seconds: u16,
    runs: u16,
    scale: Vec<u16>,
    comparisons: Vec<Comparison>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) starts: Vec<Start>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) pushes: Vec<Push>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) growth: Vec<Growth>,
    /// One for each time that a sync takes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) postgres: Vec<OverPostgres>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) live: Option<LiveFigures>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rebuild: Option<RebuildFigures>,
    pub(crate) checks: Vec<Check>,
}

/// One workload under one condition, all runs of both sides. Run n of a and run n of b are a pair, made one after the other.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Comparison {
    pub(crate) workload: &'static str,
    /// Of what it works on, such as one view of all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) part: Option<&'static str>,
    /// None for a program that is run to its end.
    pub(crate) connections: Option<u16>,
    /// Multiplies the data.
    pub(crate) scale: u16,
    pub(crate) goals: Goals,
    pub(crate) a: Vec<Run>,
    pub(crate) b: Vec<Run>,
    /// Durable appends of 4 KiB a second that the disk gave beside each pair.
    pub(crate) disk: Vec<f64>,
    pub(crate) fixed: Option<Fixed>,
}

/// Latencies at a rate fixed beforehand.
#[derive(Debug, Serialize)]
pub(crate) struct Fixed {
    /// Requests a second, over all connections.
    pub(crate) rate: f64,
    pub(crate) a: Vec<Run>,
    pub(crate) b: Vec<Run>,
}

/// One measurement of one side.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Run {
    /// Requests, events or lines a second.
    pub(crate) rate: f64,
    pub(crate) p50_ms: Option<f64>,
    pub(crate) p99_ms: Option<f64>,
    pub(crate) p999_ms: Option<f64>,
    pub(crate) max_ms: Option<f64>,
    /// CPU time of the server for each, with what it did after the last answer until it rested.
    pub(crate) cpu_us_each: f64,
    /// How many requests that was, those of the warm-up too.
    pub(crate) requests: u64,
    pub(crate) resident_bytes: u64,
    pub(crate) peak_bytes: u64,
    /// From the last answer until a reader saw it all.
    pub(crate) behind_ms: Option<f64>,
}

/// Something that held when it was checked. What does not hold ends the command with an error instead.
#[derive(Debug, Serialize)]
pub(crate) struct Check {
    pub(crate) what: String,
}

/// The middle of some measurements, and how far they lie apart.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

impl Spread {
    /// Of nothing it is all zero.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let (Some(least), Some(most)) = (values.first().copied(), values.last().copied()) else {
            return Self { median: 0.0, least: 0.0, most: 0.0 };
        };
        let middle = values.len() / 2;
        let median =
            if values.len() % 2 == 1 { values[middle] } else { f64::midpoint(values[middle - 1], values[middle]) };
        Self { median, least, most }
    }
}

impl Comparison {
    /// The workload, with the part of it where there is one.
    pub(crate) fn name(&self) -> String {
        self.part.map_or_else(|| self.workload.into(), |part| format!("{} ({part})", self.workload))
    }

    /// The rate of a as a part of the rate of b, pair by pair.
    pub(crate) fn ratio(&self) -> Spread {
        Spread::of(self.a.iter().zip(&self.b).map(|(a, b)| a.rate / b.rate))
    }
}

impl Report {
    pub(crate) fn begin<A: Target, B: Target>(options: &Options) -> Result<Self, BenchError> {
        Ok(Self {
            begun_at: OffsetDateTime::now_utc()
                .format(&Rfc3339)
                .map_err(|error| BenchError::Check(error.to_string()))?,
            machine: Machine::look()?,
            sides: [A::NAME, B::NAME],
            seconds: options.seconds,
            runs: options.runs,
            scale: options.scale.clone(),
            comparisons: Vec::new(),
            starts: Vec::new(),
            pushes: Vec::new(),
            growth: Vec::new(),
            postgres: Vec::new(),
            live: None,
            rebuild: None,
            checks: Vec::new(),
        })
    }

    pub(crate) fn add(&mut self, comparison: Comparison) {
        self.comparisons.push(comparison);
    }

    pub(crate) fn check(&mut self, check: Check) {
        self.checks.push(check);
    }

    /// Writes the results into `bench/results` of the workspace; answers the file.
    pub(crate) fn write(&self) -> Result<PathBuf, BenchError> {
        let dir = workspace().join("bench").join("results");
        std::fs::create_dir_all(&dir)?;
        let stamp = self.begun_at.split('.').next().unwrap_or_default().replace(':', "-");
        let path = dir.join(format!("{stamp}.json"));
        std::fs::write(&path, serde_json::to_vec_pretty(self)?)?;
        Ok(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_is_the_middle_and_the_ends() {
        let spread = Spread::of([3.0, 1.0, 2.0, 10.0]);
        assert!((spread.median - 2.5).abs() < 1e-9);
        assert!((spread.least - 1.0).abs() < 1e-9 && (spread.most - 10.0).abs() < 1e-9);
    }

    #[test]
    fn a_ratio_is_taken_pair_by_pair() {
        let runs = |rates: [f64; 3]| rates.map(|rate| Run { rate, ..Run::default() }).into();
        let comparison =
            Comparison { a: runs([50.0, 10.0, 90.0]), b: runs([100.0, 10.0, 100.0]), ..Comparison::default() };
        assert!((comparison.ratio().median - 0.9).abs() < 1e-9);
    }
}
