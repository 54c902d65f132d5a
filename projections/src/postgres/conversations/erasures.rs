//! What was to be erased, and how long messages are kept.

use tidings_domain::UserId;

use super::write::column;
use crate::{
    fold::{
        Done,
        conversations::{
            erasures::{Erased, ErasureRow, ReceiptOfErasure, RetainedRow},
            tables::Changes,
        },
    },
    postgres::backend::PostgresBackend,
};

impl PostgresBackend {
    pub(super) async fn retained_row(&mut self, number: i64) -> Done<Option<RetainedRow>> {
        let found = sqlx::query_as("SELECT seconds, expired_seq FROM retained WHERE conversation = $1").bind(number);
        let row: Option<(Option<i64>, i64)> = found.fetch_optional(&mut self.db).await?;
        Ok(row.map(|(seconds, expired_seq)| RetainedRow { seconds, expired_seq }))
    }

    pub(super) async fn write_erasures(&mut self, changes: &Changes<'_>) -> Done {
        if !changes.erasures.is_empty() {
            self.insert_erasures(changes.erasures).await?;
        }
        if !changes.receipts_of_erasures.is_empty() {
            self.write_receipts_of_erasures(changes.receipts_of_erasures).await?;
        }
        if !changes.retained.is_empty() {
            sqlx::query(
                "INSERT INTO retained SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[])
                 ON CONFLICT (conversation) DO UPDATE SET seconds = excluded.seconds, expired_seq = excluded.expired_seq",
            )
            .bind(column(&changes.retained, |(number, _)| *number))
            .bind(column(&changes.retained, |(_, row)| row.seconds))
            .bind(column(&changes.retained, |(_, row)| row.expired_seq))
            .execute(&mut self.db)
            .await?;
        }
        Ok(())
    }

    async fn insert_erasures(&mut self, rows: &[ErasureRow]) -> Done {
        sqlx::query(
            "INSERT INTO erasures (position, message, version, user_id, asked_by, reason, asked_at)
             SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::uuid[], $5::uuid[], $6::bigint[],
                 $7::bigint[])",
        )
        .bind(column(rows, |row| row.position))
        .bind(column(rows, |row| row.message.map(|(key, _)| key)))
        .bind(column(rows, |row| row.message.map(|(_, version)| version)))
        .bind(column(rows, |row| row.user.uuid()))
        .bind(column(rows, |row| row.by.map(UserId::uuid)))
        .bind(column(rows, |row| row.reason))
        .bind(column(rows, |row| row.asked_at))
        .execute(&mut self.db)
        .await?;
        Ok(())
    }

    async fn write_receipts_of_erasures(&mut self, receipts: &[ReceiptOfErasure]) -> Done {
        let (mut messages, mut users) = (Vec::new(), Vec::new());
        for receipt in receipts {
            let (done_at, position) = (receipt.done_at, receipt.position);
            match receipt.of {
                Erased::Message(key) => messages.push((key, done_at, position)),
                Erased::User(user) => users.push((user.uuid(), done_at, position)),
            }
        }
        if !messages.is_empty() {
            sqlx::query(
                "UPDATE erasures e SET done_at = n.done_at, receipt = n.receipt
                 FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS n (message, done_at, receipt)
                 WHERE e.message = n.message",
            )
            .bind(column(&messages, |(key, _, _)| *key))
            .bind(column(&messages, |(_, done_at, _)| *done_at))
            .bind(column(&messages, |(_, _, position)| *position))
            .execute(&mut self.db)
            .await?;
        }
        if !users.is_empty() {
            sqlx::query(
                "UPDATE erasures e SET done_at = n.done_at, receipt = n.receipt
                 FROM unnest($1::uuid[], $2::bigint[], $3::bigint[]) AS n (user_id, done_at, receipt)
                 WHERE e.user_id = n.user_id AND e.message IS NULL",
            )
            .bind(column(&users, |(user, _, _)| *user))
            .bind(column(&users, |(_, done_at, _)| *done_at))
            .bind(column(&users, |(_, _, position)| *position))
            .execute(&mut self.db)
            .await?;
        }
        Ok(())
    }
}
