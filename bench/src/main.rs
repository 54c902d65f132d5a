//! Benchmarks of Tidings, each beside a bare reference program (the ceiling) in the same run.
//!
//! One command builds the server in release, starts both sides, drives them in turns, prints a table and writes it as JSON:
//!
//! ```text
//! cargo run --release -p tidings-bench
//! ```
//!
//! A new workload over HTTP is one variant of [`target::Work`], its requests on both sides, and its place in
//! [`workload::Workload`]. What the figures mean stands in BENCHMARKS.md.

mod ceiling;
mod disk;
mod error;
mod history;
mod load;
mod options;
mod plot;
mod process;
mod random;
mod report;
mod target;
mod workload;

use clap::Parser as _;
use error::BenchError;
use options::{Command, Options};
use std::io::Write as _;
use std::process::ExitCode;

// The server uses it, so the reference does too: the allocator is no part of the comparison.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let options = Options::parse().settled();
    let done = match &options.command {
        Some(Command::Ceiling { listen, dir, rows }) => ceiling::serve(*listen, dir, *rows),
        Some(Command::CeilingReplay { view, dir }) => ceiling::replay::run(dir, *view).and_then(print),
        Some(Command::CeilingAudit { dir }) => ceiling::audit::run(dir).and_then(print),
        Some(Command::CeilingImport { file, dir }) => ceiling::import::run(file, dir).and_then(print),
        Some(Command::Plot { results, out }) => plot::run(results, out),
        Some(Command::History { lines, file }) => history::write(file, *lines),
        None => measure(&options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // nothing better can be done where standard error is closed too
            let _ = writeln!(std::io::stderr(), "tidings-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The generator runs on one thread: on two cores every thread it takes more is one the server lacks.
fn measure(options: &Options) -> Result<(), BenchError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(workload::run(options))
}

fn print(count: u64) -> Result<(), BenchError> {
    writeln!(std::io::stdout(), "{count}")?;
    Ok(())
}
