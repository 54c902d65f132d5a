//! Filling an empty log with the events of another, exactly as they were: from a backup.

use std::sync::Arc;

use async_trait::async_trait;

use crate::port::{CommandKey, Position, RecordedEvent, StoreError};

/// An event as it was recorded, with what its log knew of the command that it was the first event of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptEvent {
    /// The event.
    pub event: Arc<RecordedEvent>,
    /// The command's key, where it had one.
    pub command: Option<CommandKey>,
}

/// A log that was empty and is being filled. Nobody else writes to it meanwhile.
#[async_trait]
pub trait Refill: Send {
    /// Where it ends now.
    fn head(&self) -> Position;

    /// Adds events after its end, with their own positions, versions and times. Durable when this returns.
    async fn fill(&mut self, events: &[KeptEvent]) -> Result<(), StoreError>;

    /// Leaves it whole, for an event store to be opened on it.
    async fn finish(self: Box<Self>) -> Result<(), StoreError>;
}

/// Whether these go on from the end of the log: neither SQLite nor PostgreSQL keeps positions with gaps.
pub(crate) fn go_on(head: Position, events: &[KeptEvent]) -> Result<(), StoreError> {
    let out_of_order = events.iter().zip(head.get() + 1..).find(|(kept, next)| kept.event.position.get() != *next);
    match out_of_order {
        None => Ok(()),
        Some((kept, next)) => {
            let found = kept.event.position;
            Err(StoreError::Corrupt(format!("position {found} comes where {next} must: the log has gaps")))
        }
    }
}
