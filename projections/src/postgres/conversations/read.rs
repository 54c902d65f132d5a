//! Rows by their keys, many at a time.

use sqlx::{Executor, Row, postgres::PgRow};
use tidings_domain::{AttachmentId, ConversationId, ScheduledId, UserId};
use uuid::Uuid;

use crate::{
    fold::{
        Done,
        conversations::{
            attachments::AttachmentRow,
            erasures::RetainedRow,
            tables::{
                Changes, ConversationRow, ConversationTables, Exception, Member, MessageRow, Place, ReactionCount,
                ScheduledRow, key,
            },
        },
    },
    postgres::backend::PostgresBackend,
};

impl ConversationTables for PostgresBackend {
    const TOGETHER: bool = true;

    async fn next_number(&mut self) -> Done<i64> {
        let (projection, number) = self.id();
        let next = sqlx::query_scalar(
            "SELECT 1 + greatest((SELECT max(number) FROM conversations), 0,
                (SELECT max(ordinal) FROM tidings_views.parked WHERE projection = $1 AND generation = $2))",
        );
        Ok(next.bind(projection).bind(number).fetch_one(&mut self.db).await?)
    }

    async fn conversations(&mut self, ids: &[ConversationId]) -> Done<Vec<ConversationRow>> {
        let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
        let found = sqlx::query("SELECT * FROM conversations WHERE id = ANY ($1)").bind(ids);
        let rows = found.fetch_all(&mut self.db).await?;
        Ok(rows.iter().map(conversation).collect::<Result<_, _>>()?)
    }

    async fn members(&mut self, places: &[Place]) -> Done<Vec<(Place, Member)>> {
        let (numbers, users): (Vec<i64>, Vec<Uuid>) =
            places.iter().map(|(number, user)| (*number, user.uuid())).unzip();
        let rows = sqlx::query(
            "SELECT m.* FROM unnest($1::bigint[], $2::uuid[]) AS asked (conversation, user_id)
             JOIN members m ON m.user_id = asked.user_id AND m.conversation = asked.conversation",
        )
        .bind(numbers)
        .bind(users)
        .fetch_all(&mut self.db)
        .await?;
        Ok(rows.iter().map(member).collect::<Result<_, _>>()?)
    }

    async fn messages(&mut self, keys: &[i64]) -> Done<Vec<MessageRow>> {
        let found = sqlx::query("SELECT * FROM messages WHERE key = ANY ($1)").bind(keys);
        let rows = found.fetch_all(&mut self.db).await?;
        Ok(rows.iter().map(message).collect::<Result<_, _>>()?)
    }

    async fn last_edit(&mut self, key: i64) -> Done<i64> {
        let last = sqlx::query_scalar("SELECT coalesce(max(edit), 0) FROM message_versions WHERE key = $1").bind(key);
        Ok(last.fetch_one(&mut self.db).await?)
    }

    async fn reaction(&mut self, key: i64, emoji: &str, user: UserId) -> Done<bool> {
        let found =
            sqlx::query_scalar("SELECT EXISTS (SELECT FROM reactions WHERE key = $1 AND emoji = $2 AND user_id = $3)");
        Ok(found.bind(key).bind(emoji).bind(user.uuid()).fetch_one(&mut self.db).await?)
    }

    async fn reaction_count(&mut self, key: i64, emoji: &str) -> Done<Option<ReactionCount>> {
        let found = sqlx::query_as("SELECT first, count FROM reaction_counts WHERE key = $1 AND emoji = $2");
        let count: Option<(i64, i64)> = found.bind(key).bind(emoji).fetch_optional(&mut self.db).await?;
        Ok(count.map(|(first, count)| ReactionCount { first, count }))
    }

    async fn exceptions(&mut self, (number, user): Place) -> Done<Vec<(i64, Exception)>> {
        let rows: Vec<(i64, bool, i64, i64)> = sqlx::query_as(
            "SELECT key, hidden, mark, counts FROM exceptions WHERE user_id = $1 AND key >= $2 AND key < $3",
        )
        .bind(user.uuid())
        .bind(key(number, 0))
        .bind(key(number + 1, 0))
        .fetch_all(&mut self.db)
        .await?;
        Ok(rows.into_iter().map(|(key, hidden, mark, counts)| (key, Exception { hidden, mark, counts })).collect())
    }

    async fn excepting(&mut self, key: i64) -> Done<Vec<UserId>> {
        let found = sqlx::query_scalar("SELECT user_id FROM exceptions WHERE key = $1").bind(key);
        Ok(found.fetch_all(&mut self.db).await?.into_iter().map(UserId::new).collect())
    }

    async fn closed(&mut self) -> Done<Vec<(UserId, i64)>> {
        let rows: Vec<(Uuid, i64)> = sqlx::query_as("SELECT user_id, at FROM closed").fetch_all(&mut self.db).await?;
        Ok(rows.into_iter().map(|(user, at)| (UserId::new(user), at)).collect())
    }

    async fn written_by(&mut self, sender: UserId) -> Done<Vec<(i64, ConversationId)>> {
        // a view being filled has this index only from the first closing on
        self.db.execute("CREATE INDEX IF NOT EXISTS messages_by_sender ON messages (sender, key)").await?;
        let rows: Vec<(i64, Uuid)> = sqlx::query_as(
            "SELECT m.key, c.id FROM messages m JOIN conversations c ON c.number = m.key >> 32
             WHERE m.sender = $1 AND m.deleted_at IS NULL",
        )
        .bind(sender.uuid())
        .fetch_all(&mut self.db)
        .await?;
        Ok(rows.into_iter().map(|(key, id)| (key, ConversationId::new(id))).collect())
    }

    async fn scheduled(&mut self, ids: &[ScheduledId]) -> Done<Vec<ScheduledRow>> {
        self.scheduled_by_ids(ids).await
    }

    async fn scheduled_of(&mut self, owner: UserId) -> Done<Vec<ScheduledRow>> {
        self.scheduled_by_owner(owner).await
    }

    async fn attachments(&mut self, ids: &[AttachmentId]) -> Done<Vec<(AttachmentId, AttachmentRow)>> {
        self.read_attachments(ids).await
    }

    async fn uploaded_by(&mut self, uploader: UserId) -> Done<Vec<AttachmentId>> {
        let found = sqlx::query_scalar("SELECT id FROM attachments WHERE uploader = $1 ORDER BY id");
        let ids = found.bind(uploader.uuid()).fetch_all(&mut self.db).await?;
        Ok(ids.into_iter().map(AttachmentId::new).collect())
    }

    async fn retained(&mut self, number: i64) -> Done<Option<RetainedRow>> {
        self.retained_row(number).await
    }

    async fn write(&mut self, changes: &Changes<'_>) -> Done {
        self.write_changes(changes).await
    }
}

