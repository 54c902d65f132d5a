//! Workloads over HTTP: both servers run, one is driven while the other rests, in turns.

use super::sides::Left;
use super::{Workload, labelled, progress};
use crate::disk;
use crate::error::BenchError;
use crate::load::{Extent, Load, Pace, drive};
use crate::options::Options;
use crate::report::{Check, Comparison, Fixed, Run, Spread};
use crate::target::{Counts, Place, Stopped, Target, Work, dataset};
use hdrhistogram::Histogram;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Before a measurement, under the same load.
pub(crate) const WARM_UP: Duration = Duration::from_millis(500);
/// Requests a second below which a latency would be one of few.
const LEAST_RATE: f64 = 1.0;
/// The least a log holds for the replay to be worth timing, at scale 1; and for a quick look.
const MESSAGES_TO_REPLAY: u64 = 200_000;
const MESSAGES_TO_LOOK_AT: u64 = 20_000;

/// A target with the count of what it has acknowledged while it was measured.
pub(crate) struct Side<T> {
    pub(super) target: T,
    dir: PathBuf,
    pub(super) acknowledged: Counts,
}

impl<T: Target> Side<T> {
    pub(crate) async fn start(place: &Place, name: &str) -> Result<Self, BenchError> {
        let dir = place.dir.join(format!("{}-{name}-{}", T::NAME, place.scale));
        Self::of(T::start(place, &dir).await?, dir).await
    }

    /// A target that has its data set, and nothing more.
    pub(crate) async fn of(target: T, dir: PathBuf) -> Result<Self, BenchError> {
        target.rest().await?;
        Ok(Self { target, dir, acknowledged: Counts::default() })
    }

    /// Sends until the log is long enough for what reads all of it.
    pub(crate) async fn fill_up(&mut self, quick: bool, scale: u16) -> Result<(), BenchError> {
        let least = if quick { MESSAGES_TO_LOOK_AT } else { MESSAGES_TO_REPLAY } * u64::from(scale);
        let script = Arc::new(dataset::script(&mut self.target, Work::Send, dataset::USERS, 0).await?);
        while self.acknowledged.messages < least {
            let missing = usize::try_from(least - self.acknowledged.messages).unwrap_or(usize::MAX);
            let rounds = missing.div_ceil(script.requests()).min(50);
            let (script, extent) = (Arc::clone(&script), Extent::Rounds(rounds));
            let addresses = self.target.addresses();
            let load = Load { addresses, script, pace: Pace::Closed, extent, stop: Arc::default() };
            self.acknowledged.messages += drive(&load).await?.answered;
        }
        Ok(())
    }

    /// Every acknowledged message is there, once.
    pub(crate) async fn count(&mut self) -> Result<Check, BenchError> {
        self.target.caught_up().await?;
        let found = self.target.messages().await?;
        let acknowledged = self.target.made().and(self.acknowledged).messages;
        let what = format!("{}: {acknowledged} sends acknowledged, {found} messages found", T::NAME);
        if found == acknowledged { Ok(Check { what }) } else { Err(BenchError::Check(what)) }
    }

    /// Ends the server once it has nothing left to do: what is started from there has nothing to finish first.
    pub(crate) async fn stop(self) -> Result<Left, BenchError> {
        self.target.rest().await?;
        let Stopped { events, made, read } = self.target.stop().await?;
        Ok(Left { dir: self.dir, events, read, acknowledged: made.and(self.acknowledged) })
    }
}

/// One workload at one number of connections.
pub(crate) struct Task<'a> {
    pub(crate) workload: Workload,
    pub(crate) work: Work,
    pub(crate) connections: u16,
    pub(crate) options: &'a Options,
    pub(crate) place: &'a Place,
}

impl Task<'_> {
    pub(crate) async fn compare<A: Target, B: Target>(
        &self,
        a: &mut Side<A>,
        b: &mut Side<B>,
    ) -> Result<Comparison, BenchError> {
        let mut comparison = labelled(self.workload, Some(self.connections), self.place);
        for run in 1..=self.options.runs {
            self.say(&format!("run {run} of {}", self.options.runs))?;
            if self.workload.is_durable() {
                comparison.disk.push(disk::probe(&self.place.dir)?);
            }
            comparison.a.push(self.run(a, Pace::Closed).await?);
            comparison.b.push(self.run(b, Pace::Closed).await?);
        }
        if self.options.fixed > 0 {
            comparison.fixed = self.fixed(a, b, &comparison).await?;
        }
        Ok(comparison)
    }

    /// The same rate for both sides: a part of what the slower one reaches. None where that is nothing.
    async fn fixed<A: Target, B: Target>(
        &self,
        a: &mut Side<A>,
        b: &mut Side<B>,
        closed: &Comparison,
    ) -> Result<Option<Fixed>, BenchError> {
        let median = |runs: &[Run]| Spread::of(runs.iter().map(|run| run.rate)).median;
        let rate = median(&closed.a).min(median(&closed.b)) * f64::from(self.options.fixed) / 100.0;
        if rate < LEAST_RATE {
            return Ok(None);
        }
        let mut fixed = Fixed { rate, a: Vec::new(), b: Vec::new() };
        for run in 1..=self.options.runs {
            self.say(&format!("at {rate:.0} a second, run {run} of {}", self.options.runs))?;
            fixed.a.push(self.run(a, Pace::Fixed(rate)).await?);
            fixed.b.push(self.run(b, Pace::Fixed(rate)).await?);
        }
        Ok(Some(fixed))
    }

    /// One measurement of one side.
    pub(crate) async fn run<T: Target>(&self, side: &mut Side<T>, pace: Pace) -> Result<Run, BenchError> {
        let (connections, measured) = (usize::from(self.connections), Duration::from_secs(self.options.seconds.into()));
        let each = self.work.most_each(pace, connections, WARM_UP + measured);
        let script = Arc::new(dataset::script(&mut side.target, self.work, connections, each).await?);
        side.target.rest().await?;
        let addresses = side.target.addresses();
        let extent = Extent::Time { warm_up: WARM_UP, measured };
        let before = side.target.usage()?;
        let outcome = drive(&Load { addresses, script, pace, extent, stop: Arc::default() }).await?;
        let answered = Instant::now();
        side.target.caught_up().await?;
        let behind = answered.elapsed();
        side.target.rest().await?;
        let after = side.target.usage()?;
        side.acknowledged.add(self.work, outcome.answered);
        let milliseconds = |quantile| latency(&outcome.latency, quantile);
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52 requests")]
        let answered = outcome.answered as f64;
        Ok(Run {
            rate: outcome.rate,
            p50_ms: Some(milliseconds(0.5)),
            p99_ms: Some(milliseconds(0.99)),
            p999_ms: Some(milliseconds(0.999)),
            max_ms: Some(milliseconds(1.0)),
            cpu_us_each: (after.cpu_seconds - before.cpu_seconds) * 1e6 / answered,
            requests: outcome.answered,
            resident_bytes: after.resident_bytes,
            peak_bytes: after.peak_bytes,
            behind_ms: Some(behind.as_secs_f64() * 1e3),
        })
    }

    fn say(&self, what: &str) -> Result<(), BenchError> {
        progress(&format!("{} at {}: {what}", self.workload.name(), self.connections))
    }
}

/// Milliseconds, of nanoseconds that were counted.
pub(crate) fn latency(counted: &Histogram<u64>, quantile: f64) -> f64 {
    Duration::from_nanos(counted.value_at_quantile(quantile)).as_secs_f64() * 1e3
}
