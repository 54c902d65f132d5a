//! One generation of a projection: its file, its checkpoint, its parked streams.

use std::{
    collections::{HashMap, HashSet},
    mem,
    sync::Arc,
};

use async_trait::async_trait;
use rusqlite::Connection;
use tidings_event_store::{DecodedEvent, Position, sqlite::Checkpointer};

use super::{
    applying::{Single, Stop},
    error::apply_error,
    files::{GenerationFile, stable_plans},
    fold::{Fold, Schema, fold_of},
    parked::{self, recorded},
    unsigned,
};
use crate::{
    model::ParkedEvent,
    runner::{Applied, ApplyError, Batch, Generation, OnPoison, Poison},
};

/// A generation open for folding.
pub(super) struct SqliteGeneration {
    /// Stops before the file can go; none while the generation is being filled.
    checkpointer: Option<Checkpointer>,
    pub(super) file: Arc<GenerationFile>,
    pub(super) db: Connection,
    pub(super) fold: Box<dyn Fold>,
    /// Where the checkpoint in the file stands.
    pub(super) stored: Position,
    /// Where the fold stands: beyond `stored` only by events that do not concern it.
    pub(super) position: Position,
    pub(super) parked: Vec<ParkedEvent>,
    pub(super) parked_streams: HashSet<String>,
    filling: bool,
}

impl SqliteGeneration {
    /// Opens a generation whose file was made ready. `filling` for one that does not serve yet.
    pub(super) fn open(file: Arc<GenerationFile>, db: Connection, filling: bool) -> rusqlite::Result<Self> {
        db.set_prepared_statement_cache_capacity(128);
        stable_plans(&db)?;
        let stored: i64 = db.query_row("SELECT position FROM checkpoint", [], |row| row.get(0))?;
        let stored = Position::new(unsigned(stored));
        let parked = parked::read(&db)?;
        let parked_streams = parked.iter().map(|event| event.stream.clone()).collect();
        let fold = fold_of(file.projection);
        let checkpointer = if filling { None } else { Some(file.start_checkpoints()?) };
        Ok(Self { checkpointer, file, db, fold, stored, position: stored, parked, parked_streams, filling })
    }

    /// Undoes what a failed transaction left, in the file and in memory.
    fn undo(&mut self) {
        if !self.db.is_autocommit()
            && let Err(error) = self.db.execute_batch("ROLLBACK")
        {
            tracing::warn!(%error, "a failed transaction could not be rolled back");
        }
        self.fold.reset();
        if let Ok(parked) = parked::read(&self.db) {
            self.parked_streams = parked.iter().map(|event| event.stream.clone()).collect();
            self.parked = parked;
        }
    }

    fn settle(&mut self, outcome: Result<Applied, Stop>) -> Result<Applied, ApplyError> {
        outcome.map_err(|stop| {
            self.undo();
            match stop {
                Stop::At(event) => ApplyError::Poisoned(*event),
                Stop::Apply(error) => error,
            }
        })
    }
}

#[async_trait]
impl Generation for SqliteGeneration {
    fn number(&self) -> u32 {
        self.file.number
    }

    fn position(&self) -> Position {
        self.position
    }

    fn parked(&self) -> Vec<ParkedEvent> {
        self.parked.clone()
    }

    async fn apply(&mut self, batch: &Batch, on_poison: OnPoison) -> Result<Applied, ApplyError> {
        let applied = match self.apply_whole(batch) {
            Err(Stop::At(_)) if on_poison == OnPoison::Park => {
                self.undo();
                let concerned = batch.events.iter().filter(|event| self.concerns(recorded(event)));
                let singles: Vec<_> =
                    concerned.map(|outcome| Single { outcome, retried: false, reserved: None }).collect();
                let singly = self.apply_singly(&singles, batch.to);
                self.settle(singly)?
            }
            whole => self.settle(whole)?,
        };
        if applied.events + applied.parked > 0 {
            self.stored = batch.to;
        }
        self.position = self.position.max(batch.to);
        if let Some(checkpointer) = &self.checkpointer
            && let Err(error) = checkpointer.look(&self.db)
        {
            tracing::warn!(%error, "a view's write-ahead log could not be copied, it will be tried again");
        }
        Ok(applied)
    }

    async fn retry(&mut self, events: &[Result<DecodedEvent, Poison>]) -> Result<Applied, ApplyError> {
        let reserved: HashMap<_, _> = parked::read_reserved(&self.db).map_err(|error| apply_error(&error))?;
        let retried: HashSet<Position> = events.iter().map(|event| recorded(event).position).collect();
        self.parked.retain(|event| !retried.contains(&event.position));
        self.parked_streams = self.parked.iter().map(|event| event.stream.clone()).collect();
        let kept = |outcome| reserved.get(&recorded(outcome).position).copied();
        let singles: Vec<_> =
            events.iter().map(|outcome| Single { outcome, retried: true, reserved: kept(outcome) }).collect();
        let to = self.position;
        let singly = self.apply_singly(&singles, to);
        let applied = self.settle(singly)?;
        self.stored = to;
        Ok(applied)
    }

    async fn persist(&mut self) -> Result<(), ApplyError> {
        if self.stored != self.position {
            let moved = self.move_checkpoint(self.position).map(|()| Applied::default());
            self.settle(moved)?;
            self.stored = self.position;
        }
        Ok(())
    }

    async fn finish(&mut self) -> Result<(), ApplyError> {
        self.persist().await?;
        if mem::take(&mut self.filling) {
            let schema = Schema::of(self.file.projection);
            self.file.finish(&self.db, &schema).map_err(|error| apply_error(&error))?;
            self.checkpointer = Some(self.file.start_checkpoints().map_err(|error| apply_error(&error))?);
        }
        Ok(())
    }

    async fn tidy(&mut self) -> Result<bool, ApplyError> {
        let busy: rusqlite::Result<i64> = self.db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0));
        Ok(busy.map_err(|error| apply_error(&error))? == 0)
    }
}
