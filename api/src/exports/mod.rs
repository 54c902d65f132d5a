//! Exports: a person's whole data, a conversation, a stretch of the log, as files of lines with a signed manifest (ADR 0022).
//!
//! What is made is sealed like an attachment, under a key of its own and its owner's, and is gone after some hours. When something
//! in it is erased, its key is destroyed at once and it is made anew without that. Each node has those that were asked of it.

mod erasing;
mod job;
mod lines;
mod making;
pub mod manifest;
mod parts;
mod person;
mod records;
mod shelf;

use std::{io, ops::Range, path::Path, sync::Arc, time::Duration};

use bytes::Bytes;
use futures::Stream;
use tidings_attachments::{Part as File, Place, ReadError, Vault, blobs::FileBlobs};
use tidings_commands::Commands;
use tidings_domain::{KeyId, Timestamp, UserId};
use tidings_event_store::{EventStore, InstallationSecret, KeyError, Keyring, StoreError};
use tidings_notary::{Signer, key::BadSeed};
use tidings_projections::Views;
use tokio::{sync::Notify, task::JoinHandle};
use uuid::Uuid;

use erasing::Erasing;
pub use job::{Erased, Job, Part, State, Subject};
use making::Making;
use shelf::Shelf;

use crate::{
    audit::LookingBack,
    clock,
    config::ExportConfig,
    notary::Notary,
    problem::{Kind, Problem},
    processes::NOTARY_KEY,
    stores::Stores,
};

/// Where exports are, below the data directory.
pub const DIRECTORY: &str = "exports";
/// How many exports one person may have at a time.
const MOST_EACH: usize = 3;
/// And how many there may be on this node.
const MOST: usize = 200;
/// How long the views may take to show what the export is to have.
const VIEWS_WITHIN: Duration = Duration::from_secs(30);

/// Why exports cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum ExportsError {
    /// Their directory cannot be used.
    #[error("the directory of exports cannot be used: {0}")]
    Directory(#[from] io::Error),
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] StoreError),
    /// There is no key to sign with.
    #[error(transparent)]
    Key(#[from] BadSeed),
}

/// The exports of this node. Cheap to clone.
#[derive(Clone)]
pub struct Exports(Arc<Inner>);

struct Inner {
    shelf: Shelf,
    /// Of what is exported.
    vault: Vault,
    /// Of attachments, which are a part of it.
    attachments: Vault,
    keyring: Keyring,
    commands: Commands,
    views: Arc<Views>,
    past: LookingBack,
    store: Arc<dyn EventStore>,
    notary: Notary,
    signer: Signer,
    config: ExportConfig,
    /// There is something to make, or to look after.
    asked: Notify,
    /// The same, for who follows the log.
    followed: Notify,
}

impl std::fmt::Debug for Exports {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Exports(…)")
    }
}

/// The exports of a server and the processes that make them and look after them. What was erased while no server ran has left
/// them when this returns.
pub async fn start(
    data_dir: &Path,
    stores: &Stores,
    notary: Notary,
    config: ExportConfig,
) -> Result<(Exports, [JoinHandle<()>; 2]), ExportsError> {
    let exports = Exports::open(data_dir, stores, notary, config)?;
    let mut erasing = Erasing::new(exports.clone(), stores.store.clone());
    erasing.catch_up().await?;
    let making = tokio::spawn(Making::new(exports.clone()).run());
    Ok((exports, [making, tokio::spawn(erasing.run())]))
}

/// Who signs manifests: the notary.
fn signer(secret: &InstallationSecret) -> Result<Signer, BadSeed> {
    Signer::from_seed(&secret.derive(NOTARY_KEY))
}

