//! The open stores of an installation: log, keys, write side, views.

use std::{os::unix::fs::DirBuilderExt, path::PathBuf, sync::Arc, time::Duration};

use secrecy::ExposeSecret;
use tidings_attachments::{
    BlobError, Blobs, Vault,
    blobs::{FileBlobs, ObjectBlobs},
};
use tidings_commands::Commands;
use tidings_domain::UserId;
use tidings_event_store::{
    Codec, EventStore, InstallationSecret, KeyError, Keyring, KurrentEventStore, Position, PostgresEventStore,
    PostgresKeyBlocks, SqliteKeyBlocks, StoreError,
    database::DatabaseError,
    keys::SecretError,
    kurrentdb::ConnectError,
    sqlite::{OpenError, SqliteEventStore},
};
use tidings_notary::Tiles;
use tidings_projections::{
    Options, PostgresViews, SqliteViews, Views, ViewsError,
    runner::{Log, Pace, ViewStore},
};

use tokio::time::timeout;
use uuid::Uuid;

use crate::{
    audit::LookingBack,
    backup::{self, Sources},
    clock,
    config::{AttachmentPlace, Config, EVENTS, Engine, LogEngine, NodeRole},
    control::Operator,
    notary::{self, Notary},
};

/// How long the start waits for views that are nearly there.
const VIEWS_WITHIN: Duration = Duration::from_secs(1);

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
    /// A database.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// KurrentDB.
    #[error(transparent)]
    KurrentDb(#[from] ConnectError),
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] StoreError),
    /// The secret.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// There are events, but not the secret they were sealed under.
    #[error(
        "there are events, but {0} holds no secret: put the file `secret` back from your backup, or set TIDINGS_SECRET to the one \
         they were made with"
    )]
    SecretMissing(PathBuf),
    /// There are events, but not the keys they were sealed with.
    #[error("there are events, but {0} holds no keys.db: put it back from your backup")]
    KeysMissing(PathBuf),
    /// A restore was cut off.
    #[error("a restore into {0} was cut off: run `tidings restore` again, with --force")]
    Unfinished(PathBuf),
    /// The key store.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// The store of attachments.
    #[error(transparent)]
    Attachments(#[from] BlobError),
    /// The views.
    #[error(transparent)]
    Views(#[from] ViewsError),
}

/// Everything that is open, for this process alone.
pub struct Stores {
    /// What all is derived from.
    pub secret: InstallationSecret,
    /// The log.
    pub store: Arc<dyn EventStore>,
    /// Where the log ended when it was opened, if other nodes write to it too.
    pub shared_from: Option<Position>,
    /// Seals and opens.
    pub codec: Codec,
    /// The write side.
    pub commands: Commands,
    /// The read side.
    pub views: Arc<Views>,
    /// The bytes of attachments.
    pub vault: Vault,
    /// What the notary keeps.
    pub tiles: Tiles,
    /// The log's file, where it has one.
    pub log_file: Option<PathBuf>,
    /// Views as they stood.
    pub past: LookingBack,
    /// What a backup takes beside the log.
    pub sources: Sources,
}

impl Stores {
    /// Opens the stores of the configured data directory, and makes what is not there yet.
    pub async fn open(config: &Config) -> Result<Self, StoresError> {
        check(config).await?;
        let path = &config.data_dir;
        if path.join(backup::UNFINISHED).exists() {
            return Err(StoresError::Unfinished(path.clone()));
        }
        // what is made here holds everybody's messages: it is its owner's alone
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
        made.map_err(|source| StoresError::Directory { path: path.clone(), source })?;
        let (store, shared) = open_log(config).await?;
        let head = store.head().await?;
        let in_use = head > Position::START;
        let secret = match &config.secret {
            Some(text) => InstallationSecret::from_text(text.expose_secret())?,
            None if in_use && !path.join("secret").exists() => return Err(StoresError::SecretMissing(path.clone())),
            None => InstallationSecret::load_or_create(&path.join("secret"))?,
        };
        let codec = Codec::new(open_keys(config, &secret, in_use).await?);
        let views = open_views(config).await?;
        // last of all: whatever is refused has made nothing
        let vault = open_vault(config, codec.keyring().clone())?;
        let past = LookingBack::open(path, store.clone(), codec.clone());
        let past = past.map_err(|source| StoresError::Directory { path: path.clone(), source })?;
        let sources = Sources::of(config, codec.keyring());
        let commands = Commands::new(store.clone(), codec.clone(), &secret);
        let log = Log { store: store.clone(), codec: codec.clone() };
        let fold = config.role != NodeRole::Api;
        let options = Options { fold, rebuild: config.views.pace, ..Options::default() };
        let views = Views::start(views, log, options).await?;
        Ok(Self {
            secret,
            store,
            shared_from: shared.then_some(head),
            codec,
            commands,
            views: Arc::new(views),
            vault,
            tiles: notary::tiles(path),
            log_file: config.log_file(),
            past,
            sources,
        })
    }

    /// What operations need; views are rebuilt and compared at this pace.
    pub fn operator(&self, notary: Option<Notary>, pace: Pace) -> Operator {
        Operator {
            store: self.store.clone(),
            commands: self.commands.clone(),
            views: self.views.clone(),
            pace,
            notary,
            tiles: self.tiles.clone(),
            log_file: self.log_file.clone(),
            sources: self.sources.clone(),
        }
    }

    /// Views that are nearly there answer from the first request on; those that take longer to build answer 503 until then.
    pub async fn wait_for_views(&self) -> Result<(), StoresError> {
        let head = self.store.head().await?;
        if let Err(late) = self.views.wait_for(head, VIEWS_WITHIN).await {
            tracing::warn!("{late}");
        }
        let mut waited = tokio::time::interval(Duration::from_millis(5));
        let (nobody, queries) = (UserId::new(Uuid::nil()), self.views.queries());
        let ready = async {
            while queries.user(nobody).await.is_err() || queries.unread_summary(nobody).await.is_err() {
                waited.tick().await;
            }
        };
        if timeout(VIEWS_WITHIN, ready).await.is_err() {
            tracing::warn!("the views are still being built");
        }
        Ok(())
    }

    /// Finishes what was begun and leaves the files whole.
    pub async fn close(&self) {
        self.views.stop().await;
        self.store.close().await;
    }
}

/// Looks at every database before anything is made anywhere: a start that is refused has changed nothing.
async fn check(config: &Config) -> Result<(), StoresError> {
    match &config.engines.events {
        LogEngine::Postgres(url) => PostgresEventStore::check(url).await?,
        // looked at when it is opened, which is before the others are
        LogEngine::Sqlite | LogEngine::KurrentDb(_) => {}
    }
    if let Engine::Postgres(url) = &config.engines.keys {
        PostgresKeyBlocks::check(url).await?;
    }
    if let Engine::Postgres(url) = &config.engines.views {
        PostgresViews::check(url).await?;
    }
    Ok(())
}

/// The log, and whether other nodes may write to it.
pub(crate) async fn open_log(config: &Config) -> Result<(Arc<dyn EventStore>, bool), StoresError> {
    Ok(match &config.engines.events {
        LogEngine::Sqlite => (Arc::new(SqliteEventStore::open(&config.data_dir.join(EVENTS), clock::now)?), false),
        LogEngine::Postgres(url) => (Arc::new(PostgresEventStore::open(url).await?), true),
        LogEngine::KurrentDb(connection) => {
            let index = config.data_dir.join("commands.db");
            (Arc::new(KurrentEventStore::connect(connection.expose_secret(), &index).await?), true)
        }
    })
}

pub(crate) async fn open_views(config: &Config) -> Result<Arc<dyn ViewStore>, StoresError> {
    Ok(match &config.engines.views {
        Engine::Sqlite => Arc::new(SqliteViews::open(&config.data_dir)?),
        Engine::Postgres(url) => {
            Arc::new(PostgresViews::open((**url).clone(), config.engines.views_read.clone()).await?)
        }
    })
}

fn open_vault(config: &Config, keyring: Keyring) -> Result<Vault, StoresError> {
    let root = config.data_dir.join("attachments");
    let failed = |source| StoresError::Directory { path: root.clone(), source };
    let blobs: Arc<dyn Blobs> = match &config.attachments.place {
        AttachmentPlace::Files => {
            if config.engines.share_the_log() {
                tracing::warn!("attachments are kept on this node alone: other nodes need TIDINGS_ATTACHMENTS=s3://…");
            }
            Arc::new(FileBlobs::open(&root).map_err(failed)?)
        }
        AttachmentPlace::S3(place) => Arc::new(ObjectBlobs::s3(place)?),
    };
    Vault::open(blobs, keyring, &root.join("incoming")).map_err(failed)
}

pub(crate) async fn open_keys(
    config: &Config,
    secret: &InstallationSecret,
    in_use: bool,
) -> Result<Keyring, StoresError> {
    Ok(match &config.engines.keys {
        Engine::Sqlite => {
            let path = config.data_dir.join("keys.db");
            if in_use && !path.exists() {
                return Err(StoresError::KeysMissing(config.data_dir.clone()));
            }
            Keyring::new(SqliteKeyBlocks::open(&path, secret)?, secret)
        }
        Engine::Postgres(url) => Keyring::new(PostgresKeyBlocks::open(url, secret).await?, secret),
    })
}
