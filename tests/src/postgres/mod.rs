//! Throw-away PostgreSQL clusters, made by the tests themselves.
//!
//! ```no_run
//! # use tidings_tests::postgres::Cluster;
//! let database = Cluster::shared().create_database();
//! let url = database.url(); // postgres://postgres:…@127.0.0.1:…/test_1
//! ```

#![expect(clippy::missing_panics_doc, reason = "everything here panics where the test is to fail")]

mod files;
mod process;

use std::{
    path::Path,
    process::Output,
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use files::{Files, Owner};
use process::{Running, program};

use crate::port::Port;

/// The password of `postgres`, the only login of a fresh cluster.
const PASSWORD: &str = "throw-away";
static DATABASES: AtomicU64 = AtomicU64::new(1);

/// A server of its own on the loopback interface. Removed when dropped, and when the process that made it ends in any way.
#[derive(Debug)]
pub struct Cluster {
    files: Files,
    port: Port,
    settings: Vec<(String, String)>,
    environment: Vec<(String, String)>,
    running: Mutex<Option<Running>>,
}

impl Cluster {
    /// A cluster that all tests of this process share. It does not survive a power cut, and is fast for it.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Cluster> = OnceLock::new();
        SHARED.get_or_init(|| Self::with(&[("fsync", "off"), ("full_page_writes", "off"), ("max_connections", "500")]))
    }

    /// A cluster of the test's own that keeps what it acknowledges.
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// A cluster of the test's own with these settings over the defaults.
    pub fn with(settings: &[(&str, &str)]) -> Self {
        Self::with_environment(settings, &[])
    }

    /// The same, with these variables in the environment of its server.
    pub fn with_environment(settings: &[(&str, &str)], environment: &[(&str, &str)]) -> Self {
        let files = Files::new(Owner::find());
        files.run(
            "initdb",
            &["--no-sync", "--username=postgres", "--encoding=UTF8", "--locale=C", "--auth-local=trust"],
            &["--auth-host=password", "--pwfile", &files.path("password", Some(PASSWORD)), "-D", &files.data()],
        );
        // what a replica needs; a physical replication login comes from the same address as everybody
        files.append("data/pg_hba.conf", "host replication all 127.0.0.1/32 password\n");
        Self::run(files, owned(settings), owned(environment))
    }

    fn run(files: Files, settings: Vec<(String, String)>, environment: Vec<(String, String)>) -> Self {
        let cluster = Self { files, port: Port::hold(), settings, environment, running: Mutex::new(None) };
        cluster.start_again();
        cluster
    }

    /// A connection string for a database of this cluster, as its superuser.
    pub fn url(&self, database: &str) -> String {
        self.url_as("postgres", PASSWORD, database)
    }

    /// A connection string with another login.
    pub fn url_as(&self, user: &str, password: &str, database: &str) -> String {
        format!("postgres://{user}:{password}@127.0.0.1:{}/{database}", self.port())
    }

    /// The same for somebody who takes another way to it, such as a [`Front`](crate::front::Front).
    pub fn url_by(&self, port: u16, database: &str) -> String {
        format!("postgres://postgres:{PASSWORD}@127.0.0.1:{port}/{database}")
    }

    /// Where it listens.
    pub const fn port(&self) -> u16 {
        self.port.number()
    }

    /// An empty database that nobody else uses.
    pub fn create_database(&self) -> Database<'_> {
        let name = format!("test_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
        self.sql("postgres", &format!("CREATE DATABASE {name}"));
        Database { cluster: self, name }
    }

    /// Runs SQL as superuser; must succeed. The rows as text, columns parted by `|`.
    pub fn sql(&self, database: &str, sql: &str) -> String {
        let output = self.try_sql(database, sql);
        assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    /// Runs SQL as superuser, whatever comes of it.
    pub fn try_sql(&self, database: &str, sql: &str) -> Output {
        let mut psql = program("psql");
        psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", sql, &self.url(database)]);
        psql.output().expect("psql is there")
    }

    /// Ends the server in good order: open connections are closed, everything is written.
    pub fn stop(&self) {
        self.take_running().stop("INT");
    }

    /// Kills every process of the server where it stands, as when the machine is lost.
    pub fn kill(&self) {
        self.take_running().kill(&self.files);
    }

    /// Starts a server that was stopped or killed, on the same port and data. Returns when it takes connections.
    pub fn start_again(&self) {
        let running = Running::start(&self.files, self.port(), &self.settings, &self.environment);
        let before = self.running().replace(running);
        assert!(before.is_none(), "it does not run yet");
    }

    /// A streaming replica of this server, caught up with what is there now.
    #[must_use]
    pub fn replica(&self) -> Self {
        let files = Files::new(Owner::find());
        let connection = format!("host=127.0.0.1 port={} user=postgres password={PASSWORD}", self.port());
        files.run(
            "pg_basebackup",
            &["--no-sync", "-R", "-X", "stream", "-c", "fast"],
            &["-d", &connection, "-D", &files.data()],
        );
        Self::run(files, self.settings.clone(), self.environment.clone())
    }

    /// Makes a replica a primary. Returns when it takes writes.
    pub fn promote(&self) {
        assert_eq!(self.sql("postgres", "SELECT pg_promote(true, 60)"), "t", "the replica is promoted");
    }

    /// The log of the server.
    pub fn log(&self) -> String {
        self.files.read("log")
    }

    /// Where it keeps its data.
    pub fn directory(&self) -> &Path {
        self.files.directory()
    }

    fn running(&self) -> std::sync::MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_running(&self) -> Running {
        self.running().take().expect("the cluster runs")
    }
}

fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some(running) = self.running().take() {
            running.stop("QUIT");
        }
    }
}

/// A database of one test. Dropped with whatever is still connected to it.
#[derive(Debug)]
pub struct Database<'a> {
    cluster: &'a Cluster,
    name: String,
}

impl Database<'_> {
    /// A connection string for it.
    pub fn url(&self) -> String {
        self.cluster.url(&self.name)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Every row that the program keeps in it: the tables by their names, bytes as the text they may hold.
    pub fn rows(&self) -> Vec<(String, String)> {
        let tables = self.sql(
            "SELECT c.oid::regclass FROM pg_class c WHERE c.relkind = 'r' AND c.relnamespace::regnamespace::text LIKE \
             'tidings%' ORDER BY 1",
        );
        let rows = |table: &str| self.sql(&format!("SET bytea_output = escape; COPY {table} TO STDOUT"));
        tables.lines().map(|table| (table.to_owned(), rows(table))).collect()
    }

    /// What `pg_dump` writes of it: everything, with rows as they are typed in.
    pub fn dump(&self) -> Vec<u8> {
        let output =
            program("pg_dump").args(["--no-sync", "--inserts", &self.url()]).output().expect("pg_dump is there");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    /// Runs SQL in it, as [`Cluster::sql`] does.
    pub fn sql(&self, sql: &str) -> String {
        self.cluster.sql(&self.name, sql)
    }
}

impl Drop for Database<'_> {
    fn drop(&mut self) {
        // a cluster that was stopped takes its databases with it
        if self.cluster.running().is_some() {
            drop(self.cluster.try_sql("postgres", &format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name)));
        }
    }
}
