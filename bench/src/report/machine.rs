//! Where and of what the figures were taken.

use crate::error::BenchError;
use crate::workload::workspace;
use serde::Serialize;
use std::process::Command;

#[derive(Debug, Serialize)]
pub(crate) struct Machine {
    pub(crate) cpus: usize,
    pub(crate) model: String,
    pub(crate) kernel: String,
    pub(crate) memory_gib: u64,
    /// The commit the server was built from; with a `+` where files were changed after it.
    pub(crate) commit: String,
}

impl Machine {
    pub(crate) fn look() -> Result<Self, BenchError> {
        let first = |path: &str, member: &str| {
            let text = std::fs::read_to_string(path).unwrap_or_default();
            let line = text.lines().find_map(|line| line.strip_prefix(member)).unwrap_or_default();
            line.trim_start_matches([' ', '\t', ':']).trim().to_owned()
        };
        let kib: u64 = first("/proc/meminfo", "MemTotal:").trim_end_matches(" kB").parse().unwrap_or(0);
        Ok(Self {
            cpus: std::thread::available_parallelism()?.get(),
            model: first("/proc/cpuinfo", "model name"),
            kernel: first("/proc/sys/kernel/osrelease", ""),
            memory_gib: kib.div_ceil(1024 * 1024),
            commit: commit(),
        })
    }
}

fn commit() -> String {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).current_dir(workspace()).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let Some(hash) = git(&["rev-parse", "--short=12", "HEAD"]) else { return "unknown".into() };
    let changed = git(&["status", "--porcelain", "--untracked-files=no"]).is_some_and(|files| !files.is_empty());
    if changed { format!("{hash}+") } else { hash }
}
