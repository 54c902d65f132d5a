//! What auditors were shown.

use super::write::column;
use crate::{
    fold::{Done, conversations::accesses::AccessRow},
    postgres::backend::PostgresBackend,
};

impl PostgresBackend {
    pub(super) async fn write_accesses(&mut self, rows: &[AccessRow]) -> Done {
        // somebody named twice is one
        sqlx::query(
            "INSERT INTO accesses
             SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::bigint[], $5::text[], $6::uuid[], $7::bigint[],
                 $8::bigint[], $9::bigint[])
             ON CONFLICT DO NOTHING",
        )
        .bind(column(rows, |row| row.subject))
        .bind(column(rows, |row| row.position))
        .bind(column(rows, |row| row.auditor.uuid()))
        .bind(column(rows, |row| row.at))
        .bind(column(rows, |row| row.shown))
        .bind(column(rows, |row| row.conversation))
        .bind(column(rows, |row| row.message.map(|(seq, _)| seq)))
        .bind(column(rows, |row| row.message.map(|(_, version)| version)))
        .bind(column(rows, |row| row.as_of))
        .execute(&mut self.db)
        .await?;
        Ok(())
    }
}
