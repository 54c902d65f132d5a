//! What the server under test stores into.

use crate::{
    postgres::{Cluster, Database},
    stand_in::StandIn,
};

/// A set of stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// SQLite files in the data directory.
    Embedded,
    /// Log, keys and views in one PostgreSQL database.
    Postgres,
    /// The log in a KurrentDB server, or what stands in for one; keys and views in a PostgreSQL database.
    KurrentDb,
}

impl Backend {
    /// Every backend by the name that `TIDINGS_TEST_BACKEND` knows it by.
    const ALL: [(&'static str, Self); 3] =
        [("embedded", Self::Embedded), ("postgres", Self::Postgres), ("kurrentdb", Self::KurrentDb)];

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(known, _)| *known == name).map(|(_, backend)| backend)
    }

    /// What a test binary says of itself: the stories are compiled once for each backend, as `…_over_<backend>`.
    fn of_this_binary() -> Option<Self> {
        let program = std::env::current_exe().ok()?;
        let (_, over) = program.file_stem()?.to_str()?.split_once("_over_")?;
        Self::named(over.split('-').next()?)
    }
}

impl Default for Backend {
    /// The one this run of the tests is about: the one that the binary or `TIDINGS_TEST_BACKEND` names, else the embedded.
    fn default() -> Self {
        if let Some(backend) = Self::of_this_binary() {
            return backend;
        }
        let Ok(name) = std::env::var("TIDINGS_TEST_BACKEND") else { return Self::Embedded };
        Self::named(&name).unwrap_or_else(|| panic!("TIDINGS_TEST_BACKEND={name} is not a backend"))
    }
}

/// What the nodes of one installation share. Ends with it.
#[derive(Debug)]
pub(super) struct Installation {
    database: Option<Database<'static>>,
    log: Option<StandIn>,
}

impl Installation {
    pub(super) fn new(backend: Backend) -> Self {
        let (database, log) = match backend {
            Backend::Embedded => (false, false),
            Backend::Postgres => (true, false),
            Backend::KurrentDb => (true, true),
        };
        Self { database: database.then(|| Cluster::shared().create_database()), log: log.then(StandIn::start) }
    }

    /// The settings that lead there.
    pub(super) fn env(&self) -> Vec<(&'static str, String)> {
        let Some(database) = &self.database else { return vec![] };
        let secret = "only for tests, and shared by the nodes of one installation";
        vec![
            ("TIDINGS_EVENT_STORE", self.log.as_ref().map_or_else(|| database.url(), StandIn::connection_string)),
            ("TIDINGS_KEYS", database.url()),
            ("TIDINGS_VIEWS", database.url()),
            ("TIDINGS_SECRET", secret.to_owned()),
        ]
    }

    pub(super) const fn database(&self) -> Option<&Database<'static>> {
        self.database.as_ref()
    }
}
