//! The open stores of an installation: log, keys, write side, views.

use std::{os::unix::fs::DirBuilderExt, path::PathBuf, sync::Arc};

use secrecy::ExposeSecret;
use tidings_commands::Commands;
use tidings_event_store::{
    Codec, InstallationSecret, KeyError, Keyring, SqliteKeyBlocks,
    keys::SecretError,
    sqlite::{OpenError, SqliteEventStore},
};
use tidings_projections::{Options, SqliteViews, Views, ViewsError, runner::Log};

use crate::{clock, config::Config, control::Operator};

/// Why the stores cannot be opened: one sentence that says what is wrong and what to do. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum StoresError {
    /// The data directory cannot be made.
    #[error("the data directory {path} cannot be used: {source}")]
    Directory {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The log.
    #[error(transparent)]
    Events(#[from] OpenError),
    /// The secret.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// There are events, but not the secret they were sealed under.
    #[error(
        "{0} holds events but no secret: put the file `secret` back from your backup, or set TIDINGS_SECRET to the one \
         they were made with"
    )]
    SecretMissing(PathBuf),
    /// There are events, but not the keys they were sealed with.
    #[error("{0} holds events but no keys.db: put it back from your backup")]
    KeysMissing(PathBuf),
    /// The key store.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// The views.
    #[error(transparent)]
    Views(#[from] ViewsError),
}

/// Everything that is open, for this process alone.
pub struct Stores {
    /// What all is derived from.
    pub secret: InstallationSecret,
    /// The log.
    pub store: Arc<SqliteEventStore>,
    /// Seals and opens.
    pub codec: Codec,
    /// The write side.
    pub commands: Commands,
    /// The read side.
    pub views: Arc<Views>,
}

impl Stores {
    /// Opens the stores of the configured data directory, and makes what is not there yet.
    pub async fn open(config: &Config) -> Result<Self, StoresError> {
        let path = &config.data_dir;
        // what is made here holds everybody's messages: it is its owner's alone
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
        made.map_err(|source| StoresError::Directory { path: path.clone(), source })?;
        let in_use = path.join("events.db").exists();
        let store = Arc::new(SqliteEventStore::open(&path.join("events.db"), clock::now)?);
        let secret = match &config.secret {
            Some(text) => InstallationSecret::from_text(text.expose_secret())?,
            None if in_use && !path.join("secret").exists() => return Err(StoresError::SecretMissing(path.clone())),
            None => InstallationSecret::load_or_create(&path.join("secret"))?,
        };
        if in_use && !path.join("keys.db").exists() {
            return Err(StoresError::KeysMissing(path.clone()));
        }
        let keyring = Keyring::new(SqliteKeyBlocks::open(&path.join("keys.db"), &secret)?, &secret);
        let codec = Codec::new(keyring);
        let commands = Commands::new(store.clone(), codec.clone(), &secret);
        let log = Log { store: store.clone(), codec: codec.clone() };
        let views = Views::start(Arc::new(SqliteViews::open(path)?), log, Options::default()).await?;
        Ok(Self { secret, store, codec, commands, views: Arc::new(views) })
    }

    /// What operations need.
    pub fn operator(&self) -> Operator {
        Operator { store: self.store.clone(), commands: self.commands.clone(), views: self.views.clone() }
    }

    /// Finishes what was begun and leaves the files whole.
    pub async fn close(&self) {
        self.views.stop().await;
        let store = self.store.clone();
        if tokio::task::spawn_blocking(move || store.close()).await.is_err() {
            tracing::error!("the event store did not close");
        }
    }
}
