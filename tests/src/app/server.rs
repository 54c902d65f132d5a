//! A server as a process of its own.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::{Arc, Mutex, mpsc},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use super::{Backend, backend::Installation, binary, tls};
use crate::port::Port;

/// How long a server may take to start or to end before the test fails. Never decides anything else.
const PATIENCE: Duration = Duration::from_mins(1);

/// How a server is to run.
#[derive(Debug, Default)]
pub struct Setup {
    /// Where everything is stored.
    pub backend: Backend,
    /// The data directory; a temporary one of its own when none is given.
    pub data_dir: Option<PathBuf>,
    /// Settings beside those every test has.
    pub env: Vec<(&'static str, String)>,
    /// Words before the program's own on its command line, such as `prlimit --fsize=…`.
    pub before: Vec<String>,
    /// Words after `serve`, such as `--role api`.
    pub arguments: Vec<&'static str>,
}

/// One installation and the process that serves it, if one does now.
#[derive(Debug)]
pub(super) struct Server {
    setup: Setup,
    installation: Arc<Installation>,
    own_dir: TempDir,
    port: Port,
    running: Mutex<Option<Running>>,
}

#[derive(Debug)]
struct Running {
    process: Child,
    log: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub(super) fn start(setup: Setup) -> Self {
        let installation = Arc::new(Installation::new(setup.backend));
        Self::on(installation, setup)
    }

    /// Another node of the same installation.
    pub(super) fn beside(&self, setup: Setup) -> Self {
        Self::on(Arc::clone(&self.installation), setup)
    }

    fn on(installation: Arc<Installation>, setup: Setup) -> Self {
        let own_dir = tempfile::tempdir().expect("there is a place for temporary files");
        let server = Self { setup, installation, own_dir, port: Port::hold(), running: Mutex::new(None) };
        server.start_again();
        server
    }

    /// Starts the process and waits until it says where it listens.
    fn run(&self) -> u16 {
        let serve: Vec<_> = ["serve"].into_iter().chain(self.setup.arguments.iter().copied()).collect();
        let mut process = self.command(&serve).stderr(Stdio::piped()).spawn().expect("the program is there");
        let log = Arc::new(Mutex::new(vec![]));
        let (said, heard) = mpsc::channel();
        let stderr = BufReader::new(process.stderr.take().expect("it was asked for"));
        let written = log.clone();
        thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                if let Some(port) = port_in(&line) {
                    // only the first is waited for
                    said.send(port).ok();
                }
                written.lock().expect("no writer panics").push(line);
            }
        });
        let port = heard.recv_timeout(PATIENCE).ok();
        *self.running.lock().expect("no holder panics") = Some(Running { process, log });
        let port = port.filter(|port| self.becomes_ready(*port));
        port.unwrap_or_else(|| panic!("the server did not start:\n{}", self.log().join("\n")))
    }

    pub(super) const fn port(&self) -> u16 {
        self.port.number()
    }

    pub(super) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port())
    }

    pub(super) fn installation(&self) -> &Installation {
        &self.installation
    }

    pub(super) fn data_dir(&self) -> &Path {
        self.setup.data_dir.as_deref().unwrap_or(self.own_dir.path())
    }

    pub(super) fn pid(&self) -> Option<u32> {
        self.running.lock().expect("no holder panics").as_ref().map(|running| running.process.id())
    }

    /// The program with these arguments, in the same surroundings as the server.
    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        let program = binary::tidings().as_os_str().to_owned();
        let words: Vec<_> = self.setup.before.iter().map(Into::into).chain([program]).collect();
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).args(arguments).current_dir(self.own_dir.path()).stdin(Stdio::null());
        command
            .env("TIDINGS_LISTEN", self.address())
            .env("TIDINGS_DATA_DIR", self.data_dir())
            .env("TIDINGS_RATE_LIMIT", "0")
            // nobody stands before it who would have to notice
            .env("TIDINGS_DRAIN_SECONDS", "0")
            .envs(self.installation.env())
            .envs(self.setup.env.iter().map(|(name, value)| (name, value)));
        command
    }

    pub(super) fn tool(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("the program is there")
    }

    /// What the server has logged since its last start.
    pub(super) fn log(&self) -> Vec<String> {
        let running = self.running.lock().expect("no holder panics");
        running.as_ref().map(|running| running.log.lock().expect("no writer panics").clone()).unwrap_or_default()
    }

    /// Sends a signal and waits for the end.
    pub(super) fn end(&self, signal: &str) -> ExitStatus {
        let mut running = self.running.lock().expect("no holder panics").take().expect("the server runs");
        self::signal(running.process.id(), signal);
        wait(&mut running)
    }

    pub(super) fn start_again(&self) {
        assert_eq!(self.run(), self.port(), "it listens where it was told to");
    }

    /// Waits until the server is ready: it says where it listens before it has opened its stores, and it may answer while its
    /// views are still built. False when it has ended.
    fn becomes_ready(&self, port: u16) -> bool {
        let certificate = self.setup.env.iter().find(|(name, _)| *name == "TIDINGS_TLS_CERT");
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            let ready = match certificate {
                Some((_, certificate)) => tls::is_ready(port, Path::new(certificate), READY),
                None => is_ready(port),
            };
            match ready {
                Ok(true) => return true,
                Ok(false) => thread::park_timeout(Duration::from_millis(5)),
                Err(_) => return false,
            }
        }
        false
    }
}

