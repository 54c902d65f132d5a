//! What rebuilds beside traffic gave.

use super::table::{grouped, milliseconds};
use serde::Serialize;
use std::fmt::{self, Display, Formatter};

/// Rebuilds of all views, one after the other, beside the same traffic.
#[derive(Debug, Serialize)]
pub(crate) struct RebuildFigures {
    /// In the log, in the end.
    pub(crate) events: u64,
    /// Requests a second.
    pub(crate) rate: f64,
    /// The traffic by itself.
    pub(crate) before: Traffic,
    pub(crate) rebuilt: Vec<Rebuilt>,
}

/// Requests at times fixed beforehand, from which their latencies count. None of them failed.
#[derive(Debug, Serialize)]
pub(crate) struct Traffic {
    pub(crate) requests: u64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) p999_ms: f64,
    pub(crate) max_ms: f64,
}

/// One view, rebuilt.
#[derive(Debug, Serialize)]
pub(crate) struct Rebuilt {
    pub(crate) projection: &'static str,
    /// From the request for it until it served.
    pub(crate) seconds: f64,
    pub(crate) traffic: Traffic,
}

impl Display for Traffic {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "p50 {} ms, p99 {} ms, p99.9 {} ms, most {} ms of {} requests",
            milliseconds(self.p50_ms),
            milliseconds(self.p99_ms),
            milliseconds(self.p999_ms),
            milliseconds(self.max_ms),
            self.requests,
        )
    }
}

impl Display for RebuildFigures {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (rate, events) = (grouped(self.rate), self.events);
        writeln!(f, "rebuild: {rate} mixed requests a second beside a log of {events} events: {}", self.before)?;
        for Rebuilt { projection, seconds, traffic } in &self.rebuilt {
            let times = traffic.p99_ms / self.before.p99_ms;
            writeln!(f, "rebuild: {projection} in {seconds:.1} s: {traffic}; p99 {times:.2} times as long")?;
        }
        Ok(())
    }
}
