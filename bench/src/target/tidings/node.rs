//! The program, and the processes of it that serve.

use crate::error::BenchError;
use crate::load::get;
use crate::process::Server;
use crate::target::{Client, Place};
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::process::Command;

const SECONDS_TO_CATCH_UP: u64 = 120;

/// A process that serves, and a connection to it.
pub(super) struct Node {
    pub(super) server: Server,
    pub(super) client: Client,
}

/// The program on a data directory, with nothing in its environment that a user's own settings could change.
pub(crate) fn program(place: &Place, dir: &Path) -> Command {
    let mut command = Command::new(&place.tidings);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("TIDINGS_") {
            command.env_remove(name);
        }
    }
    // a directory of its own, where no tidings.toml lies
    command.current_dir(&place.dir).env("TIDINGS_DATA_DIR", dir);
    command.env("TIDINGS_LISTEN", "127.0.0.1:0").env("TIDINGS_RATE_LIMIT", "0").env("TIDINGS_LOG", "info");
    // connections that a long preparation leaves idle are still wanted
    command.env("TIDINGS_CLIENT_TIMEOUT", "3600");
    command
}

/// The program as a node of the installation in this database.
pub(super) fn node(place: &Place, dir: &Path, number: usize, database: &str) -> Command {
    let mut command = program(place, &dir.join(format!("node-{number}")));
    for setting in ["TIDINGS_EVENT_STORE", "TIDINGS_KEYS", "TIDINGS_VIEWS"] {
        command.env(setting, database);
    }
    command.env("TIDINGS_SECRET", "only for measurements, and shared by the nodes of one installation");
    command
}

/// The programs that work on an installation in this database while no node runs: one that rebuilds its views, and one that
/// compares them with the log.
pub(crate) fn offline(place: &Place, dir: &Path, database: &str) -> (Command, Command) {
    let (mut replay, mut verify) = (node(place, dir, 0, database), node(place, dir, 0, database));
    replay.arg("replay");
    verify.args(["replay", "--verify"]);
    (replay, verify)
}

impl Node {
    pub(super) async fn start(mut command: Command, log: &Path) -> Result<Self, BenchError> {
        command.arg("serve");
        let server = Server::start(command, log).await?;
        let client = Client::open(server.address).await?;
        let mut node = Self { server, client };
        node.wait_until_ready().await?;
        Ok(node)
    }

    async fn wait_until_ready(&mut self) -> Result<(), BenchError> {
        let begun = Instant::now();
        while self.client.status(&get("/health/ready", "")).await? != 200 {
            if begun.elapsed() > Duration::from_secs(20) {
                return Err(BenchError::Check("the server is not ready after 20 s".into()));
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    /// Answers when a reader with this token sees all that was sent through this node. A read waits for the views itself, but
    /// for two seconds only, after which it is answered 503.
    pub(super) async fn caught_up(&mut self, token: &str) -> Result<(), BenchError> {
        let begun = Instant::now();
        let request = get("/v1/unread", token);
        loop {
            match self.client.status(&request).await? {
                200 => return Ok(()),
                503 if begun.elapsed() < Duration::from_secs(SECONDS_TO_CATCH_UP) => {}
                status => return Err(BenchError::Check(format!("the views have not caught up: status {status}"))),
            }
        }
    }
}
