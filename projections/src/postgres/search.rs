//! The search projection's rows in PostgreSQL, many at a time.

use sqlx::{Row, postgres::PgRow};
use tidings_domain::{ConversationId, UserId};
use uuid::Uuid;

use super::{backend::PostgresBackend, conversations::column};
use crate::fold::{
    Done,
    search::{DocumentRow, Place, STRETCH_BITS, SearchChanges, SearchTables},
    signed,
};

impl SearchTables for PostgresBackend {
    async fn documents(&mut self, places: &[Place]) -> Done<Vec<(Place, DocumentRow)>> {
        let rows = sqlx::query(
            "SELECT d.* FROM documents d JOIN unnest($1::uuid[], $2::bigint[]) AS asked (conversation, seq)
             ON d.conversation = asked.conversation AND d.seq = asked.seq",
        )
        .bind(column(places, |(conversation, _)| conversation.uuid()))
        .bind(column(places, |(_, seq)| *seq))
        .fetch_all(&mut self.db)
        .await?;
        Ok(rows.iter().map(document).collect::<Result<_, _>>()?)
    }

    async fn documents_of(&mut self, sender: UserId) -> Done<Vec<(Place, DocumentRow)>> {
        let found = sqlx::query(
            "SELECT d.* FROM authors a JOIN documents d ON d.conversation = a.conversation AND d.seq >= a.stretch << $2
                 AND d.seq < (a.stretch + 1) << $2 AND d.sender = a.sender
             WHERE a.sender = $1",
        );
        let found = found.bind(sender.uuid()).bind(i32::try_from(STRETCH_BITS).unwrap_or_default());
        let rows = found.fetch_all(&mut self.db).await?;
        Ok(rows.iter().map(document).collect::<Result<_, _>>()?)
    }

    async fn closed_accounts(&mut self) -> Done<Vec<UserId>> {
        let ids: Vec<Uuid> = sqlx::query_scalar("SELECT user_id FROM closed").fetch_all(&mut self.db).await?;
        Ok(ids.into_iter().map(UserId::new).collect())
    }

    async fn write_search(&mut self, changes: &SearchChanges<'_>) -> Done {
        let gone: Vec<Place> =
            changes.documents.iter().filter(|change| change.row.is_none()).map(|change| change.place).collect();
        if !gone.is_empty() {
            sqlx::query(
                "DELETE FROM documents d USING unnest($1::uuid[], $2::bigint[]) AS gone (conversation, seq)
                 WHERE d.conversation = gone.conversation AND d.seq = gone.seq",
            )
            .bind(column(&gone, |(conversation, _)| conversation.uuid()))
            .bind(column(&gone, |(_, seq)| *seq))
            .execute(&mut self.db)
            .await?;
        }
        let there: Vec<(Place, &DocumentRow)> =
            changes.documents.iter().filter_map(|change| Some((change.place, change.row?))).collect();
        if !there.is_empty() {
            self.put_documents(&there).await?;
        }
        if !changes.authors.is_empty() {
            sqlx::query(
                "INSERT INTO authors SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[]) ON CONFLICT DO NOTHING",
            )
            .bind(column(changes.authors, |(sender, ..)| sender.uuid()))
            .bind(column(changes.authors, |(_, conversation, _)| conversation.uuid()))
            .bind(column(changes.authors, |(.., stretch)| *stretch))
            .execute(&mut self.db)
            .await?;
        }
        if !changes.closed.is_empty() {
            sqlx::query("DELETE FROM authors WHERE sender = ANY($1::uuid[])")
                .bind(column(changes.closed, |user| user.uuid()))
                .execute(&mut self.db)
                .await?;
            sqlx::query("INSERT INTO closed SELECT * FROM unnest($1::uuid[]) ON CONFLICT DO NOTHING")
                .bind(column(changes.closed, |user| user.uuid()))
                .execute(&mut self.db)
                .await?;
        }
        Ok(())
    }
}

impl PostgresBackend {
    async fn put_documents(&mut self, rows: &[(Place, &DocumentRow)]) -> Done {
        // an array of arrays must be a rectangle: all fingerprints go as one array, and each row has a slice of it
        let (mut all, mut firsts, mut lasts) = (Vec::new(), Vec::new(), Vec::new());
        for (_, row) in rows {
            firsts.push(signed(all.len() as u64 + 1));
            all.extend_from_slice(&row.fingerprints);
            lasts.push(signed(all.len() as u64));
        }
        sqlx::query(
            "INSERT INTO documents
             SELECT conversation, seq, sender, is_text, ($7::bigint[])[first::integer:last::integer]
             FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::boolean[], $5::bigint[], $6::bigint[])
                 AS new (conversation, seq, sender, is_text, first, last)
             ON CONFLICT (conversation, seq) DO UPDATE SET fingerprints = excluded.fingerprints",
        )
        .bind(column(rows, |((conversation, _), _)| conversation.uuid()))
        .bind(column(rows, |((_, seq), _)| *seq))
        .bind(column(rows, |(_, row)| row.sender.uuid()))
        .bind(column(rows, |(_, row)| row.text))
        .bind(firsts)
        .bind(lasts)
        .bind(all)
        .execute(&mut self.db)
        .await?;
        Ok(())
    }
}

fn document(row: &PgRow) -> sqlx::Result<(Place, DocumentRow)> {
    let place = (ConversationId::new(row.try_get("conversation")?), row.try_get("seq")?);
    let document = DocumentRow {
        sender: UserId::new(row.try_get("sender")?),
        text: row.try_get("is_text")?,
        fingerprints: row.try_get("fingerprints")?,
    };
    Ok((place, document))
}
