//! Workloads over HTTP: both servers run, one is driven while the other rests, in turns.

use super::{Left, Workload, labelled, progress};
use crate::disk;
use crate::error::BenchError;
use crate::load::{Extent, Load, Pace, drive};
use crate::options::Options;
use crate::report::{Check, Comparison, Fixed, Run, Spread};
use crate::target::{Place, Target, Work, dataset};
use hdrhistogram::Histogram;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Before a measurement, under the same load.
pub(crate) const WARM_UP: Duration = Duration::from_millis(500);
/// The least a log holds for the replay to be worth timing, at scale 1.
const MESSAGES_TO_REPLAY: u64 = 200_000;

/// A target with the count of what it has acknowledged.
pub(crate) struct Side<T> {
    target: T,
    dir: PathBuf,
    /// Messages it held when the data set was in.
    before: u64,
    acknowledged: u64,
}

impl<T: Target> Side<T> {
    pub(crate) async fn start(place: &Place, name: &str) -> Result<Self, BenchError> {
        let dir = place.dir.join(format!("{}-{name}", T::NAME));
        Self::of(T::start(place, &dir).await?, dir).await
    }

    /// A target that has its data set, and nothing more.
    pub(crate) async fn of(mut target: T, dir: PathBuf) -> Result<Self, BenchError> {
        let before = target.messages().await?;
        target.rest().await?;
        Ok(Self { target, dir, before, acknowledged: 0 })
    }

    /// Sends until the log is long enough for a replay.
    pub(crate) async fn fill_up(&mut self, scale: u16) -> Result<(), BenchError> {
        let script = Arc::new(dataset::script(&mut self.target, Work::Send, dataset::USERS).await?);
        let in_one_round: usize = script.iter().map(Vec::len).sum();
        while self.acknowledged < MESSAGES_TO_REPLAY * u64::from(scale) {
            let missing = MESSAGES_TO_REPLAY * u64::from(scale) - self.acknowledged;
            let rounds = usize::try_from(missing).unwrap_or(usize::MAX).div_ceil(in_one_round).min(50);
            let (script, extent) = (Arc::clone(&script), Extent::Rounds(rounds));
            let addresses = self.target.addresses();
            self.acknowledged +=
                drive(&Load { addresses, script, pace: Pace::Closed, extent, stop: Arc::default() }).await?.answered;
        }
        Ok(())
    }

    /// Every acknowledged message is there, once.
    pub(crate) async fn count(&mut self) -> Result<Check, BenchError> {
        self.target.caught_up().await?;
        let found = self.target.messages().await? - self.before;
        let what = format!("{}: {} sends acknowledged, {found} messages found", T::NAME, self.acknowledged);
        if found == self.acknowledged { Ok(Check { what }) } else { Err(BenchError::Check(what)) }
    }

    pub(crate) async fn stop(self) -> Result<Left, BenchError> {
        Ok(Left { dir: self.dir, events: self.target.stop().await? })
    }
}

/// One workload at one number of connections.
pub(crate) struct Task<'a> {
    pub(crate) workload: Workload,
    pub(crate) work: Work,
    pub(crate) connections: u16,
    pub(crate) options: &'a Options,
    pub(crate) dir: &'a Path,
}

impl Task<'_> {
    pub(crate) async fn compare<A: Target, B: Target>(
        &self,
        a: &mut Side<A>,
        b: &mut Side<B>,
    ) -> Result<Comparison, BenchError> {
        let mut comparison = labelled(self.workload, Some(self.connections));
        for run in 1..=self.options.runs {
            self.say(&format!("run {run} of {}", self.options.runs))?;
            if self.workload.is_durable() {
                comparison.disk.push(disk::probe(self.dir)?);
            }
            comparison.a.push(self.run(a, Pace::Closed).await?);
            comparison.b.push(self.run(b, Pace::Closed).await?);
        }
        if self.options.fixed > 0 {
            comparison.fixed = Some(self.fixed(a, b, &comparison).await?);
        }
        Ok(comparison)
    }

    /// The same rate for both sides: a part of what the slower one reaches.
    async fn fixed<A: Target, B: Target>(
        &self,
        a: &mut Side<A>,
        b: &mut Side<B>,
        closed: &Comparison,
    ) -> Result<Fixed, BenchError> {
        let median = |runs: &[Run]| Spread::of(runs.iter().map(|run| run.rate)).median;
        let rate = median(&closed.a).min(median(&closed.b)) * f64::from(self.options.fixed) / 100.0;
        let mut fixed = Fixed { rate, a: Vec::new(), b: Vec::new() };
        for run in 1..=self.options.runs {
            self.say(&format!("at {rate:.0} a second, run {run} of {}", self.options.runs))?;
            fixed.a.push(self.run(a, Pace::Fixed(rate)).await?);
            fixed.b.push(self.run(b, Pace::Fixed(rate)).await?);
        }
        Ok(fixed)
    }

    /// One measurement of one side.
    pub(crate) async fn run<T: Target>(&self, side: &mut Side<T>, pace: Pace) -> Result<Run, BenchError> {
        let script = Arc::new(dataset::script(&mut side.target, self.work, usize::from(self.connections)).await?);
        side.target.rest().await?;
        let addresses = side.target.addresses();
        let extent = Extent::Time { warm_up: WARM_UP, measured: Duration::from_secs(self.options.seconds.into()) };
        let before = side.target.usage()?;
        let outcome = drive(&Load { addresses, script, pace, extent, stop: Arc::default() }).await?;
        let answered = Instant::now();
        side.target.caught_up().await?;
        let behind = answered.elapsed();
        side.target.rest().await?;
        let after = side.target.usage()?;
        match self.work {
            Work::Send | Work::SendHot => side.acknowledged += outcome.answered,
            Work::Inbox | Work::Messages | Work::Unread => {}
        }
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
