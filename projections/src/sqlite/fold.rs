//! What a projection's SQL looks like to the generation that runs it.

use rusqlite::Connection;
use tidings_event_store::{DecodedEvent, RecordedEvent};

use super::error::FoldError;
use crate::runner::Projection;

/// Folds events into the tables of one projection.
pub(super) trait Fold: Send {
    /// Folds one event. May keep changed rows in memory until [`Fold::flush`].
    fn apply(&mut self, db: &Connection, event: &DecodedEvent) -> Result<(), FoldError>;

    /// Writes what is still in memory only.
    fn flush(&mut self, db: &Connection) -> Result<(), FoldError>;

    /// Forgets all that is in memory: the transaction was rolled back.
    fn reset(&mut self);

    /// Whether personal text was erased since the last call.
    fn take_erased(&mut self) -> bool;

    /// What must be kept for an event that is parked, so that it fits in when it is retried.
    fn reserve(&mut self, db: &Connection, event: &RecordedEvent) -> Result<Option<i64>, FoldError>;

    /// The next event to be applied has this reserved.
    fn assign(&mut self, reserved: Option<i64>);
}

/// The statements that make a projection's tables, and those that are better run when the tables are full.
pub(super) struct Schema {
    /// Changes whenever a fold fills the same tables otherwise.
    pub(super) revision: u32,
    /// In order.
    pub(super) tables: &'static [&'static str],
    /// After the fast filling.
    pub(super) indexes: &'static [&'static str],
}

impl Schema {
    pub(super) const fn of(projection: Projection) -> Self {
        match projection {
            Projection::Directory => Self {
                revision: 1,
                tables: &[
                    include_str!("../../../migrations/sqlite/views/common/20261120110100_create_checkpoint.sql"),
                    include_str!("../../../migrations/sqlite/views/directory/20261120110200_create_users.sql"),
                ],
                indexes: &[include_str!("../../../migrations/sqlite/views/directory/20261120110300_index_users.sql")],
            },
            Projection::Conversations => Self {
                revision: 1,
                tables: &[
                    include_str!("../../../migrations/sqlite/views/common/20261120110100_create_checkpoint.sql"),
                    include_str!(
                        "../../../migrations/sqlite/views/conversations/20261120110400_create_conversations.sql"
                    ),
                ],
                indexes: &[include_str!(
                    "../../../migrations/sqlite/views/conversations/20261120110500_index_conversations.sql"
                )],
            },
        }
    }

    /// Names this release's shape of the view: a file with another is rebuilt.
    pub(super) fn fingerprint(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.revision.to_le_bytes());
        for statements in self.tables.iter().chain(self.indexes) {
            hasher.update(statements.as_bytes());
        }
        hasher.finalize().to_hex()[..32].to_owned()
    }
}

/// The fold of a projection.
pub(super) fn fold_of(projection: Projection) -> Box<dyn Fold> {
    match projection {
        Projection::Directory => Box::new(super::directory::DirectoryFold::default()),
        Projection::Conversations => Box::new(super::conversations::ConversationsFold::default()),
    }
}
