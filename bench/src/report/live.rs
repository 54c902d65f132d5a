//! What live push gave.

use super::table::{grouped, milliseconds};
use serde::Serialize;
use std::fmt::{self, Display, Formatter};

/// Idle connections beside busy ones.
#[derive(Debug, Serialize)]
pub(crate) struct LiveFigures {
    pub(crate) idle: usize,
    pub(crate) listeners: usize,
    pub(crate) sent: u64,
    pub(crate) sent_per_second: f64,
    /// How often a listener was cut off and went on where it was.
    pub(crate) resumed: u64,
    /// From before the request was written until a listener had the event.
    pub(crate) seen_p50_ms: f64,
    pub(crate) seen_p99_ms: f64,
    pub(crate) seen_max_ms: f64,
    pub(crate) cpu_seconds: f64,
    pub(crate) resident_alone: u64,
    pub(crate) resident_with_idle: u64,
    pub(crate) resident_after: u64,
    pub(crate) peak: u64,
}

impl Display for LiveFigures {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let megabytes = |bytes: u64| bytes / 1024 / 1024;
        let each = self.resident_with_idle.saturating_sub(self.resident_alone) / 1024 / self.idle.max(1) as u64;
        writeln!(
            f,
            "live: {} idle connections take {each} KiB each; {} messages at {}/s, each to {} listeners: none lost, none twice, \
             {} resumed",
            self.idle,
            self.sent,
            grouped(self.sent_per_second),
            self.listeners,
            self.resumed,
        )?;
        writeln!(
            f,
            "live: send to seen p50 {} ms, p99 {} ms, most {} ms; {:.1} s of CPU",
            milliseconds(self.seen_p50_ms),
            milliseconds(self.seen_p99_ms),
            milliseconds(self.seen_max_ms),
            self.cpu_seconds,
        )?;
        writeln!(
            f,
            "live: memory {} MiB without connections, {} MiB with the idle ones, {} MiB after, {} MiB at most",
            megabytes(self.resident_alone),
            megabytes(self.resident_with_idle),
            megabytes(self.resident_after),
            megabytes(self.peak),
        )
    }
}
