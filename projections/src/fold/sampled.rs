//! Which rows of a table belong to a sample, as a condition in SQL.

use uuid::Uuid;

use super::conversations::{accesses::EVERYBODY, key, tables::stretch};
use crate::runner::{Projection, Sample};

/// How a database writes what it is asked for.
pub(crate) struct Dialect {
    /// An id, as a literal.
    pub(crate) id: fn(Uuid) -> String,
    /// The column that says whose a row is.
    pub(crate) user: &'static str,
}

/// The condition for a table; none where its rows do not tell what they belong to.
pub(crate) fn belongs(projection: Projection, table: &str, sample: &Sample, dialect: &Dialect) -> Option<String> {
    let people = |column: &str| one_of(column, sample.people.iter().map(|user| (dialect.id)(user.uuid())));
    let conversations = |column: &str| one_of(column, sample.conversations.iter().map(|id| (dialect.id)(id.uuid())));
    Some(match (projection, table) {
        (Projection::Directory, "users") => people("id"),
        (Projection::Directory, "webhooks") | (Projection::Conversations, "scheduled") => people("owner"),
        (Projection::Directory, "name_terms" | "sessions" | "devices" | "contacts" | "blocks") => people(dialect.user),
        (Projection::Conversations, "conversations") => conversations("id"),
        (Projection::Conversations, "members" | "retained") => {
            one_of("conversation", sample.numbers.iter().map(ToString::to_string))
        }
        (
            Projection::Conversations,
            "messages" | "message_versions" | "reactions" | "reaction_counts" | "exceptions" | "mentions" | "receipts",
        ) => within("key", sample),
        (Projection::Conversations, "authors") => between("stretch", sample, stretch),
        (Projection::Conversations, "accesses") => {
            format!("({} OR {} OR subject = {})", people("subject"), conversations("subject"), (dialect.id)(EVERYBODY))
        }
        // of an account that is closed, all is known only of those chosen
        (Projection::Conversations, "erasures") => {
            format!("({} OR message IS NULL AND {})", within("message", sample), people(dialect.user))
        }
        (Projection::Conversations, "attachments") => within("message", sample),
        (Projection::Search, "documents" | "authors") => conversations("conversation"),
        (Projection::Conversations | Projection::Search, "closed") => "1 = 1".to_owned(),
        (Projection::Directory | Projection::Conversations | Projection::Search, _) => return None,
    })
}

fn one_of(column: &str, literals: impl Iterator<Item = String>) -> String {
    let literals: Vec<_> = literals.collect();
    if literals.is_empty() { "1 = 0".to_owned() } else { format!("{column} IN ({})", literals.join(", ")) }
}

/// Keys of messages of these conversations.
fn within(column: &str, sample: &Sample) -> String {
    between(column, sample, |key| key)
}

/// What is made of them.
fn between(column: &str, sample: &Sample, made: impl Fn(i64) -> i64) -> String {
    let range = |number: &i64| {
        let (first, behind) = (made(key(*number, 0)), made(key(number + 1, 0)));
        format!("{column} >= {first} AND {column} < {behind}")
    };
    let ranges: Vec<_> = sample.numbers.iter().map(range).collect();
    if ranges.is_empty() { "1 = 0".to_owned() } else { format!("({})", ranges.join(" OR ")) }
}
