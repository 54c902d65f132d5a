//! One stream's decided state in memory.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU32, AtomicU64, Ordering},
};

use tidings_domain::{Decider, StreamName};

use super::Shared;
use crate::Error;

/// A state and how many events are folded into it, some of which may still be on their way to the store.
pub(super) struct Loaded<D: Decider> {
    pub(super) state: D::State,
    pub(super) version: u64,
    /// Which loading this is: a failed append discards only the state it was folded into.
    pub(super) epoch: u64,
}

/// A stream that commands are decided on. The state is absent before it was loaded and after it was discarded.
pub(super) struct Entry<D: Decider> {
    name: StreamName,
    loaded: Mutex<Option<Loaded<D>>>,
    loading: tokio::sync::Mutex<()>,
    epochs: AtomicU64,
    weight: AtomicU32,
}

impl<D: Decider> Entry<D> {
    pub(super) fn new(name: StreamName) -> Self {
        Self {
            name,
            loaded: Mutex::new(None),
            loading: tokio::sync::Mutex::default(),
            epochs: AtomicU64::new(0),
            weight: AtomicU32::new(1),
        }
    }

    pub(super) const fn name(&self) -> &StreamName {
        &self.name
    }

    pub(super) fn weight(&self) -> u32 {
        self.weight.load(Ordering::Relaxed)
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Option<Loaded<D>>> {
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_loaded(&self) -> bool {
        self.lock().is_some()
    }

    /// Loads the state unless it is there; whoever comes first loads for all who wait. Says whether it did.
    pub(super) async fn ensure_loaded(&self, shared: &Shared, weigh: fn(&D::State) -> usize) -> Result<bool, Error> {
        let _turn = self.loading.lock().await;
        if self.is_loaded() {
            return Ok(false);
        }
        let (state, version) = shared.load::<D>(&self.name).await?;
        self.weight.store(u32::try_from(weigh(&state)).unwrap_or(u32::MAX), Ordering::Relaxed);
        let epoch = self.epochs.fetch_add(1, Ordering::Relaxed);
        *self.lock() = Some(Loaded { state, version, epoch });
        Ok(true)
    }

    /// Looks at the state, if it is there.
    pub(super) fn peek<R>(&self, look: &mut Option<impl FnOnce(&D::State) -> R>) -> Option<R> {
        let loaded = self.lock();
        let loaded = loaded.as_ref()?;
        look.take().map(|look| look(&loaded.state))
    }

    /// Drops the state of this loading: an append it had counted on did not happen.
    pub(super) fn discard(&self, epoch: u64) {
        self.lock().take_if(|loaded| loaded.epoch == epoch);
    }

    /// Drops the state if the stream is further than it.
    pub(super) fn observe(&self, version: u64) {
        self.lock().take_if(|loaded| loaded.version < version);
    }
}
