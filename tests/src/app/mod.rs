//! The real server as a process, and people who use it over HTTP.
//!
//! ```no_run
//! # use tidings_tests::app::TestApp;
//! # use serde_json::json;
//! # async fn story() {
//! let app = TestApp::shared();
//! let (ada, bob) = (app.person("ada").await, app.person("bob").await);
//! let group = ada.group("tea", &[&bob]).await;
//! ada.post(format!("/v1/conversations/{group}/messages"), json!({"body": "now?"})).await.expect(201);
//! assert_eq!(bob.unread(&group).await, 1);
//! # }
//! ```

#![expect(clippy::missing_panics_doc, reason = "everything here panics where the test is to fail")]
#![expect(clippy::return_self_not_must_use, reason = "an answer that was checked may be dropped")]
#![expect(clippy::needless_pass_by_value, reason = "a story reads better without the borrows")]

mod answer;
mod backend;
mod binary;
mod call;
mod files;
mod live;
mod patience;
mod person;
mod raw;
mod receiver;
mod server;
mod socket;
mod talk;
mod tls;
mod told;

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
};

use reqwest::Method;
use serde_json::{Value, json};

pub use answer::Answer;
pub use backend::Backend;
pub use call::Call;
pub use files::{multipart, multipart_type};
pub use live::{Live, LiveEvent};
pub use patience::{SOON, until};
pub use person::{PASSWORD, Person};
pub use raw::Raw;
pub use receiver::{Posted, Receiver};
pub use server::Setup;
pub use socket::{Refused, Socket};
pub use talk::{bodies, body, id, seq, seqs};
pub use tls::{connect, connect_for, make_certificate};

use crate::postgres::Database;
use server::Server;
use told::Told;

/// A running server, and the way to ask it.
#[derive(Debug, Clone)]
pub struct TestApp {
    server: Arc<Server>,
    /// Where it is asked.
    port: u16,
    http: reqwest::Client,
    told: Told,
}

static SHARED: Mutex<Weak<Server>> = Mutex::new(Weak::new());
static PEOPLE: AtomicU64 = AtomicU64::new(1);

impl TestApp {
    /// A server that the tests running now share. It ends with the last of them, so nothing is left behind.
    pub fn shared() -> Self {
        // whoever panicked while starting it left no server behind
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        let server = shared.upgrade().unwrap_or_else(|| {
            let server = Arc::new(Server::start(Setup::default()));
            *shared = Arc::downgrade(&server);
            server
        });
        Self::of(server)
    }

    /// A server of the test's own.
    pub fn start() -> Self {
        Self::with(Setup::default())
    }

    /// A server of the test's own with everything in its data directory, whatever the other tests are about.
    pub fn embedded() -> Self {
        Self::with(Setup { backend: Backend::Embedded, ..Setup::default() })
    }

    /// A server of the test's own with settings of its own.
    pub fn with(setup: Setup) -> Self {
        Self::of(Arc::new(Server::start(setup)))
    }

    /// Another node of the same installation, which must be one that several nodes may share.
    pub fn another_node(&self) -> Self {
        self.another_node_with(Setup::default())
    }

    /// The same, with settings of its own.
    pub fn another_node_with(&self, setup: Setup) -> Self {
        assert!(self.database().is_some(), "the embedded stores are for one process");
        Self { told: self.told.clone(), ..Self::of(Arc::new(self.server.beside(setup))) }
    }

