//! What the tables look like: those of all generations together, and those of one.

use tidings_event_store::database::{Schema, Step};

use crate::{fold::Shape, runner::Projection};

/// What is known of the generations.
pub(super) const VIEWS: Schema = Schema {
    part: "views",
    name: "tidings_views",
    steps: &[
        Step {
            version: 20_261_120_130_000,
            name: "create generations",
            sql: include_str!("../../../migrations/postgres/views/20261120130000_create_generations.sql"),
        },
        Step {
            version: 20_261_120_220_000,
            name: "create wanted",
            sql: include_str!("../../../migrations/postgres/views/20261120220000_create_wanted.sql"),
        },
    ],
};

/// The statements for one generation.
pub(super) const fn shape(projection: Projection) -> Shape {
    match projection {
        Projection::Directory => Shape {
            revision: 3,
            tables: &[
                include_str!("../../../migrations/postgres/views/directory/20261120130200_create_users.sql"),
                include_str!("../../../migrations/postgres/views/directory/20261120190000_create_contacts.sql"),
                include_str!("../../../migrations/postgres/views/directory/20261120170000_create_devices.sql"),
                include_str!("../../../migrations/postgres/views/directory/20261120183000_create_webhooks.sql"),
            ],
            indexes: &[include_str!("../../../migrations/postgres/views/directory/20261120130300_index_users.sql")],
        },
        Projection::Search => Shape {
            revision: 2,
            tables: &[include_str!("../../../migrations/postgres/views/search/20261120170000_create_documents.sql")],
            indexes: &[include_str!("../../../migrations/postgres/views/search/20261120170100_index_documents.sql")],
        },
        Projection::Conversations => Shape {
            revision: 5,
            tables: &[
                include_str!(
                    "../../../migrations/postgres/views/conversations/20261120130400_create_conversations.sql"
                ),
                include_str!("../../../migrations/postgres/views/conversations/20261120180000_create_scheduled.sql"),
                include_str!("../../../migrations/postgres/views/conversations/20261120190400_create_attachments.sql"),
                include_str!("../../../migrations/postgres/views/conversations/20261120214500_create_accesses.sql"),
                include_str!("../../../migrations/postgres/views/conversations/20261120220000_create_erasures.sql"),
            ],
            indexes: &[include_str!(
                "../../../migrations/postgres/views/conversations/20261120130500_index_conversations.sql"
            )],
        },
    }
}

/// The tables of a generation.
pub(super) const fn tables(projection: Projection) -> &'static [&'static str] {
    match projection {
        Projection::Directory => &["blocks", "contacts", "devices", "name_terms", "sessions", "users", "webhooks"],
        Projection::Search => &["authors", "closed", "documents"],
        Projection::Conversations => &[
            "accesses",
            "attachments",
            "closed",
            "conversations",
            "erasures",
            "exceptions",
            "members",
            "mentions",
            "message_versions",
            "messages",
            "reaction_counts",
            "reactions",
            "receipts",
            "retained",
            "scheduled",
        ],
    }
}

/// Those of them that hold personal text.
pub(super) const fn personal(projection: Projection) -> &'static [&'static str] {
    match projection {
        Projection::Directory => &["users", "name_terms", "sessions", "devices", "webhooks"],
        // no text, but what it might have been can be guessed from it
        Projection::Search => &["documents"],
        Projection::Conversations => &["messages", "message_versions", "scheduled", "attachments"],
    }
}

/// The PostgreSQL schema of a generation.
pub(super) fn schema_of(projection: Projection, number: u32) -> String {
    format!("{}_{}_{number}", VIEWS.name, projection.name())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fold::sampled::{Dialect, belongs},
        runner::Sample,
    };

    #[test]
    fn a_sample_leaves_no_table_out() {
        let dialect = Dialect { id: |id| id.to_string(), user: "user_id" };
        for projection in Projection::ALL {
            for table in tables(projection) {
                assert!(belongs(projection, table, &Sample::default(), &dialect).is_some(), "{projection:?} {table}");
            }
        }
    }
}
