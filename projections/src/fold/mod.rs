//! Folding, whatever the database: events change rows in memory, and the changed rows of a batch are written at once.
//!
//! What a database does is behind [`Backend`]: it reads rows by their keys and writes changed ones.

mod applying;
mod backend;
pub(crate) mod compare;
pub(crate) mod conversations;
pub(crate) mod directory;
mod error;
mod generation;
mod kept;
mod parked;
pub(crate) mod sampled;
pub(crate) mod search;
mod shape;

use std::collections::HashMap;

use conversations::ConversationsFold;
use directory::DirectoryFold;
use search::SearchFold;
use tidings_domain::ConversationId;
use tidings_event_store::{DecodedEvent, RecordedEvent};

pub(crate) use backend::{Backend, Done};
pub(crate) use error::{Blame, FoldError};
pub(crate) use generation::Folding;
pub(crate) use shape::{Fit, Shape};

use crate::runner::Projection;

/// The fold of a projection.
pub(crate) enum Fold {
    /// People, sessions, contacts, webhooks.
    Directory(Box<DirectoryFold>),
    /// Conversations, members, messages, readers.
    Conversations(Box<ConversationsFold>),
    /// Which messages may hold which words.
    Search(Box<SearchFold>),
}

impl Fold {
    pub(crate) fn of(projection: Projection) -> Self {
        match projection {
            Projection::Directory => Self::Directory(Box::default()),
            Projection::Conversations => Self::Conversations(Box::default()),
            Projection::Search => Self::Search(Box::default()),
        }
    }

    /// Loads what a batch will need, where that is cheaper than row by row.
    async fn prepare<B: Backend>(&mut self, backend: &mut B, events: &[&DecodedEvent]) -> Done {
        match self {
            Self::Directory(fold) => fold.prepare(backend, events).await,
            Self::Conversations(fold) => fold.prepare(backend, events).await,
            Self::Search(fold) => fold.prepare(backend, events).await,
        }
    }

    /// Folds one event into rows in memory.
    async fn apply<B: Backend>(&mut self, backend: &mut B, event: &DecodedEvent) -> Done {
        match self {
            Self::Directory(fold) => fold.apply(backend, event).await,
            Self::Conversations(fold) => fold.apply(backend, event).await,
            Self::Search(fold) => fold.apply(backend, event).await,
        }
    }

    /// Writes the changed rows; while a view is being filled, maybe not all of them yet.
    async fn flush<B: Backend>(&mut self, backend: &mut B, filling: bool) -> Done {
        match self {
            Self::Directory(fold) => fold.flush(backend).await,
            Self::Conversations(fold) => fold.flush(backend, filling).await,
            Self::Search(fold) => fold.flush(backend).await,
        }
    }

    /// Forgets all that is in memory: the transaction was rolled back.
    fn reset(&mut self) {
        match self {
            Self::Directory(fold) => **fold = DirectoryFold::default(),
            Self::Conversations(fold) => **fold = ConversationsFold::default(),
            Self::Search(fold) => **fold = SearchFold::default(),
        }
    }

    /// Whether personal text was erased since the last call.
    fn take_erased(&mut self) -> bool {
        match self {
            Self::Directory(fold) => std::mem::take(&mut fold.erased),
            Self::Conversations(fold) => std::mem::take(&mut fold.erased),
            Self::Search(fold) => std::mem::take(&mut fold.erased),
        }
    }

    /// What must be kept for an event that is parked, so that it fits in when it is retried.
    async fn reserve<B: Backend>(&mut self, backend: &mut B, event: &RecordedEvent) -> Done<Option<i64>> {
        match self {
            Self::Directory(_) | Self::Search(_) => Ok(None),
            Self::Conversations(fold) => fold.reserve(backend, event).await,
        }
    }

    /// Conversations that have these numbers elsewhere get the same here.
    fn assume(&mut self, numbers: HashMap<ConversationId, i64>) {
        match self {
            Self::Directory(_) | Self::Search(_) => {}
            Self::Conversations(fold) => fold.assumed = numbers,
        }
    }

    /// The next event to be applied has this reserved.
    fn assign(&mut self, reserved: Option<i64>) {
        match self {
            Self::Directory(_) | Self::Search(_) => {}
            Self::Conversations(fold) => fold.assigned = reserved,
        }
    }
}

/// A number as the databases keep it. Positions, versions and ordinals never reach the sign bit.
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The most rows of a statement.
pub(crate) fn rows(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// A stored number that is never negative.
pub(crate) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
