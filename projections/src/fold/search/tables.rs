//! The rows of the search projection, and how a database reads and writes them.

use tidings_domain::{ConversationId, UserId};

use crate::fold::Done;

/// So many messages of a conversation are a stretch, as a power of two.
pub(crate) const STRETCH_BITS: u32 = 12;

/// Somebody wrote in a stretch of a conversation, whatever is left of it.
pub(crate) type Author = (UserId, ConversationId, i64);

/// A message's place: its conversation and its `seq`.
pub(crate) type Place = (ConversationId, i64);

/// A row of `documents`, but for its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DocumentRow {
    pub(crate) sender: UserId,
    /// Whether its body is text that can be looked into.
    pub(crate) text: bool,
    /// Each once, in order.
    pub(crate) fingerprints: Vec<i64>,
}

/// A message whose row is to be as it says; none for a row that must go.
pub(crate) struct DocumentChange<'a> {
    pub(crate) place: Place,
    pub(crate) row: Option<&'a DocumentRow>,
    /// The fingerprints in the table, where it has a row.
    pub(crate) stored: Option<&'a [i64]>,
}

/// What a batch changed. Every key comes once.
pub(crate) struct SearchChanges<'a> {
    pub(crate) documents: Vec<DocumentChange<'a>>,
    /// Some may be in the table already.
    pub(crate) authors: &'a [Author],
    /// What they wrote is not looked for any more.
    pub(crate) closed: &'a [UserId],
}

/// The tables, in a database. What is asked for and not there is left out.
pub(crate) trait SearchTables: Send {
    /// Rows of `documents`.
    fn documents(&mut self, places: &[Place]) -> impl Future<Output = Done<Vec<(Place, DocumentRow)>>> + Send;

    /// All rows of `documents` of a sender.
    fn documents_of(&mut self, sender: UserId) -> impl Future<Output = Done<Vec<(Place, DocumentRow)>>> + Send;

    /// All rows of `closed`.
    fn closed_accounts(&mut self) -> impl Future<Output = Done<Vec<UserId>>> + Send;

    /// Writes what a batch changed.
    fn write_search(&mut self, changes: &SearchChanges<'_>) -> impl Future<Output = Done> + Send;
}