fn conversation(row: &PgRow) -> sqlx::Result<ConversationRow> {
    Ok(ConversationRow {
        number: row.try_get("number")?,
        id: ConversationId::new(row.try_get("id")?),
        group: row.try_get("is_group")?,
        name: row.try_get("name")?,
        created_at: row.try_get("created_at")?,
        started: row.try_get("started")?,
        joined: row.try_get("joined")?,
        members: row.try_get("members")?,
        last_seq: row.try_get("last_seq")?,
        last_deleted_seq: row.try_get("last_deleted_seq")?,
        activity: row.try_get("activity")?,
        latest_at: row.try_get("latest_at")?,
    })
}

fn member(row: &PgRow) -> sqlx::Result<(Place, Member)> {
    let member = Member {
        role: row.try_get("role")?,
        joined: row.try_get("joined")?,
        joined_at: row.try_get("joined_at")?,
        joined_seq: row.try_get("joined_seq")?,
        left_seq: row.try_get("left_seq")?,
        left_position: row.try_get("left_position")?,
        sent_seq: row.try_get("sent_seq")?,
        mark: row.try_get("mark")?,
        delivered: row.try_get("delivered")?,
        exceptions: row.try_get("exceptions")?,
        adjust: row.try_get("adjust")?,
        muted: row.try_get("muted")?,
        archived: row.try_get("archived")?,
    };
    Ok(((row.try_get("conversation")?, UserId::new(row.try_get("user_id")?)), member))
}

fn message(row: &PgRow) -> sqlx::Result<MessageRow> {
    Ok(MessageRow {
        key: row.try_get("key")?,
        position: row.try_get("position")?,
        version: row.try_get("version")?,
        sender: UserId::new(row.try_get("sender")?),
        at: row.try_get("at")?,
        latest_at: row.try_get("latest_at")?,
        content_type: row.try_get("content_type")?,
        reply_to: row.try_get("reply_to")?,
        mentions: row.try_get("mentions")?,
        attachments: row.try_get("attachments")?,
        subject: row.try_get("subject")?,
        body: row.try_get("body")?,
        edited_at: row.try_get("edited_at")?,
        deleted_at: row.try_get("deleted_at")?,
        pinned_at: row.try_get("pinned_at")?,
        reactions: row.try_get("reactions")?,
        stored: true,
    })
}
