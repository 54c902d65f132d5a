//! Batches into the file: whole in one transaction, or event by event around one that does not go in.

use rusqlite::params;
use tidings_event_store::{DecodedEvent, Position, RecordedEvent};

use super::{
    error::{Blame, FoldError, apply_error, blame},
    generation::SqliteGeneration,
    parked::{self, BEHIND, parked, recorded},
    signed,
};
use crate::{
    model::ParkedEvent,
    runner::{Applied, ApplyError, Batch, Poison},
};

/// Why a batch stopped.
pub(super) enum Stop {
    /// At an event that does not go in.
    At(Box<ParkedEvent>),
    /// By no event's fault.
    Apply(ApplyError),
}

impl From<rusqlite::Error> for Stop {
    fn from(error: rusqlite::Error) -> Self {
        Self::Apply(apply_error(&error))
    }
}

/// An event to be applied by itself.
pub(super) struct Single<'a> {
    pub(super) outcome: &'a Result<DecodedEvent, Poison>,
    /// It was parked before; with what was reserved for it then.
    pub(super) retried: bool,
    pub(super) reserved: Option<i64>,
}

impl SqliteGeneration {
    /// Whether an event is to be looked at, and is new.
    pub(super) fn concerns(&self, recorded: &RecordedEvent) -> bool {
        recorded.position > self.position && self.file.projection.admits(&recorded.stream)
    }

    /// The whole batch in one go; the first event that does not go in undoes it all.
    pub(super) fn apply_whole(&mut self, batch: &Batch) -> Result<Applied, Stop> {
        let concerned: Vec<_> = batch.events.iter().filter(|outcome| self.concerns(recorded(outcome))).collect();
        if concerned.is_empty() {
            return Ok(Applied::default());
        }
        self.db.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        let (mut applied, mut last) = (Applied::default(), None);
        for outcome in concerned {
            let recorded = recorded(outcome);
            if !self.parked_streams.is_empty() && self.parked_streams.contains(recorded.stream.as_str()) {
                return Err(Stop::At(Box::new(parked(recorded, BEHIND))));
            }
            let decoded = outcome.as_ref().map_err(|poison| Stop::At(Box::new(parked(recorded, &poison.error))))?;
            self.fold.apply(&self.db, decoded).map_err(|error| stop(recorded, error))?;
            applied.events += 1;
            last = Some(recorded);
        }
        if let Some(last) = last {
            self.fold.flush(&self.db).map_err(|error| stop(last, error))?;
        }
        self.move_checkpoint(batch.to)?;
        self.db.prepare_cached("COMMIT")?.execute([])?;
        applied.erased = self.fold.take_erased();
        Ok(applied)
    }

    /// Event by event, each undone by itself when it does not go in. Only for a batch known to hold such a one.
    pub(super) fn apply_singly(&mut self, events: &[Single<'_>], to: Position) -> Result<Applied, Stop> {
        let mut applied = Applied::default();
        self.db.execute_batch("BEGIN IMMEDIATE")?;
        for event in events {
            match self.apply_one(event)? {
                None => {
                    applied.events += 1;
                    if event.retried {
                        parked::remove(&self.db, recorded(event.outcome).position)?;
                    }
                }
                Some(why) => {
                    self.park(event, &why)?;
                    applied.parked += 1;
                }
            }
        }
        self.move_checkpoint(to)?;
        self.db.execute_batch("COMMIT")?;
        applied.erased = self.fold.take_erased();
        Ok(applied)
    }

    /// None when the event went in, else why it did not.
    fn apply_one(&mut self, event: &Single<'_>) -> Result<Option<String>, Stop> {
        let recorded = recorded(event.outcome);
        if self.parked_streams.contains(recorded.stream.as_str()) {
            return Ok(Some(BEHIND.to_owned()));
        }
        let decoded = match event.outcome {
            Ok(decoded) => decoded,
            Err(poison) => return Ok(Some(poison.error.clone())),
        };
        self.db.execute_batch("SAVEPOINT one")?;
        self.fold.assign(event.reserved);
        let folded = self.fold.apply(&self.db, decoded).and_then(|()| self.fold.flush(&self.db));
        self.fold.assign(None);
        match folded.map_err(|error| stop(recorded, error)) {
            Ok(()) => {
                self.db.execute_batch("RELEASE one")?;
                Ok(None)
            }
            Err(Stop::At(event)) => {
                self.db.execute_batch("ROLLBACK TO one; RELEASE one")?;
                self.fold.reset();
                Ok(Some(event.error))
            }
            Err(stop) => Err(stop),
        }
    }

    fn park(&mut self, event: &Single<'_>, why: &str) -> Result<(), Stop> {
        let recorded = recorded(event.outcome);
        let reserved = match event.reserved {
            Some(reserved) => Some(reserved),
            None => self.fold.reserve(&self.db, recorded).map_err(|error| stop(recorded, error))?,
        };
        let event = parked(recorded, why);
        tracing::error!(position = %event.position, stream = event.stream, event = event.name, error = event.error,
            projection = self.file.projection.name(), "an event cannot be applied; its stream is parked");
        parked::write(&self.db, &event, reserved)?;
        self.parked_streams.insert(event.stream.clone());
        self.parked.push(event);
        Ok(())
    }

    /// Compare-and-set: another projector at work on the same view is noticed before anything of ours is stored.
    pub(super) fn move_checkpoint(&self, to: Position) -> Result<(), Stop> {
        let moved = self
            .db
            .prepare_cached("UPDATE checkpoint SET position = ?2 WHERE only_row = 1 AND position = ?1")?
            .execute(params![signed(self.stored.get()), signed(to.get())])?;
        if moved == 1 {
            return Ok(());
        }
        let projection = self.file.projection.name();
        Err(Stop::Apply(ApplyError::Conflict { projection, expected: self.stored }))
    }
}

fn stop(event: &RecordedEvent, error: FoldError) -> Stop {
    match error {
        FoldError::Sql(error) if blame(&error) != Blame::Event => error.into(),
        error @ (FoldError::Sql(_) | FoldError::Data(_)) => Stop::At(Box::new(parked(event, &error.to_string()))),
    }
}
