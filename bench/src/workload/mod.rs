//! What is measured, and in which order: reads first, over the data set as it is; then sends, which make it grow; then what
//! needs the log that they left.

mod growth;
mod history;
mod http;
mod live;
mod name;
mod offline;
mod postgres;
mod push;
mod rebuild;
mod sides;
mod start;
mod stream;

pub(crate) use growth::Talk;
pub(crate) use name::Workload;

use crate::error::BenchError;
use crate::options::Options;
use crate::report::{Comparison, Report};
use crate::target::{Ceiling, Place, Target, Tidings};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Measures what the options name and writes the results.
pub(crate) async fn run(options: &Options) -> Result<(), BenchError> {
    let bench = std::env::current_exe()?;
    let release = bench.parent().unwrap_or(Path::new("."));
    let parent = options.dir.clone().unwrap_or_else(|| release.with_file_name("tidings-bench"));
    std::fs::create_dir_all(&parent)?;
    let dir = tempfile::Builder::new().prefix("run-").tempdir_in(&parent)?;
    let place = Place {
        dir: std::path::absolute(dir.path())?,
        tidings: release.join(format!("tidings{}", std::env::consts::EXE_SUFFIX)),
        bench: bench.clone(),
        scale: options.scale.first().copied().unwrap_or(1),
    };
    let done = if options.noise {
        measure::<Ceiling, Ceiling>(options, &place).await
    } else {
        if !options.no_build {
            build().await?;
        }
        measure::<Tidings, Ceiling>(options, &place).await
    };
    if done.is_err() {
        // the servers' logs, which the error names, are worth more than the space
        progress(&format!("the data of this run stays in {}", dir.keep().display()))?;
    }
    done
}

async fn measure<A: Target, B: Target>(options: &Options, place: &Place) -> Result<(), BenchError> {
    let workloads = options.chosen();
    let mut report = Report::begin::<A, B>(options)?;
    if workloads.iter().any(|workload| workload.needs_both_sides()) {
        for scale in &options.scale {
            let place = Place { scale: *scale, ..place.clone() };
            sides::measure::<A, B>(options, &place, &workloads, &mut report).await?;
        }
    }
    if workloads.contains(&Workload::SendLarge) {
        sides::measure_large::<A, B>(options, place, &mut report).await?;
    }
    if workloads.contains(&Workload::Import) {
        for scale in &options.scale {
            let place = Place { scale: *scale, ..place.clone() };
            report.add(offline::import::<A, B>(options, &place).await?);
            report.check(offline::verify::<A>(&place, &place.dir.join("import-a")).await?);
            report.check(offline::verify::<B>(&place, &place.dir.join("import-b")).await?);
        }
    }
    if workloads.contains(&Workload::Postgres) && !options.noise {
        for sync_ms in &options.sync_ms {
            report.postgres.push(postgres::measure(options, *sync_ms, place, &mut report.checks).await?);
        }
    }
    if workloads.contains(&Workload::Live) && !options.noise {
        report.live = Some(live::measure(options, place, &mut report.checks).await?);
    }
    if workloads.contains(&Workload::Rebuild) && !options.noise {
        report.rebuild = Some(rebuild::measure(options, place, &mut report.checks).await?);
    }
    if workloads.contains(&Workload::Growth) && !options.noise {
        report.growth = growth::measure(options, place, &mut report.checks).await?;
    }
    if workloads.contains(&Workload::History) && !options.noise {
        report.growth.push(history::measure(options, place, &mut report.checks).await?);
    }
    let path = report.write()?;
    let mut out = std::io::stdout();
    writeln!(out, "{report}")?;
    writeln!(out, "As JSON: {}", path.display())?;
    Ok(())
}

async fn build() -> Result<(), BenchError> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = tokio::process::Command::new(cargo);
    command.args(["build", "--release", "-p", "tidings-api"]).current_dir(workspace());
    if command.status().await?.success() {
        return Ok(());
    }
    Err(BenchError::Check("the server does not build".into()))
}

/// The root of the workspace this program was built from.
pub(crate) fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

/// Says on standard error what goes on; results go to standard output.
pub(crate) fn progress(what: &str) -> Result<(), BenchError> {
    writeln!(std::io::stderr(), "tidings-bench: {what}")?;
    Ok(())
}

/// The labels and conditions of a comparison, without figures.
fn labelled(workload: Workload, connections: Option<u16>, place: &Place) -> Comparison {
    let goals = workload.goals(connections);
    Comparison { workload: workload.name(), connections, scale: place.scale, goals, ..Comparison::default() }
}
