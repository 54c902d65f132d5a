//! What is drawn of the results that runs have written.

use crate::error::BenchError;
use crate::report::{Growth, Spread};
use serde::Deserialize;
use std::path::PathBuf;

#[derive(Deserialize)]
pub(super) struct Results {
    begun_at: String,
    machine: Machine,
    pub(super) sides: [String; 2],
    comparisons: Vec<Compared>,
    #[serde(default)]
    pub(super) growth: Vec<Growth>,
}

#[derive(Deserialize)]
struct Machine {
    cpus: usize,
    model: String,
    commit: String,
}

#[derive(Deserialize)]
pub(super) struct Compared {
    workload: String,
    pub(super) connections: Option<u16>,
    scale: u16,
    a: Vec<Run>,
    b: Vec<Run>,
}

#[derive(Deserialize)]
struct Run {
    rate: f64,
    p99_ms: Option<f64>,
}

impl Results {
    /// All of these files together; the day and the machine are those of the last.
    pub(super) fn read(files: &[PathBuf]) -> Result<Self, BenchError> {
        let mut all: Option<Self> = None;
        for file in files {
            let text = std::fs::read(file).map_err(|source| BenchError::File { path: file.clone(), source })?;
            let more: Self = serde_json::from_slice(&text)?;
            all = Some(match all {
                None => more,
                Some(before) => before.and(more),
            });
        }
        all.ok_or_else(|| BenchError::Check("no results to draw".into()))
    }

    fn and(mut self, later: Self) -> Self {
        self.comparisons.retain(|before| !later.comparisons.iter().any(|other| other.key() == before.key()));
        self.comparisons.extend(later.comparisons);
        self.growth.retain(|before| !later.growth.iter().any(|other| other.into == before.into));
        self.growth.extend(later.growth);
        Self { comparisons: self.comparisons, growth: self.growth, ..later }
    }

    /// Where the figures come from.
    pub(super) fn note(&self) -> String {
        let day = self.begun_at.split('T').next().unwrap_or_default();
        let Machine { cpus, model, commit } = &self.machine;
        format!("{day}, {cpus} CPUs ({model}), commit {commit}")
    }

    /// Each once, in the order in which they were measured.
    pub(super) fn workloads(&self) -> Vec<&str> {
        let mut workloads: Vec<&str> = Vec::new();
        for Compared { workload, .. } in &self.comparisons {
            if !workloads.contains(&workload.as_str()) {
                workloads.push(workload);
            }
        }
        workloads
    }

    /// A workload at its least scale, by rising connections.
    pub(super) fn over_connections(&self, workload: &str) -> Vec<&Compared> {
        let of_it = || self.comparisons.iter().filter(|at| at.workload == workload && at.connections.is_some());
        let least = of_it().map(|at| at.scale).min();
        let mut found: Vec<&Compared> = of_it().filter(|at| Some(at.scale) == least).collect();
        found.sort_by_key(|at| at.connections);
        found
    }
}

impl Compared {
    fn key(&self) -> (&str, Option<u16>, u16) {
        (&self.workload, self.connections, self.scale)
    }

    fn of_both(&self, of: fn(&Run) -> Option<f64>) -> [Option<f64>; 2] {
        [&self.a, &self.b].map(|runs| {
            let values: Option<Vec<f64>> = runs.iter().map(of).collect();
            values.filter(|values| !values.is_empty()).map(|values| Spread::of(values).median)
        })
    }

    pub(super) fn rates(&self) -> [Option<f64>; 2] {
        self.of_both(|run| Some(run.rate))
    }

    pub(super) fn p99(&self) -> [Option<f64>; 2] {
        self.of_both(|run| run.p99_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn results(rate: f64, connections: u16) -> Results {
        let run = |rate: f64| json!([{"rate": rate, "p99_ms": null}]);
        let comparison =
            json!({"workload": "send", "connections": connections, "scale": 1, "a": run(rate), "b": run(100.0)});
        let machine = json!({"cpus": 2, "model": "a machine", "commit": "abc"});
        let sides = json!(["tidings", "ceiling"]);
        let all = json!({"begun_at": "2026-01-02T03:04:05Z", "machine": machine, "sides": sides, "comparisons": [comparison]});
        serde_json::from_value(all).unwrap()
    }

    #[test]
    fn the_later_of_two_results_counts_and_connections_stand_in_order() {
        let all = results(10.0, 64).and(results(20.0, 1)).and(results(30.0, 64));
        let found = all.over_connections("send");
        assert_eq!(found.iter().map(|at| at.connections).collect::<Vec<_>>(), [Some(1), Some(64)]);
        assert_eq!((found[1].rates(), found[1].p99()), ([Some(30.0), Some(100.0)], [None, None]));
        assert_eq!(all.note(), "2026-01-02, 2 CPUs (a machine), commit abc");
    }
}
