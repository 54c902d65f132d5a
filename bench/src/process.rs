//! Servers as child processes, and what they cost: CPU and memory from `/proc`.

use crate::error::BenchError;
use rustix::process::{Pid, Signal, kill_process};
use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::process::{Child, Command};

const SECONDS_TO_START: u64 = 20;
const SECONDS_TO_END: u64 = 60;
const SECONDS_TO_REST: u64 = 120;
/// How often is looked whether a server rests, and for how long it must.
const LOOK_EVERY: Duration = Duration::from_millis(200);
const QUIET: Duration = Duration::from_millis(1_200);

/// What a process has used until now.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    pub(crate) cpu_seconds: f64,
    pub(crate) resident_bytes: u64,
    pub(crate) peak_bytes: u64,
}

impl Usage {
    /// That of several processes together.
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            cpu_seconds: self.cpu_seconds + other.cpu_seconds,
            resident_bytes: self.resident_bytes + other.resident_bytes,
            peak_bytes: self.peak_bytes + other.peak_bytes,
        }
    }
}

/// A server that runs. Dropping it kills it; [`Server::stop`] ends it in order.
pub(crate) struct Server {
    child: Child,
    pid: u32,
    pub(crate) address: SocketAddr,
    program: String,
    log: PathBuf,
}

impl Server {
    /// Starts a server whose first line on standard error names its address on the loopback interface.
    ///
    /// Standard error goes to a file: reading a pipe would cost the load generator time.
    pub(crate) async fn start(mut command: Command, log: &Path) -> Result<Self, BenchError> {
        let program = name(&command);
        let (child, pid) = spawn(command.stdin(Stdio::null()).stdout(Stdio::null()), log)?;
        let mut server = Self { child, pid, address: SocketAddr::from(([127, 0, 0, 1], 0)), program, log: log.into() };
        let begun = Instant::now();
        loop {
            if let Some(address) = address_in(&std::fs::read_to_string(log)?) {
                server.address = address;
                return Ok(server);
            }
            if let Some(status) = server.child.try_wait()? {
                return Err(ended(server.program, &status.to_string(), log));
            }
            if begun.elapsed() > Duration::from_secs(SECONDS_TO_START) {
                let (program, log) = (server.program.clone(), log.into());
                return Err(BenchError::Silent { program, seconds: SECONDS_TO_START, log });
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Starts a server that was told where to listen, and does not wait for it.
    pub(crate) fn start_at(mut command: Command, address: SocketAddr, log: &Path) -> Result<Self, BenchError> {
        let program = name(&command);
        let (child, pid) = spawn(command.stdin(Stdio::null()).stdout(Stdio::null()), log)?;
        Ok(Self { child, pid, address, program, log: log.into() })
    }

    pub(crate) fn usage(&self) -> Result<Usage, BenchError> {
        usage(self.pid)
    }

    /// Waits until the process has rested for longer than a view that is not prompt lets events gather, so that its unfinished work
    /// does not slow the other side, and is counted as its own.
    pub(crate) async fn rest(&self) -> Result<(), BenchError> {
        let begun = Instant::now();
        let (mut before, mut quiet) = (self.usage()?.cpu_seconds, Duration::ZERO);
        while begun.elapsed() < Duration::from_secs(SECONDS_TO_REST) {
            tokio::time::sleep(LOOK_EVERY).await;
            let now = self.usage()?.cpu_seconds;
            // two ticks of the clock: timers may run, work may not
            quiet = if now - before < 0.025 { quiet + LOOK_EVERY } else { Duration::ZERO };
            if quiet >= QUIET {
                return Ok(());
            }
            before = now;
        }
        Err(BenchError::Check(format!("{} still works {SECONDS_TO_REST} s after the last request", self.program)))
    }

    /// Ends the server with SIGTERM and expects exit code 0.
    pub(crate) async fn stop(mut self) -> Result<(), BenchError> {
        if let Some(pid) = i32::try_from(self.pid).ok().and_then(Pid::from_raw) {
            kill_process(pid, Signal::TERM).map_err(std::io::Error::from)?;
        }
        let status = match tokio::time::timeout(Duration::from_secs(SECONDS_TO_END), self.child.wait()).await {
            Ok(status) => status?,
            Err(_) => return Err(ended(self.program, "nothing: SIGTERM did not end it", &self.log)),
        };
        if status.success() { Ok(()) } else { Err(ended(self.program, &status.to_string(), &self.log)) }
    }
}

/// A program that ran to its end.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) seconds: f64,
    /// As last seen while it had memory, so without its last few milliseconds.
    pub(crate) usage: Usage,
}

/// Runs a program without input to its end, which must be exit code 0. Its output stays beside its log.
pub(crate) async fn finish(command: Command, log: &Path) -> Result<Finished, BenchError> {
    finish_with(command, Stdio::null(), log).await
}

/// The same with an input.
pub(crate) async fn finish_with(
    mut command: Command,
    input: impl Into<Stdio>,
    log: &Path,
) -> Result<Finished, BenchError> {
    let program = name(&command);
    let begun = Instant::now();
    let (mut child, pid) = spawn(command.stdin(input).stdout(File::create(log.with_extension("out"))?), log)?;
    let mut seen = Usage::default();
    let status = loop {
        tokio::select! {
            status = child.wait() => break status?,
            // one that has ended and was not waited for yet has none, and none at most
            () = tokio::time::sleep(Duration::from_millis(5)) => {
                seen = usage(pid).ok().filter(|usage| usage.peak_bytes > 0).unwrap_or(seen);
            }
        }
    };
    let seconds = begun.elapsed().as_secs_f64();
    if !status.success() {
        return Err(ended(program, &status.to_string(), log));
    }
    Ok(Finished { seconds, usage: seen })
}

fn spawn(command: &mut Command, log: &Path) -> Result<(Child, u32), BenchError> {
    let program = command.as_std().get_program().into();
    let started = command.stderr(File::create(log)?).kill_on_drop(true).spawn();
    let child = started.map_err(|source| BenchError::File { path: program, source })?;
    let pid = child.id().expect("a child that was not waited for has an id");
    Ok((child, pid))
}

fn name(command: &Command) -> String {
    let command = command.as_std();
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

fn ended(program: String, status: &str, log: &Path) -> BenchError {
    BenchError::Ended { program, status: status.into(), log: log.into() }
}

/// The first `127.0.0.1:<port>` whose end is in the text too.
fn address_in(text: &str) -> Option<SocketAddr> {
    let rest = &text[text.find("127.0.0.1:")?..];
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.' && c != ':')?;
    rest[..end].parse().ok()
}

fn usage(pid: u32) -> Result<Usage, BenchError> {
    let cpu_seconds = seconds(ticks(&stat(pid)?, 2));
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let bytes = |member: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(member))?;
        line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib * 1024)
    };
    let (resident_bytes, peak_bytes) = (bytes("VmRSS:").unwrap_or(0), bytes("VmHWM:").unwrap_or(0));
    Ok(Usage { cpu_seconds, resident_bytes, peak_bytes })
}

