//! The server's processes.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::OnceLock,
    thread,
    time::{Duration, Instant},
};

use super::files::Files;

/// How long a server may take to start or to end before the test fails. Never decides anything else.
const PATIENCE: Duration = Duration::from_mins(1);

/// Runs the server and outlives whoever started it: when the pipe on its standard input closes, because the test process
/// ended in whatever way, the server is ended and its directory removed.
const SUPERVISOR: &str = r#"
directory=$1; shift
exec 2>>"$directory/log"
trap : INT TERM HUP
"$@" </dev/null >&2 &
server=$!
while read -r signal; do kill -s "$signal" $server 2>/dev/null; wait $server; exit; done
kill -s QUIT $server 2>/dev/null; wait $server
rm -rf "$directory"
"#;

/// Where PostgreSQL's programs are: on the path, or the newest that Debian has installed.
fn programs() -> &'static Path {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    FOUND.get_or_init(|| {
        let path = std::env::var_os("PATH").unwrap_or_default();
        // a wrapper of one of them alone will not do
        let has_all = |directory: &PathBuf| {
            ["initdb", "postgres", "psql", "pg_basebackup", "pg_dump"].iter().all(|name| directory.join(name).exists())
        };
        let on_path = std::env::split_paths(&path).find(has_all);
        let installed = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
        let newest = installed
            .filter_map(|entry| Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path().join("bin"))))
            .filter(|(_, directory)| has_all(directory))
            .max();
        let found = on_path.or(newest.map(|(_, directory)| directory));
        found.expect("PostgreSQL's server is installed (Debian: apt-get install postgresql)")
    })
}

pub(super) fn program_path(name: &str) -> PathBuf {
    programs().join(name)
}

pub(super) fn program(name: &str) -> Command {
    Command::new(program_path(name))
}

#[derive(Debug)]
pub(super) struct Running {
    supervisor: Child,
    /// Held open as long as the server is wanted.
    wanted: ChildStdin,
}

impl Running {
    /// Starts the server and waits until it takes connections.
    pub(super) fn start(
        files: &Files,
        port: u16,
        settings: &[(String, String)],
        environment: &[(String, String)],
    ) -> Self {
        let mut command = files.command(Path::new("/bin/sh"));
        command.envs(environment.iter().map(|(name, value)| (name, value)));
        command.args(["-c", SUPERVISOR, "sh"]).arg(files.directory()).arg(program_path("postgres"));
        command.args(["-D", &files.data(), "-p", &port.to_string()]);
        let directory = files.directory().display();
        for setting in [
            "listen_addresses=127.0.0.1".to_owned(),
            format!("unix_socket_directories={directory}"),
            "shared_buffers=64MB".to_owned(),
            "max_wal_senders=4".to_owned(),
        ] {
            command.args(["-c", &setting]);
        }
        for (name, value) in settings {
            command.args(["-c", &format!("{name}={value}")]);
        }
        let mut supervisor = command.stdin(Stdio::piped()).spawn().expect("a shell is there");
        let wanted = supervisor.stdin.take().expect("it was asked for");
        let mut running = Self { supervisor, wanted };
        running.wait_until_ready(files);
        running
    }

    fn wait_until_ready(&mut self, files: &Files) {
        let begun = Instant::now();
        while !self.is_ready(files) {
            let ended = self.supervisor.try_wait().expect("the child is ours");
            let late = begun.elapsed() > PATIENCE;
            assert!(ended.is_none() && !late, "PostgreSQL did not start:\n{}", files.read("log"));
            thread::park_timeout(Duration::from_millis(5));
        }
    }

    /// What the server says of itself; a killed one leaves its last word behind.
    fn is_ready(&self, files: &Files) -> bool {
        let said = files.read("data/postmaster.pid");
        let server = said.lines().next().and_then(|pid| pid.parse().ok());
        let ours = server.and_then(look_at).is_some_and(|(_, parent)| parent == self.supervisor.id());
        ours && said.lines().nth(7).is_some_and(|state| state.trim() == "ready")
    }

    /// Sends the server a signal that ends it, and waits for the end.
    pub(super) fn stop(mut self, signal: &str) {
        // were the supervisor gone, there would be nothing left to end
        writeln!(self.wanted, "{signal}").ok();
        self.wait();
    }

    /// Kills the server and all it has started.
    pub(super) fn kill(self, files: &Files) {
        let server = files.read("data/postmaster.pid").lines().next().and_then(|pid| pid.parse().ok());
        let server: u32 = server.expect("it runs");
        // so that it starts nothing more while its children are looked for
        signal(server, "STOP");
        let all: Vec<u32> = children(server).into_iter().chain([server]).collect();
        for pid in &all {
            signal(*pid, "KILL");
        }
        self.stop("KILL");
        let begun = Instant::now();
        while all.iter().any(|pid| runs(*pid)) {
            assert!(begun.elapsed() < PATIENCE, "killed processes end");
            thread::park_timeout(Duration::from_millis(2));
        }
    }

    fn wait(&mut self) {
        let begun = Instant::now();
        while self.supervisor.try_wait().expect("the child is ours").is_none() {
            assert!(begun.elapsed() < PATIENCE, "PostgreSQL ends when it is told to");
            thread::park_timeout(Duration::from_millis(5));
        }
    }
}

/// Sends a signal to a process of a cluster; one that has just ended needs none.
fn signal(pid: u32, signal: &str) {
    let sent = Command::new("kill").args(["-s", signal, &pid.to_string()]).stderr(Stdio::null()).status();
    sent.expect("`kill` is there");
}

/// What the system says of a process: its state and its parent.
fn look_at(pid: u32) -> Option<(String, u32)> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // its name stands in brackets and may hold anything
    let mut fields = text.rsplit_once(')')?.1.split_whitespace();
    Some((fields.next()?.to_owned(), fields.next()?.parse().ok()?))
}

fn children(parent: u32) -> Vec<u32> {
    let processes = fs::read_dir("/proc").expect("Linux shows its processes").flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| look_at(*pid).is_some_and(|(_, its)| its == parent)).collect()
}

/// Whether a process is there and more than a name in the list.
fn runs(pid: u32) -> bool {
    look_at(pid).is_some_and(|(state, _)| state != "Z")
}
