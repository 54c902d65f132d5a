//! What a batch changed, into the tables: one statement for each kind of change.

use tidings_domain::UserId;
use uuid::Uuid;

use crate::{
    fold::{
        Done,
        conversations::tables::{Changes, ConversationRow, Exception, Member, MessageRow, Place},
    },
    postgres::backend::PostgresBackend,
};

/// A column of many rows.
pub(in crate::postgres) fn column<'a, R, T>(rows: &'a [R], value: impl Fn(&'a R) -> T) -> Vec<T> {
    rows.iter().map(value).collect()
}

impl PostgresBackend {
    pub(super) async fn write_changes(&mut self, changes: &Changes<'_>) -> Done {
        if !changes.conversations.is_empty() {
            self.write_conversations(&changes.conversations).await?;
        }
        if !changes.members.is_empty() {
            self.write_members(&changes.members).await?;
        }
        if !changes.sent.is_empty() {
            self.insert_messages(&changes.sent).await?;
        }
        if !changes.changed.is_empty() {
            self.update_messages(&changes.changed).await?;
        }
        if !changes.erased.is_empty() {
            self.erase(&changes.erased).await?;
        }
        if !changes.versions.is_empty() {
            self.insert_versions(changes).await?;
        }
        if !changes.reactions.is_empty() {
            self.write_reactions(&changes.reactions).await?;
            self.write_reaction_counts(&changes.reaction_counts).await?;
        }
        if !changes.exceptions.is_empty() {
            self.write_exceptions(&changes.exceptions).await?;
        }
        if !changes.mentions.is_empty() {
            self.write_mentions(&changes.mentions).await?;
        }
        if !changes.receipts.is_empty() {
            self.insert_receipts(changes).await?;
        }
        if !changes.scheduled.is_empty() {
            self.write_scheduled(&changes.scheduled).await?;
        }
        if !changes.attachments.is_empty() {
            self.write_attachments(&changes.attachments).await?;
        }
        if !changes.accesses.is_empty() {
            self.write_accesses(changes.accesses).await?;
        }
        self.write_erasures(changes).await?;
        if !changes.closed.is_empty() {
            sqlx::query("INSERT INTO closed SELECT * FROM unnest($1::uuid[], $2::bigint[]) ON CONFLICT DO NOTHING")
                .bind(column(changes.closed, |(user, _)| user.uuid()))
                .bind(column(changes.closed, |(_, at)| *at))
                .execute(&mut self.db)
                .await?;
        }
        Ok(())
    }

