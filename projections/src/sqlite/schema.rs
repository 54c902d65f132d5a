//! What a projection's tables look like in SQLite.

use crate::{fold::Shape, runner::Projection};

/// The statements for one generation.
pub(super) const fn shape(projection: Projection) -> Shape {
    match projection {
        Projection::Directory => Shape {
            revision: 3,
            tables: &[
                include_str!("../../../migrations/sqlite/views/common/20261120110100_create_checkpoint.sql"),
                include_str!("../../../migrations/sqlite/views/directory/20261120110200_create_users.sql"),
                include_str!("../../../migrations/sqlite/views/directory/20261120190000_create_contacts.sql"),
                include_str!("../../../migrations/sqlite/views/directory/20261120170000_create_devices.sql"),
                include_str!("../../../migrations/sqlite/views/directory/20261120183000_create_webhooks.sql"),
            ],
            indexes: &[include_str!("../../../migrations/sqlite/views/directory/20261120110300_index_users.sql")],
        },
        Projection::Search => Shape {
            revision: 2,
            tables: &[
                include_str!("../../../migrations/sqlite/views/common/20261120110100_create_checkpoint.sql"),
                include_str!("../../../migrations/sqlite/views/search/20261120170000_create_documents.sql"),
            ],
            indexes: &[],
        },
        Projection::Conversations => Shape {
            revision: 5,
            tables: &[
                include_str!("../../../migrations/sqlite/views/common/20261120110100_create_checkpoint.sql"),
                include_str!("../../../migrations/sqlite/views/conversations/20261120110400_create_conversations.sql"),
                include_str!("../../../migrations/sqlite/views/conversations/20261120180000_create_scheduled.sql"),
                include_str!("../../../migrations/sqlite/views/conversations/20261120190400_create_attachments.sql"),
                include_str!("../../../migrations/sqlite/views/conversations/20261120214500_create_accesses.sql"),
                include_str!("../../../migrations/sqlite/views/conversations/20261120220000_create_erasures.sql"),
                include_str!("../../../migrations/sqlite/views/conversations/20261121093000_create_authors.sql"),
            ],
            indexes: &[include_str!(
                "../../../migrations/sqlite/views/conversations/20261120110500_index_conversations.sql"
            )],
        },
    }
}
