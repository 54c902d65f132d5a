//! What the runner needs of a backend of views about what serves.

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use async_trait::async_trait;
use tidings_domain::ConversationId;
use tidings_event_store::Position;
use uuid::Uuid;

use super::{
    port::{Projection, ViewsError},
    sample::{Sample, Unit},
};
use crate::model::{ParkedEvent, Verification};

/// A projection that is to be rebuilt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// Which.
    pub projection: Projection,
    /// Somebody asked for it, or a crash interrupted it; else this release folds otherwise.
    pub noted: bool,
}

/// What became of a generation that was to serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Promotion {
    /// It serves.
    Serves,
    /// Nothing changed: what serves is at this position and further, and readers never go back.
    Behind(Position),
}

/// A serving view as it was at one moment.
#[async_trait]
pub trait Pinned: Send {
    /// All up to here is in it, and nothing after.
    fn position(&self) -> Position;

    /// How many of these there are in it.
    async fn count(&mut self, unit: Unit) -> Result<u64, ViewsError>;

    /// One of them: 0 is the first in the order of their ids.
    async fn nth(&mut self, unit: Unit, nth: u64) -> Result<Option<Uuid>, ViewsError>;

    /// The numbers of those of these conversations that have one, and the first number beyond all that were given out. Nothing
    /// where conversations have none.
    async fn numbers(
        &mut self,
        of: &BTreeSet<ConversationId>,
    ) -> Result<(HashMap<ConversationId, i64>, i64), ViewsError>;

    /// Compares it, row by row, with the finished generation of number `fresh` at the same position, and reports at most `most`
    /// rows; only what belongs to a sample, where one is given.
    async fn compare(&mut self, fresh: u32, sample: Option<&Sample>, most: usize) -> Result<Verification, ViewsError>;
}

/// What readers see of a projection at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visible {
    /// Of which projection.
    pub projection: Projection,
    /// Which generation serves.
    pub generation: u32,
    /// All up to here is in it.
    pub position: Position,
    /// What waits for somebody to look at it.
    pub parked: Vec<ParkedEvent>,
}

/// The right to fold a projection, while this lives and is not lost.
#[async_trait]
pub trait Lease: Send + Sync {
    /// Whether it still is this node's.
    fn held(&self) -> bool;

    /// Returns when it no longer is.
    async fn lost(&mut self);

    /// Ends it: when this returns, another may have it. One that is dropped ends a moment later.
    async fn give_back(self: Box<Self>);
}

/// The lease of a store that only one process can open.
pub(super) struct Alone;

#[async_trait]
impl Lease for Alone {
    fn held(&self) -> bool {
        true
    }

    async fn lost(&mut self) {
        std::future::pending::<()>().await;
    }

    async fn give_back(self: Box<Self>) {}
}

/// Follows views that other nodes fold.
#[async_trait]
pub trait Watch: Send {
    /// What readers of this node see now; views that do not serve are left out.
    async fn look(&mut self) -> Result<Vec<Visible>, ViewsError>;

    /// Returns when there may be something new to see, at the latest after `within`.
    async fn moved(&mut self, within: Duration);
}
