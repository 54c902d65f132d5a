//! Workloads that are programs run to their end, and the check of the views that ends every run.

use super::sides::Left;
use super::{Workload, labelled, progress};
use crate::ceiling::replay::{VIEWS, View};
use crate::disk;
use crate::error::BenchError;
use crate::history;
use crate::options::Options;
use crate::process::{Finished, finish};
use crate::report::{Check, Comparison, Report, Run};
use crate::target::{Place, Target};
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use tokio::process::Command;

/// Lines of the made chat log at scale 1.
const LINES_TO_IMPORT: u32 = 50_000;

/// Rebuilds views of both sides, in turns: all of them, then each.
pub(super) async fn replay<A: Target, B: Target>(
    options: &Options,
    place: &Place,
    a: &Left,
    b: &Left,
    report: &mut Report,
) -> Result<(), BenchError> {
    for view in std::iter::once(None).chain(VIEWS.map(Some)) {
        let part = view.map_or("all", View::name);
        let mut comparison = labelled(Workload::Replay, None, place);
        comparison.part = Some(part);
        for run in 1..=options.runs {
            progress(&format!(
                "replay ({part}) of {} and {} events: run {run} of {}",
                a.events, b.events, options.runs
            ))?;
            comparison.a.push(timed(A::replay(place, &a.dir, view), place, a.events).await?);
            comparison.b.push(timed(B::replay(place, &b.dir, view), place, b.events).await?);
        }
        report.add(comparison);
    }
    Ok(())
}

/// Verifies the logs of both sides, in turns.
pub(super) async fn audit<A: Target, B: Target>(
    options: &Options,
    place: &Place,
    a: &Left,
    b: &Left,
) -> Result<Comparison, BenchError> {
    let mut comparison = labelled(Workload::Audit, None, place);
    for run in 1..=options.runs {
        progress(&format!("audit of {} and {} events: run {run} of {}", a.events, b.events, options.runs))?;
        comparison.a.push(timed(A::audit(place, &a.dir), place, a.events).await?);
        comparison.b.push(timed(B::audit(place, &b.dir), place, b.events).await?);
    }
    Ok(comparison)
}

/// Imports a chat log into fresh directories of both sides, in turns. The last ones stay, as `import-a` and `import-b`.
pub(crate) async fn import<A: Target, B: Target>(options: &Options, place: &Place) -> Result<Comparison, BenchError> {
    let file = if let Some(file) = &options.history {
        std::path::absolute(file)?
    } else {
        let file = place.dir.join("history.ndjson");
        history::write(&file, LINES_TO_IMPORT * u32::from(place.scale))?;
        file
    };
    let lines = BufReader::new(File::open(&file)?).lines().count() as u64;
    let (dir_a, dir_b) = (place.dir.join("import-a"), place.dir.join("import-b"));
    let mut comparison = labelled(Workload::Import, None, place);
    for run in 1..=options.runs {
        progress(&format!("import of {lines} lines: run {run} of {}", options.runs))?;
        remove(&dir_a)?;
        remove(&dir_b)?;
        comparison.disk.push(disk::probe(&place.dir)?);
        comparison.a.push(timed(A::import(place, &dir_a, &file), place, lines).await?);
        comparison.b.push(timed(B::import(place, &dir_b, &file), place, lines).await?);
    }
    Ok(comparison)
}

/// Compares the views of a directory with its log. A difference is an error.
pub(crate) async fn verify<T: Target>(place: &Place, dir: &Path) -> Result<Check, BenchError> {
    let Some(command) = T::verify(place, dir) else {
        return Ok(Check { what: format!("{}: no views to verify", T::NAME) });
    };
    progress(&format!("verifying the views of {}", T::NAME))?;
    let finished = finish(command, &place.dir.join("verify.log")).await?;
    Ok(Check { what: format!("{}: views verified against the log in {:.1} s", T::NAME, finished.seconds) })
}

/// Runs a program that works through `count` things.
pub(crate) async fn timed(command: Command, place: &Place, count: u64) -> Result<Run, BenchError> {
    let Finished { seconds, usage } = finish(command, &place.dir.join("offline.log")).await?;
    let requests = count;
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52 events")]
    let count = count as f64;
    Ok(Run {
        rate: count / seconds,
        requests,
        cpu_us_each: usage.cpu_seconds * 1e6 / count,
        resident_bytes: usage.resident_bytes,
        peak_bytes: usage.peak_bytes,
        ..Run::default()
    })
}

/// What a file takes, or all the files in a directory.
pub(crate) fn bytes(path: &Path) -> Result<u64, BenchError> {
    let about = std::fs::symlink_metadata(path)?;
    if !about.is_dir() {
        return Ok(about.len());
    }
    std::fs::read_dir(path)?.try_fold(0, |sum, entry| Ok(sum + bytes(&entry?.path())?))
}

fn remove(dir: &Path) -> Result<(), BenchError> {
    if dir.exists() {
        std::fs::remove_dir_all(dir)?;
    }
    Ok(())
}
