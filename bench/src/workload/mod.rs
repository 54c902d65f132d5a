//! What is measured, and in which order: reads first, over the data set as it is; then sends, which make it grow; then what
//! needs the log that they left.

mod http;
mod live;
mod offline;
mod postgres;
mod rebuild;

use crate::error::BenchError;
use crate::options::Options;
use crate::report::{Comparison, Report};
use crate::target::{Ceiling, Place, Target, Tidings, Work};
use clap::ValueEnum;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// A workload, by its name on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Workload {
    /// GET a page of 50 conversations
    Inbox,
    /// GET a page of 50 messages
    Messages,
    /// GET the total of unread messages
    Unread,
    /// POST a message, durable, over many conversations
    Send,
    /// POST a message, durable, all into one group
    SendHot,
    /// Rebuild all views from the log, with no server running
    Replay,
    /// Import a chat log
    Import,
    /// POST a message, durable, over PostgreSQL, beside plain inserts
    Postgres,
    /// 5,000 idle live connections, and 1,000 messages a second to 50 others
    Live,
    /// Rebuild every view of a long log beside 2,000 mixed requests a second
    Rebuild,
}

impl Workload {
    fn name(self) -> &'static str {
        match self {
            Self::Inbox => "inbox",
            Self::Messages => "messages",
            Self::Unread => "unread",
            Self::Send => "send",
            Self::SendHot => "send-hot",
            Self::Replay => "replay",
            Self::Import => "import",
            Self::Postgres => "postgres",
            Self::Live => "live",
            Self::Rebuild => "rebuild",
        }
    }

    /// What it asks over HTTP, where it does.
    fn work(self) -> Option<Work> {
        match self {
            Self::Inbox => Some(Work::Inbox),
            Self::Messages => Some(Work::Messages),
            Self::Unread => Some(Work::Unread),
            Self::Send => Some(Work::Send),
            Self::SendHot => Some(Work::SendHot),
            Self::Replay | Self::Import | Self::Postgres | Self::Live | Self::Rebuild => None,
        }
    }

    /// The part of the ceiling to reach, where a goal is set.
    fn goal(self, connections: u16) -> Option<f64> {
        match self {
            Self::Send if connections == 1 => Some(0.8),
            Self::Send | Self::SendHot => Some(0.6),
            Self::Inbox | Self::Unread => Some(0.8),
            Self::Messages | Self::Replay | Self::Import | Self::Postgres | Self::Live | Self::Rebuild => None,
        }
    }

    /// Whether it needs both servers with the data set in them.
    fn needs_both_sides(self) -> bool {
        self.work().is_some() || self == Self::Replay
    }

    fn is_durable(self) -> bool {
        match self {
            Self::Send | Self::SendHot | Self::Import | Self::Postgres | Self::Live | Self::Rebuild => true,
            Self::Inbox | Self::Messages | Self::Unread | Self::Replay => false,
        }
    }
}

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
        scale: u32::from(options.scale),
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
    let mut workloads: Vec<Workload> = Workload::value_variants().to_vec();
    if !options.workloads.is_empty() {
        workloads.retain(|workload| options.workloads.contains(workload));
    }
    let mut report = Report::begin::<A, B>(options)?;
    if workloads.iter().any(|workload| workload.needs_both_sides()) {
        serve::<A, B>(options, place, &workloads, &mut report).await?;
    }
    if workloads.contains(&Workload::Import) {
        report.add(offline::import::<A, B>(options, place).await?);
        report.check(offline::verify::<A>(place, &place.dir.join("import-a")).await?);
        report.check(offline::verify::<B>(place, &place.dir.join("import-b")).await?);
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
    let path = report.write()?;
    let mut out = std::io::stdout();
    writeln!(out, "{report}")?;
    writeln!(out, "As JSON: {}", path.display())?;
    Ok(())
}

async fn serve<A: Target, B: Target>(
    options: &Options,
    place: &Place,
    workloads: &[Workload],
    report: &mut Report,
) -> Result<(), BenchError> {
    progress("starting both sides and filling in the data set")?;
    let mut a = http::Side::<A>::start(place, "a").await?;
    let mut b = http::Side::<B>::start(place, "b").await?;
    for workload in workloads {
        let Some(work) = workload.work() else { continue };
        for connections in &options.connections {
            if *workload == Workload::SendHot && *connections == 1 {
                // with nobody to share the group it is the same as `send`
                continue;
            }
            let task = http::Task { workload: *workload, work, connections: *connections, options, dir: &place.dir };
            report.add(task.compare(&mut a, &mut b).await?);
        }
    }
    let replay = workloads.contains(&Workload::Replay);
    if replay {
        progress("filling both logs for the replay")?;
        a.fill_up(options.scale).await?;
        b.fill_up(options.scale).await?;
    }
    report.check(a.count().await?);
    report.check(b.count().await?);
    let (a, b) = (a.stop().await?, b.stop().await?);
    if replay {
        report.add(offline::replay::<A, B>(options, place, &a, &b).await?);
    }
    report.check(offline::verify::<A>(place, &a.dir).await?);
    report.check(offline::verify::<B>(place, &b.dir).await?);
    Ok(())
}

/// What a side left behind when its server was stopped.
pub(crate) struct Left {
    pub(crate) dir: PathBuf,
    pub(crate) events: u64,
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
fn labelled(workload: Workload, connections: Option<u16>) -> Comparison {
    Comparison {
        workload: workload.name(),
        connections,
        goal: connections.and_then(|connections| workload.goal(connections)),
        ..Comparison::default()
    }
}
