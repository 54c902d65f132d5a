//! Both sides with the data set in them: the workloads over HTTP, then what needs the log that they left.

use super::http::{Side, Task};
use super::{Workload, offline, progress, push, start};
use crate::error::BenchError;
use crate::options::Options;
use crate::report::{Check, Report};
use crate::target::{Counts, Place, Target};
use std::path::PathBuf;

/// What a side left behind when its server was stopped.
pub(crate) struct Left {
    pub(crate) dir: PathBuf,
    /// In the log.
    pub(crate) events: u64,
    /// A request for an inbox that is answered for some minutes.
    pub(crate) read: Vec<u8>,
    /// What was acknowledged, in all.
    pub(crate) acknowledged: Counts,
}

/// Measures at one scale.
pub(super) async fn measure<A: Target, B: Target>(
    options: &Options,
    place: &Place,
    workloads: &[Workload],
    report: &mut Report,
) -> Result<(), BenchError> {
    progress(&format!("starting both sides and filling in the data set at scale {}", place.scale))?;
    let mut a = Side::<A>::start(place, "a").await?;
    let mut b = Side::<B>::start(place, "b").await?;
    for workload in workloads.iter().filter(|workload| **workload != Workload::SendLarge) {
        compare(options, place, *workload, &mut a, &mut b, report).await?;
    }
    if workloads.contains(&Workload::Push) {
        report.pushes.extend(push::measure(options, &mut a, &mut b).await?);
    }
    if workloads.iter().any(|workload| workload.needs_a_long_log()) {
        progress("filling both logs for what needs a long one")?;
        a.fill_up(options.quick, place.scale).await?;
        b.fill_up(options.quick, place.scale).await?;
    }
    report.check(a.count().await?);
    report.check(b.count().await?);
    let (a, b) = (a.stop().await?, b.stop().await?);
    if workloads.contains(&Workload::Start) {
        report.starts.extend(start::measure::<A, B>(options, place, &a, &b).await?);
    }
    if workloads.contains(&Workload::Audit) {
        report.add(offline::audit::<A, B>(options, place, &a, &b).await?);
    }
    if workloads.contains(&Workload::Replay) {
        offline::replay::<A, B>(options, place, &a, &b, report).await?;
    }
    check::<A>(place, &a, report).await?;
    check::<B>(place, &b, report).await
}

/// Measures what needs a group of 25,000, on servers of its own: the crowd's accounts are in nobody else's log.
pub(super) async fn measure_large<A: Target, B: Target>(
    options: &Options,
    place: &Place,
    report: &mut Report,
) -> Result<(), BenchError> {
    progress("starting both sides once more, for a large group")?;
    let mut a = Side::<A>::start(place, "large-a").await?;
    let mut b = Side::<B>::start(place, "large-b").await?;
    compare(options, place, Workload::SendLarge, &mut a, &mut b, report).await?;
    report.check(a.count().await?);
    report.check(b.count().await?);
    let (a, b) = (a.stop().await?, b.stop().await?);
    check::<A>(place, &a, report).await?;
    check::<B>(place, &b, report).await
}

/// A workload over HTTP, at each number of connections.
async fn compare<A: Target, B: Target>(
    options: &Options,
    place: &Place,
    workload: Workload,
    a: &mut Side<A>,
    b: &mut Side<B>,
    report: &mut Report,
) -> Result<(), BenchError> {
    let Some(work) = workload.work() else { return Ok(()) };
    for connections in &options.connections {
        if let Some(why) = workload.left_out(*connections) {
            progress(&format!("{} at {connections} is left out: {why}", workload.name()))?;
            continue;
        }
        let task = Task { workload, work, connections: *connections, options, place };
        report.add(task.compare(a, b).await?);
    }
    Ok(())
}

/// What ends every run.
async fn check<T: Target>(place: &Place, left: &Left, report: &mut Report) -> Result<(), BenchError> {
    report.check(found::<T>(left)?);
    report.check(offline::verify::<T>(place, &left.dir).await?);
    Ok(())
}

/// Everything that was acknowledged lies in the log, once.
fn found<T: Target>(left: &Left) -> Result<Check, BenchError> {
    let (acknowledged, found) = (left.acknowledged, T::found(&left.dir)?);
    let what = format!("{}: acknowledged {acknowledged}; in the log {found}", T::NAME);
    if found == acknowledged { Ok(Check { what }) } else { Err(BenchError::Check(what)) }
}
