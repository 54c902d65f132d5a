//! The rows of contacts and blocks in SQLite.

use rusqlite::params;

use super::backend::SqliteBackend;
use crate::fold::{
    Done,
    directory::{ContactChanges, ContactTables},
};

impl ContactTables for SqliteBackend {
    async fn write_contacts(&mut self, changes: &ContactChanges) -> Done {
        for ((user, other), row) in &changes.contacts {
            let key = (user.as_bytes(), other.as_bytes());
            match row {
                Some(row) => self
                    .db
                    .prepare_cached("INSERT OR REPLACE INTO contacts VALUES (?, ?, ?, ?, ?)")?
                    .execute(params![key.0, key.1, row.state.number(), row.since, row.position])?,
                None => self.db.prepare_cached("DELETE FROM contacts WHERE user = ? AND other = ?")?.execute(key)?,
            };
        }
        for ((user, other), row) in &changes.blocks {
            let key = (user.as_bytes(), other.as_bytes());
            match row {
                Some(row) => self
                    .db
                    .prepare_cached("INSERT OR REPLACE INTO blocks VALUES (?, ?, ?, ?)")?
                    .execute(params![key.0, key.1, row.since, row.position])?,
                None => self.db.prepare_cached("DELETE FROM blocks WHERE user = ? AND other = ?")?.execute(key)?,
            };
        }
        Ok(())
    }
}
