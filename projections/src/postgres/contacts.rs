//! The rows of contacts and blocks in PostgreSQL, many at a time.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::backend::PostgresBackend;
use crate::fold::{
    Done,
    directory::{ContactChanges, ContactTables, Toward},
};

impl ContactTables for PostgresBackend {
    async fn write_contacts(&mut self, changes: &ContactChanges) -> Done {
        self.replace(
            "DELETE FROM contacts t USING unnest($1::uuid[], $2::uuid[]) AS d (user_id, other_id)
             WHERE t.user_id = d.user_id AND t.other_id = d.other_id",
            "INSERT INTO contacts
             SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[], $5::bigint[])",
            &changes.contacts,
            &[|row| row.state.number(), |row| row.since, |row| row.position],
        )
        .await?;
        self.replace(
            "DELETE FROM blocks t USING unnest($1::uuid[], $2::uuid[]) AS d (user_id, other_id)
             WHERE t.user_id = d.user_id AND t.other_id = d.other_id",
            "INSERT INTO blocks SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[])",
            &changes.blocks,
            &[|row| row.since, |row| row.position],
        )
        .await
    }
}

impl PostgresBackend {
    /// Deletes rows by their keys, and puts back those that stay, as they are now.
    async fn replace<R: Sync>(
        &mut self,
        delete: &'static str,
        insert: &'static str,
        rows: &BTreeMap<Toward, Option<R>>,
        columns: &[fn(&R) -> i64],
    ) -> Done {
        let (users, others) = halves(rows.keys());
        sqlx::query(delete).bind(users).bind(others).execute(&mut self.db).await?;
        let kept: Vec<(&Toward, &R)> = rows.iter().filter_map(|(key, row)| Some((key, row.as_ref()?))).collect();
        let (users, others) = halves(kept.iter().map(|(key, _)| *key));
        let mut inserting = sqlx::query(insert).bind(users).bind(others);
        for column in columns {
            inserting = inserting.bind(kept.iter().map(|(_, row)| column(row)).collect::<Vec<i64>>());
        }
        inserting.execute(&mut self.db).await?;
        Ok(())
    }
}

fn halves<'a>(keys: impl Iterator<Item = &'a Toward>) -> (Vec<Uuid>, Vec<Uuid>) {
    keys.map(|(user, other)| (user.uuid(), other.uuid())).unzip()
}
