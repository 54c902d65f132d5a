//! One generation of a projection: its tables, its checkpoint, its parked streams.

use std::{
    collections::{HashMap, HashSet},
    mem,
};

use async_trait::async_trait;
use tidings_domain::ConversationId;
use tidings_event_store::{DecodedEvent, Position};

use super::{
    Backend, Done, Fold,
    applying::{Single, Stop},
    parked::recorded,
};
use crate::{
    model::ParkedEvent,
    runner::{Applied, ApplyError, Batch, Generation, OnPoison, Poison},
};

/// A generation open for folding.
pub(crate) struct Folding<B> {
    pub(crate) backend: B,
    pub(super) fold: Fold,
    /// Where the stored checkpoint stands.
    pub(super) stored: Position,
    /// Where the fold stands: beyond `stored` only by events that do not concern it.
    pub(super) position: Position,
    pub(super) parked: Vec<ParkedEvent>,
    pub(super) parked_streams: HashSet<String>,
    pub(super) filling: bool,
}

impl<B: Backend> Folding<B> {
    /// A generation whose tables were made ready, and whose checkpoint is at `stored`. `filling` for one that does not
    /// serve yet.
    pub(crate) async fn open(mut backend: B, stored: Position, filling: bool) -> Done<Self> {
        let parked = backend.parked().await?;
        let parked_streams = parked.iter().map(|event| event.stream.clone()).collect();
        let fold = Fold::of(backend.projection());
        Ok(Self { backend, fold, stored, position: stored, parked, parked_streams, filling })
    }

    /// Undoes what a failed transaction left, in the database and in memory.
    async fn undo(&mut self) {
        if let Err(error) = self.backend.rollback().await {
            tracing::warn!(%error, "a failed transaction could not be rolled back");
        }
        self.fold.reset();
        if let Ok(parked) = self.backend.parked().await {
            self.parked_streams = parked.iter().map(|event| event.stream.clone()).collect();
            self.parked = parked;
        }
    }

    async fn store_position(&mut self) -> Result<(), Stop> {
        self.backend.begin().await?;
        self.move_checkpoint(self.position).await?;
        Ok(self.backend.commit().await?)
    }

    /// What was put off while it was being filled.
    async fn write_rest(&mut self) -> Done {
        self.backend.begin().await?;
        self.fold.flush(&mut self.backend, false).await?;
        self.backend.commit().await
    }

    async fn settle(&mut self, outcome: Result<Applied, Stop>) -> Result<Applied, ApplyError> {
        match outcome {
            Ok(applied) => Ok(applied),
            Err(stop) => {
                self.undo().await;
                Err(match stop {
                    Stop::At(event) => ApplyError::Poisoned(*event),
                    Stop::Apply(error) => error,
                })
            }
        }
    }
}

#[async_trait]
impl<B: Backend> Generation for Folding<B> {
    fn number(&self) -> u32 {
        self.backend.number()
    }

    fn position(&self) -> Position {
        self.position
    }

    fn parked(&self) -> Vec<ParkedEvent> {
        self.parked.clone()
    }

    async fn apply(&mut self, batch: &Batch, on_poison: OnPoison) -> Result<Applied, ApplyError> {
        let applied = match self.apply_whole(batch).await {
            Err(Stop::At(_)) if on_poison == OnPoison::Park => {
                self.undo().await;
                let concerned = batch.events.iter().filter(|event| self.concerns(recorded(event)));
                let singles: Vec<_> =
                    concerned.map(|outcome| Single { outcome, retried: false, reserved: None }).collect();
                let singly = self.apply_singly(&singles, batch.to).await;
                self.settle(singly).await?
            }
            whole => self.settle(whole).await?,
        };
        if applied.events + applied.parked > 0 {
            self.stored = batch.to;
        }
        self.position = self.position.max(batch.to);
        self.backend.applied();
        Ok(applied)
    }

    async fn retry(&mut self, events: &[Result<DecodedEvent, Poison>]) -> Result<Applied, ApplyError> {
        let reserved: HashMap<_, _> = self.backend.reserved().await.map_err(super::FoldError::apply_error)?;
        let retried: HashSet<Position> = events.iter().map(|event| recorded(event).position).collect();
        self.parked.retain(|event| !retried.contains(&event.position));
        self.parked_streams = self.parked.iter().map(|event| event.stream.clone()).collect();
        let kept = |outcome| reserved.get(&recorded(outcome).position).copied();
        let singles: Vec<_> =
            events.iter().map(|outcome| Single { outcome, retried: true, reserved: kept(outcome) }).collect();
        let to = self.position;
        let singly = self.apply_singly(&singles, to).await;
        let applied = self.settle(singly).await?;
        self.stored = to;
        Ok(applied)
    }

    async fn persist(&mut self) -> Result<(), ApplyError> {
        if self.stored != self.position {
            let moved = self.store_position().await.map(|()| Applied::default());
            self.settle(moved).await?;
            self.stored = self.position;
        }
        Ok(())
    }

    async fn finish(&mut self) -> Result<(), ApplyError> {
        self.persist().await?;
        if mem::take(&mut self.filling) {
            let rest = self.write_rest().await.map_err(Stop::from).map(|()| Applied::default());
            self.settle(rest).await?;
            self.backend.finish().await.map_err(super::FoldError::apply_error)?;
        }
        Ok(())
    }

    async fn settle_in(&mut self) -> Result<(), ApplyError> {
        self.backend.settle_in().await.map_err(super::FoldError::apply_error)
    }

    fn assume(&mut self, numbers: HashMap<ConversationId, i64>) {
        self.fold.assume(numbers);
    }

    async fn tidy(&mut self) -> Result<bool, ApplyError> {
        self.backend.tidy().await.map_err(super::FoldError::apply_error)
    }
}
