//! Where the views of a test are.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use tidings_event_store::database::DatabaseUrl;
use tidings_projections::{PostgresViews, SqliteViews, runner::ViewStore};
use tidings_tests::postgres::{Cluster, Database};

/// Which backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backing {
    Sqlite,
    Postgres,
}

/// A place for views, empty at first.
pub enum Place {
    Directory(PathBuf),
    Database(Database<'static>),
}

pub fn url(database: &Database<'_>) -> DatabaseUrl {
    DatabaseUrl::parse("TIDINGS_VIEWS", &database.url()).unwrap()
}

impl Place {
    pub fn new(on: Backing, directory: &Path) -> Self {
        match on {
            Backing::Sqlite => Self::Directory(directory.to_owned()),
            Backing::Postgres => Self::Database(Cluster::shared().create_database()),
        }
    }

    pub async fn open(&self) -> Arc<dyn ViewStore> {
        match self {
            Self::Directory(directory) => Arc::new(SqliteViews::open(directory).unwrap()),
            Self::Database(database) => Arc::new(PostgresViews::open(url(database), None).await.unwrap()),
        }
    }

    /// The generations that there are: `conversations-1`, …
    pub fn generations(&self) -> Vec<String> {
        let mut names: Vec<String> = match self {
            Self::Directory(directory) => {
                let entries = std::fs::read_dir(directory).unwrap();
                let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
                names.filter_map(|name| Some(name.strip_prefix("views-")?.strip_suffix(".db")?.to_owned())).collect()
            }
            Self::Database(database) => {
                let names = database.sql("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'tidings\\_views\\_%'");
                names.lines().map(|name| name["tidings_views_".len()..].replace('_', "-")).collect()
            }
        };
        names.sort();
        names
    }

    /// Changes a view behind its projector's back.
    pub fn tamper(&self, generation: &str, sqlite: &str, postgres: &str) {
        match self {
            Self::Directory(directory) => {
                let path = directory.join(format!("views-{generation}.db"));
                rusqlite::Connection::open(path).unwrap().execute_batch(sqlite).unwrap();
            }
            Self::Database(database) => {
                let schema = format!("tidings_views_{}", generation.replace('-', "_"));
                database.sql(&format!("SET search_path = {schema}; {postgres}"));
            }
        }
    }

    /// Waits until nothing is left of whoever used the views: a server notices a closed connection a moment later.
    pub async fn deserted(&self) {
        if let Self::Database(database) = self {
            while database.sql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid > 1000000000")
                != "0"
            {
                tokio::task::yield_now().await;
            }
        }
    }
}