    /// The database of the installation, where it has one.
    pub fn database(&self) -> Option<&Database<'static>> {
        self.server.installation().database()
    }

    fn of(server: Arc<Server>) -> Self {
        let port = server.port();
        Self { server, port, http: call::client(), told: Told::default() }
    }

    /// The same server as those see it who ask at another port: of a load balancer before it. Their connections are
    /// their own.
    pub fn behind(&self, port: u16) -> Self {
        Self { port, told: self.told.clone(), ..Self::of(Arc::clone(&self.server)) }
    }

    /// The port it is asked at.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Where it is asked: `http://127.0.0.1:…`.
    pub fn base(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The same, for clients of their own: `127.0.0.1:…`.
    pub fn address(&self) -> String {
        self.server.address()
    }

    /// Where it keeps its files.
    pub fn data_dir(&self) -> &Path {
        self.server.data_dir()
    }

    /// The files below the data directory.
    pub fn data_files(&self) -> Vec<PathBuf> {
        let mut found = vec![];
        let mut directories = vec![self.data_dir().to_owned()];
        while let Some(directory) = directories.pop() {
            for entry in std::fs::read_dir(directory).expect("the data directory is there").flatten() {
                let path = entry.path();
                if path.is_dir() { directories.push(path) } else { found.push(path) }
            }
        }
        found
    }

    /// Everything the installation stores: files by their names, and the tables of its database.
    pub fn stored(&self) -> Vec<(String, Vec<u8>)> {
        let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        // a socket cannot be read
        let read = |path: PathBuf| Some((name(&path), std::fs::read(&path).ok()?));
        let files = self.data_files().into_iter().filter_map(read);
        let tables = self.database().map(Database::rows).unwrap_or_default();
        files.chain(tables.into_iter().map(|(table, rows)| (table, rows.into_bytes()))).collect()
    }

    /// A dump of the installation's database, where it has one.
    pub fn dump(&self) -> Option<Vec<u8>> {
        self.database().map(Database::dump)
    }

    /// What it has logged since it was last started.
    pub fn log(&self) -> Vec<String> {
        self.server.log()
    }

    /// The server's process.
    pub fn pid(&self) -> u32 {
        self.server.pid().expect("the server runs")
    }

    /// Asks the server to end, and expects that it does so in good order.
    pub async fn stop(&self) {
        let server = self.server.clone();
        let ended = tokio::task::spawn_blocking(move || server.end("TERM")).await;
        let status = ended.expect("waiting does not fail");
        assert_eq!(status.code(), Some(0), "SIGTERM ends with exit code 0, not {status}");
    }

    /// Kills the server where it stands.
    pub fn kill(&self) {
        self.server.end("KILL");
    }

    /// Starts a server that was stopped or killed again, on the same address and data.
    pub fn restart(&self) {
        self.server.start_again();
    }

    /// Runs another command of the program on the same data: `app.tool(&["replay", "--verify"])`.
    pub fn tool(&self, arguments: &[&str]) -> Output {
        self.server.tool(arguments)
    }

    /// The same, to be run by the test itself.
    pub fn tool_command(&self, arguments: &[&str]) -> Command {
        self.server.command(arguments)
    }

    /// Runs a command that must succeed; its standard output.
    pub fn tool_done(&self, arguments: &[&str]) -> String {
        let output = self.tool(arguments);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {}\n{stderr}", output.status);
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// A request that nobody in particular makes.
    pub fn call(&self, method: Method, path: impl Into<String>) -> Call {
        Call::new(&self.http, method, &self.base(), path.into(), self.told.clone())
    }

    /// `GET` by nobody in particular.
    pub fn get(&self, path: impl Into<String>) -> Call {
        self.call(Method::GET, path)
    }

    /// `POST` by nobody in particular.
    pub fn post(&self, path: impl Into<String>, body: Value) -> Call {
        self.call(Method::POST, path).json(body)
    }

    /// A username that nobody has yet.
    pub fn fresh_name(&self, name: &str) -> String {
        format!("{name}-{}", PEOPLE.fetch_add(1, Ordering::Relaxed))
    }

    /// Somebody new, registered and signed in. Their username begins with `name`.
    pub async fn person(&self, name: &str) -> Person {
        let username = self.fresh_name(name);
        let body = json!({"username": username, "password": PASSWORD});
        let user = self.post("/v1/users", body).await.expect(201);
        self.sign_in(&username, PASSWORD).await.expecting_user(&user.json)
    }

    /// Signs in; must succeed.
    pub async fn sign_in(&self, username: &str, password: &str) -> Person {
        let body = json!({"username": username, "password": password});
        let session = self.post("/v1/sessions", body).await.expect(201);
        Person::of(self.clone(), &session.json)
    }
}
