//! One generation in its file: transactions, the checkpoint, what is parked.

use std::{collections::HashMap, sync::Arc};

use rusqlite::{Connection, params};
use tidings_event_store::{Position, sqlite::Checkpointer};

use super::{
    files::{GenerationFile, stable_plans},
    parked,
    schema::shape,
    search::fill_postings,
};
use crate::{
    fold::{Backend, Done, signed, unsigned},
    inboxes::Touched,
    model::ParkedEvent,
    runner::Projection,
};

/// A generation's file, open for folding.
pub(super) struct SqliteBackend {
    /// Stops before the file can go; none before the generation is folded by who serves it.
    checkpointer: Option<Checkpointer>,
    filling: bool,
    // before the file: a connection is closed before its file may go
    pub(super) db: Connection,
    pub(super) file: Arc<GenerationFile>,
}

impl SqliteBackend {
    /// On a file that was made ready. `filling` where it does not serve yet.
    pub(super) fn new(file: Arc<GenerationFile>, db: Connection, filling: bool) -> rusqlite::Result<Self> {
        db.set_prepared_statement_cache_capacity(128);
        stable_plans(&db)?;
        let checkpointer = if filling { None } else { Some(file.start_checkpoints()?) };
        Ok(Self { checkpointer, filling, db, file })
    }

    /// Where the checkpoint stands.
    pub(super) fn checkpoint(&self) -> rusqlite::Result<Position> {
        let stored: i64 = self.db.query_row("SELECT position FROM checkpoint", [], |row| row.get(0))?;
        Ok(Position::new(unsigned(stored)))
    }

    /// Whether it is being filled, and serves nobody yet.
    pub(super) const fn fills(&self) -> bool {
        self.filling
    }

    /// Tells what is kept in memory what is changed; none while nobody reads it.
    pub(super) fn touching(&self) -> Option<&Touched> {
        (!self.filling).then_some(&self.file.touched)
    }

    fn ended(&self) {
        if !self.filling {
            self.file.ended();
        }
    }

    fn execute(&self, statement: &str) -> Done {
        self.db.prepare_cached(statement)?.execute([])?;
        Ok(())
    }
}

impl Backend for SqliteBackend {
    fn projection(&self) -> Projection {
        self.file.projection
    }

    fn number(&self) -> u32 {
        self.file.number
    }

    async fn begin(&mut self) -> Done {
        if let Some(touched) = self.touching() {
            touched.begin();
        }
        self.execute("BEGIN IMMEDIATE")
    }

    async fn commit(&mut self) -> Done {
        self.execute("COMMIT")?;
        self.ended();
        Ok(())
    }

    async fn rollback(&mut self) -> Done {
        if !self.db.is_autocommit() {
            self.execute("ROLLBACK")?;
        }
        self.ended();
        Ok(())
    }

    async fn savepoint(&mut self) -> Done {
        self.execute("SAVEPOINT one")
    }

    async fn release(&mut self, keep: bool) -> Done {
        if !keep {
            self.execute("ROLLBACK TO one")?;
        }
        self.execute("RELEASE one")
    }

    async fn move_checkpoint(&mut self, from: Position, to: Position) -> Done<bool> {
        let moved = self
            .db
            .prepare_cached("UPDATE checkpoint SET position = ?2 WHERE only_row = 1 AND position = ?1")?
            .execute(params![signed(from.get()), signed(to.get())])?;
        Ok(moved == 1)
    }

    fn applied(&mut self) {
        if let Some(checkpointer) = &self.checkpointer
            && let Err(error) = checkpointer.look(&self.db)
        {
            tracing::warn!(%error, "a view's write-ahead log could not be copied, it will be tried again");
        }
    }

    async fn parked(&mut self) -> Done<Vec<ParkedEvent>> {
        Ok(parked::read(&self.db)?)
    }

    async fn reserved(&mut self) -> Done<HashMap<Position, i64>> {
        Ok(parked::read_reserved(&self.db)?)
    }

    async fn park(&mut self, event: &ParkedEvent, reserved: Option<i64>) -> Done {
        Ok(parked::write(&self.db, event, reserved)?)
    }

    async fn unpark(&mut self, position: Position) -> Done {
        Ok(parked::remove(&self.db, position)?)
    }

    async fn finish(&mut self) -> Done {
        if self.file.projection == Projection::Search {
            self.execute("BEGIN")?;
            fill_postings(&self.db)?;
            self.execute("COMMIT")?;
        }
        self.file.finish(&self.db, &shape(self.file.projection))?;
        self.filling = false;
        Ok(())
    }

    async fn settle_in(&mut self) -> Done {
        // by the thread that serves: one that gives way to others would hand that on
        if self.checkpointer.is_none() {
            self.checkpointer = Some(self.file.start_checkpoints()?);
        }
        Ok(())
    }

    async fn tidy(&mut self) -> Done<bool> {
        let busy: i64 = self.db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
        Ok(busy == 0)
    }
}