    async fn write_conversations(&mut self, rows: &[&ConversationRow]) -> Done {
        sqlx::query(
            "INSERT INTO conversations
             SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::boolean[], $4::text[], $5::bigint[], $6::bigint[],
                 $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[])
             ON CONFLICT (number) DO UPDATE SET name = excluded.name, joined = excluded.joined,
                 members = excluded.members, last_seq = excluded.last_seq, last_deleted_seq = excluded.last_deleted_seq,
                 activity = excluded.activity, latest_at = excluded.latest_at",
        )
        .bind(column(rows, |row| row.number))
        .bind(column(rows, |row| row.id.uuid()))
        .bind(column(rows, |row| row.group))
        .bind(column(rows, |row| row.name.as_deref()))
        .bind(column(rows, |row| row.created_at))
        .bind(column(rows, |row| row.started))
        .bind(column(rows, |row| row.joined))
        .bind(column(rows, |row| row.members))
        .bind(column(rows, |row| row.last_seq))
        .bind(column(rows, |row| row.last_deleted_seq))
        .bind(column(rows, |row| row.activity))
        .bind(column(rows, |row| row.latest_at))
        .execute(&mut self.db)
        .await?;
        Ok(())
    }

    async fn write_members(&mut self, rows: &[(Place, &Member)]) -> Done {
        sqlx::query(
            "INSERT INTO members
             SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[],
                 $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[],
                 $14::boolean[], $15::boolean[])
             ON CONFLICT (user_id, conversation) DO UPDATE SET role = excluded.role, joined = excluded.joined,
                 joined_at = excluded.joined_at, joined_seq = excluded.joined_seq, left_seq = excluded.left_seq,
                 left_position = excluded.left_position, sent_seq = excluded.sent_seq, mark = excluded.mark,
                 delivered = excluded.delivered, exceptions = excluded.exceptions, adjust = excluded.adjust,
                 muted = excluded.muted, archived = excluded.archived",
        )
        .bind(column(rows, |((_, user), _)| user.uuid()))
        .bind(column(rows, |((number, _), _)| *number))
        .bind(column(rows, |(_, row)| row.role))
        .bind(column(rows, |(_, row)| row.joined))
        .bind(column(rows, |(_, row)| row.joined_at))
        .bind(column(rows, |(_, row)| row.joined_seq))
        .bind(column(rows, |(_, row)| row.left_seq))
        .bind(column(rows, |(_, row)| row.left_position))
        .bind(column(rows, |(_, row)| row.sent_seq))
        .bind(column(rows, |(_, row)| row.mark))
        .bind(column(rows, |(_, row)| row.delivered))
        .bind(column(rows, |(_, row)| row.exceptions))
        .bind(column(rows, |(_, row)| row.adjust))
        .bind(column(rows, |(_, row)| row.muted))
        .bind(column(rows, |(_, row)| row.archived))
        .execute(&mut self.db)
        .await?;
        Ok(())
    }

    async fn insert_messages(&mut self, rows: &[&MessageRow]) -> Done {
        sqlx::query(
            "INSERT INTO messages
             SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::uuid[], $5::bigint[], $6::bigint[],
                 $7::text[], $8::bigint[], $9::bytea[], $10::bytea[], $11::text[], $12::text[], $13::bigint[],
                 $14::bigint[], $15::bigint[], $16::bigint[])",
        )
        .bind(column(rows, |row| row.key))
        .bind(column(rows, |row| row.position))
        .bind(column(rows, |row| row.version))
        .bind(column(rows, |row| row.sender.uuid()))
        .bind(column(rows, |row| row.at))
        .bind(column(rows, |row| row.latest_at))
        .bind(column(rows, |row| row.content_type.as_deref()))
        .bind(column(rows, |row| row.reply_to))
        .bind(column(rows, |row| row.mentions.as_deref()))
        .bind(column(rows, |row| row.attachments.as_deref()))
        .bind(column(rows, |row| row.subject.as_deref()))
        .bind(column(rows, |row| row.body.as_deref()))
        .bind(column(rows, |row| row.edited_at))
        .bind(column(rows, |row| row.deleted_at))
        .bind(column(rows, |row| row.pinned_at))
        .bind(column(rows, |row| row.reactions))
        .execute(&mut self.db)
        .await?;
        Ok(())
    }

    async fn update_messages(&mut self, rows: &[&MessageRow]) -> Done {
        sqlx::query(
            "UPDATE messages m SET mentions = n.mentions, attachments = n.attachments, subject = n.subject, body = n.body,
                 edited_at = n.edited_at, deleted_at = n.deleted_at, pinned_at = n.pinned_at, reactions = n.reactions
             FROM unnest($1::bigint[], $2::bytea[], $3::bytea[], $4::text[], $5::text[], $6::bigint[], $7::bigint[],
                 $8::bigint[], $9::bigint[])
                 AS n (key, mentions, attachments, subject, body, edited_at, deleted_at, pinned_at, reactions)
             WHERE m.key = n.key",
        )
        .bind(column(rows, |row| row.key))
        .bind(column(rows, |row| row.mentions.as_deref()))
        .bind(column(rows, |row| row.attachments.as_deref()))
        .bind(column(rows, |row| row.subject.as_deref()))
        .bind(column(rows, |row| row.body.as_deref()))
        .bind(column(rows, |row| row.edited_at))
        .bind(column(rows, |row| row.deleted_at))
        .bind(column(rows, |row| row.pinned_at))
        .bind(column(rows, |row| row.reactions))
        .execute(&mut self.db)
        .await?;
        Ok(())
    }

    async fn erase(&mut self, keys: &[i64]) -> Done {
        for statement in [
            "DELETE FROM message_versions WHERE key = ANY ($1)",
            "DELETE FROM reactions WHERE key = ANY ($1)",
            "DELETE FROM reaction_counts WHERE key = ANY ($1)",
        ] {
            sqlx::query(statement).bind(keys).execute(&mut self.db).await?;
        }
        Ok(())
    }

    async fn insert_versions(&mut self, changes: &Changes<'_>) -> Done {
        let rows = &changes.versions;
        sqlx::query(
            "INSERT INTO message_versions
             SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::text[])",
        )
        .bind(column(rows, |row| row.key))
        .bind(column(rows, |row| row.edit))
        .bind(column(rows, |row| row.at))
        .bind(column(rows, |row| row.subject.as_deref()))
        .bind(column(rows, |row| row.body.as_deref()))
        .execute(&mut self.db)
        .await?;
        Ok(())
    }

    async fn write_exceptions(&mut self, rows: &[(UserId, i64, Option<Exception>)]) -> Done {
        sqlx::query(
            "DELETE FROM exceptions e USING unnest($1::uuid[], $2::bigint[]) AS gone (user_id, key)
             WHERE e.user_id = gone.user_id AND e.key = gone.key",
        )
        .bind(column(rows, |(user, _, _)| user.uuid()))
        .bind(column(rows, |(_, key, _)| *key))
        .execute(&mut self.db)
        .await?;
        let there: Vec<_> = rows.iter().filter_map(|(user, key, row)| Some((user.uuid(), *key, (*row)?))).collect();
        sqlx::query(
            "INSERT INTO exceptions
             SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::boolean[], $4::bigint[], $5::bigint[])",
        )
        .bind(column(&there, |(user, _, _)| *user))
        .bind(column(&there, |(_, key, _)| *key))
        .bind(column(&there, |(_, _, row)| row.hidden))
        .bind(column(&there, |(_, _, row)| row.mark))
        .bind(column(&there, |(_, _, row)| row.counts))
        .execute(&mut self.db)
        .await?;
        Ok(())
    }

    async fn write_mentions(&mut self, rows: &[(UserId, i64, bool)]) -> Done {
        let (on, off): (Vec<_>, Vec<_>) = rows.iter().partition(|(_, _, on)| *on);
        for (rows, statement) in [
            (on, "INSERT INTO mentions SELECT * FROM unnest($1::uuid[], $2::bigint[]) ON CONFLICT DO NOTHING"),
            (
                off,
                "DELETE FROM mentions m USING unnest($1::uuid[], $2::bigint[]) AS gone (user_id, key)
                 WHERE m.user_id = gone.user_id AND m.key = gone.key",
            ),
        ] {
            if !rows.is_empty() {
                let (users, keys): (Vec<Uuid>, Vec<i64>) =
                    rows.iter().map(|(user, key, _)| (user.uuid(), *key)).unzip();
                sqlx::query(statement).bind(users).bind(keys).execute(&mut self.db).await?;
            }
        }
        Ok(())
    }

    /// The first one counts: a mark passes a message once.
    async fn insert_receipts(&mut self, changes: &Changes<'_>) -> Done {
        let rows = changes.receipts;
        sqlx::query(
            "INSERT INTO receipts SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[])
             ON CONFLICT DO NOTHING",
        )
        .bind(column(rows, |row| row.user.uuid()))
        .bind(column(rows, |row| row.kind))
        .bind(column(rows, |row| row.key))
        .bind(column(rows, |row| row.at))
        .execute(&mut self.db)
        .await?;
        Ok(())
    }
}
