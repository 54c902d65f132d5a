//! Decided states as the cache counts them.

use std::{ops::Deref, sync::Arc};

use quick_cache::Weighter;
use tidings_domain::{Decider, StreamId};

use super::entry::Entry;

/// A state weighs what its executor says, and something at all; but never so much that the cache would not take it.
#[derive(Clone)]
pub(super) struct Weighed {
    pub(super) most: u64,
}

/// An entry as it was weighed when it was put in: what the cache has once counted must not change under it.
pub(super) struct Held<D: Decider> {
    pub(super) entry: Arc<Entry<D>>,
    weight: u32,
}

impl<D: Decider> Held<D> {
    pub(super) fn new(entry: Arc<Entry<D>>) -> Self {
        Self { weight: entry.weight(), entry }
    }
}

impl<D: Decider> Clone for Held<D> {
    fn clone(&self) -> Self {
        Self { entry: self.entry.clone(), weight: self.weight }
    }
}

impl<D: Decider> Deref for Held<D> {
    type Target = Entry<D>;

    fn deref(&self) -> &Entry<D> {
        &self.entry
    }
}

impl<D: Decider> Weighter<StreamId, Held<D>> for Weighed {
    fn weight(&self, _: &StreamId, held: &Held<D>) -> u64 {
        u64::from(held.weight).min(self.most).max(1)
    }
}