/// CPU seconds of a process and of its children, those that have ended and were waited for too.
pub(crate) fn usage_with_children(parent: u32) -> Result<f64, BenchError> {
    let mut ticks = ticks(&stat(parent)?, 4);
    for entry in std::fs::read_dir("/proc")? {
        let Some(pid) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        // one that has just ended is counted with its parent the next time
        let Ok(stat) = stat(pid) else { continue };
        if field(&stat, 1) == Some(u64::from(parent)) {
            ticks += self::ticks(&stat, 2);
        }
    }
    Ok(seconds(ticks))
}

/// The fields of a process after its name, which stands in brackets and may hold anything.
fn stat(pid: u32) -> Result<String, BenchError> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    Ok(stat.rsplit_once(") ").map_or_else(String::new, |(_, fields)| fields.to_owned()))
}

fn field(stat: &str, number: usize) -> Option<u64> {
    stat.split(' ').nth(number)?.trim().parse().ok()
}

/// The first fields of CPU time: user, system, and those of the children that were waited for.
fn ticks(stat: &str, fields: usize) -> u64 {
    (11..11 + fields).filter_map(|number| field(stat, number)).sum()
}

#[expect(clippy::cast_precision_loss, reason = "ticks of one process stay far below 2^52")]
fn seconds(ticks: u64) -> f64 {
    ticks as f64 / rustix::param::clock_ticks_per_second() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_read_only_when_the_line_is_whole() {
        assert_eq!(address_in("\u{1b}[2mlistening on http://127.0.0.1:4021\u{1b}[0m\n").unwrap().port(), 4021);
        assert_eq!(address_in("listening on 127.0.0.1:40"), None);
        assert_eq!(address_in("starting\n"), None);
    }

    #[test]
    fn a_process_has_used_memory() {
        let own = usage(std::process::id()).unwrap();
        assert!(own.resident_bytes > 0 && own.peak_bytes >= own.resident_bytes);
    }
}
