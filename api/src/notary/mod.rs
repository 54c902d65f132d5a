//! The notary of this node: who may ask it what, and what it answers. The work is done by a process of its own
//! ([`crate::processes`]); ADR 0019 says why each node has one.

mod proofs;

use std::{path::Path, sync::Arc, time::Duration};

use tidings_event_store::{Position, RecordedEvent};
use tidings_notary::{Checkpoint, Edge, Entry, Signer, Tiles, VerifierKey};
use tokio::{
    sync::{Notify, watch},
    time::timeout,
};

pub use proofs::{ConsistencyProof, InclusionProof, NoProof, Prover};

/// Where tree, heads and key are kept, below the data directory.
pub const DIRECTORY: &str = "checkpoints";

/// How long an answer waits for what has just been appended to be signed.
const SIGNED_WITHIN: Duration = Duration::from_secs(5);

/// The tree as it was last signed.
#[derive(Debug)]
pub struct Signed {
    /// The head.
    pub checkpoint: Checkpoint,
    /// The right edge of its tree.
    pub edge: Edge,
}

/// How far the notary is.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    /// The newest signed tree, if there is any entry.
    pub signed: Option<Arc<Signed>>,
    /// Everything up to here is in it.
    pub position: Position,
    /// It signs no more: the log is not the one it has signed.
    pub refused: bool,
}

/// What everybody knows of the notary. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Notary(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    tiles: Tiles,
    key: VerifierKey,
    progress: watch::Sender<Progress>,
    demand: Notify,
}

impl Notary {
    /// The notary of a data directory, before it has done anything.
    pub fn new(data_dir: &Path, signer: &Signer) -> Self {
        let (tiles, key) = (tiles(data_dir), signer.key().clone());
        Self(Arc::new(Shared { tiles, key, progress: watch::Sender::default(), demand: Notify::new() }))
    }

    /// What checks its signatures.
    pub fn key(&self) -> &VerifierKey {
        &self.0.key
    }

    /// Where the tree is kept.
    pub fn tiles(&self) -> &Tiles {
        &self.0.tiles
    }

    /// The newest signed tree, which covers everything up to this position unless the notary is much behind.
    pub async fn signed(&self, position: Position) -> Option<Arc<Signed>> {
        let mut progress = self.0.progress.subscribe();
        self.0.demand.notify_one();
        let reached = progress.wait_for(|progress| progress.refused || progress.position >= position);
        if timeout(SIGNED_WITHIN, reached).await.is_err() {
            tracing::warn!(%position, "the notary is behind");
        }
        self.0.progress.borrow().signed.clone()
    }

    /// A signed tree that holds everything up to this position; none when there is none in time, or the notary signs no more.
    pub async fn covering(&self, position: Position, within: Duration) -> Option<Arc<Signed>> {
        let mut progress = self.0.progress.subscribe();
        self.0.demand.notify_one();
        let reached = progress.wait_for(|progress| progress.refused || progress.position >= position);
        let progress = timeout(within, reached).await.ok()?.ok()?;
        if progress.refused { None } else { progress.signed.clone() }
    }

    /// Waits until somebody wants what is new to be signed.
    pub(crate) async fn demanded(&self) {
        self.0.demand.notified().await;
    }

    /// Tells how far the notary is.
    pub(crate) fn tell(&self, progress: Progress) {
        self.0.progress.send_replace(progress);
    }

    /// Tells that it signs no more.
    pub(crate) fn refuse(&self) {
        self.0.progress.send_modify(|progress| progress.refused = true);
    }
}

/// What is kept below a data directory.
pub fn tiles(data_dir: &Path) -> Tiles {
    Tiles::at(&data_dir.join(DIRECTORY))
}

/// An event as the notary takes it.
pub fn entry(event: &RecordedEvent) -> Entry<'_> {
    Entry {
        position: event.position.get(),
        stream: event.stream.as_str(),
        version: event.version,
        id: *event.id.as_bytes(),
        name: &event.name,
        recorded_at: event.recorded_at.millis(),
        data: &event.data,
        metadata: &event.metadata,
    }
}
