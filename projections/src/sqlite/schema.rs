//! What a projection's tables look like in SQLite.

use crate::runner::Projection;

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
