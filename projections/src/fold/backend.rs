//! What folding needs of a database: rows by their keys, changed rows back, and transactions.

use std::collections::HashMap;

use tidings_event_store::Position;

use super::{
    conversations::ConversationTables,
    directory::{ContactTables, DirectoryTables},
    error::FoldError,
    search::SearchTables,
};
use crate::{model::ParkedEvent, runner::Projection};

/// What an operation of a backend gives.
pub(crate) type Done<T = ()> = Result<T, FoldError>;

/// One generation's tables in a database, on a connection of its own.
pub(crate) trait Backend:
    ConversationTables + DirectoryTables + ContactTables + SearchTables + Send + 'static
{
    /// Of which projection.
    fn projection(&self) -> Projection;

    /// 1, 2, 3 …
    fn number(&self) -> u32;

    /// Begins a transaction.
    fn begin(&mut self) -> impl Future<Output = Done> + Send;

    /// Ends it, and stores what it did.
    fn commit(&mut self) -> impl Future<Output = Done> + Send;

    /// Undoes what a failed transaction left; nothing where there is none.
    fn rollback(&mut self) -> impl Future<Output = Done> + Send;

    /// Begins a part of a transaction that can be undone by itself.
    fn savepoint(&mut self) -> impl Future<Output = Done> + Send;

    /// Ends such a part: `keep` it, or undo it.
    fn release(&mut self, keep: bool) -> impl Future<Output = Done> + Send;

    /// Moves the checkpoint, if it is where it was left. `false` when another hand has moved it.
    fn move_checkpoint(&mut self, from: Position, to: Position) -> impl Future<Output = Done<bool>> + Send;

    /// A batch was stored: whatever is to be done now and then beside the folding.
    fn applied(&mut self) {}

    /// What is parked, in the order of the log.
    fn parked(&mut self) -> impl Future<Output = Done<Vec<ParkedEvent>>> + Send;

    /// What was kept for parked events, by position.
    fn reserved(&mut self) -> impl Future<Output = Done<HashMap<Position, i64>>> + Send;

    /// Parks an event, or parks it again.
    fn park(&mut self, event: &ParkedEvent, reserved: Option<i64>) -> impl Future<Output = Done> + Send;

    /// It is parked no more.
    fn unpark(&mut self, position: Position) -> impl Future<Output = Done> + Send;

    /// Ends the fast filling.
    fn finish(&mut self) -> impl Future<Output = Done> + Send;

    /// It serves, and is folded by this thread from now on.
    fn settle_in(&mut self) -> impl Future<Output = Done> + Send {
        std::future::ready(Ok(()))
    }

    /// Makes erased text leave the files. `false` when something is in the way.
    fn tidy(&mut self) -> impl Future<Output = Done<bool>> + Send;
}
