//! What the executors of all kinds share: the store, the codec, and snapshots.

use std::{
    ops::RangeInclusive,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use tidings_domain::{Decider, StreamName};
use tidings_event_store::{Codec, EventStore, InstallationSecret, Position, RecordedEvent, Snapshot};

use crate::Error;

/// A snapshot is worth its row after so many events, and a cold start is to fold no more than so many.
const SNAPSHOT_EVERY: RangeInclusive<u64> = 250..=5_000;
const PAGE: usize = 1_000;
const NONCE_BYTES: usize = 24;

/// The store, the codec, and the key under which snapshots are sealed.
pub(crate) struct Shared {
    store: Arc<dyn EventStore>,
    codec: Codec,
    snapshots: XChaCha20Poly1305,
    others_write: AtomicBool,
    /// The last position of what any state here has folded in or is known to have led to.
    seen: AtomicU64,
}

impl Shared {
    pub(crate) fn new(store: Arc<dyn EventStore>, codec: Codec, secret: &InstallationSecret) -> Self {
        let key = secret.derive("tidings 2026 snapshots");
        let snapshots = XChaCha20Poly1305::new((&*key).into());
        Self { store, codec, snapshots, others_write: AtomicBool::new(false), seen: AtomicU64::new(0) }
    }

    /// Notes that commands judge by what is at this position.
    pub(super) fn saw(&self, position: Position) {
        self.seen.fetch_max(position.get(), Ordering::AcqRel);
    }

    /// The last position that any command may have judged by: a store may answer an append, or show a stream, before its head
    /// has moved there.
    pub(crate) fn seen_head(&self) -> Position {
        let head = *self.store.watch_head().borrow();
        head.max(Position::new(self.seen.load(Ordering::Acquire)))
    }

    /// Whether another node was seen to write to a stream whose state is held here.
    pub(super) fn others_write(&self) -> bool {
        self.others_write.load(Ordering::Relaxed)
    }

    pub(super) fn another_wrote(&self) {
        self.others_write.store(true, Ordering::Relaxed);
    }

    pub(crate) fn store(&self) -> &dyn EventStore {
        &*self.store
    }

    pub(crate) const fn codec(&self) -> &Codec {
        &self.codec
    }

    /// The state of a stream from its snapshot, if there is one, and all events after it.
    pub(super) async fn load<D: Decider>(self: &Arc<Self>, name: &StreamName) -> Result<(D::State, u64), Error> {
        let (mut state, began) = self.snapshot_state::<D>(name).await?.unwrap_or_default();
        let version = self.fold_on::<D>(name, &mut state, began).await?;
        if snapshot_is_due::<D>(&state, began, version) {
            self.keep_snapshot::<D>(name, state.clone(), version);
        }
        Ok((state, version))
    }

    /// Folds in what a stream has after a version; answers the version then.
    pub(super) async fn fold_on<D: Decider>(
        &self,
        name: &StreamName,
        state: &mut D::State,
        mut version: u64,
    ) -> Result<u64, Error> {
        loop {
            let page = self.store.read_stream(name, version, PAGE).await?;
            for recorded in &page {
                self.fold::<D>(state, recorded).await?;
                version = recorded.version;
            }
            if page.len() < PAGE {
                return Ok(version);
            }
        }
    }

    pub(super) async fn fold<D: Decider>(&self, state: &mut D::State, recorded: &RecordedEvent) -> Result<(), Error> {
        self.saw(recorded.position);
        let event = self.codec.open::<D::Event>(recorded, D::opens).await?;
        D::evolve(state, &event);
        Ok(())
    }

    async fn snapshot_state<D: Decider>(&self, name: &StreamName) -> Result<Option<(D::State, u64)>, Error> {
        let Some(format) = D::snapshot_format() else { return Ok(None) };
        let Some(snapshot) = self.store.load_snapshot(name).await? else { return Ok(None) };
        if snapshot.format != format {
            return Ok(None);
        }
        // a shortcut that cannot be read is not taken, nor one that is ahead of a log restored from a backup
        let state = self.open(name, &snapshot).and_then(|state| serde_json::from_slice(&state).ok());
        let Some(state) = state else { return Ok(None) };
        let last = self.store.read_stream(name, snapshot.version.saturating_sub(1), 1).await?;
        let Some(last) = last.first().filter(|last| last.version == snapshot.version) else { return Ok(None) };
        self.saw(last.position);
        Ok(Some((state, snapshot.version)))
    }

    /// The state as a snapshot, sealed under the installation's secret; `None` for kinds that keep none.
    fn snapshot<D: Decider>(&self, name: &StreamName, state: &D::State, version: u64) -> Option<Snapshot> {
        let format = D::snapshot_format()?;
        let plain = serde_json::to_vec(state).ok()?;
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce).ok()?;
        let payload = Payload { msg: &plain, aad: &binding(name, version) };
        let sealed = self.snapshots.encrypt(&XNonce::from(nonce), payload).ok()?;
        let data = [nonce.as_slice(), &sealed].concat().into();
        Some(Snapshot { version, format: format.to_owned(), data })
    }

    fn open(&self, name: &StreamName, snapshot: &Snapshot) -> Option<Vec<u8>> {
        let (nonce, sealed) = snapshot.data.split_first_chunk::<NONCE_BYTES>()?;
        let payload = Payload { msg: sealed, aad: &binding(name, snapshot.version) };
        self.snapshots.decrypt(&XNonce::from(*nonce), payload).ok()
    }

    /// Keeps a snapshot in the background and off the async threads: nobody waits for a shortcut, and a state of many
    /// people takes milliseconds to write out.
    pub(super) fn keep_snapshot<D: Decider>(self: &Arc<Self>, name: &StreamName, state: D::State, version: u64) {
        let (shared, name) = (self.clone(), name.clone());
        tokio::spawn(async move {
            let made = tokio::task::spawn_blocking({
                let (shared, name) = (shared.clone(), name.clone());
                move || shared.snapshot::<D>(&name, &state, version)
            });
            let Ok(Some(snapshot)) = made.await else { return };
            if let Err(error) = shared.store.save_snapshot(&name, snapshot).await {
                tracing::warn!(%error, stream = %name, "a snapshot could not be kept");
            }
        });
    }
}

/// Whether a stream's state is to be kept again when its version went from one to another: after as many events as the state has parts, so
/// that about one part is written for each event, within bounds.
pub(super) fn snapshot_is_due<D: Decider>(state: &D::State, before: u64, now: u64) -> bool {
    let every = (D::parts(state) as u64).clamp(*SNAPSHOT_EVERY.start(), *SNAPSHOT_EVERY.end());
    D::snapshot_format().is_some() && now / every > before / every
}

/// A snapshot put in another's place does not open.
fn binding(name: &StreamName, version: u64) -> Vec<u8> {
    [name.as_str().as_bytes(), b"\0", &version.to_le_bytes()].concat()
}
