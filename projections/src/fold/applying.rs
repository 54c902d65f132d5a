//! Batches into the tables: whole in one transaction, or event by event around one that does not go in.

use tidings_event_store::{DecodedEvent, Position, RecordedEvent};

use super::{
    Backend, Blame, FoldError, Folding,
    conversations::ConversationTables,
    parked::{BEHIND, parked, recorded},
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

impl From<FoldError> for Stop {
    fn from(error: FoldError) -> Self {
        Self::Apply(error.apply_error())
    }
}

/// An event to be applied by itself.
pub(super) struct Single<'a> {
    pub(super) outcome: &'a Result<DecodedEvent, Poison>,
    /// It was parked before; with what was reserved for it then.
    pub(super) retried: bool,
    pub(super) reserved: Option<i64>,
}

impl<B: Backend> Folding<B> {
    /// Whether an event is to be looked at, and is new.
    pub(super) fn concerns(&self, recorded: &RecordedEvent) -> bool {
        recorded.position > self.position && self.backend.projection().admits(&recorded.stream)
    }

    /// The whole batch in one go; the first event that does not go in undoes it all.
    pub(super) async fn apply_whole(&mut self, batch: &Batch) -> Result<Applied, Stop> {
        let mut decoded = Vec::new();
        for outcome in batch.events.iter().filter(|outcome| self.concerns(recorded(outcome))) {
            let recorded = recorded(outcome);
            if !self.parked_streams.is_empty() && self.parked_streams.contains(recorded.stream.as_str()) {
                return Err(Stop::At(Box::new(parked(recorded, BEHIND))));
            }
            decoded.push(outcome.as_ref().map_err(|poison| Stop::At(Box::new(parked(recorded, &poison.error))))?);
        }
        let Some(last) = decoded.last() else { return Ok(Applied::default()) };
        self.backend.begin().await?;
        if <B as ConversationTables>::TOGETHER {
            self.fold.prepare(&mut self.backend, &decoded).await?;
        }
        for event in &decoded {
            self.fold.apply(&mut self.backend, event).await.map_err(|error| stop(&event.recorded, error))?;
        }
        let filling = self.filling;
        self.fold.flush(&mut self.backend, filling).await.map_err(|error| stop(&last.recorded, error))?;
        self.move_checkpoint(batch.to).await?;
        self.backend.commit().await?;
        Ok(Applied { events: decoded.len() as u64, parked: 0, erased: self.fold.take_erased() })
    }

    /// Event by event, each undone by itself when it does not go in. Only for a batch known to hold such a one.
    pub(super) async fn apply_singly(&mut self, events: &[Single<'_>], to: Position) -> Result<Applied, Stop> {
        let mut applied = Applied::default();
        self.backend.begin().await?;
        for event in events {
            match self.apply_one(event).await? {
                None => {
                    applied.events += 1;
                    if event.retried {
                        self.backend.unpark(recorded(event.outcome).position).await?;
                    }
                }
                Some(why) => {
                    self.park(event, &why).await?;
                    applied.parked += 1;
                }
            }
        }
        self.move_checkpoint(to).await?;
        self.backend.commit().await?;
        applied.erased = self.fold.take_erased();
        Ok(applied)
    }

    /// None when the event went in, else why it did not.
    async fn apply_one(&mut self, event: &Single<'_>) -> Result<Option<String>, Stop> {
        let recorded = recorded(event.outcome);
        if self.parked_streams.contains(recorded.stream.as_str()) {
            return Ok(Some(BEHIND.to_owned()));
        }
        let decoded = match event.outcome {
            Ok(decoded) => decoded,
            Err(poison) => return Ok(Some(poison.error.clone())),
        };
        self.backend.savepoint().await?;
        self.fold.assign(event.reserved);
        let folded = match self.fold.apply(&mut self.backend, decoded).await {
            Ok(()) => self.fold.flush(&mut self.backend, false).await,
            Err(error) => Err(error),
        };
        self.fold.assign(None);
        match folded.map_err(|error| stop(recorded, error)) {
            Ok(()) => {
                self.backend.release(true).await?;
                Ok(None)
            }
            Err(Stop::At(event)) => {
                self.backend.release(false).await?;
                self.fold.reset();
                Ok(Some(event.error))
            }
            Err(stop) => Err(stop),
        }
    }

    async fn park(&mut self, event: &Single<'_>, why: &str) -> Result<(), Stop> {
        let recorded = recorded(event.outcome);
        let reserved = match event.reserved {
            Some(reserved) => Some(reserved),
            None => self.fold.reserve(&mut self.backend, recorded).await.map_err(|error| stop(recorded, error))?,
        };
        let event = parked(recorded, why);
        tracing::error!(position = %event.position, stream = event.stream, event = event.name, error = event.error,
            projection = self.backend.projection().name(), "an event cannot be applied; its stream is parked");
        self.backend.park(&event, reserved).await?;
        self.parked_streams.insert(event.stream.clone());
        self.parked.push(event);
        Ok(())
    }

    /// Compare-and-set: another projector at work on the same view is noticed before anything of ours is stored.
    pub(super) async fn move_checkpoint(&mut self, to: Position) -> Result<(), Stop> {
        if self.backend.move_checkpoint(self.stored, to).await? {
            return Ok(());
        }
        let projection = self.backend.projection().name();
        Err(Stop::Apply(ApplyError::Conflict { projection, expected: self.stored }))
    }
}

fn stop(event: &RecordedEvent, error: FoldError) -> Stop {
    match error {
        FoldError::Store { blame: Blame::File | Blame::Machine, .. } => error.into(),
        FoldError::Store { blame: Blame::Event, .. } | FoldError::Data(_) => {
            Stop::At(Box::new(parked(event, &error.to_string())))
        }
    }
}
