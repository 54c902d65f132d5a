//! A KurrentDB server to test against, where no real one can be had: the protocol that `tidings-grpc` serves, over a file.
#![expect(clippy::missing_panics_doc, reason = "everything here panics where the test is to fail")]

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
};

use tempfile::TempDir;

use crate::port::Port;

/// A server of its own, in a process of its own, so that it can be killed. It ends with the value.
#[derive(Debug)]
pub struct StandIn {
    directory: TempDir,
    address: SocketAddr,
    _port: Port,
    process: Mutex<Option<Child>>,
}

impl StandIn {
    /// Starts one on an empty log.
    pub fn start() -> Self {
        let directory = tempfile::tempdir().expect("there is a place for temporary files");
        let port = Port::hold();
        let (process, address) = run(&directory, &format!("127.0.0.1:{}", port.number()));
        Self { directory, address, _port: port, process: Mutex::new(Some(process)) }
    }

    /// How to connect to it.
    pub fn connection_string(&self) -> String {
        format!("kurrentdb://{}?tls=false", self.address)
    }

    /// A file for whoever connects, gone with the server.
    pub fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn process(&self) -> MutexGuard<'_, Option<Child>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Kills it (SIGKILL) with all its connections.
    pub fn kill(&self) {
        let mut process = self.process().take().expect("it runs");
        process.kill().expect("it is ours");
        process.wait().expect("it is ours");
    }

    /// Starts it again where it was, on the log it had.
    pub fn start_again(&self) {
        let (process, address) = run(&self.directory, &self.address.to_string());
        assert_eq!(address, self.address);
        *self.process() = Some(process);
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        if let Some(mut process) = self.process().take() {
            process.kill().ok();
            process.wait().ok();
        }
    }
}

/// Beside the tests, where Cargo puts it before it runs them.
fn program() -> PathBuf {
    let test = std::env::current_exe().expect("this is a program");
    let target = test.parent().and_then(|deps| deps.parent()).expect("tests are in target/…/deps");
    target.join("kurrentdb-stand-in")
}

fn run(directory: &TempDir, address: &str) -> (Child, SocketAddr) {
    let mut process = Command::new(program())
        .arg(directory.path().join("kurrentdb.db"))
        .arg(address)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the stand-in was built with the tests");
    let mut line = String::new();
    let mut said = BufReader::new(process.stdout.take().expect("it was asked for"));
    said.read_line(&mut line).expect("it says where it listens");
    let address = line.trim().strip_prefix("listening on ").and_then(|address| address.parse().ok());
    (process, address.expect("it listens"))
}