impl Exports {
    /// The exports of a data directory: those that a restart interrupted go on.
    fn open(data_dir: &Path, stores: &Stores, notary: Notary, config: ExportConfig) -> Result<Self, ExportsError> {
        let directory = data_dir.join(DIRECTORY);
        let shelf = Shelf::open(&directory)?;
        let sealed = directory.join("sealed");
        let keyring = stores.codec.keyring().clone();
        let blobs = Arc::new(FileBlobs::open(&sealed)?);
        Ok(Self(Arc::new(Inner {
            shelf,
            vault: Vault::open(blobs, keyring.clone(), &sealed.join("incoming"))?,
            attachments: stores.vault.clone(),
            keyring,
            commands: stores.commands.clone(),
            views: stores.views.clone(),
            past: stores.past.clone(),
            store: stores.store.clone(),
            notary,
            signer: signer(&stores.secret)?,
            config,
            asked: Notify::new(),
            followed: Notify::new(),
        })))
    }

    /// Has an export made.
    pub async fn request(&self, owner: UserId, subject: Subject, audit: bool) -> Result<Job, Problem> {
        let now = clock::now();
        let author_key = self.0.commands.author_key(owner).await?;
        let head = self.0.commands.head().await?;
        let job = Job {
            id: Uuid::now_v7(),
            owner,
            subject,
            audit,
            requested_at: now,
            expires_at: now.plus_millis(i64::try_from(self.0.config.kept.as_millis()).unwrap_or(i64::MAX)),
            state: State::Running,
            author_key,
            position: head.get(),
            attempt: 1,
            parts: Vec::new(),
            manifest: None,
            conversations: [].into(),
            people: [owner].into(),
            progress: (0, 0),
        };
        if self.list(owner).len() >= MOST_EACH {
            return Err(Problem::new(
                Kind::TooManyExports,
                format!("{MOST_EACH} exports are there already: remove one"),
            ));
        }
        if self.0.shelf.all().len() >= MOST {
            return Err(Kind::Overloaded.into());
        }
        self.0.shelf.put(job.clone()).map_err(|error| unavailable(&error))?;
        self.0.asked.notify_one();
        self.0.followed.notify_one();
        Ok(job)
    }

    /// Somebody's exports, the newest first.
    pub fn list(&self, owner: UserId) -> Vec<Job> {
        let mut own: Vec<_> = self.0.shelf.all().into_iter().filter(|job| job.owner == owner).collect();
        own.sort_unstable_by_key(|job| std::cmp::Reverse(job.id));
        own
    }

    /// One of somebody's exports.
    pub fn get(&self, owner: UserId, id: Uuid) -> Option<Job> {
        self.0.shelf.get(id).filter(|job| job.owner == owner)
    }

    /// A range of a part, piece by piece.
    pub async fn read(
        &self,
        job: &Job,
        part: &Part,
        range: Range<u64>,
    ) -> Result<impl Stream<Item = Result<Bytes, ReadError>> + Send + use<>, ReadError> {
        self.0.vault.read(place(part), job.author_key, part.bytes, range).await
    }

    /// Removes an export: its key first, so that nothing of it can be read whatever becomes of its files.
    pub async fn remove(&self, id: Uuid) -> Result<(), Problem> {
        let Some(job) = self.0.shelf.get(id) else { return Ok(()) };
        self.forget(&job.parts).await?;
        self.0.shelf.remove(id).map_err(|error| unavailable(&error))
    }

    /// Destroys the keys of parts, and removes their files.
    async fn forget(&self, parts: &[Part]) -> Result<(), KeyError> {
        let keys: Vec<KeyId> = parts.iter().map(|part| part.key).collect();
        self.0.keyring.destroy(&keys).await?;
        for part in parts {
            if let Err(error) = self.0.vault.remove(part.file, part.key).await {
                tracing::warn!(%error, part = part.name, "a part of an export that nobody can read any more stays for now");
            }
        }
        Ok(())
    }

    /// Removes those whose time is over.
    async fn remove_expired(&self, now: Timestamp) {
        for job in self.0.shelf.all().into_iter().filter(|job| job.expires_at <= now) {
            if let Err(problem) = self.remove(job.id).await {
                tracing::warn!(?problem, export = %job.id, "an export whose time is over could not be removed yet");
            }
        }
    }
}

const fn place(part: &Part) -> Place {
    Place { id: part.file, key: part.key, part: File::File }
}

fn unavailable(error: &io::Error) -> Problem {
    tracing::error!(%error, "exports cannot be noted");
    Kind::Unavailable.into()
}
