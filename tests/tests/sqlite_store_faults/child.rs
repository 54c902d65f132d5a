//! Processes of our own to do bad things to: this test binary again, told by its environment to run one part.

use std::{
    env,
    io::{BufRead, BufReader, Lines, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use tidings_domain::StreamName;
use uuid::Uuid;

use super::Acknowledged;

const FILE: &str = "TIDINGS_FAULT_TEST_FILE";

/// The file to work on, when this process is such a child. The test that is the child's part has nothing to do otherwise.
pub(crate) fn file() -> Option<PathBuf> {
    let file = env::var_os(FILE).map(PathBuf::from)?;
    // The test harness has begun a line.
    say("");
    Some(file)
}

/// Says something to the parent. One write for each line, so that a kill cuts no acknowledgement short unnoticed.
pub(crate) fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // A parent that is gone hears nothing; the child ends by itself then.
    out.write_all(format!("{line}\n").as_bytes()).and_then(|()| out.flush()).ok();
}

/// Says that an append was answered with success.
pub(crate) fn acknowledge(stream: &StreamName, version: u64, id: Uuid) {
    say(&format!("acknowledged {stream} {version} {id} ."));
}

/// What a line acknowledges. A line that was cut short lacks its dot.
pub(crate) fn acknowledged(line: &str) -> Option<Acknowledged> {
    let mut words = line.strip_prefix("acknowledged ")?.strip_suffix(" .")?.split(' ');
    let stream = StreamName::stored(words.next()?);
    Some((stream, words.next()?.parse().ok()?, words.next()?.parse().ok()?))
}

pub(crate) struct Running {
    pub(crate) process: Child,
    pub(crate) lines: Lines<BufReader<ChildStdout>>,
    pub(crate) input: ChildStdin,
}

/// Runs one test of this binary as a child, behind these words of a command line.
pub(crate) fn run(before: &[&str], part: &str, file: &Path) -> Running {
    let mut words = before.iter().map(|word| (*word).into()).collect::<Vec<_>>();
    words.push(env::current_exe().expect("this is a program").into_os_string());
    words.extend(["--exact", part, "--nocapture"].map(Into::into));
    let mut process = Command::new(&words[0])
        .args(&words[1..])
        .env(FILE, file)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the child starts");
    let lines = BufReader::new(process.stdout.take().expect("it was asked for")).lines();
    let input = process.stdin.take().expect("it was asked for");
    Running { process, lines, input }
}
