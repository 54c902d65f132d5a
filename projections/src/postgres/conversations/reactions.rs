//! Who reacted, and how often each emoji is on a message.

use tidings_domain::UserId;

use super::write::column;
use crate::{
    fold::{Done, conversations::tables::ReactionCount},
    postgres::backend::PostgresBackend,
};

impl PostgresBackend {
    pub(super) async fn write_reactions(&mut self, rows: &[(i64, &str, UserId, bool)]) -> Done {
        let (on, off): (Vec<_>, Vec<_>) = rows.iter().partition(|(_, _, _, on)| *on);
        for (rows, statement) in [
            (
                on,
                "INSERT INTO reactions SELECT * FROM unnest($1::bigint[], $2::text[], $3::uuid[]) ON CONFLICT DO NOTHING",
            ),
            (
                off,
                "DELETE FROM reactions r USING unnest($1::bigint[], $2::text[], $3::uuid[]) AS gone (key, emoji, user_id)
                 WHERE r.key = gone.key AND r.emoji = gone.emoji AND r.user_id = gone.user_id",
            ),
        ] {
            if !rows.is_empty() {
                sqlx::query(statement)
                    .bind(column(&rows, |(key, _, _, _)| *key))
                    .bind(column(&rows, |(_, emoji, _, _)| *emoji))
                    .bind(column(&rows, |(_, _, user, _)| user.uuid()))
                    .execute(&mut self.db)
                    .await?;
            }
        }
        Ok(())
    }

    /// Those that are none go; an emoji that comes again is a new one.
    pub(super) async fn write_reaction_counts(&mut self, rows: &[(i64, &str, Option<ReactionCount>)]) -> Done {
        sqlx::query(
            "DELETE FROM reaction_counts r USING unnest($1::bigint[], $2::text[]) AS gone (key, emoji)
             WHERE r.key = gone.key AND r.emoji = gone.emoji",
        )
        .bind(column(rows, |(key, _, _)| *key))
        .bind(column(rows, |(_, emoji, _)| *emoji))
        .execute(&mut self.db)
        .await?;
        let there: Vec<_> = rows.iter().filter_map(|(key, emoji, count)| Some((*key, *emoji, (*count)?))).collect();
        sqlx::query(
            "INSERT INTO reaction_counts SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[])",
        )
        .bind(column(&there, |(key, _, _)| *key))
        .bind(column(&there, |(_, emoji, _)| *emoji))
        .bind(column(&there, |(_, _, count)| count.first))
        .bind(column(&there, |(_, _, count)| count.count))
        .execute(&mut self.db)
        .await?;
        Ok(())
    }
}