const READY: &[u8] = b"GET /health/ready HTTP/1.1\r\nhost: tidings\r\nconnection: close\r\n\r\n";

fn is_ready(port: u16) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(READY)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer.starts_with("HTTP/1.1 200"))
}

/// Sends a signal to a process of this test's own.
pub(super) fn signal(pid: u32, signal: &str) {
    let sent = Command::new("kill").args(["-s", signal, &pid.to_string()]).status();
    assert!(sent.expect("`kill` is there").success(), "the process is ours and runs");
}

fn wait(running: &mut Running) -> ExitStatus {
    let begun = Instant::now();
    loop {
        if let Some(status) = running.process.try_wait().expect("the child is ours") {
            return status;
        }
        if begun.elapsed() > PATIENCE {
            running.process.kill().ok();
            let log = running.log.lock().expect("no writer panics").join("\n");
            panic!("the server did not end:\n{log}");
        }
        thread::park_timeout(Duration::from_millis(5));
    }
}

impl Server {
    /// Whatever was done, the views are as the log says.
    fn verify(&self) {
        let plain = self.setup.arguments.is_empty() && self.setup.before.is_empty();
        if self.pid().is_none() || !plain || thread::panicking() {
            return;
        }
        let output = self.tool(&["replay", "--verify"]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "after this story, views are not as the log says: {}\n{said}", output.status);
    }
}

impl Drop for Server {
    /// Ends with the last of the stories that share it.
    fn drop(&mut self) {
        self.verify();
        let running = self.running.get_mut().map(Option::take).unwrap_or_default();
        if let Some(mut running) = running {
            running.process.kill().ok();
            running.process.wait().ok();
            if thread::panicking() {
                let log = running.log.lock().map(|log| log.join("\n")).unwrap_or_default();
                let shown = log.char_indices().rev().nth(4_000).map_or(0, |(at, _)| at);
                eprint_log(&log[shown..]);
            }
        }
    }
}

#[expect(clippy::print_stderr, reason = "a failed test shows what its server had to say")]
fn eprint_log(log: &str) {
    eprintln!("the server's log:\n{log}");
}

/// The port in a line such as `… listening on 127.0.0.1:40123`.
fn port_in(line: &str) -> Option<u16> {
    let (_, rest) = line.split_once("127.0.0.1:")?;
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok().filter(|port| *port != 0)
}
