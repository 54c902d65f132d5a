//! Which engines hold the log, the keys and the views.

use clap::ValueEnum;
use secrecy::SecretString;
use tidings_event_store::{database::DatabaseUrl, kurrentdb};

use super::{ConfigError, Merged, invalid};

/// Where something is stored.
#[derive(Debug, Clone)]
pub enum Engine {
    /// A file of the data directory.
    Sqlite,
    /// A PostgreSQL database, which other nodes may share.
    Postgres(Box<DatabaseUrl>),
}

/// What of the server a node runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum NodeRole {
    /// API, projectors and live push
    #[default]
    All,
    /// No projectors: other nodes fold the views
    Api,
    /// Projectors only: of HTTP, health and metrics
    Projector,
}

/// Where the log is.
#[derive(Debug, Clone)]
pub enum LogEngine {
    /// A file of the data directory.
    Sqlite,
    /// A PostgreSQL database, which other nodes may share.
    Postgres(Box<DatabaseUrl>),
    /// A KurrentDB server or cluster, which other nodes may share, by its connection string.
    KurrentDb(SecretString),
}

/// The engines of an installation.
#[derive(Debug, Clone)]
pub struct Engines {
    /// Of the log.
    pub events: LogEngine,
    /// Of the keys.
    pub keys: Engine,
    /// Of the views.
    pub views: Engine,
    /// Where the views are read instead: a replica of their database.
    pub views_read: Option<DatabaseUrl>,
}

impl Engines {
    /// Whether other nodes may write to the same log.
    pub const fn share_the_log(&self) -> bool {
        match self.events {
            LogEngine::Sqlite => false,
            LogEngine::Postgres(_) | LogEngine::KurrentDb(_) => true,
        }
    }

    pub(super) fn check(merged: &Merged) -> Result<Self, ConfigError> {
        let engines = Self {
            events: log_engine("TIDINGS_EVENT_STORE", &merged.event_store)?,
            keys: engine("TIDINGS_KEYS", &merged.keys)?,
            views: engine("TIDINGS_VIEWS", &merged.views)?,
            views_read: merged.views_read.as_deref().map(|text| url("TIDINGS_VIEWS_READ", text)).transpose()?,
        };
        if engines.views_read.is_some() && matches!(engines.views, Engine::Sqlite) {
            return Err(invalid(
                "TIDINGS_VIEWS_READ",
                "names a replica, but the views are not in PostgreSQL: set TIDINGS_VIEWS",
            ));
        }
        if matches!(engines.keys, Engine::Postgres(_)) && merged.secret.is_none() {
            return Err(invalid(
                "TIDINGS_SECRET",
                "must be set where the keys are in PostgreSQL, to the same value on every node; `openssl rand -hex 32` makes a \
                 good one",
            ));
        }
        Ok(engines)
    }
}

fn engine(setting: &'static str, text: &str) -> Result<Engine, ConfigError> {
    if text == "sqlite" { Ok(Engine::Sqlite) } else { url(setting, text).map(|url| Engine::Postgres(Box::new(url))) }
}

fn log_engine(setting: &'static str, text: &str) -> Result<LogEngine, ConfigError> {
    if kurrentdb::is_connection_string(text) {
        return Ok(LogEngine::KurrentDb(text.to_owned().into()));
    }
    Ok(match engine(setting, text)? {
        Engine::Sqlite => LogEngine::Sqlite,
        Engine::Postgres(url) => LogEngine::Postgres(url),
    })
}

/// The value may hold a password: it is not repeated.
fn url(setting: &'static str, text: &str) -> Result<DatabaseUrl, ConfigError> {
    DatabaseUrl::parse(setting, text).map_err(ConfigError::Database)
}
